"""Pictures of samples as z moves: from one point to another, and along each latent code."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from zerosum.latent import Code
from zerosum.pictures.fonts import label_rows
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run
from zerosum.run.sampling import SampleRequest

CATEGORIES = 30  # of a code, drawn at most
FIXED = {
    "classes": ", within a class",
    "vector": ", at one vector",
    "tokens": ", of one text",
}  # of a condition, while z moves


def interpolation(run: Run, seeds: tuple[int, int], real: Tensor | None = None) -> Image.Image:
    """Walks from the samples of one seed to those of another; of points over the real ones, (M, D)."""
    draw, condition = renderer(run.modality), run.condition
    count, steps = draw.walk_size
    caption = draw.walk.format(FIXED[condition.kind] if condition else "")
    return with_caption(draw.walks(run.interpolate(count, steps, seeds), real), caption)


def traversal(
    run: Run, request: SampleRequest, codes: Sequence[str] | None = None, steps: int = 10, real: Tensor | None = None
) -> Image.Image:
    """What each latent code changes, in one picture; see `Run.traverse`.

    Images: a row for each code and each of `request.count` points z, along which the code takes its values. Points: a
    plot for each code over the real ones, (M, D), with a colour for each category, or the path of each z as the number
    goes from -1 to 1.
    """
    truncation, classes = request.truncation, request.classes
    moved = run.traverse(codes, steps, request.seed, request.count, truncation=truncation, classes=classes)
    known = {code.name: code for code in run.codes}
    draw = renderer(run.modality)
    blocks, ranges = [], []
    for name, x in moved.items():  # x: (N, T, *shape)
        number = known[name].size == 1
        blocks.append(draw.walks(x.transpose(0, 1), real) if number else draw.categories(x[:, :CATEGORIES], real))
        ranges.append("-1 to 1" if number else _range(known[name]))
    described = ", ".join(f"{name} from {values}" for name, values in zip(moved, ranges, strict=True))
    names = [f"{name}\n{values}" for name, values in zip(moved, ranges, strict=True)]
    return with_caption(label_rows(blocks, names, gutter=8), draw.code, f"{draw.code}: {described}")


def latents_per_code(run: Run) -> int:
    """How many points z a traversal shows well: 1 of images, more of points."""
    return renderer(run.modality).latents


def _range(code: Code) -> str:
    """The categories drawn, in words."""
    return f"0 to {code.size - 1}" if code.size <= CATEGORIES else f"0 to {CATEGORIES - 1} of {code.size:,}"
