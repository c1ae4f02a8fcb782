"""Samples of a run in one picture, sorted by the class or the vector that was requested."""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from zerosum.modality import Classes, Prompt, Tokens
from zerosum.pictures.fonts import legend
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord
from zerosum.run.sampling import SampleRequest

MOST_ROWS = 20  # classes or vectors in a picture
NUMBERS = 3  # of a vector, in its name
LINE = 20  # letters of a line of a caption beside its row
CALLED = {"classes": "class", "vector": "vector", "tokens": "caption"}
WRITTEN = {"classes": "the names of classes", "vector": "vectors", "tokens": "the captions"}


class Choice(NamedTuple):
    """A class, a vector or a text that samples can be requested of."""

    name: str
    classes: str | None = None
    conditions: tuple[float, ...] | None = None
    texts: str | None = None

    @property
    def line(self) -> str:
        """The name, or the text, in one line."""
        return self.name if self.texts is None else self.texts


def overview(run: Run, request: SampleRequest, real: Tensor | None = None) -> Image.Image:
    """`request.count` samples in one picture: a grid of images, or a scatter plot of points.

    Where the generator takes a class, a vector or a text and the request names none, each has a row (points: a colour),
    and all rows have the same z: down a column, the condition alone changes. Of more than `MOST_ROWS` the first are
    drawn, and the caption says so.

    Args:
        real: (M, D), behind points.
    """
    condition, every, draw = run.condition, choices(run.condition, run.record.data), renderer(run.modality)
    if (
        condition is None
        or not every
        or any(x is not None for x in (request.classes, request.conditions, request.texts))
    ):
        return draw.picture(run.sample(**vars(request)), real)
    shown = every[: min(MOST_ROWS, request.count)]
    columns = math.ceil(request.count / len(shown))
    requests = [replace(request, count=columns, classes=k, conditions=v, texts=t) for _, k, v, t in shown]
    groups = [run.sample(**vars(one)) for one in requests]
    groups = [group[: len(range(i, request.count, len(shown)))] for i, group in enumerate(groups)]  # last column: short
    names, lines = [choice.name for choice in shown], [choice.line for choice in shown]
    note = f"the first {len(shown)} of {len(every):,} {condition.plural}" if len(shown) < len(every) else ""
    caption = draw.group.format(CALLED[condition.kind])
    title = "; ".join(part for part in (caption, note, legend(lines)) if part)
    return with_caption(draw.rows(groups, names, note, real), title, f"{title}: {', '.join(lines)}")


def choices(condition: Prompt | None, data: DataRecord) -> list[Choice]:
    """What samples can be requested of: the classes, some vectors of the data in order, or some of its captions; []
    without a condition.
    """
    if condition is None:
        return []
    if isinstance(condition, Classes):
        return [Choice(" ".join(name.split()), classes=name) for name in data.classes]
    if isinstance(condition, Tokens):
        return [Choice("\n".join(_lines(text, bool(condition.separator))), texts=text) for text in data.captions]
    more = ", ..." if condition.size > NUMBERS else ""
    vectors = sorted(data.vectors)
    return [Choice(", ".join(f"{x:.3g}" for x in vector[:NUMBERS]) + more, conditions=vector) for vector in vectors]


def _lines(text: str, words: bool) -> list[str]:
    """A text as the margin of a picture shows it; characters of languages without spaces are twice as wide."""
    return textwrap.wrap(text, LINE if words else LINE // 2)


def unwritable_names(run: Run) -> str:
    """What an overview shows by number, because no font here can write its name or its words, in a clause; or ""."""
    shown = choices(run.condition, run.record.data)[:MOST_ROWS]
    names = legend([choice.line for choice in shown])
    if run.condition is None or not names:
        return ""
    return f"no font here can write {WRITTEN[run.condition.kind]}; in the picture: {names}"
