"""`zerosum reproduce wgan-critic-correlation`: does the critic's loss say how good the samples are?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.games import wgan
from zerosum.games.wgan import WGAN
from zerosum.recipe import Training
from zerosum.report.svg import PAPER, over_rounds, style
from zerosum.studies.quality import Quality
from zerosum.studies.study import Figures, Study
from zerosum.studies.training import Series, play, trainer_of
from zerosum.training.trainer import Trainer
from zerosum.util.files import atomic_path

POINTS = 40  # of the curves
ROUNDS = 8_000
SAMPLES = 5_000  # of both sides of a Fréchet distance


class Curves:
    """A hook that writes a point to `path` every `every` rounds: the critic's estimate and the quality of the samples.

    The estimate is E D(x) - E D(G(z)) on the batch of a round's last critic move, a mean over the rounds since the
    point before. It comes before the hook that empties the logged values.
    """

    def __init__(self, path: Path, every: int, quality: Quality):
        self.series, self.every, self.quality = Series(path, "rounds"), every, quality

    @property
    def points(self) -> list[dict[str, float]]:
        """All points so far."""
        return self.series.read()

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step % self.every:
            return
        last = {step: value for step, name, value in trainer.pending if name == "critic/adversarial"}  # of each round
        estimate = -float(torch.stack(list(last.values())).mean())
        point = {"rounds": trainer.step, "critic": estimate, "frechet": self.quality(trainer)}
        self.series.add(point)


def run(part: str, seed: int, fraction: float, folder: Path) -> Figures:
    """Train a WGAN on MNIST; its two curves and their rank correlation."""
    dataset = data.load("mnist", labels=False)
    steps = max(5, round(ROUNDS * fraction))
    every = min(ROUNDS // POINTS, steps // 5)
    config = WGAN.Config(long_first=math.ceil(25 * fraction))
    return curves(dataset, seed, steps // every, every, folder, config, wgan.Network(), SAMPLES)


def curves(
    dataset: Dataset,
    seed: int,
    points: int,
    every: int,
    folder: Path,
    config: WGAN.Config,
    network: wgan.Network,
    samples: int,
) -> Figures:
    """Train for `points` times `every` rounds, going on from what `folder` holds."""
    training = Training(
        steps=points * every,
        batch_size=64,
        seed=seed,
        average=0.0,
        precision="fp32",  # the critic's estimate is a small difference of its outputs
        log_every=every,
        checkpoint_every=4 * every,
        keep=1,
    )
    trainer = trainer_of(lambda shape: wgan.images(shape, config, network), dataset, training)
    hook = Curves(folder / "curves.json", every, Quality(dataset, samples, trainer.device))
    play(trainer, folder, [hook])
    figures = {name: [point[name] for point in hook.points] for name in ("rounds", "critic", "frechet")}
    correlation = spearman(torch.tensor(figures["critic"]), torch.tensor(figures["frechet"]))
    return {"seed": seed, "correlation": correlation, **figures}


def spearman(a: Tensor, b: Tensor) -> float:
    """Spearman's rank correlation of two equally long rows (N,): Pearson's of their ranks, ties sharing a mean rank.

    ValueError where a row is constant or they do not match.
    """
    if a.dim() != 1 or a.shape != b.shape:
        raise ValueError(f"two rows of equal length are needed, not {tuple(a.shape)} and {tuple(b.shape)}")
    ranks = torch.stack([_ranks(a), _ranks(b)])
    if bool((ranks == ranks[:, :1]).all(1).any()):
        raise ValueError("a row whose values are all equal has no rank correlation")
    return float(torch.corrcoef(ranks)[0, 1])


def draw(record: Mapping[str, Any], path: Path) -> None:
    """The curves of every seed in a record of this study, as a picture (PNG, SVG or PDF by the ending of `path`)."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    runs = record["runs"]
    with style(), atomic_path(path) as partial:
        figure = Figure(figsize=(4 * len(runs), 2.8), layout="constrained")
        for axes, one in zip(figure.subplots(1, len(runs), squeeze=False)[0], runs, strict=True):
            over_rounds(axes, one["rounds"][-1], PAPER, 8)
            other = axes.twinx()
            other.spines[:].set_visible(False)
            for side, name, color in ((axes, "critic", PAPER.curves[0]), (other, "frechet", PAPER.curves[1])):
                side.plot(one["rounds"], one[name], color=color, linewidth=1.4)
                side.tick_params(axis="y", labelcolor=color, labelsize=8, length=0)
            axes.set_ylim(bottom=0)
            other.set_yscale("log")  # it falls by a factor of ten before the first thousand rounds
            other.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            other.yaxis.set_major_formatter("{x:g}")
            other.yaxis.set_minor_locator(NullLocator())
            axes.set_title(f"seed {one['seed']}: rank correlation {one['correlation']:.3f}", fontsize=9)
            axes.set_xlabel("rounds", fontsize=8, color=PAPER.muted)
            axes.set_ylabel("critic's estimate", fontsize=8, color=PAPER.curves[0])
            other.set_ylabel("Fréchet distance", fontsize=8, color=PAPER.curves[1])
        figure.savefig(partial, dpi=150)


def summarise(parts: Sequence[Figures]) -> Figures:
    """The correlation of each seed, and all curves."""
    return {"values": [part["correlation"] for part in parts], "runs": list(parts)}


def _ranks(row: Tensor) -> Tensor:
    """(N,) from 0; equal values share the mean of their ranks."""
    return ((row[:, None] > row).double() + 0.5 * (row[:, None] == row)).sum(1)


WGAN_CRITIC = Study(
    name="wgan-critic-correlation",
    protocol=(
        "WGAN with weight clipping on MNIST, DCGAN's networks of 64 channels, the paper's settings (RMSprop 5e-5, clip "
        "0.01, n_critic 5, and 100 in the first 25 rounds and in every 500th; batches of 64), "
        f"{ROUNDS} rounds. At {POINTS} points evenly over the run: the critic's estimate of the distance, E D(x) - E "
        "D(G(z)), a mean over the rounds since the point before, and the Fréchet distance of "
        f"{SAMPLES} samples to as many training images, on features of the packaged digit network. The value is "
        "Spearman's rank correlation of the two over the run. The paper shows it by eye, on LSUN's bedrooms."
    ),
    published="the loss correlates well with the visual quality of the samples (no number)",
    target=0.8,
    relation=">=",
    seeds=(0, 1, 2),
    parts=lambda seed: ("wgan",),
    run=run,
    summarise=summarise,
)
