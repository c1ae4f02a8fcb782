"""Several processes, one game: what a run under `torchrun` needs. Alone, every function here does nothing.

Each process plays the same steps on its own share of every batch; `average_gradients` makes their updates equal, so
penalties, double backward and clipping need no wrapper. A game knows nothing of this, but for one that follows
statistics of batches, which it takes of the whole batch by `mean`, `gather` or `with_common_mean`.

A process that stops by an error tells the others why (`together`); they end with `Lost` at their next exchange.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm

from zerosum.errors import ZerosumError

M = TypeVar("M", bound=nn.Module)
V = TypeVar("V")

GONE = ("onnection", "roken pipe", "emote", "imed out")  # in what gloo and NCCL say of a process that is no more
PATIENCE = 2.0  # seconds that a process which stops waits for the first one to say that it stops of the same
TINY = 1e-8  # added to a deviation, which may be 0
DIVERGED = 3  # the exit code of what all find at once

_board: PrefixStore | None = None  # where a process that stops leaves its reason, readable while others end


class Lost(ZerosumError):
    """Another process of the training stopped, and so this one must: it brings that one's exit code."""

    def __init__(self, message: str, exit_code: int = ZerosumError.exit_code):
        super().__init__(message)
        self.exit_code = exit_code


def start() -> torch.device:
    """Join the group that `torchrun` describes in the environment; the device of this process."""
    global _board
    cuda = torch.cuda.is_available()
    if "RANK" in os.environ and not dist.is_initialized():
        store, own, count = next(rendezvous("env://"))
        _board = PrefixStore("zerosum", store)
        # What is on the CPU goes by gloo on any machine, so that no agreement waits for a GPU.
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", store=store, rank=own, world_size=count)
        if not cuda:
            atexit.register(_leave)  # threads of gloo and of the store must not outlive the interpreter
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def launched() -> bool:
    """Whether a launcher of several processes, `torchrun` say, stands over this one."""
    return dist.is_initialized()


def broadcast(module: M) -> M:
    """Give every process the first one's parameters and buffers."""
    if world_size() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            tensor.detach().copy_(of_first(tensor.detach()))
    return module


def of_first(value: Tensor) -> Tensor:
    """The first process's `value`, of one shape in all of them."""
    if world_size() == 1:
        return value
    sent = value.contiguous()  # a copy where the layout is channels-last
    _exchange(lambda: dist.broadcast(sent, src=0))
    return sent


def told(value: V) -> V:
    """What the first process says: a path, a number, whatever can be pickled."""
    if world_size() == 1:
        return value
    said: list[Any] = [value]
    _exchange(lambda: dist.broadcast_object_list(said, src=0))
    heard: V = said[0]
    return heard


def told_by_all(value: V) -> list[V]:
    """What each process says, by rank."""
    if world_size() == 1:
        return [value]
    said: list[Any] = [None] * world_size()
    _exchange(lambda: dist.all_gather_object(said, value))
    return said


def any_says(flag: bool) -> bool:
    """Whether a process says so: all hear the same."""
    if world_size() == 1:
        return flag
    sent = torch.tensor(int(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
    _exchange(lambda: dist.all_reduce(sent, dist.ReduceOp.MAX))
    return bool(sent)


def mean(value: Tensor) -> Tensor:
    """The mean of `value`, a statistic of each process's batch, over the processes: what a buffer follows."""
    if world_size() == 1 or value.is_meta:  # a step of a copy without values, which plays alone
        return value
    summed = value.detach().clone(memory_format=torch.contiguous_format)
    _exchange(lambda: dist.all_reduce(summed))
    return summed / world_size()


def standardised(values: Tensor) -> Tensor:
    """`values` (N,), less their mean, in their deviations, both over all processes: each has as many as it has."""
    count = mean(torch.tensor(float(len(values)), device=values.device))
    middle = mean(values.sum()) / count
    deviation = (mean((values - middle).square().sum()) / count).sqrt()
    return (values - middle) / (deviation + TINY)


def differentiable_mean(values: Sequence[Tensor]) -> list[Tensor]:
    """The mean of each of `values` over the processes, in one message; its gradient, of any order, reaches all of them.

    For what every process computes on with, as it does with a network that has made a step of all shares of a batch.
    """
    if world_size() == 1 or values[0].is_meta:
        return list(values)
    flat: Tensor = _Mean.apply(torch.cat([value.flatten() for value in values]))  # type: ignore[no-untyped-call]
    parts = flat.split([value.numel() for value in values])
    return [part.view_as(value) for part, value in zip(parts, values, strict=True)]


class _Mean(torch.autograd.Function):
    """A mean over processes, whose losses are averaged: its gradient is the mean of their gradients."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return mean(value)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        averaged: Tensor = _Mean.apply(gradient)  # type: ignore[no-untyped-call]
        return averaged


def gather(x: Tensor) -> Tensor:
    """The whole batch: every process's share, (B, ...), in the order of the ranks. No gradient goes through."""
    if world_size() == 1 or x.is_meta:
        return x
    own = x.detach().contiguous()
    shares = [torch.empty_like(own) for _ in range(world_size())]
    _exchange(lambda: dist.all_gather(shares, own))
    return torch.cat(shares)


def with_common_mean(x: Tensor) -> Tensor:
    """x, (B, ...), moved so that its mean over the rows is that of the whole batch; each row keeps its gradient.

    A loss of that mean then has the whole batch's value in each process, and once gradients are averaged its gradient.
    """
    if world_size() == 1 or x.is_meta:
        return x
    own = x.detach().mean(0)
    return x + (mean(own) - own)


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, in one message."""
    if world_size() == 1:
        return
    gradients: list[Tensor] = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    flat = torch.cat([g.flatten() for g in gradients])
    _exchange(lambda: dist.all_reduce(flat))
    flat /= world_size()
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


@torch.no_grad()
def agree(module: nn.Module) -> None:
    """Make every buffer of a module equal in all processes, in one message for each of its dtypes.

    Running statistics of batch norm become the mean of those of the processes; any other buffer becomes the first
    process's, from which the others' differ where a game took it of its own share of a batch.
    """
    if world_size() == 1:
        return
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    averaged = {id(statistic) for norm in norms for statistic in (norm.running_mean, norm.running_var)}
    by_dtype: dict[torch.dtype, list[Tensor]] = {}
    for buffer in module.buffers():
        by_dtype.setdefault(buffer.dtype, []).append(buffer)
    for buffers in by_dtype.values():
        shares = [b / world_size() if id(b) in averaged else b if rank() == 0 else torch.zeros_like(b) for b in buffers]
        flat = torch.cat([share.flatten().byte() if share.dtype == torch.bool else share.flatten() for share in shares])
        _exchange(lambda flat=flat: dist.all_reduce(flat))  # type: ignore[misc]
        for buffer, common in zip(buffers, flat.split([b.numel() for b in buffers]), strict=True):
            buffer.copy_(common.view_as(buffer))


@contextmanager
def together() -> Iterator[None]:
    """A context whose error, whatever it is, is told to the other processes before it goes its way."""
    try:
        yield
    except BaseException as error:
        if _board is not None and not isinstance(error, Lost):
            ours = isinstance(error, (ZerosumError, KeyboardInterrupt))
            reason = str(error) or "stopped" if ours else f"{type(error).__name__}: {error}"
            with suppress(RuntimeError):  # its keeper is gone
                _board.set(_place(rank()), json.dumps([reason, getattr(error, "exit_code", 1)]))
        raise


def reason_of(process: int) -> tuple[str, int] | None:
    """Why that process stopped and its exit code, if it said so."""
    with suppress(RuntimeError):
        if _board is not None and _board.check([_place(process)]):
            reason, code = json.loads(_board.get(_place(process)))
            return str(reason), int(code)
    return None


def first_tells(message: str, error: BaseException | None) -> bool:
    """Whether the first process prints this message of `error`, too, so that a further one need not."""
    if not dist.is_initialized():  # so far all have done the same: it is about the arguments
        return True
    if isinstance(error, (Lost, KeyboardInterrupt)) or getattr(error, "exit_code", None) == DIVERGED:
        return True
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if known := reason_of(0):
            return known[0] == message
        time.sleep(0.05)
    return False


def _leave() -> None:
    """The first process, who keeps the board, leaves last: others may look there for why it stopped."""
    global _board
    if dist.is_initialized():
        with suppress(RuntimeError):
            _wait_for_others()
        dist.destroy_process_group()
    _board = None
    gc.collect()  # whoever still holds the group or the store in a cycle


def _wait_for_others() -> None:
    """Say that this process leaves; of the first, wait for as long as another may look for its reason."""
    assert _board is not None
    _board.set(f"left/{rank()}", "")
    others, end = [f"left/{process}" for process in range(1, world_size())], time.monotonic() + PATIENCE
    while rank() == 0 and others and time.monotonic() < end and not _board.check(others):
        time.sleep(0.02)


def _place(process: int) -> str:
    return f"stopped/{process}"


def _exchange(message: Callable[[], Any]) -> None:
    """Send or receive; `Lost` where another process has gone."""
    try:
        message()
    except RuntimeError as error:
        for process in range(world_size()):
            if process != rank() and (known := reason_of(process)):
                reason, code = known
                raise Lost(f"process {process} stopped, and the training with it: {reason}", code) from error
        if not any(word in str(error) for word in GONE):
            raise
        raise Lost(
            "another process of the training ended without a word, killed perhaps, and the training with it; "
            "`zerosum resume` goes on from the last checkpoint"
        ) from error
