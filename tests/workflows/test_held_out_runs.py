"""`--held-out`: kept out of training, named, looked at, evaluated by default, and the same after a resumption."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from negatives import write_negatives
from PIL import Image

import zerosum
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.run.directory import RunDirectory
from zerosum.workflows import session

QUICK: dict[str, Any] = {"steps": 2, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
NARROW: dict[str, Any] = {"network": {"width": 2}, "patch": {"width": 2}}


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    return f"pairs:{write_negatives(tmp_path / 'pairs', 40, 16, 16)}"


def test_a_run_names_what_it_holds_out_and_evaluates_it(
    pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    draw = session.translations
    monkeypatch.setattr(session, "translations", lambda run, a, b: shown.append((a, b)) or draw(run, a, b))
    run = zerosum.train("pix2pix", pairs, tmp_path / "run", held_out=0.2, **NARROW, **QUICK)
    held_out = run.record.data.held_out
    assert held_out is not None and run.record.data.count + len(held_out.names) == 40
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["held_out"]["names"] == list(held_out.names)
    assert f"<li>{held_out.names[0]}</li>" in (tmp_path / "run" / "report.html").read_text()
    files = [tmp_path / "pairs" / "a" / name for name in held_out.names]
    expected = torch.stack([torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1) for file in files])
    assert all(torch.equal(a, expected[:8]) and torch.equal(b, 255 - expected[:8]) for a, b in shown)

    found = zerosum.evaluate(run)
    assert {"psnr", "ssim", "gradient-energy", "frechet"} <= {result.protocol.metric for result in found.results}
    assert all(found[name].protocol.real == len(held_out.names) for name in ("psnr", "frechet"))
    translated = run.modality.store(run.translate(expected)).float()
    error = ((translated - (255 - expected.float())) ** 2).mean((1, 2, 3)).double()
    assert found["psnr"].value == pytest.approx(float((10 * (255**2 / error).log10()).mean()), abs=1e-4)
    assert "of the inputs" in found["psnr"].scores
    assert any(f"translated and compared: {len(held_out.names)} samples" in note for note in found.notes)
    assert main(["evaluate", str(tmp_path / "run"), "--metrics", "psnr"]) == 0
    assert "held out by the run" in " ".join(capsys.readouterr().out.split())


def test_a_resumed_run_keeps_its_split_bit_for_bit(pairs: str, tmp_path: Path) -> None:
    whole = zerosum.train("pix2pix", pairs, tmp_path / "whole", held_out=0.2, **NARROW, **(QUICK | {"steps": 4}))
    zerosum.train("pix2pix", pairs, tmp_path / "run", held_out=0.2, **NARROW, **QUICK)
    run = zerosum.resume(tmp_path / "run", steps=4, quiet=True)
    assert run.record.data == whole.record.data
    for one, other in zip(run.game.state_dict().values(), whole.game.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    changed = whole.record.data.held_out
    assert changed is not None
    Image.new("RGB", (16, 16)).save(tmp_path / "pairs" / "a" / changed.names[0])  # one that is held out
    with pytest.raises(ZerosumError, match="the data has changed since the run began"):
        zerosum.resume(tmp_path / "run", steps=6, quiet=True)


def test_two_sides_of_a_task_are_evaluated_as_pairs(pairs: str, tmp_path: Path) -> None:
    data = f"unpaired:invert:{tmp_path / 'pairs' / 'b'}"
    run = zerosum.train("cyclegan", data, tmp_path / "run", held_out=0.2, **NARROW, **QUICK)
    held_out = run.record.data.held_out
    assert held_out is not None
    found = zerosum.evaluate(run, metrics="psnr")
    assert found["psnr"].protocol.real == len(held_out.names)
    unpaired = f"unpaired:{tmp_path / 'pairs' / 'a'},{tmp_path / 'pairs' / 'b'}"
    other = zerosum.train("cyclegan", unpaired, tmp_path / "other", held_out=0.2, **NARROW, **QUICK)
    assert "psnr" not in [result.protocol.metric for result in zerosum.evaluate(other).results]
    with pytest.raises(ZerosumError, match="psnr compares pairs"):
        zerosum.evaluate(other, metrics="psnr")


def test_samples_of_other_gans(tmp_path: Path) -> None:
    """What a GAN learnt from is what it is compared with; memorization takes what it did not see."""
    run = zerosum.train("gan/toy", "ring", tmp_path / "run", held_out=0.1, **QUICK)
    held_out = run.record.data.held_out
    assert held_out is not None
    found = zerosum.evaluate(run, samples=200, metrics=["frechet", "memorization"])
    assert any("memorization" in note for note in found.notes) and found["frechet"].protocol.real == 200
    assert RunDirectory(tmp_path / "run").read().data.held_out == held_out


def test_models_with_one_split_are_compared(pairs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The L1-only model beside one with a GAN, and super-resolution beside the bicubic kernel."""
    for name, more in (("gan", {}), ("l1", {"adversarial": 0.0})):
        own = NARROW if name == "gan" else {"network": {"width": 2}}
        zerosum.train("pix2pix", pairs, tmp_path / name, held_out=0.2, **own, **more, **QUICK)
        assert main(["evaluate", str(tmp_path / name), "--metrics", "psnr", "gradient-energy"]) == 0
    assert main(["compare", str(tmp_path / "gan"), str(tmp_path / "l1")]) == 0
    assert "psnr" in capsys.readouterr().out
    network = {"width": 4, "blocks": 1}
    data = f"shrink@2:{tmp_path / 'pairs' / 'a'}"
    run = zerosum.train("srgan/pixels", data, tmp_path / "sr", size=8, held_out=0.2, network=network, **QUICK)
    found = zerosum.evaluate(run, metrics="psnr")
    assert "of the inputs" in found["psnr"].scores and any("bicubic" in note for note in found.notes)


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "nan", "0.9999", "ten"])
def test_bad_shares_are_one_sentence(pairs: str, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "pix2pix", "--data", pairs, "--held-out", share]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0 and "held" in said
