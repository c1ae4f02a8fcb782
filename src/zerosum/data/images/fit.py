"""Bring any images, or points, to the shape that a network learnt from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, Problem, Progress, dataset, fingerprint_of
from zerosum.data.errors import DataError
from zerosum.data.images.resize import CHUNK, resized
from zerosum.data.request import Request
from zerosum.data.sources import find, from_folder, load

LUMA = (19595, 38470, 7471)  # of 65,536: the weights of red, green and blue in grey, ITU-R 601, as Pillow rounds them


@dataclass(frozen=True, eq=False)
class Fitted:
    """Data at the shape that was asked for."""

    data: Dataset
    files: tuple[str, ...]  # of each sample: its name relative to the folder, or its number
    note: str = ""  # what was changed beyond size


def fitted(
    name: str, shape: tuple[int, ...], *, data_dir: Path | None = None, progress: Progress | None = None
) -> Fitted:
    """All samples of `name`, as `load` takes it, or of a single image file, at `shape`.

    Images are scaled and cropped as for training. Colour is turned grey, and grey is repeated for red, green and blue,
    where `shape` asks for it.

    Raises:
        DataError: there is nothing of that name, nothing readable, or nothing that could have this shape.
    """
    size = (shape[1], shape[2]) if len(shape) == 3 else None
    loaded, files = _read(name, size, data_dir, progress)
    if loaded.is_image != (size is not None):
        wanted, has = ("images", "points") if size else ("points", "images")
        raise DataError(f"{name} holds {has}, but {wanted} of shape {shape} are needed; give other data")
    if size is None:
        if loaded.shape != shape:
            raise DataError(f"{name} holds points of shape {loaded.shape}, but {shape} is needed; give other data")
        return Fitted(loaded, files)
    loaded = resized(loaded, size)
    if loaded.shape == shape:
        return Fitted(loaded, files)
    if (loaded.shape[0], shape[0]) == (3, 1):
        return Fitted(
            _changed(loaded, "grey", grey(loaded.x)), files, "colour was turned grey, as the network learnt it"
        )
    if (loaded.shape[0], shape[0]) == (1, 3):
        return Fitted(
            _changed(loaded, "repeated", loaded.x.expand(-1, 3, -1, -1)),
            files,
            "grey was taken for colour, as the network learnt it",
        )
    raise DataError(f"{name} holds images of shape {loaded.shape}, but {shape} is needed; give other images")


def grey(x: Tensor) -> Tensor:
    """Colour images, uint8 (N, 3, H, W), to grey ones, (N, 1, H, W), with the weights and the rounding of Pillow."""
    weights = torch.tensor(LUMA, dtype=torch.int32)[:, None, None]
    parts = [((part.int() * weights).sum(1, keepdim=True) + 2**15) >> 16 for part in x.split(CHUNK)]
    return torch.cat(parts).to(torch.uint8)


def _changed(data: Dataset, how: str, x: Tensor) -> Dataset:
    return replace(data, x=x, fingerprint=fingerprint_of(f"{data.fingerprint} {how}"))


def _read(
    name: str, size: tuple[int, int] | None, data_dir: Path | None, progress: Progress | None
) -> tuple[Dataset, tuple[str, ...]]:
    """The samples with their names; those of folders at `size` already, as only decoding at that size makes them."""
    path = Path(name).expanduser()
    if _is_image(path):
        return _single(path, size), (path.name,)
    if find(name)[0] is not from_folder:
        loaded = load(name, data_dir=data_dir, progress=progress)
        return loaded, tuple(str(k) for k in range(len(loaded)))
    from zerosum.data.images.folder import with_files  # it needs Pillow

    return with_files(Request(name, size=size, progress=progress))


def _is_image(path: Path) -> bool:
    from zerosum.data.images.decode import SUFFIXES

    return path.suffix.lower() in SUFFIXES and path.is_file()


def _single(path: Path, size: tuple[int, int] | None) -> Dataset:
    from zerosum.data.images.decode import Encoded, Row, decode, probe
    from zerosum.data.images.folder import layout

    item = Encoded(path.name, -1, path)
    header = probe(item)
    found = header if isinstance(header, Problem) else decode(item, *layout([header], size))
    if not isinstance(found, Row):
        raise DataError(f"cannot read {path}: {found.reason}; give another image")
    return dataset(path.name, torch.from_numpy(found.pixels.copy())[None])
