"""Bring any images, or points, to the shape that a network learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, Problem, Progress, dataset, fingerprint_of
from zerosum.data.images.contents import holds_image
from zerosum.data.images.decode import Encoded, Probe, Row, decode_all, frame_name, probe, with_frames
from zerosum.data.images.folder import layout, with_files
from zerosum.data.images.pack import Notes
from zerosum.data.images.resize import CHUNK, resized
from zerosum.data.request import AS_STORED, NOTHING, Asked, Reading, Request
from zerosum.data.sources import check_reading, find, from_folder, read_as, reads_pictures
from zerosum.modality import Image, Modality
from zerosum.util.files import named
from zerosum.util.luma import LUMA
from zerosum.util.text import legible

OPAQUE = 255  # in the last channel of RGBA
IN_16_BITS = tuple(round(65_536 * weight) for weight in LUMA)  # (19595, 38470, 7471), as Pillow has them


@dataclass(frozen=True, eq=False)
class Fitted:
    """Data at the shape that was asked for."""

    data: Dataset
    files: tuple[str, ...]  # of each sample: the name of its file relative to the folder, or its number
    note: str = ""  # what was changed beyond size

    @property
    def notes(self) -> tuple[str, ...]:
        """How files were taken, what was passed over, and what was changed."""
        return (*self.data.notes, *filter(None, [self.note]))


def fitted(
    name: str,
    modality: Modality,
    *,
    field: str = "x",
    data_dir: Path | None = None,
    progress: Progress | None = None,
    asked: Asked = NOTHING,
    reading: Reading = AS_STORED,
) -> Fitted:
    """All samples of `name`, as `load` takes it, or of a single image file, as `modality` has them.

    They are those of `field`, where the data has it. Files are read as `asked`, and otherwise as `reading` says.

    Images are scaled and cropped as for training. Colour is turned grey, and grey is repeated for red, green and blue,
    where `modality` asks for it.

    Raises:
        DataError: there is nothing of that name, nothing readable, or nothing that could be brought to this form.
    """
    size = modality.size if isinstance(modality, Image) else None
    loaded, files = _read(name, field, size, data_dir, progress, asked, reading)
    if size is not None and isinstance(loaded.modality, Image):
        loaded = resized(loaded, size)
    if loaded.modality == modality:
        return Fitted(loaded, files)
    if isinstance(modality, Image) and isinstance(loaded.modality, Image):
        channels = (loaded.modality.channels, modality.channels)
        if asked.over(reading).alpha == "keep" and channels in ((1, 4), (3, 4)):
            colours = loaded.x.expand(-1, 3, -1, -1)
            x = torch.cat([colours, torch.full_like(colours[:, :1], OPAQUE)], 1)
            mark = fingerprint_of(f"{loaded.fingerprint} opaque")
            note = "what has no opacity was taken for opaque, as the network learnt RGBA"
            return Fitted(loaded.with_samples(modality, x, mark), files, note)
        if channels in ((3, 1), (1, 3)):
            to_grey = channels == (3, 1)
            x = grey(loaded.x) if to_grey else loaded.x.expand(-1, 3, -1, -1)
            mark = fingerprint_of(f"{loaded.fingerprint} {'grey' if to_grey else 'repeated'}")
            note = f"{'colour was turned grey' if to_grey else 'grey was taken for colour'}, as the network learnt it"
            return Fitted(loaded.with_samples(modality, x, mark), files, note)
    raise DataError(f"{name} holds {loaded.modality}, but {modality} are needed; give other data")


def grey(x: Tensor) -> Tensor:
    """Colour images, uint8 (N, 3, H, W), to grey ones, (N, 1, H, W), with the weights and the rounding of Pillow."""
    weights = torch.tensor(IN_16_BITS, dtype=torch.int32)[:, None, None]
    parts = [((part.int() * weights).sum(1, keepdim=True) + 2**15) >> 16 for part in x.split(CHUNK)]
    return torch.cat(parts).to(torch.uint8)


def _read(
    name: str,
    field: str,
    size: tuple[int, int] | None,
    data_dir: Path | None,
    progress: Progress | None,
    asked: Asked,
    usual: Reading,
) -> tuple[Dataset, tuple[str, ...]]:
    """The samples with their names; those of folders at `size` already, as only decoding at that size makes them."""
    path, reading = named(name), asked.over(usual)
    if path.is_file() and holds_image(path):
        return _of_file(path, size, reading)
    if find(name)[0] is from_folder:
        check_reading(name, reading)
        return with_files(Request(name, size=size, progress=progress, reading=reading))
    check_reading(name, asked.over(AS_STORED))
    if asked.frames == "all" and not reads_pictures(name):
        raise DataError(f"{name} holds arrays, which have no frames: --frames all is of image files; leave it out")
    loaded = read_as(reading, name, data_dir=data_dir, progress=progress).of(field)
    files = loaded.files.get(loaded.fields[loaded.samples].deck)
    return loaded, files or tuple(str(k) for k in range(len(loaded.x)))


def _of_file(path: Path, size: tuple[int, int] | None, reading: Reading) -> tuple[Dataset, tuple[str, ...]]:
    """A single image file, of which all frames are read where that is asked for."""
    check_reading(str(path.parent), reading)
    item = Encoded(legible(path.name), -1, path)
    items, headers = with_frames([item], [probe(item)], reading.frames)
    readable = [header for header in headers if isinstance(header, Probe)]
    found = list(decode_all(items, *layout(readable, size, reading), reading=reading)) if readable else headers
    rows, notes = [row for row in found if isinstance(row, Row)], Notes()
    if not rows:
        problem = next(problem for problem in found if isinstance(problem, Problem))
        raise DataError(f"cannot read {path}: {problem.reason}; give another image")
    for row in rows:
        notes.add(row)
    x = torch.stack([torch.from_numpy(row.pixels.copy()) for row in rows])
    problems = tuple(problem for problem in found if isinstance(problem, Problem))
    data = dataset(item.path, x, problems=problems, notes=tuple(notes.lines()))
    return data, tuple(frame_name(item.path, row.frame) for row in rows)
