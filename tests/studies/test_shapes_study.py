"""The study of GAN-INT-CLS on shapes in small: its rows, captions that differ in one word, and its summary by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from zerosum.data.shapes.checker import agrees
from zerosum.data.shapes.drawing import draw
from zerosum.data.shapes.words import ENGLISH, meaning
from zerosum.studies import STUDIES, shapes_int_cls
from zerosum.studies.shapes_int_cls import MEASURED, SHAPES_INT_CLS, changed


def test_it_is_known_and_its_rows_are_the_papers() -> None:
    assert STUDIES["shapes-int-cls"] is SHAPES_INT_CLS and len(SHAPES_INT_CLS.seeds) == 3
    assert SHAPES_INT_CLS.parts(0) == ("GAN", "CLS", "INT", "INT-CLS")
    config = shapes_int_cls.find(shapes_int_cls.RECIPE).options["config"]
    rows = {name: replace(config, **options) for name, options in shapes_int_cls.ROWS.items()}
    assert {name: (row.cls, row.interpolated > 0) for name, row in rows.items()} == {
        "GAN": (False, False), "CLS": (True, False), "INT": (False, True), "INT-CLS": (True, True)
    }  # fmt: skip


def test_a_changed_caption_is_near_and_wrong() -> None:
    generator = torch.Generator().manual_seed(0)
    for scene in draw(300, 16, generator).scenes:
        text = ENGLISH.write(scene)
        other = changed(text, generator)
        said = meaning(other)
        assert said is not None and not agrees(scene, said)
        places, things = said.place != scene.place, [*zip(said.things, scene.things, strict=True)]
        differ = [a != b for one, two in things for a, b in zip(vars(one).values(), vars(two).values(), strict=True)]
        assert places + sum(differ) == 1, "one thing is another"


def part(name: str, seed: int, *values: float) -> dict[str, object]:
    return {"part": name, "seed": seed, "steps": 9, **dict(zip(MEASURED, values, strict=True))}


def test_the_summary_by_hand() -> None:
    parts = [
        part(name, seed, first, 0.5, 0.6, 0.7, 0.8 + seed / 10)
        for seed, first in ((0, 0.96), (1, 0.98))
        for name in ("GAN", "CLS", "INT", "INT-CLS")
    ]
    parts[3]["first"] = 0.94
    summary = SHAPES_INT_CLS.summarise(parts)
    assert summary["values"] == [0.94, 0.98] and summary["rows"]["GAN"]["first"] == [0.96, 0.98]
    assert SHAPES_INT_CLS.reached(summary) and not SHAPES_INT_CLS.reached({**summary, "values": [0.94, 0.95]})
    assert SHAPES_INT_CLS.ours(summary).startswith("0.94, 0.98; right pictures in %, of seen and unseen combinations: ")
    assert "GAN 70 and 85" in SHAPES_INT_CLS.ours(summary)


@pytest.mark.parametrize("name", ["GAN", "INT-CLS"])
def test_a_part_in_small_and_again_from_its_checkpoint(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes_int_cls, "PICTURES", 64)
    found = shapes_int_cls.run(name, 100, 0.001, tmp_path)
    assert found["part"] == name and found["steps"] == 5 and all(0 <= found[key] <= 1 for key in MEASURED)
    assert (tmp_path / "samples.png").exists()
    assert shapes_int_cls.run(name, 100, 0.001, tmp_path) == found
