"""The study of dialogues: what is measured of answers, the rows from one policy on, and when the goal is reached."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.games.dialogue import Network
from zerosum.studies import STUDIES, dialogue_grammar, policies
from zerosum.studies.dialogue_grammar import CONSTANT, GAME, Dialogue, dialogue, found, holds, in_few_numbers, summarise

STUDY = STUDIES["dialogue-grammar"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some dialogues, small networks and few steps."""
    known = find("dialogue/lines")
    small = replace(known, options={**known.options, "network": Network(8, 16, 8, 0.05)})
    monkeypatch.setattr(policies, "find", lambda name: small)
    whole = {name: data.load(name, seed=4) for name in ("dialogues", "dialogues:test")}

    def load(name: str, seed: int) -> Dataset:
        fields = {key: field.at(slice(192)) for key, field in whole[name].fields.items()}
        return Dataset(name, fields, "f" * 16)

    monkeypatch.setattr(dialogue_grammar.data, "load", load)
    for name, value in {"EPOCHS": 2, "ROUNDS": 2, "LOOK": 1, "EVALUATED": 4}.items():
        monkeypatch.setattr(dialogue_grammar, name, value)
    rows = {GAME: {"pretrain_discriminator": 1, "d_steps": 1, "rollouts": 1}, CONSTANT: dialogue_grammar.ROWS[CONSTANT]}
    monkeypatch.setattr(dialogue_grammar, "ROWS", rows)


def test_a_part_has_every_row_and_goes_on_where_it_stopped(few: None, tmp_path: Path) -> None:
    part = STUDY.run("dialogues", 100, 1.0, tmp_path)
    assert [*part["rows"]] == ["maximum likelihood", GAME, CONSTANT]
    assert [point["step"] for point in part["rows"][GAME]["series"]] == [1, 2]
    assert part["real"]["valid"] == 1 and 0 <= part["reliability"] <= 1 and part["stopped"] in (1, 2)
    assert [point["temperature"] for point in part["curve"]] == list(dialogue_grammar.TEMPERATURES)
    assert STUDY.run("dialogues", 100, 1.0, tmp_path) == part  # all that it had done lies there
    summary = summarise([part, part])
    assert summary["values"] == 2 * [part["rows"][GAME]["valid"]]
    assert in_few_numbers(summary).count("%") == 8
    pickle.dumps(STUDY.run)


def test_real_answers_are_valid_and_those_of_others_are_not() -> None:
    real = Dialogue(*(rows[:300] for rows in dialogue(data.load("dialogues:test"))))
    own, other = found(*real), found(*Dialogue(real.question, real.answer.roll(1, 0)))
    assert own["valid"] == 1 and own["coverage"] > 0.8 and other["valid"] < 0.2
    once = found(real.question[:1].repeat(50, 1), real.answer[:1].repeat(50, 1))
    assert once["valid"] == 1 and once["coverage"] < 0.1 and once["distinct_answers"] == 1 / 50


def test_no_question_is_stopped_by_and_measured_on() -> None:
    stop, measured = dialogue_grammar.halves(data.load("dialogues:test", seed=5), 5)
    ours, theirs = ({tuple(question) for question in of.question.tolist()} for of in (stop, measured))
    assert not ours & theirs and 0.4 < len(ours) / len(ours | theirs) < 0.6
    assert len(stop.question) + len(measured.question) == 2_000


def result(values: list[float], coverage: list[float]) -> dict[str, Any]:
    return {"values": values, "coverage": coverage}


def test_valid_answers_alone_are_not_enough() -> None:
    assert STUDY.reached(result([0.96, 0.97], [0.95, 0.91]))
    assert not STUDY.reached(result([0.96, 0.92], [0.95, 0.95]))
    assert not STUDY.reached(result([1.0, 1.0], [0.95, 0.5])) and not holds(result([1.0], [0.89]))


def test_equal_numbers_for_all_policies_of_a_seed() -> None:
    torch.manual_seed(0)
    game = find("dialogue/lines").build(data.load("dialogues:test").spec, {"network": {"hidden": 8}}).core
    asked = Dialogue(*(rows[:20] for rows in dialogue(data.load("dialogues:test"))))
    answerer: Any = game.generator
    first, same = (dialogue_grammar.of_answers(answerer, asked, 3) for _ in range(2))
    assert first == same and first != dialogue_grammar.of_answers(answerer, asked, 4)
