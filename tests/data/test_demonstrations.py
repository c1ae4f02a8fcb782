"""Demonstrations: files that anybody can make, thinned out, read again, refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zerosum import data
from zerosum.data.behaviour import demonstrations, environment, experts
from zerosum.data.behaviour.demonstrations import demonstrated
from zerosum.data.dataset import DataError
from zerosum.modality import Behaviour

CART = "CartPole-v0"
STATES, ACTIONS = np.zeros((5, 4), np.float32), np.array([0, 1, 1, 0, 1])


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **{"environment": CART, "states": STATES, "actions": ACTIONS, **arrays})
    return path


def test_a_file_that_anybody_can_make(tmp_path: Path):
    states = np.arange(20, dtype=np.float64).reshape(5, 4)
    loaded = data.load(str(save(tmp_path / "own.npz", states=states)))
    kind = loaded.modality
    assert isinstance(kind, Behaviour) and (kind.environment, kind.states, kind.actions) == (CART, 4, 2)
    assert kind.terminated is kind.absorbed is kind.returned is None and kind.limit == 200
    assert torch.equal(loaded.x[:, :4], torch.from_numpy(states).float())
    assert torch.equal(loaded.x[:, 4:].argmax(1), torch.from_numpy(ACTIONS))
    assert loaded.notes == ("nothing says how many episodes were shown, nor how they ended",)
    assert kind.mean[:4] == (8.0, 9.0, 10.0, 11.0) and kind.mean[4:] == (0.0, 0.0) and kind.scale[4:] == (1.0, 1.0)
    np.testing.assert_allclose(kind.scale[:4], states.std(0), rtol=1e-5)


def test_what_is_recorded_is_read_again(tmp_path: Path):
    shown = demonstrated(places := environment.of("MountainCar-v0"), experts.find(places), 3, 4, seed=2)
    shown.save(tmp_path / "climbs.npz")
    loaded = data.load(str(tmp_path / "climbs.npz"))
    assert torch.equal(loaded.x, shown.pairs) and loaded.modality == shown.modality()
    assert loaded.modality.terminated == 1 and loaded.modality.episodes == 3
    lengths = shown.lengths.float()
    assert loaded.modality.absorbed == pytest.approx(float((200 - lengths).sum() / 600))
    assert loaded.modality.returned == pytest.approx(-float(lengths.mean()))
    assert "all ended before the limit of 200 steps" in loaded.notes[0]


def test_every_so_many_th_step_is_kept_from_a_random_one_on():
    places = environment.of(CART)
    whole, thin = (demonstrated(places, experts.find(places), 2, every, seed=3) for every in (1, 10))
    assert len(whole.pairs) == 400 and len(thin.pairs) == 40 and thin.returns.tolist() == [200, 200]
    for own, all_ in zip(thin.pairs.chunk(2), whole.pairs.chunk(2), strict=True):
        start = int((all_ == own[0]).all(1).nonzero()[0])
        assert start < 10 and torch.equal(own, all_[start::10])
    starts = {float(demonstrated(places, experts.find(places), 1, 10, seed).pairs[0, 0]) for seed in range(5)}
    assert len(starts) == 5


@pytest.mark.parametrize("name", ["CartPole-v0", "MountainCar-v0"])  # computed at once, and one by one
def test_neighbouring_seeds_share_no_episode(name: str):
    places = environment.of(name)
    shown = [demonstrated(places, experts.find(places), 4, 1, seed) for seed in (0, 1)]
    begun = [own.pairs[torch.cat([torch.zeros(1), own.lengths[:-1].cumsum(0)]).long()] for own in shown]
    assert len(torch.cat(begun).unique(dim=0)) == 8


def test_numbers_are_actions_too(tmp_path: Path):
    actions = np.linspace(-2, 2, 6, dtype=np.float32)[:, None]
    path = save(tmp_path / "swings.npz", environment="Pendulum-v1", states=np.zeros((6, 3)), actions=actions)
    loaded = data.load(str(path))
    assert not loaded.modality.discrete and torch.equal(loaded.x[:, 3:], torch.from_numpy(actions))
    assert loaded.modality.scale[:3] == (1.0, 1.0, 1.0), "a number that never changes"
    assert loaded.modality.scale[3] == pytest.approx(float(actions.std()), rel=1e-5)


@pytest.mark.parametrize(("changed", "message"), [
    ({"states": np.zeros((5, 3))}, r"states are float64 \(5, 3\), and CartPole-v0 has states of 4 numbers: give"),
    ({"states": np.zeros((5, 4, 1))}, r"states are float64 \(5, 4, 1\)"),
    ({"states": np.zeros((0, 4))}, r"states are float64 \(0, 4\)"),
    ({"actions": np.array([0, 1, 2, 0, 1])}, "has the action 2, and CartPole-v0 has the choices 0 to 1"),
    ({"actions": np.array([0, -1, 1, 0, 1])}, "has the action -1"),
    ({"actions": np.zeros((5, 2))}, r"actions are float64 \(5, 2\), .* one of 2 choices: give whole numbers \(5,\)"),
    ({"actions": np.array([0, 1])}, r"actions are int64 \(2,\)"),
    ({"states": np.full((5, 4), np.nan)}, "has states or actions that are not finite; remove these rows"),
    ({"environment": "Nowhere-v0"}, "there is no environment Nowhere-v0"),
    ({"environment": np.zeros(3)}, r"environment is float64 \(3,\), and should be a name, as 'CartPole-v1'"),
    ({"lengths": np.array([5]), "returns": np.array([1.0, 2.0])}, "each should have a number for each episode"),
    ({"lengths": np.array([5]), "terminated": np.array([1])}, "terminated is int64, and should be true or false"),
    ({"returns": np.array([np.inf])}, "has returns that are not finite"),
    ({"returns": np.array(["much"])}, "returns are <U4, and should be a number for each episode"),
    ({"lengths": np.array([True])}, "lengths are bool, and should be a number for each episode"),
    ({"lengths": np.array([20, -5])}, "has an episode of -5 steps, and CartPole-v0 has from 1 to 200: count all steps"),
    ({"lengths": np.array([np.nan])}, "has an episode of nan steps"),
    ({"lengths": np.array([2.5])}, "has an episode of 2.5 steps"),
    ({"lengths": np.array([201])}, "has an episode of 201 steps"),
])  # fmt: skip
def test_files_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        data.load(str(save(tmp_path / "wrong.npz", **changed)))


def test_a_file_without_its_environment_is_refused(tmp_path: Path):
    np.savez(tmp_path / "half.npz", states=STATES, actions=ACTIONS)
    with pytest.raises(DataError, match=r"half\.npz has no environment; zerosum record makes such files"):
        data.load(str(tmp_path / "half.npz"))


def test_demonstrations_by_name():
    loaded = data.load("demonstrations:Pendulum-v1", seed=3)
    assert loaded.modality.environment == "Pendulum-v1" and len(loaded) == 10 * 20
    assert demonstrations.FIRST in str(data.load("demonstrations").modality)
    with pytest.raises(DataError, match="no written expert"):
        data.load("demonstrations:MountainCarContinuous-v0")
