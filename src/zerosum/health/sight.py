"""What a person sees of an image, in numbers: where edges of which direction lie, colours, and detail at each scale.

Random convolutions, averaged over the image, tell noise from photographs, but not a digit or an animal from another.
These do, without any training: histograms of gradient directions in cells (after Dalal and Triggs, 2005, "Histograms of
oriented gradients for human detection"), a thumbnail, and the energy of each octave. `docs/health.md` has what they see
of CIFAR-10 and of digits beside other features.
"""

from __future__ import annotations

import math
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.util.luma import luma

SIDE = 32  # pixels that larger images are scaled down to
LEAST = 16  # pixels that smaller ones are scaled up to
DIRECTIONS, CELLS, OCTAVES = 8, 4, 3
SHARP = 0.7  # of a gradient's size: what it must have along a direction to count there
QUIET = 1e-5  # a mean square of detail below which an image counts as smooth
AT_ONCE = 32  # images in which specks are looked for
APART = 0.5  # of [-1, 1]: what a pixel differs by from all around it to be a speck
FAINT = 0.02  # a mean gradient, in [-1, 1], below which an image counts as empty


def sight(x: Tensor) -> Tensor:
    """(N, S) of images (N, C, H, W) in about [-1, 1], one channel or three; others by their first one or three."""
    x = _scaled(x[:, : 3 if x.shape[1] > 2 else 1].clamp(-1, 1))
    edges = _edges(_grey(x))  # (N, DIRECTIONS, H - 2, W - 2)
    parts = []
    for cells, weight in ((CELLS, 1.0), (CELLS // 2, 1.5)):
        energy = F.adaptive_avg_pool2d(edges, cells)
        whole = energy.sum((1, 2, 3), keepdim=True) + FAINT * cells**2
        parts.append(weight * (energy / whole * cells**2).sqrt().flatten(1))
    parts.append(0.25 * (F.adaptive_avg_pool2d(edges.sum(1, keepdim=True), CELLS) + FAINT / 2).log().flatten(1))
    parts.append(0.5 * F.adaptive_avg_pool2d(x, CELLS).flatten(1))
    parts.append(x.flatten(2).std(2))
    for _ in range(OCTAVES):
        detail, x = _octave(x)
        parts.append(0.15 * (F.adaptive_avg_pool2d(detail.square(), 2) + 1e-4).log().flatten(1))
    return torch.cat(parts, 1)


def surface(x: Tensor) -> Tensor:
    """(N, D) of images (N, C, H, W): how the first three channels differ, and the energy of each octave of detail that
    `sight` scales away; nothing of small grey images.
    """
    parts = [x.new_empty(len(x), 0)]
    if x.shape[1] > 2:
        rgb = x[:, :3].clamp(-1, 1)
        apart = (rgb - rgb.roll(1, 1)).flatten(2)  # (N, 3, H W)
        parts += [apart.mean(2)[:, :2], (apart.abs().mean(2) + FAINT).log()]
    while min(x.shape[2:]) > SIDE:
        detail, x = _octave(x)
        parts.append((detail.square().mean((1, 2, 3)) + QUIET).log()[:, None])
    return torch.cat(parts, 1)


def specks(x: Tensor) -> Tensor:
    """(N,) of images (N, C, H, W) in about [-1, 1]: the share of pixels that are brighter, or darker, than all eight
    around them, by APART in a channel that `sight` looks at. Pixels at the border are left out.
    """
    if min(x.shape[2:]) < 3:
        return x.new_zeros(len(x))
    return torch.cat([_specks(part) for part in x[:, : 3 if x.shape[1] > 2 else 1].split(AT_ONCE)])


def _specks(x: Tensor) -> Tensor:
    x = x.clamp(-1, 1)
    height, width = x.shape[2] - 2, x.shape[3] - 2
    around = [(down, across) for down in range(3) for across in range(3) if (down, across) != (1, 1)]
    shifted = [x[..., down : down + height, across : across + width] for down, across in around]  # views
    highest, lowest, own = reduce(torch.maximum, shifted), reduce(torch.minimum, shifted), x[..., 1:-1, 1:-1]
    return ((own - highest > APART) | (lowest - own > APART)).any(1).float().mean((1, 2))


def _octave(x: Tensor) -> tuple[Tensor, Tensor]:
    """The finest detail of images (N, C, H, W), and what is left at half the size."""
    coarse = F.avg_pool2d(x, 2, ceil_mode=True)
    return x - F.interpolate(coarse, scale_factor=2.0)[..., : x.shape[2], : x.shape[3]], coarse


def _scaled(x: Tensor) -> Tensor:
    """With SIDE pixels on the shorter side, or as it is between LEAST and SIDE."""
    short = min(x.shape[2:])
    if LEAST <= short <= SIDE:
        return x
    factor = (SIDE if short > SIDE else LEAST) / short
    size = [max(1, round(factor * side)) for side in x.shape[2:]]
    return F.interpolate(x, size, mode="bilinear", antialias=short > SIDE)


def _grey(x: Tensor) -> Tensor:
    return x if x.shape[1] == 1 else luma(x)


def _edges(x: Tensor) -> Tensor:
    """(N, DIRECTIONS, H - 2, W - 2) of grey images: how much each gradient is one of a direction, its sign aside."""
    across, down = x[..., 1:-1, 2:] - x[..., 1:-1, :-2], x[..., 2:, 1:-1] - x[..., :-2, 1:-1]
    size = SHARP * (across.square() + down.square()).sqrt()
    angles = [math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    return torch.cat([F.relu((math.cos(a) * across + math.sin(a) * down).abs() - size) for a in angles], 1)
