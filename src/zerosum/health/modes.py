"""Which modes of the data the fakes miss: classes, where there are labels; else clusters; else regions of equal weight.

A mode is missing where the fakes have less than LEAST of the share that it has among the reals, and chance does not
explain it: modes so rare that chance might (`testable`) are left out. So real samples, drawn in their own shares, miss
nothing (but once in a thousand times).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy import stats
from torch import Generator, Tensor

LEAST = 0.25  # of its share: a mode that has less is missing
CHANCE = 1e-3  # of all modes together: how often reals may seem to miss one
REGIONS = 20  # parts of data that is not in clusters
MOST = 40  # clusters that are looked for
CELLS = 100  # small regions
APART = 0.7  # mean silhouette above which clusters are modes, and not a way to cut what is one piece
FITTED, ROUNDS = 1024, 25  # points of a clustering, and its rounds
SHRINK = 0.1  # of the covariance within classes, towards a ball
RESAMPLED = 50  # times that reals are drawn to see how far shares of classes are known


@dataclass(frozen=True)
class Named:
    """A mode that can be tested."""

    name: str
    share: float  # among the reals
    limit: float  # of that share, at most LEAST: with less the mode is missing


class Modes(ABC):
    """Modes of real data, and the shares of samples that lie in each."""

    testable: dict[int, Named]  # by their index
    expected: Tensor  # (K,)

    @abstractmethod
    def shares(self, seen: Tensor) -> Tensor:
        """(K,) the share of each mode among samples, (N, S + F): of what is seen of them, and of their features."""

    def signals(self, seen: Tensor) -> dict[str, float]:
        """`modes`, `modes_missing`, and `mode/NAME` of each testable mode: its share among fakes over that of reals."""
        if not self.testable:
            return {}
        found = self.shares(seen)
        ratios = {named.name: float(found[k]) / named.share for k, named in self.testable.items()}
        missing = sum(ratios[named.name] < named.limit for named in self.testable.values())
        kinds = {"modes": float(len(self.expected)), "modes_missing": float(missing)}
        return kinds | {f"mode/{name}": ratio for name, ratio in ratios.items()}


class Clusters(Modes):
    """Clusters of features, found by k-means; as many as are apart, or REGIONS regions where nothing is.

    Args:
        real: (N, S) features; the clusters are fitted to the first FITTED.
        count: fakes that will be compared.
        place: names a cluster by its centre (S,), or with "" leaves it a number.
    """

    def __init__(self, real: Tensor, count: int, generator: Generator, place: Callable[[Tensor], str]):
        self.centres, self.apart = clusters(real[:FITTED], generator)
        self.expected = self.shares(real)
        numbers = [f"region {i + 1}" for i in range(len(self.centres))]
        places = [place(centre) if self.apart else "" for centre in self.centres]
        names = places if all(places) and len(set(places)) == len(places) else numbers
        self.testable = _testable(names, self.expected, count * self.expected)

    def shares(self, seen: Tensor) -> Tensor:
        return _shares_of(seen[:, : self.centres.shape[1]], self.centres)


class Cells:
    """Small regions of equal weight, many of which together show what is missing where each alone would not.

    Args:
        real: (N, S) features; the regions are fitted to the first FITTED.
        count: fakes that will be compared.
    """

    def __init__(self, real: Tensor, count: int, generator: Generator):
        self.centres = kmeans(real[:FITTED], max(1, min(CELLS, len(real[:FITTED]) // 8)), generator)
        self.expected = _shares_of(real, self.centres)
        drawn = torch.multinomial(self.expected, count * RESAMPLED, replacement=True, generator=generator)
        found = F.one_hot(drawn.view(RESAMPLED, count), len(self.centres)).float().mean(1)  # (RESAMPLED, K)
        chance = self._unreached(found)
        self.high = float(chance.mean() + 1.96 * chance.std())

    def unreached(self, seen: Tensor) -> float:
        """The share of the reals that lie where samples (N, S) have less than LEAST of their share."""
        return float(self._unreached(_shares_of(seen, self.centres)[None])[0])

    def _unreached(self, shares: Tensor) -> Tensor:
        return ((shares < LEAST * self.expected) * self.expected).sum(1)


class ByLabel(Modes):
    """Classes, by the probabilities that linear discriminants of the features give.

    Their shares are the most likely ones: a maximum over mixtures of the probabilities (Saerens et al., 2002,
    "Adjusting the outputs of a classifier to new a priori probabilities"), so that a probe which mixes up classes, as
    any does on photographs, still finds one that is missing. How far they are known is measured on reals.

    Args:
        real, y: features (N, S) and their classes (N,), below K; one half fits the probe, the other measures it.
        names: (K,).
        expected: (K,) the shares that fakes should have.
        count: fakes that will be compared.
    """

    def __init__(
        self, real: Tensor, y: Tensor, names: Sequence[str], expected: Tensor, count: int, generator: Generator
    ):
        half = len(real) // 2
        held, held_y, real, y = real[half:], y[half:], real[:half], y[:half]
        self.expected = expected
        self.mean, self.std = real.mean(0), real.std(0).clamp_min(1e-6)
        self.prior = (torch.bincount(y, minlength=len(expected)) / len(y)).clamp_min(1e-6)
        self.weights = _discriminants((real - self.mean) / self.std, y, self.prior)
        drawn = _drawn(held_y, expected, count * RESAMPLED, generator).view(RESAMPLED, count)
        found = self._most_likely(self._probabilities(held)[drawn])  # (RESAMPLED, K)
        variance = (found - expected).square().mean(0).clamp_min(1e-12)
        known = torch.minimum(expected.square() * (1 - expected) / variance, count * expected)  # as if counted
        known[torch.bincount(held_y, minlength=len(known)) == 0] = 0
        self.testable = _testable(names, expected, known)

    def shares(self, seen: Tensor) -> Tensor:
        return self._most_likely(self._probabilities(seen)[None])[0]

    def _design(self, seen: Tensor) -> Tensor:
        return F.pad((seen - self.mean) / self.std, (0, 1), value=1.0)

    def _probabilities(self, seen: Tensor) -> Tensor:
        return (self._design(seen) @ self.weights).softmax(1)

    def _most_likely(self, probabilities: Tensor) -> Tensor:
        """(R, K) of (R, N, K): the shares by which the samples are likeliest; expectation maximisation."""
        ratios, share = probabilities / self.prior, self.prior.expand(len(probabilities), -1)
        for _ in range(ROUNDS):
            joint = ratios * share[:, None]
            share = (joint / joint.sum(2, keepdim=True).clamp_min(1e-12)).mean(1)
        return share


class OrRegions(Modes):
    """Classes of which some cannot be tested; where none of the others is missing, clusters or regions are asked."""

    def __init__(self, classes: Modes, regions: Modes):
        self.classes, self.regions = classes, regions
        self.testable, self.expected = classes.testable, classes.expected

    def shares(self, seen: Tensor) -> Tensor:
        return self.classes.shares(seen)

    def signals(self, seen: Tensor) -> dict[str, float]:
        found = super().signals(seen) or {"modes": float(len(self.expected)), "modes_missing": 0.0}
        if found["modes_missing"]:
            return found
        regions = self.regions.signals(seen)
        return regions if regions.get("modes_missing") else found


def clusters(x: Tensor, generator: Generator) -> tuple[Tensor, bool]:
    """Centres (K, S) of the clusters of x (N, S), and whether they are apart from each other.

    Of 2 to MOST clusters those with the largest mean silhouette (Rousseeuw, 1987; to centres, not to all samples),
    where that is above APART; else REGIONS regions.
    """
    distinct = len(x.unique(dim=0))
    best, found = APART, None
    for k in range(2, min(MOST, distinct - 1, len(x) // 8) + 1):
        centres = kmeans(x, k, generator)
        if len(centres) == k and (silhouette := _silhouette(x, centres)) > best + 0.01:
            best, found = silhouette, centres
    if found is not None:
        return found, True
    return kmeans(x, max(1, min(REGIONS, distinct, len(x) // 16)), generator), False


def kmeans(x: Tensor, k: int, generator: Generator) -> Tensor:
    """(K, S) centres of x (N, S): each next one starts far from all others (Arthur and Vassilvitskii, 2007)."""
    centres = x[torch.randint(len(x), (1,), generator=generator)]
    nearest = torch.cdist(x, centres)[:, 0].square()  # (N,)
    for _ in range(k - 1):
        if not bool(nearest.sum() > 0):
            break
        tried = x[torch.multinomial(nearest, 6, replacement=True, generator=generator)]
        after = torch.minimum(nearest[:, None], torch.cdist(x, tried).square())  # (N, 6)
        chosen = int(after.sum(0).argmin())
        centres, nearest = torch.cat([centres, tried[chosen : chosen + 1]]), after[:, chosen]
    for _ in range(ROUNDS):
        own = F.one_hot(torch.cdist(x, centres).argmin(1), len(centres)).to(x)  # (N, K)
        size = own.sum(0)[:, None]
        moved = torch.where(size > 0, own.T @ x / size.clamp_min(1), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres


def _shares_of(x: Tensor, centres: Tensor) -> Tensor:
    """(K,) the share of x (N, S) that lies nearest to each of the centres (K, S)."""
    return torch.bincount(torch.cdist(x, centres).argmin(1), minlength=len(centres)) / len(x)


def _silhouette(x: Tensor, centres: Tensor) -> float:
    """Mean of 1 - (distance to the own centre over that to the next one)."""
    near = torch.cdist(x, centres).topk(2, largest=False).values
    return float((1 - near[:, 0] / near[:, 1].clamp_min(1e-12)).mean())


def _testable(names: Sequence[str], expected: Tensor, counts: Tensor) -> dict[int, Named]:
    """The modes of which so many samples are expected that chance cannot explain when there are few."""
    chance = CHANCE / max(len(names), 1)
    found = {}
    for k, (name, share, count) in enumerate(zip(names, expected.tolist(), counts.tolist(), strict=True)):
        least = int(stats.poisson.ppf(chance, count)) - 1 if count > 0 else -1  # P(X <= least) < chance
        if least >= 0:
            found[k] = Named(name, share, min(LEAST, (least + 0.5) / count))
    return found


def _discriminants(x: Tensor, y: Tensor, prior: Tensor) -> Tensor:
    """(S + 1, K) weights whose softmax is the probability of each class: Gaussians of one covariance, shrunk."""
    own = F.one_hot(y, len(prior)).to(x)  # (N, K)
    means = own.T @ x / own.sum(0).clamp_min(1)[:, None]
    within = x - means[y]
    covariance = within.T @ within / len(x)
    scale = covariance.diagonal().mean()
    covariance = (1 - SHRINK) * covariance + SHRINK * scale * torch.eye(x.shape[1])
    weights = torch.linalg.solve(covariance, means.T)  # (S, K)
    offsets = prior.log() - 0.5 * (means * weights.T).sum(1)
    return torch.cat([weights, offsets[None]])


def _drawn(y: Tensor, shares: Tensor, count: int, generator: Generator) -> Tensor:
    """(count,) rows of y, drawn so that its classes have these shares."""
    weight = (shares / torch.bincount(y, minlength=len(shares)).clamp_min(1))[y]
    return torch.multinomial(weight, count, replacement=True, generator=generator)


def missing_names(names: Sequence[str]) -> str:
    """`3 to 9`, or `cat, dog and 2 more`."""
    numbers = [int(name) if name.isdecimal() else -1 for name in names]
    if len(names) > 2 and min(numbers) >= 0 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    shown = list(names) if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
