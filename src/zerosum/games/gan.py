"""The first GAN; Goodfellow et al., 2014."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import adversarial
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.networks import mlp
from zerosum.networks import tutorial as plain
from zerosum.networks.discriminate import discriminate
from zerosum.optim import SGD, Adam, Decay, Optimizer
from zerosum.recipe import recipe


class GAN(Game[Tensor]):
    """Generative adversarial nets; Goodfellow et al., 2014, Algorithm 1."""

    name = "gan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 100
        prior: Annotated[Literal["normal", "uniform"], "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        d_steps: Annotated[int, Gt(0), "discriminator moves a round (k)"] = 1
        generator: Annotated[
            Literal["non-saturating", "minimax"], "what G does: maximise log D(G(z)), or minimise log(1 - D(G(z)))"
        ] = "non-saturating"
        targets: Annotated[LabelSmoothing, "D's targets"] = LabelSmoothing()
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(2e-4)
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = (latent.Normal if config.prior == "normal" else latent.Uniform)(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        objective = adversarial.OBJECTIVES[self.config.generator]
        for _ in range(self.config.d_steps):
            data = draw()  # (B, *shape)
            with torch.no_grad():
                made = self.sample(data)
            real, fake = discriminate(self.discriminator, self.config.noise(data, step), self.config.noise(made, step))
            value = objective.d(real, fake, self.config.targets)
            yield Move("discriminator", adversarial=value, log={"real": real, "fake": fake})
        fake = self.discriminator(self.config.noise(self.sample(data), step))
        yield Move("generator", adversarial=objective.g(fake))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.discriminator(samples).flatten()

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)


@recipe(data="digits", steps=20_000)
def tutorial(shape: Shape, config: GAN.Config = GAN.Config()) -> GAN:
    """The plain networks of the tutorials: a fully connected generator, a small convolutional discriminator."""
    return GAN(plain.Generator(config.latent_dim, shape), plain.Discriminator(shape), config)


# The authors' mnist.yaml: a rate of 0.1 that each round divides by 1.000004 until 1e-6 is left.
_PAPER_SGD = SGD(lr=0.1, momentum=0.5, decay=Decay("exponential", steps=2_878_000, final=1e-5))
_PAPER_D_SGD = replace(_PAPER_SGD, lr=0.05)  # their code halves D's loss
# Unlike theirs, momentum stays at 0.5 (it rose to 0.7), and G's last bias starts at 0, not from the data's means.


@recipe(data="mnist", batch_size=100, steps=300_000, average=0.0)
def paper(
    shape: Shape,
    config: GAN.Config = GAN.Config(prior="uniform", g_optimizer=_PAPER_SGD, d_optimizer=_PAPER_D_SGD),
) -> GAN:
    """The paper's MNIST networks: a rectifier generator against a maxout discriminator, by SGD with momentum."""
    return GAN(mlp.PaperGenerator(config.latent_dim, shape), mlp.PaperDiscriminator(shape), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_500, average=0.99)
def toy(
    shape: Shape, config: GAN.Config = GAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM)
) -> GAN:
    """Two small perceptrons on points in the plane."""
    return GAN(mlp.Generator(config.latent_dim, shape, (64,) * 3), mlp.Discriminator(shape, (64,) * 3), config)
