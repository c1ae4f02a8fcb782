"""In which features a monitor sees what a person sees: `python -m benchmarks.features`; $ZEROSUM_DATA has the images.

Prints a table: how many times the Fréchet distance of 512 other real images that of 512 fakes is, in features that are
fitted to 2,048 real ones, and how often a linear classifier on the features is right.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from zerosum import data
from zerosum.health.sight import sight
from zerosum.metrics import extractors
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.modality import to_float

FITTED, COUNT, HELD_OUT, AXES = 2_048, 512, 4_000, 32
FAKES: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "noise": lambda x, g: (0.5 * torch.randn(x.shape, generator=g)).clamp(-1, 1),
    "stripes": lambda x, g: _stripes(x, g),
    "blobs": lambda x, g: _enlarged(0.5 * torch.randn(len(x), x.shape[1], 4, 4, generator=g), x).clamp(-1, 1),
    "reals, blurred": lambda x, g: _enlarged(F.avg_pool2d(x, 4), x),
    "reals with noise of 0.2": lambda x, g: (x + 0.2 * torch.randn(x.shape, generator=g)).clamp(-1, 1),
}
CLASSES = {"classes 0, 1, 2 of ten": (0, 1, 2), "classes 3, 5, 7 of ten": (3, 5, 7)}


def _stripes(x: Tensor, generator: Generator) -> Tensor:
    turn, phase, height = torch.rand(3, len(x), 1, generator=generator)
    waves = torch.sin(2 * turn * torch.arange(x.shape[-1]) + 6 * phase) * height
    return waves[:, None, None, :].expand(x.shape)


def _enlarged(small: Tensor, x: Tensor) -> Tensor:
    return F.interpolate(small, x.shape[2:], mode="bilinear")


def measure(name: str, features: Callable[[Tensor], Tensor]) -> dict[str, float]:
    """A column of the table."""
    generator = torch.Generator().manual_seed(1)
    loaded = data.load(name)
    assert loaded.y is not None
    order = torch.randperm(len(loaded), generator=generator)[: FITTED + HELD_OUT]
    images, labels = to_float(loaded.x[order]), loaded.y[order]
    fitted, held = images[:FITTED], images[FITTED:]
    known, y = labels[:FITTED], labels[FITTED:]
    of_fitted = features(fitted)
    _, sizes, axes = torch.linalg.svd((of_fitted - of_fitted.mean(0)).double(), full_matrices=False)
    axes, sizes = axes[:AXES].float(), sizes[:AXES].float() / FITTED**0.5

    def along(x: Tensor) -> Tensor:
        return (features(x) - of_fitted.mean(0)) @ axes.T

    reference, of_held = Moments.of(along(fitted)), along(held)

    def distance(of: Tensor) -> float:
        return float(frechet(reference, Moments.of(of[:COUNT])))

    draws = [torch.randperm(HELD_OUT, generator=generator) for _ in range(8)]
    real = sum(distance(of_held[draw]) for draw in draws) / len(draws)
    found = {fake: distance(along(make(held[:COUNT], generator))) / real for fake, make in FAKES.items()}
    for title, kept in CLASSES.items():
        found[title] = distance(of_held[torch.isin(y, torch.tensor(kept))]) / real
    a, b = (F.pad(along(x) / sizes, (0, 1), value=1.0) for x in (fitted, held))
    weights = torch.linalg.solve(a.T @ a + 20 * torch.eye(AXES + 1), a.T @ F.one_hot(known, 10).float())
    found["linear classifier"] = float(((b @ weights).argmax(1) == y).float().mean())
    return found


def main() -> None:
    random, digits = extractors.find("random"), extractors.find("digits")
    spaces = {"random": lambda x: random(x).features, "digits": lambda x: digits(x).features, "sight": sight}
    names = {"cifar10": "CIFAR-10", "mnist": "MNIST"}
    columns = [
        measure(name, lambda x, of=of: torch.cat([of(part) for part in x.split(256)]))  # type: ignore[misc]
        for name in names
        for of in spaces.values()
    ]
    heads = [f"{title}: {space}" if i == 0 else space for title in names.values() for i, space in enumerate(spaces)]
    print("| fakes | " + " | ".join(heads) + " |")
    print("|" + "---|" * (len(heads) + 1))
    for row in columns[0]:
        cells = (f"{column[row]:.2f}" if row == "linear classifier" else f"{column[row]:.1f}" for column in columns)
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
