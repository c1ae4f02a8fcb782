"""D on several batches: in one forward pass where no layer mixes the samples of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class BatchDependent(nn.Module):
    """Base class of layers whose output for one sample depends on the others of its batch, as batch norm's does."""


@contextmanager
def frozen_batch_stats(network: nn.Module) -> Iterator[None]:
    """Batch norm's running statistics, which evaluation uses, stay as they are within the block."""
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """A network within the block as it is used, not as it learns: no dropout, and batch norm by its statistics."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def mixes_batch(network: nn.Module) -> bool:
    """Whether the output for one sample depends on the others of its batch."""
    return any(isinstance(m, (nn.modules.batchnorm._BatchNorm, BatchDependent)) for m in network.modules())


Inputs = Tensor | tuple[Tensor, ...]  # of D for one batch: samples, or samples and their conditions or codes


def discriminate(discriminator: nn.Module, real: Inputs, fake: Inputs) -> tuple[Tensor, Tensor]:
    """D's logits of real samples and of fakes, in one forward pass; in two where D mixes the samples of a batch."""
    real_logits, fake_logits = discriminate_each(discriminator, [real, fake])
    return real_logits, fake_logits


@torch.no_grad()
def constant_logits(discriminator: nn.Module, *inputs: Tensor) -> Tensor:
    """D's logits of real samples that G's fakes are compared with: G's gradient is not to come by them."""
    logits: Tensor = discriminator(*inputs)
    return logits


def discriminate_each(discriminator: nn.Module, batches: Sequence[Inputs]) -> Sequence[Tensor]:
    """D's outputs of several batches, in one forward pass; in one for each where D mixes a batch."""
    inputs = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
    if mixes_batch(discriminator):
        return [discriminator(*batch) for batch in inputs]
    joined = [torch.cat(parts) for parts in zip(*inputs, strict=True)]
    outputs: Sequence[Tensor] = discriminator(*joined).split([len(batch[0]) for batch in inputs])
    return outputs
