"""Samples of a posterior over a network's weights, as one network; Saatchi and Wilson, 2017."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Generators(nn.Module):
    """Samples of the posterior over G's weights, that make samples in turn.

    z, (B, dim of z + J), ends in a one-hot vector that says which of the J makes its row's sample: (B, *shape).
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, z: Tensor) -> Tensor:
        z, chosen = z.split([z.shape[1] - len(self.members), len(self.members)], dim=1)
        samples = torch.stack([member(z) for member in self.members])  # (J, B, *shape)
        return samples[chosen.argmax(1), torch.arange(z.shape[0], device=z.device)]


class Discriminators(nn.Module):
    """Samples of the posterior over D's weights: (B, *shape) to the logits of all J, (B, J)."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([member(x) for member in self.members], dim=1)


class Predictive(nn.Module):
    """Samples of the posterior over the weights of a D with K classes: (B, *shape) to logits (B, K).

    They are those of the mean of all J's probabilities, with that of fakes at 0, as each member's are.
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        logits = torch.stack([member(x).float() for member in self.members])  # (J, B, K)
        normaliser = torch.cat([logits, torch.zeros_like(logits[..., :1])], -1).logsumexp(-1, keepdim=True)
        log_p, log_fake = (logits - normaliser).logsumexp(0), (-normaliser).logsumexp(0)  # both less log J
        return log_p - log_fake
