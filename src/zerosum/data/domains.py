"""Two domains as one set of data: a source whose classes are known, and a target of which nothing is."""

from __future__ import annotations

from torch import Tensor

from zerosum.data.dataset import HINT, DataError, Dataset, Field
from zerosum.data.sides import Two, together
from zerosum.modality import Image

SOURCE, TARGET = "source", "target"  # the decks


def joined(name: str, source: Dataset, target: Dataset) -> Dataset:
    """Images `x` with their classes `y`, of the source, and images `target`, drawn independently of them.

    What the target says of its images is dropped here: no game sees it. Where one domain is grey and the other in
    colour, grey is repeated for red, green and blue.

    Raises:
        DataError: the source has no classes; one of both holds no images, or they are of two sizes, or have an opacity
            on one side alone.
    """
    if source.y is None:
        raise DataError(f"the source, {source.name}, has no classes, which are what is to be learnt; {HINT}")
    for one in (source, target):
        if not isinstance(one.modality, Image):
            raise DataError(f"{one.name} holds {one.modality.plural}, and domains are of images; give images")
    (channels, *size), (others, *other_size) = source.modality.shape, target.modality.shape
    both = f"{source.name} holds {source.modality} and {target.name} {target.modality}"
    if size != other_size:
        raise DataError(f"{both}: bring both domains to one size by --size {' '.join(map(str, size))}")
    if channels != others and {channels, others} != {1, 3}:
        raise DataError(f"{both}: bring both to the same colours, without an opacity, which is what --alpha keep keeps")
    x, of_target = (_coloured(one.x, max(channels, others)) for one in (source, target))
    image = Image(*x.shape[1:])
    fields = {
        "x": Field(image, x, SOURCE),
        "y": Field(source.fields["y"].modality, source.y, SOURCE),
        "target": Field(image, of_target, TARGET),
    }
    return together(name, fields, {SOURCE: source, TARGET: target})


def _coloured(x: Tensor, channels: int) -> Tensor:
    """Images (N, C, H, W) as (N, channels, H, W): grey ones as a view."""
    return x if x.shape[1] == channels else x.expand(-1, channels, -1, -1)


DOMAINS = Two("domains", (SOURCE, TARGET), "two domains", "images with classes, and images of another kind", joined)
