"""Layers and sizes that several architectures share."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from zerosum.modality import Shape

Kernel = Literal[4, 5]  # pixels of a convolution's side
Norm = Literal["batch", "spectral", "weight", "instance", "layer", "none"]


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """(C, H, W), or a `ValueError` for samples that are no images."""
    if len(shape) != 3:
        raise ValueError(f"this network is for images (C, H, W), not for samples of shape {shape}")
    return shape


def halvings(height: int, width: int, smallest: int) -> list[tuple[int, int]]:
    """Sizes from (height, width) down, each half of the one before, rounded up, while no side falls below `smallest`.

    28x28 with `smallest` 4 gives 28, 14, 7, 4; the list has at least one entry. `ValueError` for `smallest` below 2.
    """
    if smallest < 2:
        raise ValueError(f"a side is halved down to at least 2 pixels, not {smallest}")
    sizes = [(height, width)]
    while math.ceil(min(sizes[-1]) / 2) >= smallest:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    return sizes


def doubling(
    before: int, after: int, size: tuple[int, int], target: tuple[int, int], bias: bool, kernel: Kernel = 4
) -> nn.ConvTranspose2d:
    """A transposed convolution of stride 2 from `size` to `target`, each side twice as long, or one less than that.

    (B, before, *size) to (B, after, *target). Padding makes the odd sides: cropping would leave strided views, which
    batch norm is slow at.
    """
    odd = tuple(2 * side - wanted for side, wanted in zip(size, target, strict=True))  # 0 or 1
    padding = (2, 2) if kernel == 5 else (1 + odd[0], 1 + odd[1])
    added = (2 * padding[0] + 2 - kernel - odd[0], 2 * padding[1] + 2 - kernel - odd[1])
    return nn.ConvTranspose2d(before, after, kernel, stride=2, padding=padding, output_padding=added, bias=bias)


class Reshape(nn.Module):
    """(B, *) to (B, *shape)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


def normal_weights(network: nn.Module) -> None:
    """Weights from N(0, 0.02^2), gains from N(1, 0.02^2) and biases of 0, as the code of DCGAN's authors draws them."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def normalisation(norm: Norm, features: int, images: bool) -> list[nn.Module]:
    """The normalisation layer after a linear layer or a convolution, (B, features, ...) to the same; maybe none.

    "batch" and "instance" cancel a bias in front of them. "layer" normalises all features of a sample together, with a
    gain and a bias for each feature (Ba et al., 2016). "spectral" and "weight" are no layers, but `reparametrise`.
    """
    if norm == "batch":
        return [nn.BatchNorm2d(features) if images else nn.BatchNorm1d(features)]
    if norm == "instance":
        if not images:
            raise ValueError("instance normalisation is of the pixels of a channel; a perceptron has none")
        return [nn.InstanceNorm2d(features, affine=True)]
    return [nn.GroupNorm(1, features)] if norm == "layer" else []


def reparametrise(network: nn.Module, norm: Norm) -> None:
    """For "spectral" and "weight", norm the weight of every layer of `network`, in place; else do nothing.

    "spectral": divided by its largest singular value, that of a convolution's kernel seen as a matrix (Miyato et al.,
    2018, section 2.1). "weight": a direction and a length for each output (Salimans and Kingma, 2016, eq. 2).
    """
    if norm not in ("spectral", "weight"):
        return
    for layer in list(network.modules()):
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            if norm == "spectral":
                spectral_norm(layer)
            else:
                weight_norm(layer, dim=int(isinstance(layer, nn.ConvTranspose2d)))  # where its outputs are
