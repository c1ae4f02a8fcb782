"""`zerosum reproduce improved-techniques`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerosum.data.points import mixture
from zerosum.games.gan import GAN
from zerosum.modality import Points, Spec
from zerosum.studies.ablation import ABLATION, ALONE, GAMES, PLAIN, run, summarise
from zerosum.techniques import Techniques
from zerosum.techniques.apply import WithTechniques


def test_each_choice_is_the_same_game_but_for_its_techniques():
    games = {name: build(Spec({"x": Points(2)})) for name, build in GAMES.items()}
    assert type(games[PLAIN]) is GAN and type(games["one-sided label smoothing"]) is GAN
    assert games["one-sided label smoothing"].config.targets.real == 0.9 and games[PLAIN].config.targets.real == 1
    given = {name: game.techniques for name, game in games.items() if isinstance(game, WithTechniques)}
    for name, (option, value) in ALONE.items():
        assert given[name] == Techniques(**{option: value}), name
    assert given["all"] == Techniques(**dict(ALONE.values()))
    assert not given["all but feature matching"].feature_matching and given["all but feature matching"] != given["all"]
    for name in ("all", "all but feature matching"):
        assert games[name].game.config.targets.real == 0.9


@pytest.mark.parametrize("part", [PLAIN, "all"])
def test_a_part_is_measured_as_it_learns(part: str, tmp_path: Path):
    figures = run(part, 0, 4 / 6000, tmp_path)
    assert figures["rounds"] == 4 and [point["round"] for point in figures["series"]] == [1, 2, 3, 4]
    assert 0 <= figures["modes"] <= len(mixture.grid().weights) and 0 <= figures["high_quality"] <= 1


def test_the_value_is_what_minibatch_discrimination_gains():
    modes = dict.fromkeys(GAMES, (10, 12)) | {"minibatch discrimination": (17, 11)}
    parts = [
        {"part": name, "seed": seed, "rounds": 9, "modes": modes[name][seed], "high_quality": 0.5 + seed / 4, "kl": 1.0}
        for seed in (0, 1)
        for name in GAMES
    ]
    figures = summarise(parts)
    assert figures["values"] == [7, -1] and figures["rounds"] == 9
    assert figures["mean_modes"]["minibatch discrimination"] == 14 and figures["mean_modes"]["all"] == 11
    assert figures["mean_high_quality"][PLAIN] == 0.625
    assert figures["techniques"][PLAIN]["modes"] == [10, 12]
    assert ABLATION.target == 0 and ABLATION.relation == ">=" and 0 not in ABLATION.seeds
