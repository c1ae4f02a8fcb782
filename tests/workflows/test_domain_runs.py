"""Runs that classify and make no samples: their files, what is measured of them on which images, and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

import zerosum
from zerosum import data
from zerosum.cli import main
from zerosum.data.dataset import DataError, Dataset, dataset
from zerosum.data.request import Request, split
from zerosum.data.sources import SOURCES
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation
from zerosum.exporting.onnx import usual
from zerosum.health.history import History
from zerosum.health.verdicts import diagnose
from zerosum.run.loaded import Run

QUICK: dict[str, Any] = {
    "steps": 6,
    "batch_size": 8,
    "quiet": True,
    "precision": "fp32",
    "log_every": 1,
    "network": {"width": 4, "hidden": 6},
}
CLASSES = ("cat", "dog", "eel")


def spots(channels: int) -> Any:
    """A source of noise, which has a test part: 30 images to learn from, and 20 others."""

    def source(request: Request) -> Dataset:
        test = split(request, ("train", "test")) == "test"
        generator = torch.Generator().manual_seed(channels + 10 * test)
        count = 20 if test else 30
        x = torch.randint(256, (count, channels, 16, 16), generator=generator).to(torch.uint8)
        return dataset(request.name, x, torch.arange(count) % 3, CLASSES)

    return source


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SOURCES, "spots", spots(1))
        patch.setitem(SOURCES, "flecks", spots(3))
        yield zerosum.train("dann/images", "domains:spots,flecks", tmp_path_factory.mktemp("domains") / "run", **QUICK)


def right(run: Run, test: Dataset) -> float:
    assert test.y is not None
    return float((run.classify(test.x.expand(-1, 3, -1, -1)).argmax(1) == test.y).float().mean())


def of(evaluation: Evaluation) -> dict[str, tuple[str, str, float]]:
    """By metric: the data, what part of it, and the score."""
    return {
        r.protocol.metric: (str(r.protocol.settings["data"]), str(r.protocol.settings["part"]), r.value)
        for r in evaluation.results
    }


def test_the_run_says_what_it_can_do_and_shows_target_images_by_class(run: Run):
    assert run.record.roles == ("Classifies",) and run.record.data.classes == CLASSES
    assert {path.name for path in run.path.iterdir()} >= {"samples.png", "film.gif", "report.html", "health.jsonl"}
    assert not (run.path / "interpolation.png").exists()
    title = Picture.open(run.path / "samples.png").text["Title"]  # type: ignore[attr-defined]
    assert title == "A row for each class, with samples that are taken for it"
    page = (run.path / "report.html").read_text()
    assert "zerosum classify" in page and "is missing" not in page and "latent" not in page
    assert "What the same samples are taken for over training" in page


def test_the_monitor_raises_no_alarm(run: Run):
    """However sure D is, or however wrong: there are no samples that would be poor, or good."""
    history = History.read(run.path / "health.jsonl", 6)
    assert "separation/discriminator" in history.signals[-1] and "frechet" not in history.signals[-1]
    for separation in (1.0, 0.2):
        logits = {"separation": separation, "gap": 50 * separation - 20, "gap_spread": 30.0, "real_accuracy": 1.0}
        sure = History(6)
        for snapshot in history.snapshots:
            signals = snapshot.signals | {f"{name}/discriminator": value for name, value in logits.items()}
            sure.add(replace(snapshot, signals=signals))
        assert len(sure.snapshots) >= 5 and diagnose(sure).name == "nothing to compare"


def test_both_domains_are_measured_on_their_test_images(run: Run):
    evaluation = zerosum.evaluate(run)
    source, target = data.load("spots:test"), data.load("flecks:test")
    assert of(evaluation) == {
        "source-accuracy": ("spots:test", "test", pytest.approx(right(run, source))),
        "target-accuracy": ("flecks:test", "test", pytest.approx(right(run, target))),
    }
    result = evaluation["target-accuracy"]
    assert (result.protocol.real, result.protocol.reference) == (20, target.fingerprint)
    low, high = result.interval or (1, 0)
    assert low <= result.value <= high and result.scores["accuracy"].better == "higher"
    assert evaluation.target.step == 6 and any("step 6: nothing was selected" in note for note in evaluation.notes)


def test_no_class_of_the_target_changes_the_training(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def other(request: Request) -> Dataset:
        found = spots(3)(request)
        return dataset(request.name, found.x, (found.y + 1) % 3, CLASSES)

    monkeypatch.setitem(SOURCES, "flecks", other)
    again = zerosum.train("dann/images", "domains:spots,flecks", tmp_path / "again", **QUICK)
    assert again.record.data.fingerprint == run.record.data.fingerprint
    for name, value in run.game.state_dict().items():
        assert torch.equal(value, again.game.state_dict()[name]), name


def test_other_images_are_measured_by_the_names_of_their_classes(run: Run, tmp_path: Path):
    """Classes of another order, and one that the run does not know, which is not counted."""
    x = torch.randint(256, (12, 1, 16, 16), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    names = ("eel", "bee", "cat")
    for k, image in enumerate(x[:, 0].numpy()):
        (folder := tmp_path / "own" / names[k % 3]).mkdir(parents=True, exist_ok=True)
        Picture.fromarray(image).save(folder / f"{k:02}.png")
    found = zerosum.evaluate(run.path, str(tmp_path / "own"))["accuracy"]
    truth = torch.tensor([CLASSES.index(names[k % 3]) if k % 3 != 1 else -1 for k in range(12)])
    said = run.classify(x.expand(-1, 3, -1, -1)).argmax(1)
    assert found.protocol.real == 8 and found.value == pytest.approx(float((said == truth).float().sum()) / 8)


def folder(path: Path, count: int, channels: int, classes: tuple[str, ...]) -> Path:
    for k in range(count):
        generator = torch.Generator().manual_seed(100 * channels + k)
        image = torch.randint(256, (16, 16, channels), generator=generator).to(torch.uint8).numpy()
        where = path / (classes[k % len(classes)] if classes else "")
        where.mkdir(parents=True, exist_ok=True)
        Picture.fromarray(np.squeeze(image)).save(where / f"{k}.png")
    return path


@pytest.mark.parametrize("labelled", [True, False])
def test_what_was_held_out_is_measured_of_folders(tmp_path: Path, labelled: bool):
    source = folder(tmp_path / "source", 40, 1, CLASSES)
    target = folder(tmp_path / "target", 40, 3, CLASSES if labelled else ())
    run = zerosum.train("dann/images", f"domains:{source},{target}", tmp_path / "run", held_out=0.3, **QUICK)
    assert run.record.data.held_out is not None
    found = zerosum.evaluate(run)
    names = {name.rpartition("/")[2] for name in run.record.data.held_out.names}
    kept = [k for k in range(40) if f"{k}.png" not in names]
    assert {name: part for name, (_, part, _) in of(found).items()} == {
        "source-accuracy": "held out", **({"target-accuracy": "held out"} if labelled else {}),
    }  # fmt: skip
    assert found["source-accuracy"].protocol.real + len(kept) >= 40 - len(kept)
    whole = data.load(str(source))
    rows = [k for k, name in enumerate(whole.files["all"]) if name in run.record.data.held_out.names]
    assert found["source-accuracy"].protocol.real == len(rows) > 0
    part = dataset("held out", whole.x[rows], whole.y[rows], whole.classes)  # type: ignore[index]
    assert found["source-accuracy"].value == pytest.approx(right(run, part))


def test_a_labelled_target_without_a_test_part_is_measured_as_it_was_seen(tmp_path: Path):
    """Its classes were not; of a source all of whose classes were learnt there is nothing to say."""
    source, target = (folder(tmp_path / name, 12, k, CLASSES) for name, k in (("source", 1), ("target", 3)))
    found = zerosum.evaluate(zerosum.train("dann/images", f"domains:{source},{target}", tmp_path / "run", **QUICK))
    assert {name: part for name, (_, part, _) in of(found).items()} == {"target-accuracy": "learnt from"}
    assert any("has seen these images, without classes" in note for note in found.notes)
    run = zerosum.train("dann/images", f"domains:{source},{source}", tmp_path / "one", **QUICK)
    with pytest.raises(ZerosumError, match="--held-out"):  # whose classes it has learnt
        zerosum.evaluate(run)


def test_test_images_that_are_missing_are_not_replaced_by_seen_ones(run: Run, monkeypatch: pytest.MonkeyPatch):
    def without(request: Request) -> Dataset:
        if request.option:
            raise DataError("flecks-test is not there; download it")
        return spots(3)(request)

    monkeypatch.setitem(SOURCES, "flecks", without)
    with pytest.raises(DataError, match="flecks-test is not there; download it"):
        zerosum.evaluate(run)


def test_where_no_class_is_known_it_says_what_to_do(tmp_path: Path):
    source, target = folder(tmp_path / "source", 12, 1, CLASSES), folder(tmp_path / "target", 12, 3, ())
    run = zerosum.train("dann/images", f"domains:{source},{target}", tmp_path / "run", **QUICK)
    with pytest.raises(ZerosumError, match=r"--against DATA, or train with --held-out"):
        zerosum.evaluate(run)
    with pytest.raises(ZerosumError, match="has no classes, so nobody knows"):
        zerosum.evaluate(run, str(target))
    strangers = folder(tmp_path / "strangers", 6, 3, ("bee", "fox"))
    with pytest.raises(ZerosumError, match=r"has the classes bee, fox, none of which .* knows: it knows cat, dog, eel"):
        zerosum.evaluate(run, str(strangers))


def test_what_is_of_samples_is_refused(run: Run):
    refused: dict[str, Any] = {"metrics": ["frechet"], "extractor": "pixels", "truncation": 0.7, "real": 10}
    for name, value in refused.items():
        with pytest.raises(ZerosumError, match=rf"dann/images makes no samples.*: leave out --{name}$"):
            zerosum.evaluate(run, **{name: value})
    with pytest.raises(ZerosumError, match="leave out --real and --no-references"):
        zerosum.evaluate(run, real=10, references=False)
    with pytest.raises(ZerosumError, match="dann cannot generate from z"):
        run.sample(4)


def test_at_most_so_many_images_are_measured(run: Run):
    found = [zerosum.evaluate(run, samples=7, seed=seed)["target-accuracy"] for seed in (0, 0, 1)]
    assert [result.protocol.real for result in found] == [7, 7, 7] and found[0].value == found[1].value


def test_the_command_line_measures_classifies_and_exports(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["evaluate", str(run.path)])
    table = capsys.readouterr().out
    assert "target-accuracy" in table and "source-accuracy" in table
    written = json.loads((run.path / "evaluation.json").read_text())
    assert written["against"] == "spots:test, flecks:test"
    page = (run.path / "report.html").read_text()
    assert "Classes of the last weights of step 6" in page and "target-accuracy" in page
    main(["classify", str(run.path), "flecks:test", "--out", str(tmp_path / "said.csv")])
    assert "accuracy" in capsys.readouterr().out and len((tmp_path / "said.csv").read_text().splitlines()) == 21
    assert usual(run) == "classifier"


def test_it_is_resumed_with_the_same_domains(run: Run, tmp_path: Path):
    shorter = zerosum.train("dann/images", "domains:spots,flecks", tmp_path / "shorter", **QUICK)
    longer = zerosum.resume(shorter.path, steps=9, quiet=True)
    whole = zerosum.train("dann/images", "domains:spots,flecks", tmp_path / "whole", **{**QUICK, "steps": 9})
    for name, value in longer.game.state_dict().items():
        assert torch.equal(value, whole.game.state_dict()[name]), name
