"""Pairs of images whose partner is the negative."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_negatives(folder: Path, count: int, height: int, width: int) -> Path:
    """Colours at random in folder/a, and their negatives, of equal names, in folder/b."""
    draw = np.random.default_rng(0)
    for k in range(count):
        x = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for side, image in (("a", x), ("b", 255 - x)):
            (folder / side).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / side / f"{k}.png")
    return folder
