"""Grids of images, and images as single files.

Images are floats in [-1, 1], (N, C, H, W). One channel is drawn grey, three in colour, four as RGBA; of two channels
the first is drawn, of five or more the first three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zerosum.modality import to_uint8
from zerosum.pictures import png
from zerosum.pictures.fonts import label_rows
from zerosum.util.files import atomic_path, plain_name

GUTTER = 2  # pixels between the images of a grid
VISIBLE = 48  # pixels; smaller images are enlarged to at least this
SHOWN = 128  # pixels; among neighbours and in walks, larger images are drawn at this size


def grid(samples: Tensor, columns: int | None = None, gutter: int = GUTTER, scale: int | None = None) -> Image.Image:
    """Images side by side with white gutters between them.

    Args:
        samples: (N, C, H, W) in [-1, 1], N > 0.
        columns: images in a row; by default as many as make the picture roughly square and full.
        gutter: its width in pixels of the picture.
        scale: each pixel of a sample becomes scale x scale; by default 1, and more for images below 48 pixels.
    """
    pixels = _pixels(samples)  # (N, H, W, 1 | 3 | 4)
    count, height, width, channels = pixels.shape
    scale = scale or scale_of(height, width)
    height, width = height * scale, width * scale
    columns = min(columns or _columns(count, height, width), count)
    rows = math.ceil(count / columns)
    shape = (rows * (height + gutter) - gutter, columns * (width + gutter) - gutter, channels)
    canvas = np.full(shape, 255, np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * (height + gutter), (i % columns) * (width + gutter)
        canvas[top : top + height, left : left + width] = image.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)


def single(stored: Tensor) -> Image.Image:
    """One image as it is stored, uint8 (C, H, W), alone and at its size."""
    pixels = drawn(stored).permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def scale_of(height: int, width: int) -> int:
    """How many pixels a side each pixel of an image of this size becomes in a grid."""
    return math.ceil(VISIBLE / max(height, width))


def room_of(channels: int, height: int, width: int) -> int:
    """Bytes that an image takes in a grid."""
    scale = scale_of(height, width)
    return (height * scale + GUTTER) * (width * scale + GUTTER) * min(channels, 4)


def grid_rows(
    groups: Sequence[Tensor], names: Sequence[str], *, note: str = "", columns: int | None = None
) -> Image.Image:
    """Groups of images below each other, each a row with its name in the margin.

    Args:
        groups: (N, C, H, W) in [-1, 1] each; N > 0 may differ.
        names: of the groups, in any script; see `fonts.displayable`.
        note: written below, such as how many groups are left out.
        columns: images in a line, after which a group goes on below; by default so that the picture is about square.
    """
    most = max(map(len, groups))
    columns = columns or math.ceil(most / max(1, round(math.sqrt(most / len(groups)))))
    return label_rows([grid(group, columns) for group in groups], names, note)


def grid_walks(frames: Tensor) -> Image.Image:
    """Frames (T, N, C, H, W) in [-1, 1], T steps of N walks: a row for each walk."""
    steps, count = frames.shape[:2]
    return grid(shrink(frames.transpose(0, 1).reshape(count * steps, *frames.shape[2:])), columns=steps)


def shrink(x: Tensor, side: int = SHOWN) -> Tensor:
    """Images (N, C, H, W), resized where a side is longer than `side`."""
    height, width = x.shape[2:]
    factor = min(1.0, side / max(height, width))
    size = (max(1, math.floor(height * factor)), max(1, math.floor(width * factor)))
    return x if size == (height, width) else F.interpolate(x.float(), size, mode="bilinear", antialias=True)


def save_each(
    samples: Tensor, folder: Path, labels: Sequence[object] | Tensor | None = None, first: int = 0, digits: int = 5
) -> list[Path]:
    """Write images (N, C, H, W) in [-1, 1] to a folder, each at its own size: `00000.png`, `00001.png` ...

    Args:
        labels: one for each sample, numbers or names, added to the file's name: `00000-7.png`.
        first: the number of the first.
        digits: of the numbers, at least.

    Raises:
        ValueError: the samples are no images, or there are more or fewer labels.
    """
    pixels = _pixels(samples)
    listed = labels.tolist() if isinstance(labels, Tensor) else labels
    names = [""] * len(pixels) if listed is None else [f"-{plain_name(str(label))}" for label in listed]
    if len(names) != len(pixels):
        raise ValueError(f"{len(names)} labels for {len(pixels)} samples")
    digits = max(5, digits, len(str(first + len(pixels) - 1)))
    paths = [folder / f"{i:0{digits}}{name}.png" for i, name in enumerate(names, first)]

    def save(path: Path, image: NDArray[np.uint8]) -> None:
        with atomic_path(path) as partial:
            Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(
                partial, pnginfo=png.marked(png.IMAGE)
            )

    with ThreadPoolExecutor(8) as pool:  # most of the time goes to waiting for the disk
        list(pool.map(save, paths, pixels))
    return paths


def _pixels(samples: Tensor) -> NDArray[np.uint8]:
    """(N, H, W, 1 | 3 | 4)."""
    if samples.dim() != 4 or samples.numel() == 0:
        raise ValueError(f"images are (N, C, H, W) with no empty side, not {tuple(samples.shape)}")
    pixels: NDArray[np.uint8] = to_uint8(drawn(samples)).permute(0, 2, 3, 1).cpu().contiguous().numpy()
    return pixels


def drawn(samples: Tensor) -> Tensor:
    """The channels that are drawn, (..., 1 | 3 | 4, H, W)."""
    channels = samples.shape[-3]
    return samples[..., : channels if channels in (1, 3, 4) else 1 if channels == 2 else 3, :, :]


def _columns(count: int, height: int, width: int) -> int:
    """How many fill the rows best, among those that make the picture about square."""
    ideal = math.sqrt(count * height / width)
    near = range(math.ceil(0.8 * ideal), math.ceil(1.6 * ideal) + 1)  # rather wide than high, as screens are
    return min(near, key=lambda columns: (-count % columns, round(abs(math.log(columns / ideal)), 9), -columns))
