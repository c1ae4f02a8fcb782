"""Random affine maps: their bounds, their gradient, their exactness."""

from __future__ import annotations

import torch

from zerosum.augment import RandomAffine


def test_a_map_that_changes_nothing():
    x = torch.rand(3, 2, 9, 12)
    torch.testing.assert_close(RandomAffine(shift=0.0, warp=0.0)(x), x, rtol=0, atol=1e-5)


def test_each_image_moves_by_its_own_amount_within_bounds():
    x = torch.zeros(200, 1, 41, 41)
    x[:, :, 18:23, 18:23] = 1.0  # its centre of mass is the image's
    moved = RandomAffine(shift=0.2, warp=0.0)(x)
    axis = torch.arange(41.0) - 20
    mass = moved.sum((1, 2, 3))
    dy, dx = (moved.sum((1, other)) @ axis / mass for other in (3, 2))
    assert dy.abs().max() <= 0.2 * 41 + 0.01 and dx.abs().max() <= 0.2 * 41 + 0.01
    assert dy.std() > 3 and dx.std() > 3 and (dy - dx).abs().max() > 3
    assert mass.std() < 0.02 * mass.mean()


def test_images_warp_within_bounds():
    x = torch.zeros(200, 1, 41, 41)
    x[:, :, 12:29, 12:29] = 1.0
    area = RandomAffine(shift=0.0, warp=0.3)(x).sum((1, 2, 3)) / 17**2
    # The determinant of the matrix is between (0.7^2 - 0.3^2) and (1.3^2 + 0.3^2); the area is divided by it.
    assert area.min() > 1 / (1.3**2 + 0.3**2) - 0.05 and area.max() < 1 / (0.7**2 - 0.3**2) + 0.05
    assert area.std() > 0.1


def test_maps_have_a_gradient_and_keep_the_range():
    x = (torch.rand(4, 3, 8, 8) * 2 - 1).requires_grad_()
    made = RandomAffine()(x)
    assert made.shape == x.shape and made.abs().max() <= 1
    made.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


def test_maps_are_as_exact_under_autocast():
    x = torch.rand(8, 1, 64, 64)
    torch.manual_seed(0)
    plain = RandomAffine()(x)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(RandomAffine()(x), plain)
