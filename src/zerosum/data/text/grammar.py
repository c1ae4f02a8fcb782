"""Probabilistic context-free grammars: sentences by rule, and an exact check of others'.

Rajeswar et al., 2017 (Adversarial generation of natural language), section 4.1, measure GANs of texts so.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

# Number agrees through relative clauses, so that counts of neighbours are not enough. No sentence has two derivations.
ENGLISH = """
S    = 8 C | 1 if C then C
C    = 5 NP1 VP1 | 4 NP2 VP2
NP1  = 5 the N1 | 3 the ADJ N1 | 3 every N1 | 3 NAME | 1 the N1 that VP1
NP2  = 5 the N2 | 3 most ADJ N2 | 3 some N2 | 1 NAME and NAME | 1 the N2 that VP2
VP1  = 3 VI1 | 4 VT1 OBJ | 2 never VI1 | 1 VI1 ADV
VP2  = 3 VI2 | 4 VT2 OBJ | 2 never VI2 | 1 VI2 ADV
OBJ  = 3 a N1 | 2 NAME | 2 the ADJ N2 | 1 two N2
N1   = 4 dog | 4 cat | 3 girl | 3 sailor | 2 fox | 2 horse | 1 wizard
N2   = 4 dogs | 4 cats | 3 girls | 3 sailors | 2 foxes | 2 horses | 1 wizards
ADJ  = 4 small | 3 old | 3 green | 2 hungry | 2 quiet | 1 clever
NAME = 3 anna | 3 bob | 2 chen | 1 dora
VI1  = 4 sleeps | 3 sings | 3 runs | 2 waits | 1 laughs
VI2  = 4 sleep | 3 sing | 3 run | 2 wait | 1 laugh
VT1  = 4 sees | 3 likes | 3 follows | 2 fears | 1 paints
VT2  = 4 see | 3 like | 3 follow | 2 fear | 1 paint
ADV  = 3 slowly | 2 today | 1 outside
"""


class Production(NamedTuple):
    """A rule: a symbol becomes symbols and words."""

    symbol: str
    right: tuple[str, ...]


@dataclass(frozen=True)
class Derivation:
    """How a sentence is derived from the first symbol."""

    productions: tuple[Production, ...]
    log_p: float  # of these productions, in nats


Found = tuple[float, tuple[Production, ...]]  # the log probability of a derivation, and its productions


Rules = Mapping[str, Mapping[Production, float]]  # by symbol: its productions, each with its weight


def parsed(rules: str) -> dict[str, dict[Production, float]]:
    """Rules in lines such as "S = 3 NP VP | 1 VP": alternatives, each with its weight. A line of "| 2 VP" goes on."""
    found = {}
    for line in re.sub(r"\n\s*\|", " |", rules.strip()).splitlines():
        symbol, _, right = line.partition("=")
        alternatives = [part.split() for part in right.split("|")]
        found[symbol.strip()] = {
            Production(symbol.strip(), tuple(words)): float(weight) for weight, *words in alternatives
        }
    return found


class Grammar:
    """A grammar of rules, in lines as `parsed` reads them, or read already; what has no rule is a word.

    No symbol may begin with itself, by whatever way.

    Args:
        start: the symbol that a sentence is derived from; by default the first.
    """

    def __init__(self, rules: str | Rules, start: str | None = None):
        self.rules: dict[str, dict[Production, float]] = {}  # by symbol: the probability of each of its productions
        for symbol, alternatives in (parsed(rules) if isinstance(rules, str) else rules).items():
            total = sum(alternatives.values())
            self.rules[symbol] = {production: weight / total for production, weight in alternatives.items()}
        self.start = start or next(iter(self.rules))

    @cached_property
    def productions(self) -> tuple[Production, ...]:
        return tuple(production for of_symbol in self.rules.values() for production in of_symbol)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in order of spelling."""
        found = itertools.chain.from_iterable(production.right for production in self.productions)
        return tuple(sorted({word for word in found if word not in self.rules}))

    def sentence(self, choices: random.Random, most: int) -> list[str]:
        """One sentence of at most `most` words, drawn by the productions' probabilities."""
        while len(words := self._expand(self.start, choices)) > most:
            pass
        return words

    def _expand(self, symbol: str, choices: random.Random) -> list[str]:
        if symbol not in self.rules:
            return [symbol]
        right, sums = self._sums[symbol]
        chosen = right[bisect.bisect_right(sums, choices.random() * sums[-1])]
        return [word for part in chosen for word in self._expand(part, choices)]

    @cached_property
    def _sums(self) -> Mapping[str, tuple[list[tuple[str, ...]], list[float]]]:
        return {
            symbol: ([production.right for production in of], list(itertools.accumulate(of.values())))
            for symbol, of in self.rules.items()
        }

    def derivation(self, words: Sequence[str]) -> Derivation | None:
        """The likeliest derivation of a sentence; None of what is none."""
        found = self._spans(self.start, 0, tuple(words), {}).get(len(words))
        return None if found is None else Derivation(found[1], found[0])

    def _spans(
        self, symbol: str, start: int, words: tuple[str, ...], known: dict[tuple[str, int], dict[int, Found]]
    ) -> dict[int, Found]:
        """By the place where it ends: how a symbol can be what stands in `words` from `start` on."""
        if symbol not in self.rules:
            return {start + 1: (0.0, ())} if words[start : start + 1] == (symbol,) else {}
        if (symbol, start) in known:
            return known[symbol, start]
        best: dict[int, Found] = {}
        for production, p in self.rules[symbol].items():
            ends: dict[int, Found] = {start: (math.log(p), (production,))}
            for part in production.right:
                after: dict[int, Found] = {}
                for end, (log_p, used) in ends.items():
                    for further, (more, others) in self._spans(part, end, words, known).items():
                        if further not in after or log_p + more > after[further][0]:
                            after[further] = log_p + more, used + others
                ends = after
            for end, (log_p, used) in ends.items():
                if end not in best or log_p > best[end][0]:
                    best[end] = log_p, used
        known[symbol, start] = best
        return best
