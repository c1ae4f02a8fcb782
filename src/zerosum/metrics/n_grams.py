"""N-grams of texts: what BLEU, self-BLEU and distinct-n count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from torch import Tensor

from zerosum.modality import Tokens

Text = tuple[int, ...]  # the ids of a text, without <eos>


def texts(tokens: Tokens, ids: Tensor) -> list[Text]:
    """The texts of ids (N, length), each up to its `<eos>`."""
    lengths = tokens.lengths(ids).tolist()
    return [tuple(row[:length]) for row, length in zip(ids.tolist(), lengths, strict=True)]


def n_grams(text: Text, n: int) -> Iterable[Text]:
    """Every n tokens in a row, in order; none of a shorter text."""
    return zip(*(text[start:] for start in range(n)), strict=False)


def counts(text: Text, n: int) -> Counter[Text]:
    """How often each n-gram occurs in a text."""
    return Counter(n_grams(text, n))


def distinct(written: Sequence[Text], n: int) -> float:
    """Distinct n-grams over all n-grams of the texts, in (0, 1], or 0 where there are none; Li et al., 2016."""
    every = [gram for text in written for gram in n_grams(text, n)]
    return len(set(every)) / len(every) if every else 0.0
