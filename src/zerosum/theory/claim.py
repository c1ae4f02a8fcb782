"""Claims of theory, each with a number that it foretells and a measurement beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Claim(Generic[E]):
    """One sentence of theory that can fail."""

    says: str
    source: str  # the paper, with section, equation or theorem
    theory: float
    measured: Callable[[E], float]
    tolerance: float = 0.0
    relation: Literal["=", "<=", ">="] = "="  # of what is measured to theory, within the tolerance


@dataclass(frozen=True)
class Topic(Generic[E]):
    """Claims that share one experiment, and its pictures."""

    name: str
    about: str
    experiment: Callable[[], E]  # seeded: it finds the same each time, but for rounding
    claims: tuple[Claim[E], ...]
    draw: Callable[[E, Path], list[Path]] = lambda found, folder: []  # writes pictures into a folder

    def check(self, found: E) -> list[Outcome]:
        """What the experiment says about each claim."""
        return [outcome(claim, claim.measured(found)) for claim in self.claims]


@dataclass(frozen=True)
class Outcome:
    """A claim beside its measurement."""

    says: str
    source: str
    relation: str
    theory: float
    measured: float
    tolerance: float
    holds: bool


def outcome(claim: Claim[E], measured: float) -> Outcome:
    """Does the claim hold, if this is measured? Never for NaN."""
    if claim.relation == "=":
        holds = measured == claim.theory or abs(measured - claim.theory) <= claim.tolerance  # inf = inf
    elif claim.relation == "<=":
        holds = measured <= claim.theory + claim.tolerance
    else:
        holds = measured >= claim.theory - claim.tolerance
    return Outcome(claim.says, claim.source, claim.relation, claim.theory, measured, claim.tolerance, holds)
