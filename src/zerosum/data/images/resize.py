"""Bring images that are in memory already to another size."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from zerosum.data.dataset import Dataset, fingerprint_of
from zerosum.data.errors import DataError

CHUNK = 4096  # images


def resized(data: Dataset, size: tuple[int, int]) -> Dataset:
    """The images at `size` (H, W): scaled (bicubic, antialiased) until they cover it, cropped in the centre.

    Raises:
        DataError: the data holds points.
    """
    if not data.is_image:
        raise DataError(f"{data.name} holds points, which have no size; leave the size out")
    if data.x.shape[2:] == size:
        return data
    x = torch.cat([_cover(part, size) for part in torch.split(data.x, CHUNK)])
    return replace(data, x=x, fingerprint=fingerprint_of(f"{data.fingerprint} {size}"))


def _cover(x: Tensor, size: tuple[int, int]) -> Tensor:
    (height, width), (h, w) = size, x.shape[2:]
    scale = max(height / h, width / w)
    covered = (max(height, round(h * scale)), max(width, round(w * scale)))
    x = interpolate(x, covered, mode="bicubic", antialias=True)
    top, left = (covered[0] - height) // 2, (covered[1] - width) // 2
    return x[:, :, top : top + height, left : left + width].contiguous()
