"""Sounds (N, C, T) in [-1, 1] as spectrograms: grey, time to the right, frequency upwards, the louder the lighter."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zerosum.modality import Sound
from zerosum.pictures.fonts import INK
from zerosum.pictures.grids import grid
from zerosum.util import spectra

HEIGHT, WIDTH = 96, 96  # pixels of a spectrogram
LOWEST = 60.0  # Hz; below it there is little to hear
MARGIN, BELOW = 44, 20  # pixels left of the rows and below the columns, for the scales
TICKS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)  # Hz


def spectrograms(x: Tensor, rate: int) -> Tensor:
    """(N, 1, HEIGHT, WIDTH) in [-1, 1], from 60 dB below a full sine to one, of sounds (N, C, T), channels together.

    Octaves are equally high, from LOWEST at the bottom to half of the rate.
    """
    bands = spectra.log_bands(HEIGHT, spectra.window_size(x.shape[2], rate), rate, min(LOWEST, rate / 8))
    loud = spectra.decibels(x.float().nan_to_num().mean(1, keepdim=True), rate, WIDTH, bands)
    return (1 + loud / 30).clamp(-1, 1).flip(2)


def with_scales(x: Tensor, sound: Sound) -> Image.Image:
    """Sounds (N, C, T) in a grid of spectrograms, beside each row the frequencies, below each column its seconds."""
    picture = grid(spectrograms(x, sound.rate))
    canvas = Image.new("L", (MARGIN + picture.width + MARGIN // 2, picture.height + BELOW), 255)
    canvas.paste(picture, (MARGIN, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    lowest = min(LOWEST, sound.rate / 8)
    octaves = math.log2(sound.rate / 2 / lowest)
    for top in range(0, picture.height, HEIGHT + 2):
        for hertz in TICKS:
            y = top + HEIGHT * (1 - math.log2(hertz / lowest) / octaves)
            if top + 5 <= y <= top + HEIGHT - 5:
                label = f"{hertz}" if hertz < 1000 else f"{hertz // 1000}k"
                draw.text((MARGIN - 6, y), f"{label} Hz", fill=INK, font=font, anchor="rm")
                draw.line((MARGIN - 4, y, MARGIN - 1, y), fill=INK)
    for left in range(MARGIN, MARGIN + picture.width, WIDTH + 2):
        draw.text((left, picture.height + 4), "0", fill=INK, font=font)
        end = f"{sound.samples / sound.rate:.2g} s"
        draw.text((left + WIDTH, picture.height + 4), end, fill=INK, font=font, anchor="ra")
    return canvas


def scale_of(sound: Sound) -> str:
    """What a spectrogram without scales is, in words."""
    lowest = min(LOWEST, sound.rate / 8)
    return f"{sound.samples / sound.rate:.2g} s from left to right, {lowest:g} to {sound.rate / 2:,g} Hz upwards"
