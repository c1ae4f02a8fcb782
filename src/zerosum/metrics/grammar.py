"""How many texts are sentences of the grammar that the data was drawn from, and how much of it they use."""

from __future__ import annotations

from dataclasses import dataclass

from zerosum.data.text.grammar import Grammar
from zerosum.data.text.sentences import grammar_of
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context
from zerosum.metrics.n_grams import Text
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import TextMetric
from zerosum.modality import Tokens


@dataclass(frozen=True)
class Grammatical(TextMetric):
    """Valid sentences, by an exact parser, and productions that these use; Rajeswar et al., 2017, section 4.1.

    `valid` alone is high for one sentence, again and again; `coverage` counts productions, `likelihood` is the
    grammar's own log probability of the valid sentences, in nats a word, which should be near that of real ones.
    """

    name = "grammar"

    def why_not(self, context: Context) -> str:
        return "" if grammar_of(context.data.name) else "it needs texts of a known grammar: sentences"

    def measure(self, context: Context) -> dict[str, Score]:
        grammar = grammar_of(context.data.name)
        assert grammar is not None
        return scores_of(grammar, self.tokens(context), self.written(context))


def scores_of(grammar: Grammar, tokens: Tokens, written: list[Text]) -> dict[str, Score]:
    """Of texts, as ids."""
    known = {text: grammar.derivation([tokens.vocabulary[i] for i in text]) for text in set(written)}
    found = [(len(text), derivation) for text in written if (derivation := known[text]) is not None]
    share, used = len(found) / len(written), {production for _, d in found for production in d.productions}
    scores = {
        "valid": Score(share, "higher", intervals.of_share(share, len(written)), "binomial"),
        "coverage": Score(
            len(used) / len(grammar.productions), "higher", note=f"of {len(grammar.productions)}; no interval: a count"
        ),
    }
    if found:
        mean = sum(d.log_p for _, d in found) / sum(length for length, _ in found)
        scores["likelihood"] = Score(mean, "none", note="no interval: of the valid sentences alone")
    return scores
