"""GAIL: what D is told of ends, which rewards it gives, and that a policy comes to act as was demonstrated."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import corridor
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum import data
from zerosum.data.behaviour import demonstrations, environment, experts
from zerosum.data.behaviour.episodes import Played, play
from zerosum.errors import ZerosumError
from zerosum.evaluation.returns import of_policy
from zerosum.games import find
from zerosum.games.gail import GAIL
from zerosum.modality import Behaviour, Points, Spec
from zerosum.options import OptionError, idle
from zerosum.studies.training import last_weights, trainer_of
from zerosum.training.trainer import Trainer

corridor.register()
CART = Behaviour("CartPole-v0", 4, 2, True, 200, terminated=0.0, absorbed=0.0)
PPO: dict[str, Any] = {"optimizer": {"kind": "adam", "lr": 3e-4}}


def built(behaviour: Behaviour = CART, **options: Any) -> GAIL:
    torch.manual_seed(0)
    game = find("gail/classic").build(Spec({"x": behaviour}, 100), options)
    assert isinstance(game, GAIL)
    return game


def right(states: Tensor) -> Tensor:
    return F.one_hot(torch.ones(len(states), dtype=torch.long), 2).float()


def walked(policy: Any = right, steps: int = 16) -> Played:
    return play(environment.of(corridor.NAME), policy, count=3, seed=1, steps=steps)


HALL = Behaviour(corridor.NAME, 2, 2, True, corridor.CUT, terminated=0.75, absorbed=0.5)


@pytest.mark.parametrize(("reward", "terminated", "form"), [
    ("auto", 0.0, "positive"), ("auto", 1.0, "negative"), ("auto", 0.5, "positive"), ("auto", None, "positive"),
    ("positive", 1.0, "positive"), ("negative", 0.0, "negative"), ("signed", 1.0, "signed"),
])  # fmt: skip
def test_the_sign_of_rewards_goes_by_how_episodes_ended(reward: str, terminated: float | None, form: str):
    absorbed = None if terminated is None else terminated / 2
    game = built(replace(HALL, terminated=terminated, absorbed=absorbed), config={"reward": reward})
    assert game.form == form
    words = {"positive": "-log(1 - D)", "negative": "log D", "signed": "log D - log(1 - D)"}[form]
    assert game.remark().startswith(f"rewards: {words}, as ")
    told = "nothing says how" if terminated is None else f"{terminated:.0%} of the demonstrated episodes ended before"
    assert (told in game.remark()) is (reward == "auto") is not ("as was asked for" in game.remark())


@pytest.mark.parametrize("form", ["positive", "negative", "signed"])
def test_rewards_are_those_of_d(form: str):
    game, played = built(HALL, config={"reward": form}), walked()
    rewards, after = game._rewards(played)
    d = game.discriminator(played.pairs)[:, 0].sigmoid()
    at_end = game.discriminator.after_the_end(played.pairs).sigmoid()[0, 0]
    known = {"positive": lambda d: -(1 - d).log(), "negative": torch.log, "signed": torch.logit}[form]
    torch.testing.assert_close(rewards[played.within], known(d))
    assert (rewards[~played.within] == 0).all()
    torch.testing.assert_close(after, known(at_end) * corridor.CUT)  # as many steps as its limit, at most


def test_controls_know_no_data():
    played = walked()
    rewards, after = built(HALL, config={"reward": "constant"})._rewards(played)
    assert (rewards == 1).all() and after == 0
    rewards, _ = built(HALL, config={"reward": "random"})._rewards(played)
    assert rewards.min() >= 0 and rewards.std() > 0.2


def test_without_an_absorbing_state_the_end_is_worth_nothing():
    game = built(HALL, config={"absorbing": "never"})
    assert not game.discriminator.absorbing and game._rewards(walked())[1] == 0
    assert "what comes after the end of an episode is worth 0" in game.remark()


@pytest.mark.parametrize(("terminated", "asked", "absorbing"), [
    (0.0, "auto", False), (1.0, "auto", False), (0.75, "auto", True), (1.0, "always", True), (0.75, "never", False),
])  # fmt: skip
def test_there_is_an_absorbing_state_where_no_sign_of_rewards_will_do(terminated: float, asked: str, absorbing: bool):
    game = built(replace(HALL, terminated=terminated, absorbed=terminated / 2), config={"absorbing": asked})
    assert game.discriminator.absorbing is absorbing
    assert ("goes on in a state that D judges" in game.remark()) is absorbing


@pytest.mark.parametrize("reward", ["constant", "random"])
def test_rewards_that_know_no_data_judge_no_end(reward: Any):
    game = built(HALL, config={"reward": reward})
    assert not game.discriminator.absorbing and "the end of an episode is worth 0" in game.remark()
    (said,) = list(idle(GAIL.Config(reward=reward, absorbing="always"), GAIL.Config(reward=reward)))
    assert said.startswith(f"absorbing has no effect while reward is {reward}: change reward, too")


def test_the_smallest_minibatches_are_not_empty():
    batch = torch.cat([torch.zeros(16, 2), right(torch.zeros(16, 2))], 1)
    for options in ({}, PPO):
        game = built(HALL, moves={"steps": 40, "epochs": 1, "minibatch": 2, **options})
        losses = [float(move.loss.detach()) for move in game.round(lambda: batch, 0)]
        assert len(losses) > 20 and all(map(math.isfinite, losses))
    with pytest.raises(OptionError, match="minibatch: should be greater than 1, got 1"):
        built(HALL, moves={"minibatch": 1})


def test_both_policies_are_averaged():
    players = built().players()
    assert players["policy"].averaged and players["clone"].averaged and not players["value"].averaged


def test_how_much_of_an_episode_comes_after_its_end():
    game, played = built(HALL), walked(steps=corridor.CUT)
    lengths = played.lengths()
    after = int((corridor.CUT - lengths).sum())
    assert game._absorbed(played) == pytest.approx(after / (after + int(played.within.sum())))
    cut = walked(lambda s: right(s).flip(1), corridor.CUT)
    assert game._absorbed(cut) == 0, "the limit is no end"


def test_d_weighs_what_comes_after_ends_as_it_was_shown():
    """(1 - a) mean over steps + a of the absorbing state, on both sides."""
    game, real = built(HALL), torch.cat([torch.zeros(5, 2), right(torch.zeros(5, 2))], 1)
    fake = walked().pairs
    move = game._tell_apart(real, fake, 0.25)
    end = game.discriminator.after_the_end(real)[0, 0]
    on_real, on_fake = F.softplus(-game.discriminator(real)).mean(), F.softplus(game.discriminator(fake)).mean()
    wanted = 0.5 * on_real + 0.5 * F.softplus(-end) + 0.75 * on_fake + 0.25 * F.softplus(end)
    torch.testing.assert_close(move.terms["adversarial"], wanted)


def test_d_s_penalty_is_in_demonstrated_deviations():
    """R1 and R2 of D as a function of what it sees: of demonstrations twice as wide they are the same."""
    pairs = walked().pairs
    wide = replace(HALL, mean=(0.0,) * 4, scale=(2.0, 2.0, 1.0, 1.0))
    found = []
    for behaviour, seen in ((HALL, pairs), (wide, pairs * torch.tensor([2.0, 2.0, 1.0, 1.0]))):
        terms = built(behaviour, config={"penalty": 3.0})._tell_apart(seen, seen, 0.0).terms
        found.append(terms["penalty"].item())
    assert found[0] == pytest.approx(found[1], rel=1e-4) and found[0] > 0
    d, x = built(HALL).discriminator, pairs.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(d(x).sum(), x)
    assert found[0] == pytest.approx(3 * slopes.square().sum(1).mean().item(), rel=1e-4)
    assert "penalty" not in built(HALL, config={"penalty": 0.0})._tell_apart(pairs, pairs, 0.0).terms


def test_d_s_entropy_is_that_of_its_verdicts():
    game, pairs = built(HALL, config={"entropy": 1.0}), walked().pairs
    move = game._tell_apart(pairs, pairs, 0.0)
    p = game.discriminator(pairs).sigmoid()
    entropy = torch.distributions.Bernoulli(p).entropy().mean()
    torch.testing.assert_close(move.terms["entropy"], -entropy)


def test_an_absorbing_state_needs_to_know_how_episodes_ended():
    unknown = replace(HALL, terminated=None, absorbed=None)
    assert not built(unknown).discriminator.absorbing
    with pytest.raises(
        ZerosumError, match="nothing says how the demonstrated episodes ended, which --absorbing always needs"
    ):
        built(unknown, config={"absorbing": "always"})


def test_other_data_is_refused():
    with pytest.raises(ValueError, match=r"gail learns from demonstrations, and x holds points .*; zerosum record"):
        find("gail/classic").build(Spec({"x": Points(2)}))


def test_ppo_makes_a_move_a_minibatch_and_trpo_one():
    batch = torch.cat([torch.zeros(16, 4), right(torch.zeros(16, 4))], 1)
    moves = {"steps": 200, "epochs": 2, "minibatch": 100}
    for options, policy in ((moves, 1), (moves | PPO, 4)):
        game = built(moves=options)
        players = [move.player for move in game.round(lambda: batch, 0)]
        assert players.count("policy") == policy and players.count("value") == 4
        assert players.count("discriminator") == game.config.d_steps
        assert players.count("clone") == game.config.clone_steps


def test_d_sees_as_many_steps_of_the_policy_as_asked_for():
    batch = torch.cat([torch.zeros(16, 4), right(torch.zeros(16, 4))], 1)
    for fakes, seen in ((30, 30), (None, 190), (9_999, 190)):
        game = built(config={"fakes": fakes, "pairs": 40}, moves={"steps": 200, "epochs": 1})
        logits = next(move.logits for move in game.round(lambda: batch, 0))
        assert len(logits.real) == 48, "whole batches"
        assert len(logits.fake) == seen or (seen > 30 and 180 < len(logits.fake) <= 200)


def test_a_bonus_for_entropy_is_the_policy_s():
    batch = torch.cat([torch.zeros(16, 4), right(torch.zeros(16, 4))], 1)
    for options in ({}, PPO):
        game = built(moves={"steps": 200, "epochs": 1, "entropy": 0.5, **options})
        move = next(move for move in game.round(lambda: batch, 0) if move.player == "policy")
        assert move.terms["entropy"].item() == pytest.approx(-0.5 * 0.6931, abs=0.01), "of two choices nearly alike"
        assert 5 < move.log["return"].item() < 60 and move.log["return"] == move.log["length"]


def imitator(name: str, count: int, every: int, seed: int, **options: Any) -> Trainer:
    places = environment.of(name)
    shown = demonstrations.demonstrated(places, experts.find(places), count, every, seed)
    loaded = demonstrations.dataset(name, shown)
    training = last_weights(40, min(16, len(loaded)), seed, 10, 100)
    return trainer_of(lambda spec: find("gail/classic").build(spec, options), loaded, training)


@pytest.mark.parametrize("moves", [{"steps": 2_000}, {"steps": 2_000, **PPO, "minibatch": 250}], ids=["trpo", "ppo"])
def test_from_one_thinned_episode_a_pole_is_balanced_and_cloning_does_not(moves: dict[str, Any]):
    """Twenty steps are shown. Ho and Ermon, 2016, figure 1: 200 for GAIL, 72 for cloning."""
    trainer = imitator("CartPole-v0", 1, 10, 103, moves=moves)
    assert isinstance(trainer.game, GAIL)
    trainer.train()
    places = environment.of("CartPole-v0")
    policy, clone = (float(of_policy(places, act, 20, 5).mean()) for act in trainer.game.policies().values())
    assert policy > 170 and policy > clone + 40


def test_who_is_shown_nothing_good_learns_nothing_good():
    """An expert that always pushes left: a policy that balanced the pole would have learnt from its rewards' sign."""
    places = environment.of("CartPole-v0")
    shown = demonstrations.demonstrated(places, lambda s: right(s).flip(1), 10, 1, 100)
    loaded = demonstrations.dataset("left", shown)
    assert loaded.modality.terminated == 1
    training = last_weights(40, 16, 100, 10, 100)
    options = {"moves": {"steps": 2_000}}
    trainer = trainer_of(lambda spec: find("gail/classic").build(spec, options), loaded, training)
    trainer.train()
    assert of_policy(places, trainer.game.policies()["policy"], 20, 5).mean() < 20


def test_numbers_are_learnt_as_actions():
    trainer = imitator("Pendulum-v1", 2, 5, 100, moves={"steps": 400, "epochs": 1})
    trainer.training = replace(trainer.training, steps=2)
    trainer.train()
    assert data.load("demonstrations:Pendulum-v1").modality.fits(trainer.game.behaviour)  # type: ignore[union-attr]
    assert trainer.game.policies()["policy"](torch.zeros(3, 3)).shape == (3, 1)  # type: ignore[operator]
