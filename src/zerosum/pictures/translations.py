"""What a translator makes of samples: below each its translation, and below that what it should have become."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from zerosum.pictures.fonts import label_rows
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.roles import Attacks, has_role, in_role
from zerosum.run.loaded import Run


def translations(run: Run, a: Tensor, b: Tensor | None = None) -> Image.Image:
    """A row of inputs, a row of their translations and, where they are known, a row of their targets.

    Where a classifier is attacked, a row of the changes is between the two, over the largest that there may be, and
    below all is what the classifier says of both.

    Args:
        a: (N, ...) samples to translate, as stored.
        b: (N, ...) what they should become, as stored.
    """
    if has_role(run.game, Attacks):
        return _attacked(run, a)
    source, target = run.source, run.modality
    rows = {"input": renderer(source).row(source.load(a)), "output": renderer(target).row(run.translate(a))}
    if b is not None:
        rows["target"] = renderer(target).row(target.load(b))
    last = "an input and its output" if b is None else "an input, its output and its target"
    return with_caption(label_rows(list(rows.values()), list(rows), gutter=8), f"From top to bottom: {last}")


def _attacked(run: Run, a: Tensor) -> Image.Image:
    kind, epsilon, names = run.modality, in_role(run.game, Attacks).epsilon, run.record.data.classes
    x, changed = kind.load(a), run.translate(a)
    rows = {"input": x, "change": (changed - x) / epsilon, "output": changed}
    said = [", ".join(names[k] for k in run.classify(seen).argmax(1).tolist()) for seen in (x, changed)]
    note = f"taken for {said[0]}\nwith the change for {said[1]}"
    pictures = [renderer(kind).row(row) for row in rows.values()]
    title = "From top to bottom: an input, its change and its output"
    return with_caption(label_rows(pictures, list(rows), note, gutter=8), title, "; ".join([title, *note.splitlines()]))
