"""Distributions in the plane: 100,000 points each, drawn from the seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from zerosum.data.dataset import DataError, Dataset, dataset, fingerprint_of
from zerosum.data.points import mixture
from zerosum.data.points.mixture import Mixture
from zerosum.data.request import Request, Source, no_option

POINTS = 100_000


def from_mixture(mixture: Mixture, n: int = POINTS, *, seed: int = 0, name: str = "mixture") -> Dataset:
    """`n` points drawn from a known density; the label of a point is the component it came from."""
    x, y = mixture.sample_labelled(n, torch.Generator().manual_seed(seed))
    classes = tuple(str(k) for k in range(len(mixture.weights)))
    return dataset(name, x, y, classes, fingerprint=fingerprint_of(f"{mixture} {n} points, seed {seed}"))


def _mixture(make: Callable[[], Mixture]) -> Source:
    def source(request: Request) -> Dataset:
        no_option(request)
        return from_mixture(make(), seed=request.seed, name=request.name)

    return source


ring = _mixture(mixture.ring)
grid = _mixture(mixture.grid)


def gaussians(request: Request) -> Dataset:
    """Equal Gaussians where the name puts them: "gaussians:0,0/3,3@0.5" has means (0, 0), (3, 3) and std 0.5.

    Raises:
        DataError: the name cannot be read so.
    """
    return from_mixture(gaussian_mixture(request.name), seed=request.seed, name=request.name)


def gaussian_mixture(name: str) -> Mixture:
    """The density that a name such as "gaussians:0,0/3,3@0.5" describes.

    Raises:
        DataError: it cannot be read so.
    """
    places, _, std = name.partition(":")[2].partition("@")
    try:
        means = torch.tensor([[float(v) for v in place.split(",")] for place in places.split("/")])
        return Mixture(means, float(std))
    except ValueError as error:
        raise DataError(f"cannot read '{name}': write gaussians:X,Y/X,Y@STD, such as gaussians:0,0/3,3@0.5") from error


def swiss_roll(request: Request) -> Dataset:
    """A spiral of one and a half turns within about [-2, 2]^2, noise of std 0.033; Gulrajani et al., 2017, fig. 1."""
    no_option(request)
    draw = torch.Generator().manual_seed(request.seed)
    t = 1.5 * math.pi * (1 + 2 * torch.rand(POINTS, generator=draw))
    x = torch.stack((t * t.cos(), t * t.sin()), 1) / 7.5
    x += 0.25 / 7.5 * torch.randn(x.shape, generator=draw)
    return dataset(request.name, x, fingerprint=fingerprint_of(f"swiss-roll {POINTS} points, seed {request.seed}"))


def moons(request: Request) -> Dataset:
    """Two interleaved half circles of radius 1, noise of std 0.05; the label says which."""
    no_option(request)
    draw = torch.Generator().manual_seed(request.seed)
    y = torch.randint(2, (POINTS,), generator=draw)
    angle = math.pi * torch.rand(POINTS, generator=draw)
    outer = torch.stack((angle.cos(), angle.sin()), 1)
    inner = torch.tensor([1.0, 0.5]) - outer
    x = torch.where(y[:, None] == 0, outer, inner) + 0.05 * torch.randn(POINTS, 2, generator=draw)
    mark = fingerprint_of(f"moons {POINTS} points, seed {request.seed}")
    return dataset(request.name, x, y, ("outer", "inner"), fingerprint=mark)
