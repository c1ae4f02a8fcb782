"""The study of TextGAN on the grammar in small: its parts, and its summary by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum.data.text import sentences
from zerosum.games import find
from zerosum.studies import STUDIES, policies, textgan_grammar
from zerosum.studies.textgan_grammar import BEGINNING, GAME, LIKELIHOOD, MEASURED, TEXTGAN_GRAMMAR, scores


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of few units, few texts to learn from and to measure."""
    ours, policy = find(textgan_grammar.RECIPE), find(textgan_grammar.POLICY)
    few = replace(ours.options["network"], embedding=8, hidden=16, d_embedding=8, filters=4, widest=2, matched=4)
    short = replace(ours.options["config"], pretrain=6, latent_dim=4)
    steps = replace(ours.training, steps=9, batch_size=32)
    recipe = replace(ours, options={**ours.options, "config": short, "network": few}, training=steps)
    known = replace(policy, options={**policy.options, "network": replace(policy.options["network"], hidden=8)})
    monkeypatch.setattr(textgan_grammar, "find", lambda name: recipe)
    monkeypatch.setattr(policies, "find", lambda name: known)
    monkeypatch.setattr(textgan_grammar, "WRITTEN", 60)
    monkeypatch.setattr(sentences, "COUNT", 320)


def test_it_is_known_and_can_be_sent_to_other_processes():
    assert STUDIES["textgan-grammar"] is TEXTGAN_GRAMMAR and len(TEXTGAN_GRAMMAR.seeds) == 3
    assert TEXTGAN_GRAMMAR.parts(0) == (GAME, LIKELIHOOD)
    assert pickle.loads(pickle.dumps(TEXTGAN_GRAMMAR.run)) is TEXTGAN_GRAMMAR.run


def test_scores_of_texts_of_which_all_is_known():
    tokens = sentences.modality()
    own = ["anna sleeps", "anna sleeps", "sleeps anna", "the dogs sleep"]
    found = scores(tokens, torch.tensor([tokens.ids(text.split()) for text in own]))
    used = len({"S", "C1", "NP1 NAME", "anna", "VP1", "sleeps", "C2", "NP2 the N2", "dogs", "VP2", "sleep"})
    assert found["valid"] == 0.75 and found["different"] == 0.75
    assert found["coverage"] == pytest.approx(used / len(sentences.grammar().productions))
    nonsense = scores(tokens, torch.tensor([tokens.ids(["the", "the"])] * 2))
    assert nonsense["valid"] == nonsense["coverage"] == nonsense["likelihood"] == 0


def test_both_parts_in_small_and_again_from_their_checkpoints(small: None, tmp_path: Path):
    parts = []
    for name in TEXTGAN_GRAMMAR.parts(100):
        parts.append(TEXTGAN_GRAMMAR.run(name, 100, 1.0, tmp_path / name))
        assert TEXTGAN_GRAMMAR.run(name, 100, 1.0, tmp_path / name) == parts[-1]
    ours, theirs = parts
    assert ours[BEGINNING]["step"] == 6 and ours[GAME]["step"] == 9 and len(ours[GAME]["lines"]) == 5
    assert ours["real"]["valid"] == 1 and [at["temperature"] for at in theirs["curve"]] == [*policies.TEMPERATURES]
    found = TEXTGAN_GRAMMAR.summarise(parts)
    assert found["values"] == [ours[GAME]["valid"]] and found["coverage"] == [ours[GAME]["coverage"]]
    assert found["rows"][LIKELIHOOD]["valid"] == [theirs["curve"][6]["valid"]]
    assert TEXTGAN_GRAMMAR.ours(found).startswith(f"{ours[GAME]['valid']:.3f} valid; TextGAN ")


def part(seed: int, valid: float, coverage: float) -> list[dict[str, Any]]:
    row = dict.fromkeys(MEASURED, 0.5)
    game = {**row, "valid": valid, "coverage": coverage, "self_bleu_2": 0.6}
    curve = [
        {**row, "temperature": 1.0, "valid": 0.8, "self_bleu_2": 0.5},
        {**row, "temperature": 0.9, "valid": 0.9, "self_bleu_2": 0.7},
    ]
    return [
        {"part": GAME, "seed": seed, "real": row, BEGINNING: {**row, "valid": 0.7}, GAME: game},
        {"part": LIKELIHOOD, "seed": seed, "real": row, "curve": curve},
    ]


def test_the_summary_by_hand():
    found = TEXTGAN_GRAMMAR.summarise([*part(0, 0.97, 0.95), *part(1, 0.95, 0.92)])
    assert found["values"] == [0.97, 0.95] and found["coverage"] == [0.95, 0.92]
    assert found["above"] == pytest.approx([0.12, 0.10]), "0.85 lies between two temperatures"
    assert found["rows"][BEGINNING]["valid"] == [0.7, 0.7] and found["rows"][LIKELIHOOD]["valid"] == [0.8, 0.8]
    assert TEXTGAN_GRAMMAR.reached(found)
    assert not TEXTGAN_GRAMMAR.reached({**found, "coverage": [0.95, 0.89]}), "one sentence repeated is not enough"
    assert not TEXTGAN_GRAMMAR.reached({**found, "values": [0.97, 0.92]})
    assert TEXTGAN_GRAMMAR.ours(found).endswith("as varied +0.120, +0.100")
