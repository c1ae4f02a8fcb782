"""Grey against RGB: converted, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.errors import ZerosumError
from zerosum.metrics.structural import psnr
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


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        ("LLL", "LLL", ""),
        ("RGB", "RGB", ""),
        ("LLL", "RGB", "in each pair one image is grey and the other RGB: the grey is repeated to RGB"),
        ("RGB", "LLL", "in each pair one image is grey and the other RGB: the grey is repeated to RGB"),
        ("LCC", "CCC", "in 1 of the 3 pairs one image is grey and the other RGB: the grey is repeated to RGB"),
        ("LCL", "CLL", "in 2 of the 3 pairs one image is grey and the other RGB: the grey is repeated to RGB"),
    ],
)
def test_pairs_of_grey_and_colour_are_converted_and_said(tmp_path: Path, ours: str, theirs: str, says: str):
    """L is a grey file, every other letter one of colour; colours here have equal channels, so scores stay."""
    draw = np.random.default_rng(0)
    for i, kinds in enumerate(zip(ours, theirs, strict=True)):
        for folder, kind in zip("ab", kinds, strict=True):
            picture = Image.fromarray(draw.integers(0, 256, (16, 16), dtype=np.uint8))
            (tmp_path / folder).mkdir(exist_ok=True)
            (picture if kind == "L" else picture.convert("RGB")).save(tmp_path / folder / f"{i}.png")
    made = evaluate(tmp_path / "a", str(tmp_path / "b"), ["psnr", "ssim"])
    assert list(made.notes) == ([says] if says else [])
    draw = np.random.default_rng(0)
    x = torch.from_numpy(draw.integers(0, 256, (3, 2, 1, 16, 16), dtype=np.uint8)).float() / 127.5 - 1
    assert made["psnr"].scores["mean"].value == pytest.approx(float(psnr(x[:, 0], x[:, 1]).mean()))


def test_other_sizes_are_refused(tmp_path: Path):
    np.savez(tmp_path / "two.npz", samples=np.zeros((9, 4, 16, 16), np.uint8))
    np.savez(tmp_path / "grey.npz", samples=np.zeros((9, 1, 16, 16), np.uint8))
    with pytest.raises(ZerosumError):
        evaluate(tmp_path / "two.npz", str(tmp_path / "grey.npz"), ["frechet"])
