"""Every entry of docs/errata.md: that the widespread form is wrong, that ours is right, and the entry's numbers."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum import modality
from zerosum.games import find
from zerosum.games.infogan import InfoGAN
from zerosum.latent import InfoGANPrior
from zerosum.losses import adversarial, mutual_information, penalties, semi_supervised
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.losses.mutual_information import split_parameters
from zerosum.metrics.discrimination import discrimination
from zerosum.metrics.frechet import frechet
from zerosum.metrics.inception_score import inception_score
from zerosum.metrics.statistics import Moments
from zerosum.metrics.two_sample import classifier_test
from zerosum.modality import Image, Spec
from zerosum.networks import blocks, dcgan, mlp, small, tutorial
from zerosum.networks.discriminate import mixes_batch
from zerosum.optim import SGD, Adam
from zerosum.options import OptionError, parse
from zerosum.theory import Grid, Uniform, divergence, estimate, normal, saddle
from zerosum.util.checks import ArgumentError

PAGE = (Path(__file__).parents[2] / "docs" / "errata.md").read_text()
ENTRIES = {name: body for body in re.split(r"^## ", PAGE, flags=re.M)[1:] for name in re.findall(r"`(test_\w+)`", body)}


@pytest.fixture
def says(request: pytest.FixtureRequest):
    """Fails unless the entry that names the test has the number, written like this."""

    def check(number: float, form: str = ".3g") -> None:
        written = format(number, form).replace("-", "\N{MINUS SIGN}")
        entry = ENTRIES[request.node.originalname]
        assert re.search(rf"(?<![\d.]){re.escape(written)}(?![\d])", entry), f"{written} is not in the entry"

    return check


def test_every_entry_has_a_test_and_every_test_an_entry():
    tests = {node.name for node in ast.parse(Path(__file__).read_text()).body if isinstance(node, ast.FunctionDef)}
    wanted = {name for name in tests if name.startswith("test_") and name != _OF_THIS_PAGE}
    assert set(ENTRIES) == wanted
    assert len(re.findall(r"^## ", PAGE, flags=re.M)) == len(ENTRIES)


_OF_THIS_PAGE = test_every_entry_has_a_test_and_every_test_an_entry.__name__


# Networks


def test_three_poolings_of_28_pixels_leave_576_inputs(says):
    body = [layer for before, after in ((1, 16), (16, 32), (32, 64)) for layer in _pooled(before, after)]
    features = nn.Sequential(*body, nn.Flatten())(torch.zeros(2, 1, 28, 28))
    assert features.shape == (2, 576)
    with pytest.raises(RuntimeError):
        nn.Linear(1024, 1)(features)
    last = tutorial.Discriminator((1, 28, 28)).layers[-1]
    assert isinstance(last, nn.Linear) and last.in_features == 576
    says(features.shape[1], "d")
    says(1024, "d")


def _pooled(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.2), nn.MaxPool2d(2)]


def test_the_second_argument_of_batch_norm_is_eps(says):
    torch.manual_seed(0)
    wrong, right = nn.BatchNorm1d(4, 0.8), blocks.normalisation("batch", 4, images=False)[0]
    assert isinstance(right, nn.BatchNorm1d)
    assert (wrong.eps, wrong.momentum) == (0.8, 0.1) and (right.eps, right.momentum) == (1e-5, 0.1)
    for std in (1.0, 0.1):
        x = std * torch.randn(100_000, 4)
        made = float(wrong(x).detach().std())
        assert made == pytest.approx(std / math.sqrt(std**2 + 0.8), rel=0.01)
        assert float(right(x).detach().std()) == pytest.approx(1, rel=0.01)
        says(std / math.sqrt(std**2 + 0.8), ".2f")
    ours = [dcgan.Generator(8, (1, 28, 28), 4), dcgan.Discriminator((1, 28, 28), 4), small.Generator(8, (1, 28, 28))]
    ours += [mlp.GridGenerator(2, (2,)), tutorial.Generator(8, (1, 28, 28)), mlp.Generator(2, (2,), (8, 8), "batch")]
    for network in ours:
        norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        assert norms and all((norm.eps, norm.momentum) == (1e-5, 0.1) for norm in norms)


def test_transposed_kernels_that_the_stride_does_not_divide_overlap_unevenly(says):
    """How many taps meet in each output pixel: inputs and kernel of ones, away from the border."""

    def taps(kernel: int, padding: int) -> set[float]:
        layer = nn.ConvTranspose2d(1, 1, kernel, stride=2, padding=padding, output_padding=kernel % 2, bias=False)
        return _inner(layer)

    assert taps(5, 2) == {4, 6, 9} and taps(3, 1) == {1, 2, 4}
    assert _inner(blocks.doubling(1, 1, (8, 8), (16, 16), bias=False)) == {4}
    assert _inner(blocks.doubling(1, 1, (8, 8), (15, 15), bias=False)) == {4}
    assert all(m.kernel_size == (4, 4) for m in dcgan.Generator(8, (3, 28, 28)).modules() if _doubles(m))
    says(9, "d")


def _inner(layer: nn.ConvTranspose2d) -> set[float]:
    nn.init.ones_(layer.weight)
    return set(layer(torch.ones(1, 1, 8, 8))[0, 0, 4:-4, 4:-4].flatten().tolist())


def _doubles(module: nn.Module) -> bool:
    return isinstance(module, nn.ConvTranspose2d)


def test_half_of_a_sample_plus_one_is_not_in_the_unit_interval(says):
    samples = torch.linspace(-1, 1, 201)
    wrong = 0.5 * samples + 1
    assert (float(wrong.min()), float(wrong.max())) == (0.5, 1.5)
    share = float((wrong >= 1).float().mean())  # drawn as white
    assert share == pytest.approx(0.5, abs=0.01)
    says(100 * round(share, 1), ".0f")
    assert modality.to_uint8(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]


# Objectives


def test_the_generator_has_its_own_sign(says):
    """D is fixed and rises to the right, so data are there; G is a point that descends a loss."""

    def end(sign: float) -> float:
        x = torch.zeros(1, requires_grad=True)
        for _ in range(100):
            (gradient,) = torch.autograd.grad(sign * adversarial.minimax_g(x), x)
            x = (x - 0.1 * gradient).detach().requires_grad_()
        return float(x.detach().sigmoid())

    right, wrong = end(1.0), end(-1.0)  # E log(1 - D), and D's own term of it, -E log(1 - D)
    assert right > 0.99 and wrong < 0.2
    says(right, ".2f")
    says(wrong, ".2f")


def test_the_kl_of_conditioning_augmentation_has_a_mean_and_a_deviation_of_its_own(says):
    def as_written(mean: Tensor, log_std: Tensor) -> Tensor:
        return -log_std + 0.5 * (-1 + (2 * log_std).exp() + mean.square())

    mean, log_std = torch.tensor(1.0), torch.tensor(-2.0)
    standard = torch.distributions.Normal(0.0, 1.0)
    exact = torch.distributions.kl_divergence(torch.distributions.Normal(mean, log_std.exp()), standard)
    assert torch.allclose(as_written(mean, log_std), exact)
    sliced = as_written(mean, mean)  # both read from the first half
    for number in (float(exact), float(sliced)):
        says(number)
    assert float(sliced) != pytest.approx(float(exact), rel=0.1)
    log_std.requires_grad_()
    (gradient,) = torch.autograd.grad(as_written(mean, mean) + 0 * log_std, log_std)
    assert float(gradient) == 0, "sigma is never regularised"


def test_the_information_in_a_gan_is_between_a_sample_and_its_label(says):
    torch.manual_seed(0)
    images = torch.rand(64, 1, 8, 8)
    shares = images.flatten(1) / images.flatten(1).sum(1, keepdim=True)
    of_pixels = (shares * (shares / shares.flip(0)).log()).sum(1).mean()  # the same images in another order
    assert float(of_pixels) > 0.3, "no divergence of distributions: they are one and the same here"
    says(float(of_pixels), ".2f")

    p, q = normal(-1.0, 1.0), normal(1.0, 1.0)
    grid = Grid.box((-12.0,), (12.0,), 4000)
    js = float(divergence.js(p, q, grid))
    both = torch.stack([grid.prob(p), grid.prob(q)]) / 2  # p(x, label)
    independent = both.sum(0) * 0.5
    information = float(sum(grid.integral(torch.special.xlogy(joint, joint / independent)) for joint in both))
    assert js == pytest.approx(information, abs=1e-9)
    says(js)
    x, y = (density.sample(200_000, torch.Generator().manual_seed(0)) for density in (p, q))
    best = estimate.js_bound(divergence.optimal_logits(p, q, x), divergence.optimal_logits(p, q, y))
    assert best == pytest.approx(js, abs=0.005)
    assert estimate.js_bound(0.5 * x[:, 0], -0.5 * y[:, 0]) < best, "another D bounds it from below"


def test_the_bound_of_infogan_counts_the_entropy_of_the_codes(says):
    codes = F.one_hot(torch.arange(10)).float()
    as_written = -(codes * (codes + 1e-8).log()).sum(1).mean()  # "entropy" of one-hot rows
    assert abs(float(as_written)) < 1e-6
    sure, unsure = 50 * codes, torch.zeros(10, 10)
    bounds = [
        float(mutual_information.lower_bound(split_parameters(logits, (10,), 0), codes)["categorical"])
        for logits in (sure, unsure)
    ]
    assert bounds == [pytest.approx(math.log(10), abs=1e-5), pytest.approx(0, abs=1e-6)]
    says(bounds[0])


def test_codes_of_infogan_come_from_one_distribution(says):
    torch.manual_seed(0)
    wrong = torch.distributions.Normal(-1.0, 1.0)
    one = torch.tensor(1.0)
    outside = float(wrong.cdf(-one) + 1 - wrong.cdf(one))
    says(100 * outside, ".0f")
    assert float((wrong.sample((100_000,)).abs() > 1).float().mean()) == pytest.approx(outside, abs=0.01)
    z = InfoGANPrior(62).draw(5_000)[:, -2:]
    assert float(z.abs().max()) <= 1 and float(z.mean()) == pytest.approx(0, abs=0.02)
    game = find("infogan/toy").build(Spec({"x": modality.Points(2)}), {"config": {"continuous": 2}})
    assert isinstance(game, InfoGAN) and isinstance(game.prior, InfoGANPrior)


def test_cross_entropy_of_probabilities_never_falls_below(says):
    y = torch.arange(10)
    perfect = F.one_hot(y).float()
    wrong = F.cross_entropy(perfect, y)  # softmax of what is a softmax already
    assert float(wrong) == pytest.approx(math.log(1 + 9 / math.e))
    says(float(wrong))
    assert float(semi_supervised.supervised(100 * perfect, y, 10)) < 1e-6
    logits = torch.zeros(1, 10, requires_grad=True)
    (right,) = torch.autograd.grad(F.cross_entropy(logits, y[:1]), logits)
    (twice,) = torch.autograd.grad(F.cross_entropy(logits.softmax(1), y[:1]), logits)
    assert float(right.norm() / twice.norm()) == pytest.approx(10, rel=1e-4), "and the gradient a tenth at the start"


def test_the_sum_of_the_real_classes_is_the_old_discriminator(says):
    torch.manual_seed(0)
    logits = torch.randn(6, 11, requires_grad=True)
    p = logits.softmax(1)
    real = semi_supervised.real_logit(logits, 10)
    assert torch.allclose(real.sigmoid(), 1 - p[:, 10]) and torch.allclose(real.sigmoid(), p[:, :10].sum(1))
    head = torch.randn(6, requires_grad=True)  # a sigmoid of its own beside the classes
    (apart,) = torch.autograd.grad(
        adversarial.non_saturating_g(head), logits, allow_unused=True, materialize_grads=True
    )
    (joined,) = torch.autograd.grad(adversarial.non_saturating_g(real), logits)
    assert float(apart.norm()) == 0 and float(joined.norm()) > 0.01
    says(11, "d")


@pytest.mark.parametrize(("a", "b"), [(0.9, 0.1), (0.9, 0.0), (0.95, 0.15)])
def test_smoothing_the_fakes_moves_the_best_discriminator(a: float, b: float, says):
    """On three places of shares p and q: D's loss has no slope where D = (a p + b q) / (p + q), and nowhere else."""
    p, q = torch.tensor([8, 2, 0]), torch.tensor([2, 3, 5])
    best = (a * p + b * q) / (p + q)
    assert float(best[2]) == pytest.approx(b), "without any data D is b there, not 0"
    if b == 0:
        assert torch.allclose(best, a * p / (p + q)), "one-sided: the old D*, scaled"
        return
    says(b, "g")
    logits = best.logit().requires_grad_()
    real, fake = (logits.repeat_interleave(count) for count in (p, q))
    loss = adversarial.cross_entropy_d(real, fake, LabelSmoothing(a, b))
    (slope,) = torch.autograd.grad(loss, logits)
    assert float(slope.abs().max()) < 1e-6
    with pytest.raises(OptionError):
        parse(LabelSmoothing(), {"real": 1.2})  # a target of a probability above 1


def test_fakes_that_are_not_detached_give_g_the_gradient_of_d(says):
    """d/dlogit of -log(1 - D) and of -log D, added up, is 2 D - 1: where D is above 1/2 it drives G away."""
    for d in (0.2, 0.5, 0.8):
        logit = torch.tensor([math.log(d / (1 - d))], requires_grad=True)
        of_d = adversarial.cross_entropy_d(torch.zeros(1), logit)
        (own,) = torch.autograd.grad(adversarial.non_saturating_g(logit), logit)
        (both,) = torch.autograd.grad(of_d + adversarial.non_saturating_g(logit), logit)
        assert float(own) == pytest.approx(d - 1, abs=1e-6) and float(both) == pytest.approx(2 * d - 1, abs=1e-6)
    says(float(own), ".1f")
    says(float(both), ".1f")


def test_log_of_one_minus_a_sigmoid_is_infinite(says):
    logits = torch.arange(1.0, 40.0)
    naive = -(1 - logits.sigmoid()).log()
    first = float(logits[naive.isinf()][0])
    says(first, ".0f")
    assert adversarial.cross_entropy_d(torch.full((1,), 1e4), logits[-1:]).item() == pytest.approx(39)
    x = torch.tensor([20.0], requires_grad=True)
    (kept,) = torch.autograd.grad(-adversarial.minimax_g(x), x)
    (lost,) = torch.autograd.grad(-(1 - x.sigmoid() + 1e-8).log().mean(), x)
    assert float(kept) == pytest.approx(1) and abs(float(lost)) < 1e-3, "with a small number added no gradient is left"


def test_the_loss_of_d_at_the_equilibrium(says):
    half = torch.zeros(8)
    value = float(adversarial.cross_entropy_d(half, half))
    assert value == pytest.approx(math.log(4))
    says(value)
    says(value / 2)

    def moved(optimizer: Adam | SGD, factor: float) -> float:
        weight = nn.Parameter(torch.tensor([1.0]))
        built = optimizer.build([weight])
        (factor * adversarial.cross_entropy_d(weight, torch.tensor([0.3]))).backward()
        built.step()
        return float(weight.detach() - 1)

    assert moved(SGD(0.1), 0.5) == pytest.approx(moved(SGD(0.05), 1.0), rel=1e-3)
    assert moved(Adam(1e-3), 0.5) == pytest.approx(moved(Adam(1e-3), 1.0), rel=1e-3), "Adam does not mind a factor"
    d = find("gan/paper").options["config"].d_optimizer
    assert d.lr == find("gan/paper").options["config"].g_optimizer.lr / 2


# Theory


def test_the_jensen_shannon_divergence_does_not_explode(says):
    grid = Grid.box((-2.0,), (60.0,), 6200)
    p = Uniform([0.0], [1.0])
    apart = [Uniform([d], [d + 1.0]) for d in (2.0, 10.0, 50.0)]
    assert [float(divergence.js(p, q, grid)) for q in apart] == pytest.approx([math.log(2)] * 3, abs=1e-6)
    assert [float(divergence.best_value(p, q, grid)) for q in apart] == pytest.approx([0] * 3, abs=1e-6)
    assert [float(divergence.wasserstein(p, q, grid)) for q in apart] == pytest.approx([2, 10, 50], rel=1e-2)
    says(math.log(2))
    says(-math.log(4), ".3f")


def test_the_non_saturating_generator_does_not_descend_jensen_shannon(says):
    """Its gradient is that of KL(q || p) - 2 JS, and the minimax generator's that of 2 JS; each D is D*."""
    torch.manual_seed(0)
    p = torch.rand(12, dtype=torch.float64).softmax(0)
    scores = torch.randn(12, dtype=torch.float64, requires_grad=True)
    q = scores.softmax(0)
    logits = (p / q).log().detach()  # those of D*

    def kl(a: Tensor, b: Tensor) -> Tensor:
        return (a * (a / b).log()).sum()

    def slope(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss, scores, retain_graph=True)[0]

    each = torch.stack([adversarial.non_saturating_g(logit[None]) for logit in logits])
    first = torch.stack([adversarial.minimax_g(logit[None]) for logit in logits])
    mean = (p + q) / 2
    twice_js = kl(p, mean) + kl(q, mean)
    torch.testing.assert_close(slope((q * each).sum()), slope(kl(q, p) - twice_js))
    torch.testing.assert_close(slope((q * first).sum()), slope(twice_js))
    says(2, "d")


def test_a_clipped_critic_gives_a_multiple_of_the_distance(says):
    """A linear critic c x is the best within |w| <= c for a shift: its value is c times W1, here and for each c."""
    real = torch.linspace(0, 1, 101)[:, None]
    fake = real - 3
    distance = estimate.wasserstein(real, fake)
    assert distance == pytest.approx(3)
    for clip in (0.01, 0.1):
        assert -float(adversarial.wasserstein_d(clip * real, clip * fake)) == pytest.approx(clip * distance)
    says(distance, ".0f")
    says(0.01 * distance, "g")
    assert find("wgan/images").options["config"].weight_clip == 0.01


def test_training_is_not_stable_by_itself(says):
    """The Dirac-GAN: with both steps at once the distance to the equilibrium grows; with R1 it falls."""
    start = saddle.START
    plain = saddle.play("simultaneous", start, 100)
    damped = saddle.path(saddle.GAMMA, start, 100)
    assert saddle.growth(plain) > 0 > saddle.growth(damped)
    says(math.exp(100 * saddle.growth(plain)), ".1f")


# Gradient penalties


def test_the_norm_of_a_penalty_is_of_each_sample(says):
    """A linear critic whose slope is 1 at every sample: the penalty is 0, not what other norms make of it."""
    weight = torch.full((3, 8, 8), 1 / math.sqrt(192))
    real, fake = torch.randn(2, 64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((x * weight).flatten(1).sum(1).sum(), x)
    over_channels = float((gradient.norm(2, dim=1) - 1).square().mean())
    over_batch = float((gradient.norm() - 1).square())
    assert over_channels == pytest.approx((1 / 8 - 1) ** 2) and over_batch == pytest.approx((8 - 1) ** 2, rel=1e-3)
    says(over_channels)
    says(over_batch, ".0f")
    right = penalties.interpolation(lambda x: (x * weight).flatten(1).sum(1), real, fake)
    assert float(right) == pytest.approx(0, abs=1e-10)


def test_a_penalty_draws_one_number_for_each_sample(says):
    real, fake = torch.randn(2, 64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    torch.manual_seed(0)
    penalties.interpolation(critic, real, fake)

    def off_the_line(x: Tensor) -> float:
        """How far x is from the line through its real sample and its fake, over their distance."""
        way, own = (fake - real).flatten(1), (x - real).flatten(1)
        t = (own * way).sum(1, keepdim=True) / way.square().sum(1, keepdim=True)
        return float(((own - t * way).norm(dim=1) / way.norm(dim=1)).mean())

    wrong = off_the_line(torch.lerp(real, fake, torch.rand_like(real)))
    assert off_the_line(seen[0]) < 1e-6 and wrong > 0.2
    says(wrong, ".2f")
    outside = 1 - float(torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(1.0)) - 0.5)  # of N(0, 1)
    says(100 * outside, ".0f")


def test_batch_norm_in_a_critic_takes_its_penalty_from_other_samples(says):
    torch.manual_seed(0)

    real, fake = torch.randn(2, 16, 2)

    def slopes(network: nn.Module) -> tuple[float, float]:
        """The mean norm of the slope of all logits' sum, which penalties take, and that of each sample's own logit."""
        x = real.clone().requires_grad_()
        logits = network(x)[:, 0]
        (of_sum,) = torch.autograd.grad(logits.sum(), x, retain_graph=True)
        own = [torch.autograd.grad(logit, x, retain_graph=True)[0][i] for i, logit in enumerate(logits)]
        return float(of_sum.norm(dim=1).mean()), float(torch.stack(own).norm(dim=1).mean())

    mixed, apart = (mlp.Discriminator((2,), (64,), norm) for norm in ("batch", "layer"))
    of_sum, own = slopes(mixed)
    assert of_sum < 1e-6 < 0.05 < own, "batch norm before the last layer: the sum of the logits is constant"
    with pytest.raises(ArgumentError, match="batch norm ties those of a batch together"):
        penalties.interpolation(mixed, real, fake)
    assert slopes(apart)[0] == pytest.approx(slopes(apart)[1], rel=1e-5)
    says(1, "d")
    image = Spec({"x": Image(1, 28, 28)})
    for name in ("wgan-gp/images", "hinge", "dragan"):
        game = find(name).build(image)
        critic = next(m for player, p in game.players().items() if player != "generator" for m in p.modules)
        assert not mixes_batch(critic), name


# Measures


def test_a_discriminator_that_knows_nothing_is_right_half_of_the_time(says):
    torch.manual_seed(0)
    real, fake = torch.randn(1000, 2), torch.randn(1000, 2) + 2
    ignorant = discrimination(torch.zeros(len(real)), torch.zeros(len(fake)))
    assert ignorant.accuracy == 0.5
    found = classifier_test(real, fake, steps=300)
    assert found.accuracy > 0.85 and found.p_value < 1e-6
    says(100 * ignorant.accuracy, ".0f")
    says(100 * found.accuracy, ".0f")


def test_squared_error_to_unpaired_samples_likes_the_mean_best(says):
    torch.manual_seed(0)
    real, other = torch.randn(2, 2000, 16)
    gray = real.mean(0).expand(2000, 16)

    def error(fake: Tensor) -> float:
        return float((fake - real).square().mean())

    assert error(gray) == pytest.approx(1, rel=0.05) and error(other) == pytest.approx(2, rel=0.05)
    moments = Moments.of(real)
    assert frechet(moments, Moments.of(gray)) > 50 * frechet(moments, Moments.of(other))
    says(round(error(gray)), "d")
    says(round(error(other)), "d")


def test_a_frechet_distance_falls_with_the_number_of_samples(says):
    random = torch.Generator().manual_seed(0)
    found = [
        frechet(*(Moments.of(torch.randn(count, 64, generator=random)) for _ in range(2))) for count in (500, 5_000)
    ]
    assert found[0] > 5 * found[1] > 0
    for distance in found:
        says(distance, ".2f")


def test_the_inception_score_of_ten_images_can_be_the_best_there_is(says):
    ten = F.one_hot(torch.arange(10).repeat(500), 10).float()
    score = inception_score(ten, splits=1).mean
    assert score == pytest.approx(10)
    says(score, ".0f")
    by_class = inception_score(ten[ten.argmax(1).argsort()], splits=10).mean
    assert by_class == pytest.approx(1), "and in order of the classes the worst"
    pictures = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))
    real = torch.randn(5000, 64, generator=torch.Generator().manual_seed(1))
    assert frechet(Moments.of(real), Moments.of(pictures.repeat(500, 1))) > 30
