"""Speed of the metrics beside the reference packages: `python -m benchmarks.metrics`.

Both sides compute from the same features in one process, in turn, `--repeats` times; the medians make the ratio.
NumPy's and SciPy's eigenvalues are sometimes faster on one thread than on two: the references have the better of both.
What cannot be imported is named as not measured. Needs torch-fidelity, pytorch-fid, prdc and their torchvision; writes
`benchmarks/metrics_results.json`.
"""

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from benchmarks import inception
from benchmarks.__main__ import show
from zerosum.metrics.frechet import frechet
from zerosum.metrics.manifold import all_four
from zerosum.metrics.parzen import parzen
from zerosum.metrics.statistics import Moments

Row = dict[str, float | str]
Statistics = tuple[np.ndarray, np.ndarray]  # mean and covariance
NEAREST = 5


def row(name: str, target: float, ours: float, baseline: float) -> Row:
    """A row of two numbers of which the larger is the better."""
    return {"name": name, "ours": ours, "baseline": baseline, "ratio": ours / baseline, "target": target}


def at_most(name: str, most: float, value: float) -> Row:
    """A row of a limit, as inverses."""
    return row(f"{name}: {most:g} or less", 1.0, 1 / value, 1 / most)


def seconds(function: Callable[[], object]) -> float:
    began = perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # prdc prints
        function()
    return perf_counter() - began


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median times a second of both; the first time of each, and of theirs on one thread, is not counted."""
    ours()
    on_all, on_one = seconds(theirs), seconds(on_one_thread(theirs))
    baseline = theirs if on_all < on_one else on_one_thread(theirs)
    times = [(seconds(ours), seconds(baseline)) for _ in range(repeats)]
    own, its = (1 / statistics.median(column) for column in zip(*times, strict=True))
    return own, its


def on_one_thread(function: Callable[[], object]) -> Callable[[], object]:
    def limited() -> object:
        with threadpool_limits(1):
            return function()

    return limited


def fitted(features: Tensor) -> Moments:
    moments = Moments(features.shape[1])
    for part in features.split(1000):
        moments.update(part)
    return moments


def gaussians(rows: int) -> tuple[Moments, Moments]:
    """Of 2048 features whose deviations go over four decades, as an Inception network's do."""
    generator = torch.Generator().manual_seed(rows)
    deviations = torch.logspace(0, -4, 2048)
    x, y = (torch.randn(rows, 2048, generator=generator) * deviations for _ in range(2))
    return fitted(x), fitted(0.9 * y + 0.05)


def torch_fidelity(real: Statistics, fake: Statistics) -> float:
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    sides = [{"mu": mean, "sigma": covariance} for mean, covariance in (real, fake)]
    return float(fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"])


def pytorch_fid(real: Statistics, fake: Statistics) -> float:
    from pytorch_fid.fid_score import calculate_frechet_distance

    return float(calculate_frechet_distance(*real, *fake))


def frechet_rows(repeats: int) -> Iterator[Row]:
    for rows, kind in ((5000, "full rank"), (1000, "1,000 rows, singular")):
        real, fake = gaussians(rows)
        sides = [(moments.mean.numpy(), moments.covariance.numpy()) for moments in (real, fake)]
        for package, reference, target in (("torch-fidelity", torch_fidelity, 4.0), ("sqrtm", pytorch_fid, 15.0)):
            both = in_turn(partial(frechet, real, fake), partial(reference, *sides), repeats)
            yield row(f"Fréchet distance, 2048-d, {kind}, a second, against {package}", target, *both)


def exactness() -> Row:
    """The error where the distance is known: common axes, and half of the variances 0 on either side."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(2048, 2048, generator=generator, dtype=torch.float64)).Q
    variances = [torch.logspace(0, -8, 2048, dtype=torch.float64) for _ in range(2)]
    for variance in variances:
        variance[torch.randperm(2048, generator=generator)[:1024]] = 0
    count, mean = torch.tensor(1001), torch.zeros(2048)
    real, fake = (
        Moments.restore({"count": count, "mean": mean, "scatter": 1000 * (axes * v) @ axes.T}) for v in variances
    )
    known = float((variances[0].sqrt() - variances[1].sqrt()).square().sum())
    return at_most("relative error, 2048-d, singular", 1e-6, max(abs(frechet(real, fake) / known - 1), 1e-16))


def clouds() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 10_000, 64, generator=generator)
    return real, 0.95 * fake + 0.05


def prdc_row(repeats: int) -> Row:
    from prdc import compute_prdc

    real, fake = clouds()
    arrays = real.numpy(), fake.numpy()
    both = in_turn(partial(all_four, real, fake, NEAREST), partial(compute_prdc, *arrays, NEAREST), repeats)
    return row("precision, recall, density, coverage, 10,000 x 10,000 x 64, a second, against prdc", 3.0, *both)


def prdc_memory() -> float:
    """MB that the four take at most beyond what this process, with the features, has already."""
    real, fake = clouds()
    (real[:100] @ fake[:100].T).topk(3)  # loads the libraries
    before = kilobytes("VmRSS")
    all_four(real, fake, NEAREST)
    return (kilobytes("VmHWM") - before) / 1024


def kilobytes(field: str) -> int:
    """What Linux says of this process: VmRSS is its memory now, VmHWM the most since it began."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def parzen_row(repeats: int) -> Row:
    generator = torch.Generator().manual_seed(0)
    points, samples = torch.rand(2, 10_000, 784, generator=generator)
    value = statistics.median(seconds(lambda: parzen(points, samples, 0.2)) for _ in range(repeats))
    return at_most("Parzen, 10,000 x 10,000 x 784, seconds", 20.0, value)


def measured(repeats: int) -> Iterator[Row]:
    """Row by row, printed as they come; a package that does not import is named and its rows are left out."""
    groups: tuple[Callable[[], Iterator[Row] | list[Row]], ...] = (
        lambda: frechet_rows(repeats),
        lambda: [exactness()],
        lambda: [prdc_row(repeats)],
        lambda: [at_most("the four, memory beyond torch and the features, MB", 500.0, memory())],
        lambda: [parzen_row(repeats)],
        inception.rows,
    )
    for group in groups:
        try:
            for one in group():
                print(json.dumps(one, ensure_ascii=False), flush=True)
                yield one
        except ImportError as error:
            print(f"not measured: {error}")


def memory() -> float:
    command = [sys.executable, "-m", "benchmarks.metrics", "--memory"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="print the memory that the four take, in MB, and stop")
    arguments = parser.parse_args()
    if arguments.memory:
        print(prdc_memory())
        return
    results = list(measured(arguments.repeats))
    Path(__file__).with_name("metrics_results.json").write_text(
        json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    )
    show(results)


if __name__ == "__main__":
    main()
