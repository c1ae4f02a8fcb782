"""Errors that a user can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZerosumError(Exception):
    """An error whose message a user can act on; the command line prints it as one line and exits with `exit_code`."""

    exit_code = 2


def unknown(kind: str, name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A sentence: "there is no metric 'frechte'; did you mean 'frechet'?"

    Where nothing is near, `otherwise` stands in place of the question; by default all known names.
    """
    names = list(known)
    quote = str if name.startswith("-") else repr  # flags need no quotes
    close = difflib.get_close_matches(name, names, n=1)
    cure = f"did you mean {quote(close[0])}?" if close else otherwise or f"there are {', '.join(names)}"
    return f"there is no {kind} {quote(name)}; {cure}"
