"""The data pipeline most GAN scripts have: a Dataset of PIL images, transformed one sample at a time.

`to_tensor` and `normalize` do what torchvision's `ToTensor` and `Normalize` do, step for step, so that the
baselines need no torchvision.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


def to_tensor(image: Image.Image) -> Tensor:
    """A PIL image as a float tensor (C, H, W) in [0, 1]."""
    pixels = torch.from_numpy(np.array(image, np.uint8, copy=True)).view(image.height, image.width, -1)
    return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def normalize(image: Tensor) -> Tensor:
    """(C, H, W) in [0, 1] -> [-1, 1], i.e. Normalize(mean=0.5, std=0.5)."""
    mean = torch.as_tensor([0.5] * image.shape[0]).view(-1, 1, 1)
    std = torch.as_tensor([0.5] * image.shape[0]).view(-1, 1, 1)
    return image.clone().sub_(mean).div_(std)


def resize_and_crop(image: Image.Image, size: int) -> Image.Image:
    """Resize(size) of the shorter side, bilinear, then CenterCrop(size)."""
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    return image.crop((left, top, left + size, top + size))


class Digits(Dataset[tuple[Tensor, int]]):
    """Grey images (N, 28, 28) uint8 in memory, as torchvision's MNIST serves them."""

    def __init__(self, images: Tensor, labels: Tensor):
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return normalize(to_tensor(Image.fromarray(self.images[index].numpy()))), int(self.labels[index])


class Folder(Dataset[tuple[Tensor, int]]):
    """Image files of one folder, opened and decoded at each access, as torchvision's ImageFolder serves them."""

    def __init__(self, folder: Path, size: int):
        self.files, self.size = sorted(folder.glob("*.jpg")), size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.files[index]) as file:
            image = file.convert("RGB")
        return normalize(to_tensor(resize_and_crop(image, self.size))), 0


def write_jpegs(folder: Path, count: int, size: tuple[int, int] = (178, 218), seed: int = 0) -> None:
    """Smooth random colour images of CelebA's size, so that a file costs about what a photograph costs."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (14, 11, 3), dtype=np.uint8))
        pixels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.int16)
        noisy = pixels + random.integers(-8, 9, pixels.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{index:06d}.jpg", quality=90)


def batches(dataset: Dataset[tuple[Tensor, int]], batch_size: int, workers: int) -> Iterator[Tensor]:
    """The images of a dataset in shuffled batches, without end."""
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True, num_workers=workers)
    for images, _ in endless(loader):
        yield images


def endless(loader: DataLoader[Any]) -> Iterator[Any]:
    """The epochs of a DataLoader, one after the other, without end."""
    while True:
        yield from loader


def command(rounds: Callable[..., float], count: int, unit: str = "images/s") -> None:
    """The command of a baseline: prints what its `rounds` measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    print(f"{rounds(options.count, workers=options.workers):.2f} {unit}")


def time_rounds(play: Callable[[], Any], count: int, warm_up: int) -> list[float]:
    """Seconds of each of `count` calls after `warm_up` calls."""
    for _ in range(warm_up):
        play()
    seconds = []
    for _ in range(count):
        start = perf_counter()
        play()
        seconds.append(perf_counter() - start)
    return seconds
