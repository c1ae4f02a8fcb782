"""Semi-supervised GAN: a discriminator that tells N classes and fakes apart; Odena, 2016; Salimans et al., 2016."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, PartlyLabelled
from zerosum.game import Move
from zerosum.games.semi_supervised import InitialImages, SemiSupervised
from zerosum.losses.adversarial import HARD, LabelSmoothing, non_saturating
from zerosum.losses.feature_matching import FeatureDistance
from zerosum.modality import Spec
from zerosum.networks import mlp, small
from zerosum.networks import sgan as networks
from zerosum.networks.discriminate import frozen_batch_stats
from zerosum.networks.heads import Discriminator
from zerosum.networks.sgan import Network
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.techniques.consistency import Consistency
from zerosum.util.switches import With


class SGAN(SemiSupervised):
    """Semi-supervised GAN: D tells N classes apart, and fakes from all of them; Salimans et al., 2016, section 5.

    D learns from three inputs: labelled samples, unlabelled ones, and fakes. Its classifier is what it is trained for.
    """

    name = "sgan"
    config: Config

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: latent.LatentDim = 100
        fake_logit: Annotated[
            Literal["implicit", "explicit"], "fakes: a logit fixed at 0, or an output of D's own, the (N + 1)th"
        ] = "implicit"
        generator: Annotated[
            Literal["feature-matching", "non-saturating"],
            "G's loss: match the mean of D's last hidden layer, or -log p(y <= N | G(z))",
        ] = "feature-matching"
        feature_distance: Annotated[
            FeatureDistance, With("generator", lambda own: own.generator == "feature-matching")
        ] = "mean-square"
        unsupervised_weight: Annotated[float, Ge(0), "weight of the adversarial loss, real against fake"] = 1.0
        consistency: Annotated[Consistency, "FixMatch on unlabelled images"] = Consistency()
        initial_images: InitialImages = 0
        pretrain: Annotated[int, Ge(0), "first steps in which D learns alone: labels and views, no fakes"] = 0
        targets: Annotated[LabelSmoothing, With("unsupervised_weight"), "D's targets for real and fake"] = HARD
        g_optimizer: GeneratorOptimizer = Adam(3e-3)
        d_optimizer: DiscriminatorOptimizer = Adam(3e-3)

    def __init__(self, generator: nn.Module, discriminator: Discriminator, classes: int, config: Config = Config()):
        super().__init__(generator, discriminator, classes, config)

    def round(self, draw: Draw[PartlyLabelled], step: int) -> Iterator[Move]:
        self.initialise(draw, step)
        if step < self.config.pretrain:
            yield self.pretraining_move(draw())
            return
        yield self.discriminator_move(draw(), self.config.targets)
        with frozen_batch_stats(self.discriminator):
            loss = self._generator_loss(draw().unlabelled)
        yield Move("generator", adversarial=loss)

    def _generator_loss(self, unlabelled: Tensor) -> Tensor:
        fake = self.generate(self.latents(len(unlabelled)))
        features = self.discriminator.body(self.config.consistency.view(fake))  # (B, F)
        if self.config.generator == "non-saturating":
            return non_saturating.g(self.real_logit(self.discriminator.head(features)))
        return self.feature_matching(unlabelled, features)

    def phase(self, step: int) -> Hashable | None:
        if self.begins(step):
            return None
        return "pretraining" if step < self.config.pretrain else "round"


_ADAM = Adam(2e-3, decay=Decay("cosine"))


@recipe(data="digits", batch_size=64, steps=4_000)
def images(
    data: Spec,
    config: SGAN.Config = SGAN.Config(
        unsupervised_weight=0.5, consistency=Consistency(1.0), g_optimizer=_ADAM, d_optimizer=_ADAM
    ),
    network: Network = Network(),
) -> SGAN:
    """Small convolutional networks, and views of images on which D is to agree with itself: for few labels."""
    discriminator = networks.convolutional(data.x.shape, _outputs(data, config), network.width, network.norm)
    return SGAN(small.Generator(config.latent_dim, data.x.shape), discriminator, data.classes, config)


# Half of each term of the source's loss, as in the authors' code, whose Adam adds 1e-8 to the second moment under the
# root: where that is smaller, as for G here, steps are small. 1e-4 beside the root does the same.
_PAPER_ADAM = Adam(3e-3, (0.5, 0.999), eps=1e-4)


@recipe(data="mnist", batch_size=100, steps=180_000, average=0.9999)
def mnist(
    data: Spec,
    config: SGAN.Config = SGAN.Config(
        unsupervised_weight=0.5, initial_images=500, g_optimizer=_PAPER_ADAM, d_optimizer=_PAPER_ADAM
    ),
) -> SGAN:
    """The authors' perceptrons for MNIST, 300 epochs; meant for few labels, --labels 100."""
    discriminator = networks.paper_discriminator(data.x.shape, _outputs(data, config))
    return SGAN(networks.PaperGenerator(config.latent_dim, data.x.shape), discriminator, data.classes, config)


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="gaussians:-1,-1/-1,1/1,-1/1,1@0.3", batch_size=256, steps=1_500, average=0.99)
def toy(
    data: Spec, config: SGAN.Config = SGAN.Config(latent_dim=2, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM)
) -> SGAN:
    """Two small perceptrons on points in the plane."""
    config.consistency.check(data.x)
    discriminator = networks.perceptron(data.x.shape, _outputs(data, config))
    return SGAN(mlp.Generator(config.latent_dim, data.x.shape, (64,) * 3), discriminator, data.classes, config)


def _outputs(data: Spec, config: SGAN.Config) -> int:
    return data.classes + (config.fake_logit == "explicit")
