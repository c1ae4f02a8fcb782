"""Baseline: the ordinary script that translates a folder, one file after the other, on the networks of zerosum.

It writes the output alone; those of the papers write the input and the target beside it, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
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


def script(name: str, folder: Path) -> Callable[[Path, Path], object]:
    """The script with its network: of a folder of photographs and one for translations."""
    network = ordinary(NETWORKS[name](SHAPE, SHAPE))
    return lambda photographs, out: translate(network, name == "pix2pix", photographs, out)


def command(prepare: Callable[[str, Path], Callable[[Path, Path], object]], about: str | None) -> None:
    """The command of a benchmark: prints images a second, from the first that is opened to the last that is written.

    Args:
        prepare: of a network's name, and a folder for what it needs: what translates a folder into another.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--count", type=int, default=256)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        root = Path(name)
        work = prepare(options.name, root)
        write_jpegs(root / "photographs", options.count, (SIZE, SIZE))
        began = perf_counter()
        work(root / "photographs", root / "made")
        print(f"{options.count / (perf_counter() - began):.2f} images/s")


if __name__ == "__main__":
    command(script, __doc__)
