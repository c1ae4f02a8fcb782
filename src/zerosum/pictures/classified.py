"""What a classifier takes samples for, in rows."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from zerosum.pictures.overview import MOST_ROWS
from zerosum.pictures.png import with_caption
from zerosum.pictures.render import renderer
from zerosum.run.loaded import Run

SHOWN = 200  # samples that are classified for a picture
COLUMNS = 12


def classified(run: Run, x: Tensor) -> Image.Image:
    """A row for each class that some samples are taken for, with the first of them.

    Args:
        x: (N, *shape) samples as stored, the first `SHOWN` of which are looked at.
    """
    few = x[:SHOWN]
    taken, names, real = run.classify(few).argmax(1), run.record.data.classes, run.modality.load(few)
    groups = {names[k]: real[taken == k][:COLUMNS] for k in taken.unique().tolist()[:MOST_ROWS]}
    picture = renderer(run.modality).rows([*groups.values()], [*groups], "", None)
    return with_caption(picture, "A row for each class, with samples that are taken for it")
