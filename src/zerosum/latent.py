"""Latent distributions: what z is drawn from, how to walk between two points, how to stay near the middle."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import torch
from annotated_types import Gt
from torch import Generator, Tensor

Device = torch.device | str
LatentDim = Annotated[int, Gt(0), "latent dimension (size of z)"]
# How the z of a seed are drawn: so that each depends on the seed and its number alone, or, in runs of older versions,
# batch by batch from one generator, so that they depend on how many are drawn.
DrawName = Literal["rows", "batches"]
ROWS = 256  # drawn together by `draw_rows`; a multiple of 16, in which PyTorch fills tensors with normal numbers


@dataclass(frozen=True)
class Code:
    """A part of z that has a meaning of its own: a one-hot vector of categories, or one number in [-1, 1]."""

    name: str
    start: int  # its first dimension in z
    size: int  # categories; 1: a number
    scale: float = 1.0  # of the one-hot vector

    def values(self, steps: int) -> Tensor:
        """What it can be, (T, size): each of the categories, or `steps` numbers from -1 to 1."""
        return self.scale * torch.eye(self.size) if self.size > 1 else torch.linspace(-1, 1, steps)[:, None]

    def put(self, z: Tensor, value: Tensor) -> Tensor:
        """z, (B, dim), with this code at `value`, (size,) or (B, size)."""
        changed = z.clone()
        changed[:, self.start : self.start + self.size] = value.to(z)
        return changed


class Prior(Protocol):
    """The distribution of z."""

    @property
    def dim(self) -> int: ...

    @property
    def codes(self) -> tuple[Code, ...]:
        """The parts of z that have a meaning of their own."""

    def draw(self, count: int, device: Device = "cpu", generator: Generator | None = None) -> Tensor:
        """(count, dim) on the device."""

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The point at t in [0, 1] of a path from a to b along which z stays typical."""

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """z moved towards the middle: less variety, more typical samples; `limit` > 0."""


@dataclass(frozen=True)
class Normal:
    """z ~ N(0, I)."""

    dim: int

    @property
    def codes(self) -> tuple[Code, ...]:
        return ()

    def draw(self, count: int, device: Device = "cpu", generator: Generator | None = None) -> Tensor:
        return torch.randn(count, self.dim, device=device, generator=generator)

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        # A straight line would pass near 0, where N(0, I) has almost no mass; on this arc z stays N(0, I).
        return math.cos(t * math.pi / 2) * a + math.sin(t * math.pi / 2) * b

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """The normal distribution cut off at |z| = limit, by inverting its distribution function."""
        half = math.erf(limit / math.sqrt(2))
        # erfinv(±1) is infinite, and float32 rounds the tails of erf to ±1: there the bound takes over.
        bound = z.abs().clamp_max(min(limit, torch.finfo(z.dtype).max))  # a greater one has no float32
        return (torch.erfinv(torch.erf(z / math.sqrt(2)) * half) * math.sqrt(2)).clamp(-bound, bound)


@dataclass(frozen=True)
class Clustered:
    """A normal part, then a one-hot vector of a random cluster; ClusterGAN; Mukherjee et al., 2019.

    Data that falls into separate kinds, as digits do, need not be torn out of one connected cloud.
    """

    normal: int  # dimensions of the normal part
    clusters: int
    scale: float = 4.0  # of the one-hot vector: far enough that clusters do not meet

    @property
    def dim(self) -> int:
        return self.normal + self.clusters

    @property
    def codes(self) -> tuple[Code, ...]:
        return (Code("cluster", self.normal, self.clusters, self.scale),)

    def draw(self, count: int, device: Device = "cpu", generator: Generator | None = None) -> Tensor:
        chosen = torch.randint(self.clusters, (count,), device=device, generator=generator)
        one_hot = torch.nn.functional.one_hot(chosen, self.clusters)
        return torch.cat([Normal(self.normal).draw(count, device, generator), self.scale * one_hot], dim=1)

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The normal parts walk their arc while one cluster fades into the other."""
        (a, of_a), (b, of_b) = (z.split([self.normal, self.clusters], dim=1) for z in (a, b))
        return torch.cat([Normal(self.normal).interpolate(a, b, t), torch.lerp(of_a, of_b, t)], dim=1)

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        z, one_hot = z.split([self.normal, self.clusters], dim=1)
        return torch.cat([Normal(self.normal).truncated(z, limit), one_hot], dim=1)


@dataclass(frozen=True)
class Uniform:
    """z ~ U(-1, 1) in each coordinate."""

    dim: int

    @property
    def codes(self) -> tuple[Code, ...]:
        return ()

    def draw(self, count: int, device: Device = "cpu", generator: Generator | None = None) -> Tensor:
        return torch.rand(count, self.dim, device=device, generator=generator) * 2 - 1

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        return torch.lerp(a, b, t)  # a cube is convex

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """U(-limit, limit); a limit above 1 changes nothing."""
        return z * min(limit, 1.0)


@dataclass(frozen=True)
class InfoGANPrior:
    """InfoGAN's z: incompressible noise, then one-hot codes, then codes ~ U(-1, 1); Chen et al., 2016, section 4."""

    noise: int  # dimensions of noise ~ N(0, I)
    categories: tuple[int, ...] = (10,)  # categories of each one-hot code, equally likely
    continuous: int = 2  # codes that are one number each

    @property
    def dim(self) -> int:
        return self.noise + sum(self.categories) + self.continuous

    @property
    def codes(self) -> tuple[Code, ...]:
        found: list[Code] = []
        for size in (*self.categories, *[1] * self.continuous):
            start = found[-1].start + found[-1].size if found else self.noise
            found.append(Code(f"c{len(found) + 1}", start, size))
        return tuple(found)

    def draw(self, count: int, device: Device = "cpu", generator: Generator | None = None) -> Tensor:
        parts = [Normal(self.noise).draw(count, device, generator)]
        for size in self.categories:
            chosen = torch.randint(size, (count,), device=device, generator=generator)
            parts.append(torch.nn.functional.one_hot(chosen, size).float())
        return torch.cat([*parts, Uniform(self.continuous).draw(count, device, generator)], dim=1)

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The noise walks its arc while one code fades into the other."""
        sizes = [self.noise, self.dim - self.noise]
        (a, of_a), (b, of_b) = (z.split(sizes, dim=1) for z in (a, b))
        return torch.cat([Normal(self.noise).interpolate(a, b, t), torch.lerp(of_a, of_b, t)], dim=1)

    def truncated(self, z: Tensor, limit: float) -> Tensor:
        """The noise is truncated; codes stay what they are."""
        z, codes = z.split([self.noise, self.dim - self.noise], dim=1)
        return torch.cat([Normal(self.noise).truncated(z, limit), codes], dim=1)


PriorName = Literal["normal", "uniform"]
PRIORS: dict[PriorName, type[Normal | Uniform]] = {"normal": Normal, "uniform": Uniform}


def draw_rows(prior: Prior, count: int, seed: int, start: int = 0) -> Tensor:
    """z number `start` to `start + count` of a seed, (count, dim) on the CPU: equal however many are drawn at once.

    Whole blocks are drawn and cut, each from a generator of its own. `torch.randn` of another number of rows would
    change the last ones, and those of few numbers altogether.
    """
    first, last = start // ROWS, (start + count - 1) // ROWS
    blocks = []
    for number in range(first, last + 1):
        generator = torch.Generator().manual_seed(hashed_seed("latents", seed, number))
        blocks.append(prior.draw(ROWS, "cpu", generator))
    return torch.cat(blocks)[start - first * ROWS :][:count]


def hashed_seed(purpose: str, seed: int, number: int) -> int:
    """A seed in [0, 2^63) for one part of what `seed` draws: others for each purpose and number."""
    digest = hashlib.blake2b(f"{purpose} {seed} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
