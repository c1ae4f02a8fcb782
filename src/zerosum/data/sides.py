"""Two sets as one: "domains:SOURCE,TARGET" and its like, whose sides are named, and read each as it is alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zerosum.data.dataset import ALL, DataError, Dataset, Field, Problem, dataset_of


@dataclass(frozen=True)
class Two:
    """A form of data of two sides."""

    prefix: str  # before the colon
    sides: tuple[str, str]  # what each is called; their decks
    called: str  # both, in words
    meaning: str  # what each is to hold
    joined: Callable[[str, Dataset, Dataset], Dataset]  # of a name and both

    @property
    def example(self) -> str:
        """How it is written."""
        return f"{self.prefix}:{','.join(self.sides).upper()}"

    def names(self, option: str) -> tuple[str, str]:
        """The names of both, of what follows the colon; `DataError` where they are not two."""
        parts = [part for part in option.split(",") if part]
        if len(parts) != 2:
            raise DataError(f"{self.prefix}:{option}: name {self.called}, as {self.example}: {self.meaning}")
        return parts[0], parts[1]


def together(name: str, fields: Mapping[str, Field], sides: Mapping[str, Dataset]) -> Dataset:
    """These fields, with the problems, notes and files of both sides."""
    problems = tuple(Problem(f"{side}/{p.path}", p.reason) for side, own in sides.items() for p in own.problems)
    notes = tuple(f"{side}: {note}" for side, own in sides.items() for note in own.notes)
    files = {side: own.files[ALL] for side, own in sides.items() if ALL in own.files}
    return dataset_of(name, fields, problems, notes, files)
