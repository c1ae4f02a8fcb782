"""Two arrays of images, .npy or .npz, as the fields `a` and `b`: `pairs:a.npy,b.npy`, `unpaired:a.npy,b.npy`.

Of pairs, row k of one belongs to row k of the other.
"""

from __future__ import annotations

from dataclasses import replace

from zerosum.data.arrays import SUFFIXES, arrays
from zerosum.data.dataset import ALL, DataError, Dataset, dataset_of
from zerosum.data.request import Request
from zerosum.util.files import named


def of_files(request: Request, *, apart: bool) -> Dataset | None:
    """Both files' samples; None where `request.option` does not name two such files.

    Args:
        apart: each file is a deck of its own.

    Raises:
        DataError: a file cannot be read; a file and a folder are named; pairs have different numbers of samples.
    """
    names = [part for part in request.option.split(",") if part]
    found = [(path := named(name)).is_file() and path.suffix.lower() in SUFFIXES for name in names]
    if len(names) != 2 or not any(found):
        return None
    if not all(found):
        other = names[found.index(False)]
        kind = "is not a file of arrays" if named(other).exists() else "is not there"
        raise DataError(f"{request.name}: {other} {kind}; name two folders of images, or two files, .npy or .npz")
    sides = [arrays(replace(request, name=name, option="")) for name in names]
    counts = [len(side) for side in sides]
    if not apart and counts[0] != counts[1]:
        raise DataError(
            f"{names[0]} has {counts[0]:,} samples and {names[1]} {counts[1]:,}; row k of one belongs to that of the "
            f"other; give files of equally many, or train on them as they are: unpaired:{request.option}"
        )
    fields = {
        name: replace(side.fields["x"], deck=name if apart else ALL) for name, side in zip("ab", sides, strict=True)
    }
    notes = tuple(f"{name}: {note}" for name, side in zip(names, sides, strict=True) for note in side.notes)
    return dataset_of(request.name, fields, (), notes)
