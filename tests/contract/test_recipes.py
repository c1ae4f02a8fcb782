"""What every registered recipe keeps to. A new recipe is tested here without a line of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum import options
from zerosum.data import SOURCES
from zerosum.game import Game
from zerosum.games import two_player
from zerosum.roles import Generates, has_role, in_role
from zerosum.training import checkpoint
from zerosum.training.log_keys import values_of
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def parameters(game: Game[Any], player: str) -> list[nn.Parameter]:
    return [p for module in game.players()[player].modules for p in module.parameters()]


def state(trainer: Trainer) -> dict[str, Tensor]:
    """Everything that a resumed run needs to have right."""
    average = trainer.average
    tensors = {f"game/{k}": v for k, v in trainer.game.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in average.followers.items()} if average else {}
    for player, optimizer in trainer.optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{player}/{number}/{k}": v for k, v in slots.items() if v is not None}
    tensors |= {f"random/{k}": v for k, v in rng.capture().items()}
    tensors |= {f"stream/{k}": torch.tensor(v % 2**62) for k, v in trainer.stream.state().items()}
    tensors["step"] = torch.tensor([trainer.step, average.rounds if average else 0])
    return {k: v.detach().clone() for k, v in tensors.items()}


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    assert a.keys() == b.keys()
    return [k for k in a if not torch.equal(a[k], b[k])]


def test_it_is_described_and_trains_on_known_data(case):
    assert case.recipe.summary.endswith(".") and "\n" not in case.recipe.summary  # one line of a table
    game = case.game()
    assert type(game).__doc__ and type(game.core) is case.recipe.game
    if ":" not in case.recipe.name:  # not of a file of its own
        assert case.recipe.data.partition(":")[0] in SOURCES
        first, _, rest = case.recipe.name.partition("/")
        file = case.recipe.function.__module__.rpartition(".")[2].replace("_", "-")
        assert first == file if rest else first in two_player.NAMED  # where a reader looks for it
    for option in [o for default in case.recipe.options.values() for o in options.rows(default)]:
        assert option.help, f"{option.name} has no sentence that says what it is"


def test_its_options_survive_json(case):
    chosen = case.recipe.resolve(case.options)
    for name, value in chosen.items():
        text = json.dumps(options.to_json(value))
        assert options.parse(type(value)(), json.loads(text)) == value, name


def test_every_parameter_belongs_to_exactly_one_player(case):
    game = case.game()
    owned = [id(p) for player in game.players() for p in parameters(game, player)]
    assert sorted(owned) == sorted(id(p) for p in game.parameters())
    assert all(parameters(game, player) for player in game.players())


def test_a_move_changes_its_player_alone(case):
    trainer = case.trainer(average=0.0)
    game, played = trainer.game.train(), []
    for move in game.round(trainer.stream, 0):
        before = {name: p.detach().clone() for name, p in game.named_parameters()}
        for p in game.parameters():
            p.grad = None
        trainer.play(move)
        own = {id(p) for p in parameters(game, move.player)}
        for name, p in game.named_parameters():
            if id(p) in own:
                assert p.grad is not None, f"{move.player}'s move gives {name} no gradient"
            else:
                assert p.grad is None, f"{move.player}'s move gives {name} a gradient"
                assert torch.equal(p, before[name]), f"{move.player}'s move changes {name}"
        assert any(not torch.equal(p, before[n]) for n, p in game.named_parameters() if id(p) in own)
        played.append(move.player)
    assert set(played) == set(game.players())


def test_terms_are_finite_scalars_with_names_that_stay(case):
    """A term may stay away for some rounds, as a lazy penalty does; the first round has them all, in their order."""
    trainer = case.trainer()
    trainer.game.train()
    rounds = []
    for step in range(3):
        keys = []
        for move in trainer.game.round(trainer.stream, step):
            for term in move.terms.values():
                assert term.shape == () and term.dtype == torch.float32 and term.requires_grad and term.isfinite()
            logged = dict(values_of(move))
            assert all(value.isfinite().all() for value in logged.values())
            keys.append((move.player, *logged))
            trainer.play(move)
        rounds.append(keys)
    first = rounds[0]
    for later in rounds[1:]:
        assert [keys[0] for keys in later] == [keys[0] for keys in first]
        assert all([k for k in whole if k in some] == list(some) for whole, some in zip(first, later, strict=True))


def test_a_round_makes_nothing_on_another_device(case, every_op):
    """Nor reads anything: a meta tensor has no value, so `.item()` and `bool()` fail on it; a GPU would wait."""
    with torch.device("meta"):
        game = case.game().train()
    players, batch = game.players(), case.batch(device="meta")
    with every_op("meta"):
        moves = 0
        for move in game.round(lambda: batch, 0):
            move.loss.backward(inputs=parameters(game, move.player))
            moves += 1
        assert moves >= len(players)
        assert case.samples(game, batch, "meta").device.type == "meta"


def test_samples_have_the_shape_of_the_data(case):
    shapes = [case.shape] if len(case.shape) == 1 else [case.shape, (3, 16, 8), (4, 9, 11)]
    for shape in shapes:
        game = case.game(shape).eval()
        modality = case.spec(shape).fields[game.makes]
        samples = case.samples(game, case.batch(shape))
        assert samples.shape == (4, *modality.shape) and samples.isfinite().all()
        assert modality.store(samples).dtype == case.data().fields[game.makes].stored.dtype


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


def test_the_same_seed_plays_the_same_game(case):
    results = []
    for seed in (5, 5, 6):
        rng.seed(seed)
        trainer = case.trainer()
        trainer.game.train()
        trainer.round()
        results.append({k: v for k, v in state(trainer).items() if k.startswith("game/")})
    assert differing(results[0], results[1]) == []
    assert differing(results[0], results[2]) != []


def play(trainer: Trainer, rounds: int) -> Trainer:
    trainer.game.train()
    for _ in range(rounds):
        trainer.round()
    return trainer


def check_resuming(case: Any, folder: Path) -> None:
    """Four rounds equal two, a checkpoint, a fresh start from it and two more: weights, slots, random numbers, data."""
    rng.seed(2)
    end = state(play(case.trainer(), 4))

    rng.seed(2)
    half = play(case.trainer(), 2)
    middle = state(half)
    saved = checkpoint.save(half, folder, keep=1)
    assert differing(state(half), middle) == [], "saving changes the run"

    rng.seed(9)  # another process: other weights, other random numbers
    fresh = play(case.trainer(), 1)
    checkpoint.resume(fresh, saved)
    assert differing(state(fresh), middle) == []
    assert differing(state(play(fresh, 2)), end) == []


def test_resuming_is_exact(case, tmp_path: Path):
    check_resuming(case, tmp_path)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
@pytest.mark.parametrize("name", ["gan/toy", "dcgan"])  # one of points and one of images
def test_resuming_is_exact_with_any_optimizer(case_of, name: str, optimizer: str, tmp_path: Path):
    case = case_of(name)
    chosen = {"kind": optimizer, "lr": 1e-3}
    case.options = case.options | {"config": {"g_optimizer": chosen, "d_optimizer": chosen}}
    check_resuming(case, tmp_path)


def test_it_plays_in_bf16(case):
    trainer = case.trainer(precision="bf16", clip=10.0)
    trainer.game.train()
    for _ in range(2):
        trainer.round()
    values = trainer.pop_metrics()
    assert values and all(p.dtype == torch.float32 and p.isfinite().all() for p in trainer.game.parameters())
    assert {f"{player}/gradient_norm" for player in trainer.players} <= values.keys()
