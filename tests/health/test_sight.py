"""What a person sees of images, by hand."""

from __future__ import annotations

import pytest
import torch

from zerosum.health.sight import AT_ONCE, specks


def test_a_speck_stands_out_of_all_eight_around_it():
    x = torch.zeros(8, 1, 6, 7)
    x[0, 0, 2, 3] = 0.51  # bright
    x[1, 0, 2, 3] = -0.51  # dark
    x[2, 0, 2, 3] = 0.49  # too faint
    x[3, 0, 2, 3:5] = 1  # two beside each other
    x[4, 0, [2, 3], [3, 4]] = 1  # and across
    x[5, 0, [1, 3], [1, 3]] = 1  # two, apart
    x[6, 0, 0, 3] = 1  # at the border
    x[7, 0, 2, 3] = 0.51  # a bright one beside a brighter one
    x[7, 0, 2, 4] = 0.75
    assert (specks(x) * 4 * 5).tolist() == pytest.approx([1, 1, 0, 0, 0, 2, 0, 0])


def test_one_channel_is_enough_and_alpha_does_not_count():
    x = torch.zeros(3, 4, 5, 5)
    x[0, 1, 2, 2] = 1
    x[1, 1:3, 2, 2] = 1
    x[2, 3, 2, 2] = 1
    assert (specks(x) * 9).tolist() == pytest.approx([1, 1, 0])


def test_of_two_channels_the_first_is_looked_at():
    x = torch.zeros(2, 2, 5, 5)
    x[0, 0, 2, 2] = 1
    x[1, 1, 2, 2] = 1  # alpha
    assert (specks(x) * 9).tolist() == pytest.approx([1, 0])


def test_any_number_of_images():
    x = torch.zeros(AT_ONCE + 1, 1, 3, 3)
    x[-1, 0, 1, 1] = 1
    assert specks(x).tolist() == [0] * AT_ONCE + [1]


def test_what_leaves_the_range_is_seen_as_its_end():
    x = torch.ones(1, 1, 5, 5)
    x[0, 0, 2, 2] = 9
    assert specks(x).item() == 0


@pytest.mark.parametrize("shape", [(2, 1, 2, 9), (2, 3, 1, 1)])
def test_images_without_an_inside_have_none(shape: tuple[int, ...]):
    assert specks(torch.rand(shape)).tolist() == [0, 0]
