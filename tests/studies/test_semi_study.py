"""The studies of few labels, in small."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum import data
from zerosum.batches import PartlyLabelled
from zerosum.data.dataset import Dataset, dataset
from zerosum.games import find
from zerosum.roles import Classifies, in_role
from zerosum.studies import semi_supervised as study
from zerosum.studies import synthesized
from zerosum.studies.semi_supervised import BAD_GAN_MNIST_OWN, SGAN_MNIST_OWN, Setting
from zerosum.studies.synthesized import SYNTHESIZE_MNIST
from zerosum.studies.training import Split


def digits(rows: slice) -> Dataset:
    whole = data.load("digits", size=(12, 12))
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))[rows]
    assert whole.y is not None
    return dataset("some digits", whole.x[order], whole.y[order], whole.classes)


SPLIT = Split(digits(slice(0, 1000)), digits(slice(1000, 1300)))


@pytest.mark.parametrize(("recipe", "options"), [
    ("sgan/images", {"network": {"width": 4}}),
    ("bad-gan/images", {"network": {"width": 4}, "config": {"density_steps": 4, "density_every": 2}}),
    ("sgan/mnist", {}),
])  # fmt: skip
def test_a_training_counts_errors_as_it_goes(recipe: str, options: dict, tmp_path: Path):
    setting = Setting(recipe, 100, 10, options, {"batch_size": 16})
    whole = study.train(SPLIT, setting, 0, 1.0, tmp_path / "a")
    assert [point["round"] for point in whole["series"]] == [3, 6, 9, 10] and whole["rounds"] == 10
    assert all(0 < point["errors"] <= 300 for point in whole["series"])
    assert whole["errors"] == whole["series"][-1]["errors"]
    assert study.train(SPLIT, setting, 0, 1.0, tmp_path / "b") == whole
    assert study.train(SPLIT, setting, 0, 1.0, tmp_path / "a") == whole, "a finished training is not played again"


def test_looking_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Errors are counted with averaged weights in evaluation mode; the game goes on in training mode."""
    setting = Setting("sgan/images", 100, 4, {"network": {"width": 4}}, {"batch_size": 16})
    modes: list[bool] = []
    original = study.errors

    def spied(trainer, test):  # type: ignore[no-untyped-def]
        found = original(trainer, test)
        modes.append(in_role(trainer.sampler, Classifies).classifier().training)
        return found

    monkeypatch.setattr(study, "errors", spied)
    study.train(SPLIT, setting, 0, 1.0, tmp_path)
    assert modes == [True] * 4


def test_the_settings_are_of_recipes_that_exist():
    for chosen, settings in ((SGAN_MNIST_OWN, study.SGAN_SETTINGS), (BAD_GAN_MNIST_OWN, study.BAD_GAN_SETTINGS)):
        named = {part for seed in chosen.seeds for part in chosen.parts(seed)}
        assert named == set(settings)
        for setting in settings.values():
            assert find(setting.recipe).resolve(setting.options)
    assert [SGAN_MNIST_OWN.parts(seed)[0] for seed in SGAN_MNIST_OWN.seeds] == ["100 labels"] * 10


def test_the_summary_has_the_first_setting_as_values():
    parts = [
        {"part": "100 labels", "seed": 0, "rounds": 8, "errors": 90, "series": []},
        {"part": "20 labels", "seed": 0, "rounds": 4, "errors": 900, "series": []},
        {"part": "100 labels", "seed": 1, "rounds": 8, "errors": 80, "series": []},
        {"part": "20 labels", "seed": 1, "rounds": 4, "errors": 700, "series": []},
    ]
    found = study.summarise(parts)
    assert found["values"] == [90, 80] and found["others"] == {"20 labels": [900, 700]}
    assert found["rounds"] == {"100 labels": 8, "20 labels": 4}


def test_three_classifiers_are_compared():
    """Made images that are real ones of other samples help; noise with labels does not."""
    few = digits(slice(0, 1000)).with_labels(20, 0)
    helpful = synthesized.compare(few, digits(slice(1300, 2300)), SPLIT.test, 60, 0)
    assert helpful["both"] < helpful["real"] and helpful["made"] < helpful["real"]
    noise = torch.randint(256, (1000, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    useless = dataset("noise", noise, torch.arange(1000) % 10, SPLIT.test.classes)
    assert synthesized.compare(few, useless, SPLIT.test, 60, 0)["made"] > 80


def test_the_summary_of_generated_images():
    parts = [
        {"part": part, "seed": seed, "real": 10.0, "made": 8.0, "both": both, "candidates": 9, "gan": 4.0}
        for seed, both in ((0, 5.0), (1, 10.0))
        for part in SYNTHESIZE_MNIST.parts(seed)
    ]
    found = synthesized.summarise(parts)
    assert found["values"] == [0.5, 1.0]
    assert found["errors"]["20 labels a class"] == {
        "real": [10.0, 10.0],
        "made": [8.0, 8.0],
        "both": [5.0, 10.0],
        "gan": [4.0, 4.0],
    }


@pytest.mark.parametrize(("part", "gan", "views"), [
    ("100 labels", True, True),
    (study.VIEWS_ALONE, False, True),
    (study.GAN_ALONE, True, False),
    (study.LABELS_ALONE, False, False),
])  # fmt: skip
def test_the_anchors_leave_out_what_they_say(part: str, gan: bool, views: bool):
    """Without the GAN no fake and no logit of being real teaches D; without views it sees samples as they are."""
    setting = study.SGAN_SETTINGS[part]
    game = find(setting.recipe).build(SPLIT.train.spec, {**setting.options, "network": {"width": 4}})
    x = SPLIT.train.x[:8].float() / 127.5 - 1
    batch = PartlyLabelled(x[:4], SPLIT.train.y[:4], x)  # type: ignore[index]
    move = next(game.round(lambda: batch, 0))
    assert bool(move.terms["adversarial"] > 0) == gan
    assert ("consistency" in move.terms) == views
    assert bool((game.config.consistency.view(x) != x).any()) == views


def test_the_anchors_are_on_three_sets_of_labels():
    for part in study.ANCHORS:
        assert [seed for seed in SGAN_MNIST_OWN.seeds if part in SGAN_MNIST_OWN.parts(seed)] == [2, 3, 4]
    result = {"values": [90.0], "others": {study.VIEWS_ALONE: [400, 420], "20 labels": [900]}}
    assert SGAN_MNIST_OWN.ours(result) == "90; views without GAN 400, 420"
