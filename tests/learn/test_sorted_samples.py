"""Samples that a trained semi-supervised GAN sorts are what it says they are."""

from __future__ import annotations

from pathlib import Path

import torch

import zerosum
from zerosum import data


def test_sorted_points_lie_where_their_class_lies(tmp_path: Path) -> None:
    run = zerosum.train("sgan/toy", out=tmp_path / "run", steps=400, precision="fp32", quiet=True)
    fresh = data.load(run.record.data.name, seed=1)
    assert fresh.y is not None
    means = torch.stack([fresh.x[fresh.y == k].mean(0) for k in range(4)])
    nearest = torch.cdist(fresh.x, means).argmin(1)  # the best there is: the clouds are equally wide
    guessed = zerosum.load(run.path).classify(fresh.x).argmax(1)
    best, own = ((guess == fresh.y).double().mean() for guess in (nearest, guessed))
    assert own > best - 0.02

    zerosum.synthesize(run, tmp_path / "made.npz", 200, confidence=0.9)
    made = data.load(str(tmp_path / "made.npz"))
    assert made.y is not None and made.y.bincount().tolist() == [200] * 4
    assert (torch.cdist(made.x, means).argmin(1) == made.y).double().mean() > 0.95
