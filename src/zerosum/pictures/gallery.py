"""Pictures that show what a generator learned: samples beside the nearest real images, and walks between samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zerosum.game import Shape
from zerosum.health.signals import SIDE, thumbnails
from zerosum.metrics.neighbours import k_nearest
from zerosum.metrics.samples import to_float
from zerosum.pictures.grids import grid, paths, to_uint8

SHOWN = 128  # pixels; larger images are drawn at this size
ROOM = 16_000_000  # values of real images that are looked at together: 64 MB
MARGIN, GAP = 64, 12  # pixels left of the rows, and below the samples
ORDINALS = ("nearest", "2nd", "3rd")


def neighbours(samples: Tensor, real: Tensor) -> Image.Image:
    """Samples in a row, and under each the three nearest of the real images.

    Args:
        samples: (N, C, H, W) in [-1, 1].
        real: (M, C, H, W) uint8, M > 0; it may be memory-mapped and far larger than the memory.
    """
    k = min(len(ORDINALS), len(real))
    chosen = nearest(samples, real, k)  # (N, k)
    below = to_float(torch.cat([real[row] for row in chosen.T]))  # (k * N, C, H, W), rank by rank
    rows = [grid(_fitted(x), columns=len(samples)) for x in (samples, below)]
    top, bottom = rows
    picture = Image.new("RGB", (MARGIN + top.width, top.height + GAP + bottom.height), "white")
    picture.paste(top, (MARGIN, 0), top if top.mode == "RGBA" else None)
    picture.paste(bottom, (MARGIN, top.height + GAP), bottom if bottom.mode == "RGBA" else None)
    step = (bottom.height - top.height) // max(k - 1, 1)
    heights = [0, *(top.height + GAP + i * step for i in range(k))]
    _name_rows(picture, ("sample", *ORDINALS), [y + top.height // 2 for y in heights])
    return picture


def nearest(samples: Tensor, real: Tensor, k: int) -> Tensor:
    """Indices (N, k) of the nearest real images, uint8 (M, C, H, W), to samples in [-1, 1], nearest first.

    By Euclidean distance of pixels, each side of the images shrunk to 16 where it is longer.
    """
    queries = _small(to_uint8(samples).cpu())
    size = max(k, ROOM // real[0].numel())
    best, found = torch.empty(len(samples), 0, dtype=torch.float64), torch.empty(len(samples), 0, dtype=torch.int64)
    for start in range(0, len(real), size):
        keys = _small(real[start : start + size])
        distances, indices = k_nearest(queries, keys, min(k, len(keys)))
        best, found = torch.cat([best, distances], 1), torch.cat([found, indices + start], 1)
        order = best.argsort(dim=1, stable=True)[:, :k]
        best, found = best.gather(1, order), found.gather(1, order)
    return found


def space(shape: Shape) -> str:
    """In words, how `nearest` compares images of a shape: `pixels at 32 x 32`."""
    _, height, width = shape
    return f"pixels at {min(height, SIDE)} \u00d7 {min(width, SIDE)}"


def walks(frames: Tensor, real: Tensor | None = None) -> Image.Image:
    """Samples as z walks from one point to another.

    Args:
        frames: (T, N, C, H, W) in [-1, 1], drawn with a row for each of N walks; or points, (T, N, D), drawn as paths.
        real: (M, D), behind the paths.
    """
    if frames.dim() == 3:
        return paths(frames, real)
    steps, count = frames.shape[:2]
    return grid(_fitted(frames.transpose(0, 1).reshape(count * steps, *frames.shape[2:])), columns=steps)


def _small(x: Tensor) -> Tensor:
    """Images uint8 (N, C, H, W) to (N, P)."""
    return thumbnails(x.float())


def _fitted(x: Tensor) -> Tensor:
    """Images no larger than SHOWN."""
    height, width = x.shape[2:]
    factor = min(1.0, SHOWN / max(height, width))
    size = (max(1, math.floor(height * factor)), max(1, math.floor(width * factor)))
    return x if size == (height, width) else F.interpolate(x.float(), size, mode="bilinear", antialias=True)


def _name_rows(picture: Image.Image, names: Sequence[str], heights: Sequence[int]) -> None:
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for name, y in zip(names, heights, strict=False):
        draw.text((MARGIN - 10, y), name, fill="#646a73", font=font, anchor="rm")
