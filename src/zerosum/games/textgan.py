"""TextGAN: texts of z, whose features are to have the distribution of real ones'; Zhang et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, Sequences
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move, Player
from zerosum.latent import LatentDim
from zerosum.latent_game import LatentGame
from zerosum.losses import non_saturating
from zerosum.losses.discrepancy import discrepancy
from zerosum.modality import Spec, Tokens
from zerosum.networks.text_cnn import TextCNN
from zerosum.networks.text_writer import TextWriter
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates, Encodes
from zerosum.util.switches import With


class TextGAN(LatentGame[Sequences], Discriminates, Encodes):
    """G writes texts of z by soft-argmax, and matches D's features of real ones by MMD; Zhang et al., 2017.

    D minimises its loss as a GAN's, plus `reconstruction` times |z - z^|^2, minus `matching` times MMD^2 of its
    features; G minimises that MMD^2. First, for `pretrain` steps, both are initialised: G and the code z^ that D finds
    in a real text are an autoencoder, and D tells real texts from such with two words swapped.

    Args:
        generator: z to texts.
        discriminator: texts to logits (B, 1), by way of features (B, F).
        recogniser: these features to z^, (B, latent_dim).
        compressor: these features to those that are matched, (B, K).
    """

    generator: TextWriter
    discriminator: TextCNN
    config: Config
    name = "textgan"
    makes = "ids"

    @dataclass(frozen=True)
    class Config(Checked):
        pretrain: Annotated[int, Ge(0), "steps of autoencoding real texts, and of telling swapped words"] = 1_200
        code_noise: Annotated[
            float,
            Ge(0),
            With("pretrain", lambda own: own.pretrain or own.autoencoding),
            "deviation of the noise on codes of real texts, beside z's of 1",
        ] = 0.5
        code_prior: Annotated[
            float,
            Ge(0),
            With("pretrain", lambda own: own.pretrain or own.autoencoding),
            "weight of MMD^2 between these codes and z",
        ] = 10.0
        d_steps: Annotated[int, Gt(0), "discriminator moves per step"] = 1
        reconstruction: Annotated[float, Ge(0), "weight of the squared error of z^, a mean over its numbers"] = 1.0
        matching: Annotated[float, Ge(0), "weight of MMD^2 in D's loss, which D maximises"] = 1.0
        gan: Annotated[float, Ge(0), "weight of the GAN's loss in G's, which is MMD^2 alone in the paper"] = 0.0
        autoencoding: Annotated[float, Ge(0), "weight of the autoencoder in the game, in the moves of both"] = 0.0
        temperature: Annotated[float, Gt(0), "of the soft-argmax; the paper's is the inverse of its L"] = 0.2
        straight_through: Annotated[bool, "D sees one-hot tokens, whose gradient is the soft-argmax's"] = True
        latent_dim: LatentDim = 32
        g_optimizer: GeneratorOptimizer = Adam(1e-3, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-3, (0.9, 0.999))

    def __init__(
        self,
        generator: TextWriter,
        discriminator: TextCNN,
        recogniser: nn.Module,
        compressor: nn.Module,
        config: Config = Config(),
    ):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.recogniser, self.compressor = recogniser, compressor
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        of_d = (self.discriminator, self.recogniser, self.compressor)
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, of_d),
        }

    def check(self) -> None:
        tokens = self.generator.tokens
        if tokens.length - (tokens.end is not None) < 2:
            raise ZerosumError("texts of one token have no words to change places; give longer ones")
        if len(tokens.known) < 2:
            raise ZerosumError("all words of the texts are the same, so that nothing is to be learnt; give others")

    def round(self, draw: Draw[Sequences], step: int) -> Iterator[Move]:
        config, real = self.config, draw().ids
        if len(real) < 2:
            raise ZerosumError("textgan compares the texts of a batch with each other; give --batch-size 2 or more")
        if step < config.pretrain:
            yield from self._initialise(real)
            return
        for _ in range(config.d_steps):
            yield self._discriminate(real)
            real = draw().ids
        yield self._write(real)

    def _initialise(self, real: Tensor) -> Iterator[Move]:
        config, d = self.config, self.discriminator
        features, others = self.features(torch.cat([real, swapped(self.generator.tokens, real)])).chunk(2)
        z = self._code(features)
        terms: dict[str, Any] = {
            "adversarial": non_saturating.d(d.judge(features), d.judge(others)),
            "matching": -config.matching * self._matched(features, others),
            **self._encode(z, real),
        }
        yield Move("discriminator", **terms)
        yield Move("generator", autoencoding=self.generator.surprise(z.detach(), real))

    def _discriminate(self, real: Tensor) -> Move:
        config, d = self.config, self.discriminator
        z = self.latents(len(real))
        with torch.no_grad():
            fake = self._soft(z)
        of_real, of_fake = self.features(real), self.features(fake)
        logits = Logits(d.judge(of_real), d.judge(of_fake))
        error = (self.recogniser(of_fake).float() - z).square().mean()
        terms: dict[str, Any] = {
            "adversarial": non_saturating.d(*logits),
            "reconstruction": config.reconstruction * error,
            "matching": -config.matching * self._matched(of_real, of_fake),
        }
        if config.autoencoding:
            terms |= self._encode(self._code(of_real), real, config.autoencoding)
        return Move("discriminator", logits=logits, **terms)

    def _write(self, real: Tensor) -> Move:
        config = self.config
        z = self.latents(len(real))
        with torch.no_grad():
            of_real = self.features(real)
        of_fake = self.features(self._soft(z))
        terms: dict[str, Any] = {"adversarial": self._matched(of_real, of_fake)}
        if config.gan:
            terms["gan"] = config.gan * non_saturating.g(self.discriminator.judge(of_fake))
        if config.autoencoding:
            with torch.no_grad():
                code = self._code(of_real)
            terms["autoencoding"] = config.autoencoding * self.generator.surprise(code, real)
        return Move("generator", **terms)

    def _encode(self, code: Tensor, real: Tensor, weight: float = 1.0) -> dict[str, Tensor]:
        """What D is asked for as the encoder: codes (B, latent_dim) that say what real texts are, and look like z."""
        z, scale = self.latents(len(code)), (2 * self.config.latent_dim) ** 0.5  # of the distances between two z
        return {
            "autoencoding": weight * self.generator.surprise(code, real),
            "prior": weight * self.config.code_prior * discrepancy(z, code, scale),
        }

    def _soft(self, z: Tensor) -> Tensor:
        return self.generator.soft(z, self.config.temperature, self.config.straight_through)

    def _matched(self, real: Tensor, fake: Tensor) -> Tensor:
        """MMD^2 of compressed features, whose numbers lie in (-1, 1)."""
        real, fake = self.compressor(real), self.compressor(fake)
        return discrepancy(real, fake, real.shape[1] ** 0.5)

    def _code(self, features: Tensor) -> Tensor:
        z: Tensor = self.recogniser(features)
        return z + self.config.code_noise * torch.randn_like(z)

    def features(self, x: Tensor) -> Tensor:
        """(B, F) of texts: ids (B, length), or soft tokens (B, length, V)."""
        return self.discriminator.features(self.discriminator.embed(x))

    def phase(self, step: int) -> Hashable | None:
        return "game" if step >= self.config.pretrain else "beginning"

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x).flatten()

    def encode(self, x: Tensor) -> Tensor:
        z: Tensor = self.recogniser(self.features(x))
        return z


def swapped(tokens: Tokens, ids: Tensor) -> Tensor:
    """Texts (B, length) in each of which two tokens have changed places; those of fewer stay as they are."""
    lengths = tokens.lengths(ids)
    u = torch.rand(2, len(ids), device=ids.device)
    first = (u[0] * lengths).long()
    further = 1 + (u[1] * (lengths - 1).clamp(min=0)).long()
    second = torch.where(lengths > 1, (first + further) % lengths.clamp(min=1), first)
    places = torch.stack([first, second], 1)
    return ids.scatter(1, places, ids.gather(1, places.flip(1)))


@dataclass(frozen=True)
class Network(Checked):
    """The size of the networks."""

    embedding: Annotated[int, Gt(0), "numbers that a token becomes, for G"] = 64
    hidden: Annotated[int, Gt(0), "units of G's LSTM"] = 128
    d_embedding: Annotated[int, Gt(0), "numbers that a token becomes, for D"] = 32
    filters: Annotated[int, Gt(0), "D's filters of each width"] = 64
    widest: Annotated[
        int, Gt(0), "tokens that D's widest filters see in a row; there are filters of all widths up to it"
    ] = 5
    dropout: Annotated[float, Ge(0), Lt(1), "share of D's features that is left out of its logit in training"] = 0.25
    matched: Annotated[int, Gt(0), "features that are matched"] = 64


@recipe(data="sentences", batch_size=128, steps=1_500, average=0.99, clip=5.0, precision="fp32", sample_every=300)
def lines(
    data: Spec,
    config: TextGAN.Config = TextGAN.Config(
        pretrain=1_200,
        autoencoding=1.0,
        latent_dim=16,
        g_optimizer=Adam(2e-3, (0.9, 0.999), decay=Decay("exponential", hold=0.5, final=0.01)),
        d_optimizer=Adam(2e-3, (0.9, 0.999), decay=Decay("exponential", hold=0.5, final=0.05)),
    ),
    network: Network = Network(),
) -> TextGAN:
    """Small networks for the lines of a text file, words or characters; small steps in the game."""
    tokens = data.texts
    filters = dict.fromkeys(range(1, network.widest + 1), network.filters)
    d = TextCNN(tokens, network.d_embedding, filters, network.dropout)
    compressor = nn.Sequential(nn.Linear(d.head.in_features, network.matched), nn.Tanh())
    writer = TextWriter(tokens, config.latent_dim, network.embedding, network.hidden)
    return TextGAN(writer, d, nn.Linear(d.head.in_features, config.latent_dim), compressor, config)
