"""What a translator makes of samples: each beside its translation, and beside what it should have become."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from zerosum.pictures.fonts import label_rows
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run


def translations(run: Run, a: Tensor, b: Tensor | None = None) -> Image.Image:
    """Rows of samples, their translations and, where they are known, their partners.

    Args:
        a: (N, ...) samples to translate, as stored.
        b: (N, ...) their partners, as stored.
    """
    source, target = run.source, run.modality
    rows = [renderer(source).picture(source.load(a), None), renderer(target).picture(run.translate(a), None)]
    names = ["a", "translation"]
    if b is not None:
        rows, names = [*rows, renderer(target).picture(target.load(b), None)], [*names, "b"]
    return with_caption(
        label_rows(rows, names, gutter=8), f"Samples and their translations{', b' if b is not None else ''}"
    )
