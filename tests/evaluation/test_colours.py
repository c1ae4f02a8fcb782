"""Grey against RGB: converted, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zerosum.errors import ZerosumError
from zerosum.workflows.evaluate import evaluate

METRICS = ["frechet", "precision-recall", "memorization", "ms-ssim:pairs=20"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for name in ("ours", "theirs"):
        grey = draw.integers(0, 256, (60, 1, 16, 16), dtype=np.uint8)
        np.savez(tmp_path / f"{name}-grey.npz", samples=grey)
        np.savez(tmp_path / f"{name}-equal.npz", samples=grey.repeat(3, 1))
        np.savez(tmp_path / f"{name}-colour.npz", samples=draw.integers(0, 256, (60, 3, 16, 16), dtype=np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("ours", "theirs", "channels", "says"),
    [
        ("grey", "equal", 1, "is RGB with equal channels: compared as grey"),
        ("equal", "grey", 1, "the samples are RGB with equal channels"),
        ("grey", "colour", 3, "the samples are grey and"),
        ("colour", "grey", 3, "the samples are in colour and"),
        ("equal", "colour", 3, ""),
    ],
)
def test_it_is_converted_and_said(files: Path, ours: str, theirs: str, channels: int, says: str):
    made = evaluate(files / f"ours-{ours}.npz", str(files / f"theirs-{theirs}.npz"), METRICS, extractor="random")
    assert made["frechet"].protocol.shape == (channels, 16, 16)
    assert any(says in note for note in made.notes) if says else not any("RGB" in note for note in made.notes)


def test_it_scores_as_images_of_one_kind_do(files: Path):
    plain, mixed = (
        evaluate(files / "ours-grey.npz", str(files / f"theirs-{kind}.npz"), METRICS, extractor="pixels")
        for kind in ("grey", "equal")
    )
    for name in ("frechet", "precision-recall", "memorization", "ms-ssim"):
        for score, value in plain[name].scores.items():
            assert mixed[name].scores[score].value == pytest.approx(value.value), (name, score)


def test_other_sizes_are_refused(tmp_path: Path):
    np.savez(tmp_path / "two.npz", samples=np.zeros((9, 4, 16, 16), np.uint8))
    np.savez(tmp_path / "grey.npz", samples=np.zeros((9, 1, 16, 16), np.uint8))
    with pytest.raises(ZerosumError):
        evaluate(tmp_path / "two.npz", str(tmp_path / "grey.npz"), ["frechet"])
