"""Short trainings whose outcome is known: healthy runs of most recipes, and failures made on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from zerosum import data
from zerosum.data.dataset import DataError, Dataset
from zerosum.game import Game
from zerosum.games import find
from zerosum.modality import Classes, Spec
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
ONE = "gaussians:0,0@1"
FOUR = "gaussians:-1,-1/-1,1/1,-1/1,1@0.3"  # four classes of points


@cache
def photographs() -> bool:
    """Whether CIFAR-10 is at hand."""
    with suppress(DataError):
        return len(data.load("cifar10")) > 0
    return False


@dataclass(frozen=True)
class Scenario:
    """A training, and the verdict that it deserves."""

    name: str
    game: str | Callable[[Spec], Game[Any]]  # a recipe's name, or a function that builds the game
    data: str
    steps: int
    batch_size: int
    training: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of the recipe
    labelled: bool = False  # a game without a recipe that learns from classes
    change: Change | None = None  # of the data
    spoil: Spoil | None = None  # of the game
    truth: str = "healthy"  # the verdict
    since: int = 0  # the step before which nobody can know it

    @property
    def size(self) -> tuple[int, int] | None:
        """Of images that are brought to one."""
        return (SIDE, SIDE) if self.data.endswith("digits") else None

    def trainer(self, seed: int) -> tuple[Trainer, Dataset]:
        """The trainer at step 0, and its data."""
        labelled = find(self.game).labelled if isinstance(self.game, str) else self.labelled
        loaded = data.load(self.data, size=self.size, labels=labelled, seed=seed)
        loaded = self.change(loaded, seed) if self.change else loaded
        usual = Training(self.steps, self.batch_size, seed, average=0.99, precision="fp32", log_every=10)
        rng.seed(seed)
        game = self.game(loaded.spec) if callable(self.game) else find(self.game).build(loaded.spec, self.options)
        if self.spoil:
            self.spoil(game)
        stream = data.Stream(loaded, self.batch_size, seed=seed, batch=game.batch)
        return Trainer(game, stream, replace(usual, **self.training)), loaded


def _of_recipe(
    recipe: str,
    steps: int,
    name: str = "",
    *,
    on: str,
    batch_size: int,
    spoil: Spoil | None = None,
    change: Change | None = None,
    clip: float | None = None,
    network: Mapping[str, Any] | None = None,
    **config: Any,
) -> Scenario:
    """A recipe with options of its config; DCGAN's networks are narrow."""
    network = network or ({"width": 8} if recipe in NARROW else None)
    options = {"config": config} | ({"network": network} if network else {})
    training = {"clip": clip}
    return Scenario(name or recipe, recipe, on, steps, batch_size, training, options, spoil=spoil, change=change)


points = partial(_of_recipe, on="ring", batch_size=256)  # in the plane
digits = partial(_of_recipe, on="digits", batch_size=64)  # small ones


def classes(name: str, on: str, steps: int, *, spoil: Spoil | None = None, change: Change | None = None) -> Scenario:
    """The small conditional game on digits or on four clouds of points."""
    small = (2, (64, 64, 64), Adam(2e-3, (0.5, 0.99), decay=Decay("linear")))
    large = (32, (256, 256), Adam(1e-3, (0.5, 0.99), decay=Decay("linear")))

    def build(spec: Spec) -> Conditional:
        assert isinstance(spec.y, Classes)
        return Conditional(spec.x.shape, spec.y, *(large if on == "digits" else small))

    size = 64 if on == "digits" else 256
    return Scenario(name, build, on, steps, size, labelled=True, spoil=spoil, change=change)


def circling(name: str, on: str, lr: float, steps: int) -> Scenario:
    """Simultaneous rotation of G and a linear critic, which nothing damps."""
    return Scenario(name, lambda spec: Shift(spec.x.shape, SGD(lr, 0.0)), on, steps, 256, {"average": 0.0})


def adam(lr: float, beta: float = 0.5) -> dict[str, Any]:
    return {"kind": "adam", "lr": lr, "betas": (beta, 0.99)}


def sgd(lr: float) -> dict[str, Any]:
    return {"kind": "sgd", "lr": lr}


def rates(g: float, d: float | None = None, beta: float = 0.5) -> dict[str, Any]:
    """Adam for both players."""
    return {"g_optimizer": adam(g, beta), "d_optimizer": adam(g if d is None else d, beta)}


def unpenalised(objective: str) -> dict[str, Any]:
    return {"objective": objective, "penalties": None}


def both(optimizer: dict[str, Any]) -> dict[str, Any]:
    """The same for both players."""
    return {"g_optimizer": optimizer, "d_optimizer": optimizer}


# The paper's networks as they moved when verdicts were recorded.
IN_TURN: dict[str, Any] = {"order": "alternating", "initial_samples": 0}

NARROW = (  # recipes of DCGAN's networks
    *("dcgan", "lsgan", "hinge", "sngan", "pacgan", "dragan", "relativistic"),
    *("cgan/digits", "acgan/digits", "acgan/images", "unrolled/images", "wgan/images", "loss-sensitive/images"),
)
SMALL_R3GAN: dict[str, Any] = {
    "gamma": 1.0,
    "network": {"widths": (16, 16), "blocks": 1, "group_size": 8},
    "optimizer": adam(2e-3, 0.0),
}

UNEXAMINED = {  # recipes without a healthy run, and why
    "pix2pix/images": "`reproduce health-translators` examines it",
    "cyclegan/images": "`reproduce health-translators` examines it",
    "simgan/images": "`reproduce health-translators` examines it",
    "simgan/gauges": "`reproduce health-translators` examines it",
    "seqgan/oracle": "`reproduce health-texts` examines seqgan/lines, the same game",
    "seqgan/lines": "`reproduce health-texts` examines it",
    "seqgan/melodies": "verdicts on melodies are not validated yet",
    "textgan/lines": "`reproduce health-texts` examines texts of seqgan/lines, and none of a generator of z",
    "dialogue/lines": "its verdicts are those on texts, which `reproduce health-texts` examines of seqgan/lines",
    "gan-int-cls/images": "verdicts on images of captions are not validated yet",
    "gan-int-cls/shapes": "verdicts on images of captions are not validated yet",
    "stackgan/images": "verdicts on images of captions are not validated yet",
    "stackgan/shapes": "verdicts on images of captions are not validated yet",
    "stackgan/plain": "verdicts on a game of two stages are not validated yet",
    "r3gan/sounds": "verdicts on sounds are not validated yet",
    "advgan/images": "its samples are to be unlike the data's, to a classifier",
    "dann/images": "it makes no samples",
    "dann/paper": "it makes no samples",
    "stgan/boards": "it makes no samples",
    "gail/classic": "verdicts on behaviour are not validated yet",
    "gail/paper": "verdicts on behaviour are not validated yet",
    "driving-simulator/scenes": "verdicts on films are not validated yet",
    "bad-gan/images": "its samples are to lie where there is no data",
    "bad-gan/mnist": "its samples are to lie where there is no data",
    "r3gan/small": "the loss of r3gan/images, which is examined, on other networks",
    "infogan/clusters": "its generator serves the codes, and stays rough",
    "infogan/mnist": "its networks take too long on a processor",
    "bayesian-sgan/images": "its generators serve the discriminators, and stay poor",
    "latent-regressor/mnist": "bigan/mnist has the same networks, and is examined",
    "latent-regressor/toy": "a plain GAN, as gan/toy is, which is examined",
    "sgan/images": "its generator serves the discriminator, and stays poor",
    "sgan/mnist": "its generator serves the discriminator, and stays poor",
    "srgan/images": "`reproduce health-translators` examines it",
    "srgan/pixels": "`reproduce health-translators` examines it",
}

HEALTHY = (
    points("bayesian/toy", 1200, batch_size=128),
    points("began/toy", 2500),
    points("bigan/toy", 2000),
    points("two-player/toy", 1600),
    points("two-player/grid", 3000, on="grid", batch_size=128),
    points("gan/toy", 1500),
    points("infogan/toy", 1600),
    points("r3gan/toy", 1400),
    points("wgan-gp/toy", 1500),
    points("wgan/toy", 2500),
    points("loss-sensitive/toy", 1500),
    points("unrolled/toy", 1200, batch_size=128),
    points("cgan/toy", 1600, on="moons"),
    points("acgan/toy", 1600, on="moons"),
    points("r3gan/toy-classes", 1400, on="moons"),
    points("sgan/toy", 1200, on=FOUR),
    digits("cgan/digits", 1200),
    digits("cgan/images", 1200, network={"width": 8, "condition": "concat"}, **rates(1e-3)),
    digits("cgan/mnist", 2800, batch_size=32, **both({"momentum_end": None})),
    digits("acgan/digits", 1200),
    digits("acgan/images", 1200, **rates(1e-3)),
    digits("r3gan/classes", 1000, batch_size=16, **SMALL_R3GAN),
    digits(
        "bigan/mnist",
        1500,
        network={"width": 256},
        order="alternating",
        weight_decay=5e-4,
        noise={"std": 0.3},
        **rates(1e-3),
    ),
    digits("bayesian/images", 600, batch_size=32, generators=2, discriminators=1),
    digits("began/images", 1500, batch_size=16, network={"width": 10}, latent_dim=32, **rates(1e-3)),
    digits("infogan/digits", 1500, batch_size=32),
    digits("demo", 2200, batch_size=16),
    digits("dcgan", 1500, **rates(1e-3)),
    digits("lsgan", 1500, **rates(1e-3)),
    digits("hinge", 1500, **rates(1e-3, beta=0.0)),
    digits("sngan", 600, d_steps=2, **rates(2e-3)),
    digits("pacgan", 1500, **rates(1e-3)),
    digits("dragan", 1500, **rates(1e-3)),
    digits("relativistic", 1500, **rates(1e-3)),
    digits("unrolled/images", 900, **rates(1e-3)),
    digits("wgan/images", 1200, critic_steps=3, long_steps=10, optimizer={"kind": "rmsprop", "lr": 1e-3}),
    digits("loss-sensitive/images", 1200, **rates(1e-3)),
    digits("gan/tutorial", 1800, "tutorial", noise={"std": 0.5}, **rates(4e-4, 1e-4)),
    digits("gan/paper", 2800, "paper", batch_size=32, **IN_TURN, **both({"momentum_end": None})),
    digits("r3gan/images", 1000, batch_size=16, **SMALL_R3GAN),
    digits("wgan-gp/images", 500, batch_size=32, network={"width": 12}, critic_steps=2, optimizer=adam(1e-3, 0.0)),
    classes("conditional points", FOUR, 2000),
    classes("conditional digits", "digits", 2500),
)

FAILURES = {  # by the verdict that names them
    "mode collapse": (
        points("two-player/toy", 1200, "ring, one point", spoil=z_through(constant)),
        points("two-player/toy", 1200, "ring, two of eight", spoil=z_through(fixed_points(2))),
        points("r3gan/toy", 1200, "grid, four of twenty-five", on="grid", spoil=z_through(fixed_points(4))),
        digits("dcgan", 1000, "dcgan, one image", spoil=z_through(constant), **rates(1e-3)),
        digits("lsgan", 1000, "lsgan, three images", spoil=z_through(fixed_points(3)), **rates(1e-3)),
        digits("demo", 1500, "demo, two images", batch_size=16, spoil=z_through(fixed_points(2))),
        digits("hinge", 900, "no batch norm, six images", spoil=z_through(fixed_points(6)), **rates(1e-3, beta=0.0)),
        # These two collapse by themselves: the tutorial's networks to about ten images, the paper's under Adam to one.
        digits("gan/tutorial", 1000, "tutorial, high rate", **rates(5e-4)),
        digits("gan/paper", 800, "paper, Adam", **IN_TURN, **rates(2e-4, 1e-4)),
    ),
    "conditional collapse": (
        classes("points, one a class", FOUR, 1500, spoil=without_z),
        classes("digits, one a class", "digits", 1800, spoil=without_z),
    ),
    "labels ignored": (
        classes("points, labels shuffled", FOUR, 1500, change=shuffle_labels),
        classes("points, labels not wired", FOUR, 1500, spoil=without_labels),
        classes("digits, labels shuffled", "digits", 1800, change=shuffle_labels),
        classes("digits, labels not wired", "digits", 1800, spoil=without_labels),
    ),
    "discriminator too strong": (
        digits("gan/tutorial", 500, "tutorial, D 100x", generator="minimax", **rates(1e-5, 1e-3)),
        digits("dcgan", 900, "dcgan, D 100x", objective="minimax", **rates(2e-5, 2e-3)),
        digits("hinge", 900, "no batch norm, D 100x", penalties=None, **rates(2e-5, 2e-3)),
        points("gan/toy", 1200, "ring, D 1000x", generator="minimax", d_steps=3, **rates(1e-5, 1e-2)),
    ),
    "generator ahead": (
        digits("dcgan", 900, "dcgan, G 1000x", **rates(1e-3, 1e-6)),
        digits("gan/tutorial", 500, "tutorial, G 1000x", **rates(1e-3, 1e-6)),
        points("two-player/toy", 1200, "ring, G 3000x", **rates(3e-3, 1e-6)),
    ),
    "oscillating": (
        circling("circling", "gaussians:2,2@0.5", 0.05, 8000),
        circling("circling slowly", "gaussians:1,2/2,1@0.5", 0.02, 10_000),
        circling("circling fast", "gaussians:3,0@0.5", 0.1, 8000),
    ),
    "diverged": (
        digits("hinge", 800, "no batch norm, high rate", **unpenalised("wasserstein"), **both(sgd(5.0))),
        points("two-player/toy", 1000, "least squares, high rate", **unpenalised("least-squares"), **both(sgd(3.0))),
        points("two-player/toy", 1200, "critic without bound", **unpenalised("wasserstein"), **rates(0.2, beta=0.0)),
        points("wgan-gp/toy", 800, "wgan-gp, high rate", optimizer=sgd(5.0)),
    ),
    "memorising": (
        digits("demo", 2200, "twelve digits", batch_size=12, change=subset(12)),
        digits("demo", 2500, "twenty digits", batch_size=10, change=subset(20)),
        digits("demo", 2500, "thirty-two digits", batch_size=16, change=subset(32)),
        points(
            "r3gan/toy", 9000, "ten points", on=ONE, batch_size=10, change=subset(10), gamma=0.01, optimizer=adam(2e-3)
        ),
    ),
    "under-trained": (
        digits("dcgan", 60, "dcgan, 60 steps"),
        digits("dcgan", 800, "dcgan, tiny rates", **rates(2e-6)),
        points("two-player/toy", 60, "ring, 60 steps"),
        digits("hinge", 700, "clip too small", clip=1e-6, **both(sgd(0.1))),
        classes("conditional digits, 80 steps", "digits", 80),
    ),
}

SCENARIOS = HEALTHY + tuple(
    replace(scenario, truth=truth) for truth, scenarios in FAILURES.items() for scenario in scenarios
)
