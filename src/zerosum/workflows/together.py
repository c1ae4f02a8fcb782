"""Translated image files: what goes through the network together, and is written while the next ones do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image as Picture
from torch import Tensor

from zerosum.data.images import depth
from zerosum.data.images.decode import Deep, Pixels, Whole
from zerosum.pictures.grids import drawn, single
from zerosum.pictures.png import IMAGE, save, save_deep

MOST = 8  # images at once: of 64x64 pixels 16 and 32 took a U-Net about as long for each
WRITERS = 8  # threads, which wait for the disk most of the time


class Waiting(NamedTuple):
    """An image that is to go through the network."""

    path: Path  # of its translation
    image: Whole
    x: Tensor  # what the network is to see of it, (C, H, W), as it is stored
    made_of: str = ""  # what its file is to say that it was made of, in hex digits


class Together:
    """Images that come one after the other: those of one size in a row are translated together, the files of the ones
    before are written meanwhile.

    When the block ends all are written. What the disk has against one is raised when the next are translated.

    Args:
        translate: stored images (N, C, H, W) to others, (N, C', H', W').
        at_once: how many of this shape, (C, H, W), memory has room for; 0 as 1.
    """

    def __init__(self, translate: Callable[[Tensor], Tensor], at_once: Callable[[Tensor], int]):
        self.translate, self.at_once = translate, at_once
        self.waiting, self.writing = list[Waiting](), list[Future[None]]()
        self.written = 0  # images
        self.writers = ThreadPoolExecutor(WRITERS)

    def __enter__(self) -> Together:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self.writers:  # those that are being written are written to their ends
            if kind is None:
                self._go()
                self._written()

    def add(self, one: Waiting) -> None:
        if self.waiting and not self._fits(one.x):
            self._go()
        self.waiting.append(one)

    def _fits(self, x: Tensor) -> bool:
        first = self.waiting[0].x
        return (x.shape, x.dtype) == (first.shape, first.dtype) and len(self.waiting) < min(MOST, self.at_once(x))

    def _go(self) -> None:
        if not self.waiting:
            return
        made = self.translate(torch.stack([one.x for one in self.waiting]))
        self._written()  # no more than these are held
        self.writing = [self.writers.submit(write, *pair) for pair in zip(self.waiting, made, strict=True)]
        self.waiting = []

    def _written(self) -> None:
        for one in self.writing:
            one.result()
            self.written += 1
        self.writing = []


def write(one: Waiting, made: Tensor) -> None:
    """A translation as it is stored, (C, H, W), as a PNG, with what is transparent in the image."""
    opacity = one.image.opacity
    if made.dtype == torch.uint16:
        save_deep(_with_opacity(made, opacity), one.path, one.made_of)
        return
    picture = single(made)
    if opacity is not None:
        picture = picture.convert("RGB")
        picture.putalpha(Picture.fromarray(opacity).resize(picture.size))
    save(picture, one.path, IMAGE, one.made_of)


def _with_opacity(image: Tensor, opacity: Pixels | Deep | None) -> Deep:
    """An image of 16 bits, (C, H, W), as it is written, (H, W, C), with its opacity as the last channel."""
    made = drawn(image).permute(1, 2, 0).contiguous().numpy()
    if opacity is None or made.shape[2] not in (1, 3):
        return made
    if opacity.shape != made.shape[:2]:
        scaled = Picture.fromarray(opacity.astype(np.float32)).resize((made.shape[1], made.shape[0]))
        opacity = np.asarray(scaled).clip(0, depth.TOP).round().astype(np.uint16)
    return np.concatenate([made, opacity[..., None].astype(np.uint16)], axis=2)
