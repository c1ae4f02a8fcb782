"""Packs: every byte counts, and who writes one at the same time is not in the way."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zerosum.data import load
from zerosum.data.images import pack


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for k in range(3):
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (4, 4), np.uint8)).save(root / f"{k}.png")
    (root / "broken.png").write_bytes(b"no")
    return root


def test_any_flipped_byte_is_noticed_and_mended(photos: Path, cache: Path) -> None:
    before = load(str(photos))
    (path,) = cache.glob("packs/*")
    content = path.read_bytes()
    noticed = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            pack._read(path)
        except pack.DAMAGED:
            noticed += 1
    assert noticed == len(content)
    for place in (0, 47, 48, len(content) // 2, len(content) - 40, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 255
        path.unlink()
        path.write_bytes(damaged)
        after = load(str(photos))
        assert after.fingerprint == before.fingerprint and after.problems == before.problems
        assert path.read_bytes() == content


def test_a_pack_that_is_cut_anywhere_or_holds_anything_is_noticed(photos: Path, cache: Path) -> None:
    load(str(photos))
    (path,) = cache.glob("packs/*")
    content = path.read_bytes()
    draw = random.Random(0)
    others = [content[:end] for end in range(len(content))]
    others += [draw.randbytes(draw.randrange(200)) for _ in range(200)]
    others += [content + content, content[-40:], b"\xff" * 100, bytes(100)]
    for other in others:
        path.write_bytes(other)
        with pytest.raises(pack.DAMAGED):
            pack._read(path)


def test_an_unfinished_pack_of_a_dead_process_is_removed_and_one_of_a_living_left(photos: Path, cache: Path) -> None:
    load(str(photos))
    (path,) = cache.glob("packs/*")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    old, new = (path.with_name(f"{path.stem}.{process}.t0.part") for process in (dead.pid, os.getppid()))
    for partial in (old, new):
        partial.write_bytes(b"half")
    path.write_bytes(b"damaged")
    load(str(photos))
    assert sorted(cache.glob("packs/*")) == sorted([path, new])


def _loads(root: str, cache: str, damage: bool, told) -> None:
    os.environ["ZEROSUM_CACHE"] = cache
    draw = random.Random(os.getpid())
    for _ in range(15):
        if damage:
            for path in Path(cache).glob("packs/*.pack"):
                other = path.with_name(f"{os.getpid()}.damaged")
                other.write_bytes(draw.randbytes(50))
                other.replace(path)
        told.put(load(root).fingerprint)


def test_processes_that_read_write_and_damage_one_pack_agree(photos: Path, cache: Path) -> None:
    expected = load(str(photos)).fingerprint
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    processes = [context.Process(target=_loads, args=(str(photos), str(cache), k == 0, told)) for k in range(4)]
    for process in processes:
        process.start()
    found = [told.get(timeout=60) for _ in range(4 * 15)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert set(found) == {expected}
    assert [path.suffix for path in cache.glob("packs/*")] == [".pack"]


def bitmaps(root: Path, colour: int) -> Path:
    """Images of one length, with the times that an archive gave them."""
    root.mkdir()
    for k in range(2):
        Image.new("L", (4, 4), colour + k).save(root / f"{k}.bmp")
        os.utime(root / f"{k}.bmp", (315532800, 315532800))
    return root


def test_two_folders_of_equal_names_lengths_and_times_are_two_sets(tmp_path: Path) -> None:
    one, other = bitmaps(tmp_path / "one", 10), bitmaps(tmp_path / "other", 200)
    assert load(str(one)).x[:, 0, 0, 0].tolist() == [10, 11]
    assert load(str(other)).x[:, 0, 0, 0].tolist() == [200, 201]


def test_images_that_others_took_the_place_of_are_decoded_anew_and_their_pack_removed(
    tmp_path: Path, cache: Path
) -> None:
    root = bitmaps(tmp_path / "one", 10)
    load(str(root))
    (first,) = cache.glob("packs/*")
    load(str(root), size=(8, 8))
    shutil.rmtree(root)
    bitmaps(root, 200)
    assert load(str(root)).x[:, 0, 0, 0].tolist() == [200, 201]
    kept = set(cache.glob("packs/*"))
    assert len(kept) == 2 and first not in kept  # that of another size is asked for some other time


def test_a_folder_that_was_moved_keeps_its_pack(tmp_path: Path, cache: Path) -> None:
    root = bitmaps(tmp_path / "one", 10)
    before = load(str(root))
    moved = root.rename(tmp_path / "moved")
    written = {path: path.stat().st_mtime_ns for path in cache.glob("packs/*")}
    assert load(str(moved)).fingerprint == before.fingerprint
    assert {path: path.stat().st_mtime_ns for path in cache.glob("packs/*")} == written


def test_packs_of_former_formats_are_removed_and_nothing_else(photos: Path, cache: Path) -> None:
    packs, mark = cache / "packs", "0123456789abcdef" * 2
    packs.mkdir()
    for folder, names in (
        (mark, ("images.npy", "pack.json")),
        (f"{mark}ab_c1234.part", ("images.npy",)),
        (mark.replace("0", "1"), ("images.npy", "mine.txt")),
        ("holiday", ("pack.json",)),
    ):
        (packs / folder).mkdir()
        for name in names:
            (packs / folder / name).write_bytes(b"x")
    newer = f"{pack.VERSION + 1}-{mark[:16]}-{mark}.pack"
    for name in (f"{mark}.pack", f"{pack.VERSION - 1}-{mark[:16]}-{mark}.pack", newer, "notes.pack", f"{mark}.txt"):
        (packs / name).write_bytes(b"x")
    load(str(photos))
    left = {path.name for path in packs.iterdir()}
    (own,) = {name for name in left if name.startswith(f"{pack.VERSION}-")}
    assert left == {own, mark.replace("0", "1"), "holiday", newer, "notes.pack", f"{mark}.txt"}
