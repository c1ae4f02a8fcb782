"""What tables and JSON that people write have in common: a name may not stand twice in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from zerosum.data.dataset import DataError
from zerosum.util.text import shortened


def require_different(columns: Sequence[str], where: str, what: str = "columns") -> None:
    """`DataError` where two columns of a header have one name; those without a name are passed over."""
    if twice := next((column for column in columns if column and columns.count(column) > 1), None):
        raise DataError(f"{where}: two {what} are called {shortened(twice)}; remove one")


def parsed(text: str, where: str, cure: str) -> Any:
    """JSON in which no name stands twice with different values: of these a reader takes the last.

    Raises:
        DataError: one does; or it is no JSON, and `cure` says what to do.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if repr(found.setdefault(name, value)) != repr(value):  # NaN is not equal to itself
                raise DataError(f"{where}: {shortened(name)} stands there twice, with different values; keep one")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: this is no JSON ({error}); {cure}") from error
