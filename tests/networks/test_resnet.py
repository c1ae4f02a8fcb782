"""WGAN-GP's residual networks against the authors' code (gan_cifar_resnet.py, tflib/ops): layers, order, first weights.

What the authors' functions compute is written here once more, plainly, from the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.networks import resnet

WIDTH = 6


def randomised(network: nn.Module) -> nn.Module:
    """Every weight, bias, gain and running statistic at random, so that none is without effect."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict(keep_vars=True).items():
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5) if "norm" in name else tensor.data.normal_(0, 0.3)
    return network


def conv(x: Tensor, layer: nn.Module) -> Tensor:
    """A convolution by sums over its taps: 3x3 with a border of zeros, or 1x1."""
    weight, bias = layer.weight, layer.bias
    reach = weight.shape[2] // 2
    padded = F.pad(x, [reach] * 4)
    height, width = x.shape[2:]
    out = torch.zeros(len(x), len(weight), height, width)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            out += torch.einsum("oc,nchw->nohw", weight[:, :, i, j], padded[:, :, i : i + height, j : j + width])
    return out if bias is None else out + bias[:, None, None]


def norm(x: Tensor, layer: nn.Module) -> Tensor:
    """Batch norm by the statistics of the batch, as G has it in training."""
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
    return (x - mean) / (var + 1e-5).sqrt() * layer.weight[:, None, None] + layer.bias[:, None, None]


def upsample(x: Tensor) -> Tensor:
    """Each pixel four times: `depth_to_space` of four copies."""
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def pool(x: Tensor) -> Tensor:
    """The mean of four pixels, as the authors add them up."""
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def up_block(x: Tensor, block: resnet.UpBlock) -> Tensor:
    """ResidualBlock(resample='up'): norm, ReLU, UpsampleConv, norm, ReLU, Conv2D, beside UpsampleConv of size 1."""
    h = conv(upsample(norm(x, block.norm1).relu()), block.conv1)
    return conv(upsample(x), block.shortcut) + conv(norm(h, block.norm2).relu(), block.conv2)


def down_block(x: Tensor, block: resnet.DownBlock) -> Tensor:
    """ResidualBlock(resample='down') without normalisation: ReLU, Conv2D, ReLU, ConvMeanPool, beside ConvMeanPool."""
    return pool(conv(x, block.shortcut)) + pool(conv(conv(x.relu(), block.conv1).relu(), block.conv2))


def first_block(x: Tensor, block: resnet.DownBlock) -> Tensor:
    """OptimizedResBlockDisc1: the image is not rectified, and MeanPoolConv is the shortcut."""
    return conv(pool(x), block.shortcut) + pool(conv(conv(x, block.conv1).relu(), block.conv2))


def same_block(x: Tensor, block: resnet.Block) -> Tensor:
    """ResidualBlock(resample=None): the input itself is the shortcut."""
    return x + conv(conv(x.relu(), block.conv1).relu(), block.conv2)


BLOCKS: dict[str, tuple[Callable[[], nn.Module], Callable[..., Tensor], int]] = {
    "up": (lambda: resnet.UpBlock(WIDTH, (8, 12)), up_block, WIDTH),
    "down": (lambda: resnet.DownBlock(WIDTH, WIDTH), down_block, WIDTH),
    "first": (lambda: resnet.DownBlock(3, WIDTH, first=True), first_block, 3),
    "same": (lambda: resnet.Block(WIDTH), same_block, WIDTH),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_computes_what_the_authors_does(name: str):
    build, by_hand, channels = BLOCKS[name]
    block = randomised(build()).train()
    x = torch.randn(5, channels, 4, 6)
    torch.testing.assert_close(block(x), by_hand(x, block), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "layer"), [(n, layer) for n in ("up", "down", "first") for layer in ("shortcut",)])
def test_the_shortcut_is_a_part_of_the_block(name: str, layer: str):
    """Without its weights the output changes by exactly what it adds; nothing else depends on it."""
    build, _, channels = BLOCKS[name]
    block = randomised(build()).train()
    x = torch.randn(2, channels, 4, 6)
    before, shortcut = block(x), block.shortcut
    alone = upsample(conv(x, shortcut)) if name == "up" else pool(conv(x, shortcut))
    nn.init.zeros_(shortcut.weight)
    nn.init.zeros_(shortcut.bias)
    torch.testing.assert_close(before - block(x), alone, rtol=1e-4, atol=1e-4)
    assert alone.abs().min() > 0 and alone.abs().mean() > 0.1


def test_the_networks_are_the_blocks_in_the_authors_order():
    """Generator and Discriminator of gan_cifar_resnet.py, on 32x32 pixels of three channels."""
    g, d = randomised(resnet.Generator(5, (3, 32, 32), WIDTH)).train(), randomised(resnet.Critic((3, 32, 32), WIDTH))
    z = torch.randn(4, 5)
    x = (z @ g.linear.weight.T + g.linear.bias).reshape(4, WIDTH, 4, 4)
    for block in g.blocks:
        x = up_block(x, block)
    made = conv(norm(x, g.norm).relu(), g.out).tanh()
    torch.testing.assert_close(g(z), made, rtol=1e-3, atol=1e-3)
    assert len(g.blocks) == 3 and made.shape == (4, 3, 32, 32)
    first, second, *others = d.blocks
    h = down_block(first_block(made, first), second)
    for block in others:
        h = same_block(h, block)
    scores = h.relu().mean((2, 3)) @ d.linear.weight.T + d.linear.bias
    torch.testing.assert_close(d(made), scores, rtol=1e-3, atol=1e-3)
    assert len(others) == 2 and scores.shape == (4, 1)


@pytest.mark.parametrize("width", [128, 24])
def test_as_many_parameters_as_the_authors(width: int):
    """By their layers: `Linear`, `Conv2D` with biases, `Batchnorm` with scale and offset; in closed form."""

    def conv(before: int, after: int, side: int) -> int:
        return before * after * side**2 + after

    block = 2 * conv(width, width, 3)
    up = block + conv(width, width, 1) + 2 * 2 * width
    generator = 128 * 16 * width + 16 * width + 3 * up + 2 * width + conv(width, 3, 3)
    first = conv(3, width, 3) + conv(width, width, 3) + conv(3, width, 1)
    critic = first + block + conv(width, width, 1) + 2 * block + width + 1
    assert (count(resnet.Generator(128, (3, 32, 32), width)), count(resnet.Critic((3, 32, 32), width))) == (
        generator,
        critic,
    )
    if width == 128:
        assert (generator, critic) == (1_204_483, 1_053_825)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_weights_begin_as_the_authors():
    """Uniform, of variance 2 / (fan in + fan out), of twice that for the 3x3 convolutions of blocks; biases 0."""
    torch.manual_seed(0)
    g, d = resnet.Generator(128, (3, 32, 32), 128), resnet.Critic((3, 32, 32), 128)
    seen = 0
    for network in (g, d):
        for name, layer in network.named_modules():
            if not isinstance(layer, (nn.Conv2d, nn.Linear)):
                continue
            taps = layer.weight[0, 0].numel() if layer.weight.dim() == 4 else 1
            fans = taps * (layer.weight.shape[0] + layer.weight.shape[1])
            std = math.sqrt((4 if name.endswith(("conv1", "conv2")) else 2) / fans)
            assert layer.bias is not None and (layer.bias == 0).all(), name
            tolerance = 5 / math.sqrt(layer.weight.numel())
            assert layer.weight.std().item() == pytest.approx(std, rel=tolerance), name
            bound = std * math.sqrt(3)  # of a uniform distribution
            assert 0.95 * bound < layer.weight.abs().max() <= bound * 1.000001, name
            seen += 1
    assert seen == (1 + 3 * 3 + 1) + (3 + 3 + 2 + 2 + 1)


def test_the_generator_begins_with_images_of_some_contrast():
    """With Glorot's output and the shortcuts a fresh G is neither flat nor saturated."""
    torch.manual_seed(0)
    with torch.no_grad():
        x = resnet.Generator(128, (3, 32, 32), 64)(torch.randn(16, 128))
    assert 0.3 < x.std() < 0.95 and (x.abs() > 0.99).float().mean() < 0.2


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 20), (1, 5, 9)])
def test_odd_sizes_have_the_shortcut_too(shape: tuple[int, int, int]):
    """There an upsampled shortcut is of the block's own size; the 1x1 convolution may come first or last."""
    g = randomised(resnet.Generator(4, shape, WIDTH)).eval()
    z = torch.randn(2, 4)
    assert g(z).shape == (2, *shape)
    for block in g.blocks:
        x = torch.randn(1, WIDTH, *(math.ceil(side / 2) for side in block.size))
        late = block.shortcut(F.interpolate(x, block.size))
        main = block(x)
        nn.init.zeros_(block.shortcut.weight)
        nn.init.zeros_(block.shortcut.bias)
        torch.testing.assert_close(main - block(x), late, rtol=1e-4, atol=1e-4)


def test_the_blocks_of_older_versions():
    """No 1x1 convolution and no bias before batch norm: the upsampled input itself is the shortcut."""
    old, new = (resnet.Generator(4, (1, 16, 16), WIDTH, shortcut) for shortcut in ("identity", "convolution"))
    assert count(new) - count(old) == 2 * (WIDTH * WIDTH + WIDTH + WIDTH)
    block = randomised(resnet.UpBlock(WIDTH, (8, 8), "identity")).train()
    x = torch.randn(3, WIDTH, 4, 4)
    h = conv(upsample(norm(x, block.norm1).relu()), block.conv1)
    torch.testing.assert_close(
        block(x), upsample(x) + conv(norm(h, block.norm2).relu(), block.conv2), rtol=1e-4, atol=1e-4
    )
