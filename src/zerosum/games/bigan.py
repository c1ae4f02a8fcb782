"""BiGAN; Donahue et al., 2017, "Adversarial feature learning"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.networks import bigan as networks
from zerosum.networks import mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class BiGAN(Game[Tensor]):
    """GAN with an encoder: D tells pairs (x, E(x)) from pairs (G(z), z); Donahue et al., 2017, eq. 2 and 3.

    Where D can no longer tell them apart, E is the inverse of G (Theorem 2). G and E are one player, "generator". They
    do not descend V but ascend it with D's labels swapped (section 3.4), or descend it if asked.

    Args:
        generator: z, (B, latent_dim), to samples (B, *shape).
        encoder: samples to z; its part `features` gives the layer before.
        discriminator: samples and z to logits (B, 1).
    """

    name = "bigan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 50
        prior: Annotated[Literal["normal", "uniform"], "distribution of z: N(0, 1) or U(-1, 1)"] = "uniform"
        d_steps: Annotated[int, Gt(0), "discriminator moves a round"] = 1
        generator: Annotated[
            Literal["non-saturating", "minimax"], "what G and E do: the objective with swapped labels, or V itself"
        ] = "non-saturating"
        weight_decay: Annotated[float, Ge(0), "weight of 1/2 |w|^2 in the loss of every player"] = 0.0
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: Annotated[InstanceNoise, "noise on the samples that D sees"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's and the encoder's"] = Adam(2e-4)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4)

    def __init__(
        self, generator: nn.Module, encoder: networks.Encoder, discriminator: nn.Module, config: Config = Config()
    ):
        super().__init__()
        self.generator, self.encoder, self.discriminator = generator, encoder, discriminator
        self.config = config
        self.prior = (latent.Normal if config.prior == "normal" else latent.Uniform)(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator, self.encoder), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        objective, noise = adversarial.OBJECTIVES[self.config.generator], self.config.noise
        for _ in range(self.config.d_steps):
            data = draw()  # (B, *shape)
            code, z = self.encode(data), self.prior.draw(data)  # (B, latent_dim) each
            made = self.generator(z)
            real, fake = discriminate(
                self.discriminator, (noise(data, step), code.detach()), (noise(made.detach(), step), z)
            )
            value = objective.d(real, fake, self.config.targets)
            log = {"real": real, "fake": fake}
            yield Move("discriminator", adversarial=value, **self._decay(self.discriminator), log=log)
        real, fake = discriminate(self.discriminator, (noise(data, step), code), (noise(made, step), z))
        value = objective.g(fake) + objective.g(-real)  # E wants its pairs taken for fakes, as G its for real
        yield Move("generator", adversarial=value, **self._decay(self.generator, self.encoder))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.discriminator(samples, self.encode(samples)).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        made: Tensor = self.generator(self.prior.draw(like) if z is None else z)
        return made

    def encode(self, x: Tensor) -> Tensor:
        """E(x): the z, (B, latent_dim), that G would make x, (B, *shape), from."""
        z: Tensor = self.encoder(x)
        return z

    def features(self, x: Tensor) -> Tensor:
        """The encoder's layer before its output, (B, F): the representation that the paper evaluates."""
        features: Tensor = self.encoder.features(x)
        return features

    def reconstruct(self, x: Tensor) -> Tensor:
        """G(E(x)), (B, *shape)."""
        return self.sample(x, self.encode(x))

    def _decay(self, *modules: nn.Module) -> dict[str, Any]:
        """The term 1/2 weight_decay |w|^2 of these modules, where there is one."""
        if not self.config.weight_decay:
            return {}
        norms = [torch.linalg.vector_norm(p) for module in modules for p in module.parameters()]
        return {"weight_decay": 0.5 * self.config.weight_decay * torch.stack(norms).square().sum()}


@dataclass(frozen=True)
class Network:
    """The size of the perceptrons."""

    width: Annotated[int, Gt(0), "units of each hidden layer"] = 1024


# Constant for the first half, then falling to 1 %; the authors' code halves all losses, hence twice its weight decay.
_PAPER_ADAM = Adam(2e-4, decay=Decay("exponential", start=93_750, final=0.01))


@recipe(data="mnist", batch_size=128, steps=187_500)
def mnist(
    shape: Shape,
    config: BiGAN.Config = BiGAN.Config(weight_decay=5e-5, g_optimizer=_PAPER_ADAM, d_optimizer=_PAPER_ADAM),
    network: Network = Network(),
) -> BiGAN:
    """The paper's perceptrons for permutation-invariant MNIST, 400 epochs."""
    return BiGAN(
        networks.Generator(config.latent_dim, shape, network.width),
        networks.encoder(shape, config.latent_dim, network.width, bounded=config.prior == "uniform"),
        networks.Discriminator(shape, config.latent_dim, network.width),
        config,
    )


_TOY_ADAM = Adam(3e-3, (0.0, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=2_000, average=0.99)
def toy(
    shape: Shape, config: BiGAN.Config = BiGAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM)
) -> BiGAN:
    """Three small perceptrons on points in the plane."""
    hidden = (64,) * 3
    return BiGAN(
        mlp.Generator(config.latent_dim, shape, hidden),
        networks.plain_encoder(shape, config.latent_dim, hidden, bounded=config.prior == "uniform"),
        networks.PlainDiscriminator(shape, config.latent_dim, hidden),
        config,
    )
