"""What a run would be: its memory, and its duration, from timed steps."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.game import Game
from zerosum.training.trainer import Trainer, parameters_of
from zerosum.util import distributed, memory, rng

FEW, MORE = 2, 8  # samples of two probes: batch norm needs two
MOVES = 8  # of a step that are looked at: some critics make a hundred alike
BESIDE = 4  # times the weights: themselves, their gradients and Adam's two moments
SMALLER_NETWORKS = "use a smaller --size or smaller networks"
SMALLER_BATCH = "use a smaller --batch-size, a smaller --size or smaller networks"
AS_BEGUN = "free some: a run goes on with the sizes that it began with"
QUICK = 1.0  # seconds that a probe of a whole batch may take
SLOW = 0.5  # as a share of a few samples: then it is worth a look at more of them


@dataclass(frozen=True)
class Estimate:
    """An estimate; sizes in bytes, times in seconds."""

    memory: Mapping[str, int]
    round_seconds: float
    total_seconds: float


def estimate(trainer: Trainer) -> Estimate:
    """Play one step to find the activations and another to time it. Do not use the trainer afterwards."""
    kept: dict[int, int] = {}
    largest = 0

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for move in trainer.moves(trainer.stream):
            largest = max(largest, sum(kept.values()))
            trainer.play(move)
            kept.clear()
    seconds = min(_timed(trainer) for _ in range(2))
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
    return Estimate(memory, seconds, seconds * trainer.training.steps)


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
    kept = _activations(trainer, parts, type(batch), count)
    return weights + max(kept, 4 * drawn)  # real and fake, and the gradients of both


def _activations(trainer: Trainer, parts: list[Tensor], kind: type, count: int) -> int:
    """Bytes that the largest move of a step with a batch of `count` keeps for its gradient, by a step of a copy on the
    meta device; 0 where that cannot be: a game needs values to go on, say.
    """
    largest = 0
    kept: dict[int, Tensor] = {}
    if distributed.world_size() > 1:  # some games average over processes, which the meta device cannot
        return 0

    def pack(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)  # the meta device has no addresses
        return tensor

    def draw() -> Any:
        x = [torch.empty(count, *part.shape[1:], dtype=part.dtype, device="meta") for part in parts]
        return x[0] if kind is Tensor else kind(*x)

    with suppress(RuntimeError, ValueError, TypeError), rng.fork_rng(trainer.device):
        # A copy that holds no values: a deep one of the weights themselves would take their memory.
        holding = {id(t): torch.empty_like(t, device="meta") for t in trainer.game.buffers()}
        for p in trainer.game.parameters():
            holding[id(p)] = torch.nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad)
        game = copy.deepcopy(trainer.game, holding).train()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            for _ in itertools.islice(trainer.moves(draw, game), MOVES):
                largest = max(largest, sum(tensor.untyped_storage().nbytes() for tensor in kept.values()))
                kept.clear()
    return largest // 2 if trainer.dtype == torch.bfloat16 else largest  # autocast does not reach the meta device


def seconds_per_step(trainer: Trainer) -> float:
    """About how long a step will take, from the gradients of a copy of the game: the trainer stays as it is.

    Where a whole batch would take long, from two small parts of it, as a line through their times.
    """
    batch = trainer.training.batch_size
    few, more = min(FEW, batch), min(MORE, batch)
    _probe(trainer, few)  # libraries choose their kernels
    short = _probe(trainer, few)
    if short * batch / few > SLOW:  # even more samples would take seconds
        long = _probe(trainer, more)
        whole = long + (batch - more) * max(long - short, 0.0) / max(more - few, 1)
        if whole > QUICK:
            return whole
    _probe(trainer, batch)
    return _probe(trainer, batch)


def _probe(trainer: Trainer, samples: int) -> float:
    """Seconds for the gradients of one step with so many samples of a batch."""
    game, state = copy.deepcopy(trainer.game).train(), trainer.stream.state()
    parameters = {name: parameters_of(player.modules) for name, player in game.players().items()}

    def draw() -> Any:
        batch = trainer.stream()
        if isinstance(batch, Tensor):
            return batch[:samples]
        parts = {id(part): part[:samples] for part in batch}  # a part that comes twice stays one, which games notice
        return type(batch)(*(parts[id(part)] for part in batch))

    began = time.perf_counter()
    with rng.fork_rng(trainer.device):
        for move in trainer.moves(draw, game):
            torch.autograd.grad(move.loss, parameters[move.player], allow_unused=True)
    seconds = time.perf_counter() - began
    trainer.stream.restore(state)
    return seconds


def _timed(trainer: Trainer) -> float:
    began = time.perf_counter()
    trainer.round()
    trainer.pop_metrics()  # waits for the device
    return time.perf_counter() - began
