"""BLEU: how many n-grams of a text occur in others; Papineni et al., 2002. Self-BLEU: those others are its like."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, too_few
from zerosum.metrics.n_grams import Text, counts, texts
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import HeldOutTextMetric, TextMetric

SMOOTHED = 0.1  # n-grams that are counted where there are none: method 1 of Chen and Cherry, 2014
ENOUGH = 500  # texts


class References:
    """What texts are compared with: each n-gram counts as often as it occurs in one of them at most.

    Args:
        written: the references.
        most: the longest n-grams.
    """

    def __init__(self, written: Sequence[Text], most: int):
        if not written:
            raise ValueError("BLEU compares with references, and there are none")
        self.most, self.lengths = most, sorted(map(len, written))
        # By n-gram: how often it occurs in the text that has it most often, and in the next one.
        self.highest: dict[Text, tuple[int, int]] = {}
        for text in written:
            for n in range(1, most + 1):
                for gram, count in counts(text, n).items():
                    first, second = self.highest.get(gram, (0, 0))
                    self.highest[gram] = (count, first) if count > first else (first, max(count, second))

    def bleu(self, text: Text, *, is_one: bool = False) -> list[float]:
        """BLEU-1 to BLEU-`most` of one text, in [0, 1], n-grams weighed alike; equation 3 of Papineni et al.

        Args:
            is_one: the text is one of the references itself, and is compared with the others.
        """
        logs, scores = 0.0, []
        penalty = self._brevity_penalty(len(text), is_one)
        for n in range(1, self.most + 1):
            own = counts(text, n)
            matched, total = sum(self._matches(own, is_one)), max(1, own.total())
            if n == 1 and not matched:
                return [0.0] * self.most
            logs += math.log((matched or SMOOTHED) / total)
            scores.append(penalty * math.exp(logs / n))
        return scores

    def _matches(self, own: Counter[Text], is_one: bool) -> list[int]:
        found = []
        for gram, count in own.items():
            first, second = self.highest.get(gram, (0, 0))
            found.append(min(count, second if is_one and count == first else first))
        return found

    def _brevity_penalty(self, length: int, is_one: bool) -> float:
        """exp(1 - r / c) of a text of c tokens that is shorter than the reference nearest in length, of r; else 1."""
        if length == 0:
            return 0.0
        place = bisect.bisect_left(self.lengths, length)
        if is_one and place + 1 < len(self.lengths) and self.lengths[place + 1] == length:
            return 1.0
        shorter = self.lengths[place - 1] if place else None
        after = place + is_one
        longer = self.lengths[after] if after < len(self.lengths) else None
        if shorter is not None and (longer is None or length - shorter <= longer - length):
            return 1.0  # of two that are as near the shorter one counts
        return 1.0 if longer is None else math.exp(1 - longer / length)


@dataclass(frozen=True)
class Bleu(HeldOutTextMetric):
    """How many n-grams of a text occur in real ones, the mean over texts; Papineni et al., 2002.

    The references are held-out texts where there are any, all of them for every text, as papers on GANs of texts have
    it; where no n-gram of a text is in any, 0.1 of one is counted. One valid text, again and again, has a high score:
    see `self-bleu`.
    """

    n: Annotated[int, Gt(1), "longest n-grams"] = 4

    name = "bleu"

    def warnings(self, context: Context) -> list[str]:
        return too_few(context, ENOUGH, "BLEU rises with the number of references")

    def measure(self, context: Context) -> dict[str, Score]:
        references = References(texts(self.tokens(context), self.real(context)), self.n)
        return _scores("BLEU", [references.bleu(text) for text in self.written(context)], "higher")


@dataclass(frozen=True)
class SelfBleu(TextMetric):
    """How many n-grams of a text occur in the other samples, the mean over texts; Zhu et al., 2018 (Texygen).

    1 is one text, again and again. It grows with the number of texts: compare at equal numbers, and with real texts.
    """

    n: Annotated[int, Gt(1), "longest n-grams"] = 4

    name = "self-bleu"

    def measure(self, context: Context) -> dict[str, Score]:
        written = self.written(context)
        references = References(written, self.n)
        return _scores("self-BLEU", [references.bleu(text, is_one=True) for text in written], "none")


def _scores(name: str, values: Sequence[Sequence[float]], better: str) -> dict[str, Score]:
    """The mean of each column of values, (N, n), from 2-grams on."""
    columns = torch.tensor(values, dtype=torch.float64).T[1:]
    scores = {}
    for n, column in enumerate(columns, 2):
        if better == "none":
            score = Score(float(column.mean()), "none", note="no interval: texts are compared with one another")
        else:
            score = Score(
                float(column.mean()), "higher", intervals.of_mean(column, 0.0, 1.0), "Student's t, of the texts"
            )
        scores[f"{name}-{n}"] = score
    return scores
