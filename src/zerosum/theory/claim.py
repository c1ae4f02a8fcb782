"""Claims of theory: each predicts a number, which an experiment measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Claim(Generic[E]):
    """One sentence of theory that can fail."""

    statement: str
    source: str  # the paper, with section, equation or theorem
    theory: float
    measured: Callable[[E], float]
    tolerance: float = 0.0
    relation: Literal["=", "<=", ">="] = "="  # of the measured value to `theory`, within the tolerance


@dataclass(frozen=True)
class Topic(Generic[E]):
    """Claims about one experiment, and its pictures."""

    name: str
    about: str
    experiment: Callable[[], E]  # seeded: the same result each time, but for rounding
    claims: tuple[Claim[E], ...]
    draw: Callable[[E, Path], list[Path]] = lambda result, folder: []  # writes pictures into a folder

    def check(self, result: E) -> list[Outcome]:
        """Each claim beside what the experiment measured."""
        return [outcome(claim, claim.measured(result)) for claim in self.claims]


@dataclass(frozen=True)
class Outcome:
    """A claim and its measurement."""

    statement: str
    source: str
    relation: str
    theory: float
    measured: float
    tolerance: float
    holds: bool


def outcome(claim: Claim[E], measured: float) -> Outcome:
    """Whether the claim holds if this is measured; never for NaN."""
    if claim.relation == "=":
        holds = measured == claim.theory or abs(measured - claim.theory) <= claim.tolerance  # inf = inf
    elif claim.relation == "<=":
        holds = measured <= claim.theory + claim.tolerance
    else:
        holds = measured >= claim.theory - claim.tolerance
    return Outcome(claim.statement, claim.source, claim.relation, claim.theory, measured, claim.tolerance, holds)
