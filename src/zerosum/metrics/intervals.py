"""Confidence intervals of 95 %: of shares and means in closed forms, of a smooth statistic by the jackknife over ten
groups, of a share that depends on neighbours by disjoint subsets, and of whatever can be computed hundreds of times by
random halves. How often they hold what they should is recorded by `python -m benchmarks.coverage`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Interval = tuple[float, float]

Z = 1.959964  # the normal distribution's 97.5 % point
FEWEST = 5  # groups below which a deviation between them says nothing
GROUPS = 10  # equal groups of successive samples that the jackknife leaves out in turn
ENOUGH = 2 * GROUPS  # samples from which such groups say something
BY_GROUPS = f"from {GROUPS} groups of fakes, by the jackknife"
TOO_FEW = "no interval: too few samples"
LEAST, MOST = 250, 2500  # samples of the larger side in one of the disjoint subsets, else a quarter
FREEDOM = 30  # degrees of freedom of the variance between these, at least


def of_share(share: float, count: float, z: float = Z) -> Interval:
    """Of a share of `count` independent samples: Wilson, 1927; it stays within [0, 1] and is sound near 0 and 1."""
    centre = share + z**2 / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    scale = 1 + z**2 / count
    low = max(0.0, (centre - half) / scale) if share > 0 else 0.0  # exactly, not but for rounding
    return low, min(1.0, (centre + half) / scale) if share < 1 else 1.0


def of_shares(shares: Sequence[float], counts: Sequence[int]) -> Interval:
    """Of the mean of shares of independent sides, each with its own count; Newcombe, 1998, from Wilson's intervals.

    One interval of both sides together is too wide where one share is large and the other small.
    """
    mean = sum(shares) / len(shares)
    ends = [of_share(share, count) for share, count in zip(shares, counts, strict=True)]
    below, above = (
        math.sqrt(sum((share - pair[end]) ** 2 for share, pair in zip(shares, ends, strict=True))) / len(shares)
        for end in (0, 1)
    )
    return mean - below, mean + above


def of_mean(values: Tensor, least: float = -math.inf, most: float = math.inf) -> Interval:
    """Of the mean of independent values (N,), at least two, in [least, most], where it is cut off; Student's t."""
    x = values.double()
    mean, half = float(x.mean()), student(len(x) - 1) * float(x.std()) / math.sqrt(len(x))
    return within((mean - half, mean + half), least, most)


def within(interval: Interval, least: float = -math.inf, most: float = math.inf) -> Interval:
    """What of it lies in the range of the score."""
    low, high = interval
    return max(least, low), min(most, high)


def of_groups(values: Sequence[float]) -> Interval:
    """Of the mean of a statistic over independent groups of samples."""
    _enough(len(values))
    return of_mean(torch.tensor(values, dtype=torch.float64))


def of_neighbours(
    statistic: Callable[[Tensor, Tensor], float],
    real: Tensor,
    fake: Tensor,
    share: float,
    seed: int = 0,
    least: int = 1,
) -> Interval:
    """Of `share`, which is statistic(real, fake): a share of the reals (N, F) that depends on the fakes (M, F) around
    each, over other fakes.

    Such shares are sums of what happens around each point, which stays as it is where both sides shrink alike: the
    variance goes with 1 / N. So several disjoint subsets of the fakes are compared with one subset of the reals, again
    and again; the variance between them, over that of independent reals, says how many independent reals all of them
    are worth, and the interval is Wilson's of so many. Neither the binomial formula of all reals holds, since reals
    that lie close together share their fakes, nor the bootstrap, which draws fakes twice, nor the jackknife, which
    overstates the variance of "at least one".

    Args:
        least: rows that the statistic needs of each side, at most half of either.
    """
    generator = torch.Generator().manual_seed(seed)
    larger = max(len(real), len(fake))
    part = min(MOST, max(LEAST, larger / 4)) / larger
    part = min(0.5, max(part, (least + 1) / min(len(real), len(fake))))
    of_real, of_fake = int(part * len(real)), int(part * len(fake))
    sets = len(fake) // of_fake
    repeats = math.ceil(FREEDOM / (sets - 1))
    values = []
    for _ in range(repeats):
        some = real[torch.randperm(len(real), generator=generator)[:of_real]]
        order = torch.randperm(len(fake), generator=generator)[: sets * of_fake]
        values.append([statistic(some, fake[rows]) for rows in order.split(of_fake)])
    x = torch.tensor(values, dtype=torch.float64)  # (repeats, sets)
    mean = float(x.mean())
    alone = mean * (1 - mean) / of_real  # the variance, were reals independent
    effect = float(x.var(1).mean()) / alone if alone > 0 else 1.0
    return of_share(share, len(real) / max(effect, 1 / len(real)), student(repeats * (sets - 1)))


def jackknife(value: float, without: Sequence[float]) -> Interval:
    """Of a smooth statistic: its value on all samples, and without each of several equal groups; Tukey, 1958.

    A bias that goes with the number of samples is nearly the same in every term, so it does not widen the interval.
    """
    count = len(without)
    _enough(count)
    x = torch.tensor(without, dtype=torch.float64)
    variance = (count - 1) / count * float((x - x.mean()).square().sum())
    half = student(count - 1) * math.sqrt(variance)
    return value - half, value + half


def of_halves(
    statistic: Callable[..., float], *samples: Tensor, repeats: int = 200, level: float = 0.95, seed: int = 0
) -> Interval:
    """A confidence interval of statistic(*samples) over other samples of the same sizes; each is (N_i, *shape).

    Random halves, drawn without replacement, vary about their mean as whole samples do about theirs (the delete-half
    jackknife; Shao and Wu, 1989): the interval is the statistic, plus the quantiles of that variation. The usual
    bootstrap draws rows twice, which shrinks neighbours' distances to 0 and moves a Fréchet distance off its value: for
    100 rows of 32 features none of its 95 % percentile intervals held what such samples give on average, of these 98 %.

    Only variation is covered: a distance that is too large because rows are few stays too large. Intervals are too wide
    rather than too narrow where distributions are equal, and may pass a bound of the statistic, such as 0, by a little.

    Args:
        statistic: of as many tensors as there are samples, with half the rows of each.
        repeats: halves to draw; with 200 the ends of a 95 % interval are off by about a tenth of its half-width.
        seed: of the halves; no other random number is touched.

    For a share, hand in the (N,) zeros and ones themselves: a thousand repeats then take a fraction of a second.
    ValueError where a sample has fewer than two rows.
    """
    if repeats < 1 or not 0 < level < 1:
        raise ValueError(f"repeats must be at least 1 and level between 0 and 1, not {repeats} and {level}")
    if not samples or min(len(sample) for sample in samples) < 2:
        raise ValueError("halves need samples of at least two rows")
    generator = torch.Generator().manual_seed(seed)
    halves = torch.tensor(
        [statistic(*(_half(sample, generator) for sample in samples)) for _ in range(repeats)], dtype=torch.float64
    )
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = (statistic(*samples) + (halves - halves.mean()).quantile(tails)).tolist()
    return low, high


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t of `freedom`, at least 1, degrees of freedom; of infinitely many the normal's."""
    from scipy.special import stdtrit

    return Z if math.isinf(freedom) else float(stdtrit(freedom, 0.975))


def _enough(groups: int) -> None:
    if groups < FEWEST:
        raise ValueError(f"an interval needs at least {FEWEST} groups, not {groups}")


def _half(sample: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.randperm(len(sample), generator=generator)[: len(sample) // 2]
    return sample[chosen.to(sample.device)]
