"""The trainer: the one loop that plays every game, and the only place that calls `backward` and `step`."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Game, Move, Player
from zerosum.recipe import Training
from zerosum.training import memory
from zerosum.training.cuda_graphs import Draw, Logged, Recorder
from zerosum.util import distributed


class Stream(Protocol):
    """Endless batches whose position can be saved: whole numbers, and tensors, which come back on the CPU."""

    def __call__(self) -> Any: ...
    def state(self) -> Mapping[str, int | Tensor]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


Hook = Callable[["Trainer"], None]  # called after every round


class Diverged(ZerosumError):
    """A term of a move, or a parameter, became NaN or infinite. `what` says which, and when, in a clause."""

    exit_code = 3

    def __init__(self, step: int, name: str, value: float, tries: int = 0):
        self.step, self.value_name, self.value = step, name, value
        self.what = f"{name} is {value} in round {step}"
        again = f", again after {tries} rollbacks with ever smaller learning rates" if tries else ""
        super().__init__(
            f"training diverged: {self.what}{again}; the last good checkpoint is kept. "
            "Try a smaller learning rate, --clip 1.0, or --precision fp32"
        )


class Trainer:
    """Plays rounds of a game: gradients, optimisers, learning-rate decay, averaged weights, precision.

    Args:
        game: moved to `device` (and to the channels-last layout where it is a network of images).
        stream: gives the batches, already on `device`.
        training: how many rounds, and how they are played.
        device: "cpu", "cuda", "cuda:1" ...
    """

    def __init__(self, game: Game[Any], stream: Stream, training: Training, device: str | torch.device = "cpu"):
        memory.tune_malloc()
        self.device = torch.device(device)
        self.game = distributed.broadcast(game.to(self.device))
        for parameter in game.parameters():
            if parameter.dim() == 4:  # a convolution's weight: convolutions follow its layout
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.stream, self.training = stream, training
        self.players = game.players()
        self.parameters = {name: _parameters(player.modules) for name, player in self.players.items()}
        _check_partition(game, self.parameters)
        self.optimizers = {name: p.optimizer.build(self.parameters[name]) for name, p in self.players.items()}
        self.average = Average(game, self.players, training.average) if training.average else None
        self.dtype = torch.bfloat16 if resolve_precision(training.precision, self.device) == "bf16" else torch.float32
        self.step = 0  # rounds played
        self.lr_scale = 1.0  # a factor on every learning rate; below 1 after a rollback
        self.pending: list[tuple[int, str, Tensor]] = []  # values still on the device: (round, name, value)
        rates = [group["lr"] for optimizer in self.optimizers.values() for group in optimizer.param_groups]
        recordable = all(isinstance(rate, Tensor) for rate in rates)  # a number, as SGHMC has, would be recorded as is
        recorded = training.graphs and recordable and distributed.world_size() == 1 and self.device.type == "cuda"
        self.recorder = Recorder(self.device) if recorded else None

    @property
    def sampler(self) -> Game[Any]:
        """The game to draw samples from: with averaged weights where they are kept."""
        return self.average.sampler() if self.average else self.game

    def train(self, hooks: Iterable[Hook] = ()) -> None:
        """Play until `training.steps` rounds are played, calling each hook after each round."""
        hooks = tuple(hooks)
        self.game.train()
        while self.step < self.training.steps:
            self.round()
            for hook in hooks:
                hook(self)

    def round(self) -> None:
        """Play one round."""
        for name, player in self.players.items():
            rate = self.lr_scale * player.optimizer.lr * player.optimizer.decay(self.step, self.training.steps)
            for group in self.optimizers[name].param_groups:
                if isinstance(group["lr"], Tensor):  # recorded rounds read it there
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate
        phase = self.game.phase(self.step) if self.recorder else None
        if self.recorder and phase is not None:
            logged = self.recorder.round((phase, self._measures_norms), self.stream, self._play)
        else:
            logged = self._play(self.stream)
        self.pending += [(self.step, name, value) for name, value in logged]
        self.step += 1
        if self.average:
            self.average.update()

    def play(self, move: Move) -> Logged:
        """Make one move: the gradient of its loss for its player's parameters alone, and one optimiser step.

        Returns the values of its terms and what else it logs, still on the device.
        """
        parameters, optimizer = self.parameters[move.player], self.optimizers[move.player]
        for parameter in parameters:
            parameter.grad = None
        move.loss.backward(inputs=parameters)  # no other player's gradient is touched, or computed
        distributed.average_gradients(parameters)
        # A result stays as it is until it is read; a buffer of the game's may change after the move.
        logged = [
            (f"{move.player}/{name}", value.detach() if value.requires_grad else value.clone())
            for name, value in (*move.terms.items(), *move.log.items())
        ]
        if self.training.clip:
            logged.append((f"{move.player}/gradient_norm", nn.utils.clip_grad_norm_(parameters, self.training.clip)))
        elif self._measures_norms:
            logged.append((f"{move.player}/gradient_norm", _norm(parameters)))
        optimizer.step()
        return logged

    def pop_metrics(self) -> dict[str, float]:
        """The mean of every term and logged value since the last read.

        Raises `Diverged` with the first that is not finite. This is the only point where the host waits for the device.
        """
        fresh, self.pending = self.pending, []
        sums: dict[str, list[float]] = {}
        for (step, name, _), value in zip(fresh, _means([value for _, _, value in fresh]), strict=True):
            if not math.isfinite(value):
                raise Diverged(step, name, value)
            sums.setdefault(name, []).append(value)
        return {name: sum(of) / len(of) for name, of in sums.items()}

    def assert_finite(self) -> None:
        """Raise `Diverged` if a parameter is not finite, though every term was when it was last computed."""
        for name, parameter in self.game.named_parameters():
            if not bool(parameter.isfinite().all()):
                raise Diverged(self.step - 1, name, float(parameter[~parameter.isfinite()][0]))

    @property
    def _measures_norms(self) -> bool:
        return self.step % self.training.log_every == 0

    def _play(self, draw: Draw) -> Logged:
        """All moves of a round."""
        return [value for move in self.moves(draw) for value in self.play(move)]

    def moves(self, draw: Draw) -> Iterator[Move]:
        """The moves of a round, each computed under autocast just before it is made."""
        moves = self.game.round(draw, self.step)
        while True:
            bf16 = self.dtype == torch.bfloat16
            with torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext():
                move = next(moves, None)
            if move is None:
                return
            yield move


class Average:
    """A copy of the game in which the averaged players' weights follow exponentially; all else is shared with the game.

    The decay warms up as (1 + n) / (10 + n) after n rounds, so that early averages forget the initialisation.
    """

    def __init__(self, game: Game[Any], players: Mapping[str, Player], decay: float):
        self.leader, self.decay, self.rounds = game, decay, 0
        followed = {id(p) for player in players.values() if player.averaged for p in _parameters(player.modules)}
        self.leaders = {name: p for name, p in game.named_parameters() if id(p) in followed}
        shared = [p for p in game.parameters() if id(p) not in followed] + list(game.buffers())
        self.game = copy.deepcopy(game, {id(tensor): tensor for tensor in shared}).eval()
        named = dict(self.game.named_parameters())
        self.followers = {name: named[name].requires_grad_(False) for name in self.leaders}

    @torch.no_grad()
    def update(self) -> None:
        weight = 1 - min(self.decay, (1 + self.rounds) / (10 + self.rounds))
        if self.followers:
            torch._foreach_lerp_(list(self.followers.values()), list(self.leaders.values()), weight)
        self.rounds += 1

    def sampler(self) -> Game[Any]:
        """The averaged game, sharing the buffers that the game has now: it may have put new ones in their places."""
        for own, its in zip(self.game.modules(), self.leader.modules(), strict=True):
            for name, buffer in its.named_buffers(recurse=False):
                setattr(own, name, buffer)
        return self.game


def resolve_precision(precision: str, device: torch.device) -> str:
    """What "auto" means here: bf16 where the processor multiplies it faster than float32."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    fast = device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return "bf16" if fast else "fp32"


def _norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The norm of all gradients taken as one vector."""
    return torch.stack(torch._foreach_norm([p.grad for p in parameters if p.grad is not None])).norm()


def _means(values: list[Tensor]) -> list[float]:
    """The mean of each value, with one kernel for all that have one shape, and one wait for the device."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, value in enumerate(values):
        groups.setdefault(tuple(value.shape), []).append(i)
    means = [torch.stack([values[i].float() for i in g]).reshape(len(g), -1).mean(1) for g in groups.values()]
    ordered = dict(zip(itertools.chain(*groups.values()), torch.cat(means).tolist() if means else [], strict=True))
    return [ordered[i] for i in range(len(values))]


def _parameters(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """What an optimiser moves: each parameter once, and none that is frozen."""
    return list(dict.fromkeys(p for module in modules for p in module.parameters() if p.requires_grad))


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
