"""SRResNet and SRGAN's discriminator: parameters by hand, sizes, and what an enlarging layer begins with."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from zerosum.networks.srresnet import Bicubic, Discriminator, Judge, SRResNet, Translator, icnr
from zerosum.util.bicubic import enlarged

SMALL = SRResNet(width=4, blocks=2)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters_are_those_of_figure_4():
    def convolution(before: int, after: int, kernel: int, bias: bool = True) -> int:
        return kernel**2 * before * after + bias * after

    ends = convolution(3, 64, 9) + convolution(64, 3, 9)
    slopes = 1 + 16 + 2  # of PReLU: one a layer
    up = 2 * convolution(64, 256, 3)
    plain = ends + slopes + up + 33 * convolution(64, 64, 3)
    normed = ends + slopes + up + 33 * (convolution(64, 64, 3, bias=False) + 2 * 64)  # batch norm has the bias
    assert (plain, normed) == (1_545_238, 1_547_350)
    for base in ("bicubic", "none"):
        assert count(Translator(3, 3, 4, SRResNet(base=base))) == plain  # type: ignore[arg-type]
    assert count(Translator(3, 3, 4, SRResNet(norm="batch"))) == normed
    with_biases = 33 * 64  # of reimplementations that keep them beside batch norm
    assert normed + with_biases == 1_549_462
    layers = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    dense = 512 * 6 * 6 * 1024 + 1024 + 1024 + 1
    assert count(Discriminator(3, (96, 96))) == sum(convolution(i, o, 3) for i, o in layers) + dense
    norms = sum(2 * o - o for _, o in layers[1:])  # gain and shift in place of a bias
    assert count(Discriminator(3, (96, 96), Judge(norm="batch"))) == count(Discriminator(3, (96, 96))) + norms


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("upsampling", ["sub-pixel", "resize"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_any_height_and_width(factor: int, upsampling: str, norm: str):
    network = Translator(3, 3, factor, SRResNet(4, 1, norm, upsampling))  # type: ignore[arg-type]
    for height, width in ((1, 1), (5, 3), (8, 13)):
        assert network(torch.rand(2, 3, height, width)).shape == (2, 3, factor * height, factor * width)
    assert Translator(1, 3, factor, SMALL)(torch.rand(1, 1, 3, 4)).shape == (1, 3, 3 * factor, 4 * factor)
    with pytest.raises(ValueError, match="2, 3 or 4 times, not 5"):
        Translator(3, 3, 5)


@pytest.mark.parametrize("factor", [2, 3])
@torch.no_grad()
def test_icnr_begins_as_nearest_neighbours(factor: int):
    """Every block of factor x factor pixels is of one colour, and another one than its neighbour."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(5, factor**2 * 6, 3, padding=1)
    plain = nn.functional.pixel_shuffle(convolution(x := torch.randn(2, 5, 4, 7)), factor)
    icnr(convolution, factor)
    made = nn.functional.pixel_shuffle(convolution(x), factor)

    def nearest(x: Tensor) -> Tensor:
        return x[..., ::factor, ::factor].repeat_interleave(factor, -1).repeat_interleave(factor, -2)

    torch.testing.assert_close(made, nearest(made), rtol=0, atol=1e-6)
    assert float((plain - nearest(plain)).abs().mean()) > 0.1
    assert float(made.std()) > 0.1
    assert convolution.weight[:: factor**2].std() == pytest.approx(1 / (3 * 45) ** 0.5, rel=0.1)  # as Conv2d draws them


@torch.no_grad()
def test_it_begins_without_a_checkerboard():
    """What is flat stays flat, but for the border."""
    torch.manual_seed(0)
    network = Translator(3, 3, 4, SRResNet(16, 2, base="none"))
    made = network.up(torch.rand(1, 16, 1, 1).expand(1, 16, 12, 12))[..., 12:-12, 12:-12]
    assert made.shape[2:] == (24, 24) and float(made.abs().mean()) > 0.01
    assert float(made.diff(dim=-1).abs().max()) < 1e-5 > float(made.diff(dim=-2).abs().max())


def test_it_begins_with_the_enlarged_input():
    """Bicubic, away from the border as the exact kernel, with edges repeated in place of mirrored."""
    x = torch.rand(2, 3, 9, 11) * 2 - 1
    for factor in (2, 3, 4):
        made, exact = Translator(3, 3, factor, SMALL)(x), enlarged(x, factor)
        inner = (..., slice(2 * factor, -2 * factor), slice(2 * factor, -2 * factor))
        torch.testing.assert_close(made[inner], exact[inner], rtol=0, atol=1e-5)
        torch.testing.assert_close(Bicubic(factor)(torch.ones(1, 1, 2, 2)), torch.ones(1, 1, 2 * factor, 2 * factor))


def test_the_base_keeps_its_precision_in_bf16():
    x = torch.rand(1, 3, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        made = Translator(3, 3, 2, SMALL)(x)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, Bicubic(2)(x), rtol=0, atol=1e-6)


def test_parts_of_an_image_are_what_they_are_in_the_whole():
    """So that large images can be enlarged in tiles; without batch norm, in training, too."""
    torch.manual_seed(1)
    network = Translator(3, 3, 2, SRResNet(4, 1))
    nn.init.normal_(network.last.weight)
    x = torch.rand(1, 3, 40, 40)
    field = 4 + 2 + 1 + 1 + 2  # 9x9, a block, a middle, a sub-pixel layer, and 9x9 of half as large pixels
    part = network(x[..., 5:35, 5:35])[..., 2 * field : -2 * field, 2 * field : -2 * field]
    whole = network(x)[..., 10 + 2 * field : 70 - 2 * field, 10 + 2 * field : 70 - 2 * field]
    torch.testing.assert_close(part, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch", "spectral"])
def test_d_takes_crops_of_any_size(norm: str):
    for height, width in itertools.product((3, 24, 33), (8, 50)):
        d = Discriminator(3, (height, width), Judge(4, norm))  # type: ignore[arg-type]
        assert d(torch.rand(2, 3, height, width)).shape == (2, 1)
