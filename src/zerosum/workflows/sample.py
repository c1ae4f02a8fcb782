"""Samples as files: what `zerosum sample` writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.modality import Classes, Image, Modality, Points, Tokens
from zerosum.pictures.film import film
from zerosum.pictures.grids import save_each
from zerosum.pictures.overview import overview
from zerosum.pictures.png import save
from zerosum.pictures.render import renderer
from zerosum.pictures.walks import traversal
from zerosum.run.loaded import Run
from zerosum.run.sampling import SampleRequest
from zerosum.util.files import atomic_path, write_atomic


@dataclass(frozen=True)
class Writer:
    """How samples of one kind are written, beside the picture and the arrays that all have."""

    default: str  # ending of the file that is written by default
    endings: Mapping[str, Callable[[Run, Tensor, Path, Tensor | None], object]]  # by ending: "" is a folder


def _write_folder(run: Run, samples: Tensor, out: Path, labels: Tensor | None) -> None:
    names = None
    if labels is not None and isinstance(run.condition, Classes):
        names = [run.record.data.classes[k] for k in labels.tolist()]
    elif labels is not None:
        names = ["_".join(f"{number:g}" for number in vector) for vector in labels.tolist()]
    save_each(samples, out, names)


def _write_lines(run: Run, samples: Tensor, out: Path, labels: Tensor | None) -> None:
    assert isinstance(run.modality, Tokens)
    write_atomic(out, "".join(f"{text}\n" for text in run.modality.write(samples)).encode())


WRITE: dict[type[Modality], Writer] = {
    Image: Writer(".png", {"": _write_folder}),
    Points: Writer(".png", {}),
    Tokens: Writer(".txt", {".txt": _write_lines}),
}
EVERY = (".png", ".npz")  # endings that all kinds have


def default_ending(run: Run) -> str:
    """The ending of the file that samples go to by default."""
    return WRITE[type(run.modality)].default


def write_samples(run: Run, out: Path, request: SampleRequest) -> None:
    """Write samples to `out`, in the format of its ending.

    `.png`: one picture, a grid of images, a scatter plot of points, a sheet of texts; where the generator takes a class
    or a vector and the request names none, each has a row, see `pictures.overview`. `.npz`: `samples` as they are
    stored, uint8 (N, C, H, W) for images, float32 (N, D) for points, int64 ids (N, length) for texts, and int64
    `labels` (N,) or float32 `conditions` (N, K) where there are any. `.txt`: texts, one a line. No ending: a folder of
    single pictures of images, with their classes or vectors in their names.
    """
    modality, writer = run.modality, WRITE[type(run.modality)]
    if request.count < 1:
        raise ZerosumError(f"-n is {request.count}; ask for at least one sample")
    if out.suffix not in (*EVERY, *writer.endings):
        kinds = f"a {' or '.join(filter(None, (*EVERY, *writer.endings)))} file"
        kinds += " or a folder" if "" in writer.endings else ""
        raise ZerosumError(
            f"--out {out}: samples of {run.path} are {modality.plural}, which go to {kinds}; a .gif needs --to-seed"
        )
    if out.suffix == ".png":
        save(overview(run, request), out)
        return
    samples = run.sample(**vars(request))
    labels = run.labels_for(request.count, request.classes, request.conditions)
    if out.suffix != ".npz":
        writer.endings[out.suffix](run, samples, out, labels)
        return
    arrays: dict[str, Any] = {"samples": modality.store(samples).numpy()}
    if labels is not None:
        arrays["labels" if isinstance(run.condition, Classes) else "conditions"] = labels.numpy()
    with atomic_path(out) as partial:
        np.savez_compressed(partial, **arrays)


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
    steps = run.interpolate(
        request.count,
        frames,
        (request.seed, to_seed),
        truncation=request.truncation,
        classes=request.classes,
        conditions=request.conditions,
    )
    walk = [renderer(run.modality).picture(x, None) for x in steps]
    film([*walk, *walk[-2:0:-1]], out)
