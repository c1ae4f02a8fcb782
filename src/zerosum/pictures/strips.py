"""Videos (N, T, C, H, W) in [-1, 1]: some frames of each in a row, and several that move side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from zerosum.pictures.film import evenly_spaced
from zerosum.pictures.fonts import label_rows
from zerosum.pictures.grids import grid, grid_walks

FRAMES = 12  # of a video in a picture, at most


def strips(videos: Tensor) -> Image.Image:
    """A row for each video, with some of its frames, the first and the last among them."""
    shown = evenly_spaced(range(videos.shape[1]), FRAMES)
    return grid_walks(videos[:, shown].transpose(0, 1))


def moving(groups: Sequence[Tensor], names: Sequence[str]) -> list[Image.Image]:
    """A picture for each time: a row of each group of videos, beside its name."""
    times = zip(*(group.unbind(1) for group in groups), strict=True)
    return [label_rows([grid(x, columns=len(x)) for x in frames], names, gutter=4) for frames in times]
