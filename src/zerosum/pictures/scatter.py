"""Scatter plots of points, and the paths of points that move. Points are (N, D).

Of more than two dimensions the first two are drawn; one dimension is drawn on a line. Real points are drawn in grey
behind the generated ones.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zerosum.pictures.figures import pixels
from zerosum.pictures.fonts import add_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plane = NDArray[np.float32]  # (N, 2)

SIDE = 480  # pixels of a picture
DRAWN = 5000  # points at most of each kind
BLUE, GREY = "#2468d8", "#9aa0a8"


def scatter(points: Tensor, real: Tensor | None = None) -> Image.Image:
    """Generated points, (N, D), in blue over real ones, (M, D), in grey, axes of equal scale.

    Real points alone set the limits, so that pictures with equal `real` make a film.
    """
    plane = _plane(points)
    axes = _axes(plane, real)
    _dots(axes, plane, BLUE)
    return _render(axes, plane)


def paths(walks: Tensor, real: Tensor | None = None) -> Image.Image:
    """The paths of generated points as z moves: a line for each walk, with a dot for each step of z.

    Args:
        walks: (T, N, D), N walks of T steps.
        real: (M, D); as in `scatter`.
    """
    lines = np.stack([_plane(points) for points in walks])  # (T, N, 2)
    plane = lines.reshape(-1, 2)
    axes = _axes(plane, real)
    axes.plot(lines[..., 0], lines[..., 1], color=BLUE, linewidth=0.8, alpha=0.5)
    _dots(axes, plane, BLUE)
    return _render(axes, plane)


def scatter_groups(
    groups: Sequence[Tensor], names: Sequence[str], *, note: str = "", real: Tensor | None = None
) -> Image.Image:
    """Groups of points in one plot, each in a colour of its own, with a key on the right.

    Args:
        groups: (N, D) each; N > 0 may differ.
        names: of the groups, in any script; see `fonts.displayable`.
        note: written below the key, such as how many groups are left out.
        real: (M, D); as in `scatter`.
    """
    planes, colors = [_plane(group) for group in groups], palette(len(groups))
    every = np.concatenate(planes)
    axes = _axes(every, real, legend=False)
    for plane, color in zip(planes, colors, strict=True):
        _dots(axes, plane, color)
    keys, shades = (names, colors) if real is None else ([*names, "real"], [*colors, GREY])
    return add_key(_render(axes, every), keys, shades, note)


def palette(count: int) -> list[str]:
    """`count` colours as different as possible, as `#rrggbb`; the first is blue."""
    shades = [colorsys.hls_to_rgb((0.61 + i / count) % 1, 0.36 if i % 2 else 0.52, 0.78) for i in range(count)]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]


def _plane(points: Tensor) -> Plane:
    if points.dim() != 2 or points.numel() == 0:
        raise ValueError(f"points are (N, D) with N and D above 0, not {tuple(points.shape)}")
    plane = points.detach().float().cpu()[:, :2]
    padded: Plane = F.pad(plane, (0, 2 - plane.shape[1])).numpy()
    return padded


def _limits(plane: Plane) -> tuple[float, float, float, float]:
    """(left, right, bottom, top): a square around all finite points with a margin of a tenth."""
    finite = plane[np.isfinite(plane).all(1)]
    if len(finite) == 0:
        return (-1.0, 1.0, -1.0, 1.0)
    low, high = finite.min(0).astype(float), finite.max(0).astype(float)
    (x, y), far = (low + high) / 2, float(np.abs((low, high)).max())
    half = max(0.6 * float((high - low).max()), 1e-6 * far) or 1.0
    return (x - half, x + half, y - half, y + half)


def _axes(plane: Plane, real: Tensor | None, legend: bool = True) -> Axes:
    """Axes of equal scale in a square picture, with the real points; `legend` names both kinds above the axes."""
    from matplotlib.figure import Figure  # half a second, which only points need

    behind = None if real is None else _plane(real)
    left, right, bottom, top = _limits(plane if behind is None else behind)
    figure = Figure(figsize=(SIDE / 100, SIDE / 100), dpi=100, facecolor="white")
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.88), facecolor="white")
    axes.tick_params(labelsize=8, colors="#666666", length=2)
    axes.spines[:].set_color("#cccccc")
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    words = {"generated": (0.0, BLUE)} if behind is None else {"generated": (0.0, BLUE), "real": (0.2, GREY)}
    for word, (x, color) in words.items() if legend else ():
        axes.text(x, 1.02, word, color=color, fontsize=9, transform=axes.transAxes)
    if behind is not None:
        _dots(axes, behind, GREY)
    return axes


def _render(axes: Axes, plane: Plane) -> Image.Image:
    """The picture, with a note of how many of the generated points lie outside it."""
    from matplotlib.figure import Figure

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inside = (plane[:, 0] >= left) & (plane[:, 0] <= right) & (plane[:, 1] >= bottom) & (plane[:, 1] <= top)
    if outside := len(plane) - int(inside.sum()):  # points that are not finite count as well
        axes.set_title(f"{outside:,} of {len(plane):,} points lie outside", fontsize=9, color="#a02020", loc="right")
    assert isinstance(axes.figure, Figure)
    return pixels(axes.figure)


def _dots(axes: Axes, plane: Plane, color: str) -> None:
    shown = plane[:: math.ceil(len(plane) / DRAWN)]
    axes.scatter(shown[:, 0], shown[:, 1], s=5, c=color, alpha=0.7, linewidths=0)
