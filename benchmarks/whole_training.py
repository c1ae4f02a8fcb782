"""A whole `zerosum train`, from the command to the finished run: `python -m benchmarks.whole_training mlp`.

Start, decoding of the images, averaged weights, the monitor, pictures, checkpoints and the report are counted, with the
settings that every recipe begins with. The networks are those whose steps `benchmarks.zerosum_rounds` times alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.baselines.data import write_jpegs

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS, BATCH = 512, 64
STEPS = {"mlp": 3_000, "dcgan": 60}


def images_a_second(name: str, steps: int) -> float:
    """Images that D has seen a second of the command's time; nothing is decoded or cached beforehand."""
    with TemporaryDirectory() as folder:
        photographs, run = Path(folder) / "photographs", Path(folder) / "run"
        data = ["--data", "digits"]
        if name == "dcgan":
            write_jpegs(photographs, PHOTOGRAPHS)
            data = ["--data", str(photographs), "--size", "64"]
        command = [sys.executable, "-m", "zerosum", "train", f"benchmarks/recipes.py:{name}", *data]
        environment = os.environ | {"ZEROSUM_CACHE": str(Path(folder) / "cache")}
        began = perf_counter()
        subprocess.run(
            [*command, "--steps", str(steps), "--batch-size", str(BATCH), "--out", str(run)],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env=environment,
        )
        return steps * BATCH / (perf_counter() - began)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=STEPS)
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    print(f"{images_a_second(options.name, options.steps or STEPS[options.name]):.1f} images/s")
