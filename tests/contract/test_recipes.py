"""What every registered recipe keeps to. A new recipe is tested here without a line of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import torch

from zerosum.contract.rules import RULES, repeating, samples, values
from zerosum.contract.rules.rule import DoesNotApply, Rule
from zerosum.data.sources import absolute
from zerosum.games import two_player
from zerosum.games.stackgan import Stacked
from zerosum.roles import Generates, has_role, in_role, makes_samples
from zerosum.training.log_keys import values_of


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_it_keeps_the_rule(case, rule: Rule):
    with suppress(DoesNotApply):
        rule.check(case.of())


def test_it_is_described_and_trains_on_known_data(case):
    assert case.recipe.summary.endswith(".") and "\n" not in case.recipe.summary  # one line of a table
    game = case.game()
    assert type(game).__doc__ and type(game.core) is case.recipe.game
    if ":" not in case.recipe.name:  # not of a file of its own
        assert absolute(case.recipe.data) == case.recipe.data  # no folder of somebody's
        first, _, rest = case.recipe.name.partition("/")
        file = case.recipe.function.__module__.rpartition(".")[2].replace("_", "-")
        assert first == file if rest else first in two_player.NAMED  # where a reader looks for it


def test_it_can_be_built_without_values(case):
    with torch.device("meta"):
        assert all(p.device.type == "meta" for p in case.game().parameters())


def test_the_terms_of_a_round_keep_their_names(case):
    """A term may stay away for some rounds, as a lazy penalty does; the first round has them all, in their order."""
    trainer = case.trainer()
    trainer.game.train()
    rounds = []
    for step in range(3):
        keys = []
        for turn in trainer.game.round(trainer.stream, step):
            keys += [(move.player, *dict(values_of(move))) for move in turn.moves]
            trainer.play(turn)
        rounds.append(keys)
    first = rounds[0]
    for later in rounds[1:]:
        assert [keys[0] for keys in later] == [keys[0] for keys in first]
        assert all([k for k in whole if k in some] == list(some) for whole, some in zip(first, later, strict=True))


def test_samples_have_any_shape(case):
    odd = (4, 9, 11) if not issubclass(case.recipe.game, Stacked) else (4, 12, 20)  # sides that 4 divides, and no more
    others = {1: [], 2: [(2, 64), (3, 99)], 3: [(3, 16, 8), odd]}
    for shape in others[len(case.shape)]:
        if not makes_samples(case.game(shape)):  # and classifies
            values.logits(case.of(shape))
            continue
        samples.samples(case.of(shape))


def test_samples_come_from_z_and_conditions_never_from_the_data(case):
    """Equal z and y, equal samples; whatever data was drawn, and whichever random numbers come next."""
    game = case.game().eval()
    if not has_role(game, Generates):
        pytest.skip("it cannot generate from z")
    role, y = in_role(game, Generates), case.y(game)
    z = case.z(game)
    samples = role.generate(z, y)
    list(game.round(case.batch, 10_000))
    torch.manual_seed(3)
    assert torch.equal(role.generate(z, y), samples)
    assert not torch.equal(role.generate(z + 1, y), samples)
    torch.manual_seed(3)
    z = case.z(game)
    drawn = role.generate(z, y)
    assert not torch.equal(drawn, role.generate(case.z(game), y))
    torch.manual_seed(3)
    assert torch.equal(case.z(game), z) and torch.equal(drawn, role.generate(z, y))
    if y is not None:
        assert not torch.equal(role.generate(z, (y + 1) % role.condition.size), drawn)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
@pytest.mark.parametrize("name", ["gan/toy", "dcgan"])  # one of points and one of images
def test_resuming_is_exact_with_any_optimizer(case_of, name: str, optimizer: str, tmp_path: Path):
    case = case_of(name)
    chosen = {"kind": optimizer, "lr": 1e-3}
    case.options = case.options | {"config": {"g_optimizer": chosen, "d_optimizer": chosen}}
    repeating.resume(case.of(), tmp_path)
