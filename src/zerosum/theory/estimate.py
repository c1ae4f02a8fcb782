"""How far apart two distributions are, from samples alone: x (N, D) of p, y (M, D) of q.

Logarithms are natural, so divergences are in nats. Estimates scatter: they may leave the range of what they estimate.
ValueError where shapes do not fit or a value is not finite.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from zerosum.losses import adversarial
from zerosum.metrics.neighbours import k_nearest


def kl(x: Tensor, y: Tensor, k: int = 5) -> float:
    """KL(p || q) from distances to the k-th neighbour: D/N sum_i log(to_y_i / to_x_i) + log(M / (N - 1)).

    Wang, Kulkarni and Verdu, 2009; Perez-Cruz, 2008. Consistent for any fixed k where both have densities; a larger k
    scatters less and is more biased. Where p has mass that q has not it grows with N instead of being infinite.
    ValueError where a point is there more than k times.
    """
    own = k_nearest(x, x, k, exclude_self=True)[0][:, -1]
    other = k_nearest(x, y, k)[0][:, -1]
    if not bool((own > 0).all()) or not bool((other > 0).all()):
        raise ValueError(f"a point has {k} equal to it, but samples of a density do not repeat: raise k")
    return float(x.shape[1] * (other / own).log().mean() + math.log(len(y) / (len(x) - 1)))


def js(x: Tensor, y: Tensor, k: int = 5) -> float:
    """JS(p, q), in [0, log 2] but for scatter: both `kl` to the mixture, which half of each sample stands for.

    The larger sample is cut to the size of the smaller, so that the mixture has equal parts.
    """
    half = min(len(x), len(y)) // 2
    mixture = torch.cat([x[half : 2 * half], y[half : 2 * half]])
    return (kl(x[:half], mixture, k) + kl(y[:half], mixture, k)) / 2


def js_bound(real_logits: Tensor, fake_logits: Tensor) -> float:
    """A lower bound of JS(p, q) from any discriminator's logits on samples of p, (N,), and of q, (M,).

    V(D, G) is at most -log 4 + 2 JS, so JS >= (V + log 4) / 2; Goodfellow et al., 2014, Theorem 1. It holds but for
    scatter on samples that D was not trained on.
    """
    return float(math.log(4) - adversarial.minimax.d(real_logits, fake_logits)) / 2


def total_variation(x: Tensor, y: Tensor, bins: int = 50) -> float:
    """TV(p, q), in [0, 1], from histograms with `bins` a dimension over the box of all points.

    Too few points in a bin make it too large, too few bins too small; bins^D is to be far below N and M.
    """
    _check(x, y)
    if bins < 1:
        raise ValueError(f"a histogram needs a bin, not {bins}")
    both = torch.cat([x, y]).double()
    low, high = both.amin(0), both.amax(0)
    cell = ((both - low) / (high - low).clamp_min(1e-300) * bins).long().clamp_max(bins - 1)  # (N + M, D)
    cells = torch.unique(cell, dim=0, return_inverse=True)[1]  # (N + M,)
    sides = cells.split([len(x), len(y)])
    on_p, on_q = (torch.bincount(side, minlength=int(cells.max()) + 1) / len(side) for side in sides)
    return float((on_p - on_q).abs().sum()) / 2


def wasserstein(x: Tensor, y: Tensor) -> float:
    """W1 between the two samples themselves, exactly, in units of x.

    In one dimension from sorted samples; in more from the best assignment under Euclidean distance, in time N^3 at
    worst (seconds for 2,000 points; needs SciPy, and N = M). As an estimate of W1(p, q) it is too large by about
    N^(-1/D).
    """
    _check(x, y)
    if x.shape[1] == 1:
        return float(_on_lines(x, y))
    if len(x) != len(y):
        raise ValueError(f"an assignment needs as many points on both sides, not {len(x)} and {len(y)}")
    from scipy.optimize import linear_sum_assignment

    costs = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")
    rows, columns = linear_sum_assignment(costs.cpu().numpy())
    return float(costs[torch.from_numpy(rows), torch.from_numpy(columns)].mean())


def sliced_wasserstein(x: Tensor, y: Tensor, directions: int = 256, generator: Generator | None = None) -> float:
    """The mean W1 of the samples' shadows on random lines; at most `wasserstein`. Rabin et al., 2011."""
    _check(x, y)
    if directions < 1:
        raise ValueError(f"shadows need a direction, not {directions}")
    lines = torch.randn(x.shape[1], directions, dtype=torch.float64, generator=generator).to(x.device)
    lines = lines / lines.norm(dim=0)
    return float(_on_lines(x.double() @ lines, y.double() @ lines))


def _on_lines(x: Tensor, y: Tensor) -> Tensor:
    """The mean W1 of the columns of (N, L) and (M, L): integral |P - Q| of their distribution functions."""
    x, y = x.double(), y.double()
    if len(x) == len(y):
        return (x.sort(0).values - y.sort(0).values).abs().mean()
    steps = torch.cat([torch.full_like(x, 1 / len(x)), torch.full_like(y, -1 / len(y))])
    both, order = torch.cat([x, y]).sort(0)
    height = steps.gather(0, order).cumsum(0)[:-1].abs()  # (N + M - 1, L)
    return (height * both.diff(dim=0)).sum(0).mean()


def _check(x: Tensor, y: Tensor) -> None:
    if x.dim() != 2 or y.dim() != 2 or x.shape[1] != y.shape[1] or not len(x) * len(y):
        raise ValueError(f"points must be (N, D) and (M, D), not {tuple(x.shape)} and {tuple(y.shape)}")
    if not bool(x.isfinite().all()) or not bool(y.isfinite().all()):
        raise ValueError("points must be finite")
