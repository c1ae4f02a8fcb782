"""`zerosum reproduce dcgan-features` on a hundred tiny images: its code, not its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from halves import halves

from zerosum import data
from zerosum.metrics.linear_svm import TOLERANCE
from zerosum.modality import Image, Spec
from zerosum.studies import dcgan_features as study
from zerosum.studies import find, training
from zerosum.studies.dcgan_features import DCGAN_FEATURES, OWN, PIXELS, ROUNDS
from zerosum.studies.training import Split

SHAPE = (3, 8, 8)
SPLIT = Split(halves(240, 1, SHAPE), halves(40, 2, SHAPE))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "HELD_OUT", 40)
    monkeypatch.setattr(study, "BATCH", 16)


def test_a_training_is_looked_at_from_its_start_to_its_end(tmp_path: Path):
    figures = study.train(SPLIT, 3, 4 / ROUNDS, tmp_path, width=4)
    assert [point["round"] for point in figures["series"]] == [0, 2, 4]
    assert figures["rounds"] == 4 and figures["width"] == 4 and figures["data"] == "halves"
    assert figures["accuracy"] == figures["series"][-1]["accuracy"] >= 90
    assert all(point["cost"] in study.COSTS for point in figures["series"])
    assert study.train(SPLIT, 3, 4 / ROUNDS, tmp_path, width=4) == figures, "nothing is left to play"


def test_a_training_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = study.train(SPLIT, 3, 4 / ROUNDS, tmp_path / "whole", width=4)
    scored, looks = study.scored, list[Any]()

    def stopped(*of: Any) -> study.Score:
        """The third look fails."""
        if len(looks) == 2:
            raise KeyboardInterrupt
        looks.append(scored(*of))
        return looks[-1]

    monkeypatch.setattr(study, "scored", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.train(SPLIT, 3, 4 / ROUNDS, tmp_path / "cut", width=4)
    monkeypatch.setattr(study, "scored", scored)
    torch.manual_seed(7)  # another process has other random numbers
    assert study.train(SPLIT, 3, 4 / ROUNDS, tmp_path / "cut", width=4) == whole


def test_the_cost_is_chosen_without_the_test_images(monkeypatch: pytest.MonkeyPatch):
    """On images held out of those that it learns from; then it learns from all of them, with that cost."""
    asked: list[tuple[int, float]] = []
    machine = study.linear_svm

    def watched(features: torch.Tensor, y: torch.Tensor, cost: float) -> Any:
        asked.append((len(features), cost))
        return machine(features, y, cost)

    monkeypatch.setattr(study, "linear_svm", watched)
    keys, queries = (torch.nn.functional.one_hot(of.y).float() for of in (SPLIT.train, SPLIT.test))
    score = study.scored(SPLIT, keys, queries)
    assert score == (100, study.COSTS[-1], True, True), "all are as good, and the last is at the edge"
    assert asked == [*((200, cost) for cost in study.COSTS), (240, score.cost)]


def test_costs_are_tried_until_one_is_worse(monkeypatch: pytest.MonkeyPatch):
    asked: list[float] = []
    shares = iter((0.5, 0.7, 0.7, 0.6, 0.9))

    class Machine(NamedTuple):
        gradient: float

        def accuracy(self, features: torch.Tensor, y: torch.Tensor) -> float:
            return next(shares)

    monkeypatch.setattr(study, "linear_svm", lambda features, y, cost: asked.append(cost) or Machine(2 * TOLERANCE))
    keys, queries = (of.x.flatten(1).float() for of in (SPLIT.train, SPLIT.test))
    assert study.scored(SPLIT, keys, queries) == (90.0, study.COSTS[2], False, False)
    assert asked == [*study.COSTS[:4], study.COSTS[2]]


def test_pixels_are_the_anchor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "load", lambda name: SPLIT.test if name.endswith(":test") else SPLIT.train)
    figures = study.run(PIXELS, 0, 1.0, tmp_path)
    assert figures["accuracy"] == 100 and figures["data"] == "halves" and figures["part"] == PIXELS


def test_batch_norm_knows_no_test_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen, calibrated = list[Any](), training.calibrated
    monkeypatch.setattr(training, "calibrated", lambda d, x, device: seen.append(x) or calibrated(d, x, device))
    study.train(SPLIT, 0, 1 / ROUNDS, tmp_path, width=2)
    assert len(seen) == 2 and all(torch.equal(x, SPLIT.train.x) for x in seen)


def test_the_networks_that_are_trained_are_half_as_wide_as_the_published(tmp_path: Path, monkeypatch: Any):
    built: list[Any] = []

    def watched(build: Any, *of: Any) -> Any:
        built.append(build(Spec({"x": Image(3, 32, 32)})))
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", lambda name: SPLIT.test if name.endswith(":test") else SPLIT.train)
    monkeypatch.setattr(training, "trainer_of", watched)
    with pytest.raises(KeyboardInterrupt):
        study.run(OWN, 0, 1.0, tmp_path)
    game = built[0]
    assert game.discriminator.features(game.generate(game.latents(2))).shape == (2, 28_672 // 2)


def test_a_result_has_its_anchors():
    fit = {"cost": 1e-4, "edge": False, "converged": True}
    series = [{"round": 0, "accuracy": 50.0, **fit}, {"round": 9, "accuracy": 60.5, **fit}]
    own = {"part": OWN, "seed": 0, "rounds": 9, "width": 4, "accuracy": 60.5, "series": series}
    result = DCGAN_FEATURES.summarise(
        [own, {"part": PIXELS, "seed": 0, "accuracy": 38.0, "data": "cifar10 (jpeg)", **fit}]
    )
    assert result["values"] == [60.5] and result["untrained"] == [50.0] and result["raw_pixels"] == 38.0
    assert DCGAN_FEATURES.ours(result) == "60.5; untrained 50.0; raw pixels 38.0"
    near = result | {"values": [82.8]}
    assert not DCGAN_FEATURES.reached(result) and DCGAN_FEATURES.reached(near)
    assert not DCGAN_FEATURES.reached(near | {"edge": True}) and not DCGAN_FEATURES.reached(near | {"converged": False})
    assert find("dcgan-features") is DCGAN_FEATURES and set(DCGAN_FEATURES.parts(0)) == {OWN, PIXELS}
