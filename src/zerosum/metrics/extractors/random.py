"""Features of a network with random weights: free of any training, cheap, and the same on every machine.

Random features tell distributions of images apart though nobody trained them; they are no measure of what a person
sees. Use them in tests, and to watch a training.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST = 8  # pixels
WIDTHS = (3, 16, 16, 32)


class RandomNetwork(nn.Module):
    """Colour images (B, 3, H, W), H and W at least 8, to features (B, 64).

    Three convolutions that each halve the size; the mean of each one's activations over all places makes the features.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1) for before, after in itertools.pairwise(WIDTHS)
        )
        # NumPy promises that PCG64 gives these bits for ever; the distributions of its generators may change.
        bits = np.random.PCG64(seed)
        for parameter in self.parameters():
            draws = bits.random_raw(parameter.numel()) >> np.uint64(40)  # 24 bits, which float32 holds exactly
            uniform = draws.astype(np.float32) * np.float32(2**-23) - 1  # in [-1, 1)
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 6
            scaled = uniform * np.sqrt(np.float32(6 / fan_in))  # keeps the second moment through a rectifier
            parameter.detach().copy_(torch.from_numpy(scaled).reshape(parameter.shape))

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
            features.append(x.mean((2, 3)))
        return torch.cat(features, 1)  # (B, 64)
