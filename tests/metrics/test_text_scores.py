"""Scores of texts: values of others' code, closed forms, and what each of them asks for."""

from __future__ import annotations

import math

import pytest
import torch

from zerosum.data.text.sentences import grammar, modality
from zerosum.metrics import grammar as grammatical
from zerosum.metrics.bleu import References, _scores
from zerosum.metrics.likelihood import nll
from zerosum.metrics.n_grams import distinct, n_grams, texts
from zerosum.modality import Tokens

REFERENCES = [
    tuple(map(int, text))
    for text in [
        "4580730",
        "1573",
        "813036",
        "26212",
        "7220033",
        "2453",
        "3236405",
        "224154",
        "051454752",
        "720405",
        "608656070",
        "23137585",
    ]
]
WRITTEN = [tuple(map(int, text)) for text in ["4715406135", "5254814542", "247", "0186", "35", "762007"]]
# sentence_bleu of nltk 3.10.4 with SmoothingFunction().method1, of 1 to 4 tokens: of WRITTEN against REFERENCES, and of
# each of these against the others.
OF_WRITTEN = (
    (0.9, 0.707107, 0.39685, 0.17286),
    (0.9, 0.707107, 0.5, 0.365555),
    (0.716531, 0.716531, 0.332584, 0.226587),
    (1.0, 0.57735, 0.255436, 0.202052),
    (0.367879, 0.116334, 0.079257, 0.065419),
    (0.833333, 0.816497, 0.550321, 0.273012),
)
OF_REFERENCES = (
    (1.0, 0.912871, 0.255436, 0.142872),
    (1.0, 0.816497, 0.32183, 0.240281),
    (1.0, 0.894427, 0.271442, 0.160686),
    (0.8, 0.141421, 0.087358, 0.075984),
    (1.0, 0.816497, 0.237126, 0.13512),
    (1.0, 0.816497, 0.32183, 0.240281),
    (1.0, 0.816497, 0.510873, 0.240281),
    (1.0, 0.894427, 0.271442, 0.160686),
    (0.888889, 0.666667, 0.185171, 0.101424),
    (1.0, 0.894427, 0.584804, 0.285744),
    (0.666667, 0.288675, 0.105984, 0.066741),
    (1.0, 0.755929, 0.211968, 0.117479),
)


def test_bleu_is_nltks():
    references = References(REFERENCES, 4)
    for text, expected in zip(WRITTEN, OF_WRITTEN, strict=True):
        assert references.bleu(text) == pytest.approx(expected, abs=2e-6)


def test_self_bleu_is_bleu_against_the_others():
    references = References(REFERENCES, 4)
    for text, expected in zip(REFERENCES, OF_REFERENCES, strict=True):
        assert references.bleu(text, is_one=True) == pytest.approx(expected, abs=2e-6)


def test_the_brevity_penalty_is_by_the_others_length():
    """Papineni et al., section 2.2.2: exp(1 - r / c); a reference that is the text itself is none of the others."""
    references = References([(1, 2), (1, 2, 3, 4)], 1)
    assert references.bleu((1, 2), is_one=True) == pytest.approx([math.exp(1 - 4 / 2)])
    assert references.bleu((1, 2)) == pytest.approx([1.0])


def test_scores_are_of_two_tokens_and_more_by_their_names():
    found = _scores("BLEU", [[0.9, 0.5, 0.1], [0.7, 0.3, 0.2]], "higher")
    assert {name: score.value for name, score in found.items()} == pytest.approx({"BLEU-2": 0.4, "BLEU-3": 0.15})


def test_bleu_of_one_text_again_and_again():
    same = References([(1, 2, 3, 4, 5)] * 3, 4)
    assert same.bleu((1, 2, 3, 4, 5), is_one=True) == pytest.approx([1.0] * 4)
    assert same.bleu(()) == [0.0] * 4 and same.bleu((9, 9)) == [0.0] * 4
    with pytest.raises(ValueError, match="compares with references, and there are none"):
        References([], 4)


def test_of_two_references_as_near_the_shorter_one_counts():
    references = References([(1, 2), (1, 2, 3, 4, 5, 6)], 2)
    assert references.bleu((1, 2, 3, 4))[0] == pytest.approx(1.0)
    assert References([(1, 2, 3, 4, 5, 6)], 2).bleu((1, 2, 3, 4))[0] == pytest.approx(math.exp(1 - 6 / 4))


def test_n_grams_end_with_the_text():
    tokens = Tokens(("<unk>", "<eos>", "x", "y"), 4)
    written = texts(tokens, torch.tensor([[2, 3, 1, 1], [1, 1, 1, 1], [2, 2, 2, 1]]))
    assert written == [(2, 3), (), (2, 2, 2)]
    assert [*n_grams((2, 3), 3)] == [] and [*n_grams((2, 3, 2), 2)] == [(2, 3), (3, 2)]
    assert distinct(written, 1) == 2 / 5 and distinct(written, 2) == 2 / 3 and distinct([()], 1) == 0


def test_nats_a_token_are_over_the_tokens_that_are_chosen():
    log_p = torch.tensor([[-1.0, -2.0, 0.0], [-3.0, 0.0, 0.0]]).repeat(100, 1)
    counted = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).repeat(100, 1)
    rows = torch.arange(200)[:, None].expand(-1, 3)
    score = nll(rows, lambda ids: log_p[ids[:, 0]], lambda ids: counted[ids[:, 0]], 1000)
    assert score.value == pytest.approx(6 / 3) and score.better == "lower"
    low, high = score.interval
    assert low < 2 < high < 2.2


def test_the_interval_of_a_ratio_holds_it():
    """95 of 100 times, about, of texts of several lengths whose longer ones are less surprising a token."""
    generator, held = torch.Generator().manual_seed(0), 0
    for _ in range(300):
        number = torch.randint(1, 8, (150,), generator=generator).double()
        total = number + 3 + torch.randn(150, generator=generator).double()
        rows = torch.arange(150)[:, None]
        score = nll(rows, lambda ids, t=total: -t[ids], lambda ids, n=number: n[ids], 1000)
        held += score.interval[0] <= 7 / 4 <= score.interval[1]
    assert 0.91 <= held / 300 <= 0.98


def test_grammar_counts_valid_sentences_and_productions():
    tokens = modality()
    valid = ["the dog sleeps", "the dog sleeps", "anna and bob sing"]
    ids = [tuple(tokens.ids(text.split())[: len(text.split())]) for text in [*valid, "dog the sleeps"]]
    scores = grammatical.scores_of(grammar(), tokens, ids)
    assert scores["valid"].value == 0.75
    used = {p for text in valid for p in grammar().derivation(text.split()).productions}
    assert scores["coverage"].value == len(used) / 73
    logs = [grammar().derivation(text.split()).log_p for text in valid]
    assert scores["likelihood"].value == pytest.approx(sum(logs) / 10)
    nothing = grammatical.scores_of(grammar(), tokens, ids[-1:])
    assert nothing["valid"].value == nothing["coverage"].value == 0 and "likelihood" not in nothing
