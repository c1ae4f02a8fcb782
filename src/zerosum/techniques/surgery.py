"""The inputs, outputs and layers of networks, found on the meta device, which computes nothing; and their exchange."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zerosum.modality import Shape

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def accepts(network: nn.Module, shape: Shape) -> bool:
    """Whether `network` can be called on a batch (B, *shape) and nothing else."""
    try:
        _output(copy.deepcopy(network).to("meta"), shape)
    except ValueError:
        return False
    return True


def last_layer(discriminator: nn.Module, shape: Shape) -> str:
    """The name of the last linear layer or convolution that D runs; `ValueError` where D does not give one logit."""
    network, calls = copy.deepcopy(discriminator).to("meta"), list[str]()
    for name, layer in network.named_modules():
        if isinstance(layer, WEIGHTED):
            layer.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
    logits = _output(network, shape)
    if not isinstance(logits, Tensor) or logits.numel() != 2 or not calls:
        raise ValueError("it does not give one logit for each sample")
    return calls[-1]


def layer_input(discriminator: nn.Module, layer: str, x: Tensor) -> Tensor:
    """D's features at the input of the layer of that name, (B, F), for samples x, (B, *shape)."""
    inputs: list[Tensor] = []
    handle = discriminator.get_submodule(layer).register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    try:
        discriminator(x)
    finally:
        handle.remove()
    return inputs[-1].flatten(1)


def replace_module(root: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` wherever `old` is a child of a module of `root`."""
    for parent in list(root.modules()):
        for name, child in list(parent.named_children()):
            if child is old:
                setattr(parent, name, new)


def _output(network: nn.Module, shape: Shape) -> object:
    """The output of a network on the meta device, which has shapes but no values, for two samples."""
    try:
        return network(torch.empty(2, *shape, device="meta"))
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        raise ValueError(f"it does not take a batch of samples of shape {shape} alone") from error
