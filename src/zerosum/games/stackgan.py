"""StackGAN: images from captions in two stages, a small one and a large one; Zhang et al., 2017."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from zerosum.batches import B, Draw, NearCaptioned
from zerosum.errors import ZerosumError
from zerosum.game import Move, Player
from zerosum.games.gan_int_cls import Given, matching_aware, require_unpaired
from zerosum.latent import LatentDim, Normal
from zerosum.latent_game import LatentGame
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.losses.penalties import GradientPenalties, PenaltyEvery, check_weights
from zerosum.losses.variational import kl_divergence
from zerosum.modality import Shape, Spec, Tokens
from zerosum.networks import captioned, dcgan, small
from zerosum.networks.blocks import Norm, image_shape
from zerosum.networks.discriminate import in_evaluation
from zerosum.networks.stackgan import FACTOR, Augmentation, Enlarger
from zerosum.networks.text_encoder import TextEncoder, matched
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates, Drafts, Illustrates
from zerosum.util.switches import With

Made = tuple[Tensor, dict[str, Any]]  # fakes, and the terms of G's loss beside D's answer


@dataclass(frozen=True)
class Stages(Checked):
    """What both stages share, with captions or without."""

    first_steps: Annotated[
        int, Ge(0), "steps in which stage I learns; then it is frozen, and stage II learns in those that are left"
    ] = 20_000
    objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
    penalties: GradientPenalties = None
    penalty_every: PenaltyEvery = 1
    latent_dim: LatentDim = 100
    g_optimizer: Annotated[GeneratorOptimizer, With("first_steps"), "that of stage I's generator"] = Adam(2e-4)
    d_optimizer: Annotated[DiscriminatorOptimizer, With("first_steps"), "that of stage I's discriminator"] = Adam(2e-4)
    g2_optimizer: Annotated[GeneratorOptimizer, "that of stage II's generator"] = Adam(2e-4)
    d2_optimizer: Annotated[DiscriminatorOptimizer, "that of stage II's discriminator"] = Adam(2e-4)


class Stacked(LatentGame[B], Drafts, Discriminates, ABC):
    """Two GANs: of images shrunk to a quarter of their sides, and of what becomes of these at full size.

    While stage II has not begun, samples are stage I's, enlarged. `score` is of stage II's discriminator, which has
    learnt nothing until then.

    Attributes:
        first_generator, first_discriminator: stage I's.
        generator, discriminator: stage II's.
    """

    first_generator: nn.Module
    first_discriminator: nn.Module
    discriminator: nn.Module
    config: Stages

    def __init__(self, config: Stages) -> None:
        super().__init__()
        require_unpaired(config.objective)

    @abstractmethod
    def _draft(self, z: Tensor, *given: Tensor) -> Tensor:
        """Stage I's images."""

    @abstractmethod
    def _finish(self, z: Tensor, draft: Tensor, *given: Tensor) -> Tensor:
        """Stage II's images of stage I's, by the same z."""

    @property
    @abstractmethod
    def _start(self) -> int:
        """The step in which stage I begins."""

    def check(self) -> None:
        for network in (self.first_discriminator, self.discriminator):
            check_weights(self.config.penalties, network)

    def players(self) -> dict[str, Player]:
        config = self.config
        first, second = self._generators()
        stage_one = {
            "first-generator": Player(config.g_optimizer, first, averaged=True),
            "first-discriminator": Player(config.d_optimizer, (self.first_discriminator,)),
        }
        return (stage_one if config.first_steps else {}) | {
            "generator": Player(config.g2_optimizer, second, averaged=True),
            "discriminator": Player(config.d2_optimizer, (self.discriminator,)),
        }

    def _take(self) -> None:
        """With no steps of stage I, it is taken as it is, and nobody moves it."""
        if not self.config.first_steps:
            for module in (*self._generators()[0], self.first_discriminator):
                module.requires_grad_(False)

    def _generators(self) -> tuple[tuple[nn.Module, ...], tuple[nn.Module, ...]]:
        """All that learns to make images in stage I, and in stage II."""
        return (self.first_generator,), (self.generator,)

    def stage(self, step: int) -> str:
        return "first" if step < self._start + self.config.first_steps else "second"

    def phase(self, step: int) -> Hashable | None:
        return self.stage(step), step % self.config.penalty_every == 0

    def _made(self, z: Tensor, *given: Tensor) -> Tensor:
        return self._finish(z, self._draft(z, *given), *given)

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self._made(z, *self.conditions(y))

    def draft(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self._draft(z, *self.conditions(y))

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits: Tensor = self.discriminator(x, *self.conditions(y))
        return logits.flatten()

    def _duel(
        self,
        stage: str,
        discriminator: nn.Module,
        step: int,
        real: Tensor,
        right: Given,
        wrong: Given,
        make: Callable[[], Made],
    ) -> Iterator[Move]:
        """The moves of a stage. D sees real images, fakes, and real images with something wrong, where there is some.

        Args:
            stage: what the names of its players begin with.
        """
        with torch.no_grad():
            fake, _ = make()
        yield matching_aware(f"{stage}discriminator", discriminator, self.config, step, real, fake, right, wrong)
        fake, terms = make()
        objective = OBJECTIVES[self.config.objective]
        yield Move(f"{stage}generator", adversarial=objective.g(discriminator(fake, *right)), **terms)


class StackGAN(Stacked[NearCaptioned], Illustrates):
    """Stage I makes a small image of a caption, stage II a large one of that and the caption; Zhang et al., 2017.

    First the text encoder learns, beside encoders of images, which texts and images belong together; then it is frozen.
    Stage I is a GAN of images shrunk to a quarter of their sides; then it is frozen, too, and stage II learns to make
    images of its samples. Both generators are told a condition drawn about the meaning of a text (conditioning
    augmentation), whose divergence from N(0, 1) they pay for; both discriminators see fakes, and real images with wrong
    captions, which count half each.

    Args:
        encoder: ids of texts (B, length) to meanings (B, E); without parameters it knows them already.
        images: encoders of images, small and large, to as many numbers, which learn beside that of texts; None where
            that does not learn: `encoder_steps` and `e_optimizer` then count for nothing.
        augmentations: meanings of length sqrt(E) to conditions, of stage I and of stage II.
        generators: z and a condition, (B, latent_dim + dim), to small images; and these, and a condition, to large
            ones.
        discriminators: small images and meanings to logits (B, 1); and large ones.
        condition: the kind of the captions.
    """

    name = "stackgan"

    @dataclass(frozen=True)
    class Config(Stages):
        encoder_steps: Annotated[
            int, Ge(0), "steps in which the text encoder learns; then it is frozen, and stage I learns"
        ] = 4_000
        augmentation: Annotated[
            bool, "conditions are drawn about the meaning of a text (conditioning augmentation)"
        ] = True
        kl: Annotated[
            float,
            Ge(0),
            With("augmentation"),
            "weight of the KL divergence of conditions from N(0, 1), a mean over their numbers",
        ] = 2.0
        near: Annotated[
            float, Ge(0), Le(1), "share of D's wrong captions that differ in a single word from a right one"
        ] = 0.0
        matching: Annotated[
            float,
            Ge(0),
            "weight in G's loss of how badly fakes and their texts are matched by the encoders (AttnGAN's DAMSM)",
        ] = 0.0
        e_optimizer: Annotated[Optimizer, With("encoder_steps"), "the text encoder's"] = Adam(1e-3, (0.9, 0.999))

    config: Config

    def __init__(
        self,
        encoder: nn.Module,
        images: tuple[nn.Module, nn.Module] | None,
        augmentations: tuple[Augmentation, Augmentation],
        generators: tuple[nn.Module, nn.Module],
        discriminators: tuple[nn.Module, nn.Module],
        condition: Tokens,
        config: Config = Config(),
    ):
        super().__init__(config)
        if images is None and config.matching:
            raise ZerosumError("--matching asks encoders of images, and there are none to learn; set it to 0")
        if images is None and config.encoder_steps not in (0, self.Config.encoder_steps):
            raise ZerosumError(
                f"encoder_steps {config.encoder_steps} would be ignored, as there are no encoders of images that the "
                "text encoder learns beside; leave it out"
            )
        if images is not None and config.encoder_steps and not config.first_steps:
            raise ZerosumError(
                "first_steps 0 takes stage I as it is, and a text encoder that learns changes the meanings that it "
                "knows; give the encoder, too, and set encoder_steps to 0"
            )
        self.encoder, self.config, self.condition = encoder, config, condition
        self.images = None if images is None else nn.ModuleList(images)
        self.first_augmentation, self.augmentation = augmentations
        self.first_generator, self.generator = generators
        self.first_discriminator, self.discriminator = discriminators
        self.sizes = [config.latent_dim, *(augmentation.noise for augmentation in augmentations)]
        self.prior = Normal(sum(self.sizes))  # z, and what both conditions are drawn by
        if not config.encoder_steps:
            for module in filter(None, (self.encoder, self.images)):
                module.requires_grad_(False)
        self._take()

    @property
    def _start(self) -> int:
        return 0 if self.images is None else self.config.encoder_steps

    def players(self) -> dict[str, Player]:
        reader = {}
        if self.images is not None and self._start:
            reader = {"encoder": Player(self.config.e_optimizer, (self.encoder, self.images))}
        return reader | super().players()

    def _generators(self) -> tuple[tuple[nn.Module, ...], tuple[nn.Module, ...]]:
        return (self.first_generator, self.first_augmentation), (self.generator, self.augmentation)

    def stage(self, step: int) -> str:
        return "captions" if step < self._start else super().stage(step)

    def phase(self, step: int) -> Hashable | None:
        return None if self.images is None else super().phase(step)  # another package's encoder may compute anywhere

    def round(self, draw: Draw[NearCaptioned], step: int) -> Iterator[Move]:
        x, text, wrong, near = draw()
        if step < self._start:
            yield self._match(x, text, near)
            return
        count = math.ceil(self.config.near * len(x))
        with torch.no_grad():
            right, other = self.embed(text), self.embed(torch.cat([near[:count], wrong[count:]]))
            close = self.embed(near) if self.config.matching else None
        if step < self._start + self.config.first_steps:
            make = partial(self._make_first, text, right, close)
            yield from self._duel("first-", self.first_discriminator, step, shrunk(x), (right,), (other,), make)
            return
        make = partial(self._make_second, text, right, close)
        yield from self._duel("", self.discriminator, step, x, (right,), (other,), make)

    def _match(self, x: Tensor, text: Tensor, near: Tensor) -> Move:
        """The move of the encoders."""
        assert self.images is not None
        meaning, wrong = self.encoder(text), self.encoder(near)
        small_images, images = self.images
        return Move(
            "encoder",
            matching=matched(images, x, meaning, text, wrong),
            small=matched(small_images, shrunk(x), meaning, text, wrong),
        )

    def _make_first(self, text: Tensor, right: Tensor, near: Tensor | None) -> Made:
        z = self.latents(len(right))
        fake = self._draft(z, right)
        return fake, self._terms(0, self.first_augmentation, fake, text, right, near)

    def _make_second(self, text: Tensor, right: Tensor, near: Tensor | None) -> Made:
        z = self.latents(len(right))
        with torch.no_grad(), in_evaluation(self.first_generator):
            draft = self._draft(z, right)
        fake = self._finish(z, draft, right)
        return fake, self._terms(1, self.augmentation, fake, text, right, near)

    def _terms(
        self, stage: int, augmentation: Augmentation, fake: Tensor, text: Tensor, right: Tensor, near: Tensor | None
    ) -> dict[str, Any]:
        """What a generator pays beside D's answer: of meanings `right` of texts, and `near` ones for matching."""
        config, terms = self.config, dict[str, Any]()
        if augmentation.drawn:
            terms["kl"] = config.kl * kl_divergence(*augmentation.distribution(right)) / augmentation.dim
        if near is not None and self.images is not None:
            meanings = [F.normalize(meaning, dim=1) for meaning in (right, near)]
            images = self.images[stage]
            terms["matching"] = config.matching * matched(images, fake, meanings[0], text, meanings[1])
        return terms

    def _draft(self, z: Tensor, *given: Tensor) -> Tensor:
        own, noise, _ = z.split(self.sizes, 1)
        condition = self.first_augmentation(*given, noise)
        draft: Tensor = self.first_generator(torch.cat([own, condition.to(z.dtype)], 1))
        return draft

    def _finish(self, z: Tensor, draft: Tensor, *given: Tensor) -> Tensor:
        made: Tensor = self.generator(draft, self.augmentation(*given, z.split(self.sizes, 1)[2]))
        return made

    def embed(self, text: Tensor) -> Tensor:
        """(B, E) meanings of length sqrt(E), so that their numbers are about as large as those of z."""
        meaning: Tensor = F.normalize(self.encoder(text).float(), dim=1)
        return math.sqrt(meaning.shape[1]) * meaning

    def illustrate(self, z: Tensor, meaning: Tensor) -> Tensor:
        return self._made(z, meaning)


class PlainStackGAN(Stacked[Tensor]):
    """StackGAN without text: stage I makes small images of z, stage II large ones of these.

    Args:
        generators: z, (B, latent_dim), to small images; and these to large ones.
        discriminators: small images to logits (B, 1); and large ones.
    """

    name = "stackgan-plain"

    @dataclass(frozen=True)
    class Config(Stages):
        pass

    def __init__(
        self,
        generators: tuple[nn.Module, nn.Module],
        discriminators: tuple[nn.Module, nn.Module],
        config: Config = Config(),
    ):
        super().__init__(config)
        self.config = config
        self.first_generator, self.generator = generators
        self.first_discriminator, self.discriminator = discriminators
        self.prior = Normal(config.latent_dim)
        self._take()

    @property
    def _start(self) -> int:
        return 0

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        x = draw()
        if step < self.config.first_steps:
            make = partial(self._make_first, len(x))
            yield from self._duel("first-", self.first_discriminator, step, shrunk(x), (), (), make)
            return
        yield from self._duel("", self.discriminator, step, x, (), (), partial(self._make_second, len(x)))

    def _make_first(self, count: int) -> Made:
        return self._draft(self.latents(count)), {}

    def _make_second(self, count: int) -> Made:
        z = self.latents(count)
        with torch.no_grad(), in_evaluation(self.first_generator):
            draft = self._draft(z)
        return self._finish(z, draft), {}

    def _draft(self, z: Tensor, *given: Tensor) -> Tensor:
        draft: Tensor = self.first_generator(z)
        return draft

    def _finish(self, z: Tensor, draft: Tensor, *given: Tensor) -> Tensor:
        made: Tensor = self.generator(draft)
        return made


def shrunk(x: Tensor) -> Tensor:
    """Images (B, C, H, W) at a quarter of both sides: means of 4x4 pixels."""
    return F.avg_pool2d(x, FACTOR)


@dataclass(frozen=True)
class Network(Checked):
    """DCGAN's networks in stage I, residual blocks in stage II, and discriminators of DCGAN's convolutions."""

    width: Annotated[int, Gt(0), "Ds' channels at half the image's size; each further halving doubles them"] = 64
    generator_width: Annotated[int, Gt(0), "that of stage I's generator; the same"] = 128
    second_width: Annotated[int, Gt(0), "channels of stage II's generator at full size; each halving doubles them"] = 32
    blocks: Annotated[int, Ge(0), "residual blocks of stage II's generator"] = 4
    norm: Annotated[Norm, "Ds' normalisation; penalties want any but batch"] = "batch"


@dataclass(frozen=True)
class CaptionedNetwork(Network):
    """The same, and what texts go through."""

    text: Annotated[int, Gt(0), "numbers that Ds compress a text to"] = 128
    condition: Annotated[int, Gt(0), "numbers of a condition (c), of each stage"] = 128
    meaning: Annotated[int, Gt(0), "numbers of a text's meaning"] = 128
    words: Annotated[int, Gt(0), "numbers of a word, and units of the recurrent encoder"] = 128


def _small(shape: Shape) -> Shape:
    channels, height, width = image_shape(shape)
    if height % FACTOR or width % FACTOR:
        raise ValueError(
            f"stage I's images have a quarter of the sides, and 4 does not divide {width}x{height}; choose a --size "
            "that it divides"
        )
    return channels, height // FACTOR, width // FACTOR


def _generators(shape: Shape, network: Network, latent_dim: int, condition: int) -> tuple[nn.Module, nn.Module]:
    first = dcgan.Generator(latent_dim + condition, _small(shape), network.generator_width)
    return first, Enlarger(shape, network.second_width, condition, network.blocks)


def _require_steps(config: Stages, *names: str) -> None:
    """A recipe begins with networks that have learnt nothing."""
    for name in names:
        if not getattr(config, name):
            raise ZerosumError(
                f"--{name.replace('_', '-')} 0 would freeze networks that have learnt nothing: give it some steps, or "
                "build the game in Python of networks that have learnt"
            )


def _build(data: Spec, config: StackGAN.Config, network: CaptionedNetwork) -> StackGAN:
    _require_steps(config, "encoder_steps", "first_steps")
    kind, shape, size = data.text, data.x.shape, network.meaning
    if not isinstance(kind, Tokens):
        raise ValueError(f"text holds {kind.plural}, and captions are needed")
    shapes, width = (_small(shape), shape), network.width

    def both(make: Callable[[Shape], nn.Module]) -> tuple[nn.Module, nn.Module]:
        first, second = map(make, shapes)
        return first, second

    augmentations = [Augmentation(size, network.condition, config.augmentation) for _ in shapes]
    return StackGAN(
        TextEncoder(kind, size, network.words),
        both(lambda own: small.Discriminator(own, width, size)),
        (augmentations[0], augmentations[1]),
        _generators(shape, network, config.latent_dim, network.condition),
        both(lambda own: captioned.Discriminator(size, own, width, network.text, network.norm)),
        kind,
        config,
    )


@recipe(data="shapes", batch_size=64, steps=44_000)
def images(
    data: Spec, config: StackGAN.Config = StackGAN.Config(), network: CaptionedNetwork = CaptionedNetwork()
) -> StackGAN:
    """For any images with captions, whose sides 4 divides; the paper's widths and rates."""
    return _build(data, config, network)


_FIRST = Decay("linear", start=7_000, steps=1_500)
_SECOND = Decay("linear", start=11_500)


@recipe(data="shapes", batch_size=32, steps=14_500, average=0.995, sample_every=1_000, side=64, drawn=True)
def shapes(
    data: Spec,
    config: StackGAN.Config = StackGAN.Config(
        encoder_steps=3_500,
        first_steps=5_000,
        objective="hinge",
        latent_dim=16,
        near=0.5,
        matching=5.0,
        g_optimizer=Adam(1e-3, (0.5, 0.99), decay=_FIRST),
        d_optimizer=Adam(1e-3, (0.5, 0.99), decay=_FIRST),
        g2_optimizer=Adam(5e-4, (0.5, 0.99), decay=_SECOND),
        d2_optimizer=Adam(5e-4, (0.5, 0.99), decay=_SECOND),
    ),
    network: CaptionedNetwork = CaptionedNetwork(16, 32, 12, 2, "spectral", text=64, words=64),
) -> StackGAN:
    """Narrow networks and large rates for pictures of shapes of 64x64 pixels, on a CPU."""
    return _build(data, config, network)


@recipe(data="shapes", name="stackgan/plain", batch_size=64, steps=40_000, side=64, drawn=True)
def plain(
    data: Spec, config: PlainStackGAN.Config = PlainStackGAN.Config(), network: Network = Network()
) -> PlainStackGAN:
    """For images without text, whose sides 4 divides; the paper's widths and rates."""
    _require_steps(config, "first_steps")
    shape = data.x.shape
    first, second = (dcgan.Discriminator(own, network.width, network.norm) for own in (_small(shape), shape))
    return PlainStackGAN(_generators(shape, network, config.latent_dim, 0), (first, second), config)
