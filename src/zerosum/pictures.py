"""Pictures of samples: grids of images, scatters of points, and films of training.

Images are floats in [-1, 1], (N, C, H, W). One channel is drawn grey, three in colour, four as RGBA; of two channels
the first is drawn, of five or more the first three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    pass

Limits = tuple[float, float, float, float]  # (left, right, bottom, top)

VISIBLE = 48  # pixels; smaller images are enlarged to at least this
SCATTER = 480  # pixels, a side
POINTS = 5000  # drawn at most of each kind


def to_uint8(x: Tensor) -> Tensor:
    """Floats in [-1, 1] of any shape to uint8 in [0, 255]; values outside are clamped, NaN becomes mid-grey."""
    x = x.detach().float().nan_to_num(nan=0.0, posinf=1.0, neginf=-1.0)
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def grid(samples: Tensor, columns: int | None = None, gutter: int = 2, scale: int | None = None) -> Image.Image:
    """Images side by side with white gutters between them.

    Args:
        samples: (N, C, H, W) in [-1, 1], N > 0.
        columns: images in a row; by default as many as make the picture roughly square.
        gutter: its width in pixels of the picture.
        scale: each pixel of a sample becomes scale x scale; by default 1, and more for images below 48 pixels.
    """
    pixels = _pixels(samples)  # (N, H, W, 1 | 3 | 4)
    count, height, width, channels = pixels.shape
    scale = scale or _scale(height, width)
    height, width = height * scale, width * scale
    columns = min(columns or math.ceil(math.sqrt(count * height / width)), count)
    rows = math.ceil(count / columns)
    shape = (rows * (height + gutter) - gutter, columns * (width + gutter) - gutter, channels)
    canvas = np.full(shape, 255, np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * (height + gutter), (i % columns) * (width + gutter)
        canvas[top : top + height, left : left + width] = image.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)


def scatter(points: Tensor, real: Tensor | None = None, limits: Limits | None = None) -> Image.Image:
    """Generated points in blue over real ones in grey, axes of equal scale.

    Args:
        points: (N, D); of more than two dimensions the first two are drawn, of one its position (D = 1) on a line.
        real: (M, D). Without `limits` these alone set the limits, so that pictures with equal `real` make a film.
        limits: (left, right, bottom, top) of the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fake, behind = _plane(points), None if real is None else _plane(real)
    figure = Figure(figsize=(SCATTER / 100, SCATTER / 100), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.88), facecolor="white")
    axes.tick_params(labelsize=8, colors="#666666", length=2)
    left, right, bottom, top = limits or _limits(fake if behind is None else behind)
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    if behind is not None:
        _dots(axes, behind, "#a8adb5")
    _dots(axes, fake, "#2468d8")
    inside = (fake[:, 0] >= left) & (fake[:, 0] <= right) & (fake[:, 1] >= bottom) & (fake[:, 1] <= top)
    if outside := len(points) - int(inside.sum()):  # points that are not finite count as well
        axes.set_title(f"{outside:,} of {len(points):,} points lie outside", fontsize=9, color="#a02020", loc="right")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba()).copy()).convert("RGB")


def picture(samples: Tensor, real: Tensor | None = None) -> Image.Image:
    """A grid of images (N, C, H, W) in [-1, 1], or a scatter of points (N, D).

    Of points with more than two dimensions the first two are drawn. `real` (M, D) stands behind points; a grid ignores
    it.
    """
    return grid(samples) if samples.dim() == 4 else scatter(samples, real)


def film(
    frames: Sequence[Path | Image.Image],
    path: Path,
    seconds: float = 8.0,
    *,
    hold: float = 2.0,
    most: int = 100,
    side: int = 600,
    megabytes: float = 8.0,
) -> Path:
    """Write frames as a GIF that loops, and return its path.

    Args:
        frames: pictures, or their files; a file that cannot be read is skipped. All take the size of the last one.
        seconds: how long the frames move, at most half a second each.
        hold: seconds that the last frame stays.
        most: frames; more are thinned evenly, and the last is always in.
        side: largest width and height in pixels.
        megabytes: the file's size; a film above it is made smaller until it fits.

    Raises:
        ValueError: there is no frame that can be read.
    """
    last, *earlier = (image for frame in reversed(frames) if (image := _opened(frame)) is not None) or (None,)
    raise NotImplementedError


def save_each(samples: Tensor, folder: Path, labels: Sequence[object] | Tensor | None = None) -> list[Path]:
    """Write images (N, C, H, W) in [-1, 1] as `00000.png`, `00001.png` ... at their own size; with labels `00000-7.png`.

    Args:
        labels: one for each sample: numbers (N,), or names, of which characters that no file name takes become "_".
    """
