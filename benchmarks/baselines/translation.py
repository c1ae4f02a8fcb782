"""Baseline: the ordinary script that translates a folder, one file after the other, on the networks of zerosum.

It writes the output alone; those of the papers write the input and the target beside it, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.baselines.data import normalize, to_tensor, write_jpegs
from benchmarks.baselines.layers import ordinary
from zerosum.networks import resnet_translator, unet

SIZE = 64
SHAPE = (3, SIZE, SIZE)
NETWORKS = {"pix2pix": unet.Translator, "cyclegan": resnet_translator.Translator}


def from_tensor(image: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1] as a PIL image."""
    pixels = (image.float().permute(1, 2, 0).numpy() + 1) / 2 * 255
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def translate(network: nn.Module, noisy: bool, folder: Path, out: Path) -> None:
    """The body of the script."""
    network.eval()
    out.mkdir()
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as file:
            a = normalize(to_tensor(file.convert("RGB")))[None]
        with torch.no_grad():
            fake = network(a, torch.zeros(1, dtype=torch.int64)) if noisy else network(a)
        from_tensor(fake[0]).save(out / f"{path.stem}.png")


def images_a_second(name: str, count: int) -> float:
    """Of a folder of `count` photographs of 64x64 pixels, from the first that is opened to the last that is written."""
    network = ordinary(NETWORKS[name](SHAPE, SHAPE))
    with TemporaryDirectory() as root:
        folder = Path(root) / "photographs"
        write_jpegs(folder, count, (SIZE, SIZE))
        began = perf_counter()
        translate(network, name == "pix2pix", folder, Path(root) / "made")
        return count / (perf_counter() - began)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--count", type=int, default=256)
    options = parser.parse_args()
    print(f"{images_a_second(options.name, options.count):.2f} images/s")
