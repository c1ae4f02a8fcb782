"""DCGAN against the PyTorch example `examples/dcgan/main.py`: parameter counts and outputs."""

from __future__ import annotations

import torch
from torch import nn

from zerosum.networks import dcgan

EXAMPLE_G, EXAMPLE_D = 3_576_704, 2_765_568  # nz = 100, ngf = ndf = 64, nc = 3, images of 64x64


def reference_generator(nz: int = 100, ngf: int = 64, nc: int = 3) -> nn.Module:
    """The example's generator, layer by layer."""
    widths = [ngf * 8, ngf * 4, ngf * 2, ngf]
    layers: list[nn.Module] = [nn.ConvTranspose2d(nz, widths[0], 4, 1, 0, bias=False)]
    for before, after in zip(widths, [*widths[1:], nc], strict=True):
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh())


def reference_discriminator(ndf: int = 64, nc: int = 3) -> nn.Module:
    """The example's discriminator without its sigmoid."""
    layers: list[nn.Module] = [nn.Conv2d(nc, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for i in range(3):
        before, after = ndf * 2**i, ndf * 2 ** (i + 1)
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(ndf * 8, 1, 4, 1, 0, bias=False))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def copy(source: nn.Module, target: nn.Module) -> None:
    """The example's weights into ours, layer by layer; what only ours has becomes zero."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)
    ours, its = ([m for m in net.modules() if isinstance(m, kinds)] for net in (target, source))
    assert len(ours) == len(its)
    with torch.no_grad():
        for own, other in zip(ours, its, strict=True):
            weight = other.weight
            if isinstance(own, nn.Linear) and isinstance(other, nn.ConvTranspose2d):  # z as 1x1 pixels
                weight = weight.flatten(1).T
            own.weight.copy_(weight.reshape(own.weight.shape))
            if own.bias is not None:
                own.bias.copy_(other.bias if other.bias is not None else torch.zeros_like(own.bias))


def test_the_generator_has_the_examples_parameters_and_a_bias_for_each_colour():
    ours = dcgan.Generator(100, (3, 64, 64), width=64)
    assert count(reference_generator()) == EXAMPLE_G
    assert count(ours) == EXAMPLE_G + 3


def test_the_discriminator_has_the_examples_parameters_and_two_biases_more():
    """Of the first convolution, which has no batch norm to undo it, and of the logit."""
    ours = dcgan.Discriminator((3, 64, 64), width=64)
    assert count(reference_discriminator()) == EXAMPLE_D
    assert count(ours) == EXAMPLE_D + 64 + 1


def test_with_its_weights_they_compute_the_same():
    reference, ours = reference_generator(20, 8), dcgan.Generator(20, (3, 64, 64), width=8)
    copy(reference, ours)
    z = torch.randn(5, 20)
    torch.testing.assert_close(ours(z), reference(z[..., None, None]), rtol=1e-4, atol=1e-5)
    reference, ours = reference_discriminator(8), dcgan.Discriminator((3, 64, 64), width=8)
    copy(reference, ours)
    x = torch.randn(5, 3, 64, 64)
    torch.testing.assert_close(ours(x), reference(x).flatten(1), rtol=1e-4, atol=1e-5)
