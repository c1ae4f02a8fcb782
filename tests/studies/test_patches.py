"""Patches of images and of films are cut by one function, as they were by two."""

from __future__ import annotations

import torch

from zerosum.metrics.statistics import Moments
from zerosum.studies import moving_scenes
from zerosum.studies.sharpness import cut, patches


def test_patches_of_films_are_those_that_they_were() -> None:
    x = torch.randn(2, 7, 3, 20, 17)
    windows = x[:, ::3].unfold(3, 6, 3).unfold(4, 6, 3)
    before = windows.permute(0, 1, 3, 4, 2, 5, 6).reshape(-1, 3 * 6**2)
    assert torch.equal(moving_scenes.patches_of(x), before) and moving_scenes.patches_of(x).is_contiguous()


def test_patches_of_images_are_those_that_they_were() -> None:
    images = [255 * torch.rand(3, 21, 30), 255 * torch.rand(3, 9, 9)]
    before = Moments(3 * 64)
    for image in images:
        own = (image / 255).unfold(1, 8, 4).unfold(2, 8, 4)
        before.update(own.permute(1, 2, 0, 3, 4).reshape(-1, 3 * 64))
    found = patches(images, 8, 4)
    assert torch.equal(found.mean, before.mean) and torch.equal(found.covariance, before.covariance)


def test_their_order_is_row_by_row() -> None:
    x = torch.arange(24.0).view(1, 4, 6)
    assert cut(x, 2, 2)[:, 0].tolist() == [0, 2, 4, 12, 14, 16] and cut(x, 2, 2)[1].tolist() == [2, 3, 8, 9]
