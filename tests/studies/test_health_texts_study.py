"""`reproduce health-texts`: what its writers write, what counts, and a short run of two."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum import data
from zerosum.studies import STUDIES
from zerosum.studies.health_texts import BY_NAME, FROZEN, HEALTH_TEXTS, few, halved, phrase, run, shuffled

TEXTS = data.load("sentences", seed=4)
TOKENS, IDS = TEXTS.spec.texts, TEXTS.x[:50]
GENERATOR = torch.Generator().manual_seed(0)


def written(ids: torch.Tensor) -> list[list[str]]:
    return [text.split() for text in TOKENS.write(ids)]


def test_every_case_and_every_verdict_on_texts() -> None:
    assert STUDIES["health-texts"] is HEALTH_TEXTS and min(HEALTH_TEXTS.seeds) < 100
    assert HEALTH_TEXTS.parts(8) == tuple(BY_NAME)
    assert {case.truth for case in BY_NAME.values()} == {"healthy", "repeats itself", "frozen", "under-trained"}


def test_few_texts_and_a_phrase() -> None:
    assert written(few(4)(IDS, TOKENS, GENERATOR)) == written(IDS[:4])
    text = written(phrase(IDS, TOKENS, GENERATOR))[3]
    assert text[:2] == written(IDS)[3][:2] and set(text[2:]) == {"the", "dog"}


def test_words_in_any_order_are_the_same_words() -> None:
    made, real = written(shuffled(IDS, TOKENS, GENERATOR)), written(IDS)
    assert made != real and [sorted(text) for text in made] == [sorted(text) for text in real]


def test_halves_are_of_two_texts_of_about_one_length() -> None:
    made = written(halved(IDS, TOKENS, GENERATOR))
    half = {tuple(text[: len(text) // 2]): text[len(text) // 2 :] for text in written(IDS)}
    own = [next(k for k in range(1, len(text) + 1) if tuple(text[:k]) in half) for text in made]
    assert sum(text[k:] == half[tuple(text[:k])] for text, k in zip(made, own, strict=True)) < len(made) / 4


@pytest.mark.parametrize("name", [writer.name for writer in FROZEN[1:3]])
def test_a_short_run(name: str, tmp_path: Path) -> None:
    part = run(name, 3, 0.1, tmp_path)
    assert (part["scenario"], part["truth"], part["trained"]) == (name, "repeats itself", False)
    assert part["signals"]["variety"] < 0.5
    figures = HEALTH_TEXTS.summarise([part])
    assert "photographs" not in figures and figures["bad_snapshots"] == 1 and figures["bad_called_healthy"] == 0
    assert HEALTH_TEXTS.extra_check(figures)
