"""The study of BEGAN's equilibrium in small: its code, not its result."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.games import began
from zerosum.studies import STUDIES, began_equilibrium
from zerosum.studies.began_equilibrium import BEGAN_EQUILIBRIUM, draw, equilibrium, logged_means, train
from zerosum.studies.study import Measurements
from zerosum.studies.training import Series


@pytest.fixture(scope="module")
def images() -> Dataset:
    return dataset("few", data.load("digits", size=(8, 8), labels=False).x[:200])


def run(images: Dataset, folder: Path, points: int) -> Measurements:
    return train(images, 0, points, 2, folder, began.Network(2), samples=40)


def test_it_is_known():
    assert STUDIES["began-equilibrium"] is BEGAN_EQUILIBRIUM and len(BEGAN_EQUILIBRIUM.seeds) == 3


def test_a_point_holds_means_over_its_rounds(tmp_path: Path):
    series = Series(tmp_path / "losses.json", "rounds")
    hook = series.measuring(logged_means, 2)
    pending = [
        (step, name, torch.tensor(value))
        for step, values in ((0, (1.0, 0.5, 1.5, 0.1)), (1, (2.0, 1.5, 2.5, 0.3)))
        for name, value in zip(began_equilibrium.LOGGED.values(), values, strict=True)
    ]
    pending += [(1, "discriminator/adversarial", torch.tensor(9.0)), (1, "discriminator/logits/real", torch.ones(3))]
    for step in (1, 2):
        hook(SimpleNamespace(step=step, interval=pending, training=SimpleNamespace(steps=4)))  # type: ignore[arg-type]
    assert series.read() == json.loads((tmp_path / "losses.json").read_bytes())
    (point,) = series.read()
    assert point == pytest.approx({"rounds": 2, "real": 1.5, "fake": 1.0, "convergence": 2.0, "k": 0.2})


def test_the_end_is_the_last_tenth():
    series = {
        "real": [9.0] * 90 + [0.2] * 5 + [0.4] * 5,
        "fake": [9.0] * 90 + [0.1] * 5 + [0.23] * 5,
        "convergence": [2.0] + [0.0] * 89 + [0.5] * 10,
    }
    assert equilibrium(series) == pytest.approx({"ratio": 0.55, "left_of_m": 0.25})
    risen = {**series, "convergence": [2.0] + [4.0] * 89 + [0.5] * 10}
    assert equilibrium(risen)["left_of_m"] == 0.25, "of what M was at first, not at most"


def test_the_value_is_how_far_the_ratio_lies_from_gamma():
    parts = [
        {"ratio": 0.55, "left_of_m": 0.2, "digits": [0.1] * 10},
        {"ratio": 0.45, "left_of_m": 0.6, "digits": [0.0, 1.0] + [0.0] * 8},
    ]
    figures = BEGAN_EQUILIBRIUM.summarise(parts)
    assert figures["values"] == pytest.approx([0.1, 0.1])
    assert figures["commonest_digit"] == [0.1, 1.0]
    assert not BEGAN_EQUILIBRIUM.extra_check(figures), "M of the second seed has not fallen by half"
    assert BEGAN_EQUILIBRIUM.extra_check(BEGAN_EQUILIBRIUM.summarise(parts[:1]))


def test_a_stopped_run_goes_on(images: Dataset, tmp_path: Path):
    first = run(images, tmp_path, 5)
    assert first["rounds"] == [2, 4, 6, 8, 10] and all(0 <= k <= 1 for k in first["k"])
    assert all(m >= real > 0 for m, real in zip(first["convergence"], first["real"], strict=True))
    assert sum(first["digits"]) == pytest.approx(1, abs=1e-3) and len(first["digits"]) == 10
    longer = run(images, tmp_path, 10)
    assert longer["rounds"] == list(range(2, 21, 2)) and longer["real"][:5] == first["real"]


def test_its_curves_are_drawn(images: Dataset, tmp_path: Path):
    part = run(images, tmp_path, 5)
    draw(BEGAN_EQUILIBRIUM.summarise([part, part | {"seed": 1}]), tmp_path / "began.svg")
    text = (tmp_path / "began.svg").read_text()
    assert "seed 0" in text and "seed 1" in text and "E L(G(z)) / E L(x)" in text
