"""Labels from the command line: which a run learns from, which it keeps, what it says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from shell import EXAMPLE, Call

import zerosum
from zerosum.batches import Labelled, PartlyLabelled
from zerosum.recipe import RECIPES
from zerosum.run.directory import RunDirectory

OWN = f"{EXAMPLE}:digits"
SMALL = ("--steps", 4, "--batch-size", 8, "--checkpoint-every", 2)


@pytest.fixture
def animals() -> Path:
    """Twelve images whose labels.csv calls them cat, dog or nothing."""
    folder = Path("动物")
    folder.mkdir()
    rows = ["file_name;label"]
    for k in range(12):
        Image.new("L", (8, 8), 20 * k).save(folder / f"图{k:02}.png")
        rows.append(f"图{k:02}.png;{('猫', '狗', '')[k % 3]}")
    (folder / "labels.csv").write_text("\r\n".join(rows), encoding="utf-8-sig")
    return folder


@pytest.fixture
def vectors() -> Path:
    """Twelve images and a vector for each."""
    draw = np.random.default_rng(0)
    path = Path("vectors.npz")
    np.savez(path, samples=draw.integers(0, 256, (12, 1, 8, 8), np.uint8), conditions=draw.normal(size=(12, 2)))
    return path


# -- --labels ---------------------------------------------------------------------------------------------------------


def test_a_balanced_subset_is_kept_recorded_and_resumed_exactly(call: Call) -> None:
    once, twice = ("--out", "once"), ("--out", "twice")
    arguments = ("train", OWN, "--batch-size", 8, "--checkpoint-every", 2, "--labels", 21, "--seed", 3)
    code, _, err = call(*arguments, *once, "--steps", 4)
    assert code == 0, err
    assert re.search(r"^classes: 0 \(3\), 1 \(2\), .*, 9 \(2\); unlabelled: 4,979$", err, re.MULTILINE)
    assert "labels: 21 of 5,000 kept, as many of each class, by the seed\n" in err
    record = RunDirectory(Path("once")).read()
    assert (record.data.labels, record.data.count, record.training.seed) == (21, 5000, 3)
    assert record.data.classes == tuple(map(str, range(10)))

    assert call(*arguments, *twice, "--steps", 2)[0] == 0
    code, _, err = call("resume", "twice", "--steps", 4, "--recipe", OWN)
    assert code == 0, err
    assert "labels: 21 of 5,000 kept" in err
    for name in ("game", "average", "training"):  # networks, averages; optimisers and random state
        one, two = (load_file(f"{run}/checkpoints/step-00000004/{name}.safetensors") for run in ("once", "twice"))
        assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one), name


def test_the_seed_chooses_which_labels_are_kept() -> None:
    marks = []
    for number, (labels, seed) in enumerate(((20, 0), (20, 1), (30, 0), (None, 0))):
        run = zerosum.train(OWN, out=f"run{number}", steps=1, batch_size=8, labels=labels, seed=seed, quiet=True)
        marks.append(run.record.data.fingerprint)
        assert run.record.data.labels == labels
    assert len(set(marks)) == 4


@pytest.mark.parametrize("recipe", ["acgan/digits", OWN])  # of partly labelled batches, and of labelled ones
def test_every_kind_of_recipe_takes_hidden_labels(call: Call, recipe: str) -> None:
    assert call("train", recipe, "--labels", 20, "--out", "run", *SMALL)[0] == 0
    more = ("--recipe", recipe) if recipe == OWN else ()
    assert call("resume", "run", "--steps", 6, *more)[0] == 0
    code, _, err = call("evaluate", "run", "--samples", 100, "--metrics", "frechet", "tstr:steps=3", *more)
    assert code == 0, err
    evaluation = json.loads(Path("run/evaluation.json").read_text())
    assert not [note for note in evaluation["notes"] if "changed" in note]
    assert {result["protocol"]["reference"] for result in evaluation["results"]} == {
        zerosum.data.load("digits").fingerprint  # all of it, with all labels
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("gan/toy", "--labels", 80),
            "gan/toy uses no labels, so none of 80 can be kept; leave --labels out",
        ),
        ((OWN, "--labels", 9), "9 labels are fewer than the 10 classes of digits"),
        ((OWN, "--labels", 5010), "class '0' of digits has 500 labelled samples, and 5010 labels in all ask for 501"),
        ((OWN, "--labels", 10, "--batch-size", 11), "a batch of 11 is more than the 10 labelled samples of digits"),
        ((OWN, "--data", "swiss-roll"), "swiss-roll has no labels, but"),
    ],
)
def test_labels_that_cannot_be_kept(call: Call, arguments: tuple[object, ...], says: str) -> None:
    for way in (("--out", "run"), ("--dry-run",)):
        code, _, err = call("train", *arguments, *way)
        assert code == 2 and says in err, err
    assert not Path("run").exists()


# -- what is said -----------------------------------------------------------------------------------------------------


def test_a_run_that_ignores_labels_says_so_and_who_would_use_them(call: Call, animals: Path) -> None:
    small = ("--data", animals, "--out", "run", "--steps", 2, "--batch-size", 4)
    for code, out, err in (call("train", "gan/tutorial", *small, "--dry-run"), call("train", "gan/tutorial", *small)):
        assert code == 0, err
        said = out if "duration" in out else err
        assert "classes: 狗 (4), 猫 (4); unlabelled: 4\n" in said
        (note,) = re.findall(r"note: (.*)", said)
        assert note.startswith(f"gan/tutorial does not use the 2 classes of {animals}; ") and note.endswith(" would")
        named = note.partition("; ")[2].removesuffix(" would").split(", ")
        assert len(named) >= 2 and all(RECIPES[name].batch in (Labelled, PartlyLabelled) for name in named)
        games = {recipe.name.split("/")[0] for recipe in RECIPES.values() if recipe.batch in (Labelled, PartlyLabelled)}
        assert {name.split("/")[0] for name in named} == games  # one of each
    assert RunDirectory(Path("run")).read().data.classes == ()
    assert call("resume", "run", "--steps", 3)[2].count("does not use the 2 classes") == 1


def test_a_labelled_recipe_says_what_it_leaves_out_and_who_would_not(call: Call, animals: Path) -> None:
    code, _, err = call("train", OWN, "--data", animals, "--out", "run", *SMALL)
    assert code == 0, err
    (note,) = re.findall(r"note: (.*)", err)
    start = f"{OWN} learns from the 8 labelled samples alone; "
    assert note.startswith(start) and note.endswith(" would use the 4 others too")
    named = note.removeprefix(start).removesuffix(" would use the 4 others too").split(", ")
    assert named and all(RECIPES[name].batch is PartlyLabelled for name in named)


def test_nothing_is_noted_where_all_is_used(call: Call, animals: Path) -> None:
    said = call("train", "acgan/digits", "--data", animals, "--out", "a", *SMALL)[2]
    assert not [line for line in said.splitlines() if line.startswith("note:") and "decay.start" not in line]
    assert "note:" not in call("train", OWN, "--out", "b", *SMALL)[2]
    assert "note:" not in call("train", "gan/toy", "--data", "swiss-roll", "--out", "c", *SMALL)[2]


def test_asking_who_would_use_labels_changes_no_run(animals: Path) -> None:
    loud, quiet = (
        zerosum.train("gan/tutorial", str(animals), f"run{quiet}", steps=2, batch_size=4, quiet=quiet)
        for quiet in (False, True)
    )
    assert loud.sample(4).equal(quiet.sample(4))


# -- classes of any script --------------------------------------------------------------------------------------------


def test_names_in_any_script_go_all_the_way(call: Call, animals: Path) -> None:
    assert call("train", OWN, "--data", animals, "--out", "run", *SMALL)[0] == 0
    assert call("sample", "run", "--recipe", OWN, "--class", "猫", "-n", 2, "--out", "cats")[0] == 0
    assert sorted(path.name for path in Path("cats").iterdir()) == ["00000-猫.png", "00001-猫.png"]
    assert call("sample", "run", "--recipe", OWN, "-n", 4, "--out", "all.npz")[0] == 0
    assert np.load("all.npz")["labels"].tolist() == [0, 1, 0, 1]
    assert call("sample", "run", "--recipe", OWN, "-n", 4, "--out", "all.png")[0] == 0
    code, _, err = call("sample", "run", "--recipe", OWN, "--class", "鸟", "--out", "birds")
    assert code == 2 and "there is no class '鸟'; the classes are 狗, 猫" in err


def test_a_class_is_found_however_its_accents_are_spelt(call: Call, animals: Path) -> None:
    table = animals / "labels.csv"
    table.write_text(table.read_text("utf-8-sig").replace("狗", "cafe\u0301"), "utf-8")
    assert call("train", OWN, "--data", animals, "--out", "run", *SMALL)[0] == 0
    for k, name in enumerate(("caf\u00e9", "cafe\u0301")):
        assert call("sample", "run", "--recipe", OWN, "--class", name, "-n", 2, "--out", f"{k}.npz")[0] == 0
    assert np.load("0.npz")["labels"].tolist() == np.load("1.npz")["labels"].tolist()


def test_labels_that_changed_are_other_data(call: Call, animals: Path) -> None:
    assert call("train", OWN, "--data", animals, "--labels", 6, "--out", "run", *SMALL[:2], "--batch-size", 4)[0] == 0
    measure = ("evaluate", "run", "--recipe", OWN, "--samples", 12, "--metrics", "kernel", "--extractor", "pixels")
    code, out, err = call(*measure)
    assert code == 0 and "has changed" not in out, err
    table = animals / "labels.csv"
    table.write_text(table.read_text("utf-8").replace("图00.png;猫", "图00.png;狗"), encoding="utf-8")
    code, _, err = call("resume", "run", "--steps", 6, "--recipe", OWN)
    assert code == 2 and "the data has changed" in err
    code, out, err = call(*measure)
    assert code == 0 and f"{animals.resolve()} has changed since the run was trained on it" in out, err


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_samples_are_drawn_by_a_vector(call: Call, vectors: Path) -> None:
    code, _, err = call("train", OWN, "--data", vectors, "--out", "run", *SMALL)
    assert code == 0, err
    assert "conditions: vectors of 2, with values in [" in err
    one = ("sample", "run", "--recipe", OWN)
    asked = {"a.npz": (0.5, -1.25), "b.npz": (0.5, -1.25), "c.npz": (-1e1, 0.3)}
    for name, vector in asked.items():
        assert call(*one, "--condition", *vector, "-n", 3, "--out", name)[0] == 0
    a, b, c = (np.load(name) for name in asked)
    assert a["conditions"].tolist() == [[0.5, -1.25]] * 3 and "labels" not in a
    assert (a["samples"] == b["samples"]).all() and (a["samples"] != c["samples"]).any()
    assert call("data", "check", "a.npz")[1].splitlines()[1] == (
        "conditions: vectors of 2, with values in [0.5, 0.5], [-1.25, -1.25]"
    )
    assert call(*one, "--condition", 0.5, -1.25, "-n", 2, "--out", "folder")[0] == 0
    assert sorted(path.name for path in Path("folder").iterdir()) == ["00000-0.5_-1.25.png", "00001-0.5_-1.25.png"]
    assert call(*one, "--condition", 0.5, -1.25, "-n", 2, "--out", "one.png")[0] == 0
    walk = (*one, "-n", 2, "--to-seed", 1, "--frames", 3)
    assert call(*walk, "--condition", 0.5, -1.25, "--out", "a.gif")[0] == 0
    assert call(*walk, "--condition", 3, 3, "--out", "b.gif")[0] == 0
    assert Path("a.gif").read_bytes() != Path("b.gif").read_bytes()
    code, _, err = call(
        "evaluate", "run", "--recipe", OWN, "--samples", 50, "--metrics", "kernel", "--extractor", "pixels"
    )
    assert code == 0, err
    assert call("resume", "run", "--recipe", OWN, "--steps", 6)[0] == 0


def test_vectors_that_do_not_fit(call: Call, vectors: Path, labelled: Path, images: Path) -> None:
    assert call("train", OWN, "--data", vectors, "--out", "run", *SMALL)[0] == 0
    mistakes = [
        (("run", "--recipe", OWN, "--condition", 1), f"a condition of {OWN} has 2 numbers, not 1"),
        (("run", "--recipe", OWN, "--condition", 1, 2, 3), "has 2 numbers, not 3"),
        (("run", "--recipe", OWN, "--class", 3), "takes no class; leave the class out"),
        ((labelled, "--recipe", OWN, "--condition", 1, 2), "takes no vector; leave the condition out"),
        ((images, "--condition", 1, 2), "the generator of gan/tutorial takes no vector; leave the condition out"),
        ((images, "--traverse", "--condition", 1), "--traverse moves codes of z, not vectors; leave --condition out"),
    ]
    for arguments, says in mistakes:
        code, _, err = call("sample", *arguments, "--out", "x.npz")
        assert code == 2 and says in err, err
    code, _, err = call("train", "acgan/digits", "--data", vectors, "--out", "other", *SMALL)
    assert code == 2 and "acgan/digits learns classes, and vectors.npz has vectors of 2 numbers; try cgan" in err
    assert not Path("x.npz").exists() and not Path("other").exists()


def test_a_run_that_ignores_vectors_says_so(call: Call, vectors: Path) -> None:
    code, _, err = call("train", "gan/tutorial", "--data", vectors, "--out", "run", "--steps", 1, "--batch-size", 4)
    assert code == 0, err
    (note,) = re.findall(r"note: gan/tutorial does not use the vectors of vectors.npz; (.*) would", err)
    assert all(RECIPES[name].batch is Labelled for name in note.split(", "))


def test_classes_go_before_vectors(call: Call) -> None:
    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (12, 1, 8, 8), np.uint8)
    np.savez("both.npz", samples=x, labels=np.arange(12) % 3, conditions=draw.normal(size=(12, 2)))
    code, _, err = call("train", OWN, "--data", "both.npz", "--out", "run", *SMALL)
    assert code == 0, err
    assert f"note: {OWN} uses the classes of both.npz and not its vectors, as it has both\n" in err
    assert zerosum.load("run", recipe=OWN).labels_for(4).tolist() == [0, 1, 2, 0]  # type: ignore[union-attr]
