"""InfoGAN; Chen et al., 2016, "InfoGAN: Interpretable representation learning by information maximizing GANs"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import DiscriminatorNoise, InstanceNoise, RandomAffine
from zerosum.batches import Draw
from zerosum.game import Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.losses import adversarial, mutual_information
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.mutual_information import Posterior, conditional_entropy, kl_divergence, marginal_entropy
from zerosum.losses.penalties import GradientPenalties, PenaltyEvery, check_weights, lazy
from zerosum.modality import Image, Spec
from zerosum.networks import infogan as networks
from zerosum.networks import mlp, small
from zerosum.networks.blocks import normal_weights
from zerosum.networks.discriminate import discriminate
from zerosum.networks.heads import Discriminator
from zerosum.optim import Adam, Decay, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Discriminates
from zerosum.util.checks import ArgumentError
from zerosum.util.switches import With


@dataclass(frozen=True)
class Clusters(Checked):
    """IMSAT's loss of Q's categorical codes on real samples, beyond the paper; Hu et al., 2017."""

    weight: Annotated[float, Ge(0), "IMSAT loss weight; 0, as in the paper: Q learns from fakes alone"] = 0.0
    views: Annotated[
        RandomAffine, With("weight"), "augmentation of images, under which Q's categories stay the same"
    ] = RandomAffine(0.1, 0.35)
    radius: Annotated[float, Gt(0), With("weight"), "radius of the virtual adversarial perturbation (L2)"] = 2.0
    entropy_weight: Annotated[float, Ge(0), With("weight"), "weight of the conditional entropy H(c | x), minimised"] = (
        0.1
    )
    balance_weight: Annotated[float, Ge(0), With("weight"), "weight of the marginal entropy H(c), maximised"] = 0.4


class InfoGAN(LatentGame[Tensor], Discriminates):
    """GAN whose samples tell the codes in z: G and Q(c | x) maximise a bound on their mutual information.

    Chen et al., 2016, eq. 6: the min over G and Q, and the max over D, of V(D, G) - lambda L_I(G, Q). Q has D's body,
    unless it is given one of its own. D, Q and the body are one player, "discriminator", and L_I is a term of both
    moves, as in the authors' code: each ascends it by its own weights.

    Args:
        generator: z, (B, prior.dim), to samples (B, *shape).
        discriminator: samples to logits (B, 1), by way of features.
        recogniser: features to the parameters of Q, (B, `outputs(config)`).
        body: samples to those features, where Q shares none with D.
        views: augmentation of samples for the loss of `Clusters`, where they are images.
    """

    name = "infogan"

    @dataclass(frozen=True)
    class Config(Checked):
        noise_dim: Annotated[int, Gt(0), "dimensions of z that are noise, incompressible"] = 62
        categories: Annotated[tuple[Annotated[int, Gt(1)], ...], "categories of each categorical code"] = (10,)
        continuous: Annotated[int, Ge(0), "number of continuous codes, each in [-1, 1]"] = 2
        categorical_weight: Annotated[float, Ge(0), With("categories"), "lambda of the categorical codes"] = 1.0
        continuous_weight: Annotated[float, Ge(0), With("continuous"), "lambda of the continuous codes"] = 1.0
        start: Annotated[int, Ge(0), "steps in which lambda is still 0"] = 0
        variance: Annotated[
            Literal["unit", "learnt"], With("continuous"), "variance of Q's Gaussians of continuous codes"
        ] = "unit"
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: GradientPenalties = None
        penalty_every: PenaltyEvery = 1
        clusters: Annotated[Clusters, "IMSAT's loss of Q on real samples"] = Clusters()
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: DiscriminatorNoise = InstanceNoise()
        g_optimizer: GeneratorOptimizer = Adam(1e-3)
        d_optimizer: Annotated[Optimizer, "the discriminator's and Q's"] = Adam(2e-4)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator,
        recogniser: nn.Module,
        config: Config = Config(),
        body: nn.Module | None = None,
        views: RandomAffine | None = None,
    ):
        super().__init__()
        self.generator, self.discriminator, self.recogniser = generator, discriminator, recogniser
        self.body, self.views, self.config = body, views, config
        self.prior = prior(config)
        if config.clusters.weight and not config.categories:
            raise ArgumentError(
                "clusters are what categorical codes find; name categories, or set clusters.weight to 0"
            )
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        of_q = (self.recogniser,) if self.body is None else (self.recogniser, self.body)
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator, *of_q), averaged=True),
        }

    def check(self) -> None:
        check_weights(self.config.penalties, self.discriminator)

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        config, objective = self.config, OBJECTIVES[self.config.objective]
        body, head = self.discriminator.body, self.discriminator.head
        x = draw()  # (B, *shape)
        z = self.latents(len(x))
        generated = self.generate(z)
        real, fake = config.noise(x, step), config.noise(generated, step)
        real_features, fake_features = discriminate(body, real, fake.detach())  # (B, F) each
        logits = Logits(head(real_features), head(fake_features))
        terms = {"adversarial": objective.d(*logits, config.targets)}
        terms |= lazy(config.penalties, config.penalty_every, step, self.discriminator, real, fake)
        terms["information"], nats = self._information(self.posterior(generated.detach(), fake_features), z, step)
        if config.clusters.weight:
            terms["clusters"] = self._clusters(x)
        yield Move("discriminator", **terms, logits=logits, log=nats)
        with torch.no_grad():  # D has moved since it saw these: a pair is compared by one D, the one that G answers to
            real_logits = head(body(real)) if objective.paired else None
        fake_features = body(fake)
        loss = objective.g(head(fake_features), real_logits)
        information, nats = self._information(self.posterior(generated, fake_features), z, step)
        yield Move("generator", adversarial=loss, information=information, log=nats)

    def phase(self, step: int) -> Hashable | None:
        config = self.config
        return (step >= config.start, step % config.penalty_every == 0) if config.noise.settled(step) else None

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x).flatten()

    def posterior(self, x: Tensor, features: Tensor | None = None) -> Posterior:
        """Q(c | x) of samples (B, *shape); `features`: D's of them, (B, F), if at hand. Q's own body takes x."""
        if self.body is not None:
            features = self.body(x)
        elif features is None:
            features = self.discriminator.body(x)
        categories, continuous = self.config.categories, self.config.continuous
        return mutual_information.split_parameters(self.recogniser(features), categories, continuous)

    def _information(self, q: Posterior, z: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """-lambda L_I, to be minimised, and L_I of either kind of codes, to be logged."""
        nats = mutual_information.lower_bound(q, z[:, self.config.noise_dim :])
        weights = {"categorical": self.config.categorical_weight, "continuous": self.config.continuous_weight}
        started = float(step >= self.config.start)
        loss = -torch.stack([started * weights[name] * bound for name, bound in nats.items()]).sum()
        return loss, {f"{name}_nats": bound for name, bound in nats.items()}

    def _clusters(self, x: Tensor) -> Tensor:
        """The loss of `Clusters` on real samples."""
        config, q = self.config.clusters, self.posterior(x)
        view = self.views(x) if self.views else x
        adversarial_x = mutual_information.virtual_adversarial(self.posterior, view, q, config.radius)
        divergence = kl_divergence(q.detach(), self.posterior(adversarial_x))
        loss = divergence + config.entropy_weight * conditional_entropy(q)
        return config.weight * (loss - config.balance_weight * marginal_entropy(q))


def prior(config: InfoGAN.Config) -> latent.InfoGANPrior:
    """The distribution of z; a `ValueError` where it has no code."""
    if not config.categories and not config.continuous:
        raise ArgumentError("an InfoGAN needs a code: name categories, or a number of continuous codes")
    return latent.InfoGANPrior(config.noise_dim, config.categories, config.continuous)


def outputs(config: InfoGAN.Config) -> int:
    """How many parameters Q has of one sample's codes: the recogniser's outputs."""
    return sum(config.categories) + config.continuous * (2 if config.variance == "learnt" else 1)


@dataclass(frozen=True)
class Network(Checked):
    """The size of the paper's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size; x2 at a quarter, x16 in the linear layer"] = 64
    source: Annotated[
        Literal["code", "table"],
        "the authors' code (a last sigmoid, leaks of 0.01, each unit normalised, weights from N(0, 0.02^2)), or the "
        "paper's table 1 (a tanh, leaks of 0.1, each channel normalised, PyTorch's weights)",
    ] = "code"


@recipe(data="mnist", batch_size=128, steps=5_000)
def mnist(data: Spec, config: InfoGAN.Config = InfoGAN.Config(), network: Network = Network()) -> InfoGAN:
    """The paper's networks for MNIST, as the authors' code has them, trained for as many steps as there."""
    shape, width, code = data.x.shape, network.width, network.source == "code"
    leak = networks.CODE_LEAK if code else networks.TABLE_LEAK
    game = InfoGAN(
        networks.PaperGenerator(prior(config).dim, shape, width, code),
        networks.paper_discriminator(shape, width, code),
        networks.recogniser(16 * width, outputs(config), 2 * width, leak=leak),
        config,
        views=config.clusters.views,
    )
    if code:
        normal_weights(game)
    return game


_DIGITS_ADAM = Adam(2.5e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=2_000))
_DIGITS = InfoGAN.Config(
    objective="relativistic",
    penalties={"r1-r2": 0.5},
    penalty_every=8,
    g_optimizer=_DIGITS_ADAM,
    d_optimizer=_DIGITS_ADAM,
)


@recipe(data="digits", batch_size=32, steps=4_000, average=0.99)
def digits(data: Spec, config: InfoGAN.Config = _DIGITS) -> InfoGAN:
    """R3GAN's objective on small networks: digits and their codes in minutes on two cores."""
    return InfoGAN(
        small.Generator(prior(config).dim, data.x.shape),
        networks.split_head(small.Discriminator(data.x.shape)),
        networks.recogniser(small.HIDDEN, outputs(config), normed=False),
        config,
        views=config.clusters.views,
    )


_CLUSTERS_ADAM = Adam(2e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=600))
_CLUSTERS_D_ADAM = replace(_CLUSTERS_ADAM, lr=4e-3)
_CLUSTERS = replace(
    _DIGITS, clusters=Clusters(20.0), start=600, g_optimizer=_CLUSTERS_ADAM, d_optimizer=_CLUSTERS_D_ADAM
)


@dataclass(frozen=True)
class Perceptrons(Checked):
    """The size of perceptrons."""

    width: Annotated[int, Gt(0), "units of each hidden layer of G and D"] = 256
    recogniser_width: Annotated[int, Gt(0), "units of each hidden layer of Q"] = 500


@recipe(data="mnist", batch_size=256, steps=1_200, average=0.99)
def clusters(data: Spec, config: InfoGAN.Config = _CLUSTERS, network: Perceptrons = Perceptrons()) -> InfoGAN:
    """Perceptrons, of which Q has its own body and learns from real samples, too."""
    shape, hidden = data.x.shape, (network.width,) * 2
    return InfoGAN(
        mlp.Generator(prior(config).dim, shape, hidden, norm="batch"),
        networks.split_head(mlp.Discriminator(shape, hidden)),
        nn.Linear(network.recogniser_width, outputs(config)),
        config,
        networks.body(shape, network.recogniser_width),
        _views(data, config),
    )


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_600, average=0.99)
def toy(
    data: Spec,
    config: InfoGAN.Config = InfoGAN.Config(
        noise_dim=2, categories=(8,), continuous=0, penalties={"r1": 0.1}, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
) -> InfoGAN:
    """Small perceptrons on points in the plane: a category for each mode."""
    shape, hidden = data.x.shape, (64,) * 3
    return InfoGAN(
        mlp.Generator(prior(config).dim, shape, hidden),
        networks.split_head(mlp.Discriminator(shape, hidden)),
        networks.recogniser(64, outputs(config), 64, normed=False),
        config,
        views=_views(data, config),
    )


def _views(data: Spec, config: InfoGAN.Config) -> RandomAffine | None:
    return config.clusters.views if isinstance(data.x, Image) else None
