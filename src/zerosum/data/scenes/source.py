"""`scenes:digits` and `scenes:track`: films of scenes, `x`, and what was done in each frame, `actions`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, Field, fingerprint_of
from zerosum.data.images.digits import digits
from zerosum.data.request import Request, split
from zerosum.data.scenes.digits import MovingDigits
from zerosum.data.scenes.scene import Scene
from zerosum.data.scenes.track import Track
from zerosum.modality import Actions, Video

FILMS, LENGTH = 1000, 36  # films, and frames of each: a second and more at the pace of a GIF
HELD_OUT = 10  # of so many digits the first is in no film of the source


def moving_digits(held_out: bool = False) -> MovingDigits:
    """Of the bundled digits, or of those that films of the source do not show; `DataError` where they are missing."""
    images = digits(Request("digits")).x
    return MovingDigits(images[(torch.arange(len(images)) % HELD_OUT == 0) == held_out])


SCENES: dict[str, Callable[[bool], Scene]] = {"digits": moving_digits, "track": lambda held_out: Track()}


def drawn(scene: Scene, films: int, length: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The states (N, S) that films begin with, their frames, uint8 (N, T, C, H, W), and the actions (N, T, K)."""
    generator = torch.Generator().manual_seed(seed)
    state = scene.begin(films, generator)
    actions = scene.driven(state, length, generator)
    return state, scene.film(state, actions), actions


def scenes(request: Request) -> Dataset:
    """Films that are drawn from the seed.

    Raises:
        DataError: there is no such scene, or its digits are missing.
    """
    name = split(request, tuple(SCENES))
    _, frames, actions = drawn(SCENES[name](False), FILMS, LENGTH, request.seed)
    fields = {
        "x": Field(Video(*frames.shape[1:]), frames),
        "actions": Field(Actions(*actions.shape[1:]), actions),
    }
    mark = fingerprint_of(f"scenes:{name} {FILMS} films of {LENGTH} frames, seed {request.seed}")
    return Dataset(request.name, fields, mark)
