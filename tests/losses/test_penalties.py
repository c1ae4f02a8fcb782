"""Every gradient penalty against critics whose gradients are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zerosum.losses import penalties
from zerosum.losses.penalties import (
    PENALTIES,
    dragan,
    gradient_norm,
    interpolation,
    one_sided,
    r1,
    r1_r2,
    r2,
    zero_centered,
)

D = torch.float64


def linear(*a: float):
    """f(x) = a . x, over all of x's elements: its gradient is a everywhere."""
    weight = torch.tensor(a, dtype=D)
    return lambda x: x.flatten(1) @ weight.to(x.dtype)


def quadratic(x: Tensor) -> Tensor:
    """f(x) = ||x||^2 / 2: its gradient is x."""
    return 0.5 * x.flatten(1).square().sum(1, keepdim=True)


def points(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=D)


REAL, FAKE = points((1.0, 2.0), (-3.0, 0.5), (0.0, 1.0)), points((0.0, -1.0), (2.0, 2.0), (4.0, 1.0))


@pytest.mark.parametrize("batch", [1, 3, 9])
@pytest.mark.parametrize(("a", "two_sided", "at_most_1", "half_square"), [
    ((1.0, 0.0), 0.0, 0.0, 0.5),
    ((0.6, -0.8), 0.0, 0.0, 0.5),
    ((0.0, 3.0), 4.0, 4.0, 4.5),
    ((0.0, 0.25), 0.5625, 0.0, 0.03125),
])  # fmt: skip
def test_linear_critics_whatever_the_batch(a, two_sided, at_most_1, half_square, batch: int):
    """Over the whole batch the norm of nine unit gradients would be 3: a penalty of 4, where it must be 0."""
    real, fake = torch.randn(batch, 2, dtype=D), torch.randn(batch, 2, dtype=D)
    f = linear(*a)
    assert interpolation(f, real, fake).item() == pytest.approx(two_sided, abs=1e-12)
    assert one_sided(f, real, fake).item() == pytest.approx(at_most_1, abs=1e-12)
    assert r1(f, real).item() == r2(f, None, fake).item() == pytest.approx(half_square, abs=1e-12)
    if batch > 1:
        assert dragan(f, real).item() == pytest.approx(two_sided, abs=1e-12)


def test_norms_are_taken_sample_by_sample_over_all_pixels():
    x = torch.randn(5, 3, 4, 2, dtype=D, requires_grad=True)
    norm = gradient_norm(quadratic(x), x)
    assert norm.shape == (5,)
    torch.testing.assert_close(norm, x.detach().flatten(1).norm(dim=1), rtol=1e-12, atol=0)


def test_r1_is_taken_on_real_and_r2_on_fakes():
    assert r1(quadratic, REAL, FAKE).item() == pytest.approx((5 + 9.25 + 1) / 6, rel=1e-12)
    assert r2(quadratic, REAL, FAKE).item() == pytest.approx((1 + 8 + 17) / 6, rel=1e-12)
    x = REAL.clone().requires_grad_()
    assert zero_centered(quadratic(x), x).item() == r1(quadratic, REAL).item()


class Coins:
    """Stands for `torch.rand`: gives what it was made with and remembers the shapes it was asked for."""

    def __init__(self, *values: float):
        self.values, self.shapes = torch.tensor(values, dtype=D), []

    def __call__(self, *shape: int, device: object = None, dtype: torch.dtype | None = None) -> Tensor:
        self.shapes.append(shape)
        return self.values[: shape[0]].reshape(-1, *shape[1:]).to(dtype)


def test_interpolates_lie_on_the_line_between_each_pair(monkeypatch: pytest.MonkeyPatch):
    coins = Coins(0.0, 1.0, 0.5)
    monkeypatch.setattr(torch, "rand", coins)
    at = torch.stack([REAL[0], FAKE[1], (REAL[2] + FAKE[2]) / 2])  # t from real (0) to fake (1)
    norms = at.norm(dim=1)
    assert interpolation(quadratic, REAL, FAKE).item() == pytest.approx((norms - 1).square().mean().item(), rel=1e-12)
    assert one_sided(quadratic, REAL, FAKE).item() == pytest.approx(
        (norms - 1).clamp_min(0).square().mean().item(), rel=1e-12
    )
    assert coins.shapes == [(3, 1), (3, 1)]
    coins.shapes.clear()
    image = torch.zeros(3, 2, 4, 5, dtype=D)
    interpolation(quadratic, image, image + 1)
    assert coins.shapes == [(3, 1, 1, 1)]  # once a sample, not once a pixel


def test_one_sided_is_free_below_a_norm_of_one():
    inside, outside = 0.5 * torch.eye(2, dtype=D), 2 * torch.eye(2, dtype=D)
    assert one_sided(quadratic, inside, inside).item() == 0
    assert interpolation(quadratic, inside, inside).item() == pytest.approx(0.25, rel=1e-12)
    assert one_sided(quadratic, outside, outside).item() == pytest.approx(1.0, rel=1e-12)


def test_dragan_looks_around_the_data_within_half_its_deviation():
    seen: list[Tensor] = []

    def f(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real = torch.randn(4000, 3, dtype=D) * 2 + 5
    dragan(f, real)
    moved = seen[0] - real
    limit = 0.5 * real.std()
    assert moved.min() >= 0 and moved.max() <= limit
    assert moved.max() > 0.9 * limit  # t times u, both uniform: the mean is a quarter of the limit
    assert moved.mean().item() == pytest.approx(0.25 * limit.item(), rel=0.05)
    ratio = moved[:, 0] / moved[:, 1]
    assert ratio.std() > 0.1  # each coordinate has noise of its own


def test_r1_and_r2_in_one_pass_are_their_sum():
    def bowl(x):
        return x.square().sum(1)

    real, fake = torch.randn(6, 3, dtype=torch.float64), 2 * torch.randn(6, 3, dtype=torch.float64)
    expected = 2 * (real.square().sum(1).mean() + fake.square().sum(1).mean())  # |grad|^2 = 4 |x|^2
    torch.testing.assert_close(r1_r2(bowl, real, fake), expected)
    torch.testing.assert_close(r1_r2(bowl, real, fake), r1(bowl, real) + r2(bowl, real, fake))


@pytest.mark.parametrize("name", list(PENALTIES))
def test_a_penalty_needs_no_gradient_of_the_samples_and_leaves_none(name: str):
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    weight = torch.tensor([0.5, 2.0], dtype=D, requires_grad=True)
    PENALTIES[name](lambda x: (x @ weight).square(), real, fake).backward()
    assert real.grad is None and fake.grad is None and weight.grad is not None
    with torch.no_grad():
        made = torch.randn(3, 2, dtype=D)
    assert PENALTIES[name](lambda x: (x @ weight).square(), real.detach(), made).requires_grad


@pytest.mark.parametrize("name", list(PENALTIES))
def test_gradients_for_the_critic(name: str):
    """Double backward against finite differences, and once more for those who differentiate through a penalty."""
    x, y = torch.randn(4, 3, dtype=D), torch.randn(4, 3, dtype=D)

    def penalty(first: Tensor, second: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same interpolates at every call
        return PENALTIES[name](lambda x: (x @ first).tanh() @ second, x, y)

    weights = torch.randn(3, 5, dtype=D, requires_grad=True), torch.randn(5, 1, dtype=D, requires_grad=True)
    assert torch.autograd.gradcheck(penalty, weights)
    assert torch.autograd.gradgradcheck(penalty, weights, atol=1e-4)


def test_the_gradient_of_a_linear_critic_in_closed_form():
    """For f = a . x: d/da (|a| - 1)^2 = 2 (|a| - 1) a / |a|, and d/da |a|^2 / 2 = a."""
    a = torch.tensor([3.0, 4.0], dtype=D, requires_grad=True)
    (slope,) = torch.autograd.grad(interpolation(lambda x: x @ a, REAL, FAKE), a)
    torch.testing.assert_close(slope, 8 * a.detach() / 5)
    (slope,) = torch.autograd.grad(r1(lambda x: x @ a, REAL), a)
    torch.testing.assert_close(slope, a.detach())


@pytest.mark.parametrize("name", list(PENALTIES))
def test_a_flat_critic_gives_finite_gradients(name: str):
    """The root has an infinite slope at 0; a fresh critic with dead units is exactly there."""
    a = torch.zeros(2, dtype=D, requires_grad=True)
    value = PENALTIES[name](lambda x: x @ a, REAL, FAKE)
    (slope,) = torch.autograd.grad(value, a)
    assert value.item() == pytest.approx({"interpolation": 1.0, "dragan": 1.0}.get(name, 0.0), abs=1e-6)
    assert slope.isfinite().all()


@pytest.mark.parametrize("name", list(PENALTIES))
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_samples_give_a_float32_penalty(name: str, dtype: torch.dtype):
    """Under autocast G's samples come in bf16 beside float32 data."""
    real, fake = REAL.float(), FAKE.to(dtype)
    for pair in ((real, fake), (real.to(dtype), fake)):
        value = PENALTIES[name](linear(0.0, 3.0), *pair)
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx({"r1": 4.5, "r2": 4.5, "r1-r2": 9.0}.get(name, 4.0), rel=1e-5)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_under_bf16_autocast_the_penalty_stays_close(name: str):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    real, fake = 3 * torch.randn(256, 6), torch.randn(256, 6)
    torch.manual_seed(1)
    exact = PENALTIES[name](net, real, fake)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        half = PENALTIES[name](net, real, fake)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(exact.item(), rel=0.03)


def test_logits_may_have_either_shape():
    flat, column = linear(0.6, 0.8), lambda x: linear(0.6, 0.8)(x)[:, None]
    for penalty in (interpolation, one_sided, r1, r2):
        torch.manual_seed(0)
        first = penalty(flat, REAL, FAKE)
        torch.manual_seed(0)
        assert torch.equal(first, penalty(column, REAL, FAKE))


def test_the_table_has_every_penalty():
    named = {name.replace("-", "_"): function for name, function in PENALTIES.items()}
    names = ("interpolation", "one_sided", "r1", "r2", "r1_r2", "dragan")
    assert named == {name: getattr(penalties, name) for name in names}


def test_the_penalty_of_a_batch_is_the_mean_of_its_samples():
    alone = [r1(quadratic, REAL[i : i + 1]).item() for i in range(3)]
    assert sum(alone) / 3 == pytest.approx(r1(quadratic, REAL).item(), rel=1e-12)
