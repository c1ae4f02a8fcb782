"""What studies of sharpness share: gradient energy, how strong noise has to be for one, and the patches of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor

from zerosum.metrics.statistics import Moments
from zerosum.metrics.structural import squared_steps


def gradient_energy(x: Tensor) -> float:
    """Of (..., H, W): the mean square of steps between neighbours, down and to the right, added; blur has little."""
    return float(squared_steps(x).mean())


def bounds(energy_of: Callable[[float], float], energy: float, strongest: float, halvings: int) -> tuple[float, float]:
    """The strengths between which an energy that grows with them is reached, from 0 to the strongest; by bisection.

    At the first it is less than `energy`, unless that is 0; at the second it is as much or more, unless that is the
    strongest.
    """
    weak, strong = 0.0, strongest
    for _ in range(halvings):
        middle = (weak + strong) / 2
        if energy_of(middle) < energy:
            weak = middle
        else:
            strong = middle
    return weak, strong


def cut(x: Tensor, side: int, stride: int) -> Tensor:
    """(M, C side side) patches of images (..., C, H, W), image by image and row by row."""
    windows = x.unfold(-2, side, stride).unfold(-2, side, stride)  # (..., C, h, w, side, side)
    return windows.movedim(-5, -3).reshape(-1, x.shape[-3] * side**2)


def patches(images: Iterable[Tensor], side: int, stride: int) -> Moments:
    """Mean and covariance of the patches of side x side pixels of all images (C, H, W) of 0 to 255, in parts of 255."""
    moments: Moments | None = None
    for image in images:
        own = cut(image / 255, side, stride)
        moments = moments or Moments(own.shape[1])
        moments.update(own)
    if moments is None:
        raise ValueError("there are no images to take patches of")
    return moments
