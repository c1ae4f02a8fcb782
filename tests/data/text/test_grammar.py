"""The grammar of `sentences`: what it writes it parses, in one way, and what is none it refuses."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.text.grammar import Grammar
from zerosum.data.text.sentences import LONGEST, grammar
from zerosum.errors import ZerosumError

SMALL = Grammar("S = 3 A B | 1 A\nA = 1 x | 1 y\nB = 2 z | 1 and S")


def derivations(own: Grammar, symbol: str, words: tuple[str, ...]) -> int:
    """In how many ways a symbol becomes the words, by trying everything."""
    if symbol not in own.rules:
        return int(words == (symbol,))

    def ways(right: tuple[str, ...], words: tuple[str, ...]) -> int:
        if len(right) == 1:
            return derivations(own, right[0], words)
        ends = range(1, len(words) - len(right) + 2)
        return sum(derivations(own, right[0], words[:k]) * ways(right[1:], words[k:]) for k in ends)

    return sum(ways(production.right, words) for production in own.rules[symbol])


def test_the_probability_of_a_derivation_is_the_product_of_its_productions():
    assert SMALL.derivation(["x"]).log_p == pytest.approx(math.log(1 / 4 * 1 / 2))
    found = SMALL.derivation(["x", "and", "y", "z"])
    assert found.log_p == pytest.approx(math.log(3 / 4 * 1 / 2 * 1 / 3 * 3 / 4 * 1 / 2 * 2 / 3))
    assert Counter(production.symbol for production in found.productions) == {"S": 2, "A": 2, "B": 2}
    assert SMALL.words == ("and", "x", "y", "z") and len(SMALL.productions) == 6


@pytest.mark.parametrize("text", ["", "z", "x x", "x and", "x and y z z", "q", "x z y"])
def test_what_is_no_sentence_has_no_derivation(text: str):
    assert SMALL.derivation(text.split()) is None


def test_sentences_are_drawn_by_their_probability():
    choices, count = random.Random(0), 20_000
    drawn = Counter(" ".join(SMALL.sentence(choices, 4)) for _ in range(count))
    shortest = sum(math.exp(SMALL.derivation(text.split()).log_p) for text in drawn)
    for text, times in drawn.most_common(6):
        assert times / count == pytest.approx(math.exp(SMALL.derivation(text.split()).log_p) / shortest, abs=0.015)
    assert max(len(text.split()) for text in drawn) <= 4


def test_every_sentence_of_the_source_is_valid_and_has_one_derivation():
    loaded = data.load("sentences", seed=3)
    tokens = loaded.spec.texts
    written = tokens.write(loaded.x[:3_000])
    found = [grammar().derivation(text.split()) for text in written]
    assert all(found)
    assert {p for d in found for p in d.productions} == set(grammar().productions)
    assert all(derivations(grammar(), "S", tuple(text.split())) == 1 for text in written[:150])
    assert max(len(text.split()) for text in written) <= LONGEST
    lengths = loaded.fields["lengths"].stored
    assert torch.equal(lengths, tokens.lengths(loaded.x))


@pytest.mark.parametrize(("right", "wrong"), [
    ("the dog that likes bob sleeps", "the dog that likes bob sleep"),
    ("anna and chen sing", "anna and chen sings"),
    ("if the cat waits then some foxes run", "if the cat waits some foxes run"),
    ("most old dogs see a horse", "most dogs see a horse"),
])  # fmt: skip
def test_right_and_wrong_sentences(right: str, wrong: str):
    assert grammar().derivation(right.split()) and not grammar().derivation(wrong.split())


def test_the_seed_draws_the_sentences_and_not_their_vocabulary():
    one, same, other = (data.load("sentences", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.x, same.x) and one.fingerprint == same.fingerprint
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    assert one.modality == other.modality
    with pytest.raises(ZerosumError, match="sentences has no parts"):
        data.load("sentences:test")


def test_a_grammar_reads_only_its_own_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="did you mean 'sentences'"):
        data.load("sentence")
