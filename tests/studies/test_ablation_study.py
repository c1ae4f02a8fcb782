"""`zerosum reproduce improved-techniques`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zerosum.data.dataset import dataset
from zerosum.games.gan import GAN
from zerosum.modality import Image, Points, Spec
from zerosum.studies import ablation, tables
from zerosum.studies.ablation import (
    ABLATION,
    ALONE,
    CHOICES,
    PLAIN,
    PROBLEMS,
    SMOOTHING,
    STACKED,
    build,
    part_of,
    run,
    summarise,
)
from zerosum.techniques import Techniques
from zerosum.techniques.apply import WithTechniques

IMAGES = Spec({"x": Image(3, 28, 28)})


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_choice_is_the_same_game_but_for_its_techniques(name: str):
    spec = IMAGES if name == STACKED else Spec({"x": Points(2)})
    games = {choice: build(PROBLEMS[name], choice)(spec) for choice in CHOICES}
    for choice in (PLAIN, SMOOTHING):
        assert type(games[choice]) is GAN
    given = {choice: game.techniques for choice, game in games.items() if isinstance(game, WithTechniques)}
    for choice, (option, value) in ALONE.items():
        assert given[choice] == Techniques(**{option: value}), choice
    assert given["all"] == Techniques(**dict(ALONE.values()))
    assert not given["all but feature matching"].feature_matching and given["all but feature matching"] != given["all"]
    for choice, game in games.items():
        core = game.core
        assert isinstance(core, GAN)
        smooth = choice == SMOOTHING or choice.startswith("all")
        assert core.config.targets.real == (0.9 if smooth else 1)
        assert core.config.latent_dim == PROBLEMS[name].latent_dim


@pytest.mark.parametrize("part", ["grid, none", "ring, all", "stacked-mnist, minibatch discrimination"])
def test_a_part_is_measured_as_it_learns(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    few = dataset("few", torch.randint(256, (70, 3, 28, 28), dtype=torch.uint8))
    load = ablation.data.load
    monkeypatch.setattr(ablation.data, "load", lambda name, **k: few if name == STACKED else load(name, **k))
    monkeypatch.setattr(ablation, "IMAGES", 30)
    problem = PROBLEMS[part.split(", ")[0]]
    figures = run(part, 0, 4 / problem.rounds, tmp_path)
    assert figures["rounds"] == 4 and [point["round"] for point in figures["series"]] == [1, 2, 3, 4]
    assert 0 <= figures["modes"] <= problem.modes and 0 <= figures["high_quality"] <= 1 and figures["part"] == part


def test_the_value_is_what_the_worst_technique_gains():
    def modes(name: str, choice: str, seed: int) -> int:
        gain = {("grid", "virtual batch norm"): (-5, -10), (STACKED, SMOOTHING): (-100, -300)}
        return PROBLEMS[name].modes // 2 + gain.get((name, choice), (1, 0))[seed] * (choice != PLAIN)

    parts = [
        {"part": part_of(name, choice), "seed": seed, "rounds": 9, "modes": modes(name, choice, seed),
         "high_quality": 0.5, "kl": 1.0}
        for seed in (0, 1) for name in PROBLEMS for choice in CHOICES
    ]  # fmt: skip
    figures = summarise(parts)
    assert figures["least"] == "grid, virtual batch norm" and figures["values"] == [-0.2, -0.4], "of 25, not of 1,000"
    assert figures["losing"] == ["grid, virtual batch norm", f"{STACKED}, {SMOOTHING}"]
    assert (
        figures["techniques"]["ring"][PLAIN]["modes"] == [4, 4] and figures["gains"]["ring, historical averaging"] > 0
    )
    assert figures["rounds"] == dict.fromkeys(PROBLEMS, 9)
    assert ABLATION.ours(figures) == (
        "-30.0 % of the modes by grid, virtual batch norm; those that lose any, in %: grid, virtual batch norm -30.0; "
        "stacked-mnist, one-sided label smoothing -20.0"
    )
    assert ABLATION.target == 0 and ABLATION.relation == ">=" and 0 not in ABLATION.seeds
    columns, _, first, *others = tables.techniques(figures).splitlines()
    assert columns.startswith("|  | ring, modes of 8 | ring, high quality, % | grid, modes of 25 | grid, high")
    assert first == "| none | 4, 4 | 50, 50 | 12, 12 | 50, 50 | 500, 500 | 50, 50 |" and len(others) == len(CHOICES) - 1
