"""The Fréchet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, too_few, too_heavy
from zerosum.metrics.score import Score
from zerosum.metrics.statistics import Moments


def frechet(real: Moments, fake: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), at least 0; on Inception features it is FID; Heusel et al., 2017.

    Exact to rounding in float64 for singular covariances too, such as those of fewer rows than features. ValueError
    where the dimensions differ, a side has fewer than two rows, or a feature was not finite.
    """
    if real.dim != fake.dim:
        raise ValueError(f"real features have {real.dim} dimensions and fake ones {fake.dim}")
    for name, moments in (("real", real), ("fake", fake)):
        if moments.count < 2:
            raise ValueError(f"the Fréchet distance needs at least 2 {name} rows, not {moments.count}")
        if not math.isfinite(float(moments.mean.sum()) + moments.total_variance):  # one feature makes the sum so
            raise ValueError(f"the {name} features are not all finite")
    means = float((real.mean - fake.mean).square().sum())
    return max(0.0, means + real.total_variance + fake.total_variance - 2 * _trace_of_root(real, fake))


def _trace_of_root(real: Moments, fake: Moments) -> float:
    """tr (S1 S2)^(1/2) of two covariances (F, F).

    With S = W W^T the roots of the eigenvalues of S1 S2 are the singular values of W1^T W2. Of N < F rows W has N - 1
    columns, and no matrix (F, F) is made. Else both factors have full rank, so no eigenvalue is 0 but for rounding,
    whose root would count.
    """
    factors = [moments.factor for moments in (real, fake)]
    of_rows = any(factor is not None for factor in factors)
    first, second = (
        _cholesky(moments.covariance) if factor is None else factor
        for moments, factor in zip((real, fake), factors, strict=True)
    )
    product = first.T @ second  # (r1, r2)
    if of_rows:  # which may be equal, and of a smaller rank than they are many
        return float(torch.linalg.svdvals(product).sum())
    if product.shape[0] > product.shape[1]:
        product = product.T
    return float(torch.linalg.eigvalsh(product @ product.T).clamp_min(0).sqrt().sum())


def _cholesky(covariance: Tensor) -> Tensor:
    """W of shape (F, r) with W W^T the covariance and r its numerical rank."""
    root, failed = torch.linalg.cholesky_ex(covariance)
    pivots = root.diagonal().square()
    if failed or float(pivots.min()) <= _negligible(covariance):
        return _pivoted_cholesky(covariance)
    return root


def _negligible(covariance: Tensor) -> float:
    """What rounding leaves of a variance that is 0: LAPACK's bound for a pivoted Cholesky factor."""
    return len(covariance) * torch.finfo(covariance.dtype).eps * float(covariance.diagonal().max())


def _pivoted_cholesky(covariance: Tensor, width: int = 32) -> Tensor:
    """The factor of a singular covariance: the largest variance left is the next pivot, until nothing is left.

    In panels of `width` columns, as LAPACK's pstrf: what a panel explains is taken off by one product of matrices.
    """
    limit = _negligible(covariance)
    left, variances = covariance.clone(), covariance.diagonal().clone()
    rows = torch.zeros_like(covariance)  # W^T
    for start in range(0, len(rows), width):
        panel = rows[start : start + width]
        for i in range(len(panel)):
            pivot = int(variances.argmax())
            variance = float(variances[pivot])
            if variance <= limit:
                return rows[: start + i].T
            panel[i] = torch.addmv(left[pivot], panel[:i].T, panel[:i, pivot], alpha=-1) / math.sqrt(variance)
            variances.addcmul_(panel[i], panel[i], value=-1)
            variances[pivot] = 0
        left.addmm_(panel.T, panel, alpha=-1)
    return rows.T


@dataclass(frozen=True)
class Frechet(Metric):
    """The Fréchet distance; Heusel et al., 2017. In constant memory, and biased upwards by few samples."""

    name = "frechet"
    needs = "moments"
    needs_distinct = False

    def why_not(self, context: Context) -> str:
        return "" if context.fewest > 1 else "it needs at least 2 samples of each side"

    def warnings(self, context: Context) -> list[str]:
        dim = context.real.moments[0].dim
        enough = min(10_000, max(1_000, 5 * dim))
        few = too_few(context, enough, f"the covariance of {dim} features is uncertain, and the distance too large")
        groups = context.fake.moments
        if context.fake.count < intervals.ENOUGH:
            return few
        return few + too_heavy(torch.stack([group.variances for group in groups]), context.fake.count / len(groups))

    def measure(self, context: Context) -> dict[str, Score]:
        real, groups = Moments.pooled(context.real.moments), context.fake.moments
        value = frechet(real, Moments.pooled(groups))
        if context.fake.count < intervals.ENOUGH:
            return {"distance": Score(value, "lower", note=intervals.TOO_FEW)}
        without = [frechet(real, Moments.pooled(groups[:i] + groups[i + 1 :])) for i in range(intervals.GROUPS)]
        low, high = intervals.jackknife(value, without)
        return {"distance": Score(value, "lower", (max(0.0, low), high), intervals.BY_GROUPS)}
