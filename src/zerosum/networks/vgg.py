"""A small VGG, a classifier by whose convolutions a perceptual loss compares images.

Blocks of 3x3 convolutions and ReLU with max pooling between them, as in Simonyan and Zisserman, 2015 (table 1), which
is the network that perceptual losses are published with. It is built for any number of channels, and takes images of
any height and width from SMALLEST pixels on. Batch norm is there to train it faster (`normed`), and `folded` makes it
part of the convolutions: what is used afterwards does the same in training and evaluation mode, to an image alone and
among others.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTHS = ((32, 32), (64, 64), (128, 128), (256,))  # channels of the convolutions of each block
SMALLEST = 2 ** (len(WIDTHS) - 1)  # pixels of a side: the last block then sees one


class Block(nn.Module):
    """(B, before, h, w) to (B, widths[-1], h, w): convolutions, each with batch norm or none, and ReLU."""

    def __init__(self, before: int, widths: tuple[int, ...], normed: bool):
        super().__init__()
        pairs = list(zip((before, *widths), widths, strict=False))
        self.convolutions = nn.ModuleList(nn.Conv2d(own, after, 3, padding=1) for own, after in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) if normed else nn.Identity() for after in widths)

    def forward(self, x: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x)))
        return x


class Features(nn.Module):
    """Images (B, C, H, W) in [-1, 1], H and W of at least SMALLEST, to features (B, F): all blocks' last activations.

    Of VGG's layers these are the last of each block, after ReLU: early ones, which Johnson et al., 2016, compare (their
    relu1_2, relu2_2 ...), and the deepest, as phi_{5,4} of Ledig et al., 2017, is. All weigh the same: the mean square
    of the difference of two images' features is the mean, over the blocks, of the mean square in each. In each it is 1
    on average for two different images of those that the network was trained on (`calibrate`), 0 for equal ones.
    """

    mean: Tensor  # () of all pixels and channels, and their deviation: what is subtracted and divided by
    deviation: Tensor
    scales: Tensor  # (blocks,)

    def __init__(self, channels: int, normed: bool = False):
        super().__init__()
        self.channels, ends = channels, [widths[-1] for widths in WIDTHS]
        befores = (channels, *ends[:-1])
        self.blocks = nn.ModuleList(Block(own, widths, normed) for own, widths in zip(befores, WIDTHS, strict=True))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))
        self.register_buffer("scales", torch.ones(len(WIDTHS)))

    def activations(self, x: Tensor) -> list[Tensor]:
        """Of each block (B, width, h, w), h and w half as many pixels as in the one before."""
        found: list[Tensor] = []
        x = (x - self.mean) / self.deviation
        for block in self.blocks:
            found.append(block(F.max_pool2d(found[-1], 2) if found else x))
        return found

    def forward(self, x: Tensor) -> Tensor:
        flat = [own.float().flatten(1) for own in self.activations(x)]
        total = sum(own.shape[1] for own in flat)
        even = [math.sqrt(total / (len(flat) * own.shape[1])) for own in flat]
        return torch.cat([own * scale * root for own, scale, root in zip(flat, self.scales, even, strict=True)], 1)

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Set the scales by images x, (N, C, H, W) in random order, each beside the next one."""
        found = self.activations(x)
        self.scales.copy_(torch.stack([(own - own.roll(1, 0)).square().mean().rsqrt() for own in found]))


class Classifier(nn.Module):
    """Images (B, C, H, W) in [-1, 1] to logits (B, K): the mean of the last block's activations, and a linear layer.

    Args:
        channels: C.
        classes: K.
        normed: with batch norm after each convolution.
    """

    def __init__(self, channels: int, classes: int, normed: bool = False):
        super().__init__()
        self.features = Features(channels, normed)
        self.linear = nn.Linear(WIDTHS[-1][-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.features.activations(x)[-1].mean((2, 3)))


def folded(network: Classifier) -> Classifier:
    """The same function as a network with batch norm has in evaluation mode, without batch norm."""
    made = Classifier(network.features.channels, network.linear.out_features).eval()
    own = dict(network.eval().named_modules())
    for name, layer in made.named_modules():
        if isinstance(layer, nn.Conv2d):
            norm = own[name.replace("convolutions", "norms")]
            layer.load_state_dict(fuse_conv_bn_eval(own[name], norm).state_dict())
    made.linear.load_state_dict(network.linear.state_dict())
    for name in ("mean", "deviation", "scales"):
        made.features.get_buffer(name).copy_(network.features.get_buffer(name))
    return made


def in_grey(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of `Features` for grey images, by which these have the features of three equal channels."""
    first = "blocks.0.convolutions.0.weight"
    return {**state, first: state[first].sum(1, keepdim=True)}
