"""`gail-classic` by hand: which number is the value, what is asked beside it, and a part in small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zerosum.data.behaviour import environment
from zerosum.data.behaviour.episodes import play
from zerosum.studies import STUDIES, gail_classic
from zerosum.studies.gail_classic import BAD, CONTROLS, GAIL_CLASSIC, SIZES, SWING, TASKS

EXPERTS = {"CartPole-v0": (200.0, 20.0), "MountainCar-v0": (-100.0, -200.0), "Acrobot-v1": (-80.0, -500.0)}


def parts(lowest: float = 0.96, clone: float = 0.5, stopped: float = 0.4, bad: float = 10.0) -> list[dict[str, Any]]:
    found = []
    for seed in (0, 1, 2):
        for name in GAIL_CLASSIC.parts(seed):
            task = name.rpartition("-")[0]
            expert, random = EXPERTS.get(task, (-150.0, -1200.0))
            share = lowest if name == "Acrobot-v1-1" else 0.99
            returns = {"policy": random + share * (expert - random), "clone": random + clone * (expert - random)}
            returns["stopped"] = random + stopped * (expert - random)
            if name.endswith(f"-{BAD}"):
                returns, expert = {"policy": bad, "clone": 9.4, "stopped": 9.4}, 9.4
            found.append({"part": name, "seed": seed, **returns, "expert": expert, "random": random})
    return found


def test_its_parts():
    assert STUDIES["gail-classic"] is GAIL_CLASSIC and GAIL_CLASSIC.seeds == (0, 1, 2)
    assert len(GAIL_CLASSIC.parts(0)) == len(TASKS) * len(SIZES) + 1 + len(CONTROLS) and SWING in GAIL_CLASSIC.parts(0)


def test_the_value_is_the_lowest_share_of_three_tasks_from_one_trajectory():
    summary = GAIL_CLASSIC.summarise(parts())
    assert summary["values"] == [0.96] * 3 and summary["rows"]["CartPole-v0-4"]["share"] == 0.99
    assert GAIL_CLASSIC.reached(summary)
    told = GAIL_CLASSIC.ours(summary)
    assert told.startswith("0.960, 0.960, 0.960; CartPole-v0 198.2, 198.2, 198.2 (cloning 110.0, 110.0, 110.0, stop")
    assert told.endswith("a bad expert's 9.4 becomes 10.0")


def test_what_is_asked_beside_the_value():
    assert not GAIL_CLASSIC.reached(GAIL_CLASSIC.summarise(parts(lowest=0.94)))
    assert not GAIL_CLASSIC.reached(GAIL_CLASSIC.summarise(parts(clone=0.995)))
    assert not GAIL_CLASSIC.reached(GAIL_CLASSIC.summarise(parts(stopped=0.995)))
    assert not GAIL_CLASSIC.reached(GAIL_CLASSIC.summarise(parts(bad=16.0)))


def test_the_bad_expert_lets_the_pole_fall():
    places = environment.of("CartPole-v0")
    assert play(places, gail_classic.always_left(places), count=20, seed=1).returns().mean() < 11


@pytest.mark.parametrize("part", ["CartPole-v0-1", f"CartPole-v0-{BAD}", "CartPole-v0-constant"])
def test_a_part_in_small(part: str, tmp_path: Path):
    found = gail_classic.run(part, 100, 0.005, tmp_path)
    assert found["part"] == part and found["seed"] == 100
    assert found["pairs"] == (20 if BAD not in part else round(10 * found["demonstrated"]))
    assert found["expert"] == pytest.approx(200 if BAD not in part else 9.4, abs=0.3)
    assert 18 < found["random"] < 27 and 8 < found["policy"] < 60
    again = gail_classic.run(part, 100, 0.005, tmp_path)  # from its checkpoint
    assert again == found
