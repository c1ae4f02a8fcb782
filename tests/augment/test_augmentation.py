"""What D sees: the transforms by hand, their gradients, and how ADA's probability follows D."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zerosum.augment import adaptive, diff_augment
from zerosum.augment.adaptive import AdaptiveAugment, color, warp
from zerosum.augment.augmented import Augmented
from zerosum.augment.diff_augment import OPERATIONS, DiffAugment
from zerosum.losses import penalties
from zerosum.techniques import Techniques

ALL = tuple(OPERATIONS)
SHAPES = [(3, 16, 16), (1, 9, 14), (4, 8, 8), (2, 3, 1)]


def always() -> AdaptiveAugment:
    """ADA with p = 1."""
    made = AdaptiveAugment()
    made.p.fill_(1.0)
    return made


TRANSFORMS = {name: DiffAugment((name,)) for name in OPERATIONS} | {"all": DiffAugment(ALL), "adaptive": always()}  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_image_has_a_draw_of_its_own(name: str, shape):
    torch.manual_seed(0)
    x = torch.rand(1, *shape).expand(64, *shape) * 2 - 1
    made = TRANSFORMS[name](x)
    assert made.shape == x.shape and made.isfinite().all()
    if shape != (2, 3, 1):  # a part of so few pixels is none
        assert (made != made[0]).flatten(1).any(1).float().mean() > 0.3
        assert not torch.equal(TRANSFORMS[name](x), made)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_gradients_pass_twice(name: str):
    """A gradient penalty of D(T(x)) reaches D's weights, and T's own gradient is exact."""
    torch.manual_seed(1)
    d = Augmented(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5), nn.Tanh(), nn.Linear(5, 1)), TRANSFORMS[name])
    penalty = penalties.r1(d, torch.rand(4, 3, 8, 8) * 2 - 1)
    penalty.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in d.network[1].parameters())
    assert d.network[1].weight.grad.abs().max() > 0

    def transform(x: Tensor) -> Tensor:
        torch.manual_seed(2)
        return TRANSFORMS[name].double()(x)

    x = torch.rand(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transform, (x,), fast_mode=True)
    TRANSFORMS[name].float()


def test_only_training_augments():
    d = Augmented(nn.Flatten(), DiffAugment(ALL))
    x = torch.rand(4, 1, 8, 8)
    assert not torch.equal(d.train()(x), x.flatten(1)) and torch.equal(d.eval()(x), x.flatten(1))


def test_translation_moves_by_whole_pixels_and_lets_zeros_in():
    torch.manual_seed(3)
    x = 1 + torch.rand(1, 2, 16, 24)
    seen = set()
    for made in diff_augment.translation(x.expand(400, -1, -1, -1)):
        fits = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            if torch.equal(made[:, max(-dy, 0) : 16 - max(dy, 0), max(-dx, 0) : 24 - max(dx, 0)],
                           x[0, :, max(dy, 0) : 16 - max(-dy, 0), max(dx, 0) : 24 - max(-dx, 0)])
            and (made == 0).sum() == 2 * (16 * 24 - (16 - abs(dy)) * (24 - abs(dx)))
        ]  # fmt: skip
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) == 5 * 7, "every shift of up to an eighth comes"


def test_cutout_hides_a_rectangle_of_half_the_sides():
    torch.manual_seed(4)
    made = diff_augment.cutout(torch.ones(500, 3, 8, 12))
    hidden = made[:, 0] == 0
    assert torch.equal(made == 0, hidden[:, None].expand_as(made))
    rows, columns = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert torch.equal(hidden.sum((1, 2)), rows * columns), "a rectangle"
    assert rows.max() == 4 and columns.max() == 6 and rows.min() >= 2 and columns.min() >= 3
    assert (hidden.float().mean(0) > 0.05).all(), "no pixel is safe"


def test_colors_keep_what_they_should():
    torch.manual_seed(5)
    x = torch.rand(300, 3, 6, 6)
    made = diff_augment.color(x)
    moved = made.mean((1, 2, 3)) - x.mean((1, 2, 3))  # brightness alone moves the mean of an image
    assert moved.abs().max() <= 0.5 + 1e-5 and moved.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.15)
    grey_before, grey = x.mean(1).flatten(1).std(1), made.mean(1).flatten(1).std(1)
    contrast = grey / grey_before  # saturation leaves grey alone
    assert 0.5 - 1e-4 <= contrast.min() < 0.55 and 1.45 < contrast.max() <= 1.5 + 1e-4


def identity(count: int) -> tuple[Tensor, Tensor]:
    return torch.eye(2).expand(count, 2, 2), torch.zeros(count, 2)


def turned(angle: float) -> Tensor:
    return torch.tensor([[[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]])


def test_warps_by_hand():
    x = torch.randn(1, 2, 5, 5)
    assert torch.equal(warp(x, identity(1)), x)
    still = torch.zeros(1, 2)
    torch.testing.assert_close(warp(x, (torch.tensor([[[-1.0, 0], [0, 1]]]), still)), x.flip(3))
    quarter = warp(x, (turned(math.pi / 2), still))
    assert any(torch.allclose(quarter, x.rot90(k, (2, 3)), atol=1e-5) for k in (1, 3))
    right = warp(x, (identity(1)[0], torch.tensor([[1.0, 0.0]])))
    torch.testing.assert_close(right[..., :4], x[..., 1:])
    torch.testing.assert_close(right[..., 4], x[..., 3])  # mirrored at the last pixel
    half = warp(x, (identity(1)[0], torch.tensor([[0.0, 0.5]])))
    torch.testing.assert_close(half[:, :, :4], (x[:, :, :4] + x[:, :, 1:]) / 2)


@pytest.mark.parametrize("angle", [0.3, 1.0, -2.5])
def test_a_turned_ramp_is_a_ramp(angle: float):
    """Linear interpolation is exact on linear functions, away from the mirrored border."""
    y, x = torch.meshgrid(torch.arange(21.0) - 10, torch.arange(21.0) - 10, indexing="ij")
    ramp = 2 * x - 3 * y
    a = turned(angle)
    made = warp(ramp[None, None], (a, torch.zeros(1, 2)))[0, 0]
    from_x, from_y = a[0, 0, 0] * x + a[0, 0, 1] * y, a[0, 1, 0] * x + a[0, 1, 1] * y
    inside = (x.square() + y.square()) < 81
    torch.testing.assert_close(made[inside], (2 * from_x - 3 * from_y)[inside], rtol=1e-4, atol=1e-3)


def test_ada_with_probability_0_changes_nothing():
    x = torch.rand(8, 3, 12, 12)
    assert torch.equal(AdaptiveAugment()(x), x)


def test_each_transform_comes_with_probability_p():
    torch.manual_seed(6)
    x = torch.rand(1, 1, 16, 16).expand(4000, -1, -1, -1)
    for p in (0.2, 0.7):
        linear, move = adaptive.blitting(x, torch.tensor(p))
        mirrored = (torch.linalg.det(linear) < 0).float().mean().item()
        turned_ = (linear.abs()[:, 0, 0] < 0.5).float().mean().item()
        assert mirrored == pytest.approx(p / 2, abs=0.03), "half of the draws mirror"
        assert turned_ == pytest.approx(p / 2, abs=0.03), "two of four quarter turns exchange the sides"
        assert torch.equal(move, move.round()) and move.abs().max() <= 2
        linear, move = adaptive.geometry(x, torch.tensor(p))
        assert (move != 0).any(1).float().mean().item() == pytest.approx(p, abs=0.03)
        turns = (linear[:, 0, 1].abs() > 1e-6).float().mean().item()
        assert turns == pytest.approx(p, abs=0.03), "at least one of two rotations"
        size = torch.linalg.det(linear).log2() / 2  # stretching keeps the area
        assert (size.abs() > 1e-5).float().mean().item() == pytest.approx(p, abs=0.03)
        assert size.std().item() == pytest.approx(0.2 * math.sqrt(p), rel=0.1)


def test_colours_of_ada():
    torch.manual_seed(7)
    grey = torch.rand(500, 1, 4, 4).expand(-1, 3, -1, -1)
    made = color(grey, torch.tensor(1.0))
    torch.testing.assert_close(made[:, 0], made[:, 2], atol=1e-4, rtol=1e-4)  # hue and saturation leave grey alone
    slope = (made[:, 0, 0, 0] - made[:, 0, 1, 1]) / (grey[:, 0, 0, 0] - grey[:, 0, 1, 1])
    assert (slope < 0).float().mean().item() == pytest.approx(0.5, abs=0.07), "half are turned to the negative"
    assert slope.abs().log2().std().item() == pytest.approx(0.5, rel=0.1)
    x = torch.rand(500, 3, 4, 4)
    apart = [v - v.mean(1, keepdim=True) for v in (x, color(x, torch.tensor(1.0)))]
    ratio = apart[1].square().sum((1, 2, 3)) / apart[0].square().sum((1, 2, 3))
    assert (ratio.log2() / 2).std().item() == pytest.approx(math.sqrt(0.5**2 + 1), rel=0.1)  # contrast and saturation
    four = torch.arange(64.0).view(1, 4, 4, 4).expand(6, -1, -1, -1) / 64
    made = color(four, torch.tensor(1.0))
    slopes = (made[:, :, 1:] - made[:, :, :-1]) / (four[:, :, 1:] - four[:, :, :-1])
    torch.testing.assert_close(slopes, slopes[:, :1, :1, :1].expand_as(slopes), rtol=1e-2, atol=1e-2)  # contrast alone


def test_p_rises_while_d_is_too_sure_and_falls_again():
    """Four batches of 50 of 1000 images: steps of 0.2; r_t = 1 is above 0.6, r_t = 0.5 below."""
    ada = AdaptiveAugment(0.6, images=1000)
    sure, unsure = torch.ones(50, 1), torch.cat([torch.ones(75), -torch.ones(25)])[::2]
    assert unsure.mean() == pytest.approx(0.5, abs=0.03)
    seen = []
    for batch in [sure] * 9 + [unsure] * 4:
        ada.update(batch)
        seen.append(round(ada.p.item(), 4))
    assert seen == [0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4, 0.4, 0.6, 0.6]
    ada.update(unsure)
    ada.update(unsure)
    ada.update(unsure)
    assert ada.p.item() == pytest.approx(0.4)
    for _ in range(40):
        ada.update(-sure)
    assert ada.p == 0
    for _ in range(40):
        ada.update(sure)
    assert ada.p == 1 and set(ada.state_dict()) == {"p", "signs", "batches"}


def test_the_default_pace_leads_to_1_in_500_000_images():
    ada, batch = AdaptiveAugment(), torch.ones(500)
    for _ in range(996):
        ada.update(batch)
    assert ada.p.item() == pytest.approx(0.996, abs=1e-4)
    for _ in range(4):
        ada.update(batch)
    assert ada.p.item() == pytest.approx(1.0, abs=1e-6)
    assert Techniques().adaptive_target == ada.target == 0.6 and Techniques().adaptive_images == ada.images
