"""Distinct-n: how varied the words of texts are."""

from __future__ import annotations

from dataclasses import dataclass

from zerosum.metrics.metric import Context
from zerosum.metrics.n_grams import distinct
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import TextMetric


@dataclass(frozen=True)
class DistinctN(TextMetric):
    """Distinct n-grams over all n-grams, of one and of two tokens; Li et al., 2016.

    It falls with the number of texts: compare at equal numbers, and with real texts.
    """

    name = "distinct-n"

    def measure(self, context: Context) -> dict[str, Score]:
        written = self.written(context)
        note = "no interval: a ratio of counts"
        return {f"distinct-{n}": Score(distinct(written, n), "none", note=note) for n in (1, 2)}
