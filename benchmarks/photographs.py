"""The default recipe on a folder of photographs: the Fréchet distance after one minute and at the end.

    python -m benchmarks.photographs FOLDER [--out DIR] [--seed S] [--steps N] [--steps-at EARLY] [--record "NAME"]

prints both and writes them, with what they were measured by, to DIR/photographs.json, and a grid of samples of each
beside it. `--record` adds them, under what the images are, to benchmarks/photographs_results.json, which the table in
docs/guide.md is made of. "After one minute" is a minute of training without what is measured here, or, on a machine
that others use too, the step that a quiet one is at by then: `--steps-at`. The features see colours and textures, and
none was learnt: 64 principal components of the images at 16x16 pixels; and means of random 5x5 filters at three
scales.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import zerosum
from zerosum import data
from zerosum.latent_game import LatentGame
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.pictures.grids import grid
from zerosum.pictures.png import save
from zerosum.studies.study import check_committed, commit, hardware
from zerosum.training.trainer import Trainer
from zerosum.util import rng

SAMPLES, EARLY = 3_000, 60.0  # of each measurement; seconds
RESULTS = Path(__file__).with_name("photographs_results.json")


class Features:
    """Of images (N, C, H, W) in [-1, 1], by what was fitted to the real ones."""

    def __init__(self, real: Tensor):
        small = F.adaptive_avg_pool2d(real, 16).flatten(1)
        self.mean = small.mean(0)
        with rng.fork_rng(torch.device("cpu"), 0):
            _, _, self.axes = torch.pca_lowrank(small, min(64, *small.shape))
            fan_in = 25 * real.shape[1]
            self.filters = [torch.randn(32, real.shape[1], 5, 5) / fan_in**0.5 for _ in range(3)]

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        pixels = (F.adaptive_avg_pool2d(x, 16).flatten(1) - self.mean) @ self.axes
        return {"pixels": pixels, "random filters": torch.cat([self._means(part) for part in x.split(500)])}

    def _means(self, x: Tensor) -> Tensor:
        found = []
        for weight in self.filters:
            answers = F.conv2d(x, weight, padding=2).relu()
            found += [answers.mean((2, 3)), F.adaptive_avg_pool2d(answers, 2)[:, ::4].flatten(1)]
            x = F.avg_pool2d(x, 2)
        return torch.cat(found, 1)


class Early:
    """A hook that keeps samples of the moment when the training is a minute old, or at a step."""

    def __init__(self, step: int | None):
        self.step, self.began = step, time.monotonic()
        self.samples: Tensor | None = None

    def __call__(self, trainer: Trainer) -> None:
        if self.samples is not None:
            return
        due = time.monotonic() - self.began >= EARLY if self.step is None else trainer.step >= self.step
        if due:
            self.step, self.samples = trainer.step, draw(trainer.sampler.core)


@torch.no_grad()
def draw(game: LatentGame) -> Tensor:
    """SAMPLES of a game, in evaluation mode, for one seed."""
    was = game.training
    game.eval()
    with rng.fork_rng(torch.device("cpu"), 1):
        parts = [game.generate(game.latents(500)) for _ in range(SAMPLES // 500)]
    game.train(was)
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--out", type=Path, default=Path("runs/photographs"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--steps-at", type=int)
    parser.add_argument("--recipe")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    if given.record:
        check_committed()
    options = {"steps": given.steps} if given.steps else {}
    early, began = Early(given.steps_at), time.monotonic()
    run = zerosum.train(given.recipe, given.folder, given.out, seed=given.seed, device="cpu", hooks=[early], **options)
    seconds = time.monotonic() - began
    record = run.record
    size = record.data.size
    real = data.load(given.folder, size=size, labels=False).x[: 4 * SAMPLES].float() / 127.5 - 1
    features = Features(real)
    of_real = {name: Moments.of(x) for name, x in features(real).items()}
    taken = {"early": early.samples, "end": draw(run.game.core)}
    values: dict[str, dict[str, float]] = {}
    for when, samples in taken.items():
        if samples is not None:
            values[when] = {n: float(frechet(Moments.of(x), of_real[n])) for n, x in features(samples).items()}
            save(grid(samples[:64]), given.out / f"photographs-{when}.png")
    result = {
        "command": " ".join(["python -m benchmarks.photographs", *sys.argv[1:]]),
        "recipe": record.recipe, "images": record.data.count, "size": size, "seed": given.seed,
        "early step": early.step, "steps": run.step, "seconds": round(seconds),
        "frechet": values,
        "threads": torch.get_num_threads(), "load": os.getloadavg()[2],
        "hardware": hardware(), "torch": torch.__version__, "commit": commit(),
    }  # fmt: skip
    (given.out / "photographs.json").write_text(json.dumps(result, indent=1) + "\n")
    if given.record:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(known | {given.record: result}, indent=1) + "\n")
    for name in of_real:
        row = [values[when][name] for when in values]
        share = f", {row[-1] / row[0]:.2f} of it" if len(row) == 2 else ""
        print(f"{name}: {' at first, then '.join(f'{value:.3g}' for value in row)}{share}")


if __name__ == "__main__":
    main()
