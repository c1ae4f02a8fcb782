"""Games of classes and of vectors, as a person types them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import Call

import zerosum

QUICK = ("--steps", 4, "--batch-size", 8, "--sample-every", 2, "--checkpoint-every", 4)
NARROW = ("--network.width", 4)


@pytest.mark.parametrize("recipe", ["cgan/digits", "acgan/digits", "r3gan/classes"])
def test_a_class_is_trained_and_asked_for(call: Call, recipe: str) -> None:
    small = NARROW if recipe.endswith("digits") else ("--network.widths", 8, 8, "--network.group-size", 4)
    code, _, err = call("train", recipe, "--out", "run", *QUICK, *small)
    assert code == 0, err
    assert call("sample", "run", "--class", 3, "-n", 5, "--out", "three.npz")[0] == 0
    assert np.load("three.npz")["labels"].tolist() == [3] * 5
    assert call("sample", "run", "-n", 12, "--out", "all.npz")[0] == 0
    assert np.load("all.npz")["labels"].tolist() == [*range(10), 0, 1]
    run = zerosum.load("run")
    assert run.sample(2, classes="3").equal(run.sample(2, classes=3))
    assert not run.sample(2, classes=3).equal(run.sample(2, classes=4))
    code, _, err = call("sample", "run", "--class", "cat", "--out", "x.npz")
    assert code == 2 and "no class 'cat'" in err


def test_acgan_keeps_a_few_labels_and_goes_on(call: Call) -> None:
    code, _, err = call("train", "acgan/digits", "--labels", 20, "--out", "run", *QUICK, *NARROW)
    assert code == 0, err
    assert call("resume", "run", "--steps", 6)[0] == 0
    assert zerosum.load("run").record.data.labels == 20


def test_games_of_classes_name_data_without_any(call: Call) -> None:
    Path("photos").mkdir()
    for i in range(12):
        Image.new("L", (16, 16), 20 * i).save(f"photos/{i}.png")
    for recipe in ("cgan/digits", "acgan/digits", "r3gan/classes"):
        code, _, err = call("train", recipe, "--data", "photos", "--out", "run", *QUICK)
        assert code == 2 and "photos" in err and ("labels" in err or "classes" in err)
        assert "Traceback" not in err and not Path("run").exists()


def test_what_does_not_fit_is_named(call: Call) -> None:
    for arguments, told in (
        (("cgan/digits", "--network.condition", "sum"), "condition"),
        (("cgan/digits", "--objective", "hinge", "--targets.real", 0.9), "targets"),
        (("acgan/digits", "--class-weight", -1), "class_weight: should be greater than or equal to 0"),
        (("cgan/digits", "--techniques.feature-matching"), "feature matching does not fit the discriminator of cgan"),
        (("cgan/images", "--data", "moons"), r"for images"),
    ):
        code, _, err = call("train", *arguments, "--out", "run", *QUICK)
        assert code == 2 and told in err.replace("\n", " "), err
