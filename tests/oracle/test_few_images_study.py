"""`zerosum reproduce few-images`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerosum import data
from zerosum.reproductions.few_images import FEW_IMAGES, TECHNIQUES, summarise, trained


@pytest.mark.parametrize("part", TECHNIQUES)
def test_a_part_is_trained_and_measured(part: str, tmp_path: Path):
    figures = trained(part, data.load("digits", labels=False), 0, 5, tmp_path, images=64, samples=100)
    assert figures["part"] == part and figures["rounds"] == 5 and figures["frechet"] > 0
    assert (figures["probability"] is not None) == (part == "ADA")
    if part == "ADA":
        assert figures["probability"] in (0, pytest.approx(4 * 64 / 100_000))


def test_the_value_is_a_ratio_of_distances():
    distances = {"none": (8.0, 4.0), "DiffAugment": (4.0, 3.0), "ADA": (6.0, 6.0)}
    parts = [
        {"part": name, "seed": seed, "rounds": 5, "frechet": distances[name][seed], "probability": seed}
        for seed in (0, 1)
        for name in TECHNIQUES
    ]
    figures = summarise(parts)
    assert figures["values"] == [0.5, 0.75] and figures["ada"] == [0.75, 1.5] and figures["mean_ada"] == 1.125
    assert figures["frechet"]["none"] == [8.0, 4.0] and figures["probability"] == [0, 1]
    assert not FEW_IMAGES.also(figures) and FEW_IMAGES.also(figures | {"mean_ada": 1.0})
