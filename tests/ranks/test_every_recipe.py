"""Two processes with half a batch each make what one makes of the whole, and agree on every buffer, of every recipe."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ranks import TESTS, run

from zerosum.games import RECIPES
from zerosum.roles import Acts

EQUAL = 1e-5  # of the weights' norm
# It is 2e-3 off by rounding: first weights that were 1e-7 off made it 6e-3 in as many rounds, those of pix2pix 1e-7.
# SeqGAN's baseline is the mean of the other texts of a process, and TextGAN's discrepancy is among those of a process.
FURTHER = {"cyclegan/images": 1e-2, "seqgan/lines": 1e-3, "seqgan/melodies": 1e-3, "textgan/lines": 2e-2}
TECHNIQUES: dict[str, dict[str, Any]] = {  # whose buffers follow what the discriminator says, or the weights
    "began/images": {"historical_averaging": 0.1},
    "demo": {"adaptive_augment": True, "adaptive_images": 64},
    "dcgan": {"virtual_batch_norm": 4, "feature_matching": True},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `rank_of_recipes` measured, by recipe."""
    file = tmp_path_factory.mktemp("ranks") / "found.jsonl"
    names = [*RECIPES, *(f"{name}+{json.dumps({'techniques': own})}" for name, own in TECHNIQUES.items())]
    for code, error in run([TESTS / "support" / "rank_of_recipes.py", file, *names]):
        assert code == 0, error
    measured = [json.loads(line) for line in file.read_text().splitlines()]
    return {line["name"]: line for line in measured}


def test_two_halves_equal_the_whole(found: dict[str, Any]):
    """But where networks have statistics of a batch, batch norm's: half a batch has others than the whole; and where
    each process acts in environments of its own.
    """
    acting = {name for name, recipe in RECIPES.items() if issubclass(recipe.game, Acts)}
    errors = {name: line["error"] for name, line in found.items() if not line["mixes"] and name not in acting}
    off = {name: error for name, error in errors.items() if not error < FURTHER.get(name, EQUAL)}
    assert len(errors) >= 22 and off == {}


def test_processes_agree_on_every_buffer(found: dict[str, Any]):
    assert len(found) == len(RECIPES) + len(TECHNIQUES)
    assert {name: line["differing"] for name, line in found.items() if line["differing"]} == {}
