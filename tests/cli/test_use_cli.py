"""classify, export and synthesize, as a person types them."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shell import EXAMPLE, Call

import zerosum
from zerosum import data


def refused(call: Call, *arguments: object) -> str:
    code, _, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert code == 2 and len(lines) == 1, err
    return lines[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def paint(path: Path, level: int, size: tuple[int, int] = (12, 12), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(level, level + 50, (size[1], size[0]), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark cats and bright dogs."""
    root = tmp_path_factory.mktemp("数据") / "动物"
    for i in range(8):
        paint(root / "猫" / f"{i}.png", 0)
        paint(root / "狗" / f"{i}.png", 200)
    return root


@pytest.fixture(scope="module")
def sorter(tmp_path_factory: pytest.TempPathFactory, animals: Path) -> Path:
    """A GAN that learns a classifier and takes no class."""
    out = tmp_path_factory.mktemp("runs") / "排序"
    zerosum.train("sgan/images", str(animals), out, steps=40, batch_size=8, average=0.0, quiet=True)
    return out


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, animals: Path) -> Path:
    """A GAN that takes a class, and learns a classifier."""
    out = tmp_path_factory.mktemp("runs") / "asked"
    zerosum.train("acgan/digits", str(animals), out, steps=2, batch_size=8, quiet=True)
    return out


def test_what_is_said_of_files_in_training_is_said_in_classifying(call: Call, sorter: Path, tmp_path: Path) -> None:
    paint(tmp_path / "in" / "a.png", 0)
    (tmp_path / "in" / "labels.csv").write_text("file_name,label\na.png,NA\ngone.png,x\n")
    (tmp_path / "in" / "more.heic").write_bytes(b"\0\0\0\x18ftypheic")
    code, out, err = call("classify", sorter, tmp_path / "in")
    assert code == 0, err
    assert "note: passed over 1 file without an image to read: 1 HEIF (more.heic)" in out
    assert "note: labels.csv: read as no label: NA (1)" in out
    assert "left out: 1\n  labels.csv: 1 of its 2 rows name no image, the first in line 3: gone.png" in out
    code, out, err = call("classify", sorter, "digits", "--value-range", 0, 100)
    assert code == 2 and "--value-range is of images in your own files" in err


def test_a_folder_is_classified_with_probabilities_and_errors(call: Call, sorter: Path, animals: Path) -> None:
    code, out, err = call("classify", sorter, animals)
    assert code == 0, err
    assert (
        "16 images: " in out and "errors out of 16" in out and out.splitlines()[-1] == str(sorter / "predictions.csv")
    )
    table = rows(sorter / "predictions.csv")
    assert [row["file_name"] for row in table] == [
        *(f"狗/{i}.png" for i in range(8)),
        *(f"猫/{i}.png" for i in range(8)),
    ]
    assert list(table[0]) == ["file_name", "label", "prediction", "probability", "狗", "猫"]
    run = zerosum.load(sorter)
    logits = run.game.classifier()(data.load(str(animals)).x.float() / 127.5 - 1)
    expected = logits.softmax(1)
    assert [float(row["猫"]) for row in table] == pytest.approx(expected[:, 1].tolist(), abs=1e-5)
    assert [row["prediction"] for row in table] == [("狗", "猫")[k] for k in expected.argmax(1).tolist()]
    wrong = sum(row["prediction"] != row["label"] for row in table)
    assert f"{wrong} errors out of 16" in out and wrong <= 2  # dark and bright are soon told apart


def test_the_api_says_the_same_of_floats_and_bytes(sorter: Path, animals: Path) -> None:
    run, x = zerosum.load(sorter), data.load(str(animals)).x
    found = run.classify(x)
    assert found.shape == (16, 2) and torch.allclose(found.sum(1), torch.ones(16))
    torch.testing.assert_close(found, run.classify(x.float() / 127.5 - 1), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found, run.classify(x, batch_size=5), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found, zerosum.classify(sorter, animals).probabilities)
    torch.testing.assert_close(found, zerosum.classify(run, animals).probabilities)
    with pytest.raises(zerosum.ZerosumError, match=r"classifies samples of shape \(1, 12, 12\), not \(3, 12, 12\)"):
        run.classify(torch.zeros(2, 3, 12, 12))


def test_last_weights_and_checkpoints_are_other_classifiers(call: Call, tmp_path: Path, animals: Path) -> None:
    out = tmp_path / "run"
    zerosum.train("sgan/images", str(animals), out, steps=6, batch_size=8, average=0.9, checkpoint_every=3, quiet=True)
    found = [
        zerosum.classify(run, animals).probabilities
        for run in (out, zerosum.load(out, average=False), zerosum.load(out, checkpoint_step=3))
    ]
    assert not torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert call("classify", out, animals, "--last", "--checkpoint", 3, "--out", "a.csv")[0] == 0


def test_images_of_other_sizes_modes_and_classes_and_broken_ones(call: Call, sorter: Path) -> None:
    paint(Path("photos/猫/big.png"), 0, (40, 30), "RGB")
    paint(Path("photos/鸟/a.jpg"), 200, (9, 9), "RGB")
    paint(Path("photos/no class.png"), 200)
    Path("photos/猫/broken.png").write_bytes(b"no image")
    code, out, err = call("classify", sorter, "photos", "--out", "new folder/p.csv")
    assert code == 0, err
    assert "colour was turned grey" in out
    assert "knows no class 鸟 (1)" in out
    assert "left out: 1\n  猫/broken.png: " in out
    assert "errors out of 1" in out
    assert [row["label"] for row in rows(Path("new folder/p.csv"))] == ["", "猫", "鸟"]


def test_a_single_image_an_array_and_a_known_set(call: Call, sorter: Path) -> None:
    paint(Path("one.png"), 0)
    assert call("classify", sorter, "one.png", "--out", "a.csv")[0] == 0
    assert [row["file_name"] for row in rows(Path("a.csv"))] == ["one.png"]
    np.savez("many.npz", samples=np.zeros((3, 12, 12), np.uint8), labels=np.array([0, 1, -1]))
    code, out, _ = call("classify", sorter, "many.npz", "--out", "b.csv")
    assert code == 0 and "knows no class 0 (1), 1 (1)" in out and "accuracy" not in out
    assert [row["file_name"] for row in rows(Path("b.csv"))] == ["0", "1", "2"]
    code, out, _ = call("classify", sorter, "digits", "--out", "c.csv")
    assert code == 0 and "5,000 images" in out


def test_points_are_classified_too(call: Call) -> None:
    zerosum.train("sgan/toy", out="toy", steps=2, batch_size=8, quiet=True)
    np.savez("points.npz", samples=np.zeros((3, 2), np.float32), labels=np.array([0, 1, 2]))
    code, out, err = call("classify", "toy", "points.npz")
    assert code == 0 and "errors out of 3" in out, err


def test_what_cannot_be_classified_is_refused(call: Call, sorter: Path, images: Path, animals: Path) -> None:
    refusal = refused(call, "classify", images, animals)
    assert "gan/tutorial learns no classifier; train one of these recipes: " in refusal
    assert (
        "sgan/images" in refusal
        and "acgan/digits" in refusal
        and "gan/toy" not in refusal.split("recipes")[1].split(", ")
    )
    assert "no data called 'nowhere'" in refused(call, "classify", sorter, "nowhere")
    assert "nowhere holds no run" in refused(call, "classify", "nowhere", animals)
    assert "ring holds points of 2 numbers, but images" in refused(call, "classify", sorter, "ring")
    assert "predictions are written to a .csv file" in refused(call, "classify", sorter, animals, "--out", "p.txt")
    Path("broken.png").write_bytes(b"no image")
    assert "cannot read broken.png: not an image" in refused(call, "classify", sorter, "broken.png")
    Path("empty").mkdir()
    assert "no image in empty" in refused(call, "classify", sorter, "empty")
    Path("words.txt").write_text("x")
    assert "words.txt holds texts of 1 token, but images of" in refused(call, "classify", sorter, "words.txt")
    assert not (images / "predictions.csv").exists() and not Path("p.txt").exists()


def test_a_folder_is_made_that_trains(call: Call, asked: Path) -> None:
    code, out, err = call("synthesize", asked, "--per-class", 12, "--out", "合成/集")
    assert code == 0, err
    assert "24 candidates drawn, 24 samples kept" in out and out.splitlines()[-1] == "合成/集"
    loaded = data.load("合成/集")
    assert loaded.shape == (1, 12, 12) and loaded.classes == ("狗", "猫") and loaded.y is not None
    assert loaded.y.bincount().tolist() == [12, 12] and loaded.problems == ()
    drawn = zerosum.load(asked).sample(12, seed=0, classes="狗")
    assert torch.equal(loaded.x[:12], ((drawn.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))
    told = json.loads(Path("合成/集/synthesis.json").read_text(encoding="utf-8"))
    assert told["recipe"] == "acgan/digits" and told["classes"] == {"狗": {"candidates": 12, "kept": 12}} | {
        "猫": {"candidates": 12, "kept": 12}
    }
    assert call("data", "check", "合成/集")[0] == 0
    assert call("train", "sgan/images", "--data", "合成/集", "--out", "run", "--steps", 1, "--batch-size", 8)[0] == 0
    assert sorted(p.name for p in Path("合成").iterdir()) == ["集"]


def test_filters_seeds_and_another_runs_classifier(call: Call, asked: Path, sorter: Path) -> None:
    make = ("synthesize", asked, "--per-class", 5, "--keep-top", 0.5, "--tries", 1000)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        code, out, err = call(*make, "--out", name, "--seed", seed)
        assert code == 0 and "20 candidates drawn, 10 samples kept" in out, err
    a, b, c = (data.load(name).x for name in "abc")
    assert torch.equal(a, b) and not torch.equal(a, c)
    bound = 1e-6  # that every sample passes: the run is young, and its classifier knows little
    assert call(*make, "--confidence", bound, "--classifier", sorter, "--out", "d")[0] == 0
    assert json.loads(Path("d/synthesis.json").read_text())["classifier"] == str(sorter.resolve())
    Path("e").mkdir()  # an empty folder is as good as none
    assert call(*make, "--confidence", bound, "--truncation", 0.5, "--last", "--out", "e")[0] == 0


def test_names_that_no_folder_can_have_are_kept_in_a_table(call: Call) -> None:
    for i in range(4):
        paint(Path(f"photos/{i}.png"), 60 * i)
    Path("photos/labels.csv").write_text("file_name,label\n0.png,a/b\n1.png,..\n2.png,a/b\n3.png,..\n")
    zerosum.train("cgan/digits", "photos", "run", steps=1, batch_size=4, quiet=True)
    assert call("synthesize", "run", "--per-class", 3, "--out", "made")[0] == 0
    assert sorted(p.name for p in Path("made").iterdir() if p.is_dir()) == ["_", "a_b"]
    loaded = data.load("made")
    assert loaded.classes == ("..", "a/b") and loaded.y is not None and loaded.y.bincount().tolist() == [3, 3]


def test_points_go_to_a_file(call: Call) -> None:
    zerosum.train("acgan/toy", out="toy", steps=2, batch_size=8, quiet=True)
    assert "points, which go to a file: name one" in refused(call, "synthesize", "toy", "--per-class", 2, "--out", "a")
    assert call("synthesize", "toy", "--per-class", 2, "--out", "a.npz")[0] == 0
    loaded = data.load("a.npz")
    assert loaded.y is not None and len(loaded) == 2 * len(zerosum.load("toy").record.data.classes)
    assert Path("a-synthesis.json").exists()
    assert "a.npz is there already" in refused(call, "synthesize", "toy", "--per-class", 2, "--out", "a.npz")


def test_what_cannot_be_synthesized_is_refused(call: Call, asked: Path, sorter: Path, images: Path) -> None:
    make = ("--per-class", 5, "--out", "made")
    assert "nothing tells its classes apart: gan/tutorial learns none" in refused(call, "synthesize", images, *make)
    assert "images, which go to a folder" in refused(call, "synthesize", asked, "--per-class", 5, "--out", "made.npz")
    assert "0 per class makes nothing" in refused(call, "synthesize", asked, "--per-class", 0, "--out", "made")
    assert "confidence is a share" in refused(call, "synthesize", asked, *make, "--confidence", 2)
    assert "too few are of the classes " in refused(call, "synthesize", asked, *make, "--confidence", 1, "--tries", 2)
    assert "classifies samples of shape (1, 12, 12), not (1, 28, 28)" in refused(
        call, "synthesize", images, *make, "--classifier", sorter
    )
    assert not Path("made").exists() and not list(Path().glob(".partial*"))
    Path("made").mkdir()
    Path("made/mine.txt").write_text("precious")
    assert "made is not empty; name a new folder" in refused(call, "synthesize", asked, *make)
    assert [p.name for p in Path("made").iterdir()] == ["mine.txt"]
    assert call("synthesize", asked, "--out", "x")[0] == 2  # tyro asks for --per-class


def test_a_run_of_code_from_outside_needs_its_recipe(call: Call, labelled: Path) -> None:
    recipe = ("--recipe", f"{EXAMPLE}:digits")
    assert "--recipe" in refused(call, "synthesize", labelled, "--per-class", 2, "--out", "made")
    assert call("synthesize", labelled, "--per-class", 2, "--out", "made", "--keep-top", 0.5, *recipe)[0] == 0
    assert data.load("made").classes == tuple("0123456789")


def test_export_writes_each_network(call: Call, sorter: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    for network in ("generator", "classifier"):
        code, out, err = call("export", sorter, "--network", network)
        assert code == 0 and out.strip() == str(sorter / f"{network}.onnx"), err
    run, x = zerosum.load(sorter), torch.rand(3, 1, 12, 12) * 2 - 1
    logits = runtime.InferenceSession(str(sorter / "classifier.onnx")).run(["logits"], {"x": x.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(logits).softmax(1), run.classify(x), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_exported_is_refused(
    call: Call, sorter: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a network is written to an .onnx file" in refused(call, "export", sorter, "--out", "a.pt")
    assert "gan/tutorial learns no classifier" in refused(call, "export", images, "--network", "classifier")
    assert "nowhere holds no run" in refused(call, "export", "nowhere")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "need the package onnxruntime: pip install 'zerosum[onnx]'" in refused(call, "export", sorter)
