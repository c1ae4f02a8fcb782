"""GAN; Goodfellow et al., 2014."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise
from zerosum.batches import Draw
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import adversarial
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.networks import tutorial as plain
from zerosum.networks.discriminate import discriminate
from zerosum.optim import SGD, Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe


class GAN(TwoPlayerGame[Tensor]):
    """GAN, generative adversarial nets; Goodfellow et al., 2014, Algorithm 1."""

    name = "gan"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        prior: Annotated[latent.PriorName, "distribution of z: N(0, 1) or U(-1, 1)"] = "normal"
        d_steps: Annotated[int, Gt(0), "discriminator moves per step (k)"] = 1
        generator: Annotated[
            Literal["non-saturating", "minimax"],
            "G's loss: -log D(G(z)) (non-saturating) or log(1 - D(G(z))) (minimax)",
        ] = "non-saturating"
        targets: Annotated[LabelSmoothing, "D's targets"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.PRIORS[config.prior](config.latent_dim)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        objective, noise = adversarial.OBJECTIVES[self.config.generator], self.config.noise
        for _ in range(self.config.d_steps):
            real = draw()  # (B, *shape)
            with torch.no_grad():
                fake = self.generate(self.latents(len(real)))
            logits = Logits(*discriminate(self.discriminator, noise(real, step), noise(fake, step)))
            yield Move("discriminator", adversarial=objective.d(*logits, self.config.targets), logits=logits)
        fake = self.generate(self.latents(len(real)))
        yield Move("generator", adversarial=objective.g(self.discriminator(noise(fake, step))))

    def phase(self, step: int) -> Hashable | None:
        return "round" if self.config.noise.settled(step) else None


@recipe(data="digits", steps=20_000)
def tutorial(data: Spec, config: GAN.Config = GAN.Config()) -> GAN:
    """The plain networks of the tutorials: a fully connected generator, a small convolutional discriminator."""
    shape = data.x.shape
    return GAN(plain.Generator(config.latent_dim, shape), plain.Discriminator(shape), config)


# The authors' mnist.yaml: a rate of 0.1 that each step divides by 1.000004 until 1e-6 is left.
_PAPER_SGD = SGD(lr=0.1, momentum=0.5, decay=Decay("exponential", steps=2_878_000, final=1e-5))
_PAPER_D_SGD = replace(_PAPER_SGD, lr=0.05)  # their code halves D's loss
# Unlike theirs, momentum stays at 0.5 (it rose to 0.7), and G's last bias starts at 0, not from the data's means.


@recipe(data="mnist", batch_size=100, steps=300_000, average=0.0)
def paper(
    data: Spec,
    config: GAN.Config = GAN.Config(prior="uniform", g_optimizer=_PAPER_SGD, d_optimizer=_PAPER_D_SGD),
) -> GAN:
    """The paper's MNIST networks: a rectifier generator against a maxout discriminator, by SGD with momentum."""
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
