"""GAN; Goodfellow et al., 2014."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Simultaneous, Turn
from zerosum.latent_game import Order, TwoPlayerGame
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.networks import tutorial as plain
from zerosum.networks.discriminate import discriminate
from zerosum.optim import SGD, Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.util import distributed
from zerosum.util.checks import ArgumentError


class GAN(TwoPlayerGame[Tensor]):
    """GAN, generative adversarial nets; Goodfellow et al., 2014, Algorithm 1."""

    name = "gan"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        d_steps: Annotated[int, Gt(0), "discriminator moves per step (k)"] = 1
        order: Order = "alternating"
        generator: Annotated[
            Literal["non-saturating", "minimax"],
            "G's loss: -log D(G(z)) (non-saturating) or log(1 - D(G(z))) (minimax)",
        ] = "non-saturating"
        initial_samples: Annotated[
            int, Ge(0), "samples at whose mean G's samples begin, before the first step; 0: anywhere"
        ] = 0
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.PRIORS[config.prior](config.latent_dim)

    def check(self) -> None:
        if self.config.initial_samples and not isinstance(self.generator, mlp.PaperGenerator):
            raise ArgumentError("only the generator of gan/paper begins at a mean image; set initial_samples to 0")

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Turn]:
        if self._begins(step):
            self._initialise(draw)
        noise = self.config.noise
        for left in reversed(range(self.config.d_steps)):
            real = draw()  # (B, *shape)
            if self.config.order == "simultaneous" and not left:
                fake = self.generate(self.latents(len(real)))
                # In two passes: G's gradient goes back through that of the fakes alone.
                logits = Logits(*(self.discriminator(noise(x, step)) for x in (real, fake)))
                yield Simultaneous(self._d_move(logits), self._g_move(logits.fake))
                return
            with torch.no_grad():
                fake = self.generate(self.latents(len(real)))
            yield self._d_move(Logits(*discriminate(self.discriminator, noise(real, step), noise(fake, step))))
        fake = self.generate(self.latents(len(real)))
        yield self._g_move(self.discriminator(noise(fake, step)))

    def _d_move(self, logits: Logits) -> Move:
        loss = adversarial.OBJECTIVES[self.config.generator].d(*logits, self.config.targets)
        return Move("discriminator", adversarial=loss, logits=logits)

    def _g_move(self, fake_logits: Tensor) -> Move:
        return Move("generator", adversarial=adversarial.OBJECTIVES[self.config.generator].g(fake_logits))

    def _begins(self, step: int) -> bool:
        return step == 0 and self.config.initial_samples > 0

    def _initialise(self, draw: Draw[Tensor]) -> None:
        """Let G's samples begin at the mean of the data."""
        assert isinstance(self.generator, mlp.PaperGenerator)
        real = draw()
        mean, batches = real.mean(0), 1
        # A copy without values, which is asked what a step takes, need not wait for all of them.
        while not real.is_meta and batches * len(real) * distributed.world_size() < self.config.initial_samples:
            mean, batches = mean + draw().mean(0), batches + 1
        self.generator.initialise_at(distributed.mean(mean / batches))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) and not self._begins(step) else None


@recipe(data="digits", steps=20_000)
def tutorial(data: Spec, config: GAN.Config = GAN.Config()) -> GAN:
    """The plain networks of the tutorials: a fully connected generator, a small convolutional discriminator."""
    shape = data.x.shape
    return GAN(plain.Generator(config.latent_dim, shape), plain.Discriminator(shape), config)


# The authors' mnist.yaml: a rate of 0.1 that each step divides by 1.000004 until 1e-6 is left, and momentum that rises
# to 0.7 in 250 epochs of 500 steps (there by the epoch, here by the step).
_PAPER_SGD = SGD(
    lr=0.1,
    momentum=0.5,
    decay=Decay("exponential", steps=2_878_000, final=1e-5),
    momentum_end=0.7,
    momentum_steps=125_000,
)
_PAPER_D_SGD = replace(_PAPER_SGD, lr=0.05)  # their code halves D's loss
_PAPER = GAN.Config(
    prior="uniform", order="simultaneous", initial_samples=50_000, g_optimizer=_PAPER_SGD, d_optimizer=_PAPER_D_SGD
)


@recipe(data="mnist", batch_size=100, steps=200_000, average=0.0)
def paper(data: Spec, config: GAN.Config = _PAPER) -> GAN:
    """The paper's MNIST networks: a rectifier generator against a maxout discriminator, by SGD, both at once."""
    shape = data.x.shape
    return GAN(mlp.PaperGenerator(config.latent_dim, shape), mlp.PaperDiscriminator(shape), config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_500, average=0.99)
def toy(
    data: Spec,
    config: GAN.Config = GAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM),
    network: mlp.Network = mlp.Network(),
) -> GAN:
    """Two small perceptrons on points in the plane."""
    return GAN(*mlp.toy_pair(config.latent_dim, data.x.shape, network=network), config)
