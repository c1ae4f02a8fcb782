"""The study of DANN in small: what each row learns from, and that a stopped part goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum.data.dataset import Dataset, dataset
from zerosum.data.domains import joined
from zerosum.studies import STUDIES, dann_mnist_m
from zerosum.studies.dann_mnist_m import ALONE, BOUND, DANN_MNIST_M, OWN, PLAIN, ROWS, summarise
from zerosum.training.trainer import Trainer

SMALL = 0.0004  # of the steps: four


def digits(name: str) -> Dataset:
    """Some noise; MNIST-M's is in colour."""
    generator = torch.Generator().manual_seed(len(name))
    x = torch.randint(256, (70, 3 if "mnist-m" in name else 1, 28, 28), generator=generator).to(torch.uint8)
    return dataset(name, x, torch.arange(70) % 10, tuple("0123456789"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def load(name: str) -> Dataset:
        names.append(name)
        known, _, option = name.partition(":")
        return joined(name, *map(digits, option.split(","))) if known == "domains" else digits(name)

    monkeypatch.setattr(dann_mnist_m.data, "load", load)
    return names


def test_it_is_known():
    assert STUDIES["dann-mnist-m"] is DANN_MNIST_M and DANN_MNIST_M.seeds == (0, 1, 2)
    assert DANN_MNIST_M.parts(0) == (OWN, PLAIN, ALONE, BOUND) and DANN_MNIST_M.target == 0.85


def test_each_row_learns_from_what_it_says(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, Trainer] = {}
    play = dann_mnist_m.play
    monkeypatch.setattr(dann_mnist_m, "play", lambda trainer, folder: seen.update({folder.name: trainer}))
    for name in ROWS:
        found = dann_mnist_m.run(name, 5, SMALL, tmp_path / name)
        assert found["steps"] == 4 and 0 <= found["target"] <= 1 and 0 <= found["source"] <= 1
    assert asked[::3] == ["domains:mnist,mnist-m"] * 3 + ["domains:mnist-m,mnist-m"]
    assert set(asked[1::3]) == {"mnist-m:test"} and set(asked[2::3]) == {"mnist:test"}
    assert {name: trainer.game.scheduled(4 * 64)["adaptation"] > 0.9 for name, trainer in seen.items()} == {
        OWN: True, PLAIN: True, ALONE: False, BOUND: False,
    }  # fmt: skip
    optimisers = {name: trainer.players["classifier"].optimizer.kind for name, trainer in seen.items()}
    assert optimisers == {OWN: "adam", PLAIN: "sgd", ALONE: "adam", BOUND: "adam"}
    monkeypatch.setattr(dann_mnist_m, "play", play)


def test_a_finished_part_is_not_trained_again(asked: list[str], tmp_path: Path):
    found = dann_mnist_m.run(OWN, 100, SMALL, tmp_path / "own")
    before = sorted(path.name for path in (tmp_path / "own").iterdir())
    assert dann_mnist_m.run(OWN, 100, SMALL, tmp_path / "own") == found  # from its checkpoint
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == before == ["step-00000004"]


def test_accuracy_is_the_share_of_images_that_are_right(asked: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dann_mnist_m.probe, "mistakes", lambda network, x, y, device: (x.shape[1] == 3) * 7)
    trainer = type("Stub", (), {"sampler": torch.nn.Identity(), "device": "cpu"})()
    monkeypatch.setattr(
        dann_mnist_m, "in_role", lambda game, role: type("Role", (), {"classifier": lambda self: None})()
    )
    assert dann_mnist_m.accuracy(trainer, digits("mnist")) == 0.9


def test_the_value_is_dann_on_the_target():
    parts = [
        {"part": name, "seed": seed, "target": 0.1 * k + 0.01 * seed, "source": 0.9}
        for k, name in enumerate(ROWS, 1)
        for seed in (0, 1)
    ]
    found = summarise(parts)
    assert found["values"] == [0.1, pytest.approx(0.11)] and found["rows"][BOUND]["source"] == [0.9, 0.9]
    said = DANN_MNIST_M.ours(found)
    assert "the paper's networks 20.5 %" in said and "source alone 30.5 %" in said and OWN not in said
