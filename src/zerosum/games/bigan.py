"""BiGAN; Donahue et al., 2017, "Adversarial feature learning"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player, Simultaneous, Turn
from zerosum.latent_game import LatentGame, Order
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.losses.weight_decay import weight_decay
from zerosum.modality import Spec
from zerosum.networks import bigan as networks
from zerosum.networks import mlp
from zerosum.networks.bigan import Network
from zerosum.networks.discriminate import discriminate
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates, Encodes


class BiGAN(LatentGame[Tensor], Discriminates, Encodes):
    """BiGAN, bidirectional GAN; Donahue et al., 2017: with an encoder E; D tells (x, E(x)) from (G(z), z), eq. 2 and 3.

    Where D can no longer tell them apart, E is the inverse of G (Theorem 2). G and E are one player, "generator". They
    do not descend V but ascend it with D's labels swapped (section 3.4), or descend it if asked.

    Args:
        generator: z, (B, latent_dim), to samples (B, *shape).
        encoder: samples to z; its part `features` gives the layer before.
        discriminator: samples and z to logits (B, 1).
    """

    name = "bigan"

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 50
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "uniform"
        d_steps: Annotated[int, Gt(0), "discriminator moves per step"] = 1
        order: Order = "alternating"
        generator: Annotated[
            Literal["non-saturating", "minimax"],
            "loss of G and E: D's with swapped labels (non-saturating), or V (minimax)",
        ] = "non-saturating"
        weight_decay: Annotated[float, Ge(0), "weight of 1/2 |w|^2 in the loss of every player"] = 0.0
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's and the encoder's"] = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(
        self, generator: nn.Module, encoder: networks.Encoder, discriminator: nn.Module, config: Config = Config()
    ):
        super().__init__()
        self.generator, self.encoder, self.discriminator, self.config = generator, encoder, discriminator, config
        self.prior = latent.PRIORS[config.prior](config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator, self.encoder), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Turn]:
        noise = self.config.noise
        for left in reversed(range(self.config.d_steps)):
            real = draw()  # (B, *shape)
            code, z = self.encode(real), self.latents(len(real))  # (B, latent_dim) each
            fake = self.generate(z)
            if self.config.order == "simultaneous" and not left:
                pairs = (noise(real, step), code), (noise(fake, step), z)
                logits = Logits(*discriminate(self.discriminator, *pairs))
                yield Simultaneous(self._d_move(logits), self._g_move(logits))
                return
            pairs = (noise(real, step), code.detach()), (noise(fake.detach(), step), z)
            yield self._d_move(Logits(*discriminate(self.discriminator, *pairs)))
        pairs = (noise(real, step), code), (noise(fake, step), z)
        yield self._g_move(Logits(*discriminate(self.discriminator, *pairs)))

    def _d_move(self, logits: Logits) -> Move:
        loss = adversarial.OBJECTIVES[self.config.generator].d(*logits, self.config.targets)
        decay = weight_decay(self.config.weight_decay, self.discriminator)
        return Move("discriminator", adversarial=loss, **decay, logits=logits)

    def _g_move(self, logits: Logits) -> Move:
        """E wants its pairs taken for fakes, as G its for real."""
        g = adversarial.OBJECTIVES[self.config.generator].g
        decay = weight_decay(self.config.weight_decay, self.generator, self.encoder)
        return Move("generator", adversarial=g(logits.fake) + g(-logits.real), **decay)

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x, self.encode(x)).flatten()

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)


# Constant for the first half, then falling to 1 %; the authors' code halves all losses, hence twice its weight decay.
PAPER_ADAM = Adam(2e-4, decay=Decay("exponential", start=93_750, final=0.01))


@recipe(data="mnist", batch_size=128, steps=187_500)
def mnist(
    data: Spec,
    config: BiGAN.Config = BiGAN.Config(
        order="simultaneous", weight_decay=5e-5, g_optimizer=PAPER_ADAM, d_optimizer=PAPER_ADAM
    ),
    network: Network = Network(),
) -> BiGAN:
    """The paper's perceptrons for permutation-invariant MNIST, 400 epochs."""
    shape = data.x.shape
    return BiGAN(
        networks.Generator(config.latent_dim, shape, network.width),
        networks.encoder(shape, config.latent_dim, network.width, bounded=config.prior == "uniform"),
        networks.Discriminator(shape, config.latent_dim, network.width),
        config,
    )


_TOY_ADAM = Adam(3e-3, (0.0, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=2_000, average=0.99)
def toy(
    data: Spec, config: BiGAN.Config = BiGAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM)
) -> BiGAN:
    """Three small perceptrons on points in the plane."""
    shape, hidden = data.x.shape, (64,) * 3
    return BiGAN(
        mlp.Generator(config.latent_dim, shape, hidden),
        networks.plain_encoder(shape, config.latent_dim, hidden, bounded=config.prior == "uniform"),
        networks.PlainDiscriminator(shape, config.latent_dim, hidden),
        config,
    )
