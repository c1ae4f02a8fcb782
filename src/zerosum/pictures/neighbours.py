"""Samples and their nearest real images: is the generator copying its training set?"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zerosum.metrics.neighbours import k_nearest
from zerosum.modality import to_float, to_uint8
from zerosum.pictures.fonts import INK
from zerosum.pictures.grids import grid, shrink
from zerosum.pictures.png import with_caption

SIDE = 16  # pixels of a thumbnail, at most
CHUNK = 16_000_000  # values of real images that are compared at a time: 64 MB
MARGIN, GAP = 64, 12  # pixels left of the rows, and below the samples
ORDINALS = ("nearest", "2nd", "3rd")


def neighbours(samples: Tensor, real: Tensor) -> Image.Image:
    """Samples in a row, and under each the three nearest of the real images.

    Args:
        samples: (N, C, H, W) in [-1, 1].
        real: (M, C, H, W) uint8, M > 0; it may be memory-mapped and far larger than the memory.
    """
    k = min(len(ORDINALS), len(real))
    indices = nearest(samples, real, k)  # (N, k)
    below = to_float(torch.cat([real[rank] for rank in indices.T]))  # (k * N, C, H, W), rank by rank
    top, bottom = (grid(shrink(x), columns=len(samples)) for x in (samples, below))
    picture = Image.new("RGB", (MARGIN + top.width, top.height + GAP + bottom.height), "white")
    for part, y in ((top, 0), (bottom, top.height + GAP)):
        picture.paste(part, (MARGIN, y), part if part.mode == "RGBA" else None)
    step = (bottom.height - top.height) // max(k - 1, 1)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for name, y in zip(("sample", *ORDINALS), (0, *(top.height + GAP + i * step for i in range(k))), strict=False):
        draw.text((MARGIN - 10, y + top.height // 2), name, fill=INK, font=font, anchor="rm")
    height, width = (min(side, SIDE) for side in real.shape[2:])
    how = f"nearest of {len(real):,} training images, by the distance of their pixels at {height} \u00d7 {width}"
    return with_caption(picture, f"Samples and, below each, the {how}")


def nearest(samples: Tensor, real: Tensor, k: int) -> Tensor:
    """Indices (N, k) of the nearest real images, uint8 (M, C, H, W), to samples in [-1, 1], nearest first.

    By the Euclidean distance of their `thumbnails`.
    """
    queries = thumbnails(to_uint8(samples).cpu().float())
    size = max(k, CHUNK // real[0].numel())
    best, indices = torch.empty(len(samples), 0, dtype=torch.float64), torch.empty(len(samples), 0, dtype=torch.int64)
    for start in range(0, len(real), size):
        keys = thumbnails(real[start : start + size].float())
        distances, rows = k_nearest(queries, keys, min(k, len(keys)))
        best, indices = torch.cat([best, distances], 1), torch.cat([indices, rows + start], 1)
        order = best.argsort(dim=1, stable=True)[:, :k]
        best, indices = best.gather(1, order), indices.gather(1, order)
    return indices


def thumbnails(x: Tensor) -> Tensor:
    """(N, P): images (N, C, H, W) with each side shrunk to SIDE where it is longer."""
    return F.adaptive_avg_pool2d(x, (min(SIDE, x.shape[2]), min(SIDE, x.shape[3]))).flatten(1)
