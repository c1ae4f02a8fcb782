"""`sounds:tones` and `sounds:syllables`, which are made by rule, and `sounds:FOLDER`, WAV files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator

from zerosum.data.dataset import DataError, Dataset, Field, fingerprint_of
from zerosum.data.request import Request
from zerosum.data.sounds import syllables, tones, wav
from zerosum.modality import Classes
from zerosum.util.files import named

COUNT = 4_000  # sounds
MADE: dict[str, tuple[Callable[[int, Generator], Any], tuple[str, ...]]] = {  # how they are drawn, and their classes
    "tones": (tones.draw, tones.NAMES),
    "syllables": (syllables.draw, syllables.NAMES),
}


def sounds(request: Request) -> Dataset:
    """Sounds `x`, and their pitches or syllables `y`, drawn from the seed: tones where nothing follows the colon.

    What follows it may be a folder of WAV files, too; one that is called as what is drawn goes by "sounds:./tones".

    Raises:
        DataError: there are no such sounds, or no such folder.
    """
    name = request.option or "tones"
    if name not in MADE:
        if not named(name).is_dir():
            raise DataError(f"there are no sounds '{name}': write sounds:{' or sounds:'.join(MADE)}, or name a folder")
        return wav.folder(request)
    draw, classes = MADE[name]
    x, y = draw(COUNT, torch.Generator().manual_seed(request.seed))
    fields = {"x": Field(tones.SOUND, tones.SOUND.store(x)), "y": Field(Classes(classes), y)}
    mark = fingerprint_of(f"sounds:{name} {COUNT} of {tones.LENGTH} samples, seed {request.seed}")
    return Dataset(request.name, fields, mark)
