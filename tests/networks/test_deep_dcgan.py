"""DCGAN's networks for photographs, and its convolutions of another size."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from zerosum.networks import dcgan
from zerosum.networks.blocks import Kernel, doubling, halvings
from zerosum.networks.deep_dcgan import Discriminator, Generator


def test_the_published_size_has_the_features_of_the_paper() -> None:
    """28,672 of an image of 32x32; the released parameters are 17 tensors of D and 19 of G."""
    d, g = Discriminator((3, 32, 32)), Generator(256, (3, 32, 32))
    x = g(torch.randn(2, 256))
    assert x.shape == (2, 3, 32, 32) and x.abs().max() <= 1
    assert d(x).shape == (2, 1) and d.features(x).shape == (2, 28_672)
    assert (len(list(d.parameters())), len(list(g.parameters()))) == (17, 19)
    norms = [m.num_features for m in g.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert norms == [512 * 4 * 4, 512, 256, 256, 128, 128], "the first is of units"


def test_features_are_the_largest_values_of_each_stage() -> None:
    torch.manual_seed(0)
    d = Discriminator((1, 16, 8), width=2).eval()
    x = torch.randn(3, 1, 16, 8)
    found, first = d.features(x), d.stages[0](x)
    assert found.shape == (3, 14 * 2 * 2 * 1)
    assert torch.equal(found[:, 0], first[:, 0, :8].flatten(1).amax(1)), "of the upper half of the first channel"
    last = x
    for stage in d.stages:
        last = stage(last)
    assert torch.equal(found[:, -8 * 2 :], last.flatten(1)), "the last stage is the grid itself"
    assert torch.equal(d(x), d.output(last.flatten(1)))


@pytest.mark.parametrize("shape", [(3, 30, 32), (1, 28, 28)])
def test_other_sides_are_refused(shape: tuple[int, int, int]) -> None:
    for build in (lambda: Discriminator(shape), lambda: Generator(4, shape)):
        with pytest.raises(ValueError, match="multiples of 8"):
            build()


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("target", [(8, 8), (7, 7), (8, 7), (7, 8)])
def test_a_transposed_convolution_makes_the_size_that_is_asked_for(kernel: Kernel, target: tuple[int, int]) -> None:
    layer = doubling(3, 2, (4, 4), target, bias=True, kernel=kernel)
    assert layer(torch.randn(1, 3, 4, 4)).shape == (1, 2, *target)
    assert layer.kernel_size == (kernel, kernel)


def test_dcgan_goes_down_to_the_pixels_that_are_asked_for() -> None:
    """PacGAN's, of digits: 28, 14, 7, 4, 2 pixels, 64 to 512 channels, 5x5 convolutions."""
    g = dcgan.Generator(100, (3, 28, 28), smallest=2, kernel=5)
    d = dcgan.Discriminator((6, 28, 28), smallest=2, kernel=5)
    assert g(torch.randn(2, 100)).shape == (2, 3, 28, 28) and d(torch.randn(2, 6, 28, 28)).shape == (2, 1)
    up = [m for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    down = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
    assert [m.in_channels for m in up] == [512, 256, 128, 64] and [m.out_channels for m in down] == [64, 128, 256, 512]
    assert {m.kernel_size for m in (*up, *down)} == {(5, 5)}
    first, last = (next(m for m in net.modules() if isinstance(m, nn.Linear)) for net in (g, d))
    assert first.out_features == last.in_features == 512 * 2 * 2


@pytest.mark.parametrize("smallest", [1, 0, -3])
def test_a_side_is_not_halved_for_ever(smallest: int) -> None:
    with pytest.raises(ValueError, match=f"at least 2 pixels, not {smallest}"):
        halvings(28, 28, smallest)
