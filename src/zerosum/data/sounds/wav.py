"""WAV files: a folder of them as data, and sounds as files."""

from __future__ import annotations

import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import wavfile
from torch import Tensor

from zerosum.data.dataset import ALL, DataError, Dataset, Field, Problem, Unreadable, dataset_of, with_progress
from zerosum.data.images.labels import read_label_file
from zerosum.data.paths import listing
from zerosum.data.request import Request
from zerosum.data.sounds import OTHERS, WAV
from zerosum.modality import Classes, Sound, Vector
from zerosum.util import memory
from zerosum.util.files import atomic_path, named

SHORTEST, LONGEST = 64, 16_384  # samples of a sound; of longer ones the first are taken


class Clip(NamedTuple):
    """A sound of a file, or its beginning."""

    rate: int  # Hz
    x: Tensor  # (C, T) int16, T at most LONGEST
    length: int  # samples of the whole


def folder(request: Request) -> Dataset:
    """The sounds of the WAV files under a folder, `x`, with the classes of a label file or of its sub-folders, `y`.

    All are as long as the longest, of 16,384 samples at most: silence follows shorter ones, and of longer ones the
    beginning is taken. Where they differ in channels all are mono, the mean of their channels. Files of 8, 16, 24 and
    32 bits and of floats are read. Notes say what was changed.

    Raises:
        DataError: there is no sound that can be read, or they have several rates.
    """
    root = named(request.option or request.name)
    names = listing(root, WAV)
    problems = [Problem(name, "it is no WAV file; export it as one") for name in listing(root, OTHERS)]
    if not names:
        others = f": {len(problems):,} sounds such as {problems[0].path} are of another kind" if problems else ""
        raise DataError(f"no WAV file in {root} or its sub-folders{others}; give a folder of sounds that end in .wav")
    clips = dict[str, Clip]()
    for name in with_progress("reading sounds", names, len(names), request.progress):
        try:
            clips[name] = read(root / name)
        except Unreadable as error:
            problems.append(Problem(name, str(error)))
    if not clips:
        more = f", and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        raise DataError(f"no sound in {root} can be read ({problems[0]}{more}); export them as WAV of 16-bit PCM")
    _require_one_rate(clips)
    kept = tuple(clips)
    rate = clips[kept[0]].rate
    x, notes = _aligned([*clips.values()], rate)
    marks = read_label_file(root, names).of(kept)
    fields = {"x": Field(Sound(x.shape[1], x.shape[2], rate), x)}
    if (y := marks.y(kept)) is not None:
        fields["y"] = Field(Classes(marks.classes), y)
    if (vectors := marks.conditions(kept)) is not None:
        fields["y" if y is None else "vectors"] = Field(Vector(vectors.shape[1]), vectors)
    problems += marks.problems
    return dataset_of(request.name, fields, tuple(problems), (*notes, *marks.notes), {ALL: kept})


def read(path: Path) -> Clip:
    """A WAV file as 16-bit numbers; `Unreadable` where it is none, is cut off, empty, or of a kind that is not read."""
    if not path.is_file():
        raise Unreadable("it is no file")
    if not path.stat().st_size:
        raise Unreadable("it is empty; export it again")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            rate, samples = wavfile.read(path)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}; check its permissions") from None
    except (ValueError, struct.error, ArithmeticError, UnboundLocalError, MemoryError) as error:  # of damaged headers
        known = str(error).partition(".")[0] if "wave file format" in str(error) else ""
        reason = f"its samples are not read ({known})" if known else "it is no WAV file, or a damaged one"
        raise Unreadable(f"{reason}; export it as WAV of 16-bit PCM") from None
    if any("EOF" in str(warning.message) for warning in said):
        raise Unreadable("it is cut off: it has fewer samples than it says; export it again")
    if len(samples) < SHORTEST:
        raise Unreadable(f"it has {len(samples):,} samples, fewer than {SHORTEST}; leave it out or pad it")
    beginning = samples[:LONGEST]
    if beginning.dtype.kind == "f" and not np.isfinite(beginning).all():
        raise Unreadable("it holds numbers that are not finite; export it again")
    return Clip(rate, torch.from_numpy(_as_int16(beginning.reshape(len(beginning), -1).T)), len(samples))


def _as_int16(x: NDArray[np.generic]) -> NDArray[np.int16]:
    """Samples of any width, (C, T); wider ones keep their upper bits, floats beyond [-1, 1] are cut off."""
    if x.dtype == np.uint8:
        return ((x.astype(np.int16) - 128) << 8).astype(np.int16)
    if x.dtype.kind == "f":
        full = 1 << 15
        return np.clip(np.rint(x.astype(np.float64) * full), -full, full - 1).astype(np.int16)
    shift = 8 * (x.dtype.itemsize - 2)
    return np.ascontiguousarray(x.astype(np.int64) >> shift).astype(np.int16)


def _require_one_rate(clips: dict[str, Clip]) -> None:
    rates = Counter(clip.rate for clip in clips.values())
    if len(rates) == 1:
        return
    usual = rates.most_common(1)[0][0]
    other = next(name for name, clip in clips.items() if clip.rate != usual)
    ordinary = next(name for name, clip in clips.items() if clip.rate == usual)
    raise DataError(
        f"{other} has {clips[other].rate:,} samples a second and {ordinary} {usual:,}, and sounds of one data set have "
        f"one rate: bring all to {usual} Hz (ffmpeg -i IN.wav -ar {usual} OUT.wav)"
    )


def _aligned(clips: Sequence[Clip], rate: int) -> tuple[Tensor, list[str]]:
    """Sounds of one length and as many channels, (N, C, T) int16, and notes on what was changed."""
    widths, length = {len(clip.x) for clip in clips}, max(clip.x.shape[1] for clip in clips)
    channels = widths.pop() if len(widths) == 1 else 1
    memory.require(2 * len(clips) * channels * length, f"{len(clips):,} sounds", "give a folder with fewer of them")
    x = torch.zeros(len(clips), channels, length, dtype=torch.int16)
    for row, clip in zip(x, clips, strict=True):
        own = clip.x if len(clip.x) == channels else clip.x.double().mean(0, keepdim=True).round().to(torch.int16)
        row[:, : own.shape[1]] = own
    size = f"{length:,} samples, {length / rate:.3g} s"
    counts = {
        f"shorter than the longest ({size}), and followed by silence": [c.length < length for c in clips],
        f"longer than {size}, of which the beginning is taken (cut long recordings into pieces)": [
            c.length > length for c in clips
        ],
        "in several channels, others not, and so mono, the mean of these": [len(c.x) != channels for c in clips],
    }
    return x, [f"{what}: {sum(which):,} of {len(clips):,} sounds" for what, which in counts.items() if any(which)]


def write(path: Path, x: Tensor, sound: Sound) -> None:
    """One sound (C, T) in [-1, 1], of any length, as a WAV file of 16-bit PCM."""
    with atomic_path(path) as partial:
        wavfile.write(partial, sound.rate, sound.store(x).T.cpu().contiguous().numpy())
