"""How alike two images are, pixel by pixel: PSNR, SSIM and multi-scale SSIM; and how alike random pairs are.

Images are (N, C, H, W) in [-1, 1], which stands for 0 to 255; computed in float64, without rounding to 8 bits.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, PairMetric
from zerosum.metrics.score import Score
from zerosum.modality import Image
from zerosum.util import rng

PEAK = 255.0
WINDOW, SIGMA = 11, 1.5  # pixels
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, from the finest
CHUNK = 64  # pairs of images at once


class Diversity(NamedTuple):
    """MS-SSIM of random pairs: the lower, the more diverse."""

    mean: float
    error: float  # the mean's standard error
    scales: int  # five in the paper; results of different numbers are not comparable


def psnr(x: Tensor, y: Tensor, *, luma: bool = False, border: int = 0) -> Tensor:
    """Peak signal-to-noise ratio of each pair, (N,) in dB; infinite where the two are equal.

    `border` pixels are cut off at each side first; `luma` compares the Y channel of BT.601 alone, as papers on
    super-resolution do. `ValueError` where shapes differ, the border is too wide, or there is no colour for luma.
    """
    x, y = prepared(x, y, luma, border)
    return 10 * (PEAK**2 / (x - y).square().mean((1, 2, 3))).log10()


def ssim(x: Tensor, y: Tensor, *, luma: bool = False, border: int = 0) -> Tensor:
    """Structural similarity of each pair, (N,) in [-1, 1], 1 where they are equal; Wang et al., 2004.

    The mean over all channels and all places where the Gaussian window of 11x11 pixels fits. Arguments and errors are
    those of `psnr`.
    """
    x, y = prepared(x, y, luma, border)
    return torch.cat([_similarity(*pair)[0].mean(1) for pair in zip(x.split(CHUNK), y.split(CHUNK), strict=True)])


def gradient_energy(x: Tensor, *, luma: bool = False, border: int = 0) -> Tensor:
    """How sharp images (N, C, H, W) in [-1, 1] are, (N,): the mean square of the differences of neighbouring pixels, to
    the right and below, in units of 8 bits. Noise has a lot of it, too. Arguments and errors are those of `psnr`.
    """
    x, _ = prepared(x, x, luma, border)
    if min(x.shape[2:]) < 2:
        raise ValueError(f"an image of {x.shape[2]}x{x.shape[3]} pixels has no neighbours in both directions")
    return squared_steps(x).mean(1) / 2


def squared_steps(x: Tensor) -> Tensor:
    """(...) of images (..., H, W): the mean square of steps between neighbours, down and to the right, added."""
    return x.diff(dim=-2).square().mean((-2, -1)) + x.diff(dim=-1).square().mean((-2, -1))


def ms_ssim(x: Tensor, y: Tensor, *, scales: int | None = None) -> Tensor:
    """Multi-scale SSIM of each pair, (N,) in [0, 1], 1 where they are equal; Wang et al., 2003.

    Each scale halves the one before by the mean of 2x2 pixels. A negative similarity counts as 0. Small images have
    fewer scales than the paper's five, by default `scales_of`; the weights of these are then scaled to a sum of 1.
    `ValueError` where the shapes differ, or the images are too small for so many scales.
    """
    x, y = prepared(x, y)
    most = scales_of(x.shape[2], x.shape[3])
    if scales is not None and not 1 <= scales <= most:
        raise ValueError(f"images of {x.shape[2]}x{x.shape[3]} pixels have 1 to {most} scales, not {scales}")
    weights = torch.tensor(WEIGHTS[: scales or most], dtype=x.dtype, device=x.device)
    if len(weights) < len(WEIGHTS):
        weights /= weights.sum()
    return torch.cat([_multi_scale(*pair, weights) for pair in zip(x.split(CHUNK), y.split(CHUNK), strict=True)])


def scales_of(height: int, width: int) -> int:
    """How many of the five scales images of this size have: the window must fit into the last. ValueError if none."""
    side = min(height, width)
    if side < WINDOW:
        raise ValueError(f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, not {height}x{width}")
    return next(n for n in range(len(WEIGHTS), 0, -1) if -(-side // 2 ** (n - 1)) >= WINDOW)


def ms_ssim_diversity(x: Tensor, pairs: int = 100, seed: int = 0) -> Diversity:
    """MS-SSIM of independent random pairs of different images x; Odena et al., 2017. ValueError for fewer than two."""
    if len(x) < 2 or pairs < 2:
        raise ValueError(f"diversity needs at least two images and two pairs, not {len(x)} and {pairs}")
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(x), (pairs,), generator=generator)
    second = (first + torch.randint(1, len(x), (pairs,), generator=generator)) % len(x)  # any but the first
    values = ms_ssim(x[first], x[second])
    return Diversity(float(values.mean()), float(values.std() / pairs**0.5), scales_of(*x.shape[2:]))


def _multi_scale(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """(N,): the product over scales of similarity without luminance, but for the coarsest, to the power of weights."""
    factors = []
    for scale in range(len(weights)):
        whole, structure = _similarity(x, y)  # (N, C) each
        factors.append(whole if scale == len(weights) - 1 else structure)
        x, y = (F.avg_pool2d(side, 2, ceil_mode=True) for side in (x, y))  # an odd border is averaged over what it has
    return (torch.stack(factors).clamp_min(0) ** weights[:, None, None]).prod(0).mean(1)


def _similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C) each: the mean over places of SSIM, and of its part for contrast and structure."""
    if min(x.shape[2:]) < WINDOW:
        raise ValueError(f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, not {x.shape[2]}x{x.shape[3]}")
    mean_x, mean_y, square_x, square_y, product = _blurred(torch.stack([x, y, x * x, y * y, x * y]))
    variances = square_x - mean_x.square() + square_y - mean_y.square()
    structure = (2 * (product - mean_x * mean_y) + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    return (luminance * structure).mean((2, 3)), structure.mean((2, 3))


def _blurred(x: Tensor) -> Tensor:
    """(..., H, W) to (..., H - 10, W - 10): the window's weighted means, as two products with banded matrices."""
    down, right = (_window(side).to(x.device) for side in x.shape[-2:])
    return down @ (x @ right.T)


@functools.lru_cache(maxsize=16)
def _window(side: int) -> Tensor:
    """(side - 10, side): row i weighs the pixels i to i + 10 by a Gaussian."""
    offsets = torch.arange(side) - torch.arange(side - WINDOW + 1)[:, None]
    weights = torch.exp(-(offsets - WINDOW // 2).double().square() / (2 * SIGMA**2))
    weights *= (offsets >= 0) & (offsets < WINDOW)
    return weights / weights.sum(1, keepdim=True)


def prepared(x: Tensor, y: Tensor, luma: bool = False, border: int = 0) -> tuple[Tensor, Tensor]:
    """Both as float64 in [0, 255], cropped."""
    if x.shape != y.shape or x.dim() != 4 or not (x.is_floating_point() and y.is_floating_point()):
        raise ValueError(
            f"two batches of images, float (N, C, H, W) of one shape, can be compared, not {x.dtype} {tuple(x.shape)} "
            f"with {y.dtype} {tuple(y.shape)}"
        )
    if luma and x.shape[1] != 3:
        raise ValueError(f"luma needs colour images, not {x.shape[1]} channels")
    if not 0 <= 2 * border < min(x.shape[2:]):
        raise ValueError(f"{border} pixels cannot be cut off each side of {x.shape[2]}x{x.shape[3]}")
    return _values(x, luma, border), _values(y, luma, border)


def _values(x: Tensor, luma: bool, border: int) -> Tensor:
    x = (x[:, :, border : x.shape[2] - border, border : x.shape[3] - border].double() + 1) * (PEAK / 2)
    return luma_of(x) if luma else x


def luma_of(x: Tensor) -> Tensor:
    """(N, 3, H, W) of 0 to 255 to Y of BT.601, (N, 1, H, W) of 16 to 235: MATLAB's rgb2ycbcr, not rounded."""
    red, green, blue = x.split(1, dim=1)
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / PEAK


@dataclass(frozen=True)
class MsSsim(Metric):
    """How alike random pairs of samples are, by multi-scale SSIM; Odena et al., 2017. 1 is a collapsed generator.

    No sample is in two pairs: of fewer than twice as many samples there are fewer pairs, and the protocol says so.

    Noise scores lowest: what is good is the score of real data.
    """

    pairs: Annotated[int, Gt(1), "how many"] = 1000

    name = "ms-ssim"
    needs = "none"
    needs_distinct = False
    kind = Image

    def why_not(self, context: Context) -> str:
        if min(context.fake.shape[1:]) < WINDOW:
            return f"it needs images of {WINDOW}x{WINDOW} or more"
        return "" if context.fake.count >= 4 else "it needs at least 4 samples"

    def adapt(self, context: Context) -> MsSsim:
        return replace(self, pairs=min(self.pairs, context.fake.count // 2))

    def measure(self, context: Context) -> dict[str, Score]:
        pairs = self.adapt(context).pairs
        order = rng.shuffled(2 * pairs, context.seed)
        first, second = context.fake.first(2 * pairs)[order].chunk(2)  # no image twice, so pairs are independent
        values, scales = ms_ssim(first, second), scales_of(*first.shape[2:])
        if pairs < intervals.FEWEST:
            return {"similarity": Score(float(values.mean()), note=f"{intervals.TOO_FEW}; {scales} scales")}
        interval = intervals.of_mean(values, 0.0, 1.0)
        note = f"Student's t, of pairs without a common image; {scales} scales"
        return {"similarity": Score(float(values.mean()), "none", interval, note)}


@dataclass(frozen=True)
class Psnr(PairMetric):
    """Peak signal-to-noise ratio, in dB: the mean over the images. Higher for blur than for wrong detail."""

    name = "psnr"

    def measure(self, image: Tensor, reference: Tensor) -> float:
        return float(psnr(image, reference, luma=self.luma, border=self.border))


@dataclass(frozen=True)
class Ssim(PairMetric):
    """Structural similarity; Wang et al., 2004: the mean over the images, 1 for equal ones."""

    name = "ssim"
    smallest = WINDOW

    def measure(self, image: Tensor, reference: Tensor) -> float:
        return float(ssim(image, reference, luma=self.luma, border=self.border))


@dataclass(frozen=True)
class GradientEnergy(PairMetric):
    """How sharp an image is beside its reference: the ratio of gradient energies. 1 is as sharp, blur is below."""

    name = "gradient-energy"
    better = "none"
    no_interval = "no interval: a mean of ratios, which one nearly flat partner decides"

    def measure(self, image: Tensor, reference: Tensor) -> float:
        own, other = (gradient_energy(x, luma=self.luma, border=self.border) for x in (image, reference))
        if float(other) == 0:
            raise ValueError("its reference is flat")
        return float(own / other)
