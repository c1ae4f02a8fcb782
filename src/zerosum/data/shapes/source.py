"""`shapes` and `shapes-zh`: pictures of shapes, `x`, and all that is true of each, `text`."""

from __future__ import annotations

import torch

from zerosum.data.dataset import Dataset, Field, fingerprint_of
from zerosum.data.request import Request, Source, split
from zerosum.data.several import Several
from zerosum.data.shapes.drawing import draw
from zerosum.data.shapes.words import CHINESE, ENGLISH, Language, Scene
from zerosum.data.text.captions import tokens
from zerosum.latent import hashed_seed
from zerosum.modality import Image

SIDE, SIDES = 32, (16, 64)  # pixels of a side, by default, and of the smallest and the largest that are drawn
COUNTS = {"train": 6_000, "test": 1_000}  # pictures


def source(language: Language) -> Source:
    """The source of pictures with captions in a language.

    ":test" are pictures that have a shape in a colour of `words.UNSEEN`, which none to learn from has. Pictures are
    drawn at the size that is asked for, where that is a square of 16 to 64 pixels a side, else at 32.
    """

    def shapes(request: Request) -> Dataset:
        part = split(request, tuple(COUNTS))
        height, width = request.size or (SIDE, SIDE)
        side = height if height == width and SIDES[0] <= height <= SIDES[1] else SIDE
        generator = torch.Generator().manual_seed(hashed_seed(f"shapes {part}", request.seed, 0))
        drawn = draw(COUNTS[part], side, generator, unseen=part == "test")
        image = Image(*drawn.images.shape[1:])
        several = _captions(drawn.scenes, language)
        mark = f"shapes:{part} {COUNTS[part]} pictures of {side} pixels, seed {request.seed}"
        fields = {"x": Field(image, drawn.images), "text": Field(language.kind, several.first, several=several)}
        said = fingerprint_of(f"{mark} {' '.join(language.colours)}")
        return Dataset(request.name, fields, said, uncaptioned=fingerprint_of(mark))

    return shapes


def _captions(scenes: list[Scene], language: Language) -> Several:
    known = {scene: [language.kind.ids(tokens(text)) for text in language.captions(scene)] for scene in set(scenes)}
    values = torch.tensor([ids for scene in scenes for ids in known[scene]])
    return Several(values, torch.tensor([0, *(len(known[scene]) for scene in scenes)]).cumsum(0))


shapes, shapes_zh = source(ENGLISH), source(CHINESE)
