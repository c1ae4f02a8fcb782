"""Known densities, and how far apart two are: by integration, and from samples. Closed forms are claims as well."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from zerosum.theory import Grid, Histogram, Mixture, Uniform, divergence, estimate, normal

LINE = Grid.box((-12.0,), (12.0,), 1200)
P, Q = normal(0.0, 1.0), normal(1.0, 2.0)
LEFT, RIGHT = Uniform([-2.0], [-1.0]), Uniform([1.0], [3.0])


def test_a_box_has_equal_density_inside_and_none_outside() -> None:
    box = Uniform([0.0, -1.0], [2.0, 3.0])
    inside = box.log_prob(torch.tensor([[0.0, -1.0], [1.9, 2.9]]))
    torch.testing.assert_close(inside, torch.full((2,), -math.log(8), dtype=torch.float64))
    assert box.log_prob(torch.tensor([[2.0, 0.0], [1.0, -1.1]])).tolist() == [-math.inf] * 2
    x = box.sample(10_000, torch.Generator().manual_seed(0))
    assert x.shape == (10_000, 2) and bool(box.log_prob(x).isfinite().all())
    torch.testing.assert_close(x.mean(0), torch.tensor([1.0, 1.0], dtype=torch.float64), atol=0.05, rtol=0)


def test_steps_are_a_histogram() -> None:
    steps = Histogram(torch.tensor([0.0, 1.0, 3.0, 4.0]), torch.tensor([1.0, 2.0, 0.0]))
    at = steps.log_prob(torch.tensor([[-0.1], [0.0], [0.9], [1.0], [2.9], [3.5], [4.0]])).exp()
    torch.testing.assert_close(at, torch.tensor([0, 1, 1, 1, 1, 0, 0], dtype=torch.float64) / 3)
    x = steps.sample(9000, torch.Generator().manual_seed(0))
    assert x.shape == (9000, 1) and float((x < 1).double().mean()) == pytest.approx(1 / 3, abs=0.02)
    assert float(x.min()) >= 0 and float(x.max()) < 3 and float(x[x > 1].mean()) == pytest.approx(2, abs=0.03)


@pytest.mark.parametrize(
    ("edges", "mass", "said"),
    [
        ([0.0, 1.0], [1.0, 1.0], "one ascending edge more"),
        ([1.0, 0.0], [1.0], "one ascending edge more"),
        ([0.0, 1.0, 2.0], [2.0, -1.0], "not negative"),
        ([0.0, 1.0], [0.0], "not all 0"),
        ([0.0, 1.0], [math.inf], "finite"),
    ],
)
def test_no_steps(edges: list[float], mass: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Histogram(torch.tensor(edges), torch.tensor(mass))


def test_one_gaussian_from_numbers() -> None:
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)
    expected = torch.distributions.Normal(torch.tensor(1.0).double(), 2.0).log_prob(x)
    torch.testing.assert_close(Q.log_prob(x[:, None]), expected)
    assert normal((1, 2, 3), 0.5).sample(4).shape == (4, 3)


def test_a_grid_integrates() -> None:
    square = Grid.box((0.0, -1.0), (2.0, 1.0), 200)
    assert square.points.shape == (40_000, 2) and square.volume == pytest.approx(1e-4)
    x, y = square.points.T
    assert float(square.integral(x * y.square())) == pytest.approx(2 * 2 / 3, abs=1e-4)
    assert float(square.points[1, 1] - square.points[0, 1]) == pytest.approx(0.01), (
        "the last dimension is the quick one"
    )


@pytest.mark.parametrize("grid", [Grid.box((0.0,), (12.0,), 600), Grid.box((-200.0,), (200.0,), 50)])
def test_a_grid_that_misses_mass_is_refused(grid: Grid) -> None:
    for distance in (divergence.kl, divergence.js, divergence.total_variation, divergence.wasserstein):
        with pytest.raises(ValueError, match="the grid sees a mass of"):
            distance(P, P, grid)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Uniform([0.0], [0.0]),
        lambda: Uniform([0.0], [1.0, 2.0]),
        lambda: Grid.box((0.0,), (1.0,), 0),
        lambda: Grid.box((1.0,), (0.0,), 5),
        lambda: Grid.box((0.0, 0.0), (1.0,), 5),
    ],
)
def test_no_box(wrong) -> None:
    with pytest.raises(ValueError, match="a low below each high"):
        wrong()


def test_equal_densities_are_no_way_apart() -> None:
    for distance in (divergence.kl, divergence.js, divergence.total_variation, divergence.wasserstein):
        assert float(distance(Q, Q, LINE)) == pytest.approx(0, abs=1e-12)


def test_densities_that_share_no_mass() -> None:
    assert float(divergence.kl(LEFT, RIGHT, LINE)) == math.inf
    assert float(divergence.kl(LEFT, P, LINE)) < math.inf == float(divergence.kl(P, LEFT, LINE))
    assert float(divergence.js(LEFT, RIGHT, LINE)) == pytest.approx(math.log(2), abs=1e-12)
    assert float(divergence.total_variation(LEFT, RIGHT, LINE)) == pytest.approx(1, abs=1e-12)
    assert float(divergence.wasserstein(LEFT, RIGHT, LINE)) == pytest.approx(3.5, abs=1e-9), "between the means"


def test_symmetry_and_bounds() -> None:
    for distance in (divergence.js, divergence.total_variation, divergence.wasserstein):
        assert float(distance(P, Q, LINE)) == pytest.approx(float(distance(Q, P, LINE)), abs=1e-12)
    js, tv = (float(f(P, Q, LINE)) for f in (divergence.js, divergence.total_variation))
    assert 0 < js < tv * math.log(2), "Lin, 1991: JS is at most TV log 2"
    assert tv <= math.sqrt(float(divergence.kl(P, Q, LINE)) / 2), "Pinsker's inequality"


def test_divergences_can_be_descended() -> None:
    """d/dm KL(N(0, 1) || N(m, 1)) = m, of W1 it is 1; of JS between boxes that are apart it is 0, not NaN."""
    at = torch.tensor([[0.7]], dtype=torch.float64, requires_grad=True)
    for distance, slope in ((divergence.kl, 0.7), (divergence.wasserstein, 1.0)):
        (gradient,) = torch.autograd.grad(distance(P, Mixture(at, 1.0), LINE), at)
        assert float(gradient) == pytest.approx(slope, abs=1e-4)
    wide = torch.tensor([[3.0]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(divergence.js(LEFT, Mixture(wide, 0.05), LINE), wide)
    assert float(gradient) == pytest.approx(0, abs=1e-9)


def test_only_a_line_has_distribution_functions() -> None:
    square = Grid.box((-6.0, -6.0), (6.0, 6.0), 60)
    with pytest.raises(ValueError, match="of one dimension, not of 2"):
        divergence.wasserstein(normal((0.0, 0.0), 1.0), normal((0.0, 0.0), 1.0), square)


def test_the_best_discriminator_point_by_point() -> None:
    x = torch.tensor([[-1.5], [0.0], [2.0]])
    assert divergence.optimal_discriminator(LEFT, RIGHT, x).tolist() == [1.0, 0.5, 0.0]
    p, q = P.log_prob(x).exp(), Q.log_prob(x).exp()
    torch.testing.assert_close(divergence.optimal_discriminator(P, Q, x), p / (p + q))


def test_the_value_of_the_game() -> None:
    def flat(x: Tensor) -> Tensor:
        return torch.zeros(len(x), 1)

    assert float(divergence.value(P, Q, flat, LINE)) == pytest.approx(-math.log(4), abs=1e-6), "D = 1/2, of any G"
    perfect = divergence.value(LEFT, RIGHT, lambda x: divergence.optimal_logits(LEFT, RIGHT, x), LINE)
    assert float(perfect) == 0.0, "D is sure and right, and infinite logits cost nothing where there is no mass"
    best = float(divergence.best_value(P, Q, LINE))
    assert best == pytest.approx(2 * float(divergence.js(P, Q, LINE)) - math.log(4))
    assert float(divergence.value(P, Q, flat, LINE)) < best < 0
    network = torch.nn.Linear(1, 1)
    found = divergence.value(P, Q, divergence.logits_of(network), LINE)
    assert float(found) <= best and not found.requires_grad and found.dtype == torch.float64


def test_nearest_neighbour_kl_by_hand() -> None:
    x, y = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.5], [2.0]])
    own, other = [1.0, 1.0, 2.0], [0.5, 0.5, 1.0]
    expected = sum(math.log(b / a) for a, b in zip(own, other, strict=True)) / 3 + math.log(2 / 2)
    assert estimate.kl(x, y, k=1) == pytest.approx(expected)


def test_kl_and_js_of_equal_distributions_scatter_around_zero() -> None:
    random = torch.Generator().manual_seed(0)
    x, y = (normal((0.0, 0.0), 1.0).sample(2000, random) for _ in range(2))
    assert estimate.kl(x, y) == pytest.approx(0, abs=0.06)
    assert estimate.js(x, y) == pytest.approx(0, abs=0.06)
    far = y + 100
    assert estimate.js(x, far) == pytest.approx(math.log(2), abs=0.06)
    assert estimate.kl(x, far) > 5, "infinite, which no sample tells"


def test_the_bound_from_a_discriminator() -> None:
    assert estimate.js_bound(torch.zeros(5), torch.zeros(7)) == pytest.approx(0, abs=1e-7), "D = 1/2 knows nothing"
    assert estimate.js_bound(torch.full((5,), 50.0), torch.full((7,), -50.0)) == pytest.approx(math.log(2))
    assert estimate.js_bound(torch.full((5,), -3.0), torch.full((7,), 3.0)) < 0, "a wrong D bounds nothing"


def test_total_variation_of_counts() -> None:
    x, y = torch.tensor([[0.0], [0.1], [9.0], [9.9]]), torch.tensor([[0.2], [5.0], [5.1], [10.0]])
    assert estimate.total_variation(x, y, bins=10) == pytest.approx((1 / 4 + 2 / 4 + 1 / 4) / 2)
    assert estimate.total_variation(x, x) == 0 and estimate.total_variation(x, x + 100) == 1
    plane = torch.rand(3000, 2, generator=torch.Generator().manual_seed(0))
    assert estimate.total_variation(plane[:1500], plane[1500:], bins=4) < 0.1
    assert estimate.total_variation(torch.zeros(3, 2), torch.zeros(2, 2)) == 0, "a box without volume"


@pytest.mark.parametrize("sizes", [(40, 40), (40, 25), (1, 9)])
def test_wasserstein_on_a_line_agrees_with_scipy(sizes: tuple[int, int]) -> None:
    stats = pytest.importorskip("scipy.stats")
    x, y = torch.randn(sizes[0], 1), 2 * torch.randn(sizes[1], 1) + 1
    expected = stats.wasserstein_distance(x[:, 0].double().numpy(), y[:, 0].double().numpy())
    assert estimate.wasserstein(x, y) == pytest.approx(expected, abs=1e-9)


def test_wasserstein_in_the_plane_is_the_best_assignment() -> None:
    x, y = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    costs = (x[:, None] - y).norm(dim=2)
    best = min(float(costs[range(6), list(order)].mean()) for order in itertools.permutations(range(6)))
    assert estimate.wasserstein(x, y) == pytest.approx(best, abs=1e-12)
    assert 0 < estimate.sliced_wasserstein(x, y) < best
    assert estimate.sliced_wasserstein(x, y, generator=torch.Generator().manual_seed(1)) == pytest.approx(
        estimate.sliced_wasserstein(x, y, generator=torch.Generator().manual_seed(1)), abs=0
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: estimate.kl(torch.zeros(9, 1), torch.ones(9, 1)), "equal to it"),
        (lambda: estimate.kl(torch.randn(9, 1), torch.randn(9, 2)), "points must be"),
        (lambda: estimate.kl(torch.randn(4, 1), torch.randn(9, 1)), "no point has 5 neighbours"),
        (lambda: estimate.total_variation(torch.randn(9, 1), torch.randn(9)), "points must be"),
        (lambda: estimate.total_variation(torch.randn(9, 1), torch.full((9, 1), math.nan)), "must be finite"),
        (lambda: estimate.total_variation(torch.randn(9, 1), torch.randn(9, 1), bins=0), "needs a bin, not 0"),
        (lambda: estimate.wasserstein(torch.randn(9, 2), torch.randn(8, 2)), "as many points on both sides"),
        (lambda: estimate.wasserstein(torch.randn(0, 1), torch.randn(8, 1)), "points must be"),
        (lambda: estimate.wasserstein(torch.randn(3, 1), torch.full((3, 1), math.inf)), "must be finite"),
        (lambda: estimate.sliced_wasserstein(torch.randn(9, 2), torch.randn(8, 3)), "points must be"),
        (lambda: estimate.sliced_wasserstein(torch.randn(9, 2), torch.randn(9, 2), 0), "a direction, not 0"),
        (lambda: estimate.sliced_wasserstein(torch.randn(9, 2), torch.full((9, 2), math.nan)), "must be finite"),
    ],
)
def test_samples_that_cannot_be_compared(wrong, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()
