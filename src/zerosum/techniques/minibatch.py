"""Minibatch discrimination; Salimans et al., 2016, section 3.2."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.losses.adversarial import to_float32
from zerosum.networks.discriminate import BatchDependent
from zerosum.util import distributed
from zerosum.util.checks import shapes

NEAREST = 2.0  # mean distance of the nearest other sample, once calibrated


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
        o = self.compared(self._project(f[self.left_out :]))
        return self.head(f) + F.pad(o @ self.weight, (0, 0, self.left_out, 0))

    def compared(self, m: Tensor) -> Tensor:
        """o of projected features: (B, kernels, dims) to (B, kernels)."""
        return closeness(m)

    def _project(self, f: Tensor) -> Tensor:
        kernels = self._kernels()
        return to_float32((f @ kernels.flatten(1)).unflatten(1, kernels.shape[1:]))

    def _kernels(self) -> Tensor:
        return self.tensor


class CalibratedMinibatch(MinibatchDiscrimination):
    """The layer as in the authors' code (openai/improved-gan, nn.py): it sees distances, wherever the features lie.

    T is a direction of unit length times a scale for each of a kernel's dimensions; a sample is not compared with
    itself, and a bias is added to o. `calibrate` sets scale and bias by data. The second weight is drawn as the first
    is: together they are one linear layer of both.
    """

    calibration: Tensor
    mean: Tensor
    calibrated: Tensor

    def __init__(self, head: nn.Linear, kernels: int, dims: int = 5, left_out: int = 0):
        super().__init__(head, kernels, dims, left_out)
        nn.init.normal_(self.tensor, 0, 0.05)
        bound = 1 / math.sqrt(head.in_features + kernels)
        nn.init.uniform_(self.weight, -bound, bound)
        # What is learnt begins at 0 beside what is calibrated, which a critic's weight clipping is not to undo.
        self.log_scale = nn.Parameter(torch.zeros(kernels, dims))
        self.bias = nn.Parameter(torch.zeros(kernels))
        self.register_buffer("calibration", torch.zeros(kernels))
        self.register_buffer("mean", torch.zeros(kernels))
        self.register_buffer("calibrated", torch.zeros(()))  # 1 once it is; processes exchange no truth values

    @torch.no_grad()
    def calibrate(self, f: Tensor) -> None:
        """Let each kernel have the nearest of features f (B, A) at a mean distance of 2, and o a mean of 0.

        Of several processes all get the mean of what their own batches say. One sample says nothing. What has been
        calibrated stays: a game whose training goes on from its weights begins with another first batch.
        """
        if len(f) < 2:
            return
        m = self._project(f)
        distances = (m[:, None] - m[None]).abs().sum(3)  # (B, B, kernels)
        distances.diagonal().fill_(math.inf)
        nearest = distributed.mean(distances.amin(1).mean(0))  # (kernels,)
        change = torch.where(nearest > 0, NEAREST / nearest, 1.0).log()  # where all samples are one they say nothing
        done = self.calibrated > 0
        self.calibration.copy_(torch.where(done, self.calibration, change))
        mean = distributed.mean(self._others(self._project(f)).mean(0))
        self.mean.copy_(torch.where(done, self.mean, mean))
        self.calibrated.fill_(1)

    def compared(self, m: Tensor) -> Tensor:
        return self._others(m) - self.mean + self.bias

    def _others(self, m: Tensor) -> Tensor:
        return closeness(m) - 1  # which is how close a sample is to itself

    def _kernels(self) -> Tensor:
        return self.tensor * ((self.log_scale + self.calibration[:, None]).exp() / self.tensor.norm(dim=0))
