"""Luma is one, and what the formulae in its place gave, bit for bit."""

from __future__ import annotations

import torch

from zerosum.data.images.fit import IN_16_BITS
from zerosum.data.pairs.tasks import luminance
from zerosum.util.luma import luma


def test_it_is_the_weighted_sum_of_bt_601() -> None:
    x = torch.randn(7, 3, 9, 12)
    for layout in (x, x.contiguous(memory_format=torch.channels_last), x.half(), x.double()):
        weights = layout.new_tensor((0.299, 0.587, 0.114))
        expected = (layout * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)
        assert torch.equal(luma(layout), expected) and torch.equal(luminance(layout), expected)
    assert torch.equal(luma(x)[2], luma(x[2]))
    assert torch.equal(luminance(x[:, :2]), x[:, :2].mean(1, keepdim=True))


def test_pillow_has_it_in_16_bits() -> None:
    assert IN_16_BITS == (19595, 38470, 7471) and sum(IN_16_BITS) == 65_536
