"""GAN-INT-CLS: images from captions; Reed et al., 2016, "Generative adversarial text to image synthesis"."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Protocol

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from zerosum.batches import Captioned, Draw
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move, Player
from zerosum.latent import LatentDim, Normal
from zerosum.latent_game import LatentGame
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.losses.penalties import GradientPenalties, PenaltyEvery, check_weights, lazy
from zerosum.modality import Spec, Tokens
from zerosum.networks import captioned, small
from zerosum.networks.blocks import Norm
from zerosum.networks.discriminate import discriminate_each
from zerosum.networks.text_encoder import TextEncoder, matched
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates, Illustrates

Given = tuple[Tensor, ...]  # what networks see beside z or an image: a meaning, or nothing


class GANINTCLS(LatentGame[Captioned], Illustrates, Discriminates):
    """GAN-INT-CLS: a conditional GAN of captions, whose D knows wrong ones; Reed et al., 2016, algorithm 1.

    First the text encoder learns, beside an image encoder, which texts and images belong together; then it is frozen,
    and the game is played. D sees real images with a caption of theirs (real), the same images with a caption of
    another (wrong), and fakes with the caption that they were made for (fake): wrong and fake count half each (CLS).
    G also answers to D for what lies midway between two captions, of which there is no image (INT, eq. 5, beta 1/2).

    Args:
        encoder: ids of texts (B, length) to meanings (B, E); without parameters it knows them already.
        images: images (B, *shape) to as many numbers, which learns beside the encoder; None where that does not learn.
        generator: z, (B, latent_dim), and meanings to images.
        discriminator: images and meanings to logits (B, 1).
        condition: the kind of the captions.
    """

    name = "gan-int-cls"

    @dataclass(frozen=True)
    class Config(Checked):
        cls: Annotated[bool, "matching-aware D: real images with wrong captions are no better than fakes (CLS)"] = True
        interpolated: Annotated[
            float,
            Ge(0),
            Le(1),
            "G's samples of what lies midway between two captions, by one of a caption (INT); 0: none",
        ] = 0.5
        encoder_steps: Annotated[
            int, Gt(0), "steps in which the text encoder learns; then it is frozen, and the game is played"
        ] = 1_500
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: GradientPenalties = None
        penalty_every: PenaltyEvery = 1
        latent_dim: LatentDim = 100
        e_optimizer: Annotated[Optimizer, "the text encoder's"] = Adam(1e-3, (0.9, 0.999))
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(
        self,
        encoder: nn.Module,
        images: nn.Module | None,
        generator: nn.Module,
        discriminator: nn.Module,
        condition: Tokens,
        config: Config = Config(),
    ):
        super().__init__()
        require_unpaired(config.objective)
        self.encoder, self.images, self.config, self.condition = encoder, images, config, condition
        self.generator, self.discriminator = generator, discriminator
        self.prior = Normal(config.latent_dim)

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def players(self) -> dict[str, Player]:
        config = self.config
        reader = {} if self.images is None else {"encoder": Player(config.e_optimizer, (self.encoder, self.images))}
        return reader | {
            "generator": Player(config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Captioned], step: int) -> Iterator[Move]:
        config, objective = self.config, OBJECTIVES[self.config.objective]
        x, text, wrong = draw()
        if self.images is not None and step < config.encoder_steps:
            yield Move("encoder", matching=matched(self.images, x, self.encoder(text), text))
            return
        with torch.no_grad():
            right, other = self.embed(text), self.embed(wrong)
            fake = self.generator(self.latents(len(x)), right)
        told = (other,) if config.cls else ()
        yield matching_aware("discriminator", self.discriminator, config, step, x, fake, (right,), told)
        between = (right + other)[: math.ceil(config.interpolated * len(right))] / 2
        asked = torch.cat([right, between])
        fake = self.generator(self.latents(len(asked)), asked)
        yield Move("generator", adversarial=objective.g(self.discriminator(fake, asked)))

    def phase(self, step: int) -> Hashable | None:
        if self.images is None:
            return None  # an encoder of another package may compute anywhere
        if step < self.config.encoder_steps:
            return "captions"
        return "images", step % self.config.penalty_every == 0

    def stage(self, step: int) -> str:
        return "captions" if self.images is not None and step < self.config.encoder_steps else "images"

    def embed(self, text: Tensor) -> Tensor:
        meaning: Tensor = self.encoder(text)
        return meaning.float()

    def illustrate(self, z: Tensor, meaning: Tensor) -> Tensor:
        made: Tensor = self.generator(z, meaning)
        return made

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits: Tensor = self.discriminator(x, *self.conditions(y))
        return logits.flatten()


def require_unpaired(name: ObjectiveName) -> None:
    """`ZerosumError` for an objective that D cannot have beside wrong captions."""
    if OBJECTIVES[name].paired:
        raise ZerosumError(
            f"--objective {name} compares each fake with a real sample, and wrong captions have none of their own; "
            "choose another"
        )


class Penalised(Protocol):
    """Options of D's loss."""

    @property
    def objective(self) -> ObjectiveName: ...
    @property
    def penalties(self) -> GradientPenalties: ...
    @property
    def penalty_every(self) -> PenaltyEvery: ...


def matching_aware(
    player: str,
    discriminator: nn.Module,
    config: Penalised,
    step: int,
    real: Tensor,
    fake: Tensor,
    right: Given,
    wrong: Given,
) -> Move:
    """D's move: it is to tell real images from fakes, and from real images with something wrong beside them.

    Real ones count once, both others half each; algorithm 1. Where nothing is wrong, D sees real and fake ones alone.
    """
    objective, fake = OBJECTIVES[config.objective], fake.to(real.dtype)
    batches = [(real, *right), (fake, *right), *([(real, *wrong)] if wrong else [])]
    real_logits, fake_logits, *wrong_logits = discriminate_each(discriminator, batches)
    answers = [objective.d(real_logits, logits) for logits in (fake_logits, *wrong_logits)]
    given = partial(_with, discriminator, right)
    penalties = lazy(config.penalties, config.penalty_every, step, given, real, fake, discriminator)
    return Move(
        player,
        adversarial=torch.stack(answers).mean(),
        **penalties,
        logits=Logits(real_logits, fake_logits),
        log={"wrong": torch.cat(wrong_logits).float().mean()} if wrong_logits else {},
    )


def _with(discriminator: nn.Module, given: Given, x: Tensor) -> Tensor:
    """D's logits of images, of one batch of what is given or of several below each other."""
    logits: Tensor = discriminator(x, *(values.repeat(len(x) // len(values), 1) for values in given))
    return logits


@dataclass(frozen=True)
class Network(Checked):
    """DCGAN's networks with a text beside them, and the encoders of texts and images."""

    width: Annotated[int, Gt(0), "D's channels at half the image's size; each further halving doubles them"] = 64
    generator_width: Annotated[int, Gt(0), "G's; the same"] = 128
    norm: Annotated[Norm, "D's normalisation; penalties want any but batch"] = "batch"
    generator_norm: Annotated[Norm, "G's normalisation"] = "batch"
    text: Annotated[int, Gt(0), "numbers that G and D compress a text to"] = 256
    meaning: Annotated[int, Gt(0), "numbers of a text's meaning"] = 128
    words: Annotated[int, Gt(0), "numbers of a word, and units of the recurrent encoder"] = 128


def _build(data: Spec, config: GANINTCLS.Config, network: Network) -> GANINTCLS:
    kind, shape, size = data.text, data.x.shape, network.meaning
    if not isinstance(kind, Tokens):
        raise ValueError(f"text holds {kind.plural}, and captions are needed")
    g_norm, d_norm = network.generator_norm, network.norm
    return GANINTCLS(
        TextEncoder(kind, size, network.words),
        small.Discriminator(shape, network.width, size),
        captioned.Generator(config.latent_dim, size, shape, network.generator_width, network.text, g_norm),
        captioned.Discriminator(size, shape, network.width, network.text, d_norm),
        kind,
        config,
    )


@recipe(data="shapes", batch_size=64, steps=40_000)
def images(
    data: Spec, config: GANINTCLS.Config = GANINTCLS.Config(encoder_steps=4_000), network: Network = Network()
) -> GANINTCLS:
    """DCGAN's networks for any images with captions; the paper's widths and rates."""
    return _build(data, config, network)


_FALLING = Decay("linear", start=2_500)


@recipe(data="shapes", batch_size=64, steps=5_000, average=0.995, sample_every=1_000)
def shapes(
    data: Spec,
    config: GANINTCLS.Config = GANINTCLS.Config(
        encoder_steps=800,
        objective="hinge",
        latent_dim=32,
        g_optimizer=Adam(1e-3, (0.5, 0.99), decay=_FALLING),
        d_optimizer=Adam(1e-3, (0.5, 0.99), decay=_FALLING),
    ),
    network: Network = Network(16, 32, "spectral", text=64),
) -> GANINTCLS:
    """Narrow networks and large rates for pictures of shapes, on a CPU."""
    return _build(data, config, network)
