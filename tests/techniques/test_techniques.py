"""The Improved Techniques against their closed forms; Salimans et al., 2016, section 3."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zerosum import data
from zerosum.data import Stream
from zerosum.games.gan import GAN
from zerosum.losses.feature_matching import feature_matching
from zerosum.modality import Image
from zerosum.networks import dcgan, mlp, r3gan, resnet
from zerosum.networks.discriminate import discriminate, mixes_batch
from zerosum.techniques import Techniques
from zerosum.techniques.apply import with_techniques
from zerosum.techniques.historical import HistoricalAverage
from zerosum.techniques.minibatch import CalibratedMinibatch, MinibatchDiscrimination, closeness
from zerosum.techniques.surgery import accepts, last_layer, layer_input, replace_module
from zerosum.techniques.virtual_batch_norm import WithReference


def test_historical_averaging_by_hand():
    """theta = 1, 4, 7 has the means 1, 2.5, 4; the term at 10 is (10 - 4)^2, its slope 2 (10 - 4)."""
    theta = nn.Parameter(torch.tensor([1.0]))
    history = HistoricalAverage([theta])
    assert history.distance([theta]) == 0
    for value, mean in ((4.0, 2.5), (7.0, 4.0)):
        theta.data.fill_(value)
        history.update([theta])
        assert history.means[0].item() == mean
    theta.data.fill_(10.0)
    term = history.distance([theta])
    (slope,) = torch.autograd.grad(term, theta)
    assert term.item() == 36 and slope.item() == 12


def test_the_historical_mean_is_the_mean_over_all_moves():
    torch.manual_seed(0)
    past = torch.randn(50, 3, 2, dtype=torch.float64)
    history = HistoricalAverage([past[0], past[0, 0]])
    for value in past[1:]:
        history.update([value, value[0]])
    torch.testing.assert_close(history.means, [past.mean(0), past[:, 0].mean(0)])
    distance = history.distance([past[3], past[4, 0]])
    expected = (past[3] - past.mean(0)).square().sum() + (past[4, 0] - past[:, 0].mean(0)).square().sum()
    torch.testing.assert_close(distance, expected)
    assert {"mean_0", "mean_1", "count"} == set(history.state_dict())


def test_historical_averaging_stops_the_circling_of_a_bilinear_game():
    """min_x max_y xy by simultaneous steps moves away from (0, 0), its equilibrium; with the term it comes near."""

    def radius(weight: float) -> float:
        x, y = torch.tensor([1.0], requires_grad=True), torch.tensor([0.0], requires_grad=True)
        of_x, of_y = HistoricalAverage([x]), HistoricalAverage([y])
        for _ in range(1000):
            value = (x * y).sum()
            (dx,) = torch.autograd.grad(value + weight * of_x.distance([x]), x, retain_graph=True)
            (dy,) = torch.autograd.grad(-value + weight * of_y.distance([y]), y)
            x.data -= 0.05 * dx
            y.data -= 0.05 * dy
            of_x.update([x])
            of_y.update([y])
        return math.hypot(x.item(), y.item())

    assert radius(0.0) > 3 and radius(0.1) < 0.01


def test_feature_matching_by_hand():
    real, fake = torch.tensor([[0.0, 4.0], [2.0, 0.0]]), torch.tensor([[3.0, 0.0], [5.0, 2.0]], requires_grad=True)
    term = feature_matching(real, fake)  # means (1, 2) and (4, 1)
    assert term.item() == 5  # (9 + 1) / 2
    (slope,) = torch.autograd.grad(term, fake)
    assert torch.equal(slope, torch.tensor([[1.5, -0.5], [1.5, -0.5]]))
    assert feature_matching(real, fake, "squared-norm").item() == 10
    assert feature_matching(real, fake, "mean-absolute").item() == 2
    assert feature_matching(real[:1], fake).item() == pytest.approx((16 + 9) / 2), "the batches may differ in size"
    assert feature_matching(fake, fake) == 0
    assert not feature_matching(fake, fake.detach()).requires_grad, "the data are no one's to move"


@pytest.mark.parametrize(("network", "shape", "name", "width"), [
    (mlp.Discriminator((2,), (8, 6)), (2,), "layers.5", 6),
    (mlp.GridDiscriminator((2,), width=7), (2,), "layers.4", 7),
    (resnet.Critic((1, 12, 12), width=4), (1, 12, 12), "linear", 4),
    (r3gan.Discriminator((3, 8, 8), (8, 4), blocks=1, group_size=4), (3, 8, 8), "linear", 8),
])  # fmt: skip
def test_the_features_are_what_the_last_layer_sees(network: nn.Module, shape, name: str, width: int):
    assert last_layer(network, shape) == name
    x = torch.randn(5, *shape)
    f = layer_input(network, name, x)
    assert f.shape == (5, width)
    torch.testing.assert_close(network.get_submodule(name)(f), network(x))
    assert not any(m._forward_pre_hooks for m in network.modules()), "no hook stays"


def test_what_is_no_discriminator_of_samples():
    with pytest.raises(ValueError, match=r"one logit for each sample"):
        last_layer(nn.Linear(2, 2), (2,))
    with pytest.raises(ValueError, match=r"samples of shape \(2,\) alone"):
        last_layer(nn.Bilinear(2, 2, 1), (2,))
    with pytest.raises(ValueError, match=r"samples of shape \(3,\) alone"):
        last_layer(nn.Linear(2, 1), (3,))
    with pytest.raises(ValueError, match=r"one logit"):
        last_layer(nn.Flatten(0), (1,))  # no layer with weights
    assert accepts(nn.Linear(2, 9), (2,)) and not accepts(nn.Bilinear(2, 2, 1), (2,))


def test_replacing_reaches_every_place():
    old, new = nn.Linear(2, 2), nn.Linear(2, 2)
    root = nn.ModuleDict({"a": nn.Sequential(nn.Sequential(old), nn.ReLU()), "b": old})
    replace_module(root, old, new)
    assert root["a"][0][0] is new and root["b"] is new


def test_closeness_by_hand():
    """Rows (0, 0), (1, 2), (0, 0) of one kernel: distances 3 and 0; a kernel of equal rows has the whole batch."""
    m = torch.tensor([[[0.0, 0.0], [5.0, 5.0]], [[1.0, 2.0], [5.0, 5.0]], [[0.0, 0.0], [5.0, 5.0]]])
    near = math.exp(-3)
    torch.testing.assert_close(closeness(m), torch.tensor([[2 + near, 3.0], [1 + 2 * near, 3.0], [2 + near, 3.0]]))


def test_closeness_is_the_sum_of_the_paper():
    torch.manual_seed(1)
    m = torch.randn(6, 4, 3, dtype=torch.float64, requires_grad=True)
    expected = torch.zeros(6, 4, dtype=torch.float64)
    for i in range(6):
        for j in range(6):
            for b in range(4):
                expected[i, b] += (-(m[i, b] - m[j, b]).abs().sum()).exp().detach()
    torch.testing.assert_close(closeness(m).detach(), expected)
    assert torch.autograd.gradcheck(closeness, (m,))
    assert torch.autograd.gradgradcheck(closeness, (m,)), "penalties differentiate twice"


def test_minibatch_discrimination_is_one_linear_layer_of_both():
    torch.manual_seed(2)
    head = nn.Linear(5, 1)
    layer = MinibatchDiscrimination(head, kernels=3, dims=2)
    f = torch.randn(4, 5)
    torch.testing.assert_close(layer(f), head(f))  # D starts as it was
    nn.init.normal_(layer.weight)
    o = closeness(torch.einsum("na,abc->nbc", f, layer.tensor))
    joined = torch.cat([f, o], 1) @ torch.cat([head.weight, layer.weight.T], 1).T + head.bias
    torch.testing.assert_close(layer(f), joined)


def test_minibatch_discrimination_sees_collapse_that_no_single_sample_shows():
    """Four equal fakes, each of them a perfect sample, are told from four different ones."""
    torch.manual_seed(3)
    layer = MinibatchDiscrimination(nn.Linear(5, 1), kernels=8)
    nn.init.constant_(layer.weight, -1.0)
    varied = torch.randn(4, 5)
    for sample in varied:
        assert layer(sample.expand(4, 5))[0] < layer(varied)[(varied == sample).all(1)] - 1


def test_calibrated_kernels_are_the_authors():
    """As nn.py of openai/improved-gan has it, before and after its data-dependent initialisation."""
    torch.manual_seed(5)
    head = nn.Linear(6, 2)
    layer, f, new = CalibratedMinibatch(head, kernels=4, dims=3), 10 + 100 * torch.randn(9, 6), torch.randn(5, 6)

    def authors(f: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Distances (B, B, kernels), to itself a million."""
        w = layer.tensor * (scale.exp() / layer.tensor.square().sum(0).sqrt())
        activation = torch.einsum("na,akd->nkd", f, w)
        apart = (activation[:, None] - activation[None]).abs().sum(3)
        return apart + 1e6 * torch.eye(len(f))[..., None]

    assert layer.tensor.detach().std().item() == pytest.approx(0.05, rel=0.3)
    half = 0.5 * authors(f, torch.zeros(4, 3)).amin(1).mean(0)
    layer.calibrate(f)
    torch.testing.assert_close(layer.calibration, -half.log())
    scale = layer.calibration[:, None].expand(4, 3)
    torch.testing.assert_close(authors(f, scale).amin(1).mean(0), torch.full((4,), 2.0))
    mean = (-authors(f, scale)).exp().sum(1).mean(0)
    torch.testing.assert_close(layer.mean, mean)
    for x in (f, new):
        o = (-authors(x, scale)).exp().sum(1) - mean
        expected = torch.cat([x, o], 1) @ torch.cat([head.weight, layer.weight.T], 1).T + head.bias
        torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)
    before = layer.calibration.clone()
    layer.log_scale.data.fill_(0.7)  # has learnt
    made = layer(new)
    layer.calibrate(3 * new)
    assert torch.equal(layer(new), made) and torch.equal(layer.calibration, before), "what is calibrated stays"
    for p in layer.parameters():
        p.data.clamp_(-0.01, 0.01)  # as a critic's weights are
    w = layer._kernels().detach().norm(dim=0).log()
    assert (w - before[:, None]).abs().max() < 0.05, "its scale is none of its weights"


def test_nothing_is_calibrated_by_one_sample_or_by_many_that_are_one():
    layer = CalibratedMinibatch(nn.Linear(3, 1), 2)
    layer.calibrate(torch.randn(1, 3))
    layer.calibrate(torch.ones(4, 3))
    assert not layer.calibration.any()
    assert layer(torch.ones(4, 3)).isfinite().all()


@pytest.mark.parametrize("source", ["ring", "grid", "digits"])
def test_a_calibrated_layer_sees_distances_of_data_at_the_first_step(source: str):
    """The nearest sample of 64 is seen, and those of other modes are not: o is far below that of 63 near ones."""
    torch.manual_seed(0)
    loaded = data.load(source, labels=False)
    image = isinstance(loaded.modality, Image)
    network = dcgan.Discriminator(loaded.shape, 8, "none") if image else mlp.Discriminator((2,), (128, 128))
    generator = mlp.Generator(2, loaded.shape, (8,))
    own = GAN(generator, network, GAN.Config(2))
    game = with_techniques(own, Techniques(minibatch_discrimination=16), loaded.modality)
    assert game.phase(0) is None and game.phase(1) is not None, "the first step computes more"
    stream = Stream(loaded, 64, seed=0)
    first = stream()
    next(game.round(lambda: first, 0))
    (layer,) = (module for module in game.modules() if isinstance(module, CalibratedMinibatch))
    seen: list[torch.Tensor] = []
    layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    for x in (first, stream()):
        network(x)
        others = layer._others(layer._project(seen[-1]))
        assert 0.2 < others.median().item() < 2, "the nearest at 2 gives 0.135"
    calibrated = layer.calibration.clone()
    next(game.round(lambda: first, 1))
    assert torch.equal(layer.calibration, calibrated), "in the first step alone"


def test_real_and_fake_are_compared_apart():
    torch.manual_seed(4)
    d = nn.Sequential(nn.Linear(2, 5), MinibatchDiscrimination(nn.Linear(5, 1), 3))
    nn.init.normal_(d[1].weight)
    assert mixes_batch(d) and not mixes_batch(d[0])
    real, fake = torch.randn(4, 2), torch.randn(3, 2)
    on_real, on_fake = discriminate(d, real, fake)
    torch.testing.assert_close(on_real, d(real))
    torch.testing.assert_close(on_fake, d(fake))


@pytest.mark.parametrize("shape", [(3,), (3, 5, 4)])
def test_virtual_batch_norm_is_batch_norm_of_the_reference_and_one_sample(shape):
    torch.manual_seed(5)
    norm = nn.BatchNorm1d(3) if len(shape) == 1 else nn.BatchNorm2d(3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    reference, x = torch.randn(6, *shape), 3 * torch.randn(4, *shape) + 1
    network = WithReference(nn.Sequential(copy.deepcopy(norm)), reference)
    made = network(x)
    assert made.shape == x.shape
    for i in range(4):
        alone = F.batch_norm(torch.cat([reference, x[i : i + 1]]), None, None, norm.weight, norm.bias, training=True)
        torch.testing.assert_close(made[i], alone[-1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network(x[2:3])[0], made[2])  # no sample sees another
    torch.testing.assert_close(network.eval()(x), made)  # nor does training


def test_the_reference_is_normalised_by_its_own_statistics_alone():
    torch.manual_seed(6)
    reference, x = torch.randn(5, 3), torch.randn(4, 3)
    network = WithReference(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.BatchNorm1d(4)), reference)
    seen: list[torch.Tensor] = []
    network.network[1].register_forward_hook(lambda *inout: seen.append(inout[2]))
    network(x)
    own = F.batch_norm(network.network[0](reference), None, None, training=True)
    torch.testing.assert_close(seen[0][:5], own, rtol=1e-4, atol=1e-5)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[1].sum(), x)
    assert gradient[1].abs().max() > 0 and gradient[[0, 2, 3]].abs().max() == 0
    assert "reference" in network.state_dict() and not any("running" in name for name in network.state_dict())


def test_a_reference_batch_longer_than_the_data_at_hand():
    network = WithReference(nn.Sequential(nn.BatchNorm1d(1)), torch.zeros(5, 1))
    network.fill(torch.tensor([[1.0], [2.0]]))
    assert network.reference.flatten().tolist() == [1, 2, 1, 2, 1]


def test_virtual_batch_norm_without_gain_and_bias():
    network = WithReference(nn.Sequential(nn.BatchNorm1d(2, affine=False)), torch.tensor([[0.0, 0.0], [2.0, 4.0]]))
    torch.testing.assert_close(network(torch.tensor([[1.0, 2.0]])), torch.zeros(1, 2))
