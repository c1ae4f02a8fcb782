"""R3GAN, the modern default; Huang et al., 2024, "The GAN is dead; long live the GAN!"."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.augment.pipeline import pipeline
from zerosum.batches import Draw, Labelled
from zerosum.game import Logits, Move, Player
from zerosum.games.two_player import TwoPlayer, packed
from zerosum.latent_game import LatentGame
from zerosum.losses import penalties
from zerosum.losses.adversarial import HARD, LabelSmoothing, relativistic
from zerosum.modality import Condition, Shape, Sound, Spec
from zerosum.networks import conditional, mlp
from zerosum.networks import r3gan as networks
from zerosum.networks import small as small_networks
from zerosum.networks import sounds as sound_networks
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import discriminate
from zerosum.optim import ALWAYS, BURN_IN, NEVER, Adam, Cosine, Decay, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates
from zerosum.techniques import Techniques
from zerosum.util.checks import ArgumentError
from zerosum.util.switches import With


class R3GAN(LatentGame[Tensor | Labelled], Discriminates):
    """R3GAN: each fake against a real sample (relativistic pairing), with R1 and R2; Huang et al., 2024.

    Args:
        generator: z, (B, latent_dim), and conditions, (B, K), where there is one, to samples (B, *shape).
        discriminator: samples, and conditions where there is one, to logits (B, 1).
        condition: classes or vectors; each fake then meets a real sample of its own.
    """

    name = "r3gan"

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 64
        gamma: Annotated[
            float | None, Ge(0), "weight of both gradient penalties; none: the published one nearest in size"
        ] = 1.0
        gamma_decay: Annotated[
            Cosine, With("gamma", lambda own: own.gamma != 0), "factor of gamma as training goes"
        ] = ALWAYS
        augment: Annotated[Cosine, "probability of each transform of images, real and fake, before D"] = NEVER
        targets: Annotated[LabelSmoothing, "D's targets for a pair"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-4, (0.0, 0.99))

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        config: Config = Config(),
        condition: Condition | None = None,
    ):
        super().__init__()
        self.generator, self.discriminator, self.config, self.condition = generator, discriminator, config, condition
        self.prior = latent.Normal(config.latent_dim)
        self.batch = Labelled if condition else Tensor
        if config.gamma is None:
            raise ArgumentError("gamma is needed: only recipes of images know a published one")
        if config.augment.peak > 1:
            raise ArgumentError(f"augment is a probability, not {config.augment.peak}")
        # Buffers, because a recorded step reads them anew each time; a function of the step, so not in checkpoints.
        self.register_buffer("gamma", torch.zeros(()), persistent=False)
        self.register_buffer("augment", torch.zeros(()), persistent=False)
        self.advance(0)

    gamma: Tensor
    augment: Tensor

    def scheduled(self, seen: float) -> dict[str, float]:
        config = self.config
        assert config.gamma is not None
        return {"gamma": config.gamma * config.gamma_decay(seen), "augment": config.augment(seen)}

    def advance(self, seen: float) -> None:
        for name, value in self.scheduled(seen).items():
            self.get_buffer(name).fill_(value)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def check(self) -> None:
        if self.config.gamma:
            penalties.refuse_batch_norm(self.discriminator)

    def round(self, draw: Draw[Tensor | Labelled], step: int) -> Iterator[Move]:
        noise = self.config.noise
        real, y = _parts(draw())  # (B, *shape), and (B,) or (B, K)
        real = noise(real, step).detach().requires_grad_()
        with torch.no_grad():
            fake = noise(self.generate(self.latents(len(real)), y), step)
        given = self.conditions(y)
        seen = self._augmented(real), self._augmented(fake.requires_grad_())
        logits = Logits(*discriminate(self.discriminator, (seen[0], *given), (seen[1], *given)))
        yield Move(
            "discriminator",
            adversarial=relativistic.d(*logits, self.config.targets),
            r1=self.gamma * penalties.zero_centered(logits.real, real),
            r2=self.gamma * penalties.zero_centered(logits.fake, fake),
            logits=logits,
        )
        real, y = _parts(draw())
        given, real = self.conditions(y), noise(real, step)
        fake = noise(self.generate(self.latents(len(real)), y), step)
        seen = self._augmented(real), self._augmented(fake)
        real_logits, fake_logits = discriminate(self.discriminator, (seen[0], *given), (seen[1], *given))
        yield Move("generator", adversarial=relativistic.g(fake_logits, real_logits))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def _augmented(self, x: Tensor) -> Tensor:
        """x as D sees it; gradients, those of penalties too, are with respect to x itself, as in the authors' code."""
        return pipeline(x, self.augment) if self.config.augment.peak else x

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x, *self.conditions(y)).flatten()


# By the side of images, gamma at the start of the authors' presets for CIFAR-10, FFHQ-64 and FFHQ-256.
GAMMAS = {32: 0.05, 64: 2.0, 256: 150.0}


def published_gamma(shape: Shape) -> float:
    """Gamma at the start for images of `shape`, (C, H, W): between two presets it is a power of the side.

    The side is the root of the number of pixels. Beyond the presets' sizes, the nearest one's gamma stays.
    """
    side = min(max(math.sqrt(math.prod(shape[1:])), min(GAMMAS)), max(GAMMAS))
    sides = sorted(GAMMAS)
    low = max(known for known in sides[:-1] if known <= side)
    high = sides[sides.index(low) + 1]
    share = math.log(side / low) / math.log(high / low)
    return GAMMAS[low] * (GAMMAS[high] / GAMMAS[low]) ** share


def _parts(batch: Tensor | Labelled) -> tuple[Tensor, Tensor | None]:
    """Samples, and their classes or vectors where there are any."""
    return (batch, None) if isinstance(batch, Tensor) else (batch.x, batch.y)


@dataclass(frozen=True)
class Network(Checked):
    """The size of R3GAN's residual networks."""

    widths: Annotated[tuple[int, ...], "channels from the smallest size (4 to 7 pixels) to the full one"] = (
        256,
        128,
        64,
    )
    blocks: Annotated[int, Gt(0), "residual blocks a size"] = 2
    group_size: Annotated[int, Gt(0), "channels in a group of the 3x3 convolutions"] = 16
    halving: Annotated[networks.Halving, "D's filter to half the size; mean: of 2x2 pixels"] = "bilinear"


@dataclass(frozen=True)
class ConditionalNetwork(Network):
    """The size of R3GAN's residual networks, and of the embeddings of classes or vectors."""

    embedding: Annotated[int, Gt(0), "size of the condition's embedding in G, beside z"] = 32


# The schedules of the authors' presets: all of them go on for the same number of images. That of CIFAR-10 ends at
# an augmentation of 0.55 and a half-life of 5,000,000 images; those of FFHQ, which are taken here, at these.
_PAPER = R3GAN.Config(
    gamma=None,
    gamma_decay=Cosine(1.0, 0.1),
    augment=Cosine(0.0, 0.3),
    optimizer=Adam(2e-4, (0.0, 0.99), decay=Decay("cosine", images=BURN_IN, final=0.25), beta2_start=0.9),
)
_HALF_LIFE = Cosine(0.0, 500_000.0)
_STEPS = 312_500  # of 64 images: the burn-in


@recipe(data="digits", batch_size=64, steps=_STEPS, half_life=_HALF_LIFE)
def images(data: Spec, config: R3GAN.Config = _PAPER, network: Network = Network()) -> R3GAN:
    """Residual networks for any images, with the paper's schedules: the default where there is a GPU."""
    shape, sizes = data.x.shape, (network.widths, network.blocks, network.group_size)
    generator = networks.Generator(config.latent_dim, shape, *sizes)
    return R3GAN(generator, networks.Discriminator(shape, *sizes, halving=network.halving), _sized(config, shape))


@recipe(data="digits", batch=Labelled, batch_size=64, steps=_STEPS, half_life=_HALF_LIFE)
def classes(data: Spec, config: R3GAN.Config = _PAPER, network: ConditionalNetwork = ConditionalNetwork()) -> R3GAN:
    """Residual networks for any images with classes, or vectors; D by projection, as the authors'."""
    shape, condition = data.x.shape, data.y
    config = _sized(config, shape)
    widths, blocks, group_size = network.widths, network.blocks, network.group_size
    generator = networks.Generator(config.latent_dim + network.embedding, shape, widths, blocks, group_size)
    build = partial(
        networks.Discriminator, widths=widths, blocks=blocks, group_size=group_size, halving=network.halving
    )
    return R3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, network.embedding),
        conditional.EmbeddedProjection(build, shape, condition.size, widths[0]),
        config,
        condition,
    )


def _sized(config: R3GAN.Config, shape: Shape) -> R3GAN.Config:
    """The options with a gamma: where they leave it open, the published one."""
    return config if config.gamma is not None else replace(config, gamma=published_gamma(image_shape(shape)))


def _refuse_augmentation(config: R3GAN.Config) -> None:
    if config.augment.peak:
        raise ValueError("augmentation is of images; leave augment at 0")


_SMALL_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=10_000))


_SMALL = TwoPlayer.Config(
    "relativistic",
    {"r1-r2": 0.5},
    penalty_every=8,
    latent_dim=64,
    shared_fakes=True,
    g_optimizer=_SMALL_ADAM,
    d_optimizer=_SMALL_ADAM,
)


@dataclass(frozen=True)
class SmallNetwork(Checked):
    """The size of small convolutional networks: channels next to the images, twice as many for each halving."""

    g_width: Annotated[int, Gt(0), "G's channels at half of the images' size"] = 64
    d_width: Annotated[int, Gt(0), "D's channels at half of the images' size"] = 64


@recipe(
    name="r3gan/small",
    data="digits",
    batch_size=32,
    steps=25_000,
    average=0.999,
    precision="fp32",
    checkpoint_every=2_000,
    side=64,
    milestones={700: "the right colours, blurred", 3_000: "rough shapes of what is in the images"},
    techniques=Techniques(diff_augment=("translation", "cutout")),
)
def small(
    data: Spec,
    config: TwoPlayer.Config = _SMALL,
    network: SmallNetwork = SmallNetwork(),
) -> TwoPlayer:
    """R3GAN's loss on small networks: the default for images on a CPU."""
    shape = data.x.shape
    generator = small_networks.Generator(config.latent_dim, shape, network.g_width)
    discriminator = small_networks.Discriminator(packed(shape, config.packing), network.d_width)
    return TwoPlayer(generator, discriminator, config)


@dataclass(frozen=True)
class SoundNetwork(Checked):
    """The size of the networks for sounds."""

    hidden: Annotated[
        int, Gt(0), "units of G's hidden layers, each of the last with a waveform of its own, and of D's"
    ] = 256
    width: Annotated[int, Gt(0), "channels of D's convolutions over time"] = 96


_SOUND_ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=1_200))

_SOUNDS = TwoPlayer.Config(
    "relativistic",
    {"r1-r2": 1.0},
    penalty_every=4,
    latent_dim=40,
    clusters=16,
    shared_fakes=True,
    g_optimizer=_SOUND_ADAM,
    d_optimizer=_SOUND_ADAM,
)


@recipe(
    name="r3gan/sounds",
    data="sounds:tones",
    batch_size=32,
    steps=4_000,
    average=0.998,
    precision="fp32",
    sample_every=200,
    checkpoint_every=500,
    milestones={300: "one pitch or a few", 1_500: "steady tones of every pitch"},
)
def sounds(
    data: Spec,
    config: TwoPlayer.Config = _SOUNDS,
    network: SoundNetwork = SoundNetwork(),
) -> TwoPlayer:
    """R3GAN's loss on sounds: a sum of learnt waveforms against convolutions over spectra, and clustered noise."""
    sound = data.x
    if not isinstance(sound, Sound):
        raise ValueError(f"this recipe is for sounds, not for {sound}; `zerosum list` has others")
    d_shape, window = packed(sound.shape, config.packing), sound_networks.window_of(sound)
    generator = sound_networks.Generator(config.latent_dim, sound.shape, network.hidden)
    return TwoPlayer(generator, sound_networks.Discriminator(d_shape, window, network.width, network.hidden), config)


_TOY_ADAM = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))
_TOY = R3GAN.Config(latent_dim=2, gamma=0.05, optimizer=_TOY_ADAM)


@recipe(data="ring", batch_size=256, steps=1_400, average=0.99)
def toy(data: Spec, config: R3GAN.Config = _TOY) -> R3GAN:
    """Two small perceptrons on points in the plane."""
    _refuse_augmentation(config)
    return R3GAN(*mlp.toy_pair(config.latent_dim, data.x.shape), config)


@recipe(data="moons", batch=Labelled, batch_size=256, steps=1_400, average=0.99)
def toy_classes(data: Spec, config: R3GAN.Config = _TOY) -> R3GAN:
    """Two small perceptrons on points in the plane, which have classes."""
    _refuse_augmentation(config)
    shape, condition, hidden = data.x.shape, data.y, (64,) * 3
    generator = mlp.Generator(config.latent_dim + 8, shape, hidden)
    build = partial(mlp.Discriminator, hidden=hidden)
    return R3GAN(
        conditional.EmbeddedGenerator(generator, condition.size, 8),
        conditional.EmbeddedProjection(build, shape, condition.size, 64),
        config,
        condition,
    )
