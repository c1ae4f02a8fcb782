"""JSON with a format number: older documents are brought to the newest format, newer ones refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

Document = dict[str, Any]
Migrations = Mapping[int, Callable[[Document], Document]]  # format n -> a function to format n + 1


class NewerFormatError(ValueError):
    """A document of a format that this version does not know; the message goes on after the name of its file."""


def newest(migrations: Migrations) -> int:
    """The format that the last migration leads to."""
    return max(migrations, default=0) + 1


def upgrade(document: Any, migrations: Migrations) -> Document:
    """The fields of parsed JSON in the newest format, without the format number.

    Raises:
        NewerFormatError: it was written by a newer version.
        ValueError: it is no object with a format number, or lacks what a migration needs.
    """
    number = document.get("format") if isinstance(document, dict) else None
    if type(number) is not int or number < 1:
        raise ValueError("it has no format number")
    if number > newest(migrations):
        raise NewerFormatError(
            f"was written by a newer zerosum (format {number}, this one reads up to {newest(migrations)}); "
            "update zerosum"
        )
    for old in range(number, newest(migrations)):
        try:
            document = migrations[old](document)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it does not fit format {old}: {type(error).__name__}: {error}") from error
    return {name: value for name, value in document.items() if name != "format"}


def rename(tree: Document, names: Mapping[str, str]) -> Document:
    """A copy of nested `tree` with fields under other names; all move at once, so that two may swap places.

    Args:
        names: old to new dotted names: "config.clusters.sure"; what is not there is left out.
    """
    copy = deepcopy(tree)
    moved = {new: value for old, new in names.items() for value in _pop(copy, old.split("."))}
    for name, value in moved.items():
        *parents, last = name.split(".")
        place = copy
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return copy


def _pop(tree: Any, path: list[str]) -> list[Any]:
    """Remove the value at `path`, and parents that held nothing else: [value], or [] where there is none."""
    name, *rest = path
    if not isinstance(tree, dict) or name not in tree:
        return []
    if not rest:
        return [tree.pop(name)]
    found = _pop(tree[name], rest)
    if found and not tree[name]:
        del tree[name]
    return found
