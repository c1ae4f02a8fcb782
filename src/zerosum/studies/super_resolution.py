"""How enlarged images are compared with the real ones in papers on super-resolution: on Y, without a border."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from torch import Tensor

from zerosum.data.images.bicubic import enlarged_bytes, shrunk_bytes
from zerosum.metrics.daala_ssim import daala_ssim
from zerosum.metrics.structural import PEAK, psnr, ssim

FACTOR = 4
BORDER = 4  # pixels that are cut off at each side
MEASURES = {"psnr": psnr, "ssim": ssim, "ssim_daala": daala_ssim}


def whole_blocks(x: Tensor, factor: int = FACTOR) -> Tensor:
    """(..., H, W) without the last rows and columns, so that H and W are multiples of the factor."""
    height, width = (side // factor * factor for side in x.shape[-2:])
    return x[..., :height, :width]


def bicubic(real: Tensor) -> Tensor:
    """(C, H, W) uint8, whose sides are multiples of FACTOR, shrunk and enlarged again, rounded to uint8 both times."""
    return enlarged_bytes(shrunk_bytes(real, FACTOR), FACTOR)


def compared(image: Tensor, real: Tensor, *, grey_as_colour: bool = False) -> dict[str, float]:
    """PSNR in dB and both kinds of SSIM of an image beside the real one, of 0 to 255, (C, H, W).

    Of three channels they are of Y of BT.601 (16 to 235), not rounded; an image that is stored as grey is its own Y,
    as MATLAB's scripts have it that convert colour alone, unless it is to be taken for three equal channels.
    """
    sides = [side.double()[None] / (PEAK / 2) - 1 for side in (image, real)]
    if grey_as_colour and len(image) == 1:
        sides = [side.expand(-1, 3, -1, -1) for side in sides]
    luma = sides[0].shape[1] == 3
    return {name: float(measure(*sides, luma=luma, border=BORDER)) for name, measure in MEASURES.items()}


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each measure the mean over the images."""
    return {name: round(statistics.fmean(row[name] for row in rows), 5) for name in rows[0]}
