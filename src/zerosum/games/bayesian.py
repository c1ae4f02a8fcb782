"""Bayesian GAN: distributions over the weights of G and of D; Saatchi and Wilson, 2017."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move
from zerosum.games.posterior import PosteriorGame
from zerosum.losses.adversarial import LabelSmoothing, non_saturating
from zerosum.modality import Spec
from zerosum.networks import mlp, small
from zerosum.networks.discriminate import discriminate
from zerosum.networks.posterior import Discriminators
from zerosum.optim import SGHMC, Decay
from zerosum.options import Checked
from zerosum.recipe import recipe


class Bayesian(PosteriorGame[Tensor]):
    """Bayesian GAN: several generators and discriminators, drawn from their posteriors; Saatchi and Wilson, 2017.

    Terms are minus the logarithm of eq. 1 and 2 over N, the number of data points: those of the likelihood are means
    over a batch, and the prior is divided by N. The samplers know N, and so how wide the posterior is.
    """

    name = "bayesian"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: Annotated[int, Gt(0), "latent dimension (size of z) of each generator"] = 100
        generators: Annotated[int, Gt(0), "samples of the posterior over G's weights"] = 4
        discriminators: Annotated[int, Gt(0), "samples of the posterior over D's weights"] = 2
        z_batches: Annotated[int, Gt(0), "batches of z that each generator is averaged over in a move"] = 1
        prior_std: Annotated[float, Gt(0), "standard deviation of the weights' normal prior"] = 1.0
        targets: Annotated[LabelSmoothing, "D's targets"] = LabelSmoothing()
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: Annotated[SGHMC, "the generators' sampler"] = SGHMC()
        d_optimizer: Annotated[SGHMC, "the discriminators' sampler"] = SGHMC()

    def __init__(self, generators: Sequence[nn.Module], discriminators: Sequence[nn.Module], config: Config = Config()):
        """`generators` and `discriminators` are as many as `config` says, each with first weights of its own."""
        super().__init__(generators, Discriminators(discriminators), config)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        config, noise = self.config, self.config.noise
        real = draw()  # (B, *shape)
        with torch.no_grad():
            fake = self._fakes(len(real))  # (J_g * z_batches * B, *shape)
        logits = Logits(*discriminate(self.discriminator, noise(real, step), noise(fake, step)))  # (..., J_d)
        yield Move(
            "discriminator",
            adversarial=config.discriminators
            * non_saturating.d(logits.real.flatten(), logits.fake.flatten(), config.targets),
            prior=self.minus_log_prior(self.discriminator, config.d_optimizer),
            logits=logits,
        )
        fake_logits = self.discriminator(noise(self._fakes(len(real)), step))
        yield Move(
            "generator",
            adversarial=config.generators * non_saturating.g(fake_logits.flatten()),
            prior=self.minus_log_prior(self.generator, config.g_optimizer),
        )

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """How likely x, (B, *shape), is to be real, (B,): the posterior's mean, a mean over all discriminators."""
        return self.discriminator(x).float().sigmoid().mean(1)

    def _fakes(self, count: int) -> Tensor:
        """`z_batches` batches of `count` samples from each generator, in one tensor."""
        return self.samples_of_each(count * self.config.z_batches)


_IMAGES_SGHMC = SGHMC(2e-3, 0.5, adaptive=True)
_IMAGES = Bayesian.Config(g_optimizer=_IMAGES_SGHMC, d_optimizer=_IMAGES_SGHMC)


@recipe(data="digits", batch_size=32, steps=10_000)
def images(data: Spec, config: Bayesian.Config = _IMAGES) -> Bayesian:
    """Small convolutional networks, several of each."""
    return Bayesian(
        [small.Generator(config.latent_dim, data.x.shape) for _ in range(config.generators)],
        [small.Discriminator(data.x.shape) for _ in range(config.discriminators)],
        config,
    )


_TOY_SGHMC = SGHMC(2e-3, 0.5, adaptive=True, decay=Decay("linear"))
_TOY = Bayesian.Config(2, g_optimizer=_TOY_SGHMC, d_optimizer=_TOY_SGHMC)


@recipe(data="ring", batch_size=128, steps=1_200)
def toy(data: Spec, config: Bayesian.Config = _TOY) -> Bayesian:
    """Small perceptrons on points in the plane, several of each."""
    return Bayesian(
        [mlp.Generator(config.latent_dim, data.x.shape, (64,) * 3) for _ in range(config.generators)],
        [mlp.Discriminator(data.x.shape, (64,) * 3) for _ in range(config.discriminators)],
        config,
    )
