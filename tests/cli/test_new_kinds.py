"""Texts and translators end to end, as a person types it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from new_kinds import COLLECTIONS, COPIER, PAIRS, write_pairs, write_texts
from PIL import Image
from safetensors.torch import load_file
from shell import Call, finish, spawn

import zerosum
from zerosum.modality import Tokens

QUICK = ("--log-every", 5, "--checkpoint-every", 20, "--sample-every", 50)


def checkpoint(run: Path, step: int) -> dict[str, torch.Tensor]:
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {
        f"{path.name}/{key}": value
        for path in sorted(folder.glob("*.safetensors"))
        for key, value in load_file(path).items()
    }


def assert_same(one: Path, other: Path, step: int) -> None:
    first, second = checkpoint(one, step), checkpoint(other, step)
    assert first and first.keys() == second.keys()
    assert [key for key, value in first.items() if not torch.equal(value, second[key])] == []


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of texts of 60 steps, with its data in the folder of the run."""
    folder = tmp_path_factory.mktemp("texts")
    data = write_texts(folder / "texts.txt")
    zerosum.train(COPIER, str(data), folder / "run", steps=60, checkpoint_every=20, log_every=5, quiet=True)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of pairs of images of 60 steps, with its data in the folder of the run."""
    folder = tmp_path_factory.mktemp("photos")
    data = write_pairs(folder / "photos")
    zerosum.train(PAIRS, f"pairs:{data}", folder / "run", steps=60, checkpoint_every=20, log_every=5, quiet=True)
    return folder


@pytest.mark.parametrize("kind", ["texts", "photos", "unpaired"])
def test_killed_and_resumed_equals_uninterrupted(kind: str, call: Call, tmp_path: Path) -> None:
    recipe = {"texts": COPIER, "photos": PAIRS, "unpaired": COLLECTIONS}[kind]
    data = "texts.txt" if kind == "texts" else f"{'pairs' if kind == 'photos' else 'unpaired'}:photos"
    write_texts(tmp_path / "texts.txt")
    write_pairs(tmp_path / "photos")
    train = ("train", recipe, "--data", data, "--steps", 120, *QUICK)
    code, _, err = call(*train, "--out", "whole")
    assert code == 0, err
    process = spawn(*train, "--out", "killed", cwd=tmp_path)
    metrics = tmp_path / "killed" / "metrics.jsonl"
    until = time.monotonic() + 120
    while process.poll() is None and not (metrics.exists() and metrics.read_text().count("\n") > 5):
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    (tmp_path / "elsewhere").mkdir()
    resumed = spawn("resume", tmp_path / "killed", "--recipe", recipe, cwd=tmp_path / "elsewhere")
    assert finish(resumed)[0] == 0
    assert_same(tmp_path / "whole", tmp_path / "killed", 120)


def test_samples_of_texts(call: Call, texts: Path) -> None:
    sample = ("sample", texts / "run", "--recipe", COPIER, "-n", 7)
    code, out, err = call(*sample)
    assert code == 0, err
    assert not [*(texts / "run").glob("samples-seed*")], "texts are printed"
    lines = out.split("\n")
    assert len(lines) == 8 and lines[-1] == ""
    assert call(*sample, "--out", "a.txt")[0] == 0
    assert Path("a.txt").read_text("utf-8") == out
    assert call(*sample, "--out", "a.png")[0] == 0
    with Image.open("a.png") as picture:
        assert picture.width > 100
    assert call(*sample, "--out", "a.npz")[0] == 0
    ids = np.load("a.npz")["samples"]
    run = zerosum.load(texts / "run", recipe=COPIER)
    assert isinstance(run.modality, Tokens) and ids.dtype == np.int64 and ids.shape == (7, run.modality.length)
    assert run.modality.write(torch.from_numpy(ids)) == lines[:-1]
    code, _, err = call(*sample, "--out", "folder")
    assert code == 2 and "are texts, which go to a .png or .npz or .txt file" in err
    assert call("sample", texts / "run", "--recipe", COPIER, "--to-seed", 2, "--frames", 3, "-n", 2)[0] == 0


def test_a_report_has_texts_as_text(call: Call, texts: Path) -> None:
    code, _, err = call("report", texts / "run")
    assert code == 0, err
    page = (texts / "run" / "report.html").read_text("utf-8")
    assert "texts, up to 5 tokens" in page
    run = zerosum.load(texts / "run", recipe=COPIER)
    assert isinstance(run.modality, Tokens)
    for text in run.modality.write(run.sample(64, 1)):
        assert f"<li>{text.replace('<', '&lt;').replace('>', '&gt;')}</li>" in page


@pytest.mark.parametrize("kind", ["texts", "photos"])
def test_doctor_and_evaluation(call: Call, kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    recipe = COPIER if kind == "texts" else PAIRS
    code, out, err = call("doctor", folder / "run")
    assert code != 2 and f"exit code {code}: " in out, err
    commands = [line for line in out.splitlines() if f"zerosum resume {folder / 'run'}" in line]
    assert all(f"--recipe {recipe}`" in line for line in commands)
    more = ("--extractor", "pixels") if kind == "photos" else ()
    code, out, err = call("evaluate", folder / "run", "--recipe", recipe, "--samples", 40, *more)
    assert code == 0, err
    found = json.loads((folder / "run" / "evaluation.json").read_text())
    measured = {result["protocol"]["metric"] for result in found["results"]}
    assert {"frechet", "kernel", "precision-recall", "discriminator"} <= measured
    assert "<h2>Metrics</h2>" in (folder / "run" / "report.html").read_text("utf-8")


def test_translations(call: Call, photos: Path) -> None:
    translate = ("translate", photos / "run", "--recipe", PAIRS)
    code, out, err = call(*translate, photos / "photos" / "a", "--out", "made")
    assert code == 0 and out.splitlines()[-2:] == ["48 images translated", "made"], err
    names = sorted(path.name for path in Path("made").iterdir())
    assert names == sorted(path.name for path in (photos / "photos" / "a").iterdir())
    run = zerosum.load(photos / "run", recipe=PAIRS)
    stored = zerosum.data.load(f"pairs:{photos / 'photos'}").fields["a"].stored
    expected = run.modality.store(run.translate(stored[5:6]))[0, 0].numpy()
    with Image.open(Path("made", "005.png")) as picture:
        assert picture.mode == "L" and np.array_equal(np.asarray(picture), expected)
    assert call(*translate, photos / "photos" / "a" / "005.png", "--out", "one")[0] == 0
    assert [path.read_bytes() for path in Path("one").iterdir()] == [Path("made", "005.png").read_bytes()]


@pytest.mark.parametrize("kind", ["pairs", "unpaired"])
def test_of_pairs_the_inputs_are_translated(call: Call, photos: Path, kind: str) -> None:
    write_pairs(Path("x"), 5)
    if kind == "unpaired":
        Path("x", "b", "004.png").unlink()
    code, out, err = call("translate", photos / "run", f"{kind}:x", "--recipe", PAIRS, "--out", "made")
    assert code == 0 and out.splitlines()[-2:] == ["5 images translated", "made"], err
    assert call("translate", photos / "run", Path("x", "a"), "--recipe", PAIRS, "--out", "of a")[0] == 0
    for k in range(5):
        assert Path("made", f"00{k}.png").read_bytes() == Path("of a", f"00{k}.png").read_bytes()


def test_equal_names_colours_and_broken_files(call: Call, photos: Path) -> None:
    Path("in").mkdir()
    for name in ("x.png", "x.bmp"):
        Image.new("RGB", (20, 20), "red").save(Path("in", name))
    Path("in", "broken.png").write_bytes(b"no image")
    code, out, err = call("translate", photos / "run", "in", "--recipe", PAIRS, "--out", "made")
    assert code == 0, err
    assert sorted(path.name for path in Path("made").iterdir()) == ["x.bmp.png", "x.png.png"]
    assert "note: colour was turned grey" in out and "left out: 1\n  broken.png: not an image" in out


def test_what_is_said_of_files_in_training_is_said_in_translating(call: Call, photos: Path) -> None:
    Path("in").mkdir()
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20)).save(Path("in", "deep.png"))
    Path("in", "more.heic").write_bytes(b"\0\0\0\x18ftypheic")
    code, out, err = call("translate", photos / "run", "in", "--recipe", PAIRS, "--out", "made")
    assert code == 0, err
    assert "note: passed over 1 file without an image to read: 1 HEIF (more.heic)" in out
    assert "note: 1 image of 16 bits holds values from 0 to 399 of 65535, and so is dark: --value-range 0 511" in out
    code, out, err = call("translate", photos / "run", "digits", "--frames", "all", "--recipe", PAIRS, "--out", "made")
    assert code == 2 and "--frames all is of images in your own files" in err


def test_what_cannot_be_translated(call: Call, photos: Path, texts: Path, images: Path) -> None:
    Path("file").write_text("")
    a, own = photos / "photos" / "a", ("--recipe", PAIRS)
    for arguments, says in (
        ((photos / "run", a, *own, "--out", "file"), "--out file is a file; name a folder"),
        ((photos / "run", a, *own, "--out", a), "holds the images themselves; name another folder"),
        ((photos / "run", "nowhere", *own, "--out", "made"), "no data called 'nowhere'"),
        (
            (photos / "run", "ring", *own, "--out", "made"),
            "ring holds points of 2 numbers, but images of 1x12x12 are needed",
        ),
        ((images, a, "--out", "made"), "gan is not an image-to-image model; choose another recipe for that"),
        ((photos / "run", a, *own), "OUT is missing: name a folder"),
    ):
        code, _, err = call("translate", *arguments)
        assert code == 2 and says in err, err
    assert not Path("made").exists()


def test_classes_of_what_learns_no_classifier(call: Call, photos: Path, texts: Path) -> None:
    for run, recipe, images in ((texts / "run", COPIER, photos / "photos" / "a"), (photos / "run", PAIRS, "digits")):
        code, _, err = call("classify", run, images, "--recipe", recipe)
        assert code == 2 and "learns no classifier; train one of these recipes: " in err, err


def test_tokens_stay_ids_when_they_are_scored(texts: Path) -> None:
    run = zerosum.load(texts / "run", recipe=COPIER)
    ids = run.sample(5)
    with torch.no_grad():
        assert torch.equal(run.score(ids), run.game.score(ids))


def test_texts_are_not_synthesized(call: Call, texts: Path) -> None:
    for out in ("made", "made.npz"):
        code, _, err = call("synthesize", texts / "run", "--recipe", COPIER, "--out", out, "--per-class", 1)
        assert code == 2 and "makes texts; only images and points can be synthesized" in err, err
    assert not list(Path().glob("made*"))


def test_a_translator_draws_no_samples_from_z(call: Call, photos: Path) -> None:
    for more in ((), ("--out", "a.npz"), ("--to-seed", 1), ("--traverse",)):
        code, _, err = call("sample", photos / "run", "--recipe", PAIRS, *more)
        command = f"`zerosum translate {photos / 'run'} IMAGES --out DIR --recipe {PAIRS}`"
        assert code == 2 and command in err, err


def test_pairs_are_measured_one_by_one(call: Call, photos: Path) -> None:
    measure = ("evaluate", photos / "run", "--recipe", PAIRS, "--metrics", "psnr", "ssim", "--out", "pairs.json")
    code, _, err = call(*measure)
    assert code == 0, err
    found = {result["protocol"]["metric"]: result for result in json.loads(Path("pairs.json").read_text())["results"]}
    run = zerosum.load(photos / "run", recipe=PAIRS)
    data = zerosum.data.load(f"pairs:{photos / 'photos'}").fields
    made = run.modality.store(run.translate(data["a"].stored)).double()
    error = (made - data["b"].stored.double()).square().mean((1, 2, 3))
    expected = float((10 * (255**2 / error).log10()).mean())
    assert found["psnr"]["scores"]["mean"]["value"] == pytest.approx(expected, rel=1e-6)
    before = (data["a"].stored.double() - data["b"].stored.double()).square().mean((1, 2, 3))
    of_inputs = found["psnr"]["scores"]["of the inputs"]["value"]
    assert of_inputs == pytest.approx(float((10 * (255**2 / before).log10()).mean()), rel=1e-6)
    assert 0 < found["ssim"]["scores"]["mean"]["value"] <= 1
    code, _, err = call(*measure, "--against", f"unpaired:{photos / 'photos'}")
    assert code == 2 and "holds none: give --against pairs:A,B" in err


def test_the_pictures_of_a_translator_show_a_its_translation_and_b(photos: Path) -> None:
    with Image.open(photos / "run" / "samples.png") as picture:
        assert picture.info["Title"] == "From top to bottom: an input, its output and its target"
    page = (photos / "run" / "report.html").read_text("utf-8")
    assert "From top to bottom: an input" in page and "sample shape of b" in page
    assert "zerosum translate" in page and "zerosum sample" not in page
