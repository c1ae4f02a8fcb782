"""Instance noise: Gaussian noise on D's input, and on the inputs of D's further layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.options import Checked
from zerosum.util.checks import floating
from zerosum.util.switches import With


@dataclass(frozen=True)
class InstanceNoise(Checked):
    """Gaussian noise on D's input, real and fake alike, annealed linearly to none.

    It gives the two distributions overlapping supports; Arjovsky and Bottou, 2017, section 3; Sønderby et al., 2017.
    """

    std: Annotated[float, Ge(0), "standard deviation at the start; images span [-1, 1]"] = 0.0
    steps: Annotated[int | None, Gt(0), With("std"), "anneal to zero over this many steps; none: constant noise"] = None

    def settled(self, step: int) -> bool:
        """Whether the noise is the same in every step from `step` on."""
        return not self.std or self.steps is None or step >= self.steps

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """x, (B, *shape), with the noise of `step` (from 0)."""
        floating("x", x)
        std = self.std * (max(1 - step / self.steps, 0.0) if self.steps else 1.0)
        return x + std * torch.randn_like(x) if std else x


WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)


def further_layers(network: nn.Module) -> Sequence[nn.Module]:
    """The linear layers and convolutions of `network` but the first, whose input is the sample."""
    return [layer for layer in network.modules() if isinstance(layer, WEIGHTED)][1:]


@contextmanager
def noisy_layers(network: nn.Module, noise: InstanceNoise, step: int) -> Iterator[None]:
    """Within the block, every further layer of `network` sees its input with the noise of `step`, drawn anew each time.

    The strength is absolute, whatever the scale of the layer's input; Salimans et al., 2016, have it in every layer of
    their semi-supervised discriminator.
    """
    handles = [
        layer.register_forward_pre_hook(lambda _, inputs: (noise(inputs[0], step), *inputs[1:]))
        for layer in further_layers(network)
        if noise.std
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


DiscriminatorNoise = Annotated[InstanceNoise, "Gaussian noise on D's input, real and fake"]
