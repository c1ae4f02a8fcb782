"""What a run would be: its memory, and its duration, from timed steps or, where these take too long, parts of one."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import flop_registry

from zerosum.errors import ZerosumError
from zerosum.game import Game, others_follow
from zerosum.optim.trpo import TRPO
from zerosum.roles import Acts, has_role
from zerosum.training.trainer import Trainer, parameters_of
from zerosum.util import distributed, memory, rng

SINGLE = "Expected more than 1 value per channel"  # what PyTorch's batch norm says of a batch of one
FEW = 2  # samples of the first probe: batch norm needs two
GROWTH = 4  # times as many samples in each further probe
MOVES = 8  # of a step that are looked at: some critics make a hundred alike
BESIDE = 4  # times the weights: themselves, their gradients and Adam's two moments
SMALLER_NETWORKS = "use a smaller --size or smaller networks"
SMALLER_BATCH = "use a smaller --batch-size, a smaller --size or smaller networks"
AS_BEGUN = "free some: a run goes on with the sizes that it began with"
PATIENCE = 5.0  # seconds that an estimate may take, whatever the networks are
PLAYED = 0.2  # of them that a whole step may take which is played to be measured
CYCLE = 8  # steps in a row that are timed: some penalties come in each eighth
MATMUL = 256  # side of the matrices whose product says how fast the machine is, before anything else does
SLOWER = 4.0  # times that networks are slower than that product


class Pace(NamedTuple):
    """How long a step takes."""

    seconds: float
    source: str  # "" where whole steps were timed; else what was timed in their place
    word: Literal["about", "at least", "at most"] = "about"


@dataclass(frozen=True)
class Estimate:
    """An estimate; sizes in bytes, times in seconds."""

    memory: Mapping[str, int]
    pace: Pace
    total_seconds: float


def estimate(trainer: Trainer, patience: float = PATIENCE) -> Estimate:
    """The memory and the duration of a run, in about `patience` seconds. Do not use the trainer afterwards.

    A step that is quick is played to find the activations, and others to time it; of one that is not, the activations
    are those of the meta device.
    """
    pace = pace_of(trainer, patience)
    if pace.source or pace.seconds > PLAYED * patience:
        largest = _largest_move(trainer)
        for name, optimizer in trainer.optimizers.items():  # a step without a gradient: its state is what counts
            for parameter in trainer.parameters[name]:
                parameter.grad = torch.zeros_like(parameter)
            if not isinstance(optimizer, TRPO):  # which keeps nothing
                optimizer.step()
    else:
        trainer.step = _typical(trainer)
        largest = _played_move(trainer)
        pace = Pace(_timed(trainer, patience / 2), "")
    weights = sum(p.nbytes for p in trainer.game.parameters())
    slots: list[Any] = [
        slot for o in trainer.optimizers.values() for slots in o.state.values() for slot in slots.values()
    ]
    memory = {
        "weights": weights,
        "gradients": weights,
        "optimisers": sum(slot.nbytes for slot in slots if isinstance(slot, Tensor)),
        "averaged weights": sum(p.nbytes for p in trainer.average.followers.values()) if trainer.average else 0,
        "activations": largest,
    }
    return Estimate(memory, pace, pace.seconds * trainer.training.steps)


def _played_move(trainer: Trainer) -> int:
    """Bytes that the largest move of a step keeps for its gradient, by a step that is played."""
    kept: dict[int, int] = {}
    largest = 0

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for turn in trainer.turns(trainer.stream):
            largest = max(largest, sum(kept.values()))
            trainer.play(turn)
            kept.clear()
    return largest


def require_weights(build: Callable[[], Game[Any]], average: bool, device: torch.device) -> None:
    """`OutOfMemoryError` where the networks that `build` builds do not fit, with what training keeps beside them.

    They are built on the meta device, which knows sizes and holds no values. Networks that cannot be are not checked.
    """
    game: Game[Any] | None = None
    with suppress(ValueError, TypeError, RuntimeError), torch.device("meta"), rng.fork_rng(torch.device("cpu")):
        game = build()
    if game is not None:
        copies = BESIDE + average
        needed = copies * sum(p.nbytes for p in game.parameters())
        memory.require(needed, "training the networks", SMALLER_NETWORKS, device)


def require_step(trainer: Trainer, batch: Any, begun: bool = False) -> None:
    """`OutOfMemoryError` where a step would not fit, before any is played; it says how large a batch would.

    Args:
        trainer: stays as it is, and so do all random numbers.
        batch: of the first samples, of any number, as the game draws it.
        begun: whether the run goes on, and so has to do with its batches.
    """
    count = trainer.training.batch_size
    try:
        needed = _of_step(trainer, batch, count)
        memory.require(needed, f"a step with a batch of {count:,}", SMALLER_BATCH, trainer.device)
    except memory.OutOfMemoryError as error:
        cure = AS_BEGUN if begun else smaller_batch(trainer, batch)
        raise memory.OutOfMemoryError(str(error).replace(SMALLER_BATCH, cure)) from None


def smaller_batch(trainer: Trainer, batch: Any) -> str:
    """What to do where a step does not fit: the largest batch that does, by an estimate, where there is one."""
    count, least = trainer.training.batch_size, min(FEW, trainer.training.batch_size)
    few, many = _of_step(trainer, batch, least), _of_step(trainer, batch, count)
    each = (many - few) / max(count - least, 1)
    most = memory.fitting(round(few - least * each), each, trainer.device)
    if most is None or most >= count:
        return SMALLER_BATCH
    if most < least:
        return SMALLER_NETWORKS
    return f"use a --batch-size of at most {most:,}, a smaller --size or smaller networks"


def _of_step(trainer: Trainer, batch: Any, count: int) -> int:
    """Bytes that a step with a batch of `count` takes, beside the weights, which are there."""
    parts = [batch] if isinstance(batch, Tensor) else list(batch)
    drawn = sum(math.prod(part.shape[1:]) * part.element_size() for part in parts) * count
    weights = (BESIDE + bool(trainer.average) - 1) * sum(p.nbytes for p in trainer.game.parameters())
    kept = _activations(trainer, batch, count)
    return weights + max(kept, 4 * drawn)  # real and fake, and the gradients of both


def _largest_move(trainer: Trainer) -> int:
    """Bytes as `_activations` finds them, of a batch that is drawn for it."""
    state = trainer.stream.state()
    batch = trainer.stream()
    trainer.stream.restore(state)
    return _activations(trainer, batch, trainer.training.batch_size)


def _activations(trainer: Trainer, batch: Any, count: int) -> int:
    """Bytes that the largest move of a step with a batch of `count` keeps for its gradient, by a step of a copy on the
    meta device; 0 where that cannot be: a game needs values to go on, say. `ZerosumError` where one sample is too few.
    """
    largest = 0
    kept: dict[int, Tensor] = {}
    if distributed.world_size() > 1:  # some games average over processes, which the meta device cannot
        return 0

    def pack(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)  # the meta device has no addresses
        return tensor

    try:
        with suppress(RuntimeError, TypeError), rng.fork_rng(trainer.device):
            game, draw = _hollow(trainer, batch, count)
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                for _ in itertools.islice(trainer.turns(draw, game), MOVES):
                    largest = max(largest, sum(tensor.untyped_storage().nbytes() for tensor in kept.values()))
                    kept.clear()
    except ValueError as error:
        if SINGLE in str(error):
            cure = "use a --batch-size of at least 2, or networks without batch norm"
            raise ZerosumError(f"batch norm cannot learn from a batch of {count}: {cure}") from error
    return largest // 2 if trainer.dtype == torch.bfloat16 else largest  # autocast does not reach the meta device


def _hollow(trainer: Trainer, batch: Any, samples: int) -> tuple[Game[Any], Callable[[], Any]]:
    """A copy of the game on the meta device, which holds no values, and what draws batches of so many samples there."""
    holding = {id(t): torch.empty_like(t, device="meta") for t in trainer.game.buffers()}
    for p in trainer.game.parameters():
        holding[id(p)] = torch.nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad)

    def hollow(part: Tensor) -> Tensor:
        return torch.empty(samples, *part.shape[1:], dtype=part.dtype, device="meta")

    return copy.deepcopy(trainer.game, holding).train(), lambda: _each(batch, hollow)


def _each(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A batch whose parts are changed; one that comes twice stays one, which games notice."""
    if isinstance(batch, Tensor):
        return change(batch)
    parts = {id(part): change(part) for part in batch}
    return type(batch)(*(parts[id(part)] for part in batch))


def _timed(trainer: Trainer, patience: float) -> float:
    """Seconds a step, of `CYCLE` steps or of as many as fit."""
    ends, count, began = time.perf_counter() + patience, 0, time.perf_counter()
    while count < CYCLE and time.perf_counter() < ends:
        trainer.round()
        trainer.pop_metrics()  # waits for the device
        count += 1
    return (time.perf_counter() - began) / count


def pace_of(trainer: Trainer, patience: float = PATIENCE) -> Pace:
    """About how long a step will take, found within about `patience` seconds; the trainer stays as it is.

    By the gradients of a copy of the game in steps from the middle of the training: first steps may be others. They are
    those of a few samples, then of ever more, up to a whole batch; where that would take long, a line goes through the
    times of the last two numbers of samples, and where even a few samples take too long, the share of their
    floating-point operations that was done in time says how long all take.
    """
    ends, batch, step = time.perf_counter() + patience, trainer.training.batch_size, _typical(trainer)
    samples, of = min(FEW, batch), f"of {batch:,} samples"

    def left() -> float:
        return ends - time.perf_counter()

    if has_role(trainer.game, Acts):  # a policy acts as long however many samples a batch has
        return Pace(_probe(trainer, batch, step), "from the gradients of one", "at least")
    watch = Watch(ends)
    try:
        seconds = _probe(trainer, samples, step, watch)  # libraries choose their kernels, too
    except OutOfTime:
        seconds, whole = time.perf_counter() - watch.began, operations(trainer, samples, step, 2 * patience)
        if not whole or not watch.finished:
            source = f"{samples:,} {of} took longer than was waited for"
            return Pace(seconds * batch / samples, source, "at least")
        share = min(watch.finished / whole, 1.0)
        return Pace(seconds / share * batch / samples, f"from {share:.1%} of the operations for {samples:,} {of}")
    if seconds < left() / GROWTH:
        seconds = _probe(trainer, samples, step)
    fewer = (0, 0.0)  # samples and their time before
    while samples < batch and seconds * min(GROWTH, batch / samples) < left():
        fewer, samples = (samples, seconds), min(GROWTH * samples, batch)
        seconds = _probe(trainer, samples, step)
    if samples < batch:
        slope = max(seconds - fewer[1], 0.0) / (samples - fewer[0])
        if not fewer[0]:
            return Pace(seconds * batch / samples, f"from {samples:,} {of}", "at most")
        return Pace(seconds + slope * (batch - samples), f"from {fewer[0]:,} and {samples:,} {of}")
    times = [seconds]
    while len(times) < CYCLE and times[-1] < left():
        times.append(_probe(trainer, batch, step + len(times)))
    return Pace(sum(times) / len(times), "")


def _typical(trainer: Trainer) -> int:
    """A step beyond the middle of the training, which no schedule is likely to name."""
    steps = trainer.training.steps
    return min(steps // 2 + 1, steps - 1)


def _probe(trainer: Trainer, samples: int, step: int, watch: Watch | None = None) -> float:
    """Seconds for the gradients of a step with so many samples of a batch; `OutOfTime` where `watch` ends it."""
    state, game = trainer.stream.state(), copy.deepcopy(trainer.game).train()

    def draw() -> Any:
        return _each(trainer.stream(), lambda part: part[:samples])

    began = time.perf_counter()
    try:
        with rng.fork_rng(trainer.device), watch or nullcontext():
            _gradients(trainer, game, draw, step)
            if trainer.device.type == "cuda":
                torch.cuda.synchronize(trainer.device)
    finally:
        trainer.stream.restore(state)
    return time.perf_counter() - began


def _gradients(trainer: Trainer, game: Game[Any], draw: Callable[[], Any], step: int) -> None:
    """Those of one step of `game`, a copy."""
    parameters = {name: parameters_of(player.modules) for name, player in game.players().items()}
    for turn in trainer.turns(draw, game, step):
        for move in turn.moves:
            kept = others_follow(turn, move)
            torch.autograd.grad(move.loss, parameters[move.player], retain_graph=kept, allow_unused=True)


def operations(trainer: Trainer, samples: int, step: int, patience: float = PATIENCE) -> int:
    """The floating-point operations of all products and convolutions in the gradients of a step with so many samples,
    counted on the meta device; 0 where that cannot be, or takes more than `patience` seconds.
    """
    state = trainer.stream.state()
    batch = trainer.stream()
    trainer.stream.restore(state)
    counter = Counter(time.perf_counter() + patience)
    try:
        with rng.fork_rng(trainer.device):
            game, draw = _hollow(trainer, batch, samples)
            with counter:
                _gradients(trainer, game, draw, step)
    except (OutOfTime, RuntimeError, ValueError, TypeError):  # a game needs values to go on, say
        return 0
    return counter.finished


class OutOfTime(Exception):
    """What was timed has had its time."""


class Counter(TorchDispatchMode):
    """A context that counts the floating-point operations of products and convolutions, and ends by `OutOfTime`.

    Args:
        ends: when the time is over, by `time.perf_counter`.
    """

    def __init__(self, ends: float):
        super().__init__()  # type: ignore[no-untyped-call]
        self.ends, self.finished, self.began = ends, 0, time.perf_counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if time.perf_counter() > self.ends:
            raise OutOfTime
        made = function(*args, **(kwargs or {}))
        self.finished += _counted(function, args, kwargs or {}, made)
        return made


class Watch(Counter):
    """A counter that ends before an operation, too, which would by its size take as long again as all may take."""

    def __init__(self, ends: float):
        super().__init__(ends)
        self.first_rate = _rate() / SLOWER  # until something of that size is finished

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.overloadpacket in flop_registry:
            now = time.perf_counter()
            hollow, named = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (args, kwargs or {}))
            ahead = _counted(function, hollow, named, function(*hollow, **named))
            rate = self.finished / (now - self.began) if self.finished > ahead else self.first_rate
            if now + ahead / rate > 2 * self.ends - self.began:
                raise OutOfTime
        return super().__torch_dispatch__(function, types, args, kwargs)


def _counted(function: Any, args: Any, named: Any, made: Any) -> int:
    """The floating-point operations by which a function made something; 0 of all but products and convolutions."""
    count = flop_registry.get(function.overloadpacket)
    return int(count(*args, **named, out_val=made)) if count else 0


def _rate() -> float:
    """Floating-point operations a second in a product of matrices."""
    a = torch.ones(MATMUL, MATMUL)
    a @ a
    began = time.perf_counter()
    a @ a
    return 2 * MATMUL**3 / (time.perf_counter() - began)
