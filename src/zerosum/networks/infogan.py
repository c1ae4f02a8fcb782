"""InfoGAN's networks: a discriminator that shares its body with Q; Chen et al., 2016, appendix C.1."""

from __future__ import annotations

import math

from torch import Tensor, nn

from zerosum.modality import Shape
from zerosum.networks.blocks import Reshape, doubling, halvings, image_shape
from zerosum.networks.heads import Discriminator

TABLE_LEAK, CODE_LEAK = 0.1, 0.01  # of LeakyReLU: in the paper's table 1, and in the authors' code


class ToUnit(nn.Module):
    """[-1, 1] to [0, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) / 2


class FromUnit(nn.Module):
    """[0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 - 1


def split_head(network: nn.Module) -> Discriminator:
    """A discriminator whose `layers` end in a linear one, split into a body and that head."""
    layers = network.get_submodule("layers")
    if not isinstance(layers, nn.Sequential) or not isinstance(layers[-1], nn.Linear):
        raise ValueError(f"{type(network).__name__} has no layers that end in a linear one")
    return Discriminator(layers[:-1], layers[-1])


def body(shape: Shape, width: int) -> nn.Sequential:
    """Samples (B, *shape) to features (B, width) by two linear layers with batch norm and LeakyReLU 0.1: Q's own."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before in (math.prod(shape), width):
        layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


def recogniser(
    features: int, outputs: int, width: int = 128, normed: bool = True, leak: float = TABLE_LEAK
) -> nn.Sequential:
    """Q's own layers: features of D's body, (B, F), to the parameters of Q(c | x), (B, outputs), by one hidden layer.

    `normed`: with batch norm in it, as in the paper.
    """
    hidden = [nn.Linear(features, width), *([nn.BatchNorm1d(width)] if normed else []), nn.LeakyReLU(leak)]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


class PaperGenerator(nn.Module):
    """z, (B, latent_dim), to images (B, C, H, W) in [-1, 1]: two linear layers, two transposed 4x4 convolutions.

    On 28x28 pixels with `width` 64 these are the sizes of table 1: 1024, 7x7x128, 64 channels. Batch norm and ReLU
    after all but the last. As the authors' `code` has it, each unit of the second linear layer is normalised by itself,
    and pixels are the probabilities of a Bernoulli distribution, here scaled to [-1, 1]; else each of its channels is,
    and a tanh is last.
    """

    def __init__(self, latent_dim: int, shape: Shape, width: int = 64, code: bool = False):
        super().__init__()
        channels, height, image_width = image_shape(shape)
        sizes = halvings(height, image_width, smallest=4)[:3][::-1]
        widths = [*[width * 2**i for i in range(len(sizes) - 1)][::-1], channels]
        base = (widths[0], *sizes[0])
        layers: list[nn.Module] = [nn.Linear(latent_dim, 16 * width), nn.BatchNorm1d(16 * width), nn.ReLU()]
        layers += [nn.Linear(16 * width, math.prod(base))]
        normed = code and len(sizes) > 1  # else these are the pixels
        layers += [nn.BatchNorm1d(math.prod(base)), nn.ReLU(), Reshape(base)] if normed else [Reshape(base)]
        for i, (before, after, size, target) in enumerate(zip(widths, widths[1:], sizes, sizes[1:], strict=False)):
            layers += [] if code and not i else [nn.BatchNorm2d(before), nn.ReLU()]
            layers += [doubling(before, after, size, target, bias=True)]
        self.layers = nn.Sequential(*layers, *([nn.Sigmoid(), FromUnit()] if code else [nn.Tanh()]))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


def paper_discriminator(shape: Shape, width: int = 64, code: bool = False) -> Discriminator:
    """Two 4x4 convolutions of stride 2, then a linear layer of 16 x `width` units: with 64, table 1's for MNIST.

    LeakyReLU, of 0.1 as in table 1 or of 0.01 as in the authors' `code`, which sees pixels in [0, 1]; batch norm after
    all but the first.
    """
    before, height, image_width = image_shape(shape)
    leak = CODE_LEAK if code else TABLE_LEAK
    layers: list[nn.Module] = [ToUnit()] if code else []
    for i, _ in enumerate(halvings(height, image_width, smallest=4)[1:3]):
        after = width * 2**i
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), *([nn.BatchNorm2d(after)] if i else [])]
        layers += [nn.LeakyReLU(leak)]
        before, height, image_width = after, height // 2, image_width // 2
    layers += [nn.Flatten(), nn.Linear(before * height * image_width, 16 * width), nn.BatchNorm1d(16 * width)]
    return Discriminator(nn.Sequential(*layers, nn.LeakyReLU(leak)), nn.Linear(16 * width, 1))
