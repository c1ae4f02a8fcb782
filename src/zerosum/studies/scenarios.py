"""Short trainings whose outcome is known: healthy runs of most recipes, and failures made on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from zerosum import data
from zerosum.batches import Labelled
from zerosum.data.dataset import Dataset
from zerosum.game import Game
from zerosum.games import find
from zerosum.modality import Shape
from zerosum.optim import SGD, Adam, Decay
from zerosum.recipe import Training
from zerosum.studies.spoiled import (
    Change,
    Conditional,
    Shift,
    Spoil,
    constant,
    fixed_points,
    shuffle_labels,
    subset,
    without_labels,
    without_z,
    z_through,
)
from zerosum.training.trainer import Trainer
from zerosum.util import rng

SIDE = 16  # pixels of the digits: a third of the work of 28
FOUR = "gaussians:-1,-1/-1,1/1,-1/1,1@0.3"  # four classes of points


@dataclass(frozen=True)
class Scenario:
    """A training, and the verdict that it deserves."""

    truth: str
    name: str
    game: str | Callable[[Shape], Game[Any]]  # a recipe's name, or a function that makes the game
    data: str
    steps: int
    batch_size: int
    training: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of the recipe
    labelled: bool = False  # a game without a recipe that learns from classes
    change: Change | None = None  # of the data
    spoil: Spoil | None = None  # of the game

    def trainer(self, seed: int) -> tuple[Trainer, Dataset]:
        """The trainer at round 0, and its data."""
        size = (SIDE, SIDE) if self.data == "digits" else None
        drawn = find(self.game).batch if isinstance(self.game, str) else Labelled if self.labelled else Tensor
        loaded = data.load(self.data, size=size, labels=drawn is not Tensor, seed=seed)
        loaded = self.change(loaded, seed) if self.change else loaded
        usual = Training(self.steps, self.batch_size, seed, average=0.99, precision="fp32", log_every=10)
        rng.seed(seed)
        if isinstance(self.game, str):
            game = find(self.game).build(loaded.spec, self.options)
        else:
            game = self.game(loaded.shape)
        if self.spoil:
            self.spoil(game)
        stream = data.Stream(loaded, self.batch_size, seed=seed, batch=drawn)
        return Trainer(game, stream, replace(usual, **self.training)), loaded


def points(
    truth: str,
    name: str,
    recipe: str,
    steps: int,
    *,
    on: str = "ring",
    batch_size: int = 256,
    spoil: Spoil | None = None,
    change: Change | None = None,
    **config: Any,
) -> Scenario:
    """A recipe on points in the plane, with options of its config."""
    options = {"config": config}
    return Scenario(truth, name, recipe, on, steps, batch_size, {}, options, spoil=spoil, change=change)


def digits(
    truth: str,
    name: str,
    recipe: str,
    steps: int,
    *,
    batch_size: int = 64,
    spoil: Spoil | None = None,
    change: Change | None = None,
    clip: float | None = None,
    network: Mapping[str, Any] | None = None,
    **config: Any,
) -> Scenario:
    """A recipe on small digits, with options of its config; DCGAN's networks are narrow."""
    narrow = {"width": 8} if recipe in ("composed/dcgan", "composed/lsgan", "composed/hinge", "composed/sngan") else {}
    options = {"config": config} | ({"network": network or narrow} if network or narrow else {})
    return Scenario(
        truth, name, recipe, "digits", steps, batch_size, {"clip": clip}, options, spoil=spoil, change=change
    )


def classes(
    truth: str, name: str, on: str, steps: int, *, spoil: Spoil | None = None, change: Change | None = None
) -> Scenario:
    """The small conditional game on digits or on four clouds of points."""
    if on == "digits":

        def build(shape: Shape) -> Conditional:
            return Conditional(shape, 10, 32, (256, 256), Adam(1e-3, (0.5, 0.99), decay=Decay("linear")))
    else:

        def build(shape: Shape) -> Conditional:
            return Conditional(shape, 4, 2, (64, 64, 64), Adam(2e-3, (0.5, 0.99), decay=Decay("linear")))

    return Scenario(
        truth, name, build, on, steps, 64 if on == "digits" else 256, labelled=True, spoil=spoil, change=change
    )


def circling(name: str, on: str, lr: float, steps: int) -> Scenario:
    """Simultaneous rotation of G and a linear critic, which nothing damps."""
    return Scenario("oscillating", name, lambda shape: Shift(shape, SGD(lr, 0.0)), on, steps, 256, {"average": 0.0})


def adam(lr: float, beta: float = 0.5) -> dict[str, Any]:
    return {"kind": "adam", "lr": lr, "betas": (beta, 0.99)}


def sgd(lr: float) -> dict[str, Any]:
    return {"kind": "sgd", "lr": lr}


def rates(g: float, d: float | None = None, beta: float = 0.5) -> dict[str, Any]:
    """Adam for both players."""
    return {"g_optimizer": adam(g, beta), "d_optimizer": adam(g if d is None else d, beta)}


SMALL_R3GAN = {"widths": (16, 16), "blocks": 1, "group_size": 8}

UNEXAMINED = {  # recipes without a healthy run, and why
    "bad-gan/images": "its samples are to lie where there is no data",
    "bad-gan/mnist": "its samples are to lie where there is no data",
    "infogan/clusters": "its generator serves the codes, and stays rough",
    "infogan/mnist": "its networks take too long on a processor",
    "sgan/images": "its generator serves the discriminator, and stays poor",
    "sgan/mnist": "its generator serves the discriminator, and stays poor",
}

HEALTHY = (
    points("healthy", "bayesian/toy", "bayesian/toy", 1200, batch_size=128),
    points("healthy", "began/toy", "began/toy", 2500),
    points("healthy", "bigan/toy", "bigan/toy", 2000),
    points("healthy", "composed/toy", "composed/toy", 1600),
    points("healthy", "composed/grid", "composed/grid", 3000, on="grid", batch_size=128),
    points("healthy", "gan/toy", "gan/toy", 1500),
    points("healthy", "infogan/toy", "infogan/toy", 1600),
    points("healthy", "r3gan/toy", "r3gan/toy", 1400),
    points("healthy", "wgan-gp/toy", "wgan-gp/toy", 1500),
    points("healthy", "wgan/toy", "wgan/toy", 2500),
    points("healthy", "ls-gan/toy", "ls-gan/toy", 1500),
    points("healthy", "unrolled/toy", "unrolled/toy", 1200, batch_size=128),
    points("healthy", "cgan/toy", "cgan/toy", 1600, on="moons"),
    points("healthy", "acgan/toy", "acgan/toy", 1600, on="moons"),
    points("healthy", "conditional-r3gan/toy", "conditional-r3gan/toy", 1400, on="moons"),
    points("healthy", "sgan/toy", "sgan/toy", 1200, on=FOUR),
    digits("healthy", "cgan/digits", "cgan/digits", 1200, network={"width": 8}),
    digits("healthy", "cgan/images", "cgan/images", 1200, network={"width": 8, "condition": "concat"}, **rates(1e-3)),
    digits("healthy", "cgan/mnist", "cgan/mnist", 2800, batch_size=32),
    digits("healthy", "acgan/digits", "acgan/digits", 1200, network={"width": 8}),
    digits("healthy", "acgan/images", "acgan/images", 1200, network={"width": 8}, **rates(1e-3)),
    digits(
        "healthy",
        "conditional-r3gan/images",
        "conditional-r3gan/images",
        1000,
        batch_size=16,
        network=SMALL_R3GAN,
        optimizer=adam(2e-3, 0.0),
    ),
    digits(
        "healthy",
        "bigan/mnist",
        "bigan/mnist",
        1500,
        network={"width": 256},
        weight_decay=5e-4,
        noise={"std": 0.3},
        **rates(1e-3),
    ),
    digits("healthy", "bayesian/images", "bayesian/images", 600, batch_size=32, generators=2, discriminators=1),
    digits(
        "healthy",
        "began/images",
        "began/images",
        1500,
        batch_size=16,
        network={"width": 10},
        latent_dim=32,
        **rates(1e-3),
    ),
    digits("healthy", "infogan/digits", "infogan/digits", 1500, batch_size=32),
    digits("healthy", "demo", "composed/demo", 2200, batch_size=16),
    digits("healthy", "dcgan", "composed/dcgan", 1500, **rates(1e-3)),
    digits("healthy", "lsgan", "composed/lsgan", 1500, **rates(1e-3)),
    digits("healthy", "hinge", "composed/hinge", 1500, **rates(1e-3, beta=0.0)),
    digits("healthy", "sngan", "composed/sngan", 600, d_steps=2, **rates(2e-3)),
    digits("healthy", "pacgan", "composed/pacgan", 1500, network={"width": 8}, **rates(1e-3)),
    digits("healthy", "dragan", "composed/dragan", 1500, network={"width": 8}, **rates(1e-3)),
    digits("healthy", "relativistic", "composed/relativistic", 1500, network={"width": 8}, **rates(1e-3)),
    digits("healthy", "unrolled/images", "unrolled/images", 900, network={"width": 8}, **rates(1e-3)),
    digits(
        "healthy",
        "wgan/images",
        "wgan/images",
        1200,
        network={"width": 8},
        critic_steps=3,
        long_steps=10,
        optimizer={"kind": "rmsprop", "lr": 1e-3},
    ),
    digits("healthy", "ls-gan/images", "ls-gan/images", 1200, network={"width": 8}, **rates(1e-3)),
    digits("healthy", "tutorial", "gan/tutorial", 1800, noise={"std": 0.5}, **rates(4e-4, 1e-4)),
    digits("healthy", "paper", "gan/paper", 2800, batch_size=32),
    digits(
        "healthy", "r3gan/images", "r3gan/images", 1000, batch_size=16, network=SMALL_R3GAN, optimizer=adam(2e-3, 0.0)
    ),
    digits(
        "healthy",
        "wgan-gp/images",
        "wgan-gp/images",
        500,
        batch_size=32,
        network={"width": 12},
        critic_steps=2,
        optimizer=adam(1e-3, 0.0),
    ),
    classes("healthy", "conditional points", FOUR, 2000),
    classes("healthy", "conditional digits", "digits", 2500),
)

COLLAPSED = (
    points("mode collapse", "ring, one point", "composed/toy", 1200, spoil=z_through(constant)),
    points("mode collapse", "ring, two of eight", "composed/toy", 1200, spoil=z_through(fixed_points(2))),
    points(
        "mode collapse", "grid, four of twenty-five", "r3gan/toy", 1200, on="grid", spoil=z_through(fixed_points(4))
    ),
    digits("mode collapse", "dcgan, one image", "composed/dcgan", 1000, spoil=z_through(constant), **rates(1e-3)),
    digits(
        "mode collapse", "lsgan, three images", "composed/lsgan", 1000, spoil=z_through(fixed_points(3)), **rates(1e-3)
    ),
    digits("mode collapse", "demo, two images", "composed/demo", 1500, batch_size=16, spoil=z_through(fixed_points(2))),
    digits(
        "mode collapse",
        "no batch norm, six images",
        "composed/hinge",
        900,
        spoil=z_through(fixed_points(6)),
        **rates(1e-3, beta=0.0),
    ),
    # These two collapse by themselves: the tutorial's networks to about ten images, the paper's under Adam to one.
    digits("mode collapse", "tutorial, high rate", "gan/tutorial", 1000, **rates(5e-4)),
    digits("mode collapse", "paper, Adam", "gan/paper", 800, **rates(2e-4, 1e-4)),
)

LABELS = (
    classes("conditional collapse", "points, one a class", FOUR, 1500, spoil=without_z),
    classes("conditional collapse", "digits, one a class", "digits", 1800, spoil=without_z),
    classes("labels ignored", "points, labels shuffled", FOUR, 1500, change=shuffle_labels),
    classes("labels ignored", "points, labels not wired", FOUR, 1500, spoil=without_labels),
    classes("labels ignored", "digits, labels shuffled", "digits", 1800, change=shuffle_labels),
    classes("labels ignored", "digits, labels not wired", "digits", 1800, spoil=without_labels),
)

UNEQUAL = (
    digits(
        "discriminator too strong", "tutorial, D 100x", "gan/tutorial", 500, generator="minimax", **rates(1e-5, 1e-3)
    ),
    digits(
        "discriminator too strong", "dcgan, D 100x", "composed/dcgan", 900, objective="minimax", **rates(2e-5, 2e-3)
    ),
    digits(
        "discriminator too strong", "no batch norm, D 100x", "composed/hinge", 900, penalties=None, **rates(2e-5, 2e-3)
    ),
    points(
        "discriminator too strong",
        "ring, D 1000x",
        "gan/toy",
        1200,
        generator="minimax",
        d_steps=3,
        **rates(1e-5, 1e-2),
    ),
    digits("generator ahead", "dcgan, G 1000x", "composed/dcgan", 900, **rates(1e-3, 1e-6)),
    digits("generator ahead", "tutorial, G 1000x", "gan/tutorial", 500, **rates(1e-3, 1e-6)),
    points("generator ahead", "ring, G 3000x", "composed/toy", 1200, **rates(3e-3, 1e-6)),
)

UNSTABLE = (
    circling("circling", "gaussians:2,2@0.5", 0.05, 8000),
    circling("circling slowly", "gaussians:1,2/2,1@0.5", 0.02, 10_000),
    circling("circling fast", "gaussians:3,0@0.5", 0.1, 8000),
    digits(
        "diverged",
        "no batch norm, high rate",
        "composed/hinge",
        800,
        objective="wasserstein",
        penalties=None,
        g_optimizer=sgd(5.0),
        d_optimizer=sgd(5.0),
    ),
    points(
        "diverged",
        "least squares, high rate",
        "composed/toy",
        1000,
        objective="least-squares",
        penalties=None,
        g_optimizer=sgd(3.0),
        d_optimizer=sgd(3.0),
    ),
    points(
        "diverged",
        "critic without bound",
        "composed/toy",
        1200,
        objective="wasserstein",
        penalties=None,
        **rates(5e-2, beta=0.0),
    ),
    points("diverged", "wgan-gp, high rate", "wgan-gp/toy", 800, optimizer=sgd(5.0)),
)

FEW = (
    digits("memorising", "twelve digits", "composed/demo", 2200, batch_size=12, change=subset(12)),
    digits("memorising", "twenty digits", "composed/demo", 2500, batch_size=10, change=subset(20)),
    digits("memorising", "thirty-two digits", "composed/demo", 2500, batch_size=16, change=subset(32)),
    points(
        "memorising",
        "ten points",
        "r3gan/toy",
        9000,
        on="gaussians:0,0@1",
        batch_size=10,
        change=subset(10),
        gamma=0.01,
        optimizer=adam(2e-3),
    ),
)

SHORT = (
    digits("under-trained", "dcgan, 60 rounds", "composed/dcgan", 60),
    digits("under-trained", "dcgan, tiny rates", "composed/dcgan", 800, **rates(2e-6)),
    points("under-trained", "ring, 60 rounds", "composed/toy", 60),
    digits(
        "under-trained", "clip too small", "composed/hinge", 700, clip=1e-6, g_optimizer=sgd(0.1), d_optimizer=sgd(0.1)
    ),
    classes("under-trained", "conditional digits, 80 rounds", "digits", 80),
)

SCENARIOS = HEALTHY + COLLAPSED + LABELS + UNEQUAL + UNSTABLE + FEW + SHORT
