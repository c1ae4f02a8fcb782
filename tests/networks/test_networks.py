"""Networks: any image size and channel count, sizes worked out by hand, and how they start."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.networks import dcgan, mlp, r3gan, resnet, small, tutorial
from zerosum.networks.blocks import doubling, halvings, image_shape
from zerosum.networks.discriminate import discriminate, mixes_batch

SHAPES = [(1, 28, 28), (3, 5, 7), (3, 33, 20), (4, 64, 48), (1, 1, 1), (2, 9, 130)]
Build = Callable[[tuple[int, int, int]], nn.Module]
GENERATORS: dict[str, Build] = {
    "dcgan": lambda shape: dcgan.Generator(6, shape, width=4),
    "dcgan without norm": lambda shape: dcgan.Generator(6, shape, width=4, norm="none"),
    "resnet": lambda shape: resnet.Generator(6, shape, width=4),
    "r3gan": lambda shape: r3gan.Generator(6, shape, (16, 8), blocks=1, group_size=4),
    "mlp": lambda shape: mlp.Generator(6, shape, (8, 8)),
    "mlp with norm": lambda shape: mlp.Generator(6, shape, (8, 8), norm="batch"),
    "paper": lambda shape: mlp.PaperGenerator(6, shape, width=8),
    "tutorial": lambda shape: tutorial.Generator(6, shape),
    "small": lambda shape: small.Generator(6, shape, width=4),
}
DISCRIMINATORS: dict[str, Build] = {
    "dcgan": lambda shape: dcgan.Discriminator(shape, width=4),
    "dcgan spectral": lambda shape: dcgan.Discriminator(shape, width=4, norm="spectral"),
    "dcgan without norm": lambda shape: dcgan.Discriminator(shape, width=4, norm="none"),
    "resnet": lambda shape: resnet.Critic(shape, width=4),
    "r3gan": lambda shape: r3gan.Discriminator(shape, (16, 8), blocks=1, group_size=4),
    "mlp": lambda shape: mlp.Discriminator(shape, (8, 8)),
    "paper": lambda shape: mlp.PaperDiscriminator(shape, width=8),
    "small": lambda shape: small.Discriminator(shape, width=4),
}
LOOKS_ACROSS_THE_BATCH = {"dcgan"}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", list(GENERATORS))
def test_generators_make_images_of_any_size(name: str, shape):
    net = GENERATORS[name](shape)
    z = torch.randn(3, 6)
    made = net(z)
    assert made.shape == (3, *shape) and made.isfinite().all()
    if name != "r3gan":
        assert made.abs().max() <= 1
    made.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.eval()
    assert net(z[:1]).shape == (1, *shape)  # one sample is a batch too


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", list(DISCRIMINATORS))
def test_discriminators_take_images_of_any_size(name: str, shape):
    net = DISCRIMINATORS[name](shape)
    x = torch.randn(3, *shape)
    logits = net(x)
    assert logits.shape == (3, 1) and logits.isfinite().all()
    logits.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("name", sorted(set(DISCRIMINATORS) - LOOKS_ACROSS_THE_BATCH))
def test_a_logit_depends_on_its_own_sample_alone(name: str):
    """What every gradient penalty takes for granted."""
    net = DISCRIMINATORS[name]((3, 12, 9))
    if name == "paper":
        net.eval()  # dropout draws anew
    x = torch.randn(4, 3, 12, 9, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[1, 0], x)
    assert gradient[1].abs().max() > 0
    assert gradient[[0, 2, 3]].abs().max() == 0


@pytest.mark.parametrize("name", sorted(LOOKS_ACROSS_THE_BATCH))
def test_batch_norm_looks_across_the_batch(name: str):
    x = torch.randn(4, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(DISCRIMINATORS[name]((3, 16, 16))(x)[1, 0], x)
    assert gradient[0].abs().max() > 0


def test_discriminators_see_every_pixel():
    for name, build in DISCRIMINATORS.items():
        for shape in ((1, 28, 28), (2, 13, 9)):
            torch.manual_seed(0)
            x = torch.randn(2, *shape, requires_grad=True)
            net = build(shape)
            net.eval()
            (gradient,) = torch.autograd.grad(net(x).sum(), x)
            assert (gradient.abs().sum((0, 1)) > 0).float().mean() > 0.99, f"{name} at {shape}"


@pytest.mark.parametrize(("size", "smallest", "expected"), [
    ((28, 28), 4, [(28, 28), (14, 14), (7, 7), (4, 4)]),
    ((64, 48), 4, [(64, 48), (32, 24), (16, 12), (8, 6)]),
    ((33, 20), 4, [(33, 20), (17, 10), (9, 5)]),
    ((5, 7), 4, [(5, 7)]),
    ((7, 7), 4, [(7, 7), (4, 4)]),
    ((1, 1), 4, [(1, 1)]),
    ((4, 100), 4, [(4, 100)]),
])  # fmt: skip
def test_halvings(size: tuple[int, int], smallest: int, expected: list[tuple[int, int]]):
    assert halvings(*size, smallest) == expected


@pytest.mark.parametrize("target", [(8, 6), (7, 6), (8, 5), (7, 5)])
def test_doubling_reaches_odd_sizes_too(target: tuple[int, int]):
    layer = doubling(2, 3, (4, 3), target, bias=False)
    made = layer(torch.randn(5, 2, 4, 3))
    assert made.shape == (5, 3, *target) and layer.weight.shape == (2, 3, 4, 4)
    (slope,) = torch.autograd.grad(made.sum(), layer.weight)
    assert (slope.abs() > 0).all()  # every tap is used


def test_small_networks_keep_the_variance_of_a_signal():
    net = small.Discriminator((1, 28, 28))
    assert 0.3 < net(torch.randn(400, 1, 28, 28)).var().item() < 3
    hidden = small.Generator(64, (1, 28, 28)).layers[:-1]  # without tanh
    assert 0.3 < hidden(torch.randn(400, 64)).var().item() < 3


def test_networks_for_images_refuse_points():
    for build in (GENERATORS["dcgan"], GENERATORS["resnet"], GENERATORS["r3gan"], DISCRIMINATORS["resnet"]):
        with pytest.raises(ValueError, match=r"for images \(C, H, W\).*\(2,\)"):
            build((2,))
    assert image_shape((3, 4, 5)) == (3, 4, 5)
    with pytest.raises(ValueError, match="at least 8x8 pixels, not 7x28"):
        tutorial.Discriminator((1, 7, 28))


def test_the_tutorial_networks():
    """100-256-512-784, and 28 -> 14 -> 7 -> 3 with 64 channels: 576 inputs of the last layer, not 1024 or 3136."""
    g, d = tutorial.Generator(100, (1, 28, 28)), tutorial.Discriminator((1, 28, 28))
    sizes = [(m.in_features, m.out_features) for m in g.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(100, 256), (256, 512), (512, 784)]
    assert [type(m) for m in g.layers[:3]] == [nn.Linear, nn.LeakyReLU, nn.BatchNorm1d]
    assert [m.in_features for m in d.modules() if isinstance(m, nn.Linear)] == [576]
    assert [m.out_channels for m in d.modules() if isinstance(m, nn.Conv2d)] == [16, 32, 64]
    assert all(m.momentum == 0.1 and m.eps == 1e-5 for m in g.modules() if isinstance(m, nn.BatchNorm1d))
    assert tutorial.Discriminator((3, 32, 40))(torch.zeros(2, 3, 32, 40)).shape == (2, 1)


def test_maxout_is_the_largest_of_its_pieces():
    layer = mlp.Maxout(3, 4, pieces=5)
    x = torch.randn(7, 3)
    maps = layer.linear(x).reshape(7, 4, 5)
    for unit in range(4):
        assert torch.equal(layer(x)[:, unit], maps[:, unit].max(1).values)
    with torch.no_grad():
        layer.linear.weight.zero_()
        layer.linear.bias.copy_(torch.arange(20.0))
    assert layer(x)[0].tolist() == [4.0, 9.0, 14.0, 19.0]


def test_the_papers_mnist_networks():
    g, d = mlp.PaperGenerator(100, (1, 28, 28)), mlp.PaperDiscriminator((1, 28, 28))
    assert count(g) == (100 * 1200 + 1200) + (1200 * 1200 + 1200) + (1200 * 784 + 784)
    assert count(d) == (784 * 1200 + 1200) + (240 * 1200 + 1200) + 241
    assert [m.p for m in d.modules() if isinstance(m, nn.Dropout)] == [0.2, 0.5, 0.5]
    for net, bound in ((g, 0.05), (d, 0.005)):
        weights = torch.cat([m.weight.flatten() for m in net.modules() if isinstance(m, nn.Linear)])
        assert weights.abs().max() <= bound and weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize("net", [dcgan.Generator(100, (3, 64, 64), 16), dcgan.Discriminator((3, 64, 64), 16)])
def test_dcgan_starts_from_narrow_normals(net: nn.Module):
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    weights = torch.cat([m.weight.flatten() for m in net.modules() if isinstance(m, kinds)])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02) and weights.mean().item() == pytest.approx(0, abs=2e-4)
    gains = torch.cat([m.weight for m in net.modules() if isinstance(m, nn.BatchNorm2d)])
    assert gains.mean().item() == pytest.approx(1, abs=0.01) and gains.std().item() == pytest.approx(0.02, rel=0.3)


def test_spectral_norm_bounds_every_layer():
    net = dcgan.Discriminator((3, 32, 32), 8, norm="spectral")
    for _ in range(30):  # power iterations settle
        net(torch.randn(2, 3, 32, 32))
    net.eval()
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 4
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


def test_the_resnet_critic_halves_twice_and_looks_at_the_mean():
    critic = resnet.Critic((3, 32, 32), 8)
    assert critic.blocks(torch.zeros(2, 3, 32, 32)).shape == (2, 8, 8, 8)
    assert not any(isinstance(m, nn.modules.batchnorm._NormBase) for m in critic.modules())
    odd = torch.arange(9.0).reshape(1, 1, 3, 3)  # its border is averaged over the pixels it has
    assert resnet._halve(odd).flatten().tolist() == [(0 + 1 + 3 + 4) / 4, (2 + 5) / 2, (6 + 7) / 2, 8.0]


def test_r3gan_has_no_normalisation_and_biases_in_activations_only():
    for net in (r3gan.Generator(8, (3, 16, 16), (32, 16)), r3gan.Discriminator((3, 16, 16), (32, 16))):
        kinds = {type(m) for m in net.modules()}
        assert not any("norm" in kind.__name__.lower() for kind in kinds)
        biased = {type(m) for m in net.modules() if getattr(m, "bias", None) is not None}
        assert biased == {r3gan.BiasedLeakyReLU}
        assert all((m.bias == 0).all() for m in net.modules() if isinstance(m, r3gan.BiasedLeakyReLU))


def test_r3gan_blocks_start_as_the_identity_and_learn_from_there():
    block = r3gan.Bottleneck(32, group_size=16, blocks=8)
    x = torch.randn(2, 32, 6, 6)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.contract.weight.grad.abs().max() > 0  # the zero layer itself has a gradient
    assert block.middle.groups == 64 // 16 and block.middle.in_channels == 64


def test_r3gan_weights_follow_fix_up():
    """std = gain * L^(-1/4) / sqrt(fan in) for L blocks of three convolutions; gain^2 = 2 / (1 + 0.2^2)."""
    block = r3gan.Bottleneck(64, group_size=32, blocks=16)
    gain = math.sqrt(2 / 1.04) * 16**-0.25
    assert block.expand.weight.std().item() == pytest.approx(gain / math.sqrt(64), rel=0.05)
    assert block.middle.weight.std().item() == pytest.approx(gain / math.sqrt(32 * 9), rel=0.05)
    assert block.contract.weight.abs().max() == 0


def test_r3gan_keeps_the_variance_of_a_signal():
    torch.manual_seed(3)
    one_size = r3gan.Generator(64, (64, 4, 4), (512,))
    made = one_size(torch.randn(64, 64))
    assert made.var().item() == pytest.approx(1, rel=0.15)
    act = r3gan.BiasedLeakyReLU(1)
    x = torch.randn(1, 1, 200, 200)
    assert (act(x).square().mean() * 2 / 1.04).item() == pytest.approx(1, rel=0.03)
    logits = r3gan.Discriminator((64, 4, 4), (512,))(torch.randn(400, 64, 4, 4))
    assert 0.5 < logits.var().item() < 2


def test_r3gan_resamples_linearly():
    """Doubling keeps straight lines straight away from the border; halving is the authors' filter, or a mean of 2x2."""
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    up = r3gan.Resample(1, 1, (6, 6), (12, 12))(ramp)
    torch.testing.assert_close(up[0, 0, 5, 1:-1].diff(), torch.full((9,), 0.5))
    x = torch.randn(2, 3, 8, 6)
    filter_ = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel = torch.outer(filter_, filter_).expand(3, 1, 4, 4)
    half = r3gan.Resample(3, 3, (8, 6), (4, 3))(x)
    zeros = F.conv2d(x, kernel, stride=2, padding=1, groups=3)  # as in the authors' code, which has zeros around
    torch.testing.assert_close(half[..., 1:-1, 1:-1], zeros[..., 1:-1, 1:-1])
    covered = F.conv2d(torch.ones_like(x), kernel, stride=2, padding=1, groups=3)
    torch.testing.assert_close(half, zeros / covered)
    torch.testing.assert_close(r3gan.Resample(3, 3, (8, 6), (4, 3), "mean")(x), F.avg_pool2d(x, 2))
    x = torch.randn(2, 3, 7, 4)
    mean = r3gan.Resample(3, 3, (7, 4), (4, 2), "mean")(x)
    torch.testing.assert_close(mean, F.interpolate(x, (4, 2), mode="bilinear"))
    torch.testing.assert_close(r3gan.Resample(3, 3, (7, 4), (4, 2))(torch.ones_like(x)), torch.ones(2, 3, 4, 2))


def test_judge_shows_both_batches_at_once_unless_batch_norm_would_mix_them():
    sizes: list[int] = []

    class Watched(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(len(x))
            return super().forward(x)

    real, fake = torch.randn(3, 4), torch.randn(5, 4)
    plain = Watched(nn.Linear(4, 1))
    on_real, on_fake = discriminate(plain, real, fake)
    assert sizes == [8] and on_real.shape == (3, 1) and on_fake.shape == (5, 1)
    torch.testing.assert_close(on_real, plain[0](real))
    torch.testing.assert_close(on_fake, plain[0](fake))
    sizes.clear()
    normed = Watched(nn.BatchNorm1d(4), nn.Linear(4, 1))
    on_real, on_fake = discriminate(normed, real, fake)
    assert sizes == [3, 5]
    torch.testing.assert_close(normed[0](real), F.batch_norm(real, None, None, training=True), rtol=1e-4, atol=1e-4)


def test_the_networks_of_the_grid():
    """VEEGAN's and PacGAN's: four layers of 400 with batch norm, three maxout layers of 200 units of 5 pieces."""
    torch.manual_seed(0)
    g, d = mlp.GridGenerator(2, (2,)), mlp.GridDiscriminator((2,))
    assert count(g) == 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + 400 * 2 + 2
    assert count(d) == (2 + 1) * 1000 + 2 * (200 + 1) * 1000 + 201
    x = g(torch.randn(7, 2))
    assert x.shape == (7, 2) and d(x).shape == (7, 1)
    assert mlp.GridDiscriminator((8,))(torch.randn(7, 8)).shape == (7, 1)  # a pack of four points
    weights = [p for net in (g, d) for name, p in net.named_parameters() if p.dim() == 2 and p.numel() > 1000]
    assert all(w.std().item() == pytest.approx(0.02, rel=0.05) for w in weights) and len(weights) == 6
    assert not mixes_batch(d) and mixes_batch(g)
