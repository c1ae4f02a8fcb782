"""`python -m benchmarks.precision`: by how much bf16 is faster than fp32 here, and what `--precision auto` takes.

Forward and backward passes of single layers under autocast, as a game plays them; the faster of several passes of each,
in turn. A ratio below 1 says that bf16 takes longer.
"""

from __future__ import annotations

from time import process_time

import torch
from torch import Tensor, nn

from zerosum.training.hardware import resolve_precision

PASSES = 7
LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "DCGAN, 64 images: convolution of 128 to 256 channels, 16 px, stride 2": (
        nn.Conv2d(128, 256, 4, 2, 1),
        (64, 128, 16, 16),
    ),
    "CycleGAN, 1 image: convolution of 256 channels, 16 px": (nn.Conv2d(256, 256, 3, padding=1), (1, 256, 16, 16)),
    "SRResNet, 8 images: convolution of 64 channels, 16 px": (nn.Conv2d(64, 64, 3, padding=1), (8, 64, 16, 16)),
    "MLP, 64 samples: 1,024 to 1,024": (nn.Linear(1024, 1024), (64, 1024)),
}


def seconds(layer: nn.Module, x: Tensor, reduced: bool) -> float:
    """Processor time of one forward and backward pass."""
    began = process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        y: Tensor = layer(x)
    y.float().sum().backward()
    return process_time() - began


def ratio(layer: nn.Module, shape: tuple[int, ...]) -> float:
    """How often bf16 passes go into the time of an fp32 one."""
    x = torch.randn(shape)
    if len(shape) == 4:
        layer, x = layer.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    x.requires_grad_(True)
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(PASSES):
        for reduced, taken in times.items():
            taken.append(seconds(layer, x, reduced))
    return min(times[False][2:]) / min(times[True][2:])


if __name__ == "__main__":
    for name, (layer, shape) in LAYERS.items():
        print(f"{name}: {ratio(layer, shape):.2f}")
    print(f"--precision auto: {resolve_precision('auto', torch.device('cpu'))}")
