"""Every reader of files that come from elsewhere: small files that it reads, and how it is called."""

from __future__ import annotations

import functools
import gzip
import io
import json
import lzma
import random
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tests.torture.fuzz_mutations import mutated, with_checksums

import zerosum
from zerosum.data import check, load
from zerosum.data.images import cifar, pack
from zerosum.data.images.decode import Encoded, Probe, Row, decode_all, frame_name, probe_all, with_frames
from zerosum.data.images.folder import layout
from zerosum.data.images.idx import read_idx
from zerosum.data.request import Reading
from zerosum.errors import ZerosumError
from zerosum.evaluation import protocol
from zerosum.health.history import History
from zerosum.health.verdicts import diagnose
from zerosum.report import curves
from zerosum.report import write as write_report
from zerosum.run.directory import RunDirectory
from zerosum.run.loaded import load as load_run

Read = Callable[[Path, bytes], object]  # of a folder of its own, and the content


@dataclass(frozen=True)
class Reader:
    """What is fuzzed."""

    seeds: Callable[[], list[bytes]]
    read: Read
    text: bool = False
    wrap: Callable[[bytes, random.Random], bytes] = lambda content, draw: content  # round what was mutated

    def input(self, draw: random.Random) -> bytes:
        seeds = _seeds(self.seeds)
        return self.wrap(mutated(draw.choice(seeds), seeds, draw, self.text), draw)


@functools.cache
def _seeds(make: Callable[[], list[bytes]]) -> list[bytes]:
    return make()


# -- arrays -----------------------------------------------------------------------------------------------------------


def _npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, values)
    return file.getvalue()


def _arrays() -> list[bytes]:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (3, 4, 5, 3), np.uint8)
    others = [pixels.transpose(0, 3, 1, 2).copy(), pixels[..., 0].copy(), np.asfortranarray(pixels)]
    others += [draw.normal(size=(6, 2)), draw.normal(size=(6, 2)).astype(">f4"), pixels.astype(np.uint16)]
    return [_npy(values) for values in (pixels, *others)]


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(f"{name}.npy", member)
    return file.getvalue()


def _zipped(content: bytes, draw: random.Random) -> bytes:
    """An archive whose samples, labels or conditions are what was mutated."""
    good = _npy(np.zeros((3, 3, 4, 5), np.uint8))
    compression = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    return _zip(
        draw.choice(({"x": content}, {"x": good, "y": content}, {"x": good, "conditions": content})), compression
    )


def _members() -> list[bytes]:
    three = [_npy(np.array([0, 1, 1])), _npy(np.zeros((3, 2))), _npy(np.array([[2], [0], [1]], ">i2"))]
    return [*_arrays(), *three, *three]


def _archives() -> list[bytes]:
    draw = np.random.default_rng(0)
    samples, labels = _npy(draw.integers(0, 256, (3, 3, 4, 5), np.uint8)), _npy(np.array([0, 1, 1]))
    conditions = _npy(draw.normal(size=(3, 2)))
    return [
        _zip({"samples": samples, "labels": labels, "conditions": conditions}),
        _zip({"arr_0": samples, "arr_1": labels}, zipfile.ZIP_DEFLATED),
        _zip({"x": conditions}, zipfile.ZIP_DEFLATED),
    ]


def _load_array(ending: str, folder: Path, content: bytes) -> object:
    path = folder / f"a{ending}"
    path.write_bytes(content)
    ranged = (0.0, 255.0) if len(content) % 2 else None
    return load(str(path), value_range=ranged)


# -- images -----------------------------------------------------------------------------------------------------------


def _saved(ending: str, *images: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    more = {"save_all": True, "append_images": list(images[1:])} if len(images) > 1 else {}
    images[0].save(file, {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(ending, ending), **more, **options)
    return file.getvalue()


def _images(ending: str) -> list[bytes]:
    draw = np.random.default_rng(1)
    colour = Image.fromarray(draw.integers(0, 256, (12, 10, 3), np.uint8))
    grey = colour.convert("L")
    deep = Image.fromarray(draw.integers(0, 4096, (12, 10)).astype(np.uint16))
    number, real = (Image.fromarray(draw.integers(0, 200, (12, 10)).astype(kind)) for kind in (np.int32, np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    match ending:
        case "png":
            return [
                *(_saved(ending, image) for image in (colour, grey, deep, colour.quantize(5), colour.convert("RGBA"))),
                *(_saved(ending, grey.convert("LA")), _saved(ending, grey, colour.convert("L").rotate(90))),
                _saved(ending, colour, exif=exif),
            ]
        case "jpg":
            plain = [_saved(ending, image) for image in (colour, grey, colour.convert("CMYK"))]
            return [*plain, _saved(ending, colour, progressive=True), _saved(ending, colour, exif=exif)]
        case "tif":
            plain = [_saved(ending, image) for image in (colour, grey, deep, number, real, grey.convert("1"))]
            packed = [
                _saved(ending, colour, compression=name) for name in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")
            ]
            return [*plain, *packed, _saved(ending, grey, deep, colour)]
        case "gif":
            return [
                _saved(ending, colour),
                _saved(ending, grey),
                _saved(ending, grey, grey.rotate(90), grey.rotate(180)),
            ]
        case "webp":
            return [
                _saved(ending, colour),
                _saved(ending, colour.convert("RGBA"), lossless=True),
                _saved(ending, colour, grey),
            ]
        case "avif":
            return [_saved(ending, colour, speed=10), _saved(ending, colour, colour.rotate(180), speed=10)]
        case "ppm":
            more = [
                b"P2 2 2 9999\n1 2 3 4\n",
                b"P1 2 2\n1 0 0 1\n",
                b"P5 2 2 65535\n" + bytes(8),
                b"Pf\n2 2\n-1.0\n" + bytes(16),
            ]
            return [_saved(ending, colour), _saved(ending, grey), *more]
    return [_saved(ending, colour), _saved(ending, grey)]


def _decode(ending: str, folder: Path, content: bytes) -> object:
    path = folder / f"a.{ending}"
    path.write_bytes(content)
    reading = Reading((0, 255) if len(content) % 2 else None, "all")
    items, headers = with_frames([item := Encoded(path.name, 0, path)], list(probe_all([item])), reading.frames)
    found = [header for header in headers if isinstance(header, Probe)]
    if not found:
        raise ZerosumError(str(headers[0]))
    rows = list(decode_all(items[:50], *layout(found, (8, 8)), reading=reading))
    if not any(isinstance(row, Row) for row in rows):
        raise ZerosumError(str(rows[0]))
    assert all(row.pixels.shape[1:] == (8, 8) for row in rows if isinstance(row, Row))
    return frame_name("a", len(rows))


def _checked(content: bytes, draw: random.Random) -> bytes:
    return with_checksums(content) if draw.random() < 0.7 else content


# -- published sets ---------------------------------------------------------------------------------------------------


def _idx() -> list[bytes]:
    values = np.arange(24, dtype=np.uint8)
    return [
        b"\0\0\x08" + bytes([len(s)]) + struct.pack(f">{len(s)}I", *s) + values.tobytes() for s in ((24,), (2, 3, 4))
    ]


def _gzipped(content: bytes, draw: random.Random) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return packed if draw.random() < 0.7 else mutated(packed, [packed], draw, False)


def _read_idx(folder: Path, content: bytes) -> object:
    (folder / "a.gz").write_bytes(content)
    return read_idx(folder / "a.gz")


def _batches() -> list[bytes]:
    records = np.random.default_rng(0).integers(0, 10, (3, cifar.RECORD), np.uint8)
    return [records.tobytes(), records[:1].tobytes()]


def _read_batch(folder: Path, content: bytes) -> object:
    return list(cifar.binary_records(content, "data_batch_1"))


def _tars() -> list[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for k, name in enumerate(cifar.CLASSES):
            content = _saved("jpg", Image.new("RGB", (32, 32), k * 20))
            info = tarfile.TarInfo(f"./train/{name}/0000.jpg")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return [file.getvalue()]


def _xz(content: bytes, draw: random.Random) -> bytes:
    packed = lzma.compress(content, preset=0)
    return packed if draw.random() < 0.7 else mutated(packed, [packed], draw, False)


def _read_jpegs(folder: Path, content: bytes) -> object:
    path = folder / cifar.JPEG
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return load("cifar10", data_dir=folder)


# -- files beside images, texts, packs --------------------------------------------------------------------------------

NAMES = ("cat/a.png", "cat/b.png", "dog/c.png")


def _labels(name: str) -> list[bytes]:
    rows = list(zip(NAMES, ("cat", "cat", "dog"), (0.5, -1.0, 2.0), strict=True))
    match Path(name).suffix:
        case ".csv":
            plain = "file_name,label,condition_x\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
            return [plain.encode(), plain.replace(",", ";").encode("utf-16"), plain.replace("cat,", '"c,at",').encode()]
        case ".tsv":
            return [("file_name\tlabel\n" + "".join(f"{a}\t{b}\n" for a, b, _ in rows)).encode()]
        case ".jsonl":
            return ["\n".join(json.dumps({"file_name": a, "label": b, "condition_x": c}) for a, b, c in rows).encode()]
    return [json.dumps({"labels": [[a, k] for k, (a, _, _) in enumerate(rows)]}).encode()]


def _read_labels(name: str, folder: Path, content: bytes) -> object:
    root = folder / "photos"
    for k, file in enumerate(NAMES):
        if not (root / file).exists():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), 50 * k).save(root / file)
    (root / name).write_bytes(content)
    try:
        return check(str(root)).lines()
    finally:
        (root / name).unlink()


def _texts() -> list[bytes]:
    plain = "the cat sat on the mat\na dog ran\nthe mat\n"
    return [plain.encode(), plain.replace(" ", "").encode(), plain.encode("utf-16"), "猫 狗\n猫\n".encode()]


def _read_text(folder: Path, content: bytes) -> object:
    (folder / "a.txt").write_bytes(content)
    return check(str(folder / "a.txt")).lines()


def _packs() -> list[bytes]:
    from zerosum.data.paths import cache_dir

    found = []
    for k in range(2):
        rows = (Row(f"{n}.png", n, np.full((3, 4, 4), 9 * n + k, np.uint8)) for n in range(3))
        pack.cached("seed", ["fuzz", k], ["fuzz", k], lambda rows=rows: ((3, 4, 4), rows, 3))
    for path in sorted((cache_dir() / "packs").glob("*.pack"))[:2]:
        found.append(path.read_bytes())
    return found


def _read_pack(folder: Path, content: bytes) -> object:
    (folder / "a.pack").write_bytes(content)
    try:
        pack._read(folder / "a.pack")
    except pack.DAMAGED as error:
        raise ZerosumError(f"damaged: {error}") from error
    assert content in _seeds(_packs), "a damaged pack was read"
    return None


# -- files of a run ---------------------------------------------------------------------------------------------------

RUN: Path | None = None  # a small run, made before the first fuzzing of one


def make_run(folder: Path) -> None:
    """A finished run with an evaluation, which processes that fuzz its files copy."""
    global RUN
    run = zerosum.train("gan/toy", "ring", folder / "run", steps=60, batch_size=8, quiet=True, log_every=5)
    protocol.write(zerosum.evaluate(run.path, metrics=["frechet"], samples=40), run.path / protocol.FILE)
    RUN = folder / "run"


def _of_run(name: str) -> list[bytes]:
    assert RUN is not None
    return [sorted(RUN.glob(name))[-1].read_bytes()]


def _read_run(name: str, folder: Path, content: bytes) -> object:
    assert RUN is not None
    own = folder / "run"
    if not own.exists():
        shutil.copytree(RUN, own)
    path = sorted(own.glob(name))[-1]
    before = path.read_bytes()
    path.write_bytes(content)
    reads = [OF_RUN[name]]
    if len(content) % PAGES == 0:  # a report reads all files of a run, and takes half a second
        reads.append(write_report)
    refused = []
    for read in reads:
        try:
            read(own)
        except ZerosumError as error:
            refused.append(error)
    path.write_bytes(before)
    if refused:
        raise refused[0]
    return None


def _diagnose(run: Path) -> None:
    diagnose(History.of_run(run))


def _metrics(run: Path) -> None:
    curves.read(run / "metrics.jsonl")
    directory = RunDirectory(run)
    directory.seconds_so_far()
    directory.forget_after(30)


PAGES = 20
OF_RUN: dict[str, Callable[[Path], object]] = {
    "run.json": load_run,
    "checkpoints/*/checkpoint.json": load_run,
    "evaluation.json": protocol.read,
    "health.jsonl": _diagnose,
    "metrics.jsonl": _metrics,
}

# -- all --------------------------------------------------------------------------------------------------------------

LABEL_FILES = ("labels.csv", "labels.jsonl", "labels.json", "labels.tsv", "metadata.csv", "dataset.json")
ENDINGS = ("png", "jpg", "webp", "bmp", "gif", "tif", "ppm", "jp2", "avif")


def _readers() -> dict[str, Reader]:
    part = functools.partial
    found = {
        ".npy": Reader(_arrays, part(_load_array, ".npy")),
        ".npz, arrays": Reader(_members, part(_load_array, ".npz"), wrap=_zipped),
        ".npz, archive": Reader(_archives, part(_load_array, ".npz")),
    }
    for ending in ENDINGS:
        wrap = _checked if ending == "png" else Reader.wrap
        found[f".{ending}"] = Reader(part(_images, ending), part(_decode, ending), ending == "ppm", wrap)
    found |= {
        "idx": Reader(_idx, _read_idx, wrap=_gzipped),
        "CIFAR-10 batch": Reader(_batches, _read_batch),
        "CIFAR-10 JPEGs": Reader(_tars, _read_jpegs, wrap=_xz),
    }
    found |= {name: Reader(part(_labels, name), part(_read_labels, name), True) for name in LABEL_FILES}
    found |= {".txt": Reader(_texts, _read_text, True), "pack": Reader(_packs, _read_pack)}
    for name in OF_RUN:
        found[Path(name).name] = Reader(part(_of_run, name), part(_read_run, name), True)
    return found


READERS = _readers()


def named(names: Sequence[str]) -> dict[str, Reader]:
    return {name: READERS[name] for name in names} if names else READERS
