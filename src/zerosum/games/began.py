"""BEGAN, whose discriminator is an auto-encoder; Berthelot et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt, Le
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses.adversarial import to_float32
from zerosum.modality import Spec
from zerosum.networks import began as networks
from zerosum.networks import mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates
from zerosum.util import distributed
from zerosum.util.checks import shapes


class BEGAN(LatentGame[Tensor], Discriminates):
    """BEGAN, boundary equilibrium GAN; Berthelot et al., 2017: D is an auto-encoder, k keeps E L(G(z)) at gamma E L(x).

    `discriminator` maps samples (B, *shape) to samples. `k`, in [0, 1], is how much D cares to spoil fakes.
    """

    name = "began"
    k: Tensor

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 64
        gamma: Annotated[float, Gt(0), Le(1), "diversity ratio: the loss of fakes over that of reals, at rest"] = 0.5
        k_rate: Annotated[float, Gt(0), "lambda_k: how fast k follows"] = 1e-3
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(1e-4, (0.5, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-4, (0.5, 0.999))

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Uniform(config.latent_dim)
        self.register_buffer("k", torch.zeros(()))

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        noise, gamma = self.config.noise, self.config.gamma
        real = noise(draw(), step)  # (B, *shape)
        with torch.no_grad():
            fake = noise(self.generate(self.latents(len(real))), step)
        of_real, of_fake = discriminate(self.discriminator, real, fake)
        real_losses, fake_losses = reconstruction_loss(real, of_real), reconstruction_loss(fake, of_fake)  # (B,)
        real_loss = real_losses.mean()
        yield Move(
            "discriminator",
            reconstruction=real_loss,
            adversarial=-self.k * fake_losses.mean(),
            logits=Logits(-real_losses, -fake_losses),
        )
        fake = noise(self.generate(self.latents(len(real))), step)
        fake_loss = reconstruction_loss(fake, self.discriminator(fake)).mean()
        whole = distributed.mean(real_loss), distributed.mean(fake_loss)
        balance = gamma * whole[0].detach() - whole[1].detach()
        log = {"k": self.k, "balance": balance, "convergence": whole[0].detach() + balance.abs()}  # M
        yield Move("generator", adversarial=fake_loss, log=log)
        self.k.add_(self.config.k_rate * balance).clamp_(0, 1)

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return -reconstruction_loss(x, self.discriminator(x))


def reconstruction_loss(v: Tensor, reconstructed: Tensor) -> Tensor:
    """L(v) = |v - D(v)|, a mean over each sample: (B, *shape) twice to (B,); Berthelot et al., 2017, with eta 1."""
    shapes("B *shape", v=v, reconstructed=reconstructed)
    return (to_float32(v) - to_float32(reconstructed)).abs().flatten(1).mean(1)


@dataclass(frozen=True)
class Network(Checked):
    """The size of the convolutional networks."""

    width: Annotated[int, Gt(0), "channels of the decoders, and those that the encoder adds at each size (n)"] = 64


# With the paper's gamma, 0.5, G makes the kind of sample that D reconstructs best and no other: on digits, ones. At
# gamma 1, and with noise in which D cannot reconstruct at once what is real alone, k rises near 1 and G must cover all.
_IMAGES_ADAM = Adam(4e-4, (0.5, 0.99))
_IMAGES = BEGAN.Config(64, 1.0, 0.3, InstanceNoise(0.6), g_optimizer=_IMAGES_ADAM, d_optimizer=_IMAGES_ADAM)


@recipe(data="digits", batch_size=16, steps=20_000)
def images(data: Spec, config: BEGAN.Config = _IMAGES, network: Network = Network()) -> BEGAN:
    """The paper's convolutional auto-encoder and generator."""
    return BEGAN(
        networks.Decoder(config.latent_dim, data.x.shape, network.width),
        networks.convolutional(config.latent_dim, data.x.shape, network.width),
        config,
    )


_TOY_ADAM = Adam(2e-3, (0.5, 0.99), decay=Decay("linear"))
_TOY = BEGAN.Config(2, 1.0, 0.5, InstanceNoise(0.4, 4_000), g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM)


@recipe(data="ring", batch_size=256, steps=2_500, average=0.99)
def toy(data: Spec, config: BEGAN.Config = _TOY) -> BEGAN:
    """Perceptrons on points in the plane; a code of one number lets D reconstruct a curve."""
    shape = data.x.shape
    return BEGAN(mlp.Generator(config.latent_dim, shape, (64,) * 3), networks.perceptron(1, shape), config)
