"""`zerosum reproduce cyclegan-known-map` in small: the map, what is measured and judged, a training that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum.data.dataset import Dataset, dataset
from zerosum.data.pairs import tasks
from zerosum.studies import STUDIES, cyclegan_known_map
from zerosum.studies.cyclegan_known_map import (
    CYCLEGAN_KNOWN_MAP,
    aligned,
    away,
    curved,
    figures,
    mapped,
    trained,
)
from zerosum.studies.training import translated

TINY: dict[str, Any] = {"width": 4, "blocks": 1}


def images(count: int = 12) -> Dataset:
    x = torch.randint(256, (count, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return dataset("x", x)


def test_it_is_known():
    assert STUDIES["cyclegan-known-map"] is CYCLEGAN_KNOWN_MAP and len(CYCLEGAN_KNOWN_MAP.seeds) == 3
    assert CYCLEGAN_KNOWN_MAP.parts(0) == ("paired", "cyclegan")


def test_the_map_by_hand():
    """Red shows the blue, green the red and blue the green, each raised to its power."""
    x = torch.tensor([255, 128, 8], dtype=torch.uint8).view(1, 3, 1, 1)
    cube, third = 128 / 255, 1 / 3
    expected = [255 * (8 / 255) ** third, 255.0, 255 * cube**third]
    torch.testing.assert_close(mapped(x).flatten().float(), torch.tensor(expected), atol=0.5, rtol=0)
    dark = torch.full((1, 3, 1, 1), 128, dtype=torch.uint8)
    assert mapped(dark).flatten().tolist() == [round(255 * cube**third), round(255 * cube**3), round(255 * cube**third)]


def test_pairs_are_the_map_and_halves_share_no_image():
    pairs = aligned(images())
    assert torch.equal(pairs.fields["b"].stored, mapped(pairs.fields["a"].stored))
    halves = tasks.unpaired_task(pairs, "halves").fields
    assert torch.equal(halves["a"].stored, images().fields["x"].stored[::2])
    assert torch.equal(halves["b"].stored, mapped(images().fields["x"].stored[1::2]))


def test_errors_are_of_the_map():
    x = images().fields["x"].stored
    true = mapped(x)
    assert figures(x, true)["error"] == 0 and not figures(x, true)["inverted"]
    assert figures(x, 255 - true)["inverted"] and figures(x, 255 - true)["error"] == figures(x, true)["inversion"]
    assert figures(x, true)["exchanged"] and not figures(x, curved(x))["exchanged"]
    assert figures(x, curved(x))["error"] == figures(x, true)["curves"]
    off = (true.int() + torch.where(true < 128, 10, -10)).to(torch.uint8)
    assert figures(x, off)["error"] == 10 and not figures(x, off)["inverted"]
    assert figures(x, true)["identity"] == away(x, true) > 0
    flat = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    assert figures(flat, torch.zeros_like(flat))["error"] == 127.5 and not figures(flat, 0 * flat)["inverted"], (
        "neither"
    )


def part(name: str, seed: int, error: float, inverted: bool = False) -> dict[str, Any]:
    others = {"exchanged": True, "identity": 67.0, "inversion": 151.0, "curves": 13.0}
    return {"part": name, "seed": seed, "error": error, "inverted": inverted, **others}


def test_the_value_is_the_ratio_of_errors():
    parts = [part("paired", seed, 10.0) for seed in range(3)]
    parts += [part("cyclegan", seed, error, error > 40) for seed, error in enumerate((15.0, 18.0, 25.0))]
    summary = dict(CYCLEGAN_KNOWN_MAP.summarise(parts))
    assert summary["values"] == [1.5, 1.8, 2.5] and summary["inverted_share"] == 0
    assert CYCLEGAN_KNOWN_MAP.reached(summary)
    parts[-1] = part("cyclegan", 2, 60.0, inverted=True)
    summary = dict(CYCLEGAN_KNOWN_MAP.summarise(parts))
    assert summary["inverted_share"] == pytest.approx(1 / 3) and not CYCLEGAN_KNOWN_MAP.reached(summary)
    assert "33% of seeds inverted" in CYCLEGAN_KNOWN_MAP.ours(summary)


@pytest.mark.parametrize("name", ["paired", "cyclegan"])
def test_a_training_goes_on_from_its_checkpoint(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cyclegan_known_map, "STEPS", 4)
    monkeypatch.setattr(cyclegan_known_map, "BATCH", 2)
    data, x = images(), images().fields["x"].stored
    first = trained(name, data, 100, 1.0, tmp_path, TINY)
    again = trained(name, data, 100, 1.0, tmp_path, TINY)  # nothing is left to play
    made = translated(first, x, 100)
    assert made.shape == x.shape and made.dtype == torch.uint8
    assert first.step == again.step == 4 and torch.equal(made, translated(again, x, 100))
    assert not torch.equal(made, translated(trained(name, data, 101, 1.0, tmp_path / "other", TINY), x, 100))


def test_a_part_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cyclegan_known_map, "STEPS", 2)
    monkeypatch.setattr(cyclegan_known_map.data, "load", lambda name: images())
    found = cyclegan_known_map.run("paired", 100, 1.0, tmp_path)
    assert found["steps"] == 2 and 0 < found["error"] < 255 and (tmp_path / "test.png").exists()
