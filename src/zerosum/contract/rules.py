"""The rules of the contract, each a function of a `Case` that raises `Broken` where a game does not keep it.

`RULES` is the only list of them: `tests/contract/test_rules.py` asks them of every recipe, and `zerosum check` of a
user's game.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zerosum import options
from zerosum.contract.case import Case
from zerosum.contract.watching import ElsewhereError, OnlyOn, Written
from zerosum.game import Game, Move
from zerosum.roles import Classifies, Discriminates, Encodes, Generates, Translates, has_role, in_role
from zerosum.training import checkpoint
from zerosum.training.log_keys import values_of
from zerosum.training.trainer import Trainer, parameters_of
from zerosum.util import rng

TURNS = 12  # rounds in which every player moves at least once
LATER = 10_000  # a round after any beginning, in which a player may learn alone
PHASES = 60  # rounds whose phases are looked at
CLOSE = 1e-3  # of a sample alone and in a batch, beside the largest number of both


class Broken(Exception):
    """A game does not keep a rule: what was found, and the cure."""

    def __init__(self, found: str, cure: str):
        self.found, self.cure = found, cure
        super().__init__(f"{found}; {cure}")


class DoesNotApply(Exception):
    """There is nothing in a game that a rule could be asked of; the message says why."""


@dataclass(frozen=True)
class Rule:
    """One promise of every game."""

    name: str
    promise: str
    check: Callable[[Case], None]


def plain_options(case: Case) -> None:
    for name, value in case.recipe.resolve(case.options).items():
        text = json.dumps(options.to_json(value))
        if options.parse(type(value)(), json.loads(text)) != value:
            raise Broken(
                f"{name} comes back from JSON as another value",
                "give its fields types that JSON has: numbers, words, tuples, dataclasses",
            )
    for option in (row for default in case.recipe.options.values() for row in options.rows(default)):
        if not option.help:
            raise Broken(
                f"the option {option.name} does not say what it is",
                f'write {option.name.rpartition(".")[2]}: Annotated[{option.type.split()[0]}, "what it is"]',
            )


def partition(case: Case) -> None:
    game = case.game()
    players, owners = game.players(), dict[int, list[str]]()
    for player in players:
        own = _own(game, player)
        if not own:
            raise Broken(
                f"the player {player!r} has no parameters to move",
                "give it its networks: Player(optimizer, (network,))",
            )
        for p in own:
            owners.setdefault(id(p), []).append(player)
    names = {id(p): name for name, p in game.named_parameters()}
    for key, of in owners.items():
        if key not in names:
            raise Broken(
                f"{of[0]} moves a parameter that is in no module of the game",
                "set its network as an attribute of the game: self.network = network",
            )
        if len(of) > 1:
            raise Broken(
                f"{names[key]} belongs to {' and '.join(of)}",
                "give each network to one player; what both use, one of them moves",
            )
    for name, p in game.named_parameters():
        if p.requires_grad and id(p) not in owners:
            raise Broken(
                f"{name} belongs to no player",
                "add its module to a player, or freeze it by requires_grad_(False)",
            )


def turns(case: Case) -> None:
    trainer = case.trainer()
    missing = set(trainer.players)
    for step in (*range(TURNS), LATER):
        for move in _moves(trainer, step):
            if move.player not in trainer.players:
                raise Broken(
                    f"a move is of {move.player!r}, and the players are {' and '.join(trainer.players)}",
                    "name a player in Move(...) as players() names it",
                )
            missing.discard(move.player)
            trainer.play(move)
        if not missing:
            return
    raise Broken(
        f"{' and '.join(sorted(missing))} made no move in {TURNS} rounds, nor in a later one",
        "yield a Move of every player, or leave the player out of players()",
    )


def own_moves(case: Case) -> None:
    trainer = case.trainer(average=0.0)
    game = trainer.game
    _forget_gradients(game)
    for move in _moves(trainer, 0):
        if touched := [name for name, p in game.named_parameters() if p.grad is not None]:
            raise Broken(
                f"the round computes a gradient of {touched[0]} itself, before {move.player}'s move is made",
                "call neither backward nor an optimiser's step: yield the loss in a Move (torch.autograd.grad is fine)",
            )
        before = {name: p.detach().clone() for name, p in game.named_parameters()}
        trainer.play(move)
        own = {id(p) for p in _own(game, move.player)}
        for name, p in game.named_parameters():
            if id(p) not in own and not torch.equal(p, before[name]):
                raise Broken(
                    f"{move.player}'s move changes {name}, which is not its own",
                    "change parameters by moves of their player alone",
                )
        if all(torch.equal(p, before[name]) for name, p in game.named_parameters() if id(p) in own):
            raise Broken(
                f"{move.player}'s move changes nothing",
                "look whether its loss depends on its networks (a detach() or no_grad() too many), and its rate",
            )
        _forget_gradients(game)


def gradients(case: Case) -> None:
    trainer = case.trainer(average=0.0)
    names = {id(p): name for name, p in trainer.game.named_parameters()}
    for move in _moves(trainer, 0):
        if not move.loss.requires_grad:
            raise Broken(
                f"the loss of {move.player} depends on no parameter",
                "look for a detach(), no_grad() or .item() on the way to it",
            )
        own = _own(trainer.game, move.player)
        slopes = torch.autograd.grad(move.loss, own, retain_graph=True, allow_unused=True)
        if lacking := [names[id(p)] for p, slope in zip(own, slopes, strict=True) if slope is None]:
            raise Broken(
                f"{move.player}'s move gives {_some(lacking)} no gradient",
                "use it in the loss, freeze it by requires_grad_(False), or give it to the player whose loss it is in",
            )
        trainer.play(move)


def terms(case: Case) -> None:
    trainer = case.trainer()
    for step in range(3):
        for move in _moves(trainer, step):
            for name, term in move.terms.items():
                _require_term(f"{move.player}/{name}", term)
            trainer.play(move)


def _require_term(name: str, term: Any) -> None:
    if not isinstance(term, Tensor):
        raise Broken(f"the term {name} is a {type(term).__name__}", "give a tensor: a loss that was not read out")
    if term.shape != ():
        raise Broken(f"the term {name} has the shape {tuple(term.shape)}", "make it a scalar: .mean() over the batch")
    if term.dtype != torch.float32:
        raise Broken(
            f"the term {name} is {term.dtype}",
            "compute in float32: float64 often comes from NumPy's numbers; .float() ends it",
        )
    if not term.isfinite():
        raise Broken(f"the term {name} is {term.item()}", "look for a logarithm of 0, a root at 0 or a division by 0")


def logs(case: Case) -> None:
    trainer = case.trainer()
    for step in range(3):
        for move in _moves(trainer, step):
            for name, value in move.log.items():
                if not isinstance(value, Tensor):
                    raise Broken(
                        f"{move.player} logs {name} as a {type(value).__name__}",
                        "log a tensor, which is read later: .item() waits for the device",
                    )
            keys = [key for key, _ in values_of(move)]
            if twice := [key for key in keys if keys.count(key) > 1]:
                raise Broken(f"{twice[0]} is logged twice", "give a logged value another name than a term has")
            for key, value in values_of(move):
                if value.numel() == 0 or not value.isfinite().all():
                    raise Broken(f"{key} is logged and {_not_finite(value)}", "log finite numbers; training stops else")
            trainer.play(move)


def logits(case: Case) -> None:
    trainer = case.trainer()
    for move in _moves(trainer, 0):
        for name, own in zip(("real", "fake"), move.logits or (), strict=False):
            if not isinstance(own, Tensor) or not own.is_floating_point() or own.numel() == 0:
                raise Broken(
                    f"the {name} logits of {move.player}'s move are {_in_words(own)}",
                    "hand over Logits(D(real), D(fake)): tensors of floating-point numbers",
                )
        trainer.play(move)
    game, x = trainer.game.eval(), case.spec.fields[trainer.game.makes]
    size = case.batch_size
    if has_role(game, Discriminates):
        real = case.samples(game, case.batch())
        y = case.y(game) if has_role(game, Generates) else None
        try:
            score = in_role(game, Discriminates).score(real, y)
        except ValueError:
            score = torch.zeros(size)  # of packs, or of a batch: it says so itself
        if score.shape != (size,) or not score.isfinite().all():
            raise Broken(
                f"score gives {_in_words(score)} for {size} samples",
                "give one logit for each sample: self.discriminator(x).flatten()",
            )
    if has_role(game, Classifies):
        found = in_role(game, Classifies).classifier()(x.load(case.data().fields[game.makes].stored[:size]))
        if found.shape != (size, case.spec.classes) or not found.isfinite().all():
            raise Broken(
                f"the classifier gives {_in_words(found)} for {size} samples of {case.spec.classes} classes",
                f"give logits of the shape ({size}, {case.spec.classes})",
            )
    if has_role(game, Encodes) and has_role(game, Generates):
        found = in_role(game, Encodes).encode(case.samples(game, case.batch()))
        if found.shape != (size, in_role(game, Generates).prior.dim):
            raise Broken(f"encode gives {_in_words(found)} for {size} samples", "give (B, prior.dim)")


def samples(case: Case) -> None:
    game = case.game().eval()
    _require_maker(game)
    modality = case.spec.fields[game.makes]
    made = case.samples(game, case.batch())
    if made.shape != (case.batch_size, *modality.shape):
        raise Broken(
            f"samples have the shape {tuple(made.shape)}, and those of the data {(case.batch_size, *modality.shape)}",
            "build the generator for data.x.shape, or name the data that it is made for by --data",
        )
    if not made.isfinite().all():
        raise Broken("samples are not finite as training begins", "look at the first weights of the generator")
    stored, wanted = modality.store(made).dtype, case.data().fields[game.makes].stored.dtype
    if stored != wanted:
        raise Broken(f"samples are stored as {stored}, and the data as {wanted}", "make samples of float32")


def sampling(case: Case) -> None:
    """Equal z and y, equal samples; whatever data was drawn, and whichever random numbers come next."""
    game = case.game().eval()
    _require_maker(game)
    if not has_role(game, Generates):
        raise DoesNotApply("its samples are not made from z")
    role, y = in_role(game, Generates), case.y(game)
    z = case.z(game)

    def generate(z: Tensor, y: Tensor | None) -> Tensor:
        torch.manual_seed(3)  # equal other noise, where there is any
        with torch.no_grad():
            return role.generate(z, y)

    made = generate(z, y)
    list(game.round(case.batch, 10_000))
    if not torch.equal(generate(z, y), made):
        raise Broken(
            "equal z give other samples after a round was computed, though no move was made",
            "make samples from z (and y) alone: keep neither data nor counters that generate reads",
        )
    if torch.equal(generate(z + 1, y), made):
        raise Broken("samples do not depend on z", "use z in generate")
    before = torch.manual_seed(3).get_state()
    try:
        alone = [generate(z[i : i + 1], None if y is None else y[i : i + 1]) for i in range(len(z))]
    except Exception as error:
        raise Broken(
            f"a sample alone cannot be made: {_first_line(error)}",
            "let generate take any number of rows, one among them, in evaluation mode",
        ) from error
    draws = not torch.equal(before, torch.get_rng_state())  # then it is asked for one sample at a time
    if not draws and not _near(torch.cat(alone), made):
        raise Broken(
            "a sample alone is another than in its batch, also in evaluation mode",
            "normalise in evaluation by running statistics, not by those of the batch",
        )
    if y is not None and torch.equal(generate(z, y.roll(1, 0)), made):
        raise Broken("samples do not depend on the condition", "use y in generate: self.generator(z, *conditions(y))")


def modes(case: Case) -> None:
    trainer = case.trainer()
    game = trainer.game
    for move in _moves(trainer, 0):
        trainer.play(move)
    if still := [name for name, module in game.named_modules() if not module.training]:
        raise Broken(
            f"after a round {_some([name or 'the game' for name in still])} is in evaluation mode",
            "leave the mode as it was: the trainer sets it, and `zerosum.load` for sampling",
        )
    game.eval()
    if not (has_role(game, Generates) or has_role(game, Translates)):
        raise DoesNotApply("it makes no samples")
    before = {name: value.clone() for name, value in game.state_dict().items()}
    case.samples(game, case.batch())
    if moved := [name for name, value in game.state_dict().items() if not _same(value, before[name])]:
        raise Broken(f"sampling changes {_some(moved)}", "change buffers in a round alone, not in generate")
    if woken := [name for name, module in game.named_modules() if module.training]:
        raise Broken(f"sampling puts {_some([n or 'the game' for n in woken])} in training mode", "leave the mode")


def device(case: Case) -> None:
    """Nor is anything read: a meta tensor has no value, so `.item()` and `bool()` fail on it; a GPU would wait."""
    game = case.game().train().to("meta")
    batch, moves = case.batch(device="meta"), 0
    try:
        with OnlyOn("meta"):
            for move in game.round(lambda: batch, 0):
                move.loss.backward(inputs=_own(game, move.player))
                moves += 1
            if has_role(game, Generates) or has_role(game, Translates):
                case.samples(game, batch, "meta")
    except ElsewhereError as error:
        raise Broken(
            f"in a round on another device {error}",
            "make tensors where the data is, as torch.zeros(n, device=real.device), and keep fixed ones as buffers",
        ) from error
    except NotImplementedError as error:
        raise DoesNotApply(f"an operation cannot be followed without values: {_first_line(error)}") from error
    except RuntimeError as error:
        text = _first_line(error)
        if "item()" in str(error) or ("meta tensor" in str(error) and "data" in str(error)):
            raise Broken(
                f"a round reads a number from the device: {text}",
                "leave numbers on the device: torch.where in place of if, log tensors in place of .item()",
            ) from error
        if "device" in str(error):
            raise Broken(
                f"a round mixes devices: {text}",
                "keep tensors of the game as buffers (register_buffer), and make others on real.device",
            ) from error
        raise


def phases(case: Case) -> None:
    game, batch = case.game().train(), case.batch()
    steps: dict[object, list[int]] = {}
    for step in range(PHASES):
        steps.setdefault(game.phase(step), []).append(step)
    steps.pop(None, None)
    if not steps:
        raise DoesNotApply("no two rounds are said to be alike; say so by phase(), and a GPU replays them")
    for phase, (first, *others) in steps.items():
        computation(game, batch, first)  # lazy things are made
        buffers = {name: b.data_ptr() for name, b in game.named_buffers()}
        expected = computation(game, batch, first)
        for step in others[:1] + others[-1:]:
            if computation(game, batch, step) != expected:
                raise Broken(
                    f"rounds {first} and {step} of phase {phase!r} differ",
                    "give rounds that compute something else another phase, or None",
                )
        if buffers != {name: b.data_ptr() for name, b in game.named_buffers()}:
            raise Broken("a round puts new tensors in the place of buffers", "change buffers in place: copy_, lerp_")


def computation(game: Game[Any], batch: Any, step: int) -> list[str]:
    """Every operation of a round, its gradients included."""
    with Written() as written:
        for move in game.round(lambda: batch, step):
            move.loss.backward(inputs=_own(game, move.player))
            written.lines.append(f"{move.player} {[*move.terms]} {[*move.log]} {move.logits is not None}")
    return written.lines


def one_source(case: Case) -> None:
    trainer = case.trainer()
    python, numpy = random.getstate(), np.random.get_state(legacy=False)
    for step in range(2):
        for move in _moves(trainer, step):
            trainer.play(move)
    now = np.random.get_state(legacy=False)
    same = np.array_equal(numpy["state"]["key"], now["state"]["key"]) and numpy["state"]["pos"] == now["state"]["pos"]
    used = [name for name, changed in (("Python's", random.getstate() != python), ("NumPy's", not same)) if changed]
    if used:
        raise Broken(
            f"a round draws from {' and '.join(used)} global random numbers",
            "draw by torch.rand and its like: a recorded round on a GPU would repeat the same number",
        )


def seed(case: Case) -> None:
    results = []
    for number in (5, 5, 6):
        rng.seed(number)
        trainer = case.trainer()
        trainer.game.train()
        trainer.round()
        results.append({k: v for k, v in state(trainer).items() if k.startswith("game/")})
    if moved := differing(results[0], results[1]):
        raise Broken(
            f"two games of one seed differ in {_some(_named(moved))} after a round",
            "draw by PyTorch's global generator, which the seed sets: neither from generators of your own nor by time",
        )
    if not differing(results[0], results[2]):
        raise Broken(
            "games of two seeds are equal",
            "set no seed in the file, in the recipe or in the game: `--seed` does",
        )


def resume(case: Case, folder: Path | None = None) -> None:
    """Four rounds equal two, a checkpoint, a fresh start from it and two more: weights, slots, random numbers, data."""
    if folder is None:
        with TemporaryDirectory() as own:
            return resume(case, Path(own))
    rng.seed(2)
    end = state(play(case.trainer(), 4))

    rng.seed(2)
    half = play(case.trainer(), 2)
    middle = state(half)
    saved = checkpoint.save(half, folder, keep=1)
    if moved := differing(state(half), middle):
        raise Broken(f"saving changes {_some(_named(moved))}", "change nothing in state_dict()")

    rng.seed(9)  # another process: other weights, other random numbers
    fresh = play(case.trainer(), 1)
    checkpoint.resume(fresh, saved)
    if moved := differing(state(fresh), middle):
        raise Broken(f"a checkpoint does not bring {_some(_named(moved))} back", _BUFFERS)
    if moved := differing(state(play(fresh, 2)), end):
        raise Broken(f"a resumed run differs from one that never stopped in {_some(_named(moved))}", _BUFFERS)
    return None


_BUFFERS = "keep what a round remembers, numbers too, in buffers: register_buffer; other attributes are not saved"


def precision(case: Case) -> None:
    trainer = case.trainer(precision="bf16", clip=10.0)
    trainer.game.train()
    try:
        for _ in range(2):
            trainer.round()
    except RuntimeError as error:
        if "dtype" not in str(error) and "BFloat16" not in str(error):
            raise
        raise Broken(
            f"a round cannot be played in bf16: {_first_line(error)}",
            "bring both to one type where they meet: x.to(y), or .float() before the operation",
        ) from error
    values = trainer.pop_metrics()
    for name, p in trainer.game.named_parameters():
        if p.dtype != torch.float32 or not p.isfinite().all():
            raise Broken(f"{name} is {_in_words(p)} after two rounds in bf16", "keep parameters in float32")
    if not {f"{player}/gradient_norm" for player in {key.player for key in values}} <= values.keys():
        raise Broken("gradients cannot be clipped", "give every player parameters with gradients")


PARTITION = Rule("partition", "each parameter belongs to exactly one player", partition)
RULES = (
    Rule("options", "options survive run.json, and each says what it is", plain_options),
    PARTITION,
    Rule("turns", "every player moves", turns),
    Rule("moves", "a move changes its player alone, and only moves change anything", own_moves),
    Rule("gradients", "a gradient reaches every parameter of the player that moves", gradients),
    Rule("terms", "terms are finite float32 scalars", terms),
    Rule("logs", "what is logged is tensors of finite numbers under names of their own", logs),
    Rule("logits", "logits, scores and classifiers have the shapes that commands read", logits),
    Rule("samples", "samples have the shape and type of the data", samples),
    Rule("sampling", "equal z and conditions give equal samples, alone and in batches", sampling),
    Rule("modes", "rounds stay in training mode, and sampling in evaluation changes nothing", modes),
    Rule("device", "a round makes nothing on another device and reads nothing from it", device),
    Rule("phases", "rounds of one phase make the same computation", phases),
    Rule("random", "random numbers are PyTorch's", one_source),
    Rule("seed", "a seed decides everything", seed),
    Rule("resume", "a resumed run goes on bit for bit", resume),
    Rule("precision", "it plays in bf16, with clipped gradients", precision),
)


def play(trainer: Trainer, rounds: int) -> Trainer:
    trainer.game.train()
    for _ in range(rounds):
        trainer.round()
    return trainer


def state(trainer: Trainer) -> dict[str, Tensor]:
    """Everything that a resumed run needs to have right."""
    average = trainer.average
    tensors: dict[str, Tensor] = {f"game/{k}": v for k, v in trainer.game.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in average.followers.items()} if average else {}
    for player, optimizer in trainer.optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{player}/{number}/{k}": v for k, v in slots.items() if v is not None}
    tensors |= {f"random/{k}": v for k, v in rng.capture().items()}
    tensors |= {f"stream/{k}": torch.as_tensor(v if isinstance(v, Tensor) else v % 2**62) for k, v in _stream(trainer)}
    tensors["step"] = torch.tensor([trainer.step, average.rounds if average else 0])
    return {k: v.detach().clone() for k, v in tensors.items()}


def _stream(trainer: Trainer) -> Iterable[tuple[str, Any]]:
    return trainer.stream.state().items()


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    """The names whose tensors differ, or that only one of both has."""
    return [k for k in {**a, **b} if k not in a or k not in b or not _same(a[k], b[k])]


def _moves(trainer: Trainer, step: int) -> Iterator[Move]:
    trainer.game.train()
    for move in trainer.game.round(trainer.stream, step):
        if not isinstance(move, Move):
            raise Broken(f"a round yields a {type(move).__name__}", "yield Move(player, adversarial=loss)")
        yield move


def _own(game: Game[Any], player: str) -> list[nn.Parameter]:
    return parameters_of(game.players()[player].modules)


def _forget_gradients(game: Game[Any]) -> None:
    for p in game.parameters():
        p.grad = None


def _require_maker(game: Game[Any]) -> None:
    if not (has_role(game, Generates) or has_role(game, Translates)):
        raise DoesNotApply("it makes no samples")


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def _near(a: Tensor, b: Tensor) -> bool:
    a, b = a.double(), b.double()
    return bool((a - b).abs().max() <= CLOSE * max(1e-6, float(a.abs().max()), float(b.abs().max())))


def _named(keys: list[str]) -> list[str]:
    """Weights and buffers before all else, without their prefix."""
    own = [key.removeprefix("game/") for key in keys if key.startswith("game/")]
    return own or keys


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _not_finite(value: Tensor) -> str:
    return "empty" if value.numel() == 0 else f"{float(value[~value.isfinite()].flatten()[0])}"


def _in_words(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    finite = "" if value.isfinite().all() else " with numbers that are not finite"
    return f"{value.dtype} of the shape {tuple(value.shape)}{finite}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
