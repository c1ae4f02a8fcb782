"""A doubled image convolved, by fewer multiplications: the same values, gradients and names of weights."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.networks import doubling, resnet_translator, srresnet, unet
from zerosum.networks.doubling import DoublingConv2d, summed

SHAPES = [(1, 16, 16), (4, 8, 8), (1, 3, 100), (2, 1, 128), (300, 1, 1)]  # of batches that are large enough


def by_two_layers(layer: DoublingConv2d, x: Tensor) -> Tensor:
    big = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    if layer.padding_mode == "reflect":
        return F.conv2d(F.pad(big, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)
    return F.conv2d(big, layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("edges", ["zeros", "reflect"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_a_convolution_of_the_doubled_image(edges: doubling.Edges, shape: tuple[int, int, int]) -> None:
    count, height, width = shape
    torch.manual_seed(0)
    layer = DoublingConv2d(3, 5, edges=edges).double()
    x = torch.randn(count, 3, height, width, dtype=torch.float64, requires_grad=True)
    assert doubling._pays(x)
    made, expected = layer(x), by_two_layers(layer, x)
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)
    draw, leaves = torch.randn_like(made), (x, layer.weight, layer.bias)
    for ours, theirs in zip(
        torch.autograd.grad(made, leaves, draw), torch.autograd.grad(expected, leaves, draw), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("edges", ["zeros", "reflect"])
def test_few_pixels_and_other_places_take_the_two_layers(edges: doubling.Edges) -> None:
    layer, x = DoublingConv2d(3, 5, bias=False, edges=edges), torch.randn(1, 3, 15, 17)
    assert not doubling._pays(x) and not doubling._pays(torch.empty(1, 3, 64, 64, device="meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not doubling._pays(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(layer(x), by_two_layers(layer, x))


def test_weights_of_equal_pixels_are_added_up() -> None:
    weight = torch.tensor([[1.0, 2, 4], [0, 0, 0], [0, 0, 0]]).view(1, 1, 3, 3)
    row = torch.tensor([4.0, 6, 3, 1])  # mirrored, as of a transposed convolution
    assert torch.equal(summed(weight)[0, 0], torch.stack([0 * row, 0 * row, row, row]))


def test_weights_have_the_names_that_they_had() -> None:
    """Of runs whose doubling was a layer of its own."""
    names = {name for name, _ in unet.Translator((3, 8, 8), (3, 8, 8)).named_parameters() if name.startswith("up.")}
    assert {"up.0.2.weight", "up.1.2.weight", "up.2.2.weight", "up.2.2.bias"} <= names
    network = resnet_translator.Translator((3, 8, 8), (3, 8, 8), resnet_translator.ResNet(width=2, blocks=1))
    assert isinstance(network.layers[11], DoublingConv2d) and isinstance(network.layers[15], DoublingConv2d)
    enlarging = srresnet.Translator(3, 3, 4, srresnet.SRResNet(width=2, blocks=1, upsampling="resize"))
    assert [name for name, _ in enlarging.up.named_parameters()][:2] == ["1.weight", "1.bias"]


def test_three_times_as_large_is_two_layers() -> None:
    enlarging = srresnet.Translator(3, 3, 3, srresnet.SRResNet(width=2, blocks=1, upsampling="resize"))
    assert isinstance(enlarging.up[0], nn.Upsample)


def test_a_pytorch_that_cannot_say_that_it_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2.7."""
    x, network = torch.randn(1, 3, 16, 16), unet.Translator((3, 16, 16), (3, 16, 16), unet.UNet(width=2, dropout=0.0))
    expected = network(x, torch.zeros(1, dtype=torch.int64))
    monkeypatch.delattr(torch.compiler, "is_exporting")
    assert torch.equal(network(x, torch.zeros(1, dtype=torch.int64)), expected)


def test_networks_are_usable_wherever_the_package_was_imported() -> None:
    code = (
        "import torch\nwith torch.device('meta'):\n    from zerosum.networks.doubling import DoublingConv2d\n"
        "assert DoublingConv2d(3, 5)(torch.randn(1, 3, 16, 16)).shape == (1, 5, 32, 32)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
