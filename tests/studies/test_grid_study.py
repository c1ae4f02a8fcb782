"""`zerosum reproduce grid-25-own` and `grid-25`: their code on a few rounds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum.data.points import mixture
from zerosum.game import Game
from zerosum.games import find
from zerosum.modality import Spec
from zerosum.recipe import RECIPES, Training
from zerosum.studies import grid
from zerosum.studies.grid import BEST, GAMES, GRID, GRID_OWN, PUBLISHED, run, run_published, train_on_grid


def test_every_two_player_game_is_in_the_table():
    """A game that a toy recipe plays cannot be forgotten; one that is told of classes or codes is told of the modes."""
    toys = {name for name, recipe in RECIPES.items() if name.endswith("/toy") and not recipe.labelled}
    told, plain = {"infogan/toy"}, {"latent-regressor/toy"}  # whose generator plays the game of gan/toy
    assert toys - told - plain == {recipe for recipe, _ in GAMES.values()}
    for name, options in GAMES.values():
        find(name).resolve({"config": options})
    assert len(GRID_OWN.seeds) == 10 and all(BEST in GRID_OWN.parts(seed) for seed in GRID_OWN.seeds)
    assert sum("GAN" in GRID_OWN.parts(seed) for seed in GRID_OWN.seeds) == 3


def test_a_part_is_measured_as_it_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grid, "ROUNDS", 20)
    figures = run("PacGAN2", 1, 0.5, tmp_path)
    assert figures["part"] == "PacGAN2" and figures["rounds"] == 10
    assert [point["round"] for point in figures["series"]] == list(range(1, 11))
    assert 0 <= figures["modes"] <= len(mixture.grid().weights) and 0 <= figures["high_quality"] <= 1
    assert 0 < figures["spread"] < 1, "it has hardly begun to spread"
    assert run("PacGAN2", 1, 0.5, tmp_path) == figures, "nothing is left to play"


def test_the_published_networks_play(tmp_path: Path):
    figures = run_published("GAN", 0, 3 / 40_000, tmp_path)
    assert figures["rounds"] == 3 and set(PUBLISHED) == set(GRID.parts(0))


def test_a_game_that_diverges_reaches_nothing(tmp_path: Path):
    def broken(spec: Spec) -> Game[torch.Tensor]:
        game = find("gan/toy").build(spec)
        with torch.no_grad():
            next(game.generator.parameters()).fill_(float("inf"))
        return game

    figures = train_on_grid("broken", broken, Training(20, 16), 0, 1.0, tmp_path)
    assert figures["modes"] == 0 and figures["high_quality"] == 0 and "nan" in figures["diverged"]


def test_the_summary_is_of_the_best_recipe():
    def part(name: str, seed: int, modes: int, high_quality: float) -> dict[str, object]:
        measured = {"modes": modes, "high_quality": high_quality, "kl": 0.1, "spread": 1.0}
        return {"part": name, "seed": seed, "rounds": 9, **measured, "series": []}

    figures = GRID_OWN.summarise([part(BEST, 0, 25, 0.99), part("GAN", 0, 17, 0.6), part(BEST, 1, 24, 0.89)])
    assert figures["values"] == [25, 24] and figures["high_quality"] == pytest.approx(0.94)
    assert figures["worst_high_quality"] == 0.89 and figures["games"]["GAN"]["modes"] == [17]
    assert not GRID_OWN.extra_check(figures) and GRID_OWN.extra_check({**figures, "high_quality": 0.95})
    published = GRID.summarise([part("GAN", 0, 17, 0.93), part("BEGAN", 0, 3, 0.1)])
    assert published["values"] == [17] and GRID.extra_check(published)
    for modes, high_quality in ((17, 0.65), (20, 0.93)):
        assert not GRID.extra_check(GRID.summarise([part("GAN", 0, modes, high_quality)])), "not as published"
    reached = [dict(GRID.summarise([part("GAN", 0, modes, 0.93)])) for modes in (14, 15, 19, 20)]
    assert [GRID.reached(one) for one in reached] == [False, True, True, False], "17.3, three deviations of 0.8 around"
