"""`--crop`: what a run learns, shows, evaluates and goes on with; and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from negatives import write_negatives
from PIL import Image

import zerosum
from zerosum.cli import main
from zerosum.workflows import session

QUICK: dict[str, Any] = {"steps": 2, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
NARROW: dict[str, Any] = {"network": {"width": 2}, "patch": {"width": 2}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sub-folders a and b, of 24x32 pixels, b the negative of a."""
    return write_negatives(tmp_path / "pairs", 12, 24, 32)


def test_a_run_on_crops_shows_and_evaluates_their_middles(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    draw = session.translations
    monkeypatch.setattr(session, "translations", lambda run, a, b: shown.append((a, b)) or draw(run, a, b))
    settings = QUICK | {"health": True}
    run = zerosum.train("pix2pix", f"pairs:{folder}", tmp_path / "run", crop=16, held_out=0.2, **NARROW, **settings)
    data = run.record.data
    assert (data.size, data.crop, run.modality.shape) == ((24, 32), (16, 16), (3, 16, 16))
    assert "at random places of images of 24x32 pixels" in (tmp_path / "run" / "report.html").read_text()
    assert data.held_out is not None
    files = [folder / "a" / name for name in data.held_out.names]
    whole = torch.stack([torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1) for file in files])
    expected = whole[:, :, 4:20, 8:24]
    assert all(torch.equal(a, expected) and torch.equal(b, 255 - expected) for a, b in shown)

    found = zerosum.evaluate(run)
    assert not [note for note in found.notes if "changed" in note]
    assert found["psnr"].protocol.shape == (3, 16, 16)
    translated = run.modality.store(run.translate(expected)).float()
    error = ((translated - (255 - expected.float())) ** 2).mean((1, 2, 3)).double()
    assert found["psnr"].value == pytest.approx(float((10 * (255**2 / error).log10()).mean()), abs=1e-4)
    assert zerosum.evaluate(run, metrics="psnr")["psnr"].value == found["psnr"].value
    assert main(["translate", str(tmp_path / "run"), str(folder / "a"), "--out", str(tmp_path / "made")]) == 0
    with Image.open(tmp_path / "made" / "0.png") as image:
        assert image.size == (32, 24)  # whole, as any image


@pytest.mark.parametrize(
    ("recipe", "data", "options"),
    [
        ("pix2pix", "pairs:{}", NARROW | {"crop": (16, 20), "flip": True}),
        ("cyclegan", "unpaired:{}/a,{}/b", NARROW | {"crop": 16}),
        ("srgan", "shrink@4:{}/a", {"size": (24, 28), "crop": (16, 20), "network": {"width": 4, "blocks": 1}}),
        ("dcgan", "{}", {"size": 24, "crop": 16, "network": {"width": 2}}),
    ],
)
def test_a_resumed_run_goes_on_with_the_same_crops(
    recipe: str, data: str, options: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    name = data.replace("{}", str(folder))
    whole = zerosum.train(recipe, name, tmp_path / "whole", **options, **(QUICK | {"steps": 4}))
    zerosum.train(recipe, name, tmp_path / "run", **options, **QUICK)
    run = zerosum.resume(tmp_path / "run", steps=4, quiet=True)
    assert run.record.data == whole.record.data and run.record.data.whole is not None
    for one, other in zip(run.game.state_dict().values(), whole.game.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    without = zerosum.train(recipe, name, tmp_path / "without", **(options | {"crop": None}), **QUICK)
    assert without.record.data.whole is None and without.record.data.crop is None


def test_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "pix2pix", "--data", str(folder / "a"), "--task", "invert", "--crop", "16"]
    assert main([*asked, "--network.width", "2", "--patch.width", "2", "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "3x16x16" in said and "crops of 16x16 pixels are learnt, at random places of images of 32x24" in said


@pytest.mark.parametrize(
    ("recipe", "data", "flags", "words"),
    [
        ("gan/toy", "ring", ["--crop", "4"], "there are no crops; leave --crop out"),
        ("pix2pix", "pairs:{}", ["--crop", "40"], "does not fit into images of 24x32"),
        ("pix2pix", "pairs:{}", ["--crop", "24", "32"], "are the whole images"),
        ("srgan", "shrink@4:{}/a", ["--size", "24", "--crop", "18"], "say --crop 16"),
        ("pix2pix", "pairs:{}", ["--crop", "0"], "at least 1"),
        ("pix2pix", "pairs:{}", ["--crop", "x"], "--crop"),
    ],
)
def test_crops_that_there_are_none_of_are_refused(
    recipe: str, data: str, flags: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / "run"
    assert main(["train", recipe, "--data", data.replace("{}", str(folder)), "--out", str(out), *flags]) == 2
    said = capsys.readouterr()
    assert words in " ".join((said.err + said.out).split()) and not out.exists()


def test_damaged_sizes_in_run_json_are_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zerosum.train("pix2pix", f"pairs:{folder}", tmp_path / "run", crop=16, **NARROW, **QUICK)
    path = tmp_path / "run" / "run.json"
    for wrong in ([0, 24], [8, 8], "24"):
        content = json.loads(path.read_text())
        content.pop("checksum", None)
        content["data"]["whole"] = wrong
        path.write_text(json.dumps(content))
        assert main(["resume", str(tmp_path / "run"), "--steps", "3"]) == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "data", "options"),
    [("dcgan", "{}/a", {"network": {"width": 2}}), ("pix2pix", "pairs:{}", NARROW)],
)
def test_other_data_are_read_at_the_scale_of_the_crops(
    recipe: str, data: str, options: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    """A copy of what was learnt from is as far away as that itself; and the evaluation says how it was read."""
    run = zerosum.train(recipe, data.format(folder), tmp_path / "run", crop=16, **options, **QUICK)
    shutil.copytree(folder, tmp_path / "copy")
    asked: dict[str, Any] = {"metrics": "frechet", "extractor": "pixels", "samples": 12, "references": False}
    own, other = zerosum.evaluate(run, **asked), zerosum.evaluate(run, data.format(tmp_path / "copy"), **asked)
    assert other["frechet"].protocol.shape == (3, 16, 16)
    assert other["frechet"].protocol.reference == own["frechet"].protocol.reference
    assert other["frechet"].value == own["frechet"].value
    said = "is read at 24x32 pixels, and crops of 16x16 in the middle are compared, as the run learnt"
    assert sum(said in note for note in other.notes) == 1 and not any("is read at" in note for note in own.notes)


def test_other_data_that_have_no_such_crops_are_read_at_their_size_which_is_said(folder: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"size": (24, 30), "crop": 16, "network": {"width": 2}}
    run = zerosum.train("dcgan", f"{folder}/a", tmp_path / "run", **options, **QUICK)
    asked: dict[str, Any] = {"metrics": "frechet", "extractor": "pixels", "samples": 12, "references": False}
    found = zerosum.evaluate(run, f"shrink@4:{folder}/b", **asked)  # 30 is no multiple of 4
    assert found["frechet"].protocol.shape == (3, 16, 16)
    assert any("is read at 16x16 pixels, as it has no crops of 16x16 at 24x30" in note for note in found.notes)
    with pytest.raises(zerosum.ZerosumError, match="no data called"):
        zerosum.evaluate(run, str(tmp_path / "none"), **asked)
