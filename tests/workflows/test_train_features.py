"""`zerosum features`: a classifier is trained, measured on what it did not learn from, and written; or refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zerosum
from zerosum import data
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.metrics import probe
from zerosum.networks.pretrained import read
from zerosum.training.trainer import Diverged
from zerosum.workflows import features

STEPS = 40


@pytest.fixture
def few(tmp_path: Path) -> str:
    """Digits, 40 of each class, as small as they can be."""
    digits = data.load("digits", size=(8, 8))
    rows = torch.cat([(digits.y == k).nonzero()[:40, 0] for k in range(10)])
    np.savez(tmp_path / "few.npz", images=digits.x[rows].numpy(), labels=digits.y[rows].numpy())
    return str(tmp_path / "few.npz")


def test_a_file_tells_what_it_learnt_and_how_well(few: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    about = zerosum.train_features(
        few, tmp_path / "f.safetensors", progress=lambda *one: told.append(one), steps=STEPS, batch_size=32
    )
    network, read_again = read(tmp_path / "f.safetensors")
    assert read_again == about
    assert (about.channels, about.classes, about.data) == (1, tuple("0123456789"), few)
    assert about.tested_on == few and 20 <= about.tested <= 60
    assert about.accuracy > 0.3, "more than by chance, which is a tenth"
    loaded = data.load(few)
    assert loaded.y is not None
    assert 1 - probe.mistakes(network, loaded.x, loaded.y) / 400 > 0.3
    assert [(done, total) for what, done, total in told if what == "training the classifier"] == [
        (step, STEPS) for step in range(1, STEPS + 1)
    ]
    x = loaded.x.float() / 127.5 - 1
    apart = network.features(x) - network.features(x[torch.randperm(400)])
    assert float(apart.square().mean().detach()) == pytest.approx(1, abs=0.2)


def test_equal_seeds_give_equal_files(few: str, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        zerosum.train_features(few, tmp_path / f"{name}.safetensors", seed=seed, steps=2, batch_size=8, flip=True)
    a, b, c = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    assert torch.equal(torch.get_rng_state(), state), "nobody else's random numbers are touched"


def test_a_size_is_a_side_or_two(few: str, tmp_path: Path) -> None:
    sizes: list[Any] = [16, np.int64(16), (16, 16), [16, 16]]
    for number, size in enumerate(sizes):
        zerosum.train_features(few, tmp_path / f"{number}.safetensors", size=size, steps=1, batch_size=8)
    one, *others = ((tmp_path / f"{number}.safetensors").read_bytes() for number in range(len(sizes)))
    zerosum.train_features(few, tmp_path / "8.safetensors", steps=1, batch_size=8)
    assert all(other == one for other in others) and one != (tmp_path / "8.safetensors").read_bytes()


def test_the_test_part_is_what_is_measured_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, few: str
) -> None:
    whole = data.load(few)
    asked: list[str] = []

    def load(name: str, **other: Any) -> data.Dataset:
        asked.append(name)
        return whole

    monkeypatch.setattr(features, "load", load)
    about = zerosum.train_features("cifar10", tmp_path / "f.safetensors", steps=1, batch_size=8)
    assert asked == ["cifar10", "cifar10:test"] and about.tested == 400


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "ring"), "features are of images, and ring has points"),
        (("--data", "text.txt"), "features are of images, and text.txt has texts"),
        (("--data", "unlabelled.npy"), "unlabelled.npy has no labels, and a classifier learns classes; put each class"),
        (("--data", "one.npz"), "one.npz has images of 1 class, and a classifier tells several apart"),
        (("--data", "none.npz"), "none.npz has no labels"),
        (("--data", "gauges:real"), "has vectors for labels, and no classes"),
        (
            ("--data", "digits", "--batch-size", "4505"),
            "a batch of 4505 is more than the 4504 labelled images to learn",
        ),
        (("--data", "two.npz"), "too few labelled images"),
        (("--data", "digits", "--size", "7"), "images of 7x7 pixels, the network takes 8 a side and more; choose"),
        (("--data", "nowhere"), "no data called 'nowhere'"),
        (("--data", "denoise:digits"), "has no labels"),
        (("--steps", "0"), "steps must be at least 1"),
        (("--batch-size", "1"), "batch_size must be at least 2"),
        (("--seed", "-1"), "seed must be at least 0"),
        (("--out", "f.pt"), "--out f.pt: features are written to a .safetensors file"),
        (("--out", "there.safetensors"), "there.safetensors is there already"),
        (("--out", "folder.safetensors"), "folder.safetensors is there already"),
        (("--out", "there.safetensors/f.safetensors"), "Not a directory"),
        (("--device", "meta"), "holds no numbers"),
        ({"flip": 1}, "flip must be True or False, not 1"),
        ({"flip": "no"}, "flip must be True or False, not 'no'"),
        ({"flip": np.True_}, f"flip must be True or False, not {np.True_!r}"),
        ({"size": "16"}, "size must be a side in pixels, or (height, width), not '16'"),
        ({"size": (16, 16, 16)}, "size must be a side in pixels, or (height, width), not (16, 16, 16)"),
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"size": True}, "size must be a whole number, not True"),
        ({"flip": None}, "flip must be True or False, not None"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    arguments: tuple[str, ...] | dict[str, Any],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(features, "_trained", lambda *_: pytest.fail("it is refused before any training"))
    x = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    np.save("unlabelled.npy", x)
    np.savez("one.npz", images=x, labels=np.zeros(20, np.int64))
    np.savez("none.npz", images=x, labels=np.full(20, -1))
    np.savez("two.npz", images=x[:2], labels=np.arange(2))
    Path("text.txt").write_text("a b c\nd e f\n" * 8)
    Path("there.safetensors").write_text("precious")
    Path("folder.safetensors").mkdir()
    before = sorted(Path().iterdir())
    if isinstance(arguments, dict):  # what no flag can say, and Python can
        with pytest.raises(ZerosumError, match=re.escape(says)) as told:
            zerosum.train_features("digits", "new/f.safetensors", **arguments)
        assert "\n" not in str(told.value) and told.value.exit_code == 2
        assert sorted(Path().iterdir()) == before
        return
    given = ["features", *arguments]
    given += ["--out", "new/f.safetensors"] if "--out" not in arguments else []
    given += ["--data", "digits"] if "--data" not in arguments else []
    assert main(given) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert says in last and last.startswith("zerosum: ")
    assert sorted(Path().iterdir()) == before and Path("there.safetensors").read_text() == "precious"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Diverged(3, "classifier/cross_entropy", float("nan"))])
def test_what_ends_early_leaves_no_file(
    few: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*given: Any, **other: Any) -> None:
        raise error

    monkeypatch.setattr(probe, "fit", fail)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ZerosumError) as told:
        zerosum.train_features(few, tmp_path / "f.safetensors")
    if isinstance(error, Diverged):
        assert "nan in step 3; try a larger --batch-size" in str(told.value) and told.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["few.npz"]


def test_a_file_that_appears_during_the_training_stays(
    few: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, fit = tmp_path / "f.safetensors", probe.fit

    def late(*given: Any, **other: Any) -> Any:
        out.write_text("precious")
        return fit(*given, **other)

    monkeypatch.setattr(probe, "fit", late)
    (tmp_path / "f-2.safetensors").mkdir()
    with pytest.raises(ZerosumError) as told:
        zerosum.train_features(few, out, steps=2, batch_size=8)
    said, new = str(told.value), tmp_path / "f-3.safetensors"
    assert f"{out} appeared during the training and was left as it is; what was trained is in {new}: give" in said
    assert out.read_text() == "precious" and read(new)[1].steps == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "f-2.safetensors",
        "f-3.safetensors",
        "f.safetensors",
        "few.npz",
    ]


def test_a_file_that_appears_while_data_is_read_is_not_trained_for(
    few: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_trained", lambda *_: pytest.fail("it is refused before any training"))
    out = tmp_path / "f.safetensors"
    with pytest.raises(ZerosumError, match="is there already"):
        zerosum.train_features(few, out, notes=lambda _: out.write_text("precious"))
    assert out.read_text() == "precious"


def test_the_command_prints_the_accuracy(few: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "f.safetensors"
    assert main(["features", "--data", few, "--out", str(out), "--steps", "2", "--batch-size", "8"]) == 0
    told = capsys.readouterr()
    said, notes = told.out.splitlines(), told.err.splitlines()
    assert "images of 8x8 pixels, to be tested on " in notes[0] and notes[1].startswith("classes: 0 (")
    assert said[0].startswith("accuracy ") and said[0].endswith(f"images of {few} that it did not learn from")
    assert said[1] == str(out) and read(out)[1].steps == 2
