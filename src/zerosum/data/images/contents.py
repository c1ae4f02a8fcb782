"""What the files of a folder hold, by their first bytes and not by their names: images, what zerosum wrote, and others.

Zerosum marks what it draws: a PNG by its chunk `Software`, a GIF by its comment. A run directory is known by its
`run.json`, a synthesised folder by its `synthesis.json`.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from zerosum.data.dataset import DataError, Problem
from zerosum.util.text import abbreviate, legible

HEAD = 4096  # bytes that are looked at
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tga"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".avif"),
)  # of images: what is called so and is none is a damaged one
PICTURE, IMAGE = "zerosum picture", "zerosum image"  # marks: of grids, films and plots; of images that were made
RAW = (".cr2", ".cr3", ".nef", ".dng", ".arw", ".orf", ".rw2", ".pef", ".srw", ".raf")  # TIFF with a small preview
OF_RUN = re.compile(
    r"run\.json|(metrics|health)\.jsonl|(samples|neighbours|interpolation|codes|health|(samples|codes)-seed-.*)\.png|"
    r"samples\.(txt|gif|wav)|film\.gif|samples-seed-.*\.gif|report\.html|evaluation\.json|predictions\.csv|"
    r"(generator|discriminator|classifier|translator|translator-back)\.onnx"
)
FRAME = re.compile(r"step-\d+\.png")  # in a run's `samples`
RUN, SYNTHESIS = {"format", "recipe", "training", "data"}, {"run", "recipe", "classes"}  # keys of the two records
LARGEST = 1 << 24  # bytes of one
NAMED = 3  # files of a kind that a note names

# -- one file ---------------------------------------------------------------------------------------------------------

ARRAY, ARCHIVE = "array", "archive"
PACKED = (".zip", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2", "")  # endings of archives; documents are such files, too
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"}  # of ISO media files: those that are read
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_READ = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]")),
    ("BMP", re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)),
    ("PPM", re.compile(rb"P[1-6]\s+(#.*\s+)*\d+\s+\d+\s")),
    ("JPEG2000", re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n")),
)
_TGA = re.compile(rb".[\0\x01][\x01-\x03\x09-\x0b].{13}[\x08\x0f\x10\x18\x20]", re.DOTALL)  # it has no magic number
_OTHERS = (
    ("JPEG XL", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n")),
    ("Photoshop", re.compile(rb"8BPS")),
    ("SVG", re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)),
    ("OpenEXR", re.compile(rb"v/1\x01")),
    ("DICOM", re.compile(rb".{128}DICM", re.DOTALL)),
    ("QOI", re.compile(rb"qoif")),
    ("PDF", re.compile(rb"%PDF")),
    ("EPS", re.compile(rb"%!PS|\xc5\xd0\xd3\xc6")),
    ("FITS", re.compile(rb"SIMPLE  =")),
    ("Radiance", re.compile(rb"#\?(RADIANCE|RGBE)\s")),
    ("DDS", re.compile(rb"DDS \x7c\0\0\0")),
    ("XCF", re.compile(rb"gimp xcf")),
    ("SGI", re.compile(rb"\x01\xda[\0\1][\1\2]\0[\1-\3]")),
    ("ICO", re.compile(rb"\0\0[\1\2]\0[^\0]\0")),
    ("ICNS", re.compile(rb"icns")),
    ("PCX", re.compile(rb"\x0a[\0\2-\5]\x01[\1\2\4\x08]")),
    (ARRAY, re.compile(rb"\x93NUMPY")),
    ("video", re.compile(rb"RIFF....AVI |\x1aE\xdf\xa3|\0\0\x01\xba", re.DOTALL)),
    (ARCHIVE, re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|\xfd7zXZ|BZh")),
)
CONVERTED = (  # pictures, too
    *("HEIF", "JPEG XL", "Photoshop", "SVG", "OpenEXR", "DICOM", "QOI", "camera raw", "PDF"),
    *("EPS", "FITS", "Radiance", "DDS", "XCF", "SGI", "ICO", "ICNS", "PCX"),
)


def kind(head: bytes, name: str) -> tuple[str, bool]:
    """What a file is that begins with `head`, and whether zerosum reads it as an image: ("PNG", True), ("HEIF", False).

    The name counts alone where the bytes of two kinds are alike. Of what is not known, the kind is the file's ending.
    """
    suffix = os.path.splitext(name)[1].lower()
    if suffix in RAW:
        return "camera raw", False
    for known, magic in _READ:
        if magic.match(head):
            return known, True
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return _BRANDS.get(brand) or ("HEIF" if brand in _HEIF else "video"), brand in _BRANDS
    if suffix == ".tga" and _TGA.match(head):
        return "TGA", True
    for known, magic in _OTHERS:
        if magic.match(head):
            known = ARRAY if suffix == ".npz" else known
            return suffix if known == ARCHIVE and suffix not in PACKED else known, False
    return suffix or "without an ending", False


def without_ending_of_image(name: str) -> str:
    """`scan` of `scan.png`; `scan v1.5` as it is."""
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in SUFFIXES else name


def holds_image(path: Path) -> bool:
    """Whether a file is an image that zerosum reads, or is called so."""
    return path.suffix.lower() in SUFFIXES or (path.is_file() and kind_of(path)[1])


def kind_of(path: Path) -> tuple[str, bool]:
    """`kind` of a file that can be read."""
    return kind(_head(str(path)), path.name)


def mark(head: bytes) -> str:
    """PICTURE or IMAGE where zerosum wrote the PNG or GIF that begins with `head`, else ""."""
    if not head.startswith((b"\x89PNG", b"GIF8")):
        return ""
    return next((known for known in (PICTURE, IMAGE) if known.encode() in head), "")


def mark_of(path: Path) -> str:
    """`mark` of a file that can be read."""
    return mark(_head(str(path)))


def is_record(path: str, keys: Set[str]) -> bool:
    """Whether this is JSON of zerosum's: an object with these keys, and perhaps others."""
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            return False
        with open(path, "rb") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= keys


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


# -- a folder ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """A file that is an image, or is called so."""

    name: str  # relative to the folder, with "/" on every system, in legible letters
    path: str
    stat: os.stat_result
    made: bool  # by zerosum


@dataclass
class Inventory:
    """What the files of a folder hold; names are relative to it."""

    images: list[Image] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)  # files that are no images, by their kind
    hidden: list[str] = field(default_factory=list)  # files and folders
    runs: dict[str, int] = field(default_factory=dict)  # run directories, and how many pictures each has
    drawn: list[str] = field(default_factory=list)  # pictures that zerosum drew elsewhere

    def used(self) -> list[Image]:
        """The images in the order of their names, without those that zerosum made where there are others."""
        others = [image for image in self.images if not image.made]
        return sorted(others or self.images, key=lambda image: image.name)

    def notes(self, read: Collection[str] = ()) -> tuple[str, ...]:
        """All that is passed over, counted and named, but for the files that were `read` otherwise."""
        lines = []
        if self.runs:
            named = [f"{name} ({_counted(count, 'picture')})" for name, count in sorted(self.runs.items())]
            lines.append(f"left out what runs of zerosum wrote: {', '.join(abbreviate(named))}")
        if self.drawn:
            lines.append(f"left out {_counted(len(self.drawn), 'picture')} that zerosum drew: {_few(self.drawn)}")
        made = [image.name for image in self.images if image.made]
        if 0 < len(made) < len(self.images):
            lines.append(
                f"left out {_counted(len(made), 'image')} that zerosum made: {_few(made)}; to train on them, name a "
                "folder that has no others"
            )
        passed = {what: [name for name in names if name not in read] for what, names in sorted(self.passed.items())}
        if total := sum(map(len, passed.values())):
            listed = [f"{len(names):,} {what} ({_few(names)})" for what, names in passed.items() if names]
            convert = [what for what in CONVERTED if passed.get(what)]
            cure = f"; to train on {' and '.join(convert)}, convert them to PNG or JPEG" if convert else ""
            cure += "; to train on what archives hold, unpack them" if passed.get(ARCHIVE) else ""
            cure += "; arrays are data on their own: put all in one file, and name that" if passed.get(ARRAY) else ""
            lines.append(f"passed over {_counted(total, 'file')} without an image to read: {', '.join(listed)}{cure}")
        if self.hidden:
            what = "hidden file or folder" if len(self.hidden) == 1 else "hidden files and folders"
            lines.append(f"passed over {len(self.hidden):,} {what}: {_few(self.hidden)}")
        return tuple(lines)


def look(root: Path, without: Path | None = None) -> Inventory:
    """Look at all files below `root`, following links, not into hidden folders, nor into the folder `without`.

    Raises:
        DataError: the folder itself cannot be read.
    """
    passed = frozenset[tuple[int, int]]()
    if without is not None and without.exists():
        about = without.stat()
        passed = frozenset([(about.st_dev, about.st_ino)])
    found, left = Inventory(), [_Folder(str(root), "", passed, made=False)]
    while left:  # not by recursion: folders may be nested deeper than Python's calls
        left += _look(found, left.pop())
    found.problems.sort(key=lambda problem: problem.path)
    return found


class _Folder(NamedTuple):
    """A folder that is to be looked into."""

    path: str
    prefix: str  # what the names of its files begin with
    above: frozenset[tuple[int, int]]  # the device and the inode of each folder that it lies in, or that is passed over
    made: bool  # it is part of a folder that zerosum made
    frames_of: str | None = None  # the run whose `samples` it is


def _look(found: Inventory, folder: _Folder) -> list[_Folder]:
    """Look into a folder; those that lie in it."""
    path, prefix, above, made, frames_of = folder
    try:
        about = os.stat(path)
        if (own := (about.st_dev, about.st_ino)) in above:  # a link leads back up, or it is passed over
            return []
        with os.scandir(path) as inside:
            entries = sorted(inside, key=lambda entry: entry.name)
    except OSError as error:
        if not prefix:
            raise DataError(f"cannot read the folder {path}: {error.strerror}; check its permissions") from error
        found.problems.append(Problem(prefix, error.strerror or str(error)))
        return []
    inner: list[_Folder] = []
    names = {entry.name for entry in entries}
    run = prefix.rstrip("/") or "this folder itself"
    is_own = "run.json" in names and is_record(os.path.join(path, "run.json"), RUN)
    if is_own:
        found.runs[run] = 0
    if prefix and "synthesis.json" in names:
        made = made or is_record(os.path.join(path, "synthesis.json"), SYNTHESIS)
    for entry in entries:
        name = f"{prefix}{legible(entry.name)}"
        if entry.name.startswith("."):
            if not (is_own and entry.name == ".lock"):
                found.hidden.append(name)
        elif _is_folder(entry):
            if not (is_own and entry.name in ("checkpoints", "tensorboard")):
                its_frames = run if is_own and entry.name == "samples" else None  # which may have been there before
                inner.append(_Folder(entry.path, f"{name}/", above | {own}, made, its_frames))
        elif is_own and OF_RUN.fullmatch(entry.name):
            found.runs[run] += entry.name.endswith((".png", ".gif"))
        elif frames_of is not None and FRAME.fullmatch(entry.name):
            found.runs[frames_of] += 1
        else:
            _judge(found, entry, name, made)
    return inner


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where nobody may look
        return False


def _judge(found: Inventory, entry: os.DirEntry[str], name: str, made: bool) -> None:
    """Add a file to what was found."""
    called = os.path.splitext(entry.name)[1].lower() in SUFFIXES
    try:
        about = entry.stat()
        head = _head(entry.path) if stat.S_ISREG(about.st_mode) else None
    except OSError as error:
        found.problems.append(Problem(name, error.strerror or str(error)))
        return
    if head is None:  # reading a pipe would wait for ever
        found.passed.setdefault("pipes and devices", []).append(name)
        return
    what, readable = kind(head, entry.name)
    written = mark(head)
    if written == PICTURE:
        found.drawn.append(name)
    elif readable or called:
        found.images.append(Image(name, entry.path, about, made or written == IMAGE))
    else:
        found.passed.setdefault(what, []).append(name)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _few(names: list[str]) -> str:
    return ", ".join(sorted(names)[:NAMED]) + (" ..." if len(names) > NAMED else "")
