"""Samples of a run in one picture, sorted by the class or the vector that was requested."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from zerosum.modality import Classes, Condition
from zerosum.pictures.fonts import legend
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord
from zerosum.run.sampling import SampleRequest

MOST_ROWS = 20  # classes or vectors in a picture
NUMBERS = 3  # of a vector, in its name


class Choice(NamedTuple):
    """A class or a vector that samples can be requested of."""

    name: str
    classes: str | None = None
    conditions: tuple[float, ...] | None = None


def overview(run: Run, request: SampleRequest, real: Tensor | None = None) -> Image.Image:
    """`request.count` samples in one picture: a grid of images, or a scatter plot of points.

    Where the generator takes a class or a vector and the request names none, each has a row (points: a colour), and all
    rows have the same z: down a column, the condition alone changes. Of more than `MOST_ROWS` the first are drawn, and
    the caption says so.

    Args:
        real: (M, D), behind points.
    """
    condition, every, draw = run.condition, choices(run.condition, run.record.data), renderer(run.modality)
    if condition is None or not every or request.classes is not None or request.conditions is not None:
        return draw.picture(run.sample(**vars(request)), real)
    shown = every[: min(MOST_ROWS, request.count)]
    columns = math.ceil(request.count / len(shown))
    requests = [replace(request, count=columns, classes=k, conditions=v) for _, k, v in shown]
    groups = [run.sample(**vars(one)) for one in requests]
    groups = [group[: len(range(i, request.count, len(shown)))] for i, group in enumerate(groups)]  # last column: short
    names = [choice.name for choice in shown]
    note = f"the first {len(shown)} of {len(every):,} {condition.plural}" if len(shown) < len(every) else ""
    caption = draw.group.format("class" if isinstance(condition, Classes) else "vector")
    title = "; ".join(part for part in (caption, note, legend(names)) if part)
    return with_caption(draw.rows(groups, names, note, real), title, f"{title}: {', '.join(names)}")


def choices(condition: Condition | None, data: DataRecord) -> list[Choice]:
    """What samples can be requested of: the classes, or some vectors of the data in order; [] without a condition."""
    if condition is None:
        return []
    if isinstance(condition, Classes):
        return [Choice(" ".join(name.split()), classes=name) for name in data.classes]
    more = ", ..." if condition.size > NUMBERS else ""
    vectors = sorted(data.vectors)
    return [Choice(", ".join(f"{x:.3g}" for x in vector[:NUMBERS]) + more, conditions=vector) for vector in vectors]


def unwritable_names(run: Run) -> str:
    """The classes that an overview shows by number, because no font here can write their names: `3: ...`, or ""."""
    return legend([choice.name for choice in choices(run.condition, run.record.data)[:MOST_ROWS]])
