"""Latent regressor, a GAN and an encoder that finds z from its samples; Donahue et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player
from zerosum.games.bigan import PAPER_ADAM
from zerosum.latent_game import LatentGame
from zerosum.losses.adversarial import non_saturating
from zerosum.losses.weight_decay import weight_decay
from zerosum.modality import Spec
from zerosum.networks import bigan as networks
from zerosum.networks import mlp
from zerosum.networks.bigan import Network
from zerosum.networks.discriminate import discriminate
from zerosum.networks.heads import Discriminator
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates, Encodes


class LatentRegressor(LatentGame[Tensor], Discriminates, Encodes):
    """Latent regressor, a GAN and an encoder E that learns z from G(z) and never sees data; Donahue et al., 2017.

    G learns nothing of E. BiGAN is compared with E's features, and with D's. z uniform on [-1, 1] is learnt by the
    cross entropy of (z + 1) / 2, normal z by half the squared error, sums over z, as in the authors' code.

    Args:
        generator: z, (B, latent_dim), to samples (B, *shape).
        encoder: samples to z, `bounded` where z is uniform.
        discriminator: samples to logits (B, 1), of a body and a head.
    """

    name = "latent-regressor"
    discriminator: Discriminator

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 50
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "uniform"
        weight_decay: Annotated[float, Ge(0), "weight of 1/2 |w|^2 in the losses of G and E"] = 0.0
        d_weight_decay: Annotated[float, Ge(0), "and in that of D"] = 0.0
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)
        e_optimizer: Annotated[Optimizer, "the encoder's"] = Adam(2e-4)

    def __init__(
        self, generator: nn.Module, encoder: networks.Encoder, discriminator: Discriminator, config: Config = Config()
    ):
        super().__init__()
        self.generator, self.encoder, self.discriminator, self.config = generator, encoder, discriminator, config
        self.prior = latent.PRIORS[config.prior](config.latent_dim)

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
            "encoder": Player(self.config.e_optimizer, (self.encoder,), averaged=True),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        real, decay = draw(), self.config.weight_decay  # (B, *shape)
        with torch.no_grad():
            fake = self.generate(self.latents(len(real)))
        logits = Logits(*discriminate(self.discriminator, real, fake))
        yield Move(
            "discriminator",
            adversarial=non_saturating.d(*logits),
            logits=logits,
            **weight_decay(self.config.d_weight_decay, self.discriminator),
        )
        z = self.latents(len(real))
        fake = self.generate(z)
        yield Move(
            "generator",
            adversarial=non_saturating.g(self.discriminator(fake)),
            **weight_decay(decay, self.generator),
        )
        yield Move("encoder", regression=self._regression(fake.detach(), z), **weight_decay(decay, self.encoder))

    def _regression(self, x: Tensor, z: Tensor) -> Tensor:
        """From samples x = G(z), (B, *shape)."""
        found = self.encoder.last(self.encoder.features(x)).float()
        if self.encoder.bounded:
            return F.binary_cross_entropy_with_logits(found, (z + 1) / 2, reduction="none").sum(1).mean()
        return (found - z).square().sum(1).mean() / 2

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x).flatten()

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)


@recipe(data="mnist", batch_size=128, steps=187_500)
def mnist(
    data: Spec,
    config: LatentRegressor.Config = LatentRegressor.Config(
        weight_decay=2.5e-5,
        d_weight_decay=5e-5,  # the authors' code halves D's loss alone here, hence twice the weight
        g_optimizer=PAPER_ADAM,
        d_optimizer=PAPER_ADAM,
        e_optimizer=PAPER_ADAM,
    ),
    network: Network = Network(),
) -> LatentRegressor:
    """BiGAN's perceptrons for permutation-invariant MNIST, 400 epochs."""
    shape = data.x.shape
    encoder = networks.encoder(shape, config.latent_dim, network.width, bounded=config.prior == "uniform")
    nn.init.zeros_(encoder.last.weight)  # as in the authors' code, where E is no BiGAN's
    return LatentRegressor(
        networks.Generator(config.latent_dim, shape, network.width),
        encoder,
        networks.sample_discriminator(shape, network.width),
        config,
    )


_TOY_ADAM = Adam(3e-3, (0.0, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=2_000, average=0.99)
def toy(
    data: Spec,
    config: LatentRegressor.Config = LatentRegressor.Config(
        latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM, e_optimizer=_TOY_ADAM
    ),
) -> LatentRegressor:
    """Three small perceptrons on points in the plane."""
    shape, hidden = data.x.shape, (64,) * 3
    return LatentRegressor(
        mlp.Generator(config.latent_dim, shape, hidden),
        networks.plain_encoder(shape, config.latent_dim, hidden, bounded=config.prior == "uniform"),
        networks.plain_sample_discriminator(shape, hidden),
        config,
    )
