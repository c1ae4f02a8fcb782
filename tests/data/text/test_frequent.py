"""What `zerosum data check` calls the most frequent tokens: those that are, whatever the order of the vocabulary."""

from __future__ import annotations

import pytest

from zerosum.data import load
from zerosum.data.check import texts
from zerosum.modality import Tokens


@pytest.mark.parametrize("name", ["sentences", "melodies"])
def test_the_most_frequent_tokens_are_counted(name: str) -> None:
    data = load(name)
    kind = data.modality
    assert isinstance(kind, Tokens)
    counts = data.x.flatten().bincount(minlength=kind.size)
    first = texts(data)[0]
    shown = first.split("most frequent: ")[1].split()
    numbers = [int(counts[kind.vocabulary.index(token)]) for token in shown]
    others = [int(counts[kind.vocabulary.index(token)]) for token in kind.known if token not in shown]
    assert len(shown) == 10 and numbers == sorted(numbers, reverse=True) and numbers[-1] >= max(others)
