"""What networks compute, layer by layer, written once more from the papers: shapes alone would hide a missing layer.

The same weights go through plain functions, in the order that the paper or the authors' code has. All are random,
biases and gains as well, so that a layer that is left out, or that stands elsewhere, changes the outcome.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.networks import bigan, conditional, dcgan, infogan, mlp
from zerosum.networks.began import Decoder, Encoder


def randomised(network: nn.Module, scale: float = 0.2) -> nn.Module:
    torch.manual_seed(0)
    for name, p in network.named_parameters():
        p.data.normal_(1.0 if p.dim() == 1 and name.endswith("weight") else 0.0, scale)
    return network.train()


class Weights:
    """The weights of a network in the order of its layers, each taken once."""

    def __init__(self, network: nn.Module):
        self.layers = [m for m in network.modules() if not list(m.children()) and list(m.parameters())]

    def linear(self, x: Tensor) -> Tensor:
        layer = self._next(nn.Linear)
        return x.flatten(1) @ layer.weight.T + (0 if layer.bias is None else layer.bias)

    def conv(self, x: Tensor, stride: int) -> Tensor:
        layer = self._next(nn.Conv2d)
        assert layer.kernel_size == ((4, 4) if stride == 2 else (3, 3))
        return F.conv2d(x, layer.weight, layer.bias, stride, padding=1)

    def deconv(self, x: Tensor) -> Tensor:
        """A 4x4 transposed convolution of stride 2: pixels spread apart, then a convolution by the turned kernel."""
        layer = self._next(nn.ConvTranspose2d)
        spread = torch.zeros(*x.shape[:2], *(2 * side - 1 for side in x.shape[2:]))
        spread[:, :, ::2, ::2] = x
        out = F.conv2d(F.pad(spread, [2] * 4), layer.weight.flip(2, 3).transpose(0, 1))
        return out if layer.bias is None else out + layer.bias[:, None, None]

    def norm(self, x: Tensor) -> Tensor:
        layer = self._next((nn.BatchNorm1d, nn.BatchNorm2d))
        places = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]
        mean, var = x.mean(places, keepdim=True), x.var(places, correction=0, keepdim=True)
        return (x - mean) / (var + 1e-5).sqrt() * layer.weight.view(shape) + layer.bias.view(shape)

    def _next(self, kind: type | tuple[type, ...]) -> nn.Module:
        layer = self.layers.pop(0)
        assert isinstance(layer, kind), f"{type(layer).__name__} where the paper has {kind}"
        return layer


def leaky(x: Tensor, slope: float) -> Tensor:
    return torch.where(x > 0, x, slope * x)


def assert_same(found: Tensor, wanted: Tensor, left: Weights) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
    assert not left.layers, "layers that the paper does not have"
    assert found.std() > 0.01, "all alike would prove nothing"


def test_dcgans_generator():
    """Project, batch norm, ReLU; then 4x4 transposed convolutions with batch norm and ReLU; tanh at the end."""
    g = randomised(dcgan.Generator(5, (3, 32, 32), width=4))
    z, of = torch.randn(6, 5), Weights(g)
    x = of.norm(of.linear(z).reshape(6, 16, 4, 4)).relu()
    for _ in range(2):
        x = of.norm(of.deconv(x)).relu()
    assert_same(g(z), of.deconv(x).tanh(), of)


def test_dcgans_discriminator():
    """No batch norm on the first layer; LeakyReLU 0.2 after every convolution; a linear layer of all places."""
    d = randomised(dcgan.Discriminator((3, 32, 32), width=4))
    x, of = torch.randn(6, 3, 32, 32), Weights(d)
    h = leaky(of.conv(x, stride=2), 0.2)
    for _ in range(2):
        h = leaky(of.norm(of.conv(h, stride=2)), 0.2)
    assert h.shape == (6, 16, 4, 4)
    assert_same(d(x), of.linear(h), of)


def test_wgans_networks_are_dcgans_with_few_biases_more():
    """The authors' `DCGAN_G` and `DCGAN_D` have none; here D's first and last layer and G's last have: 64 + 1 + 3."""
    width, channels = 64, 3
    g, d = dcgan.Generator(100, (channels, 64, 64), width), dcgan.Discriminator((channels, 64, 64), width)
    theirs_g = 100 * 8 * width * 16 + sum(16 * 2 * n * n for n in (256, 128, 64)) + 16 * width * channels
    theirs_g += 2 * sum([512, 256, 128, 64])
    theirs_d = 16 * channels * width + sum(16 * n * 2 * n for n in (64, 128, 256)) + 512 * 16 + 2 * sum([128, 256, 512])
    assert sum(p.numel() for p in g.parameters()) == theirs_g + channels
    assert sum(p.numel() for p in d.parameters()) == theirs_d + width + 1


def test_infogans_generator():
    """Table 1 of the appendix: FC, batch norm, ReLU, twice, then two 4x4 upconvolutions, the first with both."""
    g = randomised(infogan.PaperGenerator(7, (1, 28, 28), width=4))
    z, of = torch.randn(5, 7), Weights(g)
    h = of.norm(of.linear(z)).relu()
    x = of.norm(of.linear(h).reshape(5, 8, 7, 7)).relu()
    x = of.norm(of.deconv(x)).relu()
    assert_same(g(z), of.deconv(x).tanh(), of)


def test_infogans_discriminator_and_q():
    """4x4 convolutions of stride 2, batch norm on all but the first, LeakyReLU 0.1; Q adds two linear layers."""
    d, q = randomised(infogan.paper_discriminator((1, 28, 28), width=4)), randomised(infogan.recogniser(64, 3, 10))
    x, of = torch.randn(5, 1, 28, 28), Weights(d)
    h = leaky(of.conv(x, stride=2), 0.1)
    h = leaky(of.norm(of.conv(h, stride=2)), 0.1)
    h = leaky(of.norm(of.linear(h)), 0.1)
    torch.testing.assert_close(d.body(x), h, rtol=1e-3, atol=1e-3)
    assert_same(d(x), of.linear(h), of)
    of = Weights(q)
    assert_same(q(h), of.linear(leaky(of.norm(of.linear(h)), 0.1)), of)


def test_begans_auto_encoder():
    """Pairs of 3x3 convolutions with ELU; halved by stride, doubled by nearest neighbours; nothing is bounded."""
    encoder, decoder = randomised(Encoder(6, (3, 28, 28), width=4)), randomised(Decoder(6, (3, 28, 28), width=4))
    x, of = torch.randn(3, 3, 28, 28), Weights(encoder)

    def halve(h: Tensor) -> Tensor:
        layer = of.layers.pop(0)
        assert layer.kernel_size == (3, 3) and layer.stride == (2, 2)
        return F.elu(F.conv2d(h, layer.weight, layer.bias, 2, 1))

    h = F.elu(of.conv(x, stride=1))
    for _ in range(2):
        h = halve(F.elu(of.conv(F.elu(of.conv(h, stride=1)), stride=1)))
    h = F.elu(of.conv(F.elu(of.conv(h, stride=1)), stride=1))
    code = of.linear(h)
    assert_same(encoder(x), code, of)
    of = Weights(decoder)
    h = of.linear(code).reshape(3, 4, 7, 7)
    for i in range(3):
        h = h if i == 0 else h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        h = F.elu(of.conv(F.elu(of.conv(h, stride=1)), stride=1))
    assert_same(decoder(code), of.conv(h, stride=1), of)


def maxout(x: Tensor, of: Weights, pieces: int) -> Tensor:
    h = of.linear(x)
    return torch.stack([h[:, i::pieces] for i in range(pieces)]).amax(0)


def test_the_first_gans_networks():
    g, d = (
        randomised(mlp.PaperGenerator(4, (1, 6, 6), 20), 0.5),
        randomised(mlp.PaperDiscriminator((1, 6, 6), 8, 5), 0.5).eval(),
    )
    z, of = torch.rand(9, 4) * 2 - 1, Weights(g)
    h = of.linear(of.linear(math.sqrt(3) * z).relu()).relu()
    x = (torch.sigmoid(of.linear(h)) * 2 - 1).reshape(9, 1, 6, 6)
    assert_same(g(z), x, of)
    of = Weights(d)
    assert_same(d(x), of.linear(maxout(maxout((x + 1) / 2, of, 5), of, 5)), of)
    assert [(type(m).__name__, m.p) for m in d.modules() if isinstance(m, nn.Dropout)] == [
        ("Dropout", 0.2),
        ("Dropout", 0.5),
        ("Dropout", 0.5),
    ]


def test_cgans_networks():
    g = randomised(conditional.PaperGenerator(4, (1, 6, 6), 3, (5, 6, 7))).eval()
    d = randomised(conditional.PaperDiscriminator((1, 6, 6), 3, (4, 3, 5))).eval()
    z, y, of = torch.rand(9, 4) * 2 - 1, torch.eye(3).repeat(3, 1), Weights(g)
    h = torch.cat([of.linear(math.sqrt(3) * z).relu(), of.linear(y).relu()], 1)
    x = (torch.sigmoid(of.linear(of.linear(h).relu())) * 2 - 1).reshape(9, 1, 6, 6)
    assert_same(g(z, y), x, of)
    of = Weights(d)
    h = torch.cat([maxout((x + 1) / 2, of, 5), maxout(y, of, 5)], 1)
    assert_same(d(x, y), of.linear(maxout(h, of, 4)), of)


def test_the_grids_networks():
    g, d = randomised(mlp.GridGenerator(3, (2,), 9, 4)), randomised(mlp.GridDiscriminator((2,), 6, 5, 3), 0.5)
    h, of = (z := torch.randn(8, 3)), Weights(g)
    for _ in range(4):
        h = of.norm(of.linear(h)).relu()
    x = of.linear(h)
    assert_same(g(z), x, of)
    of = Weights(d)
    h = x
    for _ in range(3):
        h = maxout(h, of, 5)
    assert_same(d(x), of.linear(h), of)


def test_bigans_networks():
    """z enters every layer but D's first and G's last; batch norm without gains, with 1e-8; pixels in [0, 1]."""

    def norm(x: Tensor) -> Tensor:
        return (x - x.mean(0)) / (x.var(0, correction=0) + 1e-8).sqrt()

    g, e, d = bigan.Generator(4, (1, 5, 5), 7), bigan.encoder((1, 5, 5), 4, 7), bigan.Discriminator((1, 5, 5), 4, 7)
    for network in (g, e, d):
        randomised(network)
    z = torch.rand(9, 4) * 2 - 1
    h = norm(z @ g.first.weight.T).relu()
    h = norm(h @ g.second.weight.T + z @ g.z_to_second.weight.T).relu()
    x = (torch.sigmoid(h @ g.last.weight.T) * 2 - 1).reshape(9, 1, 5, 5)
    torch.testing.assert_close(g(z), x, rtol=1e-3, atol=1e-4)
    pixels = (x.flatten(1) + 1) / 2
    h = leaky(norm(leaky(pixels @ e.features.first.weight.T, 0.2) @ e.features.second.weight.T), 0.2)
    torch.testing.assert_close(e(x), torch.sigmoid(h @ e.last.weight.T) * 2 - 1, rtol=1e-3, atol=1e-4)
    h = leaky(pixels @ d.first.weight.T, 0.2)
    h = leaky(norm(h @ d.second.weight.T + z @ d.z_to_second.weight.T), 0.2)
    torch.testing.assert_close(d(x, z), h @ d.last.weight.T, rtol=1e-3, atol=1e-4)
    assert all(m.bias is None for network in (g, e, d) for m in network.modules() if isinstance(m, nn.Linear))
