"""Historical averaging; Salimans et al., 2016, section 3.3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zerosum.util.checks import ArgumentError


class HistoricalAverage(nn.Module):
    """The mean of a player's parameters over its moves so far, in buffers; the first value is where they start."""

    count: Tensor

    def __init__(self, parameters: Sequence[Tensor]):
        super().__init__()
        for i, parameter in enumerate(parameters):
            self.register_buffer(f"mean_{i}", parameter.detach().clone())
        self.register_buffer("count", torch.ones(()))  # values in the mean

    @property
    def means(self) -> list[Tensor]:
        return [mean for name, mean in self.named_buffers() if name != "count"]

    def _pairs(self, parameters: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Each parameter with its mean; an `ArgumentError` where they are not those that the average began with."""
        means = self.means
        if [p.shape for p in parameters] != [mean.shape for mean in means]:
            raise ArgumentError("an average is of the parameters that it began with: as many, and of their shapes")
        return list(zip(parameters, means, strict=True))

    def distance(self, parameters: Sequence[Tensor]) -> Tensor:
        """||theta - 1/t sum_i theta[i]||^2 over all parameters, a scalar to be weighted and minimised."""
        pairs = self._pairs(parameters)
        return torch.stack([(parameter - mean).square().sum() for parameter, mean in pairs]).sum()

    @torch.no_grad()
    def restart(self, parameters: Sequence[Tensor]) -> None:
        """Begin anew, from these values."""
        self.count.fill_(1)
        for parameter, mean in self._pairs(parameters):
            mean.copy_(parameter)

    @torch.no_grad()
    def update(self, parameters: Sequence[Tensor]) -> None:
        """Take in the parameters after a move."""
        self.count += 1
        for parameter, mean in self._pairs(parameters):
            mean += (parameter - mean) / self.count
