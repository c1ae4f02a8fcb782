"""Environments that step together, and what is kept of their episodes."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corridor
import gymnasium
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.behaviour import environment, experts
from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import play
from zerosum.data.dataset import DataError

corridor.register()


def right(states: Tensor) -> Tensor:
    return F.one_hot(torch.ones(len(states), dtype=torch.long), 2).float()


def left(states: Tensor) -> Tensor:
    return F.one_hot(torch.zeros(len(states), dtype=torch.long), 2).float()


def test_the_shape_of_environments():
    assert environment.of(corridor.NAME) == Places(corridor.NAME, 2, 2, True, corridor.CUT)
    sliding = environment.of("SlidingCorridor-v0")
    assert (sliding.actions, sliding.discrete, sliding.low, sliding.high) == (1, False, (-1.0,), (1.0,))
    assert environment.of("CartPole-v0").limit == 200, "an old version, without a warning"


def test_episodes_that_the_environment_ends():
    played = play(environment.of(corridor.NAME), right, count=6, seed=1, steps=20)
    starts = played.states[0, :, 0]
    first = dict(reversed(played.episodes()))
    assert [steps.stop for _, steps in sorted(first.items())] == (4 - starts).int().tolist()
    assert torch.equal(played.returns(), -played.lengths().float()) and not played.cut.any()
    assert played.terminated.sum() == len(played.episodes()) > 6
    for n, steps in played.episodes():  # states, actions and rewards of one step belong together
        places = played.states[steps.start : steps.stop + 1, n, 0]
        assert torch.equal(places.diff(), torch.ones(len(places) - 1)) and places[-1] == 4
    assert len(played.pairs) == played.within.sum() and (played.pairs[:, 0] < 4).all()
    between = ~played.within
    assert (played.rewards[between] == 0).all() and torch.equal(between[1:], played.ended[:-1])


def test_episodes_that_the_limit_cuts_off():
    played = play(environment.of(corridor.NAME), left, count=2, seed=1, steps=corridor.CUT)
    assert played.lengths().tolist() == [corridor.CUT] * 2
    assert played.cut[-1].all() and not played.terminated.any() and played.within.all()
    assert played.states.shape == (corridor.CUT + 1, 2, 2), "the last state is there, to be worth something"


def test_one_episode_of_each_environment():
    played = play(environment.of(corridor.NAME), right, count=5, seed=3)
    assert len(played.episodes()) == 5 and len(played.states) - 1 == int(played.lengths().max())
    cut = play(environment.of(corridor.NAME), left, count=3, seed=3)
    assert cut.lengths().tolist() == [corridor.CUT] * 3


def test_a_seed_decides_the_beginnings():
    places = environment.of("CartPole-v0")
    balance = experts.find(places)
    one, same, other = (play(places, balance, count=2, seed=seed, steps=30) for seed in (1, 1, 2))
    assert torch.equal(one.states, same.states) and not torch.equal(one.states, other.states)


def test_numbers_outside_of_an_action_s_range_are_cut_off():
    far = play(environment.of("SlidingCorridor-v0"), lambda s: torch.full((len(s), 1), 9.0), count=3, seed=1)
    assert torch.equal(far.states[:-1][far.within][:, 0] + 1, far.states[1:][far.within][:, 0])
    assert (far.actions == 9).all(), "what the policy said is kept"


@pytest.mark.parametrize("name", ["CartPole-v0", "MountainCar-v0", "Acrobot-v1", "Pendulum-v1"])
def test_written_experts_are_experts(name: str):
    """As good as those that Ho and Ermon, 2016, imitated, 200 and -98.75; of Acrobot nearly, -75.25."""
    places = environment.of(name)
    least = {"CartPole-v0": 200, "MountainCar-v0": -101, "Acrobot-v1": -85, "Pendulum-v1": -220}[name]
    assert play(places, experts.find(places), count=50, seed=5).returns().mean() >= least


@pytest.mark.parametrize(("name", "message"), [
    ("Nowhere-v0", "there is no environment Nowhere-v0 .*; give one of Gymnasium's: .* or PACKAGE:NAME"),
    ("Blackjack-v1", "the states of Blackjack-v1 are Tuple, and policies take vectors of numbers"),
    ("FrozenLake-v1", "the states of FrozenLake-v1 are Discrete"),
])  # fmt: skip
def test_an_environment_that_does_not_fit_is_named(name: str, message: str):
    with pytest.raises(DataError, match=message):
        environment.of(name)


def test_gymnasium_is_an_extra(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "gymnasium":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        DataError, match=r"environments are Gymnasium's, which is not there: pip install 'zerosum\[rl\]'"
    ):
        environment.of("CartPole-v1")


def test_an_environment_that_needs_another_package_says_so(monkeypatch: pytest.MonkeyPatch):
    def missing(*args: Any, **own: Any) -> Any:
        raise gymnasium.error.DependencyNotInstalled("install box")

    monkeypatch.setattr(gymnasium, "make_vec", missing)
    with pytest.raises(DataError, match="CartPole-v1 needs a package more: install box"):
        environment.of("CartPole-v1")


@pytest.mark.filterwarnings("ignore:.*The reward is a")  # Gymnasium's, who looks at the first step alone
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_rewards_that_are_not_finite_are_refused(wrong: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(corridor.Corridor, "reward", wrong)
    with pytest.raises(DataError, match=f"Corridor-v0 gave a reward of {wrong} in step 1: mend the environment"):
        play(environment.of(corridor.NAME), right, count=2, seed=1)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that registers an environment as it is imported, and one that cannot be imported."""
    (tmp_path / "halls.py").write_text(
        f"import gymnasium\ngymnasium.register('Hall-v3', 'corridor:Corridor', max_episode_steps={corridor.CUT + 1})\n"
    )
    (tmp_path / "ruins.py").write_text("walls = None\nwalls.stand()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    gymnasium.registry.pop("Hall-v3", None)
    sys.modules.pop("halls", None)


@pytest.mark.usefixtures("package")
def test_an_environment_of_a_package():
    assert environment.of("halls:Hall-v3") == Places("halls:Hall-v3", 2, 2, True, corridor.CUT + 1)
    assert len(play(environment.of("halls:Hall-v3"), right, count=3, seed=1).episodes()) == 3
    for name, message in (
        ("halls:Hall-v4", r"there is no environment halls:Hall-v4 \(.*`v4`"),
        ("nohalls:Hall-v3", r"there is no environment nohalls:Hall-v3 \(No module named 'nohalls'\)"),
        ("ruins:Hall-v3", r"ruins:Hall-v3 cannot be looked up: AttributeError: .*'stand' \(.*ruins\.py:2\); mend the"),
    ):
        with pytest.raises(DataError, match=message):
            environment.of(name)


def failing(*args: Any, seed: int | None = None, options: Any = None, **own: Any) -> Any:
    raise ValueError("the wall fell")


def test_what_was_raised_first_is_told(monkeypatch: pytest.MonkeyPatch):
    places = environment.of(corridor.NAME)
    monkeypatch.setattr(corridor.Corridor, "step", failing)
    monkeypatch.setattr(corridor.Corridor, "close", failing)
    with pytest.raises(DataError, match="cannot be stepped, in step 1"):
        play(places, right, count=2, seed=1)


@pytest.mark.parametrize("name", ["CartPole-v0", "MountainCar-v0"])
def test_any_seed_begins_episodes(name: str):
    with environment.opened(name, 2) as environments:
        begun = [environment.reset(environments, name, seed) for seed in (-1, -(2**63), 2**64 - 1)]
    assert not np.array_equal(begun[0], begun[1])


@pytest.mark.parametrize(("method", "what"), [
    ("__init__", "made"), ("reset", "begun"), ("step", "stepped, in step 1"), ("close", "closed"),
])  # fmt: skip
def test_what_an_environment_raises_is_told(method: str, what: str, monkeypatch: pytest.MonkeyPatch):
    places = environment.of(corridor.NAME)
    monkeypatch.setattr(corridor.Corridor, method, failing)
    with pytest.raises(
        DataError, match=rf"Corridor-v0 cannot be {what}: ValueError: the wall fell \(.*\.py:\d+\); mend the"
    ):
        play(places, right, count=2, seed=1)


def test_experts_of_other_environments_are_not_guessed():
    with pytest.raises(DataError, match="no written expert of Corridor-v0, only of CartPole, MountainCar"):
        experts.find(environment.of(corridor.NAME))


def test_a_film_sees_every_state():
    seen: list[np.ndarray[Any, Any]] = []
    played = play(environment.of(corridor.NAME), right, count=1, seed=1, watch=lambda e: seen.append(e.render()[0]))
    assert len(seen) == len(played.states) and seen[0].shape == (8, 40, 3)
    assert not np.array_equal(seen[0], seen[-1])
