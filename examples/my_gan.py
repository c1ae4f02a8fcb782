"""A class-conditional GAN in one file, from outside the package: `zerosum train examples/my_gan.py:digits`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.game import Condition, Draw, Game, Labelled, Move, Player, Shape
from zerosum.losses.adversarial import hinge
from zerosum.networks import mlp
from zerosum.optim import Adam, Optimizer
from zerosum.recipe import recipe


class MyGAN(Game[Labelled]):
    """Both players see the class as a one-hot vector; Mirza and Osindero, 2014, with the hinge loss."""

    name = "my-gan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "size of z"] = 64
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-4, (0.0, 0.99))

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.condition = condition  # what a sample can be asked to be
        self.prior = latent.Normal(config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        data = draw()
        with torch.no_grad():
            made = self.sample(data)
        real, fake = self.judge(data.x, data.y), self.judge(made, data.y)
        yield Move("discriminator", adversarial=hinge.d(real, fake), log={"real": real, "fake": fake})
        yield Move("generator", adversarial=hinge.g(self.judge(self.sample(data), data.y)))

    def realism(self, samples: Labelled) -> Tensor:
        return self.judge(samples.x, samples.y).flatten()

    def sample(self, like: Labelled, z: Tensor | None = None) -> Tensor:
        z = self.prior.draw(like.x) if z is None else z
        return self.generator(torch.cat([z, self.condition.vector(like.y)], dim=1))

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        return self.discriminator(torch.cat([x.flatten(1), self.condition.vector(y)], dim=1))


@recipe(data="digits", steps=5_000)
def digits(shape: Shape, condition: Condition, config: MyGAN.Config = MyGAN.Config()) -> MyGAN:
    """A digit of the class that was asked for."""
    pixels = torch.Size(shape).numel()
    generator = mlp.Generator(config.latent_dim + condition.size, shape, (256, 512))
    return MyGAN(generator, mlp.Discriminator((pixels + condition.size,), (512, 256)), condition, config)
