"""Two-player games put together from parts: an objective and penalties, each a value."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.penalties import Weights, lazy
from zerosum.networks import dcgan as networks
from zerosum.networks import mlp, small
from zerosum.networks.dcgan import Network
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class Composed(Game[Tensor]):
    """Any objective with any gradient penalties: DCGAN, LSGAN, SNGAN, DRAGAN, PacGAN ... are recipes of it.

    With `packing` m, D judges packs: m independent samples beside each other along the first dimension of their shape,
    so D is built for `packed(shape, m)`. A move draws m batches and makes as many fakes, and so has as many packs as a
    batch has samples. Penalties and the logged logits are of packs; Lin et al., 2018 (PacGAN).
    """

    name = "composed"

    @dataclass(frozen=True)
    class Config:
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: Annotated[Weights | None, "gradient penalties of D by name, with their weights"] = None
        penalty_every: Annotated[int, Gt(0), "rounds between penalties, which then weigh as much more"] = 1
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        clusters: Annotated[int, Ge(0), "how many of z's dimensions are a one-hot cluster"] = 0
        d_steps: Annotated[int, Gt(0), "discriminator moves a round"] = 1
        shared_fakes: Annotated[bool, "G answers for the batch that D just saw, not for a fresh one: faster"] = False
        packing: Annotated[int, Gt(0), "samples that D judges together; PacGAN's m"] = 1
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(2e-4)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        normal = config.latent_dim - config.clusters
        if normal < 0:
            raise ValueError(f"clusters ({config.clusters}) are a part of z: at most latent_dim ({config.latent_dim})")
        self.prior = latent.Clustered(normal, config.clusters) if config.clusters else latent.Normal(normal)
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        objective, noise, share = OBJECTIVES[self.config.objective], self.config.noise, self.config.shared_fakes
        for i in reversed(range(self.config.d_steps)):
            data = noise(self._pack(draw), step)  # (B, *shape), or B packs
            with torch.set_grad_enabled(share and i == 0):
                made = noise(self._fakes(data), step)
            real, fake = discriminate(self.discriminator, data, made.detach())
            value = objective.d(real, fake, self.config.targets)
            penalties = lazy(self.config.penalties, self.config.penalty_every, step, self.discriminator, data, made)
            yield Move("discriminator", adversarial=value, **penalties, log={"real": real, "fake": fake})
        if not share:
            made = noise(self._fakes(data), step)
            if self.config.objective == "relativistic":
                real = self.discriminator(noise(self._pack(draw), step))
        yield Move("generator", adversarial=objective.g(self.discriminator(made), real.detach()))

    def phase(self, step: int) -> Hashable | None:
        return step % self.config.penalty_every == 0 if self.config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor | None:
        return None if self.config.packing > 1 else self.discriminator(samples).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)

    def _fakes(self, like: Tensor) -> Tensor:
        return self._pack(lambda: self.sample(like))

    def _pack(self, draw: Draw[Tensor]) -> Tensor:
        """Packs of samples, one from each of `packing` draws: (B, C, H, W) to (B, packing C, H, W), points alike."""
        count = self.config.packing
        return torch.cat([draw() for _ in range(count)], dim=1) if count > 1 else draw()


def packed(shape: Shape, packing: int) -> Shape:
    """The shape of a pack: that many samples along the first dimension, the channels of images."""
    return (packing * shape[0], *shape[1:])


@recipe(data="digits", batch_size=128, steps=20_000)
def dcgan(
    shape: Shape, config: Composed.Config = Composed.Config(shared_fakes=True), network: Network = Network()
) -> Composed:
    """DCGAN; Radford et al., 2016: strided convolutions and batch norm, Adam 2e-4 with beta1 0.5."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def lsgan(
    shape: Shape,
    config: Composed.Config = Composed.Config("least-squares", shared_fakes=True),
    network: Network = Network(),
) -> Composed:
    """LSGAN; Mao et al., 2017: least squares instead of cross-entropy, on DCGAN's networks."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def hinge(
    shape: Shape,
    config: Composed.Config = Composed.Config(
        "hinge", {"r1": 1.0}, g_optimizer=Adam(2e-4, (0.0, 0.99)), d_optimizer=Adam(2e-4, (0.0, 0.99))
    ),
    network: Network = Network(norm="none"),
) -> Composed:
    """The hinge loss with R1, on DCGAN's networks with no normalisation in D; Lim and Ye, 2017."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def sngan(
    shape: Shape,
    config: Composed.Config = Composed.Config("hinge", d_steps=5),
    network: Network = Network(norm="spectral"),
) -> Composed:
    """SNGAN; Miyato et al., 2018: spectral normalisation of every layer of D, hinge loss, five D moves a round."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def dragan(
    shape: Shape,
    config: Composed.Config = Composed.Config(penalties={"dragan": 10.0}),
    network: Network = Network(norm="none"),
) -> Composed:
    """DRAGAN; Kodali et al., 2017: a gradient penalty around the data, on DCGAN's networks, no normalisation in D."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def relativistic(
    shape: Shape,
    config: Composed.Config = Composed.Config("relativistic"),
    network: Network = Network(norm="spectral"),
) -> Composed:
    """The relativistic GAN; Jolicoeur-Martineau, 2018: each real sample against a fake, D spectrally normalised."""
    return _convolutional(shape, config, network)


@recipe(data="digits", batch_size=64, steps=20_000)
def pacgan(
    shape: Shape,
    config: Composed.Config = Composed.Config(packing=2),
    network: Network = Network(),
) -> Composed:
    """PacGAN; Lin et al., 2018: DCGAN whose discriminator sees two samples at once, and so sees missing variety."""
    return _convolutional(shape, config, network)


_DEMO_ADAM = Adam(2.5e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=2100))


@recipe(
    data="digits",
    batch_size=16,
    steps=4_200,
    average=0.99,
    truncation=0.8,
    precision="fp32",
    sample_every=100,
    checkpoint_every=500,
)
def demo(
    shape: Shape,
    config: Composed.Config = Composed.Config(
        "relativistic",
        {"r1-r2": 0.5},
        penalty_every=8,
        latent_dim=40,
        clusters=24,
        shared_fakes=True,
        g_optimizer=_DEMO_ADAM,
        d_optimizer=_DEMO_ADAM,
    ),
) -> Composed:
    """R3GAN's objective on small networks and clustered noise: digits in two minutes on two cores."""
    generator = small.Generator(config.latent_dim, shape)
    return Composed(generator, small.Discriminator(packed(shape, config.packing)), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_600, average=0.99)
def toy(
    shape: Shape,
    config: Composed.Config = Composed.Config(
        penalties={"r1": 0.1}, latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
) -> Composed:
    """Two small perceptrons on points in the plane: any objective, any penalties."""
    generator = mlp.Generator(config.latent_dim, shape, (64,) * 3)
    return Composed(generator, mlp.Discriminator(packed(shape, config.packing), (64,) * 3), config)


_GRID_ADAM = Adam(5e-4, (0.5, 0.99), decay=Decay("cosine"))


@recipe(data="grid", batch_size=128, steps=20_000, average=0.999, precision="fp32")
def grid(
    shape: Shape,
    config: Composed.Config = Composed.Config(
        "relativistic",
        {"r1-r2": 0.001},
        penalty_every=2,
        latent_dim=202,
        clusters=200,
        shared_fakes=True,
        g_optimizer=_GRID_ADAM,
        d_optimizer=_GRID_ADAM,
    ),
) -> Composed:
    """R3GAN's objective on perceptrons and clustered noise: every one of 25 far Gaussians."""
    discriminator = mlp.Discriminator(packed(shape, config.packing), (128,) * 3)
    return Composed(mlp.Generator(config.latent_dim, shape, (128,) * 3), discriminator, config)


def _convolutional(shape: Shape, config: Composed.Config, network: Network) -> Composed:
    generator = networks.Generator(config.latent_dim, shape, network.width, network.generator_norm)
    discriminator = networks.Discriminator(packed(shape, config.packing), network.width, network.norm)
    return Composed(generator, discriminator, config)
