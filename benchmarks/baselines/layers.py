"""zerosum's translators of the layers that ordinary scripts have."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.networks.doubling import DoublingConv2d
from zerosum.networks.seeded_dropout import SeededDropout


class Dropout(nn.Module):
    """In every mode, as pix2pix has it; seeds are left out of account."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor, seeds: Tensor) -> Tensor:
        return F.dropout(x, self.rate)


def ordinary(network: nn.Module) -> nn.Module:
    """The network itself, with every layer that zerosum computes in a way of its own put in by PyTorch's."""
    for name, layer in network.named_children():
        if isinstance(layer, DoublingConv2d):
            bias, edges = layer.bias is not None, layer.padding_mode
            convolution = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=bias, padding_mode=edges)
            convolution.load_state_dict(layer.state_dict())
            setattr(network, name, nn.Sequential(nn.Upsample(scale_factor=2), convolution))
        elif isinstance(layer, SeededDropout):
            setattr(network, name, Dropout(layer.rate))
        else:
            ordinary(layer)
    return network
