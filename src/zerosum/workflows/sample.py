"""Samples as files: what `zerosum sample` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.pictures.film import film
from zerosum.pictures.grids import save_each, to_uint8
from zerosum.pictures.overview import overview
from zerosum.pictures.png import save
from zerosum.pictures.render import renderer
from zerosum.pictures.walks import traversal
from zerosum.run.loaded import Run
from zerosum.run.sampling import SampleRequest
from zerosum.util.files import atomic_path


def write_samples(run: Run, out: Path, request: SampleRequest) -> None:
    """Write samples to `out`, in the format of its ending.

    `.png`: one picture, a grid with gutters, or a scatter plot of points; where the generator takes a class or a vector
    and the request names none, each has a row or a colour, see `pictures.overview`. `.npz`: `samples`, uint8
    (N, C, H, W) for images and float32 (N, D) for points, and int64 `labels` (N,) or float32 `conditions` (N, K) where
    there are any. No ending: a folder of single pictures, with their classes or vectors in their names.
    """
    if request.count < 1:
        raise ZerosumError(f"-n is {request.count}; ask for at least one sample")
    if out.suffix not in ("", ".npz", ".png"):
        raise ZerosumError(f"--out {out}: samples go to a .png or .npz file, or to a folder; a .gif needs --to-seed")
    if out.suffix == ".png":
        save(overview(run, request), out)
        return
    samples = run.sample(**vars(request))
    labels = run.labels_for(request.count, request.classes, request.conditions)
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
    count, seeds = request.count, (request.seed, to_seed)
    if count < 1 or frames < 2:
        raise ZerosumError(f"an interpolation needs at least 1 sample and 2 frames, not {count} and {frames}")
    walk = run.interpolate(
        count, frames, seeds, truncation=request.truncation, classes=request.classes, conditions=request.conditions
    )
    pictures = [renderer(run.record.data.shape).picture(step, None) for step in walk]
    film([*pictures, *pictures[-2:0:-1]], out)
