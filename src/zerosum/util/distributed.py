"""Several processes, one game: what a run under `torchrun` needs. Alone, every function here does nothing.

Each process plays the same steps on its own share of every batch; `average_gradients` makes their updates equal, so
penalties, double backward and clipping need no wrapper. A game knows nothing of this, but for one whose buffers follow
statistics of batches: those it takes by `mean`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

M = TypeVar("M", bound=nn.Module)


def start() -> torch.device:
    """Join the group that `torchrun` describes in the environment; the device of this process."""
    cuda = torch.cuda.is_available()
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def broadcast(module: M) -> M:
    """Give every process the first one's parameters and buffers."""
    if world_size() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            sent = tensor.detach().contiguous()  # a copy where the layout is channels-last
            dist.broadcast(sent, src=0)
            tensor.detach().copy_(sent)
    return module


def first(flag: bool) -> bool:
    """What the first process says."""
    if world_size() == 1:
        return flag
    sent = torch.tensor(int(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.broadcast(sent, src=0)
    return bool(sent)


def text_of_first(text: str) -> str:
    """The text that the first process has."""
    if world_size() == 1:
        return text
    sent = [text]
    dist.broadcast_object_list(sent, src=0)
    return sent[0]


def mean(value: Tensor) -> Tensor:
    """The mean of `value`, a statistic of each process's batch, over the processes: what a buffer follows."""
    if world_size() == 1:
        return value
    summed = value.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(summed)
    return summed / world_size()


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, in one message."""
    if world_size() == 1:
        return
    gradients: list[Tensor] = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
