"""Minibatch discrimination; Salimans et al., 2016, section 3.2."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.losses.adversarial import to_float32
from zerosum.networks.discriminate import BatchDependent
from zerosum.util.checks import shapes


def closeness(m: Tensor) -> Tensor:
    """o(x_i)_b = sum_j exp(-||M_ib - M_jb||_1), from 1 (all others far away) to B: (B, kernels, C) to (B, kernels)."""
    shapes("B kernels C", m=m)
    distances = (m[:, None] - m[None]).abs().sum(3)  # (B, B, kernels)
    return (-distances).exp().sum(1)


class MinibatchDiscrimination(BatchDependent):
    """D's last layer, which also sees how close each sample's features are to those of the others of its batch.

    Features f (B, A) go through a tensor T (A, kernels, dims) to M; `head` sees f and a second weight sees o, and their
    sum is one linear layer of both, concatenated. That weight starts at 0: D starts as it was. The first `left_out`
    rows are no samples to compare but the reference batch of virtual batch norm.
    """

    def __init__(self, head: nn.Linear, kernels: int, dims: int = 5, left_out: int = 0):
        super().__init__()
        self.head, self.left_out = head, left_out
        self.tensor = nn.Parameter(torch.randn(head.in_features, kernels, dims) / math.sqrt(head.in_features))
        self.weight = nn.Parameter(torch.zeros(kernels, head.out_features))

    def forward(self, f: Tensor) -> Tensor:
        shapes(f"B {self.head.in_features}", f=f)
        m = (f[self.left_out :] @ self.tensor.flatten(1)).unflatten(1, self.tensor.shape[1:])  # (B, kernels, dims)
        return self.head(f) + F.pad(closeness(to_float32(m)) @ self.weight, (0, 0, self.left_out, 0))
