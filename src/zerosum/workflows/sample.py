"""Samples as files: what `zerosum sample` writes."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.modality import Behaviour, Binary, Classes, Image, Modality, Notes, Points, Prompt, Sound, Tokens, Video
from zerosum.pictures.film import film
from zerosum.pictures.grids import grid, save_each
from zerosum.pictures.overview import overview
from zerosum.pictures.png import save, with_caption
from zerosum.pictures.render import renderer
from zerosum.pictures.walks import traversal
from zerosum.run.loaded import Run
from zerosum.run.sampling import SampleRequest
from zerosum.util import memory
from zerosum.util.console import progress
from zerosum.util.files import atomic_path, plain_name
from zerosum.util.notes import Note

Parts = Iterator[tuple[Tensor, Tensor | None]]  # samples, and their classes or vectors
PACE = 0.1  # seconds of a video's frame in a film
PAUSE = 0.1  # seconds between two sounds of a file
COMPRESSED = 4  # times smaller than their numbers that files of samples may become


@dataclass(frozen=True)
class Writer:
    """How samples of one kind are written, beside the picture and the arrays that all have."""

    default: str  # ending of the file that is written by default
    endings: Mapping[str, Callable[[Run, SampleRequest, Path, Parts], object]]  # by ending: "" is a folder
    prints: bool = False  # whether samples are printed where no file is asked for
    at_end: int = 64  # samples in the file that a run ends with


def _write_folder(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    digits, first = len(str(request.count - 1)), 0
    for samples, labels in parts:
        save_each(samples, out, _names(run, labels), first=first, digits=digits)
        first += len(samples)


def _write_sounds(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """`00000.wav`, `00001.wav` ..., with their classes or vectors in their names."""
    from zerosum.data.sounds import wav  # waits for SciPy's reader

    assert isinstance(run.modality, Sound)
    digits, number = max(5, len(str(request.count - 1))), 0
    for samples, labels in parts:
        names = _names(run, labels) or [""] * len(samples)
        for x, name in zip(samples, names, strict=True):
            wav.write(out / f"{number:0{digits}}{f'-{plain_name(name)}' if name else ''}.wav", x, run.modality)
            number += 1


def _write_row(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """All sounds in one file, one after the other, with a pause between two."""
    from zerosum.data.sounds import wav  # as above

    assert isinstance(run.modality, Sound)
    length = run.modality.channels * (run.modality.samples + PAUSE * run.modality.rate)
    memory.require(3 * 4 * round(request.count * length), f"{request.count:,} sounds in one file", "draw fewer (-n)")
    pause = torch.zeros(run.modality.channels, round(PAUSE * run.modality.rate))
    row = [part for samples, _ in parts for x in samples for part in (pause, x.float())]
    wav.write(out, torch.cat(row[1:], 1), run.modality)


def _names(run: Run, labels: Tensor | None) -> list[str] | None:
    """The class, the vector or the text of each sample, in words."""
    if labels is None:
        return None
    if isinstance(run.condition, Classes):
        return [run.record.data.classes[k] for k in labels.tolist()]
    if isinstance(run.condition, Tokens):
        return [text.replace(" ", "_") for text in run.condition.write(labels)]
    return ["_".join(f"{number:g}" for number in vector) for vector in labels.tolist()]


def _write_lines(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    with atomic_path(out) as partial, partial.open("wb") as file:
        for samples, asked in parts:
            file.write("".join(f"{text}\n" for text in _lines(run, request, samples, asked)).encode())


def _lines(run: Run, request: SampleRequest, samples: Tensor, asked: Tensor | None) -> list[str]:
    """Samples as texts, each behind the text that it was drawn by and a tab, unless all were by one that was named."""
    texts = run.texts(samples)
    if asked is None or request.texts is not None or not isinstance(run.condition, Tokens):
        return texts
    return [f"{question}\t{text}" for question, text in zip(run.condition.write(asked), texts, strict=True)]


def _write_melodies(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """`00000.mid`, `00001.mid` ..."""
    from zerosum.data.music import midi

    digits = max(5, len(str(request.count - 1)))
    for number, melody in enumerate(_melodies(run, parts)):
        midi.write(out / f"{number:0{digits}}.mid", [melody])


def _write_medley(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """All melodies in one MIDI file, one after the other."""
    from zerosum.data.music import midi

    midi.write(out, [*_melodies(run, parts)])


def _write_played(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """All melodies as one sound, one after the other."""
    from zerosum.data.music.played import WHOLE, played
    from zerosum.data.sounds import tones, wav  # as above

    melodies = [*_melodies(run, parts)]
    seconds = float(WHOLE * sum(note.length for melody in melodies for note in melody))
    memory.require(round(8 * 2 * tones.RATE * seconds), f"{request.count:,} melodies in one file", "draw fewer (-n)")
    wav.write(out, played(melodies), tones.SOUND)


def _melodies(run: Run, parts: Parts) -> Iterator[list[Note]]:
    assert isinstance(run.modality, Notes)
    for samples, _ in parts:
        yield from run.modality.melodies(samples)


def _write_films(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """All videos side by side, as they move."""
    _require_picture(run, request.count, "draw fewer (-n), or write a .npz file: any number goes")
    videos = torch.cat([samples for samples, _ in parts])
    frames = videos.shape[1]
    film([grid(frame) for frame in videos.unbind(1)], out, PACE * frames, hold=0.5, most=frames)


def _write_arrays(run: Run, request: SampleRequest, out: Path, parts: Parts) -> None:
    """As `numpy.savez_compressed` would, part by part."""
    given: list[Tensor] = []
    with atomic_path(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        first = True
        with archive.open("samples.npy", "w", force_zip64=True) as file:
            for samples, labels in parts:
                stored = run.modality.store(samples).numpy()
                if first:
                    _write_header(file, stored.dtype, (request.count, *stored.shape[1:]))
                first = False
                file.write(np.ascontiguousarray(stored).data)
                given += [] if labels is None else [labels]
        if given:
            name, values = _named(run.condition, torch.cat(given))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values, allow_pickle=False)


def _named(condition: Prompt | None, values: Tensor) -> tuple[str, np.ndarray[Any, Any]]:
    """What samples were asked to be, (N, ...), as an array and its name."""
    if isinstance(condition, Tokens):
        return "texts", np.array(condition.write(values))
    return "labels" if isinstance(condition, Classes) else "conditions", values.numpy()


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _require_picture(run: Run, count: int, cure: str) -> None:
    """`OutOfMemoryError` where pictures of all samples would not fit, beside the samples."""
    modality = run.modality
    of_one = 2 * 4 * math.prod(modality.shape) + 3 * renderer(modality).room  # a copy with names, and one for the file
    memory.require(of_one * count, f"pictures of {modality.counted(count)}", cure)


def _require_room(run: Run, count: int, out: Path) -> None:
    """`OutOfMemoryError` where the labels do not fit into memory, or the files on the disk, even compressed well."""
    _require_labels(run, count)
    memory.require_disk(out, least_bytes(run.modality), count, run.modality.counted(count), "-n", single=not out.suffix)


def _require_labels(run: Run, count: int) -> None:
    if run.condition is not None:
        each = 3 * 8 * math.prod(run.condition.shape)
        memory.require(each * count, f"labels for {run.modality.counted(count)}", "draw fewer (-n)")


def least_bytes(modality: Modality) -> int:
    """What a sample takes in a file, at least."""
    return max(1, modality.store(torch.zeros(1, *modality.shape)).nbytes // COMPRESSED)


def _watched(run: Run, request: SampleRequest, quiet: bool) -> Parts:
    """The parts of what is asked for, and the progress beside them."""
    done = 0
    with progress(quiet) as update:
        update("samples", 0, request.count)
        for samples, labels in run.parts(**vars(request)):
            yield samples, labels
            done += len(samples)
            update("samples", done, request.count)


WRITE: dict[type[Modality], Writer] = {
    Image: Writer(".png", {"": _write_folder}),
    Video: Writer(".gif", {".gif": _write_films}),
    Sound: Writer(".wav", {"": _write_sounds, ".wav": _write_row}),
    Points: Writer(".png", {}),
    Binary: Writer(".png", {}),
    Behaviour: Writer(".png", {}),
    Tokens: Writer(".txt", {".txt": _write_lines}, prints=True),
    Notes: Writer(
        ".wav",
        {"": _write_melodies, ".mid": _write_medley, ".wav": _write_played, ".txt": _write_lines},
        prints=True,
        at_end=8,
    ),
}
EVERY = (".png", ".npz")  # endings that all kinds have


def default_ending(run: Run) -> str:
    """The ending of the file that samples go to by default."""
    return WRITE[type(run.modality)].default


def prints(run: Run) -> bool:
    """Whether samples are printed where no file is asked for."""
    return WRITE[type(run.modality)].prints


def samples_at_end(run: Run) -> int:
    """How many samples are in the file of the default ending that a run ends with."""
    return WRITE[type(run.modality)].at_end


def others(run: Run) -> list[str]:
    """What samples go to in any number, unlike a picture."""
    endings = (".npz", *WRITE[type(run.modality)].endings)
    return [f"{ending} file" if ending else "folder" for ending in endings]


def write_samples(run: Run, out: Path, request: SampleRequest, quiet: bool = True, start: str | None = None) -> None:
    """Write samples to `out`, in the format of its ending; of texts and melodies those that begin with `start`.

    `.png`: one picture, a grid of images, spectrograms or piano rolls, a scatter plot of points, a sheet of texts;
    where the generator takes a class, a vector or a text and the request names none, each has a row, see
    `pictures.overview`.
    `.npz`: `samples` as they are stored, uint8 (N, C, H, W) for images, int16 (N, C, T) for sounds, float32 (N, D) for
    points, int64 ids (N, length) for texts, and int64 `labels` (N,), float32 `conditions` (N, K) or `texts` (N,) where
    there are any. `.txt`: texts, one a line, behind what they answer and a tab where that is not named. `.gif`: videos,
    as they move. `.wav`: sounds or melodies, one after the other; `.mid`: melodies, likewise. No ending: a folder of
    single pictures of images, of WAV files of sounds, or of MIDI files of melodies, with their classes, vectors or
    texts in their names. All but a picture are written as they are drawn, with progress unless `quiet`.

    Raises:
        ZerosumError: the run's samples do not go to such a file, or none of them can begin so.
        OutOfMemoryError: so many fit neither into memory nor on the disk.
    """
    modality, writer = run.modality, WRITE[type(run.modality)]
    if request.count < 1:
        raise ZerosumError(f"-n is {request.count}; ask for at least one sample")
    completed = None if start is None else _completed(run, request, start)
    if out.suffix not in (*EVERY, *writer.endings):
        kinds = f"a {' or '.join(filter(None, (*EVERY, *writer.endings)))} file"
        kinds += " or a folder" if "" in writer.endings else ""
        raise ZerosumError(
            f"--out {out}: samples of {run.path} are {modality.plural}, which go to {kinds}; a .gif needs --to-seed"
        )
    if out.suffix == ".png":
        _require_picture(run, request.count, f"draw fewer (-n), or write a {' or '.join(others(run))}: any number goes")
        save(overview(run, request) if completed is None else renderer(modality).picture(completed, None), out)
        return
    _require_room(run, request.count, out)
    write = _write_arrays if out.suffix == ".npz" else writer.endings[out.suffix]
    write(run, request, out, _watched(run, request, quiet) if completed is None else iter([(completed, None)]))


def written(run: Run, request: SampleRequest, start: str | None = None) -> Iterator[str]:
    """Samples of a run that writes texts, part by part, all of which begin with `start`, where it is given.

    Raises (when the first is asked for):
        ZerosumError: the run writes none, or none that begin as they are told to.
        OutOfMemoryError: what is asked of so many does not fit into memory.
    """
    if start is not None:
        yield from run.texts(_completed(run, request, start))
        return
    _require_labels(run, request.count)
    for samples, asked in run.parts(**vars(request)):
        yield from _lines(run, request, samples, asked)


def _completed(run: Run, request: SampleRequest, start: str) -> Tensor:
    return run.completed(start, request.count, request.seed, truncation=request.truncation)


def write_traversal(
    run: Run, out: Path, request: SampleRequest, codes: Sequence[str] | None = None, steps: int = 10
) -> None:
    """Write what each latent code changes to a PNG, from `request.count` points z: see `pictures.walks.traversal`."""
    if out.suffix != ".png":
        raise ZerosumError(f"--out {out}: a traversal is written to a .png file")
    save(traversal(run, request, codes, steps), out)


def write_interpolation(run: Run, out: Path, request: SampleRequest, to_seed: int, frames: int) -> None:
    """Write walks from the requested samples to those of another seed as a GIF, there and back, so that it loops."""
    if out.suffix != ".gif":
        raise ZerosumError(f"--out {out}: an interpolation is written to a .gif file")
    if request.count < 1 or frames < 2:
        raise ZerosumError(f"an interpolation needs at least 1 sample and 2 frames, not {request.count} and {frames}")
    _require_picture(run, request.count * frames, "draw fewer walks (-n) or --frames")
    steps = run.interpolate(
        request.count,
        frames,
        (request.seed, to_seed),
        truncation=request.truncation,
        classes=request.classes,
        conditions=request.conditions,
        texts=request.texts,
    )
    walk = [renderer(run.modality).picture(x, None) for x in steps]
    film([*walk, *walk[-2:0:-1]], out)


def write_between_texts(run: Run, out: Path, request: SampleRequest, to_text: str, frames: int) -> None:
    """Write walks from what one text says to what another does: a PNG with a row for each, or a GIF that loops."""
    if out.suffix not in (".png", ".gif"):
        raise ZerosumError(f"--out {out}: what lies between two texts is written to a .png or a .gif file")
    if request.texts is None:
        raise ZerosumError("--to-text is where the pictures go to; say where they begin with --text")
    if request.count < 1 or frames < 2:
        raise ZerosumError(f"what lies between two texts needs 1 sample and 2 frames, not {request.count} and {frames}")
    _require_picture(run, request.count * frames, "draw fewer walks (-n) or --frames")
    steps = run.between_texts(
        request.texts, to_text, request.count, frames, request.seed, truncation=request.truncation
    )
    draw = renderer(run.modality)
    if out.suffix == ".png":
        save(with_caption(draw.walks(steps, None), f"From {request.texts!r} to {to_text!r} in equal steps"), out)
        return
    walk = [draw.picture(x, None) for x in steps]
    film([*walk, *walk[-2:0:-1]], out)
