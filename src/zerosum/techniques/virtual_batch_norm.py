"""Virtual batch normalisation; Salimans et al., 2016, section 3.5."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, floating, shapes


class VirtualBatchNorm(nn.Module):
    """Batch norm in which each sample is normalised by the statistics of a reference batch and itself.

    The first `reference` rows of the input (R + B, F, ...) are the reference batch, normalised by its own statistics.
    """

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm, reference: int):
        super().__init__()
        self.weight, self.bias, self.eps, self.reference = norm.weight, norm.bias, norm.eps, reference

    def forward(self, x: Tensor) -> Tensor:
        floating("x", x)
        if len(x) <= self.reference:
            raise ArgumentError(f"x must have samples after its {self.reference} rows of reference, not {len(x)} rows")
        flat = to_float32(x).reshape(*x.shape[:2], -1)  # (R + B, F, pixels)
        reference, own = flat[: self.reference], flat[self.reference :]
        mean = reference.mean((0, 2), keepdim=True)  # (1, F, 1)
        variance = (reference - mean).square().mean((0, 2), keepdim=True)
        # A sample is one of R + 1: that is its share in their common mean, and in the variance about that mean.
        share = 1 / (self.reference + 1)
        its_mean = torch.lerp(mean, own.mean(2, keepdim=True), share)  # (B, F, 1)
        its_variance = torch.lerp(
            variance + (mean - its_mean).square(), (own - its_mean).square().mean(2, keepdim=True), share
        )
        normal = torch.cat([
            (reference - mean) / (variance + self.eps).sqrt(),
            (own - its_mean) / (its_variance + self.eps).sqrt(),
        ])  # fmt: skip
        if self.weight is not None:
            normal = normal * self.weight[:, None] + self.bias[:, None]
        return normal.view_as(x)


class WithReference(nn.Module):
    """A network whose batch norm layers are made virtual: a reference batch, a buffer, runs beside every input."""

    reference: Tensor

    def __init__(self, network: nn.Module, reference: Tensor):
        super().__init__()
        for parent in list(network.modules()):
            for name, layer in list(parent.named_children()):
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    setattr(parent, name, VirtualBatchNorm(layer, len(reference)))
        self.network = network
        self.register_buffer("reference", reference)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(torch.cat([self.reference, x]))[len(self.reference) :]

    def fill(self, x: Tensor) -> None:
        """Take the reference batch from samples (B, ...), the first ones again where they are too few.

        One that has been taken stays: a game whose training goes on from its weights begins with other first data.
        """
        shapes("B *shape", {"*shape": tuple(self.reference.shape[1:])}, x=x)
        first = x[torch.arange(len(self.reference), device=x.device) % len(x)]
        self.reference.copy_(torch.where(self.reference.any(), self.reference, first))


def has_batch_norm(*networks: nn.Module) -> bool:
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for network in networks for m in network.modules())
