"""What is other in the data of a run than when it began, in words."""

from __future__ import annotations

from datetime import datetime

from zerosum.data.dataset import DataError, Dataset
from zerosum.data.images.contents import look
from zerosum.data.images.labels import label_files
from zerosum.data.sources import find as find_source
from zerosum.data.sources import from_folder
from zerosum.modality import Classes, Vector
from zerosum.run.record import DataRecord
from zerosum.util.files import named
from zerosum.util.text import composed

NAMES = 3  # of files and classes, at most


def require_same(before: DataRecord, now: Dataset, created: str) -> None:
    """`DataError` that says what has changed, where data is not what a run began with.

    Args:
        now: as its game learns from it.
        created: when the run began, ISO 8601.
    """
    if now.fingerprint == before.fingerprint:
        if wrong := _fields(before, now):
            raise DataError(
                f"cannot go on: the data is the same, and in run.json {'; '.join(wrong)}; undo what was changed there"
            )
        return
    changes = [*_counts(before, now), *_fields(before, now), *_classes(before, now), *_left_out(before, now)]
    if newer := _newer(now.name, created):
        changes.append(f"newer than the run: {_some(newer)}")
    said = "; ".join(changes) or "as many samples and the same classes, with other content or in another order"
    raise DataError(
        f"cannot go on with {now.name}: the data has changed since the run began ({said}); undo this, say where the "
        "old data lies (--data), or start a new run"
    )


def _counts(before: DataRecord, now: Dataset) -> list[str]:
    return [f"{before.count:,} samples then, {len(now):,} now"] if before.count != len(now) else []


def _fields(before: DataRecord, now: Dataset) -> list[str]:
    then, today = before.spec.fields, now.spec.fields
    said = [f"{name} was {then[name]}, and is gone" for name in then if name not in today]
    said += [f"{name} is {today[name]}, and was not there" for name in today if name not in then]
    for name in then.keys() & today.keys():
        if not isinstance(then[name], Classes | Vector) and then[name] != today[name]:
            details = then[name].difference(today[name])
            said.append(f"{name} differs: {details}" if details else f"{name} was {then[name]}, and is {today[name]}")
    return said


def _classes(before: DataRecord, now: Dataset) -> list[str]:
    then = dict(zip(map(composed, before.classes), before.counts, strict=False))
    today = dict(zip(map(composed, now.classes), now.counts, strict=False))
    if not then or not today:
        return []
    gone, new = ([name for name in a if name not in b] for a, b in ((then, today), (today, then)))
    said = [f"classes that are gone: {_some(gone)}"] if gone else []
    said += [f"new classes: {_some(new)}"] if new else []
    moved = [name for name in then if then[name] != today.get(name, then[name])]
    moved = [f"{name} ({then[name]:,} then, {today[name]:,} now)" for name in moved]
    return said + ([f"labelled samples of {_some(moved)}"] if moved else [])


def _left_out(before: DataRecord, now: Dataset) -> list[str]:
    problems = [str(problem) for problem in now.problems]
    new, gone = ([p for p in a if p not in b] for a, b in ((problems, before.problems), (before.problems, problems)))
    said = [f"left out now: {_some(new)}"] if new else []
    return said + ([f"no longer left out: {_some(gone)}"] if gone else [])


def _newer(name: str, created: str) -> list[str]:
    """The images of a folder, and files of labels, that were changed after a run began, in the order of their names."""
    if find_source(name)[0] is not from_folder:
        return []
    began = datetime.fromisoformat(created).timestamp() + 1  # `created` has no fractions
    root = named(name)
    found = [(image.name, image.stat.st_mtime) for image in look(root).used()]
    found += [(path.name, path.stat().st_mtime) for path in label_files(root)]
    return sorted(file for file, changed in found if changed > began)


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
