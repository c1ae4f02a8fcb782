"""Folders of WAV files: of any width, one rate, one length; what cannot be used is named, with the cure."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

from zerosum import data
from zerosum.data.check import check
from zerosum.data.dataset import DataError
from zerosum.data.sounds import wav
from zerosum.data.sources import absolute
from zerosum.modality import Sound

RATE = 8000


def tone(count: int = 4000, hertz: float = 440.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(count) / RATE)


def save(path: Path, x: NDArray[np.float64] | None = None, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.rint((tone() if x is None else x) * 32768).astype(np.int16))
    return path


def save_24(path: Path, x: NDArray[np.float64]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<i", int(v * 2**31))[1:] for v in x))


# ---- what is read


def test_sounds_of_every_width_are_the_same_sound(tmp_path: Path):
    x = tone()
    save(tmp_path / "a16.wav", x)
    save_24(tmp_path / "b24.wav", x)
    wavfile.write(tmp_path / "c32.wav", RATE, (x * 2**31).astype(np.int32))
    wavfile.write(tmp_path / "d.float.wav", RATE, x.astype(np.float32))
    wavfile.write(tmp_path / "e.double.WAV", RATE, x)
    wavfile.write(tmp_path / "f8.wav", RATE, np.rint(x * 128 + 128).astype(np.uint8))
    loaded = data.load(str(tmp_path))
    assert loaded.spec.fields == {"x": Sound(1, 4000, RATE)} and not loaded.problems and not loaded.notes
    assert loaded.x.shape == (6, 1, 4000) and loaded.x.dtype == torch.int16
    for other in loaded.x[1:5]:
        assert (other.int() - loaded.x[0].int()).abs().max() <= 1
    assert (loaded.x[5].int() - loaded.x[0].int()).abs().max() <= 160, "of 8 bits"


def test_what_is_written_is_read_again(tmp_path: Path):
    sound = Sound(2, 500, 16_000)
    x = sound.load(sound.noise(3, torch.Generator().manual_seed(1), torch.zeros(0)))
    for i, own in enumerate(x):
        wav.write(tmp_path / f"{i}.wav", own, sound)
    loaded = data.load(str(tmp_path))
    assert loaded.modality == sound and torch.equal(loaded.x, sound.store(x))


def test_sub_folders_are_classes_and_hidden_files_are_passed_over(tmp_path: Path):
    for name in ("a/1.wav", "a/2.wav", "b/x.wav", "b/deep/y.WAV", ".hidden.wav", ".git/z.wav"):
        save(tmp_path / name)
    loaded = data.load(str(tmp_path))
    assert loaded.classes == ("a", "b") and loaded.y is not None and loaded.y.tolist() == [0, 0, 1, 1]
    assert loaded.files == {"all": ("a/1.wav", "a/2.wav", "b/deep/y.WAV", "b/x.wav")}


def test_a_label_file_goes_before_sub_folders(tmp_path: Path):
    for name in ("1.wav", "2.wav", "3.wav"):
        save(tmp_path / name)
    (tmp_path / "labels.csv").write_text("file_name,label\n1.wav,low\n2.wav,high\n3.wav,low\n")
    loaded = data.load(str(tmp_path))
    assert loaded.classes == ("high", "low") and loaded.y is not None and loaded.y.tolist() == [1, 0, 1]


def test_shorter_sounds_are_followed_by_silence_and_longer_ones_cut(tmp_path: Path):
    save(tmp_path / "a.wav", tone(1000))
    save(tmp_path / "b.wav", tone(3000))
    loaded = data.load(str(tmp_path))
    assert loaded.modality == Sound(1, 3000, RATE) and not loaded.x[0, :, 1000:].any() and loaded.x[0, :, :1000].any()
    assert loaded.notes == (
        "shorter than the longest (3,000 samples, 0.375 s), and followed by silence: 1 of 2 sounds",
    )
    save(tmp_path / "c.wav", tone(20_000))
    loaded = data.load(str(tmp_path))
    assert loaded.modality == Sound(1, wav.LONGEST, RATE)
    assert loaded.notes[1] == (
        "longer than 16,384 samples, 2.05 s, of which the beginning is taken (cut long recordings into pieces): 1 of 3 "
        "sounds"
    )


def test_stereo_stays_unless_others_are_mono(tmp_path: Path):
    both = np.stack([tone(), np.zeros(4000)], 1)
    save(tmp_path / "a.wav", both)
    assert data.load(str(tmp_path)).modality == Sound(2, 4000, RATE)
    save(tmp_path / "b.wav", tone())
    loaded = data.load(str(tmp_path))
    assert loaded.modality == Sound(1, 4000, RATE)
    assert (loaded.x[0].int() - loaded.x[1].int() / 2).abs().max() <= 1
    assert loaded.notes == ("in several channels, others not, and so mono, the mean of these: 1 of 2 sounds",)


def test_names_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(tmp_path / "tones" / "a.wav")
    monkeypatch.chdir(tmp_path)
    for name in ("tones", "sounds:./tones"):
        assert len(data.load(name)) == 1
    assert len(data.load("sounds:tones")) == 4000, "what is made by rule goes before a folder of its name"
    assert absolute("sounds:./tones") == f"sounds:{tmp_path / 'tones'}" and absolute("sounds:tones") == "sounds:tones"
    assert absolute("tones") == str(tmp_path / "tones")


def test_a_folder_with_images_is_of_images_unless_its_sounds_are_asked_for(tmp_path: Path):
    from PIL import Image

    save(tmp_path / "a.wav")
    Image.new("L", (8, 8)).save(tmp_path / "cover.png")
    assert str(data.load(str(tmp_path)).modality) == "images of 1x8x8"
    assert str(data.load(f"sounds:{tmp_path}").modality) == "sounds of 4,000 samples at 8,000 Hz"


# ---- what is not


def damage(path: Path, how: str) -> None:
    content = save(path).read_bytes()
    parts = {
        "empty": b"", "cut": content[:3000], "header": content[:44], "piece": content[:20], "text": b"no sound " * 9,
        "law": content[:20] + struct.pack("<H", 7) + content[22:], "chunks": content[:12] + bytes(range(256)),
        "channels": content[:22] + b"\0\0" + content[24:], "short": None, "nan": None,
    }  # fmt: skip
    if how == "short":
        save(path, tone(20))
    elif how == "nan":
        wavfile.write(path, RATE, np.full(100, np.nan, np.float32))
    else:
        path.write_bytes(parts[how] or b"")


REASONS = {
    "empty": "it is empty; export it again",
    "cut": "it is cut off: it has fewer samples than it says; export it again",
    "header": "it is cut off: it has fewer samples than it says; export it again",
    "piece": "it is no WAV file, or a damaged one; export it as WAV of 16-bit PCM",
    "text": "it is no WAV file, or a damaged one; export it as WAV of 16-bit PCM",
    "law": "its samples are not read (Unknown wave file format: MULAW); export it as WAV of 16-bit PCM",
    "chunks": "it is no WAV file, or a damaged one; export it as WAV of 16-bit PCM",
    "channels": "it is no WAV file, or a damaged one; export it as WAV of 16-bit PCM",
    "short": "it has 20 samples, fewer than 64; leave it out or pad it",
    "nan": "it holds numbers that are not finite; export it again",
}


@pytest.mark.parametrize("how", REASONS)
def test_files_that_cannot_be_used_are_left_out_and_named(tmp_path: Path, how: str):
    damage(tmp_path / "bad.wav", how)
    with pytest.raises(DataError) as error:
        data.load(str(tmp_path))
    assert str(error.value) == (
        f"no sound in {tmp_path} can be read (bad.wav: {REASONS[how]}); export them as WAV of 16-bit PCM"
    )
    save(tmp_path / "good.wav")
    loaded = data.load(str(tmp_path))
    assert len(loaded) == 1 and list(map(str, loaded.problems)) == [f"bad.wav: {REASONS[how]}"]
    assert loaded.files == {"all": ("good.wav",)}


def test_one_data_set_has_one_rate(tmp_path: Path):
    for name, rate in (("a.wav", 8000), ("b.wav", 44_100), ("c.wav", 8000)):
        save(tmp_path / name, rate=rate)
    with pytest.raises(DataError) as error:
        data.load(str(tmp_path))
    assert str(error.value) == (
        "b.wav has 44,100 samples a second and a.wav 8,000, and sounds of one data set have one rate: bring all to "
        "8000 Hz (ffmpeg -i IN.wav -ar 8000 OUT.wav)"
    )


def test_other_names_are_refused_in_one_sentence(tmp_path: Path):
    with pytest.raises(DataError, match="there are no sounds 'bells': write sounds:tones or sounds:syllables, or name"):
        data.load("sounds:bells")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"no WAV file in .*none or its sub-folders; give a folder of sounds that end"):
        data.load(f"sounds:{tmp_path / 'none'}")
    with pytest.raises(DataError, match=r"a\.wav is a single sound; give the folder that it lies in"):
        data.load(str(save(tmp_path / "a.wav")))
    with pytest.raises(DataError, match="sounds:tones holds sounds, which have no size of 32x32 pixels; give images"):
        data.load("sounds:tones", size=(32, 32))


def test_a_link_in_a_circle_ends(tmp_path: Path):
    save(tmp_path / "a.wav")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(data.load(str(tmp_path))) == 1


# ---- data check


def test_what_check_says_of_sounds(tmp_path: Path):
    save(tmp_path / "a.wav")
    save(tmp_path / "b.wav")
    save(tmp_path / "c.wav", np.zeros(4000))
    save(tmp_path / "d.wav", np.ones(4000) * 32767 / 32768)
    damage(tmp_path / "e.wav", "cut")
    lines = check(str(tmp_path)).lines()
    assert lines[0].startswith(f"{tmp_path}: training would use 4 sounds of 4,000 samples at 8,000 Hz; fingerprint ")
    assert lines[1:] == [
        "length: 0.5 s; peaks: 0 to 1 of full scale",
        "silent: 1 of 4",
        "at full scale, perhaps cut off: 1 of 4",
        "duplicates: 1 of 4 repeat another: a.wav = b.wav",
        "left out: 1",
        f"  e.wav: {REASONS['cut']}",
    ]


def test_sounds_of_another_kind_are_left_out_and_named(tmp_path: Path):
    (tmp_path / "more").mkdir()
    for name in ("song.mp3", "more/loop.FLAC"):
        (tmp_path / name).write_bytes(b"ID3")
    with pytest.raises(DataError, match=r"no WAV file in .*: 2 sounds such as more/loop.FLAC are of another kind"):
        data.load(str(tmp_path))
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros(100, np.int16))
    loaded = data.load(str(tmp_path))
    assert len(loaded) == 1 and [str(problem) for problem in loaded.problems] == [
        "more/loop.FLAC: it is no WAV file; export it as one",
        "song.mp3: it is no WAV file; export it as one",
    ]
