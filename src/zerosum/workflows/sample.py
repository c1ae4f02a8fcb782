"""Samples as files: what `zerosum sample` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.pictures.grids import film, picture, save, save_each, to_uint8
from zerosum.pictures.overview import overview, traversal
from zerosum.run.loaded import Run
from zerosum.util.files import atomic_path


def write_samples(
    run: Run,
    out: Path,
    count: int,
    seed: int = 0,
    truncation: float | None = None,
    class_: int | str | None = None,
    conditions: Sequence[float] | None = None,
) -> None:
    """Write `count` samples to `out`, as its ending says.

    `.png`: one picture, a grid with gutters, or a scatter plot of points; where a class or a vector can be asked for
    and none is, each has a row or a colour, see `sheets.overview`. `.npz`: `samples`, uint8 (N, C, H, W) for images and
    float32 (N, D) for points, and int64 `labels` (N,) or float32 `conditions` (N, K) where there are any. No ending: a
    folder of single pictures, with what was asked for in their names.
    """
    if count < 1:
        raise ZerosumError(f"-n is {count}; ask for at least one sample")
    if out.suffix not in ("", ".npz", ".png"):
        raise ZerosumError(f"--out {out}: samples go to a .png or .npz file, or to a folder; a .gif needs --to-seed")
    if out.suffix == ".png":
        save(overview(run, count, seed, truncation=truncation, classes=class_, conditions=conditions), out)
        return
    samples = run.sample(count, seed, truncation=truncation, classes=class_, conditions=conditions)
    labels = run.labels_for(count, class_, conditions)
    is_image = samples.dim() == 4
    if out.suffix == ".npz":
        arrays: dict[str, Any] = {"samples": (to_uint8(samples) if is_image else samples).numpy()}
        if labels is not None:
            arrays["labels" if labels.dim() == 1 else "conditions"] = labels.numpy()
        with atomic_path(out) as partial:
            np.savez_compressed(partial, **arrays)
    elif is_image:
        save_each(samples, out, None if labels is None else _names(run, labels))
    else:
        raise ZerosumError(f"{run.path} makes points, not images: write them to a .npz or a .png file")


def _names(run: Run, labels: Tensor) -> list[str]:
    if labels.dim() == 1:
        return [run.record.data.classes[k] for k in labels.tolist()]
    return ["_".join(f"{number:g}" for number in vector) for vector in labels.tolist()]


def write_traversal(
    run: Run,
    out: Path,
    codes: Sequence[str] | None = None,
    steps: int = 10,
    seed: int = 0,
    rows: int | None = None,
    truncation: float | None = None,
    class_: int | str | None = None,
) -> None:
    """Write what each code of z changes to a PNG: see `sheets.traversal`."""
    if out.suffix != ".png":
        raise ZerosumError(f"--out {out}: a traversal is written to a .png file")
    save(traversal(run, codes, steps, seed, rows, truncation=truncation, classes=class_), out)


def write_interpolation(
    run: Run,
    out: Path,
    count: int,
    frames: int,
    seeds: tuple[int, int],
    truncation: float | None = None,
    class_: int | str | None = None,
    conditions: Sequence[float] | None = None,
) -> None:
    """Write `count` walks between the samples of two seeds to a GIF, there and back, so that it loops."""
    if out.suffix != ".gif":
        raise ZerosumError(f"--out {out}: an interpolation is written to a .gif file")
    if count < 1 or frames < 2:
        raise ZerosumError(f"an interpolation needs at least 1 sample and 2 frames, not {count} and {frames}")
    walked = run.interpolate(count, frames, seeds, truncation=truncation, classes=class_, conditions=conditions)
    walk = [picture(step) for step in walked]
    film([*walk, *walk[-2:0:-1]], out)
