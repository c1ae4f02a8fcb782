"""Memory that decoding takes: of one image, and of several large ones in several threads."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from zerosum.data.images import decode
from zerosum.data.images.decode import Budget

SIDE = 2000
DEEP = {"I;16": np.uint16, "I": np.int32}
SAVED: list[tuple[str, str, dict[str, object]]] = [
    ("RGB", "png", {"compress_level": 1}),
    ("RGBA", "png", {"compress_level": 1}),
    ("P", "png", {"compress_level": 1}),
    ("RGB", "jpg", {}),
    ("RGB", "jpg", {"progressive": True}),
    ("RGB", "webp", {"method": 0}),
    ("RGB", "jp2", {}),
    ("RGB", "avif", {"speed": 10}),
    ("RGB", "tif", {"compression": "tiff_lzw"}),
    ("RGB", "bmp", {}),
    ("P", "gif", {}),
    ("I;16", "png", {"compress_level": 1}),
    ("I", "tif", {}),
]
# The peak of a process only grows, so each decoding has a process of its own: a fork, which need not import again.
PEAKS = """
import json, os, resource, sys
from pathlib import Path
from PIL import Image
from zerosum.data.images import decode as d
def decode(threads, budget, files):
    os.cpu_count = lambda: threads
    d.BUDGET = budget or d.BUDGET
    rows = list(d.decode_all([d.Encoded(path, 0, Path(path)) for path in files], 3, (64, 64)))
    assert all(isinstance(row, d.Row) for row in rows), rows
warm, jobs = sys.argv[1], json.loads(sys.argv[2])
for job in jobs:
    if os.fork():
        assert os.wait()[1] == 0
    else:
        decode(2, 0, [warm] * 4)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        decode(*job)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, flush=True)
        os._exit(0)
"""


def peaks(folder: Path, *jobs: tuple[int, int, list[Path]]) -> list[int]:
    """Bytes that each job, (threads, budget, files), adds to a process that has decoded small images."""
    warm = folder / "warm.png"
    Image.new("L", (80, 80)).save(warm)
    given = json.dumps([(threads, budget, [str(file) for file in files]) for threads, budget, files in jobs])
    done = subprocess.run([sys.executable, "-c", PEAKS, warm, given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def picture(mode: str) -> Image.Image:
    ramp = np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 251
    if mode in DEEP:
        return Image.fromarray(ramp.astype(DEEP[mode]))
    return Image.fromarray(np.stack([ramp, ramp // 2, 250 - ramp], 2).astype(np.uint8)).convert(mode)


def test_an_image_takes_no_more_than_it_is_counted_for(tmp_path: Path) -> None:
    files, counted = [], []
    for number, (mode, ending, options) in enumerate(SAVED):
        files.append(tmp_path / f"{number}.{ending}")
        picture(mode).save(files[-1], **options)
        with Image.open(files[-1]) as opened:
            progressive = decode.PROGRESSIVE if "progressive" in opened.info else 0
            opened.draft(None, (128, 128))
            counted.append(decode._bytes(opened) + progressive * SIDE**2)
    found = peaks(tmp_path, *((1, 0, [file]) for file in files))
    over = {
        f"{saved}": (most, took) for saved, most, took in zip(SAVED, counted, found, strict=True) if took > most + 16e6
    }
    assert not over


def test_large_images_wait_for_one_another(tmp_path: Path) -> None:
    """Four of 25 megapixels would take 300 MB at once, and as floats 1.7 GB; two of 9,400x9,400 pixels took 1.5 GB
    each."""
    sides = [5000] * 4 + [9400] * 2
    files = [tmp_path / f"{k}.png" for k in range(len(sides))]
    for side, file in zip(sides, files, strict=True):
        Image.fromarray(np.full((side, side), 40_000, np.uint16)).save(file, compress_level=1)
    waiting, large = peaks(tmp_path, (4, 80_000_000, files[:4]), (2, 0, files[4:]))
    assert waiting < 80e6 + 4 * 32e6  # and what the C library keeps for each thread, up to its largest block
    assert large < 2 * 3 * 9400**2 + 2 * 32e6  # two bytes as stored, one as taken


def test_a_budget_is_shared_and_more_than_all_is_taken_alone() -> None:
    budget, inside, most = Budget(), 0, 0
    lock = threading.Lock()

    def work(count: int) -> None:
        nonlocal inside, most
        with budget.taken(count):
            with lock:
                inside += min(count, budget.total)
                most = max(most, inside)
            time.sleep(0.005)
            with lock:
                inside -= min(count, budget.total)

    counts = [budget.total // 3, budget.total * 5, 1] * 5
    threads = [threading.Thread(target=work, args=(count,)) for count in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most <= budget.total == budget.free and inside == 0
