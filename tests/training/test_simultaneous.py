"""Moves at once: the gradients where all players stand, and then the steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum.batches import Draw
from zerosum.contract.case import Case
from zerosum.contract.rules import RULES
from zerosum.contract.rules.rule import Broken, DoesNotApply
from zerosum.game import Game, Move, Player, Simultaneous, Turn
from zerosum.games import find
from zerosum.losses import adversarial
from zerosum.modality import Image, Points, Spec
from zerosum.optim import SGD
from zerosum.recipe import Training
from zerosum.techniques import Techniques
from zerosum.techniques.apply import WithTechniques, with_techniques
from zerosum.training.trainer import Trainer

H = 0.1
STEPS = 40
RECIPES = ("gan/toy", "bigan/toy")
AT_ONCE = {"config": {"order": "simultaneous"}}
POINTS = Spec({"x": Points(2)})


class Nothing:
    """A stream of the same two points."""

    def __call__(self) -> Tensor:
        return torch.tensor([[0.5, -1.0], [2.0, 0.0], [-0.3, 0.7], [1.0, 1.0]])

    def state(self) -> dict[str, int]:
        return {}

    def restore(self, state: object) -> None:
        return


class Scalar(nn.Module):
    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor([value], dtype=torch.float64))


class Bilinear(Game[Tensor]):
    """x descends x y, y ascends it."""

    name = "bilinear"

    def __init__(self, at_once: bool):
        super().__init__()
        self.x, self.y, self.at_once = Scalar(1.0), Scalar(0.0), at_once

    def players(self) -> dict[str, Player]:
        sgd = SGD(H, momentum=0.0)
        return {"x": Player(sgd, (self.x,)), "y": Player(sgd, (self.y,))}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Turn]:
        value = (self.x.value * self.y.value).sum()
        if self.at_once:
            yield Simultaneous(Move("x", value=value), Move("y", value=-value))
        else:
            yield Move("x", value=value)
            yield Move("y", value=-(self.x.value * self.y.value).sum())


def path(at_once: bool) -> list[complex]:
    game = Bilinear(at_once)
    trainer = Trainer(game, Nothing(), Training(steps=STEPS, average=0.0, precision="fp32"))
    points = [complex(1, 0)]
    for _ in range(STEPS):
        trainer.round()
        points.append(complex(game.x.value.item(), game.y.value.item()))
    return points


def test_at_once_the_players_of_a_bilinear_game_turn_and_move_away():
    """z' = (1 + i h) z, with z = x + i y: radius and angle of every step are known."""
    points = path(at_once=True)
    for before, after in itertools.pairwise(points):
        assert after == pytest.approx(before * complex(1, H), abs=1e-12)
    assert abs(points[-1]) == pytest.approx((1 + H * H) ** (STEPS / 2), rel=1e-12)


def test_one_after_the_other_they_keep_an_ellipse():
    """x' = x - h y and y' = y + h x': of determinant 1, it keeps x^2 + y^2 - h x y."""
    points = path(at_once=False)
    kept = [p.real**2 + p.imag**2 - H * p.real * p.imag for p in points]
    assert kept == pytest.approx([1.0] * len(kept), rel=1e-12)
    assert max(map(abs, points)) < 1 / math.sqrt(1 - H / 2) + 1e-12


def test_what_is_no_turn_at_once_is_refused():
    term = torch.ones((), requires_grad=True)
    move = Move("a", value=term)
    for moves in ((), (move,), (move, Move("a", value=term))):
        with pytest.raises(ValueError, match="one move each of two players or more"):
            Simultaneous(*moves)
    searching = Move("b", value=term).searched(lambda: (term, term))  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="b searches"):
        Simultaneous(move, searching)


@pytest.mark.parametrize("recipe", RECIPES)
def test_such_a_round_keeps_the_contract(recipe: str):
    asked = 0
    for rule in RULES:
        case = Case(find(recipe), POINTS, AT_ONCE)
        try:
            rule.check(case)
            asked += 1
        except DoesNotApply:
            pass
        except Broken as error:
            pytest.fail(f"{rule.name}: {error}")
    assert asked > len(RULES) - 8


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("recipe", RECIPES)
def test_only_the_last_of_ds_moves_is_made_with_gs(recipe: str, steps: int):
    game = find(recipe).build(POINTS, {"config": {"order": "simultaneous", "d_steps": steps}}).train()
    turns = list(game.round(Nothing(), 0))
    assert [[move.player for move in turn.moves] for turn in turns] == [
        *[["discriminator"]] * (steps - 1),
        ["discriminator", "generator"],
    ]


@pytest.mark.parametrize("recipe", RECIPES)
def test_both_gradients_are_of_one_forward_pass(recipe: str):
    """G is asked once; its loss is of the logits that D's is of, so of the same fakes and the same dropout masks."""
    torch.manual_seed(0)
    game = find(recipe).build(POINTS, AT_ONCE).train()
    drawn: list[Tensor] = []
    game.get_submodule("generator").register_forward_hook(lambda _, __, made: drawn.append(made))
    (turn,) = game.round(Nothing(), 0)
    d, g = turn.moves
    assert len(drawn) == 1 and d.logits is not None
    real, fake = d.logits
    expected = adversarial.non_saturating.g(fake)
    if recipe.startswith("bigan"):
        expected = expected + adversarial.non_saturating.g(-real)
    assert torch.equal(g.loss, expected)
    own = [p for module in game.players()["generator"].modules for p in module.parameters()]
    slopes = torch.autograd.grad(expected, own, retain_graph=True)
    trainer = Trainer(game, Nothing(), Training(steps=1, average=0.0, precision="fp32"))
    trainer.play(turn)
    assert all(p.grad is not None and torch.equal(p.grad, slope) for p, slope in zip(own, slopes, strict=True))


def test_both_gradients_are_of_the_same_dropout_masks():
    """D, whose layers drop units, sees the fakes once, and G's loss is of what it said then."""
    torch.manual_seed(0)
    spec = Spec({"x": Image(1, 4, 4)})
    game = find("gan/paper").build(spec, {"config": {"initial_samples": 0}}).train()
    d_network = game.get_submodule("discriminator")
    said: list[Tensor] = []
    d_network.register_forward_hook(lambda _, __, logits: said.append(logits))
    (turn,) = game.round(lambda: torch.rand(8, 1, 4, 4) * 2 - 1, 0)
    d, g = turn.moves
    assert len(said) == 2 and d.logits is not None and d.logits.fake is said[1]
    assert torch.equal(g.loss, adversarial.non_saturating.g(said[1]))
    x = torch.rand(8, 1, 4, 4)
    assert not torch.equal(d_network(x), d_network(x)), "other passes have other masks"


@pytest.mark.parametrize("recipe", RECIPES)
def test_norms_are_logged_and_clipped_for_each_player(recipe: str):
    game = find(recipe).build(POINTS, {"config": AT_ONCE["config"]})
    trainer = Trainer(game, Nothing(), Training(steps=1, average=0.0, precision="fp32", clip=1e-3))
    trainer.round()
    for player in ("generator", "discriminator"):
        norm = torch.stack([p.grad.norm() for p in trainer.parameters[player] if p.grad is not None]).norm()
        assert norm.item() == pytest.approx(1e-3, rel=1e-2)
        assert trainer.pending and any(key == f"{player}/gradient_norm" for _, key, _ in trainer.pending)


def test_historical_averages_begin_where_the_first_data_put_the_weights():
    spec, averaged = Spec({"x": Image(1, 4, 4)}), Techniques(historical_averaging=0.1, minibatch_discrimination=3)
    built = find("gan/paper").build(spec, {"config": {"initial_samples": 8}})
    game = with_techniques(built, averaged, spec.x).train()
    (turn,) = game.round(lambda: torch.rand(8, 1, 4, 4) - 1, 0)
    assert all(move.terms["historical"] == 0 for move in turn.moves)


def test_historical_averages_follow_after_both_steps():
    game = with_techniques(find("gan/toy").build(POINTS, AT_ONCE), Techniques(historical_averaging=0.1), Points(2))
    assert isinstance(game, WithTechniques)
    trainer = Trainer(game, Nothing(), Training(steps=2, average=0.0, precision="fp32"))
    before = {player: [p.detach().clone() for p in own] for player, own in trainer.parameters.items()}
    trainer.round()
    for player, own in trainer.parameters.items():
        means = game._history(player).means
        for mean, old, new in zip(means, before[player], own, strict=True):
            assert torch.allclose(mean, (old + new) / 2), "of where it stood and where it has come to"
    values = trainer.pop_metrics()
    assert {"generator/historical", "discriminator/historical"} <= values.keys()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_of_such_rounds_is_taken_up_bit_for_bit(recipe: str, tmp_path: Path):
    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == 10

    chosen: dict[str, Any] = {"data": "ring", "steps": 20, "batch_size": 16, "order": "simultaneous", "quiet": True}
    whole = zerosum.train(recipe, out=tmp_path / "whole", **chosen)
    zerosum.train(recipe, out=tmp_path / "run", hooks=[stop], **chosen)
    run = zerosum.resume(tmp_path / "run", quiet=True)
    assert run.step == 20
    a, b = whole.game.state_dict(), run.game.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
