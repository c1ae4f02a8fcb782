"""Loss-sensitive GAN and its generalisation, GLS-GAN; Qi, 2017 (arXiv 1701.06264). LSGAN, of least squares, is another.

L, the loss of a sample, is what D makes of it with its sign turned: real samples get a small one. D learns that the
loss of a fake exceeds that of a real sample by their distance, G to make fakes of small loss.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses.adversarial import as_logits, to_float32
from zerosum.losses.penalties import GradientPenalties, check_weights, lazy
from zerosum.modality import Spec
from zerosum.networks import dcgan, mlp
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.util.checks import number, shapes


def cost(excess: Tensor, slope: float) -> Tensor:
    """C(a) = max(a, slope a) of every element, slope at most 1: a hinge at 0, a straight line at 1, |a| at -1."""
    number("slope", slope, float("-inf"), 1)
    return torch.maximum(excess, slope * excess)


def l1_distance(real: Tensor, fake: Tensor) -> Tensor:
    """The L1 distance of each pair, (B,): over all pixels, summed, as in the author's code."""
    shapes("B *shape", real=real, fake=fake)
    return (to_float32(real) - to_float32(fake)).abs().flatten(1).sum(1)


class LossSensitiveGAN(TwoPlayerGame[Tensor]):
    """LS-GAN, loss-sensitive GAN; Qi, 2017: a fake's loss is to exceed a real sample's by a margin, their distance."""

    name = "loss-sensitive"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        slope: Annotated[float, Le(1), "slope of the cost below 0: 0 is LS-GAN, 1 is WGAN, between is GLS-GAN"] = 0.0
        margin: Annotated[float, Ge(0), "weight of the margin, the pair's L1 distance summed over pixels"] = 2e-4
        real_weight: Annotated[float, Ge(0), "weight of E L(x) in D's loss: 1/lambda in the paper, 0 in its code"] = 0.0
        nonnegative: Annotated[bool, "L = softplus(-D), as the theory asks; else L = -D, as Wasserstein needs"] = True
        penalties: GradientPenalties = None
        latent_dim: latent.LatentDim = 100
        d_steps: Annotated[int, Gt(0), "discriminator moves per step"] = 1
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        if config.real_weight > 0 and not config.nonnegative:
            raise ZerosumError("real_weight above 0 asks for the least L, which has none: keep L nonnegative")
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Normal(config.latent_dim)

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        config, noise = self.config, self.config.noise
        for _ in range(config.d_steps):
            real = noise(draw(), step)  # (B, *shape)
            with torch.no_grad():
                fake = noise(self.generate(self.latents(len(real))), step)
            logits = Logits(*discriminate(self.discriminator, real, fake))
            real_loss = self.loss(logits.real)
            excess = config.margin * l1_distance(real, fake) + real_loss - self.loss(logits.fake)
            loss = cost(excess, config.slope).mean() + config.real_weight * real_loss.mean()
            penalties = lazy(config.penalties, 1, step, self.discriminator, real, fake)
            yield Move("discriminator", adversarial=loss, **penalties, logits=logits)
        fake = noise(self.generate(self.latents(len(real))), step)
        yield Move("generator", adversarial=self.loss(self.discriminator(fake)).mean())

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def loss(self, logits: Tensor) -> Tensor:
        """L of D's logits (B,) or (B, 1), in float32: (B,)."""
        logits = as_logits("logits", logits).flatten()
        return F.softplus(-logits) if self.config.nonnegative else -logits


@dataclass(frozen=True)
class Network(Checked):
    """The size of DCGAN's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size; each further halving doubles them"] = 64


@recipe(data="digits", batch_size=64, steps=20_000)
def images(
    data: Spec,
    config: LossSensitiveGAN.Config = LossSensitiveGAN.Config(penalties={"r1": 1.0}),
    network: Network = Network(),
) -> LossSensitiveGAN:
    """LS-GAN on DCGAN's networks, without batch norm in D."""
    generator = dcgan.Generator(config.latent_dim, data.x.shape, network.width)
    return LossSensitiveGAN(generator, dcgan.Discriminator(data.x.shape, network.width, "none"), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_500, average=0.99)
def toy(
    data: Spec,
    config: LossSensitiveGAN.Config = LossSensitiveGAN.Config(
        margin=1.0,
        nonnegative=False,  # softplus is flat where fakes are taken for real: a G that runs ahead would stay there
        penalties={"interpolation": 0.02},
        latent_dim=2,
        d_steps=2,
        g_optimizer=_TOY_ADAM,
        d_optimizer=_TOY_ADAM,
    ),
) -> LossSensitiveGAN:
    """Two small perceptrons on points in the plane."""
    return LossSensitiveGAN(*mlp.toy_pair(config.latent_dim, data.x.shape), config)
