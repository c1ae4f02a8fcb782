"""Melodies end to end, as a person types it: a folder of MIDI files, a run, its melodies as notes, MIDI and sound."""

from __future__ import annotations

import random
from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.io import wavfile
from shell import Call

import zerosum
from zerosum.data.music import midi
from zerosum.data.music.melodies import melody
from zerosum.util.notes import parse

TINY = (
    *("--network.embedding", 8, "--network.hidden", 16, "--network.filters", 0.05, "--batch-size", 16),
    *("--pretrain-generator", 6, "--pretrain-discriminator", 2, "--d-steps", 1, "--rollouts", 1),
)


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of forty MIDI files, and in it a run of 10 steps on them."""
    folder = tmp_path_factory.mktemp("music") / "tunes"
    choices = random.Random(0)
    for number in range(40):
        midi.write(folder / f"{number}.mid", [melody(choices)])
    options = {"pretrain_generator": 6, "pretrain_discriminator": 2, "d_steps": 1, "rollouts": 1, "batch_size": 16}
    network = {"embedding": 8, "hidden": 16, "filters": 0.05}
    zerosum.train("seqgan/melodies", str(folder), folder / "run", steps=10, network=network, quiet=True, **options)
    return folder


def refused(call: Call, *arguments: object) -> str:
    code, _, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert code == 2 and len(lines) == 1, err
    return lines[0]


def test_a_run_has_piano_rolls_and_a_player(tunes: Path):
    run = tunes / "run"
    rate, x = wavfile.read(run / "samples.wav")
    assert rate == 8000 and x.dtype == np.int16 and np.abs(x.astype(int)).max() > 5000
    for name in ("samples.png", "interpolation.png"):
        with Image.open(run / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, name
    assert '<audio controls src="data:audio/wav;base64,' in (run / "report.html").read_text()


def test_melodies_are_printed_and_go_to_every_kind_of_file(call: Call, tunes: Path, tmp_path: Path):
    run = tunes / "run"
    code, out, _ = call("sample", run, "-n", 3)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3
    notes = [[note for token in line.split() if (note := parse(token))] for line in lines]
    assert all(notes) and not [*run.glob("samples-seed*")]
    for name in ("three", "three.mid", "three.wav", "three.png", "three.txt", "three.npz"):
        code, _, err = call("sample", run, "-n", 3, "--out", tmp_path / name)
        assert code == 0, err
    assert (tmp_path / "three.txt").read_text().splitlines() == lines
    files = sorted(path.name for path in (tmp_path / "three").iterdir())
    assert files == ["00000.mid", "00001.mid", "00002.mid"]
    for name, own in zip(files, notes, strict=True):
        played = [m.note for m in mido.MidiFile(tmp_path / "three" / name).tracks[0] if m.type == "note_on"]
        assert played == [note.pitch for note in own if note.pitch is not None]
    every = [m.note for m in mido.MidiFile(tmp_path / "three.mid").tracks[0] if m.type == "note_on"]
    assert every == [note.pitch for own in notes for note in own if note.pitch is not None]
    rate, x = wavfile.read(tmp_path / "three.wav")
    seconds = float(2 * sum(note.length for own in notes for note in own)) + 2 * 1.0
    assert len(x) == pytest.approx(seconds * rate, abs=1)


def test_a_start_is_completed_in_any_spelling(call: Call, tunes: Path, tmp_path: Path):
    run = tunes / "run"
    tokens = zerosum.load(run).record.data.spec.texts
    sharp = next(token for token in tokens.vocabulary if token.startswith("A#") and token.endswith(":1/4"))
    flat = sharp.replace("A#", "Bb").replace("1/4", "2/8")
    code, out, err = call("sample", run, "-n", 2, "--start", flat)
    assert code == 0 and all(line.startswith(sharp) for line in out.splitlines()), err
    assert call("sample", run, "-n", 2, "--start", flat, "--out", tmp_path / "two.mid")[0] == 0
    first = parse(sharp)
    assert first is not None
    pitch = next(m.note for m in mido.MidiFile(tmp_path / "two.mid").tracks[0] if m.type == "note_on")
    assert pitch == first.pitch
    assert call("sample", run, "-n", 2, "--start", flat, "--out", tmp_path / "two.png")[0] == 0
    assert "has not learnt the note 'H4:1/4'" in refused(call, "sample", run, "--start", "H4:1/4")
    assert "has not learnt the note 'C9:1/4'" in refused(call, "sample", run, "--start", "C9:1/4")


def test_other_files_are_refused(call: Call, tunes: Path, tmp_path: Path):
    said = refused(call, "sample", tunes / "run", "--out", tmp_path / "x.mp3")
    assert "are melodies, which go to a .png or .npz or .mid or .wav or .txt file or a folder" in said
    assert refused(call, "train", "seqgan/melodies", "--data", tunes / "0.mid", "--out", tmp_path / "a").endswith(
        "0.mid is a single MIDI file; give the folder that it lies in, or a file that ends in one of .npy, .npz, .txt, "
        ".tsv, .csv, .jsonl"
    )
    (tmp_path / "empty").mkdir()
    assert "no MIDI file in" in refused(
        call, "train", "seqgan/melodies", "--data", f"melodies:{tmp_path / 'empty'}", "--out", tmp_path / "a"
    )
    assert "r3gan/small" in refused(call, "train", "r3gan/small", "--data", tunes, "--out", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_folder_of_midi_files_trains_the_recipe_for_lines_too(call: Call, tunes: Path, tmp_path: Path):
    code, _, err = call("train", "seqgan/lines", "--data", tunes, "--out", tmp_path / "run", "--steps", 2, *TINY)
    assert code == 0, err
    assert call("sample", tmp_path / "run", "-n", 1, "--out", tmp_path / "one.mid")[0] == 0


def test_a_run_goes_on_and_is_evaluated(call: Call, tunes: Path, tmp_path: Path):
    begun = ("train", "seqgan/melodies", "--data", tunes, *TINY)
    assert call(*begun, "--out", tmp_path / "whole", "--steps", 10)[0] == 0
    assert call(*begun, "--out", tmp_path / "two", "--steps", 9)[0] == 0
    code, _, err = call("resume", tmp_path / "two", "--steps", 10)
    assert code == 0, err
    last = "checkpoints/step-00000010/game.safetensors"
    whole, parts = load_file(tmp_path / "whole" / last), load_file(tmp_path / "two" / last)
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    code, out, err = call("evaluate", tmp_path / "whole", "--samples", 40, "--metrics", "music")
    assert code == 0 and "in key" in out and "interval distance" in out and "shuffled" in out, err
