"""Pairs made from any images: `denoise:DATA`, `inpaint@0.4:DATA` ... An image is the target, and spoiled the input.

What is drawn for a spoiled image depends on the task and on the image's place in the data alone. `shrink@4:DATA` has
inputs of another size than the targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from zerosum.data.dataset import ALL, DataError, Dataset, Field, Progress, fingerprint_of
from zerosum.modality import Image
from zerosum.util import memory
from zerosum.util.bicubic import shrunk_bytes
from zerosum.util.luma import luma

CHUNK = 64  # images that are spoiled at once
SHRINK, FACTORS, FACTOR = "shrink", (2, 3, 4), 4  # the name, what may follow its "@", and what is meant without

Spoil = Callable[[Tensor, float, list[Generator]], Tensor]  # (B, C, H, W) of 0 to 255, a strength, one a row


@dataclass(frozen=True)
class Task:
    """What is to be undone, and how strong it is."""

    spoil: Spoil
    summary: str  # "Gaussian noise of this deviation, of 255"; "" after "of" where it has no strength
    strength: float = 0.0
    bounds: tuple[float, float] = (0.0, 0.0)  # of the strength; equal ones: it has none
    grey: bool = False  # the input has one channel


def denoise(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    return x + strength * torch.stack([torch.randn(x.shape[1:], generator=g) for g in generators])


def inpaint(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    """A grey rectangle somewhere, whose sides are this share of the image's."""
    height, width = x.shape[2:]
    sides = max(1, round(strength * height)), max(1, round(strength * width))
    spoiled = x.clone()
    for image, generator in zip(spoiled, generators, strict=True):
        top, left = (
            int(torch.randint(whole - side + 1, (), generator=generator))
            for whole, side in zip((height, width), sides, strict=True)
        )
        image[:, top : top + sides[0], left : left + sides[1]] = 127.5
    return spoiled


def colorize(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    return luminance(x)


def superres(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    """Scaled down by this factor and up again; bicubic with a = -0.5, antialiased on the way down."""
    height, width = x.shape[2:]
    small = max(1, round(height / strength)), max(1, round(width / strength))
    smaller = F.interpolate(x, small, mode="bicubic", antialias=True).clamp(0, 255).round()
    return F.interpolate(smaller, (height, width), mode="bicubic", antialias=True)


def deblur(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    """Gaussian blur of this deviation in pixels, edges repeated."""
    radius = math.ceil(3 * strength)
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / strength) ** 2)
    weights = weights / weights.sum()
    for shape, sides in (((1, 1, -1, 1), (0, 0, radius, radius)), ((1, 1, 1, -1), (radius, radius, 0, 0))):
        kernel = weights.view(shape).repeat(x.shape[1], 1, 1, 1)
        x = F.conv2d(F.pad(x, sides, mode="replicate"), kernel, groups=x.shape[1])
    return x


def edges(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    """White where the Sobel gradient of the luminance is at least this share of the largest, 4 * 255; else black."""
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    padded = F.pad(luminance(x), (1, 1, 1, 1), mode="replicate")
    across, down = (F.conv2d(padded, kernel[None, None]) for kernel in (sobel, sobel.T))
    return 255.0 * (torch.hypot(across, down) >= strength * 4 * 255)


def invert(x: Tensor, strength: float, generators: list[Generator]) -> Tensor:
    return 255 - x


def luminance(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, 1, H, W): BT.601's of three channels, the mean of any other number."""
    return luma(x) if x.shape[1] == 3 else x.mean(1, keepdim=True)


TASKS: dict[str, Task] = {
    "denoise": Task(denoise, "Gaussian noise of this deviation, of 255", 25.0, (1.0, 255.0)),
    "inpaint": Task(inpaint, "a grey rectangle whose sides are this share of the image's", 0.4, (0.05, 0.95)),
    "colorize": Task(colorize, "no colours", grey=True),
    "superres": Task(superres, "scaled down by this factor, and up again (bicubic)", 4.0, (1.5, 16.0)),
    "deblur": Task(deblur, "Gaussian blur of this deviation in pixels", 1.5, (0.3, 20.0)),
    "edges": Task(edges, "edges: Sobel gradients from this share of the largest on", 0.15, (0.01, 1.0), grey=True),
    "invert": Task(invert, "inverted colours"),
}


def parse(name: str) -> tuple[str, float] | None:
    """The task and its strength that "denoise" or "denoise@25" means; None where it is no task.

    Raises:
        DataError: the strength is none, or out of its bounds.
    """
    known, at, given = name.partition("@")
    if known not in TASKS:
        return None
    task = TASKS[known]
    if not at:
        return known, task.strength
    low, high = task.bounds
    if low == high:
        raise DataError(f"{name}: {known} has no strength; write '{known}'")
    try:
        strength = float(given)
    except ValueError:
        strength = math.nan
    if not low <= strength <= high:
        raise DataError(f"{name}: the strength of {known} is a number from {low:g} to {high:g} ({task.summary})")
    return known, strength


@torch.no_grad()
def spoiled(x: Tensor, name: str, strength: float, first: int = 0) -> Tensor:
    """Images (N, C, H, W) uint8, spoiled; `first` is the place of the first among all.

    Returns:
        (N, C', H, W) uint8; C' is 1 where the task gives grey images.
    """
    return spoiled_floats(x.float(), name, strength, first).round().to(torch.uint8)


@torch.no_grad()
def spoiled_floats(x: Tensor, name: str, strength: float, first: int = 0) -> Tensor:
    """As `spoiled`, of floats of 0 to 255, and not rounded at the end."""
    generators = [_generator(name, first + row) for row in range(len(x))]
    return TASKS[name].spoil(x, strength, generators).clamp(0, 255)


def with_task(data: Dataset, name: str, strength: float, as_named: str, progress: Progress | None = None) -> Dataset:
    """The images of `data` as `b`, and spoiled as `a`, which belong together.

    Raises:
        DataError: the data holds no images.
    """
    image, x = _images(data, as_named)
    before = Image(1 if TASKS[name].grey else image.channels, *image.size)
    memory.require(2 * len(x) * math.prod(before.shape), f"{as_named}", "choose a smaller --size")
    made = _in_parts(x, lambda part, first: spoiled(part, name, strength, first), f"making {name} pairs", progress)
    return _pairs(data, as_named, Field(before, made), Field(image, x), f"{name} {strength:g}")


def factor_of(name: str) -> int | None:
    """By how much "shrink" or "shrink@3" shrinks images; None where the name is neither.

    Raises:
        DataError: the factor is none of 2, 3 and 4.
    """
    known, at, given = name.partition("@")
    if known != SHRINK:
        return None
    if not at:
        return FACTOR
    if given not in map(str, FACTORS):
        raise DataError(f"{name}: images are shrunk 2, 3 or 4 times; write {SHRINK}@4")
    return int(given)


def require_multiples(size: tuple[int, int], factor: int) -> None:
    """`DataError` where sides (H, W) that are asked for are no multiples of the factor."""
    if any(side % factor for side in size):
        near = " ".join(str(max(1, round(side / factor)) * factor) for side in size)
        raise DataError(f"images of {size[0]}x{size[1]} pixels cannot be shrunk {factor} times: say --size {near}")


@torch.no_grad()
def with_shrunk(data: Dataset, factor: int, as_named: str, progress: Progress | None = None) -> Dataset:
    """The images of `data` as `b`, cut to multiples of the factor, and shrunk by it as `a` (`util.bicubic`).

    Raises:
        DataError: the data holds no images, or smaller ones than the factor.
    """
    image, x = _images(data, as_named)
    channels, (height, width) = image.channels, (side // factor for side in image.size)
    if min(height, width) < 1:
        raise DataError(f"{as_named}: images of {image.height}x{image.width} pixels cannot be shrunk {factor} times")
    b = x[..., : factor * height, : factor * width]
    # All of the shrunk ones twice, in parts and put together, and a part of the large ones in float64.
    part = CHUNK * 3 * 8 * channels * factor**2 * height * width
    memory.require(2 * len(b) * channels * height * width + part, as_named, "choose a smaller --size")
    made = _in_parts(b, lambda part, _: shrunk_bytes(part, factor), "shrinking images", progress)
    large = Field(Image(channels, factor * height, factor * width), b.contiguous())
    return _pairs(data, as_named, Field(Image(channels, height, width), made), large, f"{SHRINK} {factor}")


def unpaired_task(pairs: Dataset, as_named: str) -> Dataset:
    """Pairs without their bond: `a` of the even rows, and `b` of the odd ones, so that no image is on both sides."""
    if len(pairs) < 2:
        raise DataError(f"{as_named}: one image makes no two collections; give two and more")
    sides = {name: pairs.fields[name] for name in ("a", "b")}
    fields = {
        name: Field(field.modality, field.stored[start::2].contiguous(), name)
        for start, (name, field) in enumerate(sides.items())
    }
    mark = fingerprint_of(f"{pairs.fingerprint} unpaired")
    files = {name: pairs.files[ALL][start::2] for start, name in enumerate(sides)} if pairs.files else {}
    return replace(pairs, name=as_named, fields=fields, fingerprint=mark, files=files)


def _in_parts(x: Tensor, make: Callable[[Tensor, int], Tensor], what: str, progress: Progress | None) -> Tensor:
    """What `make` makes of images x and of the place of the first, CHUNK of them at a time."""
    parts = []
    for start in range(0, len(x), CHUNK):
        parts.append(make(x[start : start + CHUNK], start))
        if progress:
            progress(what, min(start + CHUNK, len(x)), len(x))
    return torch.cat(parts)


def _pairs(data: Dataset, as_named: str, a: Field, b: Field, made_by: str) -> Dataset:
    """`a` and `b`, which are made of the images of `data`."""
    mark = fingerprint_of(f"{data.fingerprint} {made_by}")
    return replace(data, name=as_named, fields={"a": a, "b": b}, fingerprint=mark, chosen="", parts={}, formerly="")


def _images(data: Dataset, as_named: str) -> tuple[Image, Tensor]:
    field = data.fields.get("x")
    if field is None or not isinstance(field.modality, Image) or field.deck != ALL:
        raise DataError(f"{as_named}: a task is made from images, and {data.name} holds {data.modality.plural}")
    return field.modality, field.stored


def _generator(name: str, row: int) -> Generator:
    return torch.Generator().manual_seed((sum(name.encode()) << 32) + row)
