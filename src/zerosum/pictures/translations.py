"""What a translator makes of samples: below each its translation, and below that what it should have become."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from zerosum.pictures.fonts import label_rows
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run


def translations(run: Run, a: Tensor, b: Tensor | None = None) -> Image.Image:
    """A row of inputs, a row of their translations and, where they are known, a row of their targets.

    Args:
        a: (N, ...) samples to translate, as stored.
        b: (N, ...) what they should become, as stored.
    """
    source, target = run.source, run.modality
    rows = {"input": renderer(source).row(source.load(a)), "output": renderer(target).row(run.translate(a))}
    if b is not None:
        rows["target"] = renderer(target).row(target.load(b))
    last = "an input and its output" if b is None else "an input, its output and its target"
    return with_caption(label_rows(list(rows.values()), list(rows), gutter=8), f"From top to bottom: {last}")
