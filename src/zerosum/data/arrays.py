"""Arrays that are ready: `.npy` and `.npz` files of images, points or binary vectors.

Headers are read before anything else, and only what they promise of plain numbers is read then, so that a file takes no
more memory than the arrays that are used, which is refused where it is not free.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, dataset, measured, numbered
from zerosum.data.request import Reading, Request
from zerosum.util import memory
from zerosum.util.files import named

SUFFIXES = (".npy", ".npz")
CHANNELS = 16  # the most that images of other than 1 or 3 have, each side of which is longer
# What an .npz file may call its samples, in small letters; of sets with parts, those for training.
SAMPLES = ("samples", "sample", "x", "images", "image", "data", "x_train", "train_images", "train_x", "train_data")
LABELS = ("labels", "label", "y", "targets", "target", "classes", "y_train", "train_labels", "train_y", "train_targets")
CONDITIONS = ("conditions", "condition")
POSITIONAL = "arr_"  # what numpy.savez calls arrays that have no name
HEADER = 1 << 16  # bytes of an array's header, at most: ten thousand letters, by NumPy's own limit, and its padding
RANGE = "images of other numbers need the values that are black and white: --value-range LOW HIGH"
ROWS = 1 << 22  # values that are brought to bytes at once, unless a sample has more


class Header(NamedTuple):
    """What an array is, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    length: int  # bytes of the header

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return math.prod(self.shape) * self.dtype.itemsize


class Member(NamedTuple):
    """An array of a file."""

    header: Header
    read: Callable[[], NDArray[Any]]
    beyond: int = 0  # bytes after it


def arrays(request: Request) -> Dataset:
    """Images, uint8 (N, C, H, W), (N, H, W, C) or (N, H, W), points, float (N, D), or binary vectors, (N, D).

    Binary vectors are of bool, or of integers 0 and 1 where there are labels.

    A file of states and actions holds demonstrations (`behaviour.demonstrations`).

    Images of other numbers are taken where a range of values was asked for. An .npz may add labels (N,), -1 where there
    is none, and conditions, float (N, K): a vector for each sample.

    Raises:
        DataError: the file is damaged, needs pickle, or holds something else, or several arrays of one meaning.
    """
    path = named(request.name)
    with _readable(path):
        members = _npz(path) if _is_archive(path) else _npy(path)
        if {"states", "actions"} <= members.keys():
            from zerosum.data.behaviour import demonstrations  # an extra, which nothing else needs

            read = {name: own.read() for name, own in members.items() if name in demonstrations.ARRAYS}
            return demonstrations.dataset(request.name, demonstrations.read(path, read))
        found = _chosen(path, members)
        values = members[found.samples].read()
        labels = None if found.labels is None else members[found.labels].read()
        vectors = None if found.conditions is None else members[found.conditions].read()
        each = any(of is not None and of.shape[:1] == values.shape[:1] for of in (labels, vectors))
        x, notes = _samples(path, values, request.reading, each)
        conditions = None if vectors is None else _conditions(path, vectors, len(x))
        y = None if labels is None else _labels(path, labels, len(x))
    if y is not None and measured({*map(str, y[y >= 0].tolist())}, int((y >= 0).sum())):
        raise DataError(
            f"{path} has {len(y.unique()):,} different labels for {len(y):,} samples, which are measurements and no "
            "classes; save them as `conditions`, floats (N, 1)"
        )
    y, classes, absent = (None, (), ()) if y is None else numbered(y)
    notes = (*notes, *found.notes, *absent)
    return dataset(request.name, x, y if classes else None, classes, conditions=conditions, notes=notes)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    cure = "save it again with numpy.savez(FILE, samples=...)"
    try:
        yield
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        if memory.is_failure(error):
            raise
        raise DataError(f"cannot read {path}: {error}; {cure}") from error
    except Exception as error:  # a hostile archive may have anything raised
        if memory.is_failure(error) or isinstance(error, (DataError, memory.OutOfMemoryError)):
            raise
        raise DataError(f"cannot read {path}: {type(error).__name__}: {error}; {cure}") from error


# -- files ------------------------------------------------------------------------------------------------------------


def _is_archive(path: Path) -> bool:
    """Whether it is an .npz, or an .npy: by what it holds, as `numpy.load` tells them."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


def _npy(path: Path) -> dict[str, Member]:
    with path.open("rb") as file:
        header = _header(file)
    left = path.stat().st_size - header.length - header.size
    if left < 0:
        raise ValueError(f"it is cut off: its header promises {header.size:,} bytes, of which {-left:,} are missing")

    def read() -> NDArray[Any]:
        if header.size == 0:
            return np.empty(header.shape, header.dtype)
        # "c": writes stay in memory
        flat = np.memmap(path, header.dtype, "c", header.length, (math.prod(header.shape),))
        return flat.reshape(header.shape, order="F" if header.fortran else "C")

    return {"arr_0": Member(header, read, left)}


def _npz(path: Path) -> dict[str, Member]:
    """The arrays of an archive, of which only the headers are read yet."""
    found: dict[str, Member] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename or info.is_dir():  # no array
                continue
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"its array {name} is compressed in a way that NumPy does not know")
            if name in found:
                raise ValueError(f"it has two arrays called {name}")
            with archive.open(info) as file:
                header = _header(file, name)
            if header.length + header.size != info.file_size:
                raise ValueError(
                    f"its array {name} is damaged: its header promises {header.size:,} bytes, and it has "
                    f"{max(0, info.file_size - header.length):,}"
                )
            found[name] = Member(header, partial(_read_member, path, info, header))
    if not found:
        raise ValueError("it holds no array")
    return found


def _read_member(path: Path, info: zipfile.ZipInfo, header: Header) -> NDArray[Any]:
    cure = "use fewer samples, or write them to an .npy file, which is read part by part"
    memory.require(2 * header.size, f"reading {path}", cure)
    content = bytearray(header.size)
    with zipfile.ZipFile(path) as archive, archive.open(info) as file:
        file.read(header.length)
        view, place = memoryview(content), 0
        while place < header.size:
            count = file.readinto(view[place : place + (1 << 24)])  # type: ignore[attr-defined]  # of BufferedIOBase
            if not count:
                raise ValueError(f"its array {info.filename} is cut off")
            place += count
        file.read(1)  # at its end the checksum is compared
    values: NDArray[Any] = np.frombuffer(content, header.dtype)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def _header(file: IO[bytes], name: str = "") -> Header:
    """The header of an array, by NumPy's own parser, of which hostile ones make anything; and what it may not say.

    Raises:
        ValueError: it is none, or one of other things than plain numbers.
    """
    head = io.BytesIO(file.read(HEADER))
    what = f"its array {name}" if name else "it"
    try:
        version = np.lib.format.read_magic(head)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"{what} is of version {version[0]}.{version[1]}, which has named fields")
        with warnings.catch_warnings():  # what Python's parser thinks of text in quotation marks
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read(head)
    except Exception as error:  # 64 KB of header make no shortage of memory
        said = f"{error}".splitlines() or [type(error).__name__]
        raise ValueError(f"{what} has a header that is none of an array ({said[0][:200]})") from error
    if dtype.hasobject:
        raise ValueError(f"{what} holds Python objects, which are not unpickled: they could run any code")
    if dtype.names is not None or dtype.subdtype is not None or dtype.kind not in "biufUS":
        raise ValueError(f"{what} holds {dtype}, no plain numbers")
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32 or dtype.itemsize == 0:
        raise ValueError(f"{what} has a shape that no array has")
    return Header(shape, dtype, bool(fortran), head.tell())


# -- which array is what ----------------------------------------------------------------------------------------------


class Chosen(NamedTuple):
    """The arrays of a file by their meaning."""

    samples: str
    labels: str | None
    conditions: str | None
    notes: tuple[str, ...]  # on those that are not read


def _chosen(path: Path, members: Mapping[str, Member]) -> Chosen:
    samples, labels, conditions = (_named(path, members, names) for names in (SAMPLES, LABELS, CONDITIONS))
    positional = [name for name in members if name.startswith(POSITIONAL)]
    if samples is None and "arr_0" in members:
        samples = "arr_0"
        others = [name for name in positional if name != samples]
        count = members[samples].header.shape[:1]
        are_labels = [name for name in others if _could_be_labels(members[name].header, count)]
        if labels is None and len(others) == 1 and are_labels:
            labels = others[0]
        elif others:
            raise DataError(
                f"{path} has {len(positional)} arrays without names, {_listed(members, positional)}, and which of them "
                "is what cannot be told; save it again with numpy.savez(FILE, samples=..., labels=...)"
            )
    if samples is None:
        raise DataError(f"{path} has the arrays {_listed(members, members)}; name the samples 'samples'")
    rest = [name for name in members if name not in (samples, labels, conditions)]
    like_labels = [n for n in rest if _could_be_labels(members[n].header, members[samples].header.shape[:1])]
    if labels is None and like_labels:
        raise DataError(
            f"{path} has {_listed(members, like_labels)} beside its samples {samples}, which could be their labels; "
            f"call them 'labels', or leave {'it' if len(like_labels) == 1 else 'them'} out"
        )
    notes = []
    if len(members) > 1:
        taken = [f"{samples} as samples", *([f"{labels} as labels"] if labels else [])]
        taken += [f"{conditions} as conditions"] if conditions else []
        left = f"; not read: {_listed(members, rest)}" if rest else ""
        notes.append(f"{path.name}: {', '.join(taken)}{left}")
    if beyond := members[samples].beyond:
        notes.append(f"{path.name}: {beyond:,} bytes after its array are not read")
    return Chosen(samples, labels, conditions, tuple(notes))


def _named(path: Path, members: Mapping[str, Member], names: Sequence[str]) -> str | None:
    """The array that has one of `names`; `DataError` where several have."""
    found = [member for member in members if member.lower() in names]
    # What classes are called is no second array of labels.
    found = [member for member in found if members[member].header.dtype.kind not in "US"] or found
    if len(found) > 1:
        raise DataError(
            f"{path} has both {' and '.join(found[:2])}, which could be the same thing; keep one of them, or call it "
            f"'{names[0]}' and the other by a name of its own"
        )
    return found[0] if found else None


def _could_be_labels(header: Header, count: tuple[int, ...]) -> bool:
    return header.dtype.kind in "iub" and header.shape in (count, (*count, 1)) and len(count) == 1


def _listed(members: Mapping[str, Member], names: Any) -> str:
    shown = [f"{name} {members[name].header.dtype} {members[name].header.shape}" for name in names]
    return ", ".join(shown[:10]) + (" ..." if len(shown) > 10 else "")


# -- samples ----------------------------------------------------------------------------------------------------------


def _samples(path: Path, values: NDArray[Any], reading: Reading, each: bool) -> tuple[Tensor, tuple[str, ...]]:
    """Samples as they are stored, and what they were taken for where that can be doubted.

    `each`: there is a label or a vector for each along the first axis, which then counts samples.
    """
    if values.size == 0 or values.ndim == 0:
        raise DataError(f"{path} holds no samples, as its shape is {values.shape}; give a file that does")
    if values.dtype.kind == "f" and values.ndim == 2:
        return _points(path, values, reading), ()
    if values.dtype.kind in "biu" and values.ndim == 2 and (each or values.dtype == np.bool_):
        return _binary(path, values, reading), ()
    as_images, note = _as_images(path, values, each)
    if values.dtype == np.uint8:
        plain = _plain(path, as_images)
        if reading.value_range is None:
            return torch.from_numpy(plain), note
    elif reading.value_range is None or values.dtype.kind not in "iufb":
        raise DataError(f"{path} holds {values.dtype} {values.shape}{_ends(values)}; images are uint8; {RANGE}")
    scaled, said = _scaled(path, as_images, reading.value_range)
    return torch.from_numpy(scaled), (*note, said)


def _points(path: Path, values: NDArray[Any], reading: Reading) -> Tensor:
    if reading.value_range is not None:
        raise DataError(f"{path} holds points, and --value-range is of images; leave it out")
    count, width = values.shape
    if values.dtype != np.float32 or not values.flags.c_contiguous:
        memory.require(4 * values.size, f"{path} as float32", "save it so, and it is read part by part")
    largest = np.finfo(np.float32).max
    rows = max(1, ROWS // width)
    parts = (values[k : k + rows] for k in range(0, count, rows))
    if not all(bool((np.abs(part) <= largest).all()) for part in parts):
        raise DataError(
            f"{path} has points that are not finite, or beyond float32's {largest:.3g}; remove or scale them"
        )
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _binary(path: Path, values: NDArray[Any], reading: Reading) -> Tensor:
    if reading.value_range is not None:
        raise DataError(f"{path} holds binary vectors, and --value-range is of images; leave it out")
    if values.dtype == np.bool_ and values.flags.c_contiguous:
        return torch.from_numpy(values)
    memory.require(values.size, f"{path} as booleans", "save it so, and it is read part by part")
    rows = max(1, ROWS // values.shape[1])
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        if (wrong := part[(part != 0) & (part != 1)]).size:
            raise DataError(
                f"{path} holds {values.dtype} {values.shape} with the value {wrong[0]}, and features are 0 or 1: make "
                "others so, as `counts > 0`; measurements are floats (N, D)"
            )
    return torch.from_numpy(np.ascontiguousarray(values, np.bool_))


def _as_images(path: Path, values: NDArray[Any], each: bool) -> tuple[NDArray[Any], tuple[str, ...]]:
    """A view (N, C, H, W), and what it was taken for; `DataError` where that cannot be, or cannot be told."""
    shape, dtype = values.shape, values.dtype
    holds = f"{path} holds {dtype} {shape}"
    if len(shape) == 2:
        few = f"a single grey image is saved as (1, 1, {shape[0]}, {shape[1]})"
        raise DataError(f"{holds}; images are uint8 (N, C, H, W), points are float (N, D), binary vectors bool; {few}")
    if len(shape) == 3:
        n, h, w = shape
        if not each and (w in (2, 3, 4) or n == 3):
            raise DataError(
                f"{holds}, which is one image with {w if w in (2, 3, 4) else n} channels, or {n} grey ones of {h}x{w}; "
                f"save one image as x[None], {(1, *shape)}, and grey ones as x[:, None], {(n, 1, h, w)}"
            )
        said = f"{path.name} {shape} was taken for {n:,} grey {'image' if n == 1 else 'images'} of {h}x{w}"
        return values[:, None], (said,)
    if len(shape) == 4:
        first, last = shape[1] in (1, 3), shape[3] in (1, 3)
        if first:
            said = f"{path.name} {shape} was taken for (N, C, H, W): {shape[1]} channels of {shape[2]}x{shape[3]}"
            return values, (said,) if last else ()
        if last:
            return values.transpose(0, 3, 1, 2), ()
        few, last = (side <= CHANNELS < min(rest) for side, rest in ((shape[1], shape[2:]), (shape[3], shape[1:3])))
        if few != last:
            view = values if few else values.transpose(0, 3, 1, 2)
            said = f"{path.name} {shape} was taken for images of {view.shape[1]} channels"
            return view, (f"{said}; leave transparency out" if view.shape[1] == 4 else said,)
    raise DataError(
        f"{holds}; images are uint8 (N, C, H, W) or (N, H, W, C), with C of 1 or 3, or up to {CHANNELS} and below H "
        "and W, points are float (N, D)"
    )


def _plain(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    if not values.flags.c_contiguous:
        memory.require(values.nbytes, f"reading {path}", "save it as uint8 (N, C, H, W), which is read part by part")
    return np.ascontiguousarray(values)


def _scaled(path: Path, values: NDArray[Any], asked: tuple[float, float] | None) -> tuple[NDArray[np.uint8], str]:
    """Images in bytes, of which the ends of the range that was asked for are black and white, and what they held."""
    assert asked is not None
    black, white = asked
    memory.require(values.size, f"{path} in bytes", "use fewer samples")
    pixels = np.empty(values.shape, np.uint8)
    rows = max(1, ROWS // max(1, values[0].size))
    low, high = math.inf, -math.inf
    for start in range(0, len(values), rows):
        part = np.asarray(values[start : start + rows], np.float64)
        if not np.isfinite(part).all():
            raise DataError(f"{path} has values that are not finite; remove them")
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        pixels[start : start + rows] = ((part - black) * (255 / (white - black))).clip(0, 255) + 0.5
    beyond = ", and values beyond were cut off" if low < black or high > white else ""
    said = f"{path.name} holds values from {low:g} to {high:g}; {black:g} became black and {white:g} white{beyond}"
    return pixels, said


def _ends(values: NDArray[Any]) -> str:
    """` with values from -1 to 1`, of a part of them."""
    if values.dtype.kind not in "iufb":
        return ""
    part = np.asarray(values[: max(1, ROWS // max(1, values[0].size))], np.float64)
    return f" with values from {np.nanmin(part):g} to {np.nanmax(part):g}" if not np.isnan(part).all() else ""


def _labels(path: Path, values: NDArray[Any], count: int) -> Tensor:
    if values.shape == (count, 1):
        values = values[:, 0]
    wrong, kind = f"{path} has labels {values.dtype} {values.shape}", values.dtype.kind
    wanted = f"give {count} whole numbers from 0 on, or -1 where there is none"
    if values.ndim == 2 and len(values) == count:
        raise DataError(f"{wrong}; {wanted}: of one-hot rows, labels.argmax(1)")
    if values.shape != (count,):
        raise DataError(f"{wrong}; {wanted}")
    if kind == "f":
        raise DataError(f"{wrong}; {wanted}: labels.astype(int); what measures is `conditions`, floats (N, 1)")
    if kind not in "iub":
        raise DataError(f"{wrong}; {wanted}: numpy.unique(labels, return_inverse=True)[1]")
    low, high = int(values.min()), int(values.max())
    if low < -1 or high >= 2**63:
        raise DataError(f"{wrong} from {low} to {high}; {wanted}")
    return torch.from_numpy(values.astype(np.int64))


def _conditions(path: Path, values: NDArray[Any], count: int) -> Tensor:
    if values.dtype.kind != "f" or values.ndim != 2 or len(values) != count or values.shape[1] == 0:
        raise DataError(f"{path} has conditions {values.dtype} {values.shape}; give floats ({count}, K)")
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise DataError(f"{path} has conditions that are not finite; remove them, and their samples")
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
