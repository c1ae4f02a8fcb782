"""A folder of images: found recursively, labelled by a file beside them or by its sub-folders, decoded once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from zerosum.data.dataset import MOST, DataError, Dataset, Problem, Progress, dataset, with_progress
from zerosum.data.images.captions import read_captions
from zerosum.data.images.contents import Inventory, look
from zerosum.data.images.decode import Encoded, Probe, decode_all, probe_all, with_frames
from zerosum.data.images.labels import read_label_file
from zerosum.data.images.pack import Contents, Pack, cached, stamp
from zerosum.data.request import AS_STORED, Reading, Request
from zerosum.data.text.captions import with_captions
from zerosum.util.files import named

LARGEST = 256  # pixels: images that all have one size up to this keep it
DEFAULT = (64, 64)  # (H, W) of all others


@dataclass(frozen=True)
class Listing:
    """The image files of a folder, in the order of their relative names."""

    root: Path
    items: tuple[Encoded, ...]  # `path` is relative to the root, with "/" on every system
    stamps: tuple[tuple[str, int, int, int], ...]  # relative name, bytes, times of change in ns: see `stamp`
    problems: tuple[Problem, ...]  # sub-folders and files that cannot be looked at
    inventory: Inventory

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is there, and is passed over."""
        return self.inventory.notes()


def listing(root: Path) -> Listing:
    """Find the images under `root`: by what the files hold, following links, without hidden ones and zerosum's own.

    Raises:
        DataError: the folder cannot be read or holds no image.
    """
    return listed(root, look(root))


def listed(root: Path, inventory: Inventory) -> Listing:
    """`listing` of what was found under `root`."""
    images = inventory.used()
    if not images:
        said = [*map(str, inventory.problems[:1]), *inventory.notes()]
        cure = "give a folder of PNG, JPEG or other images"
        raise DataError(f"no image in {root} or its sub-folders{'; '.join(['', *said, cure])}")
    return Listing(
        root,
        tuple(Encoded(image.name, -1, Path(image.path)) for image in images),  # labels may change, pixels do not
        tuple((image.name, *stamp(image.stat)) for image in images),
        tuple(inventory.problems),
        inventory,
    )


def packed(
    found: Listing,
    size: tuple[int, int] | None,
    progress: Progress | None,
    halves: bool = False,
    reading: Reading = AS_STORED,
) -> Pack:
    """The images decoded, from the cache where they are there already.

    They have 1 channel if every image is grey by its mode or palette, else 3, or 4 where opacity is kept; and `size`
    (H, W), by default their common size if they share one of at most 256 pixels a side, else 64x64. Of `halves`, each
    half is scaled alone.

    Raises:
        DataError: no image can be read, or the cache cannot be written.
    """

    def build() -> Contents:
        probes = list(with_progress("looking at images", probe_all(found.items), len(found.items), progress))
        items, probes = with_frames(found.items, probes, reading.frames)
        channels, shape = layout([probe for probe in probes if isinstance(probe, Probe)], size, reading)
        decoded = decode_all(items, channels, shape, halves, reading)
        rows = with_progress("decoding images", decoded, len(items), progress)
        return (channels, *shape), rows, len(items)

    how = ["halves" if halves else "folder", size, *how_read(reading)]
    return cached(str(found.root), [os.path.realpath(found.root), *how], [found.stamps, *how], build)


def how_read(reading: Reading) -> list[object]:
    """JSON-able; what the cache keeps images apart by, so that those of older versions are found."""
    return [reading.value_range, reading.frames, *(["RGBA"] if reading.alpha == "keep" else [])]


def layout(
    probes: list[Probe], size: tuple[int, int] | None, reading: Reading = AS_STORED
) -> tuple[int, tuple[int, int]]:
    """The number of channels and (H, W) to train with."""
    channels = 4 if reading.alpha == "keep" else 1 if all(probe.grey for probe in probes) else 3
    if size is not None:
        return channels, size
    sizes = {(probe.height, probe.width) for probe in probes}
    common = next(iter(sizes)) if len(sizes) == 1 else DEFAULT
    return channels, common if max(common) <= LARGEST else DEFAULT


def folder(request: Request) -> Dataset:
    """The images under the folder that the request names."""
    return with_files(request)[0]


def with_files(request: Request) -> tuple[Dataset, tuple[str, ...]]:
    """The images of a folder with their classes or vectors and captions, and the name of each, relative to the folder.

    Raises:
        DataError: it cannot be read, holds no readable image, or a file of labels that cannot be used.
    """
    found = listing(named(request.name))
    names = [item.path for item in found.items]
    marks = read_label_file(found.root, names)
    pack = packed(found, request.size, request.progress, reading=request.reading)
    marks = marks.of(pack.files)
    y = marks.y(pack.files)
    data = dataset(
        request.name,
        pack.x,
        y,
        marks.classes,
        conditions=marks.conditions(pack.files),
        problems=found.problems + marks.problems + pack.problems,
        digest=pack.digest,
        notes=(*found.inventory.notes(marks.read), *marks.notes, *_singles(y), *pack.notes),
        files=pack.files,
    )
    if not any(table.has_text for table in marks.tables):
        return data, pack.names
    said = read_captions(marks.tables, names)
    return with_captions(data, [said.of.get(file, []) for file in pack.files], said.problems), pack.names


def _singles(y: Tensor | None) -> tuple[str, ...]:
    """A line where most of many classes (N,) have one image alone, as measurements, dates and captions have."""
    counts = [] if y is None else y[y >= 0].bincount().tolist()
    if len(counts) <= MOST or 2 * counts.count(1) <= len(counts):
        return ()
    return (
        f"{counts.count(1):,} of the {len(counts):,} classes have a single image: make numbers that measure a column "
        "condition_..., and give names of kinds",
    )
