"""`zerosum reproduce bigan-1nn` on a hundred tiny images: its code, not its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from halves import halves
from torch import nn

from zerosum.data.dataset import dataset
from zerosum.modality import to_float
from zerosum.networks.bigan import Encoder, encoder
from zerosum.networks.heads import Discriminator
from zerosum.studies import bigan_1nn as study
from zerosum.studies import training
from zerosum.studies.bigan_1nn import BIGAN_1NN, OWN, REGRESSOR, Splits
from zerosum.studies.training import Split

CPU = torch.device("cpu")


SHAPE = (1, 6, 6)
SPLIT = Split(halves(200, 1, SHAPE), halves(40, 2, SHAPE))
SPLITS = Splits.of(SPLIT, trained=160)
ROUNDS = study.ROUNDS


def test_a_training_is_looked_at_from_its_start_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    figures = study.train(SPLITS, OWN, 3, 16 / ROUNDS, tmp_path / "whole", width=16)
    assert [point["round"] for point in figures["series"]] == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert figures["rounds"] == 16 and figures["seed"] == 3
    assert figures["accuracy"] == figures["series"][-1]["features"] >= 90
    assert all(50 <= point["code"] <= 100 for point in figures["series"])

    def stopped(encoder: Encoder, split: Split, device: torch.device) -> dict[str, float]:
        """The third look fails."""
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(accuracies(encoder, split, device))
        return seen[-1]

    accuracies, seen = study.accuracies, []
    monkeypatch.setattr(study, "accuracies", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.train(SPLITS, OWN, 3, 16 / ROUNDS, tmp_path / "halves", width=16)
    monkeypatch.setattr(study, "accuracies", accuracies)
    torch.manual_seed(7)  # another process has other random numbers
    assert study.train(SPLITS, OWN, 3, 16 / ROUNDS, tmp_path / "halves", width=16) == figures


def test_a_latent_regressor_and_its_discriminator_are_looked_at(tmp_path: Path):
    found = study.train(SPLITS, REGRESSOR, 3, 16 / ROUNDS, tmp_path, width=16)
    assert found["part"] == REGRESSOR and [point["round"] for point in found["series"]] == [
        0,
        2,
        4,
        6,
        8,
        10,
        12,
        14,
        16,
    ]
    assert found["accuracy"] == found["series"][-1]["features"]
    assert all(50 <= point["discriminator"] <= 100 for point in found["series"])


def test_features_of_a_discriminator_are_those_of_its_body():
    """Of a body that tells the classes apart, below a head that does not."""
    seeing = Discriminator(nn.Sequential(nn.Flatten(), nn.Linear(36, 1)), nn.Linear(1, 1))
    with torch.no_grad():
        seeing.body[1].weight.copy_(torch.tensor([[1.0] * 18 + [-1.0] * 18]))  # type: ignore[index]
        nn.init.zeros_(seeing.head.weight)  # type: ignore[arg-type]
    assert study.of_discriminator(seeing, SPLIT, CPU) == 100


def test_batch_norm_is_set_to_all_images(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    own = encoder((1, 6, 6), 3, width=8)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    monkeypatch.setattr(training, "AT_A_TIME", 25)
    with torch.no_grad():
        features = training.calibrated(own, SPLIT.train.x, CPU).features(to_float(SPLIT.train.x))
    unbent = torch.where(features > 0, features, features / 0.2)
    assert torch.allclose(unbent.mean(0), torch.zeros(8), atol=1e-5)
    assert torch.allclose(unbent.std(0), torch.ones(8), atol=0.05)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items()), "the game is as it was"


def test_batch_norm_knows_no_test_image(monkeypatch: pytest.MonkeyPatch):
    own, seen = encoder((1, 6, 6), 3, width=8), list[Any]()
    calibrated = training.calibrated
    monkeypatch.setattr(training, "calibrated", lambda e, x, device: seen.append(x) or calibrated(e, x, device))
    assert set(study.accuracies(own, SPLIT, CPU)) == {"features", "code"}
    assert len(seen) == 1 and torch.equal(seen[0], SPLIT.train.x)


def test_the_nearest_image_says_the_class():
    keys = torch.tensor([[0.0], [1.0], [2.0]])
    three = dataset("three", torch.zeros(3, 1, 1, 1, dtype=torch.uint8), torch.tensor([0, 1, 0]), ("a", "b"))
    four = dataset("four", torch.zeros(4, 1, 1, 1, dtype=torch.uint8), torch.tensor([0, 1, 1, 1]), ("a", "b"))
    queries = torch.tensor([[-3.0], [1.4], [0.6], [1.6]])
    assert study.accuracy(Split(three, four), keys, queries) == 75.0
    assert study.pixels(SPLIT) == 100.0


def test_values_are_those_of_the_last_look():
    def look(features: float, code: float, **others: float) -> dict[str, float]:
        own = {"features": features, "code": code, **others}
        return own | {f"test {name}": value - 1 for name, value in own.items()}

    def part(name: str, seed: int, last: dict[str, float]) -> dict[str, Any]:
        scores = {"accuracy": last["features"], "test": last["test features"]}
        return {"part": name, "seed": seed, "rounds": 9, **scores, "series": [look(96.0, 80.0), last]}

    parts = [
        part(OWN, 0, look(97.5, 92.0)),
        {"part": "pixels", "seed": 0, "accuracy": 96.9, "test": 96.8},
        part(OWN, 1, look(97.25, 91.0)),
        part(REGRESSOR, 0, look(95.0, 90.0, discriminator=94.0)),
    ]
    figures = study.summarise(parts)
    assert figures["values"] == [97.5, 97.25] and figures["test"] == [96.5, 96.25]
    assert figures["raw_pixels"] == {"authors": 96.9, "test": 96.8}
    assert figures["code"] == {"authors": [92.0, 91.0], "test": [91.0, 90.0]}
    assert figures["untrained"] == {"authors": [96.0, 96.0], "test": [95.0, 95.0]}
    assert figures["latent_regressor"] == {"authors": [95.0], "test": [94.0]}
    assert figures["discriminator"] == {"authors": [94.0], "test": [93.0]}
    said = BIGAN_1NN.ours(figures)
    assert said == (
        "97.50, 97.25; raw pixels 96.90, untrained 96.00, 96.00, latent regressor 95.00, discriminator 94.00; "
        "on the test images 96.50, 96.25"
    )
    assert [p for seed in BIGAN_1NN.seeds for p in BIGAN_1NN.parts(seed)].count("pixels") == 1
