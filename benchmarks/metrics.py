"""Speed of the metrics beside the reference packages: `python -m benchmarks.metrics`.

Both sides compute the same from the same numbers in one process, in turn, `--repeats` times; the medians make the
ratio. NumPy and SciPy are often faster on one thread than on two: the references have the better of both. A row whose
package does not import is named as not measured: torch-fidelity, pytorch-fid and prdc need a torchvision that fits
torch. Writes `benchmarks/metrics_results.json`.
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

import torch
from threadpoolctl import threadpool_limits

from benchmarks import inception
from benchmarks.__main__ import show
from zerosum.metrics.frechet import frechet
from zerosum.metrics.manifold import all_four
from zerosum.metrics.parzen import parzen
from zerosum.metrics.statistics import Moments

Row = dict[str, float | str]
Way = Callable[[], tuple[float, ...]]  # one way to compute the numbers of a row
NEAREST = 5


def row(name: str, target: float, ours: float, baseline: float) -> Row:
    """A row of two numbers of which the larger is the better."""
    return {"name": name, "ours": ours, "baseline": baseline, "ratio": ours / baseline, "target": target}


def at_most(name: str, most: float, value: float) -> Row:
    """A row of a limit, as inverses."""
    return row(f"{name}: {most:g} or less", 1.0, 1 / value, 1 / most)


def against(name: str, target: float, ways: Callable[[], tuple[Way, Way]], repeats: int) -> Iterator[Row]:
    """The row of our way and the reference's, in times a second, if both can be had."""
    try:
        ours, theirs = ways()
    except (ImportError, RuntimeError) as error:  # torchvision raises RuntimeError where it does not fit to torch
        print(f"{name}: not measured: {error}")
        return
    both = zip(ours(), theirs(), strict=True)
    assert all(abs(own - given) <= 1e-6 * abs(given) for own, given in both), f"{name}: unequal results"
    baseline = min((theirs, on_one_thread(theirs)), key=seconds)
    times = [(seconds(ours), seconds(baseline)) for _ in range(repeats)]
    yield row(name, target, *(1 / statistics.median(column) for column in zip(*times, strict=True)))


def seconds(way: Way) -> float:
    began = perf_counter()
    way()
    return perf_counter() - began


def on_one_thread(way: Way) -> Way:
    def limited() -> tuple[float, ...]:
        with threadpool_limits(1):
            return way()

    return limited


def gaussians(rows: int) -> tuple[Moments, Moments]:
    """Of 2048 features whose deviations go over four decades, as an Inception network's do."""
    generator = torch.Generator().manual_seed(rows)
    deviations = torch.logspace(0, -4, 2048)
    real, fake = Moments(2048), Moments(2048)
    for moments in (real, fake):
        moments.update(torch.randn(rows, 2048, generator=generator) * deviations)
    return real, fake


def beside_torch_fidelity(rows: int) -> tuple[Way, Way]:
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    real, fake = gaussians(rows)
    sides = [{"mu": side.mean.numpy(), "sigma": side.covariance.numpy()} for side in (real, fake)]
    return (lambda: (frechet(real, fake),)), (lambda: tuple(fid_statistics_to_metric(*sides, verbose=False).values()))


def beside_sqrtm(rows: int) -> tuple[Way, Way]:
    from pytorch_fid.fid_score import calculate_frechet_distance

    real, fake = gaussians(rows)
    sides = [array for side in (real, fake) for array in (side.mean.numpy(), side.covariance.numpy())]
    return (lambda: (frechet(real, fake),)), (lambda: (calculate_frechet_distance(*sides),))


def relative_error() -> float:
    """Where the distance is known: 2048 common axes, and half of the variances 0 on either side."""
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
    return max(abs(frechet(real, fake) / known - 1), 1e-16)


def clouds() -> tuple[torch.Tensor, torch.Tensor]:
    real, fake = torch.randn(2, 10_000, 64, generator=torch.Generator().manual_seed(0))
    return real, 0.95 * fake + 0.05


def beside_prdc() -> tuple[Way, Way]:
    from prdc import compute_prdc

    real, fake = clouds()

    def ours() -> tuple[float, ...]:
        first, second = all_four(real, fake, NEAREST)
        return *first, *second

    def theirs() -> tuple[float, ...]:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints
            return tuple(compute_prdc(real.numpy(), fake.numpy(), NEAREST).values())

    return ours, theirs


def memory_of_all_four() -> float:
    """MB taken beyond Python, torch and the features, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.metrics", "--memory"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory_here() -> float:
    real, fake = clouds()
    (real[:100] @ fake[:100].T).topk(3)  # loads the libraries
    before = kilobytes("VmRSS")
    all_four(real, fake, NEAREST)
    return (kilobytes("VmHWM") - before) / 1024


def kilobytes(field: str) -> int:
    """What Linux says of this process: VmRSS is its memory now, VmHWM the most since it began."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def seconds_of_parzen(repeats: int) -> float:
    points, samples = torch.rand(2, 10_000, 784, generator=torch.Generator().manual_seed(0))
    return statistics.median(seconds(lambda: tuple(parzen(points, samples, 0.2).tolist())) for _ in range(repeats))


def measured(repeats: int) -> Iterator[Row]:
    for rows, kind in ((5000, "full rank"), (1000, "singular")):
        name = f"Fréchet distance, 2048-d, {kind}, a second, against"
        yield from against(f"{name} torch-fidelity", 4.0, partial(beside_torch_fidelity, rows), repeats)
        yield from against(f"{name} pytorch-fid's sqrtm", 15.0, partial(beside_sqrtm, rows), repeats)
    yield at_most("Fréchet distance, 2048-d, singular, relative error", 1e-6, relative_error())
    name = "precision, recall, density, coverage, 10,000 x 10,000 x 64, a second, against prdc"
    yield from against(name, 3.0, beside_prdc, repeats)
    yield at_most("precision, recall, density, coverage, MB", 500.0, memory_of_all_four())
    yield at_most("Parzen, 10,000 x 10,000 x 784, seconds", 20.0, seconds_of_parzen(repeats))
    yield from inception.rows()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="only print the MB that precision to coverage take")
    arguments = parser.parse_args()
    if arguments.memory:
        print(memory_here())
        return
    results = []
    for one in measured(arguments.repeats):
        print(f"{one['name']}: ratio {float(one['ratio']):.2f}", flush=True)
        results.append(one)
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    Path(__file__).with_name("metrics_results.json").write_text(text)
    show(results)


if __name__ == "__main__":
    main()
