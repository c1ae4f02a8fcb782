"""Mode coverage against counts made by hand."""

from __future__ import annotations

import math

import pytest
import scipy.stats
import torch
from torch import Tensor

from zerosum import data
from zerosum.data.points.mixture import Mixture, grid, ring
from zerosum.errors import ZerosumError
from zerosum.evaluation import real_data
from zerosum.metrics.extractors import Extractor, Features, find
from zerosum.metrics.modes import classify_stacked, divergence, of_mixture, of_stacked
from zerosum.modality import to_float

FOUR = Mixture(torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]), 0.5)


def test_by_hand():
    """Two points at the first mean, one 1.4 away from the second (within 3 x 0.5), one 1.6 away from the third."""
    points = torch.tensor([[0.0, 0.0], [0.1, 0.0], [5.4, 0.0], [0.0, 5.6]])
    modes, quality, kl = of_mixture(points, FOUR)
    assert (modes, quality) == (2, 0.75)
    assert kl == pytest.approx(0.5 * math.log(2), rel=1e-6)  # shares 1/2, 1/4, 1/4, 0 against 1/4 each


@pytest.mark.parametrize("offset", [1.4999, 1.5001])
def test_three_deviations_are_the_border(offset: float):
    assert of_mixture(torch.tensor([[offset, 0.0]]), FOUR).modes == (offset < 1.5)
    assert of_mixture(torch.tensor([[offset, 0.0]]), FOUR, within=4).modes == 1


def test_each_mode_has_its_own_deviation():
    uneven = Mixture(torch.tensor([[0.0], [10.0]]), torch.tensor([0.1, 1.0]))
    assert of_mixture(torch.tensor([[1.0], [11.0]]), uneven).high_quality == 0.5


def test_the_divergence_is_zero_for_the_right_weights_and_log_k_for_one_mode():
    weighted = Mixture(torch.tensor([[0.0], [10.0]]), 0.1, torch.tensor([3.0, 1.0]))
    right = torch.tensor([[0.0], [0.0], [0.0], [10.0]])
    assert of_mixture(right, weighted).divergence == pytest.approx(0, abs=1e-7)
    assert of_mixture(torch.zeros(7, 2), FOUR).divergence == pytest.approx(math.log(4), rel=1e-6)


def test_the_divergence_is_reverse_as_scipy_has_it():
    counts = torch.tensor([5, 1, 0, 4])
    numbers = torch.arange(4).repeat_interleave(counts)
    p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    assert divergence(numbers, p.log(), 4) == pytest.approx(scipy.stats.entropy(counts.double() / 10, p), rel=1e-12)


@pytest.mark.parametrize("mixture", [ring(), grid()])
def test_real_points_reach_every_mode(mixture: Mixture):
    """In the plane 1 - exp(-9/2) of a Gaussian lies within three deviations."""
    points = mixture.sample(20_000, torch.Generator().manual_seed(0))
    modes, quality, kl = of_mixture(points, mixture)
    assert modes == len(mixture.weights)
    assert quality == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert kl == pytest.approx((modes - 1) / (2 * 20_000), abs=6e-4)  # the mean of chi^2 / 2n


@pytest.mark.parametrize("points", [torch.zeros(0, 2), torch.zeros(3, 5), torch.tensor([[math.nan, 0.0]])])
def test_points_that_cannot_be_judged_are_refused(points: Tensor):
    with pytest.raises(ValueError, match="points"):
        of_mixture(points, FOUR)


def brightness(x: Tensor) -> Features:
    """A classifier of flat images: the class is round(9 x), with a logit of 20."""
    digit = (x.mean((1, 2, 3)) * 9).round().long()
    return Features(x.flatten(1), 20 * torch.nn.functional.one_hot(digit, 10).float())


def flat(*rows: tuple[int, int, int]) -> Tensor:
    return (torch.tensor(rows) / 9)[:, :, None, None].expand(-1, -1, 28, 28)


def test_stacked_digits_are_read_channel_by_channel():
    classifier = Extractor("brightness", "", "none", brightness)
    images = flat((1, 2, 3), (1, 2, 3), (9, 0, 7), (0, 0, 0))
    assert classify_stacked(images, classifier)[0].tolist() == [123, 123, 907, 0]
    modes, sure, kl = of_stacked(images, classifier)
    assert (modes, sure) == (3, 1.0)
    assert kl == pytest.approx(0.5 * math.log(500) + 0.5 * math.log(250), rel=1e-9)


def test_all_thousand_modes():
    images = flat(*((a, b, c) for a in range(10) for b in range(10) for c in range(10)))
    modes, sure, kl = of_stacked(images, Extractor("brightness", "", "none", brightness))
    assert (modes, sure) == (1000, 1.0) and kl == pytest.approx(0, abs=1e-9)


def test_an_unsure_channel_makes_an_image_unsure():
    def unsure(x: Tensor) -> Features:
        features, logits = brightness(x)
        assert logits is not None
        return Features(features, torch.where(x.mean((1, 2, 3)) > 0.5, 0.05, 1.0)[:, None] * logits)

    good = classify_stacked(flat((1, 2, 3), (1, 2, 9)), Extractor("unsure", "", "none", unsure))[1]
    assert good.tolist() == [True, False]


def test_real_digits_are_read_as_their_labels():
    digits = data.load("digits")
    assert digits.y is not None
    chosen = torch.randperm(5000, generator=torch.Generator().manual_seed(0))[:900]
    images = to_float(digits.x[chosen]).reshape(300, 3, 28, 28)
    numbers, sure = classify_stacked(images, find("digits"))
    labels = digits.y[chosen].reshape(300, 3) @ torch.tensor([100, 10, 1])
    assert (numbers == labels).double().mean() > 0.97
    assert sure.double().mean() > 0.9


def test_stacked_digits_need_a_classifier_and_three_channels():
    pixels = Extractor("pixels", "", "none", lambda x: Features(x.flatten(1)))
    with pytest.raises(ZerosumError, match="'pixels' does not classify digits"):
        of_stacked(flat((1, 2, 3)), pixels)
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        of_stacked(torch.zeros(2, 1, 28, 28), pixels)


def test_a_density_is_known_by_its_name():
    mixture = real_data.mixture(data.load("gaussians:0,0/3,4@0.5"))
    assert mixture is not None
    assert mixture.means.tolist() == [[0, 0], [3, 4]] and mixture.std.tolist() == [0.5, 0.5]
    assert real_data.mixture(data.load("swiss-roll")) is None
