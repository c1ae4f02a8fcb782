"""Small data of texts and of pairs of images, and the recipes that learn it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SUPPORT = Path(__file__).parent
COPIER = f"{SUPPORT / 'token_copier.py'}:lines"
PAIRS = f"{SUPPORT / 'affine_pair.py'}:pairs"
COLLECTIONS = f"{SUPPORT / 'affine_pair.py'}:collections"
TEXTS = ("a cat sat", "a dog sat", "the cat ran off", "the dog ran", "birds sing", "fish swim by night")


def write_texts(path: Path) -> Path:
    """Each of the texts 20 times."""
    path.write_text("".join(f"{text}\n" for text in TEXTS * 20), encoding="utf-8")
    return path


def write_pairs(folder: Path, count: int = 48, side: int = 12) -> Path:
    """Images a, grey noise, and b = 0.5 a + 0.25 in [-1, 1], as folder/a and folder/b."""
    draw = np.random.default_rng(0)
    for name in "ab":
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        a = draw.uniform(-1, 1, (side, side))
        for name, x in (("a", a), ("b", 0.5 * a + 0.25)):
            Image.fromarray(((x + 1) * 127.5).round().astype(np.uint8)).save(folder / name / f"{i:03}.png")
    return folder
