"""InfoGAN; Chen et al., 2016, "InfoGAN: Interpretable representation learning by information maximizing GANs"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise, RandomAffine
from zerosum.game import Draw, Game, Move, Player, Shape
from zerosum.losses import adversarial, mutual_information
from zerosum.losses.adversarial import HARD, OBJECTIVES, LabelSmoothing, ObjectiveName
from zerosum.losses.mutual_information import Posterior
from zerosum.losses.penalties import Weights, lazy
from zerosum.networks import infogan as networks
from zerosum.networks import mlp, small
from zerosum.networks.discriminate import discriminate
from zerosum.networks.heads import Discriminator
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


@dataclass(frozen=True)
class Clusters:
    """What Q may learn of its categorical codes from real samples, too, beyond the paper; Hu et al., 2017 (IMSAT)."""

    weight: Annotated[float, Ge(0), "of all of it; 0, as in the paper: Q learns from fakes alone"] = 0.0
    views: Annotated[RandomAffine, "Q is to say the same of such a view of an image"] = RandomAffine(0.1, 0.35)
    radius: Annotated[float, Gt(0), "and of the worst sample this near to it, in L2 norm"] = 2.0
    sure: Annotated[float, Ge(0), "weight of H(c | x), which Q is to make small"] = 0.1
    even: Annotated[float, Ge(0), "weight of H(c), which Q is to make large"] = 0.4


class InfoGAN(Game[Tensor]):
    """GAN whose samples tell the codes in z: G and Q(c | x) maximise a bound on their mutual information.

    Chen et al., 2016, eq. 6: the min over G and Q, and the max over D, of V(D, G) - lambda L_I(G, Q). Q has D's body,
    unless it is given one of its own. D, Q and the body are one player, "discriminator", and L_I is a term of both
    moves, as in the authors' code: each ascends it by its own weights.

    Args:
        generator: z, (B, prior.dim), to samples (B, *shape).
        discriminator: samples to logits (B, 1), by way of features.
        recogniser: features to the parameters of Q, (B, `outputs(config)`).
        body: samples to those features, where Q shares none with D.
    """

    name = "infogan"

    @dataclass(frozen=True)
    class Config:
        noise_dim: Annotated[int, Gt(0), "size of the part of z that has no meaning"] = 62
        categories: Annotated[tuple[Annotated[int, Gt(1)], ...], "categories of each categorical code"] = (10,)
        continuous: Annotated[int, Ge(0), "codes that are one number each, in [-1, 1]"] = 2
        categorical_weight: Annotated[float, Ge(0), "lambda of the categorical codes"] = 1.0
        continuous_weight: Annotated[float, Ge(0), "lambda of the continuous codes"] = 1.0
        start: Annotated[int, Ge(0), "rounds before lambda, which until then is 0"] = 0
        variance: Annotated[Literal["unit", "learnt"], "of the Gaussians that Q says of continuous codes"] = "unit"
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        penalties: Annotated[Weights | None, "gradient penalties of D by name, with their weights"] = None
        penalty_every: Annotated[int, Gt(0), "rounds between penalties, which then weigh as much more"] = 1
        clusters: Annotated[Clusters, "what Q learns from real samples"] = Clusters()
        targets: Annotated[LabelSmoothing, "D's targets, for objectives that have any"] = HARD
        noise: Annotated[InstanceNoise, "noise on D's input"] = InstanceNoise()
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(1e-3)
        d_optimizer: Annotated[Optimizer, "the discriminator's and Q's"] = Adam(2e-4)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator,
        recogniser: nn.Module,
        config: Config = Config(),
        body: nn.Module | None = None,
    ):
        super().__init__()
        self.generator, self.discriminator, self.recogniser = generator, discriminator, recogniser
        self.body, self.config = body, config
        self.prior = prior(config)
        if config.clusters.weight and not config.categories:
            raise ValueError("clusters are what categorical codes find; name categories, or set clusters.weight to 0")
        adversarial.check(config.objective, config.targets)

    def players(self) -> dict[str, Player]:
        of_q = (self.recogniser,) if self.body is None else (self.recogniser, self.body)
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator, *of_q), averaged=True),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        config, objective = self.config, OBJECTIVES[self.config.objective]
        x = draw()  # (B, *shape)
        z = self.prior.draw(x)
        generated = self.generator(z)
        data, made = config.noise(x, step), config.noise(generated, step)
        of_real, of_fake = discriminate(self.discriminator.body, data, made.detach())  # (B, F) each
        real, fake = self.discriminator.head(of_real), self.discriminator.head(of_fake)
        terms = {"adversarial": objective.d(real, fake, config.targets)}
        terms |= lazy(config.penalties, config.penalty_every, step, self.discriminator, data, made)
        terms["information"], nats = self._information(self._said(generated.detach(), of_fake), z, step)
        if config.clusters.weight:
            terms["clusters"] = self._clusters(x)
        yield Move("discriminator", **terms, log={"real": real, "fake": fake, **nats})
        of_fake = self.discriminator.body(made)
        value = objective.g(self.discriminator.head(of_fake), real.detach())
        information, nats = self._information(self._said(generated, of_fake), z, step)
        yield Move("generator", adversarial=value, information=information, log=nats)

    def phase(self, step: int) -> Hashable | None:
        config = self.config
        return (step >= config.start, step % config.penalty_every == 0) if config.noise.settled(step) else None

    def realism(self, samples: Tensor) -> Tensor:
        return self.discriminator(samples)[:, 0]

    def sample(self, like: Tensor, z: Tensor | None = None) -> Tensor:
        return self.generator(self.prior.draw(like) if z is None else z)

    def posterior(self, x: Tensor) -> Posterior:
        """Q(c | x) of samples (B, *shape): logits of each categorical code, means and log variances of the others."""
        return self._said(x, self.discriminator.body(x) if self.body is None else None)

    def _said(self, x: Tensor, features: Tensor | None) -> Posterior:
        """The same, with D's features at hand, which count where Q has no body of its own."""
        parameters = self.recogniser(features if self.body is None else self.body(x))
        return mutual_information.split_parameters(parameters, self.config.categories, self.config.continuous)

    def _information(self, said: Posterior, z: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """-lambda L_I, to be minimised, and L_I of either kind of codes, to be logged."""
        nats = mutual_information.lower_bound(said, z[:, self.config.noise_dim :])
        weights = {"categorical": self.config.categorical_weight, "continuous": self.config.continuous_weight}
        begun = float(step >= self.config.start)
        value = -torch.stack([begun * weights[name] * bound for name, bound in nats.items()]).sum()
        return value, {f"{name}_nats": bound for name, bound in nats.items()}

    def _clusters(self, x: Tensor) -> Tensor:
        """What `Clusters` asks of Q, of real samples."""
        asked, said = self.config.clusters, self.posterior(x)
        view = asked.views(x) if x.dim() == 4 else x
        near = mutual_information.virtual_adversarial(self.posterior, view, said, asked.radius)
        value = mutual_information.kl_divergence(said.detached(), self.posterior(near))
        return asked.weight * (
            value
            + asked.sure * mutual_information.conditional_entropy(said)
            - asked.even * mutual_information.marginal_entropy(said)
        )


def prior(config: InfoGAN.Config) -> latent.InfoGANPrior:
    """The distribution of z; a `ValueError` where it has no code."""
    if not config.categories and not config.continuous:
        raise ValueError("an InfoGAN needs a code: name categories, or a number of continuous codes")
    return latent.InfoGANPrior(config.noise_dim, config.categories, config.continuous)


def outputs(config: InfoGAN.Config) -> int:
    """How many numbers Q says of a sample."""
    return sum(config.categories) + config.continuous * (2 if config.variance == "learnt" else 1)


@dataclass(frozen=True)
class Network:
    """The size of the paper's networks."""

    width: Annotated[int, Gt(0), "channels at half the image's size, twice as many at a quarter, 16 times in a row"] = (
        64
    )


@recipe(data="mnist", batch_size=128, steps=5_000)
def mnist(shape: Shape, config: InfoGAN.Config = InfoGAN.Config(), network: Network = Network()) -> InfoGAN:
    """The paper's networks for MNIST (table 1), as many rounds as the authors' code plays."""
    width = network.width
    return InfoGAN(
        networks.PaperGenerator(prior(config).dim, shape, width),
        networks.paper_discriminator(shape, width),
        networks.recogniser(16 * width, outputs(config), 2 * width),
        config,
    )


_DIGITS_ADAM = Adam(2.5e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=2_000))
_DIGITS = InfoGAN.Config(
    objective="relativistic",
    penalties={"r1-r2": 0.5},
    penalty_every=8,
    g_optimizer=_DIGITS_ADAM,
    d_optimizer=_DIGITS_ADAM,
)


@recipe(data="digits", batch_size=32, steps=4_000, average=0.99)
def digits(shape: Shape, config: InfoGAN.Config = _DIGITS) -> InfoGAN:
    """R3GAN's objective on small networks: digits and their codes in minutes on two cores."""
    return InfoGAN(
        small.Generator(prior(config).dim, shape),
        networks.split_head(small.Discriminator(shape)),
        networks.recogniser(small.HIDDEN, outputs(config), normed=False),
        config,
    )


_CLUSTERS_ADAM = Adam(2e-3, (0.5, 0.99), decay=Decay("linear", warmup=80, start=600))
_CLUSTERS = replace(
    _DIGITS,
    clusters=Clusters(20.0),
    start=600,
    g_optimizer=_CLUSTERS_ADAM,
    d_optimizer=replace(_CLUSTERS_ADAM, lr=4e-3),
)


@dataclass(frozen=True)
class Perceptrons:
    """The size of perceptrons."""

    width: Annotated[int, Gt(0), "units of each hidden layer of G and D"] = 256
    recogniser_width: Annotated[int, Gt(0), "units of each hidden layer of Q"] = 500


@recipe(data="mnist", batch_size=256, steps=1_200, average=0.99)
def clusters(
    shape: Shape,
    config: InfoGAN.Config = _CLUSTERS,
    network: Perceptrons = Perceptrons(),
) -> InfoGAN:
    """Perceptrons, of which Q has its own body and learns from real samples, too."""
    hidden = (network.width,) * 2
    return InfoGAN(
        mlp.Generator(prior(config).dim, shape, hidden, norm="batch"),
        networks.split_head(mlp.Discriminator(shape, hidden)),
        nn.Linear(network.recogniser_width, outputs(config)),
        config,
        networks.body(shape, network.recogniser_width),
    )


_TOY_ADAM = Adam(3e-3, (0.5, 0.99), decay=Decay("linear"))


@recipe(data="ring", batch_size=256, steps=1_600, average=0.99)
def toy(
    shape: Shape,
    config: InfoGAN.Config = InfoGAN.Config(
        noise_dim=2, categories=(8,), continuous=0, penalties={"r1": 0.1}, g_optimizer=_TOY_ADAM, d_optimizer=_TOY_ADAM
    ),
) -> InfoGAN:
    """Small perceptrons on points in the plane: a category for each mode."""
    hidden = (64,) * 3
    return InfoGAN(
        mlp.Generator(prior(config).dim, shape, hidden),
        networks.split_head(mlp.Discriminator(shape, hidden)),
        networks.recogniser(64, outputs(config), 64, normed=False),
        config,
    )
