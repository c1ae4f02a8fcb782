"""The trainer: the one loop that plays every game, and the only place that calls `backward` and `step`."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Game, Player, Turn, others_follow
from zerosum.optim import NEVER, Cosine, scheduled
from zerosum.recipe import Training
from zerosum.training.cuda_graphs import Draw, Logged, Recorder
from zerosum.training.hardware import resolve_precision, tune_malloc, use_channels_last
from zerosum.training.log_keys import Key, norm_of, values_of
from zerosum.util import distributed


class Stream(Protocol):
    """Endless batches whose position, numbers and tensors, can be saved."""

    def __call__(self) -> Any: ...
    def state(self) -> Mapping[str, int | Tensor]: ...
    def restore(self, state: Mapping[str, int | Tensor]) -> None: ...


Value = tuple[int, Key, Tensor]  # (step, key, value still on the device)
Hook = Callable[["Trainer"], None]  # called after every step; what one does must not depend on whether it comes first


class Diverged(ZerosumError):
    """A term of a move, or a parameter, became NaN or infinite. `what` says which, and when, in a clause."""

    exit_code = 3

    def __init__(self, step: int, name: str, value: float, tries: int = 0):
        self.step, self.value_name, self.value = step, name, value
        self.what = f"{name} is {value} in step {step}"
        again = f", again after {tries} rollbacks with ever smaller learning rates" if tries else ""
        super().__init__(
            f"training diverged: {self.what}{again}; the last good checkpoint is kept. "
            "Try a smaller learning rate, --clip 1.0, or --precision fp32"
        )


class Trainer:
    """Plays steps of a game: gradients, optimisers, learning-rate decay, averaged weights, precision.

    Args:
        game: moved to `device` (and to the channels-last layout where it is a network of images).
        stream: gives the batches, already on `device`.
        training: how many steps, and how they are played.
        device: "cpu", "cuda", "cuda:1" ...

    Raises:
        ArgumentError: `Game.check` refuses the game.
    """

    def __init__(self, game: Game[Any], stream: Stream, training: Training, device: str | torch.device = "cpu"):
        tune_malloc()
        self.device = torch.device(device)
        game.check()
        self.game = distributed.broadcast(game.to(self.device))
        use_channels_last(game)
        self.stream, self.training = stream, training
        self.players = game.players()
        self.parameters = {name: parameters_of(player.modules) for name, player in self.players.items()}
        _check_partition(game, self.parameters)
        self.optimizers = {name: p.optimizer.build(self.parameters[name]) for name, p in self.players.items()}
        self.average = Average(game, self.players, training.average, training.half_life) if training.average else None
        self.dtype = torch.bfloat16 if resolve_precision(training.precision, self.device) == "bf16" else torch.float32
        self.step = 0  # steps played
        self.lr_scale = 1.0  # a factor on every learning rate; below 1 after a rollback
        # A hook asks to stop after this step, when all hooks have been called; that of any process stops all.
        # `zerosum.train` then saves the run, finishes its files and returns it.
        self.stopping = False
        self.pending: list[Value] = []  # logged since the last `pop_metrics`
        self._popped: list[Value] = []  # what `pop_metrics` has taken after this step
        self._unpopped: dict[Key, tuple[float, int]] = {}  # sum and number of older values that nobody has taken
        # A number, as SGHMC's rate is, would be recorded as is.
        recordable = all(
            isinstance(self.optimizers[name].param_groups[0][key], Tensor)
            for name, player in self.players.items()
            for key in scheduled(player.optimizer, 0, training.steps)
        )
        recorded = training.graphs and recordable and distributed.world_size() == 1 and self.device.type == "cuda"
        self.recorder = Recorder(self.device) if recorded else None

    @property
    def sampler(self) -> Game[Any]:
        """The game to draw samples from: with averaged weights where they are kept."""
        return self.average.sampler() if self.average else self.game

    def train(self, hooks: Iterable[Hook] = ()) -> None:
        """Play until `training.steps` steps are played or a hook has set `stopping`; call each hook after each step."""
        hooks = tuple(hooks)
        self.game.train()
        self.stopping = False
        while self.step < self.training.steps and not self.stopping:
            self.round()
            for hook in hooks:
                hook(self)
            self.stopping = distributed.any_says(self.stopping)

    def round(self) -> None:
        """Play one step; `Diverged` where values that nobody has taken in a whole log interval are not finite."""
        if self.pending and self.step - self.pending[0][0] >= self.training.log_every:
            self._fold()
        self._popped = []
        batch = self.training.batch_size * distributed.world_size()
        for name, player in self.players.items():
            values = scheduled(player.optimizer, self.step, self.training.steps, batch)
            for group in self.optimizers[name].param_groups:
                for key, value in (values | {"lr": self.lr_scale * values["lr"]}).items():
                    if isinstance(group[key], Tensor):  # recorded steps read it there
                        group[key].fill_(value)
                    else:
                        group[key] = value
        self.game.advance(self.step * batch)
        phase = self.game.phase(self.step) if self.recorder else None
        if self.recorder and phase is not None:
            logged = self.recorder.round((phase, self._measures_norms), self.stream, self._play)
        else:
            logged = self._play(self.stream)
        self.pending += [(self.step, key, value) for key, value in logged]
        distributed.agree(self.game)
        if self.average:
            self.average.update(self.step * batch, batch)
        self.step += 1

    def schedule(self, step: int) -> dict[str, float]:
        """What step `step` (from 0) is played with, of all that changes as training goes: by `PLAYER/NAME`, or name."""
        batch = self.training.batch_size * distributed.world_size()
        values = {
            f"{name}/{key}": value
            for name, player in self.players.items()
            for key, value in scheduled(player.optimizer, step, self.training.steps, batch).items()
        }
        values |= self.game.scheduled(step * batch)
        return values | ({"half_life": self.average.half_life(step * batch)} if self.average else {})

    def _play(self, draw: Draw) -> Logged:
        """All moves of a step."""
        return [value for turn in self.turns(draw) for value in self.play(turn)]

    def turns(self, draw: Draw, game: Game[Any] | None = None, step: int | None = None) -> Iterator[Turn]:
        """The turns of a step, each computed under autocast just before it is made.

        Args:
            game: a copy, whose turns they are.
            step: another than the next.
        """
        turns = (game or self.game).round(draw, self.step if step is None else step)
        while True:
            bf16 = self.dtype == torch.bfloat16
            with torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext():
                turn = next(turns, None)
            if turn is None:
                return
            yield turn

    def play(self, turn: Turn) -> Logged:
        """Make a move, or several at once: the gradient of each loss for its player's parameters alone, then the steps.

        Returns the values of their terms and what else they log, still on the device.
        """
        logged: Logged = []
        for move in turn.moves:
            parameters = self.parameters[move.player]
            for parameter in parameters:
                parameter.grad = None
            # No other player's gradient is touched, or computed.
            move.loss.backward(inputs=parameters, retain_graph=others_follow(turn, move))
            distributed.average_gradients(parameters)
            # A result stays as it is until it is read; a buffer of the game's may change after the move.
            logged += [
                (key, value.detach() if value.requires_grad else value.clone()) for key, value in values_of(move)
            ]
            if self.training.clip:
                logged.append((norm_of(move.player), nn.utils.clip_grad_norm_(parameters, self.training.clip)))
            elif self._measures_norms:
                logged.append((norm_of(move.player), _norm(parameters)))
        for move in turn.moves:
            self.optimizers[move.player].step(move.again)  # type: ignore[arg-type]  # None, but of what searches, as TRPO
        return logged

    def pop_metrics(self) -> dict[Key, float]:
        """The mean of every term and logged value since the last read, over the whole batch.

        Raises `Diverged` with the first that is not finite. This is the only point where the host waits for the device.
        Of several processes each must call it after the same steps: all get the same values, or the same error.
        """
        self._fold()
        sums, self._unpopped = self._unpopped, {}
        return {name: total / count for name, (total, count) in sums.items()}

    def _fold(self) -> None:
        """Read what is pending into `_unpopped`: few numbers, however long nobody takes them."""
        folded, self.pending = self.pending, []
        self._popped += folded
        values: dict[Key, list[float]] = {}
        for (_, name, _), value in zip(folded, _finite_means(folded), strict=True):
            values.setdefault(name, []).append(value)
        for name, new in values.items():
            total, count = self._unpopped.get(name, (0.0, 0))
            self._unpopped[name] = total + sum(new), count + len(new)

    @property
    def interval(self) -> list[Value]:
        """What this log interval has logged, whether or not `pop_metrics` has been called after this step already.

        Of several processes: of this one's share of the batches.
        """
        return [*self._popped, *self.pending]

    def assert_finite(self) -> None:
        """Raise `Diverged` if a logged value or a parameter is not finite."""
        _finite_means(self.pending)
        for name, parameter in self.game.named_parameters():
            if not bool(parameter.isfinite().all()):
                raise Diverged(self.step - 1, name, float(parameter[~parameter.isfinite()][0]))

    @property
    def _measures_norms(self) -> bool:
        return self.step % self.training.log_every == 0


class Average:
    """EMA: a copy of the game in which the averaged players' weights follow; all else is shared with the game.

    The decay warms up as (1 + n) / (10 + n) after n steps, so that early averages forget the initialisation. With a
    `half_life` that is not 0, it is instead the one that halves a weight's share in so many samples.
    """

    def __init__(self, game: Game[Any], players: Mapping[str, Player], decay: float, half_life: Cosine = NEVER):
        self.leader, self.decay, self.half_life, self.rounds = game, decay, half_life, 0
        followed = {id(p) for player in players.values() if player.averaged for p in parameters_of(player.modules)}
        self.leaders = {name: p for name, p in game.named_parameters() if id(p) in followed}
        shared = [p for p in game.parameters() if id(p) not in followed] + list(game.buffers())
        self.game = copy.deepcopy(game, {id(tensor): tensor for tensor in shared}).eval()
        named = dict(self.game.named_parameters())
        self.followers = {name: named[name].requires_grad_(False) for name in self.leaders}

    @torch.no_grad()
    def update(self, seen: int = 0, batch: int = 1) -> None:
        """Follow the leader, whose step of `batch` samples came after `seen` samples."""
        weight = 1 - self.decay_of(seen, batch)
        if self.followers:
            torch._foreach_lerp_(list(self.followers.values()), list(self.leaders.values()), weight)
        self.rounds += 1

    def decay_of(self, seen: int, batch: int) -> float:
        """What share the average keeps of itself in a step of `batch` samples, after `seen` samples."""
        if not self.half_life.peak:
            return min(self.decay, (1 + self.rounds) / (10 + self.rounds))
        half_life: float = self.half_life(seen)
        return 0.5 ** (batch / half_life) if half_life else 0.0  # of no half-life: the weights themselves

    def sampler(self) -> Game[Any]:
        """The averaged game, sharing the buffers that the game has now: it may have put new ones in their places."""
        for own, its in zip(self.game.modules(), self.leader.modules(), strict=True):
            for name, buffer in its.named_buffers(recurse=False):
                setattr(own, name, buffer)
        return self.game


def parameters_of(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """What an optimiser moves: each parameter once, and none that is frozen."""
    return list(dict.fromkeys(p for module in modules for p in module.parameters() if p.requires_grad))


def _norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The norm of all gradients taken as one vector."""
    return torch.stack(torch._foreach_norm([p.grad for p in parameters if p.grad is not None])).norm()


def _finite_means(logged: Sequence[Value]) -> list[float]:
    """Each value's mean, by one kernel for each shape and one wait for the device; `Diverged` if one is not finite.

    The means are over all processes, so that each finds the same one.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (_, _, value) in enumerate(logged):
        groups.setdefault(tuple(value.shape), []).append(i)
    means = [torch.stack([logged[i][2].float() for i in g]).reshape(len(g), -1).mean(1) for g in groups.values()]
    common = distributed.mean(torch.cat(means)).tolist() if means else []
    ordered = dict(zip(itertools.chain(*groups.values()), common, strict=True))
    for i, (step, key, _) in enumerate(logged):
        if not math.isfinite(ordered[i]):
            raise Diverged(step, key, ordered[i])
    return [ordered[i] for i in range(len(logged))]


def _check_partition(game: Game[Any], players: Mapping[str, list[nn.Parameter]]) -> None:
    owners: dict[int, list[str]] = {id(p): [] for p in game.parameters()}
    for name, parameters in players.items():
        if not parameters or not owners.keys() >= {id(p) for p in parameters}:
            raise ValueError(f"player {name!r} needs parameters to move, all of them in modules of the game")
        for p in parameters:
            owners[id(p)].append(name)
    for name, p in game.named_parameters():
        if p.requires_grad and len(owners[id(p)]) != 1:
            raise ValueError(f"parameter {name} belongs to {owners[id(p)] or 'no player'}, not to exactly one player")
