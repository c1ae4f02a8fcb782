"""How fast `zerosum translate` is on photographs of 64x64 pixels: `python -m benchmarks.translation pix2pix`.

From the folder as it is found to the last file that is written; the run is loaded before, as the baseline's network is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import zerosum
from benchmarks.baselines.data import write_jpegs
from benchmarks.baselines.translation import SIZE, command
from zerosum.workflows.translate import translate

PAIRS = {"pix2pix": "invert", "cyclegan": "unpaired:invert"}


def translator(name: str, folder: Path) -> Callable[[Path, Path], object]:
    """A run of the recipe's own networks, of which one round was played."""
    learnt = folder / "learnt"
    write_jpegs(learnt, 4, (SIZE, SIZE))
    data = f"{PAIRS[name]}:{learnt}"
    return partial(translate, zerosum.train(f"{name}/images", data, folder / "run", steps=1, batch_size=1, quiet=True))


if __name__ == "__main__":
    command(translator, __doc__)
