"""Two folders of images, or one of files that hold both images side by side, as the fields `a` and `b`.

`pairs:A,B` are two folders with equal names, `unpaired:A,B` two that have nothing to do with each other, row by row;
`pairs:FOLDER` and `unpaired:FOLDER` have them as the sub-folders a and b (or A and B, trainA and trainB), and
`side-by-side:FOLDER` holds pictures whose left half is a, whose right half is b. Two files of arrays: `files.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from zerosum.data.dataset import ALL, DataError, Dataset, Field, Problem, dataset_of
from zerosum.data.images.decode import Probe, probe_all
from zerosum.data.images.folder import DEFAULT, LARGEST, Listing, layout, listing, packed
from zerosum.data.images.pack import Pack
from zerosum.data.pairs.files import of_files
from zerosum.data.request import Request
from zerosum.modality import Image
from zerosum.util.files import named
from zerosum.util.text import without_ending

SIDES = (("a", "b"), ("A", "B"), ("trainA", "trainB"))  # names of the two sub-folders


def paired(request: Request) -> Dataset:
    """The images of two folders that have one name, whatever its ending, in the order of their names; or two arrays.

    Those of unequal form are left out: scaled to one form they would be cropped apart.

    Raises:
        DataError: a folder cannot be read, no name is in both, or no pair is of one form.
    """
    if (arrays := of_files(request, apart=False)) is not None:
        return arrays
    sides, sizes, packs = _read(request)
    rows = [_by_stem(side, pack) for side, pack in zip(sides, packs, strict=True)]
    common = sorted(rows[0].keys() & rows[1].keys())
    if not common:
        raise DataError(
            f"no image of {sides[0].root} has the name of one of {sides[1].root}; give both images of a pair one name, "
            f"or train on them as they are: unpaired:{request.option}"
        )
    broken = [{without_ending(problem.path) for problem in pack.problems} for pack in packs]
    alone = []
    for own, other in ((0, 1), (1, 0)):
        for file in packs[own].names:
            if without_ending(file) not in rows[other]:
                unreadable, root = without_ending(file) in broken[other], sides[other].root
                reason = (
                    f"its partner in {root} cannot be read"
                    if unreadable
                    else f"there is no image of this name in {root}"
                )
                alone.append(Problem(f"{'ab'[own]}/{file}", reason))
    unequal = []
    for name in common:
        files = [pack.files[own[name]] for pack, own in zip(packs, rows, strict=True)]
        of_a, of_b = sizes[0][files[0]], sizes[1][files[1]]
        if not _of_one_form(of_a, of_b):
            reason = f"it has {of_a[0]}x{of_a[1]} pixels and its partner {of_b[0]}x{of_b[1]}; crop both alike"
            unequal.append((name, Problem(f"a/{files[0]}", reason)))
    if len(unequal) == len(common):
        raise DataError(f"no pair of {request.name} is of one form; {unequal[0][1]}")
    common = sorted(set(common) - {name for name, _ in unequal})
    alone += [problem for _, problem in unequal]
    chosen = [_rows(pack.x, [own[name] for name in common]) for pack, own in zip(packs, rows, strict=True)]
    fields = {name: Field(Image(*x.shape[1:]), x) for name, x in zip("ab", chosen, strict=True)}
    shared = {ALL: tuple(packs[0].files[rows[0][name]] for name in common)}
    return dataset_of(request.name, fields, _problems(sides, packs) + tuple(alone), _notes(sides, packs), shared)


def unpaired(request: Request) -> Dataset:
    """All images of two folders, or of two arrays, each a deck of its own.

    Raises:
        DataError: one of them cannot be read, or holds no image.
    """
    if (arrays := of_files(request, apart=True)) is not None:
        return arrays
    sides, _, packs = _read(request)
    fields = {name: Field(Image(*p.x.shape[1:]), p.x, name) for name, p in zip("ab", packs, strict=True)}
    files = {name: pack.files for name, pack in zip("ab", packs, strict=True)}
    return dataset_of(request.name, fields, _problems(sides, packs), _notes(sides, packs), files)


def side_by_side(request: Request) -> Dataset:
    """Images whose left halves are `a` and whose right halves are `b`; `request.size` is that of a half.

    Raises:
        DataError: the folder cannot be read, or holds no image.
    """
    if not request.option:
        raise DataError("name the folder: side-by-side:FOLDER")
    root = named(request.option)
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; check the spelling")
    found = listing(root)
    height, width = request.size or _half(found)
    pack = packed(found, (height, 2 * width), request.progress, halves=True, reading=request.reading)
    halves = {"a": pack.x[..., :width], "b": pack.x[..., width:]}
    fields = {name: Field(Image(*x.shape[1:]), x.contiguous()) for name, x in halves.items()}
    notes = (*found.notes, *pack.notes)
    return dataset_of(request.name, fields, found.problems + pack.problems, notes, {ALL: pack.files})


def folders(option: str, name: str) -> list[Path]:
    """The folders that `pairs:A,B`, or `pairs:FOLDER` with sub-folders, means; `DataError` where they are not two."""
    whole = named(option)
    if option and whole.is_dir():
        for sides in SIDES:
            if all((whole / side).is_dir() for side in sides):
                return [whole / side for side in sides]
        raise DataError(f"{whole} has no sub-folders a and b; name the two folders: {name.partition(':')[0]}:A,B")
    roots = [named(part) for part in option.split(",") if part]
    if len(roots) != 2:
        raise DataError(f"{name}: name two folders, as {name.partition(':')[0]}:A,B, or one that holds them as a and b")
    for root in roots:
        if not root.is_dir():
            raise DataError(f"there is no folder {root}; check the spelling")
    return roots


def _read(request: Request) -> tuple[list[Listing], list[dict[str, tuple[int, int]]], list[Pack]]:
    """Both folders, the (H, W) of their files as stored, and their images at one size."""
    sides = [listing(root) for root in folders(request.option, request.name)]
    probes = [
        {item.path: p for item, p in zip(side.items, probe_all(side.items), strict=True) if isinstance(p, Probe)}
        for side in sides
    ]
    size = request.size or layout([probe for side in probes for probe in side.values()], None)[1]
    sizes = [{file: (probe.height, probe.width) for file, probe in side.items()} for side in probes]
    return sides, sizes, [packed(side, size, request.progress, reading=request.reading) for side in sides]


def _of_one_form(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one (H, W) is the other scaled and rounded, so that both are cropped alike."""
    return 2 * abs(one[0] * other[1] - one[1] * other[0]) <= max(sum(one), sum(other))


def _half(found: Listing) -> tuple[int, int]:
    """(H, W) of a half, where all files have one size that is not too large."""
    sizes = {(p.height, p.width // 2) for p in probe_all(found.items) if isinstance(p, Probe)}
    common = sizes.pop() if len(sizes) == 1 else DEFAULT
    return common if max(common) <= LARGEST and min(common) > 0 else DEFAULT


def _rows(x: Tensor, rows: list[int]) -> Tensor:
    """Those rows; where they are all of them in their order, what is memory-mapped stays so."""
    return x if rows == list(range(len(x))) else x[rows]


def _problems(sides: Sequence[Listing], packs: Sequence[Pack]) -> tuple[Problem, ...]:
    """Those of both folders, with the side in their paths."""
    return tuple(
        Problem(f"{name}/{problem.path}", problem.reason)
        for name, side, pack in zip("ab", sides, packs, strict=True)
        for problem in side.problems + pack.problems
    )


def _notes(sides: Sequence[Listing], packs: Sequence[Pack]) -> tuple[str, ...]:
    """Those of both folders, and on their files, with the side; and that they are one folder, if they are."""
    both = zip("ab", sides, packs, strict=True)
    notes = tuple(f"{name}: {note}" for name, side, pack in both for note in (*side.notes, *pack.notes))
    if len({side.root.resolve() for side in sides}) > 1:
        return notes
    return (f"{sides[0].root} is given twice, as a and as b: there is nothing to learn but copying", *notes)


def _by_stem(side: Listing, pack: Pack) -> dict[str, int]:
    """The row of each image by its name, without its ending; `DataError` where two have one name."""
    rows: dict[str, int] = {}
    names = pack.names
    for row, name in enumerate(names):
        first = rows.setdefault(without_ending(name), row)
        if first != row:
            raise DataError(f"{side.root} has both {names[first]} and {name}; keep one of them in each pair")
    return rows
