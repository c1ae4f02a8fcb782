"""What a game says that it can do, it does; and what D says of single samples is what it says of them in a round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.batches import Domains, Labelled, PartlyLabelled, Styled, field_names, samples_of
from zerosum.data.stream import deal
from zerosum.game import Game, Logits, Move, all_moves
from zerosum.latent_game import LatentGame
from zerosum.roles import (
    Acts,
    Answers,
    Attacks,
    Classifies,
    Completes,
    Discriminates,
    Drafts,
    Encodes,
    Generates,
    Illustrates,
    Predicts,
    Translates,
    has_role,
    in_role,
    makes_samples,
)


def labels(game: Game[Any], batch: Any) -> Tensor | None:
    """The classes, or texts, that D is asked about; None where there is no condition."""
    if not has_role(game, Generates) or in_role(game, Generates).condition is None:
        return None
    return getattr(batch, prompted(game))


def prompted(game: Game[Any]) -> str:
    """The field of what its samples are asked for."""
    return "text" if has_role(game, Illustrates) else "question" if has_role(game, Answers) else "y"


def judged_moves(game: Game[Any], batch: Any) -> Iterator[Move]:
    """The moves of a round in which somebody judges: the first, or one after a beginning, or of the last stage."""
    begins = has_role(game, Illustrates) or has_role(game, Attacks)
    steps = (10_000,) if has_role(game, Drafts) else (0, 10_000) if begins else (0,)
    step = next((step for step in steps if any(move.logits for move in all_moves(game.round(lambda: batch, step)))), 0)
    return all_moves(game.round(lambda: batch, step))


def test_it_makes_samples_of_a_field_and_draws_fields_of_the_data(case):
    game, data = case.game(), case.data()
    assert game.makes in data.fields and game.batch is case.recipe.batch
    decks = deal(data, game.batch, case.recipe.name)
    assert tuple(decks.fields) == field_names(game.batch)
    batch = case.trainer().stream()
    drawn = {"x": batch} if isinstance(batch, Tensor) else batch._asdict()
    assert {name: tuple(x.shape[1:]) for name, x in drawn.items()} == {
        name: field.modality.shape for name, field in decks.fields.items()
    }


def test_what_it_can_do_it_does(case):
    game, batch = case.game().eval(), case.batch()
    made = case.spec().fields[game.makes]
    assert makes_samples(game) or has_role(game, Classifies), "it makes no samples at all, and tells none apart"
    if has_role(game, Generates):
        role = in_role(game, Generates)
        assert isinstance(game.core, LatentGame)
        assert role.generate(case.z(game), case.y(game)).shape == (4, *made.shape)
        if role.condition is None:
            assert torch.equal(role.generate(z := case.z(game), torch.zeros(4)), role.generate(z)), (
                "it has no use for y"
            )
        else:
            assert role.condition == case.spec().fields[prompted(game)]
            with pytest.raises(ValueError, match=f"{game.name} is conditional: pass y"):
                role.generate(case.z(game))
    if has_role(game, Translates):
        a = samples_of(batch, in_role(game, Translates).takes)
        assert in_role(game, Translates).translate(a).shape == (4, *made.shape)
    if has_role(game, Predicts):
        start = in_role(game, Predicts).start
        foreseen = in_role(game, Predicts).predict(batch.x[:, :start], batch.actions[:, :-1])
        assert foreseen.shape == (4, made.shape[0] - start, *made.shape[1:])
    if has_role(game, Acts):
        role = in_role(game, Acts)
        for name, policy in role.policies().items():
            assert policy(batch[:, : role.behaviour.states]).shape == (4, role.behaviour.actions)
            seen = role.behave(7, 3, name)
            assert seen.shape == (7, *made.shape) and torch.equal(seen, role.behave(7, 3, name))
    if has_role(game, Classifies):
        logits = in_role(game, Classifies).classifier()(samples_of(batch))
        assert logits.shape == (4, case.spec().classes) and logits.isfinite().all()
    if has_role(game, Encodes):
        assert in_role(game, Encodes).encode(samples_of(batch)).shape == (4, in_role(game, Generates).prior.dim)


def test_the_score_is_what_d_says_of_real_samples_in_a_round(case):
    game, data = case.game().eval(), case.batch()
    if not has_role(game, Discriminates):
        pytest.skip("its discriminator judges no single samples")
    x, role = samples_of(data, game.makes), in_role(game, Discriminates)
    if case.packs:
        with pytest.raises(ValueError, match="its discriminator does not score single samples, only packs of 2"):
            role.score(x, labels(game, data))
        return
    score = role.score(x, labels(game, data))
    assert score.shape == (len(x),) and score.isfinite().all()
    plain = case.plain().eval()
    plain.load_state_dict(game.state_dict())
    real = next(move.logits.real for move in all_moves(plain.round(lambda: data, 10_000)) if move.logits).detach()
    if real.numel() == len(x):
        torch.testing.assert_close(score.detach(), real.flatten(), rtol=1e-4, atol=1e-5)
    else:  # one logit of each of several discriminators
        assert real.shape[0] == len(x) and ((score >= 0) & (score <= 1)).all()


def test_moves_that_judge_hand_over_their_logits(case):
    """As a pair of tensors of the opponent's, with a logit of each sample or pack; no generating move has any."""
    game, batch = case.game().train(), case.batch()
    if len(game.players()) == 1:
        pytest.skip("nobody judges")
    generating = generating_players(case, game)
    judging = [move for move in judged_moves(game, batch) if move.logits is not None]
    assert judging, "the monitor has nothing to read"
    for move in judging:
        assert isinstance(move.logits, Logits) and move.player not in generating
        assert not {"real", "fake"} & move.log.keys(), "logits are no values to log"
        for logits in move.logits:
            assert isinstance(logits, Tensor) and logits.dtype == torch.float32
            assert logits.shape[0] % 4 == 0 or has_role(game, Acts)  # episodes have any length


def generating_players(case: Any, game: Game[Any]) -> list[str]:
    """The players that move what samples are made by."""
    if has_role(game, Acts):
        return ["policy"]
    if not makes_samples(game):
        return []
    if isinstance(game.core, LatentGame):
        makers = {id(p) for p in game.core.generator.parameters()}
    else:
        own = [*game.parameters()]
        slopes = torch.autograd.grad(case.samples(game, case.batch()).sum(), own, allow_unused=True)
        makers = {id(p) for p, slope in zip(own, slopes, strict=True) if slope is not None}
    return [
        n for n, player in game.players().items() if makers & {id(p) for m in player.modules for p in m.parameters()}
    ]


def test_the_first_term_of_a_generating_move_is_its_objective(case):
    """It is called adversarial, and depends on an opponent's weights; techniques put another objective in its place."""
    game, batch = case.game().train(), case.batch()
    players = game.players()
    if len(players) == 1:
        pytest.skip("it has no opponent")
    if has_role(game, Predicts):
        pytest.skip("several players make its films, each by an objective of its own")
    if any(has_role(game, role) for role in (Completes, Answers, Acts)):
        pytest.skip("its opponent's say is a reward, which has no gradient")
    if not makes_samples(game):
        pytest.skip("its classifier's objective is that of the classes")
    (own,) = generating_players(case, game)
    opponents = [p for name, player in players.items() if name != own for m in player.modules for p in m.parameters()]
    moves = 0
    for move in judged_moves(game, batch):
        if move.player == own:
            name, term = next(iter(move.terms.items()))
            assert name == "adversarial"
            slopes = torch.autograd.grad(term, opponents, retain_graph=True, allow_unused=True)
            assert any(slope is not None for slope in slopes), "no opponent has a say in it"
            moves += 1
    assert moves > 0


def test_what_d_says_is_computed_where_d_is(case, every_op):
    with torch.device("meta"):
        game = case.game().eval()
    data = case.batch(device="meta")
    x, said = samples_of(data, game.makes), list[Tensor]()
    with every_op("meta"):
        if has_role(game, Discriminates) and not case.packs:
            said.append(in_role(game, Discriminates).score(x, labels(game, data)))
        if has_role(game, Classifies):
            said.append(in_role(game, Classifies).classifier()(x))
    assert all(tensor.device.type == "meta" for tensor in said)


def test_techniques_leave_the_roles_to_the_game(case_of):
    case = case_of("gan/toy")
    case.options = {"techniques": {"historical_averaging": 0.1}}
    game, x = case.game().eval(), case.batch()
    assert not isinstance(game, Discriminates) and has_role(game, Discriminates) and game.core is game.game
    assert torch.equal(in_role(game, Discriminates).score(x), game.game.score(x))


def test_labels_are_asked_about_where_they_are_drawn(case):
    """A game of classes learns from them: as a condition of its samples, or by a classifier."""
    game = case.game()
    if issubclass(game.batch, Labelled | PartlyLabelled | Domains | Styled):
        conditional = has_role(game, Generates) and in_role(game, Generates).condition is not None
        assert conditional or has_role(game, Classifies)
    else:
        assert not has_role(game, Classifies)
