"""Dialogues by rule: which answers are valid, what the parts hold, and that the checker knows all of it."""

from __future__ import annotations

import random

import pytest
import torch

from zerosum import data
from zerosum.data import DataError
from zerosum.data.text import dialogues as source
from zerosum.data.text.dialogues import Dialogues, dialogues_by_rule, dialogues_of, is_held_out, modality


def pairs(name: str, seed: int = 0) -> list[tuple[str, str]]:
    loaded, tokens = data.load(name, seed=seed), modality()
    return [*zip(*(tokens.write(loaded.fields[field].stored) for field in ("question", "answer")), strict=True)]


@pytest.mark.parametrize(("question", "answer", "valid"), [
    ("where is the small red ball ?", "it is in the kitchen", True),
    ("where is the small red ball ?", "the ball is under the sofa", True),
    ("where is the small red ball ?", "the small red ball is behind the door", True),
    ("where is the small red ball ?", "the small ball is behind the door", False),  # another thing, perhaps
    ("where is the small red ball ?", "the cup is under the sofa", False),
    ("where is the small red ball ?", "they are in the kitchen", False),
    ("where is the ball ?", "the old ball is in the hall", True),
    ("is anna in the kitchen ?", "no , she is in the garden", True),
    ("is anna in the kitchen ?", "no , she is in the kitchen", False),
    ("is anna in the kitchen ?", "yes , anna is in the kitchen", True),
    ("is anna in the kitchen ?", "yes , he is", False),
    ("is bob in the kitchen ?", "yes , he is", True),
    ("are the cups red or blue ?", "neither , they are green", True),
    ("are the cups red or blue ?", "neither , they are blue", False),
    ("are the cups red or blue ?", "they are green", False),
    ("did dora see tom ?", "no , but emma did see tom", True),
    ("did dora see tom ?", "no , but dora did see tom", False),
    ("how many cups has anna ?", "three , and bob has two", True),
    ("how many cups has anna ?", "she has three cups", False),
    ("what is this ?", "it is in the kitchen", False),
])  # fmt: skip
def test_an_answer_is_valid_for_its_question(question: str, answer: str, valid: bool) -> None:
    assert (dialogues_by_rule().derivation(question.split(), answer.split()) is not None) == valid


def test_drawn_answers_are_valid_and_those_of_other_questions_seldom() -> None:
    rules, drawn = dialogues_by_rule(), pairs("dialogues")[:1_500]
    found = [rules.derivation(question.split(), answer.split()) for question, answer in drawn]
    assert all(found)
    used = {production for derivation in found if derivation for production in derivation.productions}
    assert len(used) / len(rules.answers.productions) > 0.97
    answers = [answer for _, answer in drawn]
    others = zip([question for question, _ in drawn], [*answers[1:], answers[0]], strict=True)
    assert sum(rules.derivation(q.split(), a.split()) is not None for q, a in others) / len(drawn) < 0.1
    assert len({question for question, _ in drawn}) > 500 and len(set(answers)) > 500


def test_every_symbol_stands_once_in_a_question_and_what_is_another_is_asked_for() -> None:
    """So what a symbol is in the question is clear, and OTHER-X is never any X at all."""
    rules, choices = dialogues_by_rule(), random.Random(0)
    for _ in range(300):
        question = rules.asked(choices)
        derivation, answers = rules.questions.derivation(question), rules.answers_to(question)
        assert derivation is not None and answers is not None
        symbols = [production.symbol for production in derivation.productions]
        assert len(set(symbols)) == len(symbols)
        reached, todo = set[str](), [answers.start]
        while todo:
            if (symbol := todo.pop()) in answers.rules and symbol not in reached:
                reached.add(symbol)
                todo += [part for production in answers.rules[symbol] for part in production.right]
        others = {symbol.removeprefix(source.OTHER) for symbol in reached if symbol.startswith(source.OTHER)}
        assert others <= set(symbols)


def test_questions_of_the_test_part_are_never_learnt_from() -> None:
    learnt, held_out = ({question for question, _ in pairs(name)} for name in ("dialogues", "dialogues:test"))
    assert not learnt & held_out and len(held_out) > 100
    assert all(is_held_out(question.split()) for question in held_out)


def test_a_seed_decides_the_dialogues() -> None:
    one, same, other = (data.load("dialogues:test", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.x, same.x) and one.fingerprint == same.fingerprint
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    assert one.samples == "answer" and one.modality == modality() and len(one) == source.COUNTS["test"]
    assert one.captions is one.fields["question"] and one.without_captions() is one


def test_other_parts_and_names() -> None:
    with pytest.raises(DataError, match="dialogues has no part 'train2'; it has dialogues:train and dialogues:test"):
        data.load("dialogues:train2")
    assert dialogues_of("dialogues:test") is dialogues_of("dialogues") and dialogues_of("sentences") is None


def test_a_grammar_of_ones_own() -> None:
    own = Dialogues("Q = 1 ASK\nASK = 1 a X ?\n", "ASK = 3 the X | 1 no OTHER-X\n", "X = 2 cat | 1 dog\n  | 1 fox")
    grammar = own.answers_to(["a", "cat", "?"])
    assert grammar is not None
    drawn = {" ".join(grammar.sentence(random.Random(seed), 9)) for seed in range(60)}
    assert drawn == {"the cat", "no dog", "no fox"}
    assert {" ".join(production.right) for production in own.answers.productions} == {
        *("the X", "no OTHER-X", "cat", "dog", "fox")
    }
