"""Photographs in the style of pictures, by CycleGAN: `python examples/style_transfer.py PHOTOS [PICTURES]`.

PHOTOS and PICTURES are folders; nobody has to say which belong together. Without PICTURES every other photograph is
painted here with strokes of a brush, and the rest is to look like these. A second call goes on where the first stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import zerosum

STROKES = 0.02  # a pixel of the picture; each is one of LONG to WIDE pixels of 256, and of the colour below it
LONG, WIDE = 14.0, 5.0
SUFFIXES = (".jpg", ".jpeg", ".png")


def painted(photograph: Image.Image, seed: int) -> Image.Image:
    """A photograph as a brush would leave it: strokes at random places, along the edges below them (Haeberli, 1990)."""
    random, scale = np.random.default_rng(seed), min(photograph.size) / 256
    down, right = np.gradient(np.asarray(photograph.convert("L"), float))
    picture = photograph.resize((8, 8)).resize(photograph.size)
    draw = ImageDraw.Draw(picture)
    for _ in range(round(STROKES * photograph.width * photograph.height / scale**2)):
        x, y = int(random.integers(photograph.width)), int(random.integers(photograph.height))
        angle = np.arctan2(right[y, x], -down[y, x]) + random.normal(0, 0.2)
        dx, dy = np.cos(angle) * LONG / 2 * scale, np.sin(angle) * LONG / 2 * scale
        stroke = (x - dx, y - dy, x + dx, y + dy)
        draw.line(stroke, fill=photograph.getpixel((x, y)), width=max(1, round(WIDE * scale)))
    return picture


def halves(photographs: Path, out: Path) -> tuple[Path, Path]:
    """Folders of the even photographs as they are, and of the odd ones, painted."""
    folders = out / "photographs", out / "painted"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in photographs.rglob("*") if path.suffix.lower() in SUFFIXES)
    for number, path in enumerate(files):
        made = folders[number % 2] / f"{number:05d}.png"
        if not made.exists():
            with Image.open(path) as file:
                photograph = file.convert("RGB")
            (painted(photograph, number) if number % 2 else photograph).save(made)
    return folders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("pictures", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=Path("runs/style"))
    parser.add_argument("--size", type=int, default=128, help="pixels of a side (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=32, help="channels of the networks; the paper's are 64")
    given = parser.parse_args()
    photos, pictures = (given.photos, given.pictures) if given.pictures else halves(given.photos, given.out)
    run = given.out / "run"
    if (run / "run.json").exists():
        zerosum.resume(run)
    else:
        networks = {"network": {"width": given.width}, "patch": {"width": given.width}}
        data = f"unpaired:{photos},{pictures}"
        zerosum.train("cyclegan", data, run, size=given.size, steps=given.steps, flip=True, **networks)
    for images, name, back in ((photos, "in-style", False), (pictures, "as-photographs", True)):
        zerosum.translate(run, images, given.out / name, back=back)
        print(f"{given.out / name}: translations of {images}")


if __name__ == "__main__":
    try:
        main()
    except zerosum.ZerosumError as error:
        raise SystemExit(str(error)) from None
