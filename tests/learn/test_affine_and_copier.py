"""Games of other kinds of data learn them in seconds: texts, pairs of images, and two collections of images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from new_kinds import COLLECTIONS, COPIER, PAIRS, TEXTS, write_pairs, write_texts

import zerosum
from zerosum.modality import Tokens


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))


def copied(run: zerosum.Run) -> float:
    """The share of its texts that are lines of the file."""
    assert isinstance(run.modality, Tokens)
    return sum(text in TEXTS for text in run.modality.write(run.sample(200, seed=3))) / 200


def test_the_copier_writes_the_lines_of_its_file(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts.txt")
    run = zerosum.train(COPIER, str(texts), tmp_path / "run", health=False, quiet=True)
    assert copied(run) >= 0.7
    assert isinstance(run.modality, Tokens)
    assert len({text for text in run.modality.write(run.sample(200, seed=3)) if text in TEXTS}) >= 2
    untrained = zerosum.train(COPIER, str(texts), tmp_path / "untrained", steps=1, health=False, quiet=True)
    assert copied(untrained) < 0.1


def affine(run: zerosum.Run) -> tuple[float, float]:
    """The scale and the shift of its translations, by least squares."""
    a = torch.rand(20, *run.source.shape) * 2 - 1
    b = run.translate(((a + 1) * 127.5).round().to(torch.uint8))
    x = torch.stack([a.flatten(), torch.ones_like(a.flatten())], 1)
    scale, shift = torch.linalg.lstsq(x, b.flatten()[:, None]).solution.flatten().tolist()
    return scale, shift


@pytest.mark.parametrize(("recipe", "kind"), [(PAIRS, "pairs"), (COLLECTIONS, "unpaired")])
def test_the_translator_finds_the_map(recipe: str, kind: str, tmp_path: Path) -> None:
    data = f"{kind}:{write_pairs(tmp_path / 'photos')}"
    run = zerosum.train(recipe, data, tmp_path / "run", health=False, quiet=True)
    assert affine(run) == pytest.approx((0.5, 0.25), abs=0.05)
    untrained = zerosum.train(recipe, data, tmp_path / "untrained", steps=1, health=False, quiet=True)
    assert affine(untrained) != pytest.approx((0.5, 0.25), abs=0.05)
