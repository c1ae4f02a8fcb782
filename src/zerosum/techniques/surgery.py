"""What networks take and give, found without computing anything; and how parts of them are exchanged."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zerosum.modality import Shape

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def takes(network: nn.Module, shape: Shape) -> bool:
    """Whether `network` can be called on a batch (B, *shape) and nothing else."""
    try:
        _run(copy.deepcopy(network).to("meta"), shape)
    except ValueError:
        return False
    return True


def last_layer(discriminator: nn.Module, shape: Shape) -> str:
    """The name of the linear layer or convolution that runs last when D judges samples of `shape`.

    Raises:
        ValueError: D does not make one logit of each sample.
    """
    copied, ran = copy.deepcopy(discriminator).to("meta"), list[str]()
    for name, layer in copied.named_modules():
        if isinstance(layer, WEIGHTED):
            layer.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
    logits = _run(copied, shape)
    if not isinstance(logits, Tensor) or logits.numel() != 2 or not ran:
        raise ValueError("it does not give one logit for each sample")
    return ran[-1]


def features(discriminator: nn.Module, layer: str, x: Tensor) -> Tensor:
    """What the layer of that name sees while D judges x, (B, *shape): (B, F)."""
    seen: list[Tensor] = []
    handle = discriminator.get_submodule(layer).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        discriminator(x)
    finally:
        handle.remove()
    return seen[-1].flatten(1)


def replace(root: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` wherever `old` is a child of a module of `root`."""
    for parent in list(root.modules()):
        for name, child in list(parent.named_children()):
            if child is old:
                setattr(parent, name, new)


def _run(copied: nn.Module, shape: Shape) -> object:
    """What a network on the meta device, which has shapes but no values, makes of two samples."""
    try:
        return copied(torch.empty(2, *shape, device="meta"))
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        raise ValueError(f"it does not take a batch of samples of shape {shape} alone") from error
