"""Mean and covariance of any number of rows of features in bounded memory; ranks of two sets of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


class Moments:
    """Count, mean and covariance of all rows seen, in float64 on the CPU, in the memory of the smaller of a (dim, dim)
    matrix and the rows themselves.

    Rows are centred before they are squared (Chan, Golub and LeVeque, 1983), so nothing is lost where means are large
    against deviations. Parts that several processes have seen are merged to the moments of one pass, to rounding:
    gather their `state()`, `restore` and `merge`.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64)  # (F,)
        # The scatter, the sum of (x - mean)(x - mean)^T, is rows^T rows: count - 1 rows while these are fewer than F.
        self._rows: list[Tensor] = []  # (R, F) each
        self._scatter: Tensor | None = None  # (F, F), once the rows are as many as F

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """Of all rows (N, F)."""
        if features.dim() != 2:
            raise ValueError(f"features must be (N, F), not {tuple(features.shape)}")
        moments = cls(features.shape[1])
        moments.update(features)
        return moments

    @classmethod
    def pooled(cls, parts: Iterable[Moments]) -> Moments:
        """Of all rows of all parts, of which there is at least one."""
        first, *rest = parts
        whole = cls(first.dim)
        for part in (first, *rest):
            whole.merge(part)
        return whole

    @property
    def dim(self) -> int:
        return len(self.mean)

    @property
    def covariance(self) -> Tensor:
        """(F, F), unbiased: the sum is divided by count - 1. ValueError below two rows."""
        self._needs_two()
        return self._full_scatter() / (self.count - 1)

    @property
    def variances(self) -> Tensor:
        """(F,) the diagonal of the covariance, without the matrix. ValueError below two rows."""
        self._needs_two()
        if self._scatter is not None:
            return self._scatter.diagonal() / (self.count - 1)
        sums = torch.zeros_like(self.mean)
        for rows in self._rows:
            sums += rows.square().sum(0)
        return sums / (self.count - 1)

    @property
    def total_variance(self) -> float:
        """The trace of the covariance, without the matrix; not finite where a feature was not. ValueError as above."""
        self._needs_two()
        if self._scatter is not None:
            return float(self._scatter.trace()) / (self.count - 1)
        return sum(float(rows.square().sum()) for rows in self._rows) / (self.count - 1)

    @property
    def factor(self) -> Tensor | None:
        """W of shape (F, count - 1), with W W^T the covariance, where that is less than F; None where it is not."""
        self._needs_two()
        if self._scatter is not None:
            return None
        return torch.cat(self._rows).T / math.sqrt(self.count - 1)

    def update(self, features: Tensor) -> None:
        """Takes in (B, F) rows of any device and floating-point type."""
        if features.dim() != 2 or features.shape[1] != self.dim:
            raise ValueError(f"features must be (B, {self.dim}), not {tuple(features.shape)}")
        if len(features) == 0:
            return
        x = features.detach().cpu().double()  # first home: not every device has float64
        mean = x.mean(0)
        joint = self._join(len(x), mean)
        if self.count <= self.dim and self._scatter is None:
            self._add(_contrasts(x - mean), joint)
        else:
            self._add(x - mean, joint)

    def merge(self, other: Moments) -> None:
        """Takes in what `other` has seen; `other` stays as it is."""
        if other.dim != self.dim:
            raise ValueError(f"moments of {other.dim} features do not merge into moments of {self.dim}")
        if not other.count:
            return
        joint = self._join(other.count, other.mean)
        if other._scatter is None:
            self._add(*other._rows, joint)
        else:
            self._scatter = self._full_scatter() + other._scatter
            self._rows = []
            self._add(joint)

    def _join(self, count: int, mean: Tensor) -> Tensor:
        """Moves the mean; gives the row (1, F), none of the first part, by which the two parts' own scatter falls short
        of that of both."""
        total = self.count + count
        shift = mean - self.mean  # (F,)
        row = shift[None] * math.sqrt(self.count * count / total)
        joint = row if self.count else row[:0]
        self.mean = self.mean + shift * (count / total)
        self.count = total
        return joint

    def _add(self, *rows: Tensor) -> None:
        """Adds to the scatter what rows (R, F) contribute."""
        if self._scatter is None:
            self._rows += [part for part in rows if len(part)]
            if sum(map(len, self._rows)) >= self.dim:
                self._scatter, self._rows = self._full_scatter(), []
        else:
            for part in rows:
                self._scatter.addmm_(part.T, part)

    def _full_scatter(self) -> Tensor:
        """(F, F), whichever form is kept."""
        if self._scatter is not None:
            return self._scatter
        scatter = torch.zeros(self.dim, self.dim, dtype=torch.float64)
        for rows in self._rows:
            scatter.addmm_(rows.T, rows)
        return scatter

    def _needs_two(self) -> None:
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 rows, not {self.count}")

    def state(self) -> dict[str, Tensor]:
        """Everything as tensors, as safetensors and collectives take them: count (), mean (F,), scatter (F, F)."""
        count = torch.tensor(self.count, dtype=torch.int64)
        return {"count": count, "mean": self.mean.clone(), "scatter": self._full_scatter().clone()}

    @classmethod
    def restore(cls, state: Mapping[str, Tensor]) -> Moments:
        """The moments whose `state()` this is."""
        count, mean, scatter = state["count"], state["mean"], state["scatter"]
        if count.dim() != 0 or mean.dim() != 1 or scatter.shape != (len(mean), len(mean)) or count < 0:
            shapes = [tuple(t.shape) for t in (count, mean, scatter)]
            raise ValueError(f"count, mean and scatter must be (), (F,) and (F, F), not {shapes}")
        moments = cls(len(mean))
        moments.count = int(count)
        moments.mean = mean.to("cpu", torch.float64, copy=True)
        moments._scatter = scatter.to("cpu", torch.float64, copy=True)
        return moments


def _contrasts(centred: Tensor) -> Tensor:
    """(B - 1, F) of centred rows (B, F), with the same sum of squares: Helmert's, row i against the mean of those
    before it. They have full rank where B centred rows cannot: a variance of 0 would leave the root of its rounding.
    """
    before = centred.cumsum(0)[:-1]  # (B - 1, F)
    number = torch.arange(1, len(centred), dtype=centred.dtype)[:, None]
    return (before - number * centred[1:]) / (number * (number + 1)).sqrt()


def kurtosis(variances: Tensor, rows: float) -> float:
    """Of features, each weighed by its variance: 3 of Gaussian ones, more of those with outliers.

    From how far the variances of independent groups, (groups, F), of so many rows each, at least two, are apart: one of
    n rows varies by sigma^4 (kurtosis - (n - 3) / (n - 1)) / n. 3 where nothing varies.
    """
    mean = variances.mean(0)
    if not float(mean.sum()) > 0:
        return 3.0
    each = rows * variances.var(0) / mean.square().clamp_min(1e-300) + (rows - 3) / (rows - 1)
    return float((each * mean).sum() / mean.sum())


def above(a: Tensor, b: Tensor) -> float:
    """The share of all pairs in which a of (N,) is larger than b of (M,), ties counted half: Mann and Whitney's U / NM.

    ValueError where a side is empty.
    """
    if len(a) == 0 or len(b) == 0:
        raise ValueError("there must be numbers on both sides")
    ordered = b.sort().values
    below = torch.searchsorted(ordered, a) + torch.searchsorted(ordered, a, right=True)
    return float(below.sum()) / (2 * len(a) * len(b))
