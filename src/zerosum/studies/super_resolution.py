"""What studies of super-resolution share: how images are compared, on Y without a border, and what is learnt from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, dataset
from zerosum.data.images.benchmarks import Whole
from zerosum.data.pairs import tasks
from zerosum.data.pairs.crops import cut
from zerosum.game import Game
from zerosum.metrics.daala_ssim import daala_ssim
from zerosum.metrics.structural import PEAK, luma_of, psnr, ssim
from zerosum.modality import to_float, to_uint8
from zerosum.roles import Translates, in_role
from zerosum.util.bicubic import enlarged_bytes, shrunk_bytes

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


def crops_of(images: Sequence[Whole], side: int, seed: int) -> Dataset:
    """Crops of side x side pixels, in colour."""
    crops = [
        torch.from_numpy(crop)
        for image in images
        for crop in cut(image.pixels.expand(3, -1, -1).numpy(), image.name, (side, side), seed)
    ]
    return dataset("crops", torch.stack(crops))


def pairs_of(images: Sequence[Whole], side: int, seed: int) -> Dataset:
    """Crops of side x side pixels, in colour, with them shrunk: what "shrink@4:FOLDER" reads of the same files."""
    return tasks.with_shrunk(crops_of(images, side, seed), FACTOR, "shrunk crops")


@torch.no_grad()
def enlarged_by(game: Game[Any], real: Tensor) -> Tensor:
    """A real image (C, H, W), uint8, shrunk by the kernel and enlarged by a game; grey by way of colour."""
    network = next(game.parameters())
    small = to_float(shrunk_bytes(real, FACTOR).expand(3, -1, -1))[None].to(network.device)
    training, _ = game.training, game.eval()
    made = to_uint8(in_role(game, Translates).translate(small)[0]).cpu()
    game.train(training)
    return made if len(real) == 3 else made.float().mean(0, keepdim=True).round().to(torch.uint8)


def y_of(x: Tensor) -> Tensor:
    """(H, W) in float64, without the border: of an image (C, H, W) of 0 to 255 its Y, of a grey one itself."""
    y = luma_of(x.double()[None])[0, 0] if len(x) == 3 else x[0].double()
    return y[BORDER:-BORDER, BORDER:-BORDER]


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
