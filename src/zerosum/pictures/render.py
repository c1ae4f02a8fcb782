"""How each kind of data is drawn: one table, keyed by modality, the one place where pictures ask what a sample is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image as Picture
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.modality import Behaviour, Binary, Image, Modality, Notes, Points, Sound, Tokens, Video
from zerosum.pictures import piano_rolls
from zerosum.pictures.bit_squares import side_of, squares
from zerosum.pictures.fonts import label_rows
from zerosum.pictures.grids import grid, grid_rows, grid_walks, room_of
from zerosum.pictures.neighbours import neighbours
from zerosum.pictures.scatter import paths, scatter, scatter_groups
from zerosum.pictures.spectrograms import HEIGHT, WIDTH, scale_of, spectrograms, with_scales
from zerosum.pictures.strips import FRAMES, strips
from zerosum.pictures.text_sheet import LINE, sheet
from zerosum.pictures.visits import plane


@dataclass(frozen=True)
class Renderer:
    """Draws samples of one kind of data. The last argument of its functions are real samples (M, *shape) for
    comparison, which only points show.
    """

    picture: Callable[[Tensor, Tensor | None], Picture.Image]  # samples (N, *shape)
    row: Callable[[Tensor], Picture.Image]  # the same, side by side where that can be
    rows: Callable[[Sequence[Tensor], Sequence[str], str, Tensor | None], Picture.Image]  # groups, their names, a note
    walks: Callable[[Tensor, Tensor | None], Picture.Image]  # (T, N, *shape): T steps of N walks
    categories: Callable[[Tensor, Tensor | None], Picture.Image]  # (N, K, *shape): N points z, with K values of a code
    group: str  # caption of `rows`; {} is what they differ in
    walk: str  # caption of `walks`; {} is what stays fixed
    code: str  # caption of a traversal
    walk_size: tuple[int, int]  # walks in a picture, and the steps of each
    latents: int  # points z in a traversal
    count: Callable[[int], int]  # samples in a picture of so many rows
    room: int  # bytes of a picture for each sample in it; 0 where it does not grow with them
    behind: int = 0  # real samples drawn behind them
    nearest: Callable[[Tensor, Tensor], Picture.Image] | None = None  # samples beside real ones, as stored


def _images(image: Image) -> Renderer:
    return Renderer(
        picture=lambda samples, real: grid(samples),
        row=lambda samples: grid(samples, columns=len(samples)),
        rows=lambda groups, names, note, real: grid_rows(groups, names, note=note),
        walks=lambda frames, real: grid_walks(frames),
        categories=lambda values, real: grid_walks(values.transpose(0, 1)),
        group="A row for each {}; within a column z is the same",
        walk="Each row interpolates between two latent points in equal steps{}",
        code="Each row moves one latent code through its values; the rest of z is fixed",
        walk_size=(6, 10),
        latents=1,
        count=lambda rows: rows * 8 * max(1, 8 // rows),
        room=room_of(*image.shape),
        nearest=neighbours,
    )


def _videos(video: Video) -> Renderer:
    return Renderer(
        picture=lambda samples, real: strips(samples),
        row=strips,
        rows=lambda groups, names, note, real: label_rows([strips(group) for group in groups], names, note),
        walks=lambda frames, real: grid_walks(frames[:, :, -1]),
        categories=lambda values, real: grid_walks(values[:, :, -1].transpose(0, 1)),
        group="A block for each {}; in each block z is the same",
        walk="Each row interpolates between two latent points in equal steps{}; of each video the last frame",
        code="Each row moves one latent code through its values; the rest of z is fixed; of each video the last frame",
        walk_size=(6, 10),
        latents=1,
        count=lambda rows: max(8, 2 * rows),
        room=min(FRAMES, video.frames) * room_of(*video.image.shape),
    )


def _sounds(sound: Sound) -> Renderer:
    return _as_images(
        lambda x: spectrograms(x.flatten(0, -3), sound.rate).unflatten(0, x.shape[:-2]),
        lambda samples, real: with_scales(samples, sound),
        f"; spectrograms, {scale_of(sound)}",
        "Each row interpolates",
        10,
        room_of(1, HEIGHT, WIDTH),
    )


def _points(points: Points) -> Renderer:
    return Renderer(
        picture=scatter,
        row=scatter,
        rows=lambda groups, names, note, real: scatter_groups(groups, names, note=note, real=real),
        walks=paths,
        categories=lambda values, real: scatter_groups(
            values.unbind(1), [*map(str, range(values.shape[1]))], real=real
        ),
        group="A colour for each {}",
        walk="Each line interpolates between two latent points{}, with a dot at equal steps",
        code="In each plot one latent code moves through its values; the rest of z is fixed",
        walk_size=(24, 100),
        latents=100,
        count=lambda rows: 2000,
        room=0,
        behind=2000,
    )


def _behaviour(behaviour: Behaviour) -> Renderer:
    """As points of a plane, that of the states."""

    def flat(pairs: Tensor, real: Tensor | None) -> Tensor:
        return plane(behaviour, pairs, real)

    def behind(real: Tensor | None) -> Tensor | None:
        return None if real is None else flat(real, real)

    return replace(
        _points(Points(2)),
        picture=lambda samples, real: scatter(flat(samples, real), behind(real)),
        row=lambda samples: scatter(flat(samples, None)),
        rows=lambda groups, names, note, real: scatter_groups(
            [flat(group, real) for group in groups], names, note=note, real=behind(real)
        ),
        walks=lambda frames, real: paths(flat(frames, real), behind(real)),
        categories=lambda values, real: scatter_groups(
            flat(values, real).unbind(1), [*map(str, range(values.shape[1]))], real=behind(real)
        ),
    )


def _binary(binary: Binary) -> Renderer:
    return _as_images(
        squares,
        lambda samples, real: grid(squares(samples)),
        "; each field is a feature, white where it is there",
        "Each row interpolates",
        10,
        room_of(1, *side_of(binary.dim)),
    )


def _texts(tokens: Tokens) -> Renderer:
    write = tokens.write
    return Renderer(
        picture=lambda samples, real: sheet([write(samples)]),
        row=lambda samples: sheet([write(samples)]),
        rows=lambda groups, names, note, real: sheet([write(group) for group in groups], names, note),
        walks=lambda frames, real: sheet([write(walk) for walk in frames.unbind(1)]),
        categories=lambda values, real: sheet([write(values[0])]),
        group="A block for each {}; in each block z is the same",
        walk="In each block z moves between two latent points in equal steps{}",
        code="In each block one latent code moves through its values; the rest of z is fixed",
        walk_size=(3, 8),
        latents=1,
        count=lambda rows: max(24, 3 * rows),
        room=LINE,
    )


def _melodies(notes: Notes) -> Renderer:
    span = piano_rolls.span(notes.vocabulary)
    return _as_images(
        lambda ids: piano_rolls.rolls(notes.melodies(ids.flatten(0, -2)), span).unflatten(0, ids.shape[:-1]),
        lambda samples, real: piano_rolls.with_scales(notes.melodies(samples), span),
        f"; {piano_rolls.scale_of(span)}",
        "Each row moves",
        6,
        room_of(1, *piano_rolls.size_of(span)),
    )


def _as_images(
    drawn: Callable[[Tensor], Tensor],
    picture: Callable[[Tensor, Tensor | None], Picture.Image],
    scale: str,
    goes: str,
    steps: int,
    room: int,
) -> Renderer:
    """Of samples each of which becomes an image, whose scale the captions tell.

    Args:
        drawn: (..., *shape) to (..., C, H, W).
        goes: how the caption of walks begins.
        steps: of a walk.
    """
    return Renderer(
        picture=picture,
        row=lambda samples: grid(drawn(samples), columns=len(samples)),
        rows=lambda groups, names, note, real: grid_rows([drawn(group) for group in groups], names, note=note),
        walks=lambda frames, real: grid_walks(drawn(frames)),
        categories=lambda values, real: grid_walks(drawn(values).transpose(0, 1)),
        group=f"A row for each {{}}; within a column z is the same{scale}",
        walk=f"{goes} between two latent points in equal steps{{}}{scale}",
        code=f"Each row moves one latent code through its values; the rest of z is fixed{scale}",
        walk_size=(6, steps),
        latents=1,
        count=lambda rows: max(24, 3 * rows),
        room=room,
    )


DRAW: dict[type[Modality], Callable[[Any], Renderer]] = {
    Image: _images,
    Video: _videos,
    Sound: _sounds,
    Points: _points,
    Binary: _binary,
    Behaviour: _behaviour,
    Tokens: _texts,
    Notes: _melodies,
}


def renderer(modality: Modality) -> Renderer:
    """The renderer of one kind of data.

    Raises:
        ZerosumError: there is none.
    """
    if type(modality) not in DRAW:
        raise ZerosumError(f"there are no pictures of {modality.plural}; write samples to a .npz file")
    return DRAW[type(modality)](modality)
