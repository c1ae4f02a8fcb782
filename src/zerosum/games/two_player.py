"""Two-player games of an objective and gradient penalties: DCGAN, LSGAN, hinge, SNGAN, DRAGAN, PacGAN ..."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.penalties import GradientPenalties, PenaltyEvery, check_weights, lazy
from zerosum.modality import Shape, Spec
from zerosum.networks import dcgan as networks
from zerosum.networks import mlp, small
from zerosum.networks.dcgan import Network
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.util.checks import ArgumentError


class TwoPlayer(TwoPlayerGame[Tensor]):
    """A GAN of any objective with any gradient penalties.

    With `packing` m, D judges packs: m independent samples beside each other along the first dimension of their shape,
    so D is built for `packed(shape, m)`. A move draws m batches and makes as many fakes, and so has as many packs as a
    batch has samples. Penalties and logits are of packs; Lin et al., 2018 (PacGAN).

    Every move of G draws new z, and for a paired objective new real samples; its first of shared fakes does not.
    """

    name = "two-player"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: GradientPenalties = None
        penalty_every: PenaltyEvery = 1
        latent_dim: latent.LatentDim = 100
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        clusters: Annotated[int, Ge(0), "how many of z's dimensions are a one-hot cluster"] = 0
        d_steps: Annotated[int, Gt(0), "discriminator moves per step"] = 1
        g_steps: Annotated[int, Gt(0), "generator moves per step, after D's"] = 1
        shared_fakes: Annotated[bool, "reuse D's fake batch for G's first move: faster"] = False
        packing: Annotated[int, Gt(0), "samples that D judges together; PacGAN's m"] = 1
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = _prior(config)
        adversarial.check(config.objective, config.targets)

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        config, objective, noise = self.config, OBJECTIVES[self.config.objective], self.config.noise
        for i in reversed(range(config.d_steps)):
            real = noise(self._pack(draw), step)  # (B, *shape), or B packs
            with torch.set_grad_enabled(config.shared_fakes and i == 0):
                fake = noise(self._fakes(len(real)), step)
            logits = Logits(*discriminate(self.discriminator, real, fake.detach()))
            loss = objective.d(*logits, config.targets)
            penalties = lazy(config.penalties, config.penalty_every, step, self.discriminator, real, fake)
            yield Move("discriminator", adversarial=loss, **penalties, logits=logits)
        for i in range(config.g_steps):
            if i > 0 or not config.shared_fakes:
                fake = noise(self._fakes(len(real)), step)
                if objective.paired:
                    real = noise(self._pack(draw), step)
            # D has moved since it saw these: a pair is compared by one D, the one that G answers to.
            real_logits = constant_logits(self.discriminator, real) if objective.paired else None
            yield Move("generator", adversarial=objective.g(self.discriminator(fake), real_logits))

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        if self.config.packing > 1:
            raise ValueError(f"its discriminator does not score single samples, only packs of {self.config.packing}")
        return super().score(x, y)

    def _fakes(self, count: int) -> Tensor:
        return self._pack(lambda: self.generate(self.latents(count)))

    def _pack(self, draw: Draw[Tensor]) -> Tensor:
        """Packs of samples, one from each of `packing` draws: (B, C, H, W) to (B, packing C, H, W), points alike."""
        count = self.config.packing
        return torch.cat([draw() for _ in range(count)], dim=1) if count > 1 else draw()


def _prior(config: TwoPlayer.Config) -> latent.Prior:
    """Of z: normal or uniform numbers, or normal ones and a one-hot cluster."""
    if config.clusters > config.latent_dim:
        raise ArgumentError(f"clusters ({config.clusters}) are a part of z: at most latent_dim ({config.latent_dim})")
    if not config.clusters:
        return latent.PRIORS[config.prior](config.latent_dim)
    if config.prior != "normal":
        raise ArgumentError(f"a one-hot cluster stands beside normal numbers: no clusters with prior {config.prior!r}")
    return latent.Clustered(config.latent_dim - config.clusters, config.clusters)


def packed(shape: Shape, packing: int) -> Shape:
    """The shape of a pack: that many samples along the first dimension, the channels of images."""
    return (packing * shape[0], *shape[1:])


NAMED = (
    "dcgan",
    "lsgan",
    "hinge",
    "sngan",
    "dragan",
    "relativistic",
    "pacgan",
    "demo",
)  # recipes with a name of their own


@recipe(name="dcgan", data="digits", batch_size=128, steps=20_000)
def dcgan(
    data: Spec, config: TwoPlayer.Config = TwoPlayer.Config(shared_fakes=True), network: Network = Network()
) -> TwoPlayer:
    """DCGAN; Radford et al., 2016: strided convolutions and batch norm, Adam 2e-4 with beta1 0.5."""
    return _convolutional(data, config, network)


@recipe(name="lsgan", data="digits", batch_size=64, steps=20_000)
def lsgan(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config("least-squares", shared_fakes=True),
    network: Network = Network(),
) -> TwoPlayer:
    """LSGAN, least squares GAN; Mao et al., 2017: least squares instead of cross-entropy, on DCGAN's networks."""
    return _convolutional(data, config, network)


@recipe(name="hinge", data="digits", batch_size=64, steps=20_000)
def hinge(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config(
        "hinge", {"r1": 1.0}, g_optimizer=Adam(2e-4, (0.0, 0.99)), d_optimizer=Adam(2e-4, (0.0, 0.99))
    ),
    network: Network = Network(norm="none"),
) -> TwoPlayer:
    """Hinge GAN; Lim and Ye, 2017: the hinge loss with R1, on DCGAN's networks with no normalisation in D."""
    return _convolutional(data, config, network)


@recipe(name="sngan", data="digits", batch_size=64, steps=20_000)
def sngan(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config("hinge", d_steps=5),
    network: Network = Network(norm="spectral"),
) -> TwoPlayer:
    """SNGAN; Miyato et al., 2018: spectral normalisation of every layer of D, hinge loss, five D moves per step."""
    return _convolutional(data, config, network)


@recipe(name="dragan", data="digits", batch_size=64, steps=20_000)
def dragan(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config(penalties={"dragan": 10.0}),
    network: Network = Network(norm="none"),
) -> TwoPlayer:
    """DRAGAN; Kodali et al., 2017: a gradient penalty around the data, on DCGAN's networks, no normalisation in D."""
    return _convolutional(data, config, network)


@recipe(name="relativistic", data="digits", batch_size=64, steps=20_000)
def relativistic(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config("relativistic"),
    network: Network = Network(norm="spectral"),
) -> TwoPlayer:
    """The relativistic GAN; Jolicoeur-Martineau, 2018: each real sample against a fake, D spectrally normalised."""
    return _convolutional(data, config, network)


@recipe(name="pacgan", data="digits", batch_size=64, steps=20_000)
def pacgan(
    data: Spec, config: TwoPlayer.Config = TwoPlayer.Config(packing=2), network: Network = Network()
) -> TwoPlayer:
    """PacGAN; Lin et al., 2018: DCGAN whose discriminator sees two samples at once, and so sees missing variety."""
    return _convolutional(data, config, network)


_DEMO_ADAM = Adam(2.5e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=2100))


@recipe(
    name="demo",
    data="digits",
    batch_size=16,
    steps=6_000,
    average=0.998,
    truncation=0.8,
    precision="fp32",
    sample_every=100,
    checkpoint_every=500,
)
def demo(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config(
        "relativistic",
        {"r1-r2": 0.5},
        penalty_every=8,
        latent_dim=40,
        clusters=24,
        shared_fakes=True,
        g_optimizer=_DEMO_ADAM,
        d_optimizer=_DEMO_ADAM,
    ),
) -> TwoPlayer:
    """R3GAN's loss; Huang et al., 2024: on small networks and clustered noise: digits in two minutes on two cores."""
    generator = small.Generator(config.latent_dim, data.x.shape)
    return TwoPlayer(generator, small.Discriminator(packed(data.x.shape, config.packing)), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_600, average=0.99)
def toy(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
    network: mlp.Network = mlp.Network(),
) -> TwoPlayer:
    """Any objective; Goodfellow et al., 2014: two small perceptrons on points in the plane, with any penalties."""
    shape = data.x.shape
    pair = mlp.toy_pair(config.latent_dim, shape, packed(shape, config.packing), network=network)
    return TwoPlayer(*pair, config)


_GRID_ADAM = Adam(5e-4, (0.5, 0.99), decay=Decay("cosine"))


@recipe(data="grid", batch_size=128, steps=20_000, average=0.999, precision="fp32")
def grid(
    data: Spec,
    config: TwoPlayer.Config = TwoPlayer.Config(
        "relativistic",
        {"r1-r2": 0.001},
        penalty_every=2,
        latent_dim=202,
        clusters=200,
        shared_fakes=True,
        g_optimizer=_GRID_ADAM,
        d_optimizer=_GRID_ADAM,
    ),
) -> TwoPlayer:
    """R3GAN's loss; Huang et al., 2024: on perceptrons and clustered noise: every one of 25 far Gaussians."""
    d_shape = packed(data.x.shape, config.packing)
    discriminator = mlp.Discriminator(d_shape, (128,) * 3)  # the seed's meaning: D is built before G
    return TwoPlayer(mlp.Generator(config.latent_dim, data.x.shape, (128,) * 3), discriminator, config)


def _convolutional(data: Spec, config: TwoPlayer.Config, network: Network) -> TwoPlayer:
    generator = networks.Generator(config.latent_dim, data.x.shape, network.width, network.generator_norm)
    d_shape = packed(data.x.shape, config.packing)
    return TwoPlayer(generator, networks.Discriminator(d_shape, network.width, network.norm), config)
