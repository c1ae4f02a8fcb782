"""How each kind of data is drawn: the one place where pictures ask what a sample is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from zerosum.game import Shape
from zerosum.pictures.grids import grid, grid_rows, grid_walks
from zerosum.pictures.scatter import paths, scatter, scatter_groups

Groups = Callable[[Sequence[Tensor], Sequence[str], str, Tensor | None], Image.Image]


@dataclass(frozen=True)
class Renderer:
    """Draws samples of one kind of data. The last argument of its functions are real samples (M, *shape) for
    comparison, which images ignore.
    """

    picture: Callable[[Tensor, Tensor | None], Image.Image]  # samples (N, *shape)
    rows: Groups  # groups of samples, (N, *shape) each, with their names and a note
    walks: Callable[[Tensor, Tensor | None], Image.Image]  # (T, N, *shape): T steps of N walks
    categories: Callable[[Tensor, Tensor | None], Image.Image]  # (N, K, *shape): N points z, with K values of a code
    group: str  # caption of `rows`; {} is what they differ in
    walk: str  # caption of `walks`; {} is what stays fixed
    code: str  # caption of a traversal
    walk_size: tuple[int, int]  # walks in a picture, and the steps of each
    latents: int  # points z in a traversal


IMAGES = Renderer(
    picture=lambda samples, real: grid(samples),
    rows=lambda groups, names, note, real: grid_rows(groups, names, note=note),
    walks=lambda frames, real: grid_walks(frames),
    categories=lambda values, real: grid_walks(values.transpose(0, 1)),
    group="A row for each {}; within a column z is the same",
    walk="Each row interpolates between two latent points in equal steps{}",
    code="Each row moves one latent code through its values; the rest of z is fixed",
    walk_size=(6, 10),
    latents=1,
)
POINTS = Renderer(
    picture=scatter,
    rows=lambda groups, names, note, real: scatter_groups(groups, names, note=note, real=real),
    walks=paths,
    categories=lambda values, real: scatter_groups(
        values.unbind(1), [str(i) for i in range(values.shape[1])], real=real
    ),
    group="A colour for each {}",
    walk="Each line interpolates between two latent points{}, with a dot at equal steps",
    code="In each plot one latent code moves through its values; the rest of z is fixed",
    walk_size=(24, 100),
    latents=100,
)


def renderer(shape: Shape) -> Renderer:
    """The renderer for samples of this shape."""
    return IMAGES if len(shape) == 3 else POINTS
