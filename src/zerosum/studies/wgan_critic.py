"""`zerosum reproduce wgan-critic-correlation`: does the critic's loss say how good the samples are?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.games import wgan
from zerosum.games.wgan import WGAN
from zerosum.pictures.png import mark_of_figure
from zerosum.report.svg import PAPER, over_rounds, style
from zerosum.studies.quality import Quality
from zerosum.studies.study import Measurements, Study
from zerosum.studies.training import Series, last_weights, play, trainer_of
from zerosum.training.trainer import Trainer
from zerosum.util.files import atomic_path

POINTS = 40  # of the curves
ROUNDS = 8_000
SAMPLES = 5_000  # of both sides of a Fréchet distance


def critic_estimate(trainer: Trainer) -> float:
    """E D(x) - E D(G(z)) on the batch of a round's last critic move: the mean over rounds since the log was emptied."""
    last = {step: value for step, name, value in trainer.interval if name == "critic/adversarial"}  # of each round
    return -float(torch.stack(list(last.values())).mean())


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train a WGAN on MNIST; its two curves and their rank correlation."""
    dataset = data.load("mnist", labels=False)
    steps = max(5, round(ROUNDS * fraction))
    every = min(ROUNDS // POINTS, steps // 5)
    config = WGAN.Config(long_first=math.ceil(25 * fraction))
    return train_wgan(dataset, seed, steps // every, every, folder, config, wgan.Network(), SAMPLES)


def train_wgan(
    dataset: Dataset,
    seed: int,
    points: int,
    every: int,
    folder: Path,
    config: WGAN.Config,
    network: wgan.Network,
    samples: int,
) -> Measurements:
    """Train for `points` times `every` rounds, going on from what `folder` holds."""
    training = last_weights(points * every, 64, seed, every, 4 * every)
    trainer = trainer_of(lambda spec: wgan.images(spec, config, network), dataset, training)
    series, quality = Series(folder / "curves.json", "rounds"), Quality(dataset, samples, trainer.device)

    def measure(trainer: Trainer) -> dict[str, float]:
        return {"critic": critic_estimate(trainer), "frechet": quality(trainer)}

    play(trainer, folder, [series.measuring(measure, every)])
    measurements = {name: [point[name] for point in series.read()] for name in ("rounds", "critic", "frechet")}
    correlation = float(spearmanr(measurements["critic"], measurements["frechet"]).statistic)
    return {"seed": seed, "correlation": correlation, **measurements}


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
        figure.savefig(partial, dpi=150, metadata=mark_of_figure(partial))


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The correlation of each seed, and all curves."""
    return {"values": [part["correlation"] for part in parts], "runs": list(parts)}


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
    differs="MNIST in place of LSUN's bedrooms, 8,000 steps, rank correlation in place of the eye",
    measures="rank correlation of the critic's estimate and the Fréchet distance, three seeds",
    goal="0.8",
    ours=lambda result: ", ".join(f"{value:.3f}" for value in result["values"]),
    picture=lambda result, work, path: draw(result, path),
)
