"""How fast `zerosum translate` is on photographs of 64x64 pixels: `python -m benchmarks.translation pix2pix`.

From the folder as it is found to the last file that is written; the run is loaded before, as the baseline's network is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import zerosum
from benchmarks.baselines.data import write_jpegs
from benchmarks.baselines.translation import NETWORKS, SIZE
from zerosum.workflows.translate import translate

PAIRS = {"pix2pix": "invert", "cyclegan": "unpaired:invert"}


def images_a_second(name: str, count: int) -> float:
    """Of a folder of `count` photographs, by a translator of the recipe's own networks; one round was played."""
    with TemporaryDirectory() as root:
        folder, learnt = Path(root) / "photographs", Path(root) / "learnt"
        write_jpegs(learnt, 4, (SIZE, SIZE))
        write_jpegs(folder, count, (SIZE, SIZE))
        where = Path(root) / "run"
        run = zerosum.train(f"{name}/images", f"{PAIRS[name]}:{learnt}", where, steps=1, batch_size=1, quiet=True)
        began = perf_counter()
        translate(run, folder, Path(root) / "made")
        return count / (perf_counter() - began)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--count", type=int, default=256)
    options = parser.parse_args()
    print(f"{images_a_second(options.name, options.count):.2f} images/s")
