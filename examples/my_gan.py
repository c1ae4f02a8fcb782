"""A class-conditional GAN in one file, from outside the package: `zerosum train examples/my_gan.py:digits`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn

from zerosum import latent
from zerosum.batches import Draw, Labelled
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses.adversarial import hinge
from zerosum.modality import Condition, Spec
from zerosum.networks import conditional, mlp
from zerosum.optim import Adam, Optimizer
from zerosum.recipe import recipe


class MyGAN(TwoPlayerGame[Labelled]):
    """Projection GAN; Miyato and Koyama, 2018: both players see the class, and the loss is the hinge."""

    name = "my-gan"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "latent dimension (size of z)"] = 64
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(2e-4, (0.0, 0.99))
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(2e-4, (0.0, 0.99))

    def __init__(self, generator: nn.Module, discriminator: nn.Module, condition: Condition, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.condition, self.config = generator, discriminator, condition, config
        self.prior = latent.Normal(config.latent_dim)

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        real, y = draw()  # (B, *shape), (B,)
        with torch.no_grad():
            fake = self.generate(self.latents(len(real)), y)
        logits = Logits(self.score(real, y), self.score(fake, y))
        yield Move("discriminator", adversarial=hinge.d(*logits), logits=logits)
        fake = self.generate(self.latents(len(real)), y)
        yield Move("generator", adversarial=hinge.g(self.score(fake, y)))


@recipe(data="digits", steps=5_000)
def digits(data: Spec, config: MyGAN.Config = MyGAN.Config()) -> MyGAN:
    """A digit of the class that was asked for."""
    shape, size = data.x.shape, data.y.size
    generator = conditional.Generator(mlp.Generator(config.latent_dim + size, shape))
    return MyGAN(generator, conditional.ProjectionDiscriminator(mlp.Discriminator, shape, size), data.y, config)
