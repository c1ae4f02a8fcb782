"""What a rule is, and how it says that a game does not keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zerosum.contract.case import Case


class Broken(Exception):
    """A game does not keep a rule: what was found, and the cure."""

    def __init__(self, found: str, cure: str):
        self.found, self.cure = found, cure
        super().__init__(f"{found}; {cure}")


class DoesNotApply(Exception):
    """There is nothing in a game that a rule could be asked of; the message says why."""


@dataclass(frozen=True)
class Rule:
    """One promise of every game."""

    name: str
    promise: str
    check: Callable[[Case], None]
