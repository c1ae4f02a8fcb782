"""Normalisations: what each of them makes equal, and that networks take them all."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from zerosum.games import find
from zerosum.modality import Points, Spec
from zerosum.networks import dcgan, mlp
from zerosum.networks.blocks import Norm, normalisation, reparametrise
from zerosum.networks.discriminate import mixes_batch
from zerosum.options import OptionError

NORMS = get_args(Norm)


@pytest.mark.parametrize(("norm", "over"), [("batch", (0, 2, 3)), ("instance", (2, 3)), ("layer", (1, 2, 3))])
def test_what_is_normalised(norm: Norm, over: tuple[int, ...]):
    """Mean 0 and variance 1 over just these axes, for features of any scale."""
    torch.manual_seed(0)
    (layer,) = normalisation(norm, 6, images=True)
    x = torch.randn(5, 6, 7, 8) * torch.rand(5, 6, 1, 1).exp() + 3 * torch.randn(5, 6, 1, 1)
    made = layer(x)
    torch.testing.assert_close(made.mean(over), torch.zeros_like(made.mean(over)), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.var(over, correction=0), torch.ones_like(made.mean(over)), atol=1e-3, rtol=0)
    assert {name: p.shape for name, p in layer.named_parameters()} == {"weight": (6,), "bias": (6,)}


def test_points_are_normalised_by_batch_or_by_sample():
    x = torch.randn(50, 6) * 4 + 1
    for norm, axis in (("batch", 0), ("layer", 1)):
        (layer,) = normalisation(norm, 6, images=False)  # type: ignore[arg-type]
        assert layer(x).mean(axis).abs().max() < 1e-5 and (layer(x).var(axis, correction=0) - 1).abs().max() < 1e-2
    with pytest.raises(ValueError, match="instance normalisation"):
        normalisation("instance", 6, images=False)
    for norm in ("none", "spectral", "weight"):
        assert normalisation(norm, 6, images=True) == []  # type: ignore[arg-type]


def layers(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]


def test_spectral_norm_makes_the_largest_singular_value_1():
    torch.manual_seed(1)
    net = dcgan.Discriminator((3, 16, 16), width=8, norm="spectral")
    for _ in range(200):  # one power iteration each
        net(torch.zeros(1, 3, 16, 16))
    assert len(layers(net)) == 3
    for layer in layers(net):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_a_perceptron_with_spectral_norm_is_1_lipschitz():
    """LeakyReLU does not stretch, nor does a linear layer of norm 1: |D(x) - D(y)| <= ||x - y||, however large W is."""
    torch.manual_seed(2)

    @torch.no_grad()
    def steepest(norm: Norm) -> float:
        net = mlp.Discriminator((4,), (32, 32), norm)
        for layer in layers(net):
            (layer.parametrizations.weight.original if norm == "spectral" else layer.weight).mul_(10)
        for _ in range(300):
            net(torch.zeros(1, 4))
        net.eval()
        x, y = torch.randn(2, 500, 4)
        return float(((net(x) - net(y)).flatten().abs() / (x - y).norm(dim=1)).max())

    assert steepest("none") > 10
    assert 0.05 < steepest("spectral") <= 1.001


def test_weight_norm_separates_direction_and_length():
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(5, 4), nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(3, 4, 3))
    before = [layer.weight.clone() for layer in net]
    reparametrise(net, "weight")
    for layer, old in zip(net, before, strict=True):
        length, direction = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
        outputs = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
        assert length.numel() == 4 and length.shape[outputs] == 4, "one length for each output"
        torch.testing.assert_close(layer.weight, old)  # it starts as it was
        with torch.no_grad():
            direction.mul_(7)
            torch.testing.assert_close(layer.weight, old)
            length.fill_(2.0)
        norms = layer.weight.transpose(0, outputs).flatten(1).norm(dim=1)
        torch.testing.assert_close(norms, torch.full((4,), 2.0))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 19, 17)])
def test_dcgan_takes_every_norm(norm: Norm, shape):
    torch.manual_seed(4)
    g, d = dcgan.Generator(6, shape, 4, norm), dcgan.Discriminator(shape, 4, norm)
    logits = d(g(torch.randn(3, 6)))
    assert logits.shape == (3, 1) and logits.isfinite().all()
    logits.square().sum().backward()
    assert all(p.grad is not None for p in (*g.parameters(), *d.parameters()))
    assert mixes_batch(d) == mixes_batch(g) == (norm == "batch")


@pytest.mark.parametrize("norm", [norm for norm in NORMS if norm != "instance"])
def test_perceptrons_take_the_others(norm: Norm):
    g, d = mlp.Generator(3, (2,), (8, 8), norm), mlp.Discriminator((2,), (8, 8), norm)
    logits = d(g(torch.randn(5, 3)))
    logits.square().sum().backward()
    assert all(p.grad is not None for p in (*g.parameters(), *d.parameters()))
    assert mixes_batch(d) == (norm == "batch")


def test_the_published_dcgan_has_no_norm_next_to_the_data():
    d = dcgan.Discriminator((3, 32, 32), width=4)
    kinds = [type(m).__name__ for m in d.layers if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
    assert kinds == ["Conv2d", "Conv2d", "BatchNorm2d", "Conv2d", "BatchNorm2d"]
    g = dcgan.Generator(6, (3, 32, 32), width=4)
    kinds = [type(m).__name__ for m in g.layers if isinstance(m, (nn.ConvTranspose2d, nn.BatchNorm2d))]
    assert kinds == [
        "BatchNorm2d",
        "ConvTranspose2d",
        "BatchNorm2d",
        "ConvTranspose2d",
        "BatchNorm2d",
        "ConvTranspose2d",
    ]


@pytest.mark.parametrize("norm", get_args(mlp.PointNorm))
@pytest.mark.parametrize("name", ["gan/toy", "two-player/toy"])
def test_the_norms_of_perceptrons_are_options(name: str, norm: mlp.PointNorm):
    """--network.norm is of D, --network.generator-norm of G."""
    game = find(name).build(Spec({"x": Points(2)}), {"network": {"norm": norm}})
    like = mlp.Discriminator((2,), (64,) * 3, norm)
    assert [type(m).__name__ for m in game.discriminator.modules()] == [type(m).__name__ for m in like.modules()]
    assert [*game.discriminator.state_dict()] == [*like.state_dict()]
    assert [type(m) for m in game.generator.modules()] == [type(m) for m in mlp.Generator(2, (2,), (64,) * 3).modules()]
    game = find(name).build(Spec({"x": Points(2)}), {"network": {"generator_norm": norm}})
    assert [*game.generator.state_dict()] == [*mlp.Generator(2, (2,), (64,) * 3, norm).state_dict()]


def test_points_have_no_instance_norm_to_ask_for():
    with pytest.raises(OptionError, match="norm"):
        find("gan/toy").build(Spec({"x": Points(2)}), {"network": {"norm": "instance"}})
