"""`make bench`: every speed number of zerosum beside its baseline, measured in one run.

Each figure is taken in processes of its own, baseline and zerosum in turn, `--repeats` times; the medians make the
ratio. A row succeeds where ratio >= target. Writes `benchmarks/results.json`.

The rows against the ordinary script time training steps alone: the median step on data that was packed before, without
averaged weights, monitor, pictures and checkpoints, as the script has none. The rows of a whole `zerosum train` stand
beside the same steps timed alone: the ratio is what is left of their speed from the command to the finished run.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.beside import CASES, SETTINGS, measured, share
from zerosum.studies.study import commit, hardware
from zerosum.training.hardware import resolve_precision

ROUNDS = "training steps alone, against the ordinary script"
BESIDE = {
    "busy": "beside a busy process, against its quiet speed times its share of the processors",
    "twin": "beside a second training, against its quiet speed times its share of the processors",
}
FOLDER = "a folder translated, against the ordinary script"
WHOLE = "a whole `zerosum train`, against its training steps alone"


def figure(*module: str) -> float:
    """The number that a benchmark module prints."""
    done = subprocess.run([sys.executable, "-m", *module], check=True, capture_output=True, text=True)
    return float(re.findall(r"-?[\d.]+", done.stdout)[-1])


def seconds(*arguments: str) -> float:
    """How long a command takes."""
    began = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return perf_counter() - began


def speed(name: str, count: int, repeats: int) -> tuple[float, float]:
    """Images (pairs) a second of zerosum and the baseline; of this with the faster of no or two loading processes."""
    counts = ("--count", str(count))
    workers = max(("0", "2"), key=lambda w: figure(f"benchmarks.baselines.{name}", *counts, "--workers", w))
    ours, theirs = [], []
    for _ in range(repeats):
        theirs.append(figure(f"benchmarks.baselines.{name}", *counts, "--workers", workers))
        ours.append(figure("benchmarks.zerosum_rounds", name, *counts))
    return statistics.median(ours), statistics.median(theirs)


def folder_speed(name: str, repeats: int) -> tuple[float, float]:
    """Images a second of zerosum and the baseline from a folder of photographs to one of translations."""
    pairs = [
        (figure("benchmarks.translation", name), figure("benchmarks.baselines.translation", name))
        for _ in range(repeats)
    ]
    return statistics.median(ours for ours, _ in pairs), statistics.median(theirs for _, theirs in pairs)


def limit(measure: Callable[[], float], most: float, repeats: int) -> tuple[float, float]:
    """A median time and the most it may be, as (ours, baseline) of inverse times."""
    return 1 / statistics.median(measure() for _ in range(repeats)), 1 / most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    seconds("-m", "zerosum", "--help")  # the disk is warm from here on
    mlp, dcgan = speed("mlp", 200, repeats), speed("dcgan", 8, repeats)
    translators = {name: speed(name, 10, repeats) for name in ("pix2pix", "cyclegan")}
    translated = {name: folder_speed(name, repeats) for name in translators}
    rows: list[tuple[str, float, float, float]] = [
        (f"MLP GAN 28x28, images/s, {ROUNDS}", 2.5, *mlp),
        (f"DCGAN 64x64, images/s, {ROUNDS}", 1.8, *dcgan),
        (f"pix2pix 64x64, pairs/s, {ROUNDS}", 2.0, *translators["pix2pix"]),
        (f"CycleGAN 64x64, pairs/s, {ROUNDS}", 2.0, *translators["cyclegan"]),
        (f"pix2pix 64x64, images/s, {FOLDER}", 2.0, *translated["pix2pix"]),
        (f"CycleGAN 64x64, images/s, {FOLDER}", 2.0, *translated["cyclegan"]),
        (f"MLP GAN 28x28, images/s, {WHOLE}", 0.0, figure("benchmarks.whole_training", "mlp"), mlp[0]),
        (f"DCGAN 64x64, images/s, {WHOLE}", 0.0, figure("benchmarks.whole_training", "dcgan"), dcgan[0]),
    ]
    beside, processors = measured("demo", repeats, {"zerosum": SETTINGS["zerosum"]}), os.cpu_count() or 1
    rows += [  # the baseline is the quiet training with the share of processors that is left
        (f"demo, steps/s, {BESIDE[case]}", 1 / 3, beside["zerosum", case], beside["zerosum", "alone"] * left)
        for case in CASES[1:]
        if (left := share(case, processors))
    ]
    limits: list[tuple[str, float, Callable[[], float]]] = [
        ("trainer's own cost a move: 60 us or less", 60.0, lambda: max(figure("benchmarks.trainer_cost"), 0.1)),
        ("import zerosum: 1.5 s or less", 1.5, lambda: seconds("-c", "import zerosum")),
        ("zerosum --help: 1.5 s or less", 1.5, lambda: seconds("-m", "zerosum", "--help")),
    ]
    for name, most, measure in limits:
        rows.append((name, 1.0, *limit(measure, most, repeats)))
    results: list[dict[str, float | str]] = [
        {"name": name, "ours": ours, "baseline": baseline, "ratio": ours / baseline, "target": target}
        for name, target, ours, baseline in rows
    ]
    precision = resolve_precision("auto", torch.device("cpu"))
    machine = f"{hardware()}, {precision}"
    found = {"machine": machine, "command": "python -m benchmarks", "commit": commit(), "rows": results}
    Path(__file__).with_name("results.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    show(results)
    Console(highlight=False, width=130).print(f"{torch.get_num_threads()} threads, {machine}")


def show(results: list[dict[str, float | str]]) -> None:
    """The table; limits are shown as times, which their rows hold the inverses of."""
    table = Table(box=None)
    for column in ("", "ours", "baseline", "ratio", "target", ""):
        table.add_column(column, justify="left" if not column else "right")
    for row in results:
        ours, baseline, ratio, target = (float(row[key]) for key in ("ours", "baseline", "ratio", "target"))
        if "or less" in str(row["name"]):
            ours, baseline = 1 / ours, 1 / baseline
        verdict = ("met" if ratio >= target else "missed") if target else "no goal"
        table.add_row(str(row["name"]), f"{ours:.4g}", f"{baseline:.4g}", f"{ratio:.2f}", f"{target:.2f}", verdict)
    Console(highlight=False, width=130).print(table)


if __name__ == "__main__":
    main()
