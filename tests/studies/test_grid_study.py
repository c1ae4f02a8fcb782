"""`zerosum reproduce grid-25-own` and `grid-25`: their code on a few rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def part(name: str, seed: int, modes: int, high_quality: float) -> dict[str, Any]:
    measured = {"modes": modes, "high_quality": high_quality, "kl": 0.1, "spread": 1.0}
    return {"part": name, "seed": seed, "rounds": 9, **measured, "series": []}


def test_the_summary_is_of_the_best_recipe():
    figures = GRID_OWN.summarise([part(BEST, 0, 25, 0.99), part("GAN", 0, 17, 0.6), part(BEST, 1, 24, 0.89)])
    assert figures["values"] == [25, 24] and figures["high_quality"] == pytest.approx(0.94)
    assert figures["worst_high_quality"] == 0.89 and figures["games"]["GAN"]["modes"] == [17]
    assert not GRID_OWN.extra_check(figures) and GRID_OWN.extra_check({**figures, "high_quality": 0.95})


def test_gan_and_pacgan_are_to_be_as_published():
    def of(gan: tuple[int, ...], pac: tuple[int, ...], quality: float = 0.9) -> dict[str, Any]:
        modes = {"GAN": gan, "PacGAN2": (23, 24, 23), "PacGAN4": pac, "R3GAN": (25, 25, 25)}
        shown = [part(game, seed, own[seed], quality) for seed in range(3) for game, own in modes.items()]
        return dict(GRID.summarise([*shown, part("BEGAN", 0, 3, 0.1)]))

    found = of((17, 18, 17), (25, 25, 24))
    assert (found["values"], found["gan"], found["pacgan2"]) == ([25, 25, 24], [17, 18, 17], [23, 24, 23])
    assert found["r3gan"] == [25, 25, 25] and GRID.reached(found) and GRID.verdict(found) == "met"
    assert GRID.ours(found) == (
        "GAN 17, 18, 17, 90 %; PacGAN2 23, 24, 23, 90 %; PacGAN4 25, 25, 24, 90 %; R3GAN 25, 25, 25, 90 %"
    )
    assert not GRID.reached(of((19, 19, 19), (25, 25, 24))), "the plain GAN is better than published"
    assert not GRID.reached(of((17, 18, 17), (25, 25, 24), 0.89)), "modes alone are not what was published"
    assert grid.LIMITS == {"GAN": (15.7, 18.9), "PacGAN4": (24.4, 25.2)} and GRID.target == 24.4
    edge = {game: {"modes": [modes], "high_quality": [0.9]} for game, modes in (("GAN", 15.7), ("PacGAN4", 24.4))}
    assert grid.as_published({"games": edge}), "the limits belong to it"
    assert not GRID.reached(of((15, 16, 15), (25, 25, 25))) and not GRID.reached(of((17, 17, 17), (24, 24, 25)))
    assert [GRID.parts(seed) for seed in (1, 2)] == [("GAN", "PacGAN2", "PacGAN4", "R3GAN")] * 2
