"""Sounds end to end, as a person types it: a folder of WAV files, a run, its samples, its report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.io import wavfile
from shell import Call

import zerosum
from zerosum.training.trainer import Trainer

SMALL: dict[str, Any] = {"latent_dim": 8, "clusters": 4, "network": {"hidden": 8, "width": 4}}
TINY = ("--latent-dim", 8, "--clusters", 4, "--network.hidden", 8, "--network.width", 4)
RATE, LENGTH = 8000, 2400


def write_clips(folder: Path) -> Path:
    """Forty tones of four pitches, each pitch in a sub-folder."""
    time, draw = np.arange(LENGTH) / RATE, np.random.default_rng(0)
    for hertz in (220, 330, 440, 660):
        (folder / f"{hertz}Hz").mkdir(parents=True)
        for i in range(10):
            wave = 0.5 * np.sin(2 * np.pi * (hertz * time + draw.random()))
            wavfile.write(folder / f"{hertz}Hz" / f"{i}.wav", RATE, (wave * 32767).astype(np.int16))
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips, and in it a run of 8 steps on them."""
    folder = write_clips(tmp_path_factory.mktemp("sounds") / "clips")
    zerosum.train("r3gan/sounds", str(folder), folder / "run", steps=8, batch_size=8, log_every=1, quiet=True, **SMALL)
    return folder


def test_a_run_has_pictures_sounds_and_a_player(clips: Path) -> None:
    run = clips / "run"
    rate, x = wavfile.read(run / "samples.wav")
    pause = 800
    assert rate == RATE and x.dtype == np.int16 and x.shape == (64 * LENGTH + 63 * pause,)
    assert not x[LENGTH : LENGTH + pause].any(), "silence between two sounds"
    for name in ("samples.png", "interpolation.png", "codes.png"):
        with Image.open(run / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, name
    page = (run / "report.html").read_text()
    assert '<audio controls src="data:audio/wav;base64,' in page


def test_samples_go_to_wav_files_and_to_one(call: Call, clips: Path, tmp_path: Path) -> None:
    run = clips / "run"
    code, _, err = call("sample", run, "-n", 3, "--out", tmp_path / "three")
    assert code == 0, err
    code, _, err = call("sample", run, "-n", 3, "--out", tmp_path / "three.npz")
    assert code == 0, err
    with np.load(tmp_path / "three.npz") as file:
        arrays = file["samples"]
    assert arrays.shape == (3, 1, LENGTH) and arrays.dtype == np.int16
    for i, stored in enumerate(arrays):
        rate, x = wavfile.read(tmp_path / "three" / f"{i:05}.wav")
        assert rate == RATE and np.array_equal(x, stored[0])
    code, _, err = call("sample", run, "-n", 1)
    alone = wavfile.read(run / "samples-seed-0.wav")[1]
    assert code == 0 and np.abs(alone - arrays[0, 0].astype(int)).max() <= 1, err
    code, _, err = call("sample", run, "-n", 3, "--out", tmp_path / "three.mp3")
    assert code == 2 and "are sounds, which go to a .png or .npz or .wav file or a folder" in err
    for name, flags in (("walk.gif", ("--to-seed", 1, "--frames", 3)), ("all.png", ())):
        code, _, err = call("sample", run, "-n", 4, "--out", tmp_path / name, *flags)
        with Image.open(tmp_path / name) as picture:
            assert code == 0 and picture.width > 96, err


def stop_at_four(trainer: Trainer) -> None:
    trainer.stopping = trainer.step == 4


def test_what_was_stopped_goes_on_bit_for_bit(clips: Path) -> None:
    half = {"steps": 8, "batch_size": 8, "log_every": 1, "quiet": True, **SMALL}
    zerosum.train("r3gan/sounds", str(clips), clips / "half", hooks=[stop_at_four], **half)
    zerosum.resume(clips / "half", quiet=True)
    names = ("game.safetensors", "average.safetensors")
    for name in names:
        whole, half = (load_file(next((clips / kind / "checkpoints").glob("*8")) / name) for kind in ("run", "half"))
        assert whole.keys() == half.keys() and all(torch.equal(half[key], value) for key, value in whole.items())


def test_an_evaluation_hears_the_pitches_of_classes(call: Call, clips: Path) -> None:
    code, out, err = call("evaluate", clips / "run", "-n", 20, "--real", 20, "--metrics", "pitch", "frechet")
    assert code == 0, err
    assert (
        re.search(r"right pitch +[\d.]+ .* 1 +0\n", out)
        and "mel-spectra" in (clips / "run/evaluation.json").read_text()
    )


def test_a_run_is_no_data_and_other_recipes_are_refused(call: Call, clips: Path, tmp_path: Path) -> None:
    code, out, err = call("data", "check", clips)
    assert code == 0 and "40 sounds of 2,400 samples at 8,000 Hz" in out, out + err
    code, _, err = call("train", "dcgan", "--data", clips, "--out", tmp_path / "none")
    assert code == 2 and "this network is for images (C, H, W), not for samples of shape (1, 2400)" in err
    assert not (tmp_path / "none").exists()
    code, _, err = call("train", "r3gan/sounds", "--data", "digits", "--out", tmp_path / "none", *TINY)
    assert code == 2 and "this recipe is for sounds, not for images of 1x28x28; `zerosum list` has others" in err
    code, _, err = call("train", "r3gan/sounds", "--data", "sounds:bells", "--out", tmp_path / "none")
    assert code == 2 and "there are no sounds 'bells': write sounds:tones or sounds:syllables, or name a folder" in err
