"""Streamed moments against those of all rows at once."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zerosum.metrics.statistics import Moments, above, kurtosis

D = torch.float64


def seen(*batches: Tensor) -> Moments:
    moments = Moments(batches[0].shape[1])
    for batch in batches:
        moments.update(batch)
    return moments


def assert_moments_of(moments: Moments, x: Tensor) -> None:
    assert moments.count == len(x)
    torch.testing.assert_close(moments.mean, x.mean(0), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(moments.covariance, torch.cov(x.T), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("sizes", [[40], [1] * 40, [39, 1], [1, 39], [7, 0, 13, 20]])
def test_any_batches_give_the_moments_of_all_rows(sizes: list[int]):
    x = torch.randn(40, 6, dtype=D) * torch.arange(1, 7) + 3
    assert_moments_of(seen(*x.split(sizes)), x)


def test_by_hand():
    moments = seen(torch.tensor([[1.0, 0.0], [3.0, 2.0]]), torch.tensor([[5.0, 1.0]]))
    assert moments.mean.tolist() == [3, 1]
    torch.testing.assert_close(moments.covariance, torch.tensor([[4.0, 1.0], [1.0, 1.0]], dtype=D))


def test_large_means_cost_no_digits():
    """Sums of squares would be 1e18 here, of which float64 keeps nothing below 128."""
    x = torch.randn(500, 4, dtype=D) + 1e9
    torch.testing.assert_close(seen(*x.split(60)).covariance, torch.cov((x - 1e9).T), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sizes", [[25, 15], [1, 39], [10, 10, 10, 10]])
def test_parts_merge_to_one_pass(sizes: list[int]):
    x = torch.randn(40, 5, dtype=D) + 10
    parts = [seen(part) for part in x.split(sizes)]
    before = parts[-1].state()
    for part in parts[1:]:
        parts[0].merge(part)
    assert_moments_of(parts[0], x)
    assert all(torch.equal(parts[-1].state()[key], before[key]) for key in before)


def test_merging_with_nothing_changes_nothing():
    x = torch.randn(9, 3, dtype=D)
    moments, empty = seen(x), Moments(3)
    moments.merge(Moments(3))
    empty.merge(seen(x))
    for one in (moments, empty):
        assert_moments_of(one, x)


def test_a_state_is_saved_restored_and_continued(tmp_path):
    x = torch.randn(30, 4, dtype=D)
    first = seen(x[:20])
    save_file(first.state(), tmp_path / "moments.safetensors")
    second = Moments.restore(load_file(tmp_path / "moments.safetensors"))
    for moments in (first, second):
        moments.update(x[20:])
    assert first.count == second.count == 30
    assert torch.equal(first.mean, second.mean) and torch.equal(first.covariance, second.covariance)


def test_a_state_is_a_copy():
    moments = seen(torch.randn(5, 2))
    state = moments.state()
    other = Moments.restore(state)
    moments.update(torch.randn(5, 2))
    assert state["count"] == other.count == 5
    assert torch.equal(other.state()["scatter"], state["scatter"])


def test_memory_does_not_grow_with_rows():
    moments = Moments(3)
    sizes = set()
    for _ in range(3):
        moments.update(torch.randn(1000, 3))
        sizes.add(sum(tensor.numel() for tensor in moments.state().values()))
    assert sizes == {1 + 3 + 9}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_features_of_any_precision_are_summed_in_float64(dtype: torch.dtype):
    x = torch.randn(64, 3).to(dtype).requires_grad_()
    moments = seen(*x.split(10))
    assert moments.mean.dtype == moments.covariance.dtype == D and not moments.covariance.requires_grad
    assert_moments_of(moments, x.detach().double())


def test_the_argument_stays_as_it_is():
    x = torch.randn(8, 3, dtype=D)
    before = x.clone()
    seen(x, x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(("rows", "dim"), [(300, 4), (30, 40)])
def test_variances_are_the_diagonal(rows: int, dim: int):
    x = torch.randn(rows, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(Moments.of(x).variances, x.var(0))


@pytest.mark.parametrize(("power", "expected"), [(1, 3.0), (3, 46.2)])  # E z^12 / (E z^6)^2 = 10395 / 225
def test_kurtosis_by_the_variances_of_groups(power: int, expected: float):
    x = torch.randn(20_000, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** power
    x[:, :10] *= 1e-9  # which weighs nothing
    x[:, 0] = 5.0
    variances = torch.stack([group.var(0) for group in x.tensor_split(10)])
    assert kurtosis(variances, 2000) == pytest.approx(expected, rel=0.25)
    assert kurtosis(torch.zeros(10, 3), 20) == 3.0


def test_what_does_not_fit_is_refused():
    moments = Moments(3)
    for wrong in (torch.zeros(4, 2), torch.zeros(3), torch.zeros(2, 3, 1)):
        with pytest.raises(ValueError, match=r"\(B, 3\)"):
            moments.update(wrong)
    with pytest.raises(ValueError, match="moments of 2 features do not merge into moments of 3"):
        moments.merge(Moments(2))
    moments.update(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="at least 2 rows, not 1"):
        _ = moments.covariance
    with pytest.raises(ValueError, match="at least 1"):
        Moments(0)
    with pytest.raises(ValueError, match=r"\(F, F\)"):
        Moments.restore(moments.state() | {"scatter": torch.zeros(2, 2)})


def test_a_tie_counts_half():
    a, b = torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1.0, 0.0])
    assert above(a, b) == (0 + 0.5 + 2 * (0.5 + 1)) / 6 and above(a, a) == 0.5
