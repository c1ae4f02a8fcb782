"""Points in the plane: 100,000 of each distribution, drawn from the seed; the density of a mixture is known exactly."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, dataset, fingerprint_of
from zerosum.data.request import Request, Source, no_option

POINTS = 100_000


class Mixture:
    """A mixture of isotropic Gaussians in D dimensions.

    Args:
        means: (K, D).
        std: one standard deviation for all, or (K,).
        weights: (K,), positive, scaled to sum to 1; equal by default.
    """

    def __init__(self, means: Tensor, std: float | Tensor, weights: Tensor | None = None) -> None:
        if means.dim() != 2:
            raise ValueError(f"means must be (K, D), not {tuple(means.shape)}")
        count = means.shape[0]
        self.means = means
        self.std = torch.as_tensor(std, dtype=means.dtype).expand(count)  # (K,)
        weights = means.new_ones(count) if weights is None else weights
        if weights.shape != (count,) or not bool((weights > 0).all()) or not bool((self.std > 0).all()):
            raise ValueError(f"weights must be {count} positive numbers, and so must std")
        if not all(bool(numbers.isfinite().all()) for numbers in (means, self.std, weights)):
            raise ValueError("means, std and weights must be finite")
        self.weights = weights / weights.sum()  # (K,)

    def __repr__(self) -> str:
        # Rounded, so that the same mixture reads the same on every processor; + 0.0 turns -0.0 into 0.0.
        means, std, weights = (
            ((v.double() * 1e5).round() / 1e5 + 0.0).tolist() for v in (self.means, self.std, self.weights)
        )
        return f"Mixture({means=}, {std=}, {weights=})"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, D) points."""
        return self.sample_labelled(n, generator)[0]

    def sample_labelled(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(n, D) points and (n,) int64, the component each was drawn from."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # (n,)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[k] + self.std[k, None] * noise, k

    def log_prob(self, x: Tensor) -> Tensor:
        """(N,) log densities (nats) of the points (N, D): log sum_k w_k N(x; mean_k, std_k^2 I)."""
        dim = self.means.shape[1]
        square = (x[:, None] - self.means).square().sum(2) / self.std.square()  # (N, K)
        log_norm = dim * (self.std.log() + 0.5 * math.log(2 * math.pi))  # (K,)
        return torch.logsumexp(self.weights.log() - log_norm - 0.5 * square, 1)


def ring() -> Mixture:
    """Eight Gaussians of std 0.05 on the unit circle: the usual test of mode coverage, well inside [-1.2, 1.2]^2."""
    angle = torch.arange(8) * (2 * math.pi / 8)
    return Mixture(torch.stack((angle.cos(), angle.sin()), 1), 0.05)


def grid() -> Mixture:
    """Twenty-five Gaussians of std 0.05 at {-4, -2, 0, 2, 4}^2."""
    axis = torch.arange(-4.0, 5.0, 2.0)
    return Mixture(torch.cartesian_prod(axis, axis), 0.05)


def from_mixture(mixture: Mixture, n: int = POINTS, *, seed: int = 0, name: str = "mixture") -> Dataset:
    """`n` points drawn from a known density; the label of a point is the component it came from."""
    x, y = mixture.sample_labelled(n, torch.Generator().manual_seed(seed))
    classes = tuple(str(k) for k in range(len(mixture.weights)))
    return dataset(name, x, y, classes, fingerprint=fingerprint_of(f"{mixture} {n} points, seed {seed}"))


def source(make: Callable[[], Mixture]) -> Source:
    """Points of a known density as a source, which has no parts."""

    def draw(request: Request) -> Dataset:
        no_option(request)
        return from_mixture(make(), seed=request.seed, name=request.name)

    return draw


def gaussians(request: Request) -> Dataset:
    """Equal Gaussians where the name puts them, see `gaussian_mixture`."""
    return from_mixture(gaussian_mixture(request.name), seed=request.seed, name=request.name)


def gaussian_mixture(name: str) -> Mixture:
    """Equal Gaussians where a name puts them: "gaussians:0,0/3,3@0.5" has means (0, 0), (3, 3) and std 0.5."""
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
