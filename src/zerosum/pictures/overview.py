"""Pictures of a run's samples, with what was asked for beside them: a class, a vector, a code of z."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from zerosum.game import Condition
from zerosum.latent import Code
from zerosum.pictures.fonts import legend, named
from zerosum.pictures.gallery import walks
from zerosum.pictures.grids import picture, rows, with_caption
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord

MOST_ROWS, CATEGORIES = 20, 30  # classes or vectors in a picture, and categories of a code
IMAGES, POINTS = 1, 100  # points z, each of which is moved along every code
NUMBERS = 3  # of a vector, in its name
KINDS = (("class", "classes"), ("vector", "vectors"))


class Choice(NamedTuple):
    """What a row of samples is asked to be."""

    name: str
    classes: str | None = None
    conditions: tuple[float, ...] | None = None


def overview(
    run: Run,
    count: int,
    seed: int = 0,
    *,
    truncation: float | None = None,
    classes: int | str | None = None,
    conditions: Sequence[float] | None = None,
    real: Tensor | None = None,
) -> Image.Image:
    """`count` samples in one picture: a grid of images, or a scatter plot of points.

    Where a class or a vector can be asked for and none is, each has a row (points: a colour), and all rows have the
    same z: down a column, only what was asked for changes. More than `MOST` are left out, and the picture says so.

    Args:
        classes, conditions: of all samples, as in `Run.sample`.
        real: (M, D), behind points.
    """
    every = choices(run.game.condition, run.record.data)
    if not every or classes is not None or conditions is not None:
        return picture(run.sample(count, seed, truncation=truncation, classes=classes, conditions=conditions), real)
    shown = every[: min(MOST_ROWS, count)]
    columns = math.ceil(count / len(shown))
    parts = [run.sample(columns, seed, truncation=truncation, classes=k, conditions=v) for _, k, v in shown]
    parts = [part[: len(range(i, count, len(shown)))] for i, part in enumerate(parts)]  # the last column may be short
    names, (kind, kinds) = [one.name for one in shown], KINDS[shown[0].classes is None]
    images = parts[0].dim() == 4
    note = f"the first {len(shown)} of {len(every):,} {kinds}" if len(shown) < len(every) else ""
    how = f"a row for each {kind}, and the same z down each column" if images else f"a colour for each {kind}"
    title = "; ".join(part for part in (how, note, legend(names)) if part)
    return with_caption(rows(parts, names, note=note, real=real), title, f"{title}: {', '.join(names)}")


def choices(condition: Condition | None, data: DataRecord) -> list[Choice]:
    """All that samples can be asked to be: the classes, or some vectors of the data in order; [] where nothing."""
    if condition is None:
        return []
    if condition.kind == "classes":
        return [Choice(" ".join(name.split()), classes=name) for name in data.classes]
    return [Choice(_numbers(vector), conditions=vector) for vector in sorted(data.conditions)]


def unwritable_names(run: Run) -> str:
    """What the numbers in an overview stand for, where no font here can write the names of classes; else ""."""
    return legend([one.name for one in choices(run.game.condition, run.record.data)[:MOST_ROWS]])


def traversal(
    run: Run,
    codes: Sequence[str] | None = None,
    steps: int = 10,
    seed: int = 0,
    lines: int | None = None,
    *,
    truncation: float | None = None,
    classes: int | str | None = None,
    real: Tensor | None = None,
) -> Image.Image:
    """What each code of z changes, in one picture; see `Run.traverse`.

    Images: a row for each code, of `lines` points z (by default one), along which the code takes its values. Points: a
    picture for each code, with a colour for each category, or the path of each z as the number goes from -1 to 1.

    Args:
        real: (M, D), behind points.
    """
    images = len(run.record.data.shape) == 3
    lines = lines if lines is not None else IMAGES if images else POINTS
    moved = run.traverse(codes, steps, seed, lines, truncation=truncation, classes=classes)
    known = {code.name: code for code in run.game.prior.codes}
    blocks = [_block(known[name], x, real) for name, x in moved.items()]
    ranges = [_range(known[name]) for name in moved]
    how = "Each row moves one code of z through its values" if images else "One code of z moves through its values"
    title = f"{how}; the rest of z stays"
    described = ", ".join(f"{name} through {values}" for name, values in zip(moved, ranges, strict=True))
    names = [f"{name}\n{values}" for name, values in zip(moved, ranges, strict=True)]
    return with_caption(named(blocks, names, gutter=8), title, f"{title}: {described}")


def _block(code: Code, x: Tensor, real: Tensor | None) -> Image.Image:
    """Samples (L, T, *shape): a line of images for each z, or points."""
    shown = x if code.size == 1 else x[:, :CATEGORIES]
    if code.size == 1 or x.dim() > 3:
        return walks(shown.transpose(0, 1), real)
    return rows(shown.unbind(1), [str(i) for i in range(shown.shape[1])], real=real)


def _range(code: Code) -> str:
    if code.size == 1:
        return "-1 to 1"
    return f"0 to {code.size - 1}" if code.size <= CATEGORIES else f"0 to {CATEGORIES - 1} of {code.size:,}"


def _numbers(vector: Sequence[float]) -> str:
    more = ", ..." if len(vector) > NUMBERS else ""
    return ", ".join(f"{x:.3g}" for x in vector[:NUMBERS]) + more
