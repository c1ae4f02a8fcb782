"""The study of StackGAN on shapes in small: what it measures, its target, and its summary by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from zerosum.studies import STUDIES, shapes_stackgan
from zerosum.studies.shapes_stackgan import MEASURED, ROWS, SHAPES_STACKGAN, apart, distance


def test_it_is_known_and_its_rows_are_with_and_without_augmentation() -> None:
    assert STUDIES["shapes-stackgan"] is SHAPES_STACKGAN and len(SHAPES_STACKGAN.seeds) == 3
    config = shapes_stackgan.find(shapes_stackgan.RECIPE).options["config"]
    assert [replace(config, **ROWS[name]).augmentation for name in SHAPES_STACKGAN.parts(0)] == [True, False]


def test_pictures_of_a_caption_are_compared_with_each_other_alone() -> None:
    x = torch.tensor([0.0, 1.0, 10.0, 13.0]).view(4, 1, 1, 1)
    assert apart(x, 2) == 2.0
    assert apart(x[:1].expand(6, -1, -1, -1), 3) == 0


def test_the_distance_is_nothing_between_equal_pictures() -> None:
    x = torch.randint(256, (40, 3, 64, 64), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert abs(distance(x, x)) < 1e-3 < distance(x, x // 2)


def test_the_summary_by_hand() -> None:
    def part(name: str, seed: int, *values: float) -> dict[str, object]:
        return {"part": name, "seed": seed, "steps": 9, **dict(zip(MEASURED, values, strict=True))}

    parts = [
        part(name, seed, 0.9, 0.88 + 0.04 * seed, 0.1, 1.0 + seed, 4.0, 0.5)
        for seed in (0, 1)
        for name in ("augmented", "not augmented")
    ]
    summary = SHAPES_STACKGAN.summarise(parts)
    assert summary["values"] == [0.88, 0.92] and summary["frechet_ratio"] == (0.25 + 0.5) / 2
    assert SHAPES_STACKGAN.reached(summary) and not SHAPES_STACKGAN.reached({**summary, "frechet_ratio": 1.0})
    assert not SHAPES_STACKGAN.reached({**summary, "values": [0.88, 0.9]})
    worse = {**summary["rows"], "augmented": {**summary["rows"]["augmented"], "first_unseen": [0.9, 0.95]}}
    assert not SHAPES_STACKGAN.reached({**summary, "rows": worse}), "stage II lost some of what stage I showed"
    assert SHAPES_STACKGAN.ours(summary).startswith("0.88, 0.92; Fréchet ratio 0.38; spread of a caption's pictures ")


@pytest.mark.parametrize("name", ["augmented", "not augmented"])
def test_a_part_in_small_and_again_from_its_checkpoint(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes_stackgan, "PICTURES", 24)
    monkeypatch.setattr(shapes_stackgan, "CAPTIONS", 3)
    found = shapes_stackgan.run(name, 100, 0.0005, tmp_path)
    assert found["part"] == name and all(0 <= found[key] <= 1 for key in ("seen", "unseen", "first_unseen"))
    assert found["frechet"] > 0 and found["spread"] > 0 and (tmp_path / "samples.png").exists()
    assert shapes_stackgan.run(name, 100, 0.0005, tmp_path) == found
