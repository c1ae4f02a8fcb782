"""Arrays that are ready: `.npy` and `.npz` files of images or points."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, dataset, measured, numbered
from zerosum.data.request import Request
from zerosum.util import memory
from zerosum.util.files import named

SUFFIXES = (".npy", ".npz")
SAMPLES = ("samples", "x", "images", "arr_0")  # the names an .npz file may give to its samples
LABELS = ("labels", "y")
CONDITIONS = "conditions"


def arrays(request: Request) -> Dataset:
    """Images, uint8 (N, C, H, W), (N, H, W, C) or (N, H, W), or points, float (N, D).

    An .npz may add labels (N,), -1 where there is none, and conditions, float (N, K): a vector for each sample.

    Raises:
        DataError: the file is damaged, needs pickle, or holds something else.
    """
    path = named(request.name)
    try:
        members = _npz(path) if path.suffix.lower() == ".npz" else {"arr_0": np.lib.format.open_memmap(path, mode="c")}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if memory.is_failure(error):
            raise
        raise DataError(f"cannot read {path}: {error}; save it again with numpy.savez(FILE, samples=...)") from error
    samples = next((members[key] for key in SAMPLES if key in members), None)
    if samples is None:
        raise DataError(f"{path} has the arrays {', '.join(members)}; name the samples '{SAMPLES[0]}'")
    labels = next((members[key] for key in LABELS if key in members), None)
    x = _samples(path, samples)
    conditions = _conditions(path, members[CONDITIONS], len(x)) if CONDITIONS in members else None
    y = None if labels is None else _labels(path, labels, len(x))
    if y is not None and measured({*map(str, y[y >= 0].tolist())}, int((y >= 0).sum())):
        raise DataError(
            f"{path} has {len(y.unique()):,} different labels for {len(y):,} samples, which are measurements and no "
            "classes; save them as `conditions`, floats (N, 1)"
        )
    y, classes, notes = (None, (), ()) if y is None else numbered(y)
    return dataset(request.name, x, y if classes else None, classes, conditions=conditions, notes=notes)


def _npz(path: Path) -> dict[str, NDArray[Any]]:
    cure = "use fewer samples, or write them to an .npy file, which is read part by part"
    with path.open("rb") as file:
        with zipfile.ZipFile(file) as members:
            memory.require(2 * sum(member.file_size for member in members.infolist()), f"reading {path}", cure)
        file.seek(0)
        archive = np.load(file, allow_pickle=False)
        return {key: archive[key] for key in archive.files}


def _samples(path: Path, values: NDArray[Any]) -> Tensor:
    if values.size == 0 or values.ndim == 0:
        raise DataError(f"{path} holds no samples (its shape is {values.shape})")
    if values.dtype == np.uint8 and values.ndim == 3:
        values = values[:, None]
    if values.dtype == np.uint8 and values.ndim == 4 and values.shape[1] not in (1, 3) and values.shape[3] in (1, 3):
        memory.require(values.nbytes, f"reading {path}", "save it as uint8 (N, C, H, W), which is read part by part")
        values = values.transpose(0, 3, 1, 2)
    if values.dtype == np.uint8 and values.ndim == 4 and values.shape[1] in (1, 3):
        return torch.from_numpy(np.ascontiguousarray(values))
    if values.dtype.kind == "f" and values.ndim == 2:
        if not np.isfinite(values).all():
            raise DataError(f"{path} has points that are not finite; remove them")
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))
    raise DataError(
        f"{path} holds {values.dtype} {values.shape}; images are uint8 (N, C, H, W) with 1 or 3 channels, "
        f"points are float (N, D)"
    )


def _labels(path: Path, values: NDArray[Any], count: int) -> Tensor:
    if values.shape != (count,) or values.dtype.kind not in "iu" or values.min() < -1:
        raise DataError(f"{path} has labels {values.dtype} {values.shape}; give {count} whole numbers from 0 on, or -1")
    return torch.from_numpy(values.astype(np.int64))


def _conditions(path: Path, values: NDArray[Any], count: int) -> Tensor:
    if values.dtype.kind != "f" or values.ndim != 2 or len(values) != count or values.shape[1] == 0:
        raise DataError(f"{path} has conditions {values.dtype} {values.shape}; give floats ({count}, K)")
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise DataError(f"{path} has conditions that are not finite; remove them, and their samples")
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
