"""Pictures of samples: grids of images, scatters of points, both in named rows too, and films of training.

Images are floats in [-1, 1], (N, C, H, W). One channel is drawn grey, three in colour, four as RGBA; of two channels
the first is drawn, of five or more the first three.
"""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from zerosum.pictures.film import film
from zerosum.pictures.fonts import keyed, named
from zerosum.util.files import atomic_path, plain_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["film", "grid", "paths", "picture", "rows", "save", "save_each", "scatter", "to_uint8"]

Limits = tuple[float, float, float, float]  # (left, right, bottom, top)

VISIBLE = 48  # pixels; smaller images are enlarged to at least this
SCATTER = 480  # pixels, a side
POINTS = 5000  # drawn at most of each kind
BLUE, GREY = "#2468d8", "#9aa0a8"
CAPTION = ("Title", "Description")  # what a picture file says of itself, under PNG's own keywords


def to_uint8(x: Tensor) -> Tensor:
    """Floats in [-1, 1] of any shape to uint8 in [0, 255]; values outside are clamped, NaN becomes mid-grey."""
    x = x.detach().float().nan_to_num(nan=0.0, posinf=1.0, neginf=-1.0)
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def grid(samples: Tensor, columns: int | None = None, gutter: int = 2, scale: int | None = None) -> Image.Image:
    """Images side by side with white gutters between them.

    Args:
        samples: (N, C, H, W) in [-1, 1], N > 0.
        columns: images in a row; by default as many as make the picture roughly square and full.
        gutter: its width in pixels of the picture.
        scale: each pixel of a sample becomes scale x scale; by default 1, and more for images below 48 pixels.
    """
    pixels = _pixels(samples)  # (N, H, W, 1 | 3 | 4)
    count, height, width, channels = pixels.shape
    scale = scale or _scale(height, width)
    height, width = height * scale, width * scale
    columns = min(columns or _columns(count, height, width), count)
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
    fake, behind = _plane(points), None if real is None else _plane(real)
    limits = limits or _limits(fake if behind is None else behind)
    axes = _axes(limits, behind)
    _dots(axes, fake, BLUE)
    return _drawn(axes, fake, limits)


def paths(walks: Tensor, real: Tensor | None = None) -> Image.Image:
    """Where generated points go as z moves: a line for each walk, a dot for each step of z.

    Args:
        walks: (T, N, D), N walks of T steps; of more than two dimensions the first two are drawn.
        real: (M, D), in grey behind; they set the limits, where they are given.
    """
    ways = np.stack([_plane(points) for points in walks])  # (T, N, 2)
    passed, behind = ways.reshape(-1, 2), None if real is None else _plane(real)
    limits = _limits(passed if behind is None else behind)
    axes = _axes(limits, behind)
    axes.plot(ways[..., 0], ways[..., 1], color=BLUE, linewidth=0.8, alpha=0.5)
    _dots(axes, passed, BLUE)
    return _drawn(axes, passed, limits)


def picture(samples: Tensor, real: Tensor | None = None) -> Image.Image:
    """A grid of images (N, C, H, W) in [-1, 1], or a scatter of points (N, D).

    Of points with more than two dimensions the first two are drawn. `real` (M, D) stands behind points; a grid ignores
    it.
    """
    return grid(samples) if samples.dim() == 4 else scatter(samples, real)


def rows(
    parts: Sequence[Tensor],
    names: Sequence[str],
    *,
    note: str = "",
    columns: int | None = None,
    real: Tensor | None = None,
) -> Image.Image:
    """Samples in named parts: each a row of images with its name in the margin, or points of one colour with a key.

    Args:
        parts: (N, C, H, W) in [-1, 1] each, or points (N, D); N > 0 may differ.
        names: of the parts, in any script; see `lettering.written`.
        note: written below, such as how many parts are left out.
        columns: images in a line, after which a part goes on below; by default so that all is about square.
        real: (M, D), in grey behind points; they set the limits, where they are given.
    """
    if parts[0].dim() == 4:
        most = max(map(len, parts))
        columns = columns or math.ceil(most / max(1, round(math.sqrt(most / len(parts)))))
        return named([grid(part, columns) for part in parts], names, note)
    clouds, behind = [_plane(part) for part in parts], None if real is None else _plane(real)
    every = np.concatenate(clouds)
    limits = _limits(every if behind is None else behind)
    axes, colors = _axes(limits, behind, words=False), palette(len(parts))
    for cloud, color in zip(clouds, colors, strict=True):
        _dots(axes, cloud, color)
    keys, shades = (names, colors) if real is None else ([*names, "real"], [*colors, GREY])
    return keyed(_drawn(axes, every, limits), keys, shades, note)


def palette(count: int) -> list[str]:
    """So many colours that are told apart as well as may be, as `#rrggbb`; the first is blue."""
    shades = [colorsys.hls_to_rgb((0.61 + i / count) % 1, 0.36 if i % 2 else 0.52, 0.78) for i in range(count)]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]


def save(image: Image.Image, path: Path) -> None:
    """Write a picture as PNG, whole or not at all, with what it says of itself (`TOLD`)."""
    info = PngInfo()
    for keyword in CAPTION:
        if text := image.info.get(keyword):
            info.add_itxt(keyword, text)
    with atomic_path(path) as partial:
        image.save(partial, pnginfo=info)


def with_caption(image: Image.Image, title: str, description: str = "") -> Image.Image:
    """The picture, which now says of itself what it shows: in a few words, and for those who cannot see it."""
    image.info |= dict(zip(CAPTION, (title, description or title), strict=True))
    return image


def save_each(
    samples: Tensor, folder: Path, labels: Sequence[object] | Tensor | None = None, first: int = 0
) -> list[Path]:
    """Write images (N, C, H, W) in [-1, 1] to a folder, each at its own size: `00000.png`, `00001.png` ...

    Args:
        labels: one for each sample, numbers or names, added to the file's name: `00000-7.png`.
        first: the number of the first.

    Raises:
        ValueError: the samples are no images, or there are more or fewer labels.
    """
    pixels = _pixels(samples)
    names = [""] * len(pixels) if labels is None else [f"-{plain_name(str(label))}" for label in _plain(labels)]
    if len(names) != len(pixels):
        raise ValueError(f"{len(names)} labels for {len(pixels)} samples")
    digits = max(5, len(str(first + len(pixels) - 1)))
    paths = [folder / f"{i:0{digits}}{name}.png" for i, name in enumerate(names, first)]

    def save(path: Path, image: NDArray[np.uint8]) -> None:
        with atomic_path(path) as partial:
            Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(partial)

    with ThreadPoolExecutor(8) as pool:  # most of the time goes to waiting for the disk
        list(pool.map(save, paths, pixels))
    return paths


def _pixels(samples: Tensor) -> NDArray[np.uint8]:
    """(N, H, W, 1 | 3 | 4)."""
    if samples.dim() != 4 or samples.numel() == 0:
        raise ValueError(f"images are (N, C, H, W) with no empty side, not {tuple(samples.shape)}")
    channels = samples.shape[1]
    drawn = channels if channels in (1, 3, 4) else 1 if channels == 2 else 3
    pixels: NDArray[np.uint8] = to_uint8(samples[:, :drawn]).permute(0, 2, 3, 1).cpu().contiguous().numpy()
    return pixels


def _scale(height: int, width: int) -> int:
    return math.ceil(VISIBLE / max(height, width))


def _columns(count: int, height: int, width: int) -> int:
    ideal = math.sqrt(count * height / width)
    near = range(math.ceil(0.8 * ideal), math.ceil(1.6 * ideal) + 1)  # rather wide than high, as screens are
    return min(near, key=lambda columns: (-count % columns, round(abs(math.log(columns / ideal)), 9), -columns))


def _plane(points: Tensor) -> NDArray[np.float32]:
    """(N, 2)."""
    if points.dim() != 2 or points.numel() == 0:
        raise ValueError(f"points are (N, D) and not none, not {tuple(points.shape)}")
    plane = points.detach().float().cpu()[:, :2]
    flat: NDArray[np.float32] = torch.nn.functional.pad(plane, (0, 2 - plane.shape[1])).numpy()
    return flat


def _limits(plane: NDArray[np.float32]) -> Limits:
    """A square around all finite points with a margin of a tenth."""
    finite = plane[np.isfinite(plane).all(1)]
    if len(finite) == 0:
        return (-1.0, 1.0, -1.0, 1.0)
    low, high = finite.min(0).astype(float), finite.max(0).astype(float)
    (x, y), far = (low + high) / 2, float(np.abs((low, high)).max())
    half = max(0.6 * float((high - low).max()), 1e-6 * far) or 1.0
    return (x - half, x + half, y - half, y + half)


def _axes(limits: Limits, real: NDArray[np.float32] | None, words: bool = True) -> Axes:
    """Axes of equal scale in a square picture, real points in them, and the words for both if asked."""
    from matplotlib.figure import Figure  # half a second, which only points need

    figure = Figure(figsize=(SCATTER / 100, SCATTER / 100), dpi=100, facecolor="white")
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.88), facecolor="white")
    axes.tick_params(labelsize=8, colors="#666666", length=2)
    axes.spines[:].set_color("#cccccc")
    left, right, bottom, top = limits
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    if words:
        axes.text(0.0, 1.02, "generated", color=BLUE, fontsize=9, transform=axes.transAxes)
    if words and real is not None:
        axes.text(0.2, 1.02, "real", color=GREY, fontsize=9, transform=axes.transAxes)
    if real is not None:
        _dots(axes, real, GREY)
    return axes


def _drawn(axes: Axes, fake: NDArray[np.float32], limits: Limits) -> Image.Image:
    """The finished picture, which says how many points do not show."""
    from matplotlib.figure import Figure

    left, right, bottom, top = limits
    inside = (fake[:, 0] >= left) & (fake[:, 0] <= right) & (fake[:, 1] >= bottom) & (fake[:, 1] <= top)
    if outside := len(fake) - int(inside.sum()):  # points that are not finite count as well
        axes.set_title(f"{outside:,} of {len(fake):,} points lie outside", fontsize=9, color="#a02020", loc="right")
    buffer = io.BytesIO()
    assert isinstance(axes.figure, Figure)
    axes.figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def _dots(axes: Axes, plane: NDArray[np.float32], color: str) -> None:
    shown = plane[:: math.ceil(len(plane) / POINTS)]
    axes.scatter(shown[:, 0], shown[:, 1], s=5, c=color, alpha=0.7, linewidths=0)


def _plain(labels: Sequence[object] | Tensor) -> Sequence[object]:
    return labels.tolist() if isinstance(labels, Tensor) else labels
