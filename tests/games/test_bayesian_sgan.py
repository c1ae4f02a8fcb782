"""The Bayesian GAN of few labels: what its posteriors are made of, and what it predicts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.batches import PartlyLabelled
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.games.bayesian_sgan import BayesianSGAN
from zerosum.losses.feature_matching import feature_matching
from zerosum.modality import Classes, Image, Spec
from zerosum.networks import mlp, sgan
from zerosum.optim import SGHMC
from zerosum.util import distributed

K = 3
G, D = SGHMC(0.01, temperature=0.5, data_points=1000), SGHMC(0.01, data_points=100)
CONFIG = BayesianSGAN.Config(
    2, 3, 2, prior_std=0.5, unsupervised_weight=0.7, feature_weight=0.4, g_optimizer=G, d_optimizer=D
)


def game(config: BayesianSGAN.Config = CONFIG) -> BayesianSGAN:
    torch.manual_seed(4)
    generators = [mlp.Generator(config.latent_dim, (2,), (8,)) for _ in range(config.generators)]
    discriminators = [sgan.perceptron((2,), K, (8,)) for _ in range(config.discriminators)]
    return BayesianSGAN(generators, discriminators, K, config)


def batch() -> PartlyLabelled:
    draw = torch.Generator().manual_seed(1)
    x, unlabelled = torch.randn(4, 2, generator=draw), torch.randn(6, 2, generator=draw)
    return PartlyLabelled(x, torch.tensor([0, 1, 2, 1]), unlabelled)


def fakes(made: BayesianSGAN) -> list[Tensor]:
    """As many of each of three generators as there are unlabelled samples."""
    return [member(torch.randn(6, 2)) for member in made.generator.members]


def log_p(logits: Tensor) -> Tensor:
    """(B, K + 1): log probabilities of the classes, and of fakes, whose logit is 0."""
    return F.log_softmax(torch.cat([logits, torch.zeros(len(logits), 1)], 1), 1)


def prior(module: torch.nn.Module, points: int) -> Tensor:
    squares = torch.stack([p.square().sum() for p in module.parameters()]).sum()
    return squares / (2 * 0.5**2) / points


def test_the_losses_are_minus_the_log_posteriors():
    """Of each network, over the number of samples: any class for unlabelled ones, none for fakes, theirs for others."""
    made, given = game(), batch()
    torch.manual_seed(9)
    discriminator, generator = list(made.round(lambda: given, 0))

    torch.manual_seed(9)
    made_up = torch.cat(fakes(made))
    expected = prior(made.discriminator, 100)
    for member in made.discriminator.members:
        labelled = F.cross_entropy(member(given.x), given.y)  # given that it is of a class
        real = log_p(member(given.unlabelled))[:, :K].logsumexp(1).mean()
        expected = expected + labelled - 0.7 * (real + log_p(member(made_up))[:, K].mean())
    assert discriminator.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert discriminator.logits is not None and discriminator.logits.real.shape == (6, 2)

    own = fakes(made)
    expected = prior(made.generator, 1000)
    for fake in own:
        for member in made.discriminator.members:
            far = feature_matching(member.body(given.unlabelled), member.body(fake))
            expected = expected + (0.4 * far - log_p(member(fake))[:, :K].logsumexp(1).mean()) / 2
    assert generator.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_discriminator_meets_its_own_posterior_alone():
    """The gradient of one is the same whichever are beside it."""
    found = []
    for members in (2, 1):
        made = game()
        made.discriminator.members = made.discriminator.members[:members]
        torch.manual_seed(9)
        move = next(made.round(batch, 0))
        found.append(torch.autograd.grad(move.loss, list(made.discriminator.members[0].parameters())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_predictions_are_the_mean_of_all_probabilities():
    made, x = game(), torch.randn(7, 2)
    mean = torch.stack([log_p(member(x)).exp() for member in made.discriminator.members]).mean(0)
    torch.testing.assert_close(log_p(made.classifier()(x)).exp(), mean)
    torch.testing.assert_close(made.score(x), mean[:, :K].sum(1))
    assert made.classifier()(x).shape == (7, K)


def test_batch_norm_remembers_unlabelled_samples_alone():
    shape = Spec({"x": Image(1, 16, 16), "y": Classes(("a", "b"))}, 40)
    built = find("bayesian-sgan/images").build(shape, {"config": {"generators": 1, "discriminators": 2}})
    x, unlabelled = torch.zeros(4, 1, 16, 16), torch.ones(6, 1, 16, 16)
    given = PartlyLabelled(x, torch.tensor([0, 1, 0, 1]), unlabelled)
    built.train()
    list(built.round(lambda: given, 0))
    norm = next(m for m in built.discriminator.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert norm.num_batches_tracked > 0 and norm.running_mean is not None
    body = built.discriminator.members[0].body
    kept = norm.running_mean.clone()
    convolution = next(m for m in body if isinstance(m, torch.nn.Conv2d))
    torch.testing.assert_close(kept, 0.1 * convolution(unlabelled).mean((0, 2, 3)), rtol=0.1, atol=0.02)


def test_as_many_networks_as_the_config_says():
    with pytest.raises(ValueError, match="do not fit"):
        BayesianSGAN([mlp.Generator(2, (2,), (8,))], [sgan.perceptron((2,), K, (8,))], K, CONFIG)


def test_one_class_is_none():
    one = Spec({"x": Image(1, 16, 16), "y": Classes(("a",))}, 40)
    with pytest.raises(ZerosumError, match="all labels are of one class, and a classifier tells two or more apart"):
        find("bayesian-sgan/images").build(one)


def test_features_are_matched_over_all_processes(monkeypatch: pytest.MonkeyPatch):
    """Each side by its mean over all shares of the batch: with the others' means at 0 it is half of one's own."""
    made, given = game(), batch()
    torch.manual_seed(0)
    alone = [*made.round(lambda: given, 0)][-1].terms["features"]
    monkeypatch.setattr(distributed, "with_common_mean", lambda x: x - x.mean(0) / 2)
    torch.manual_seed(0)
    halved = [*made.round(lambda: given, 0)][-1].terms["features"]
    torch.testing.assert_close(halved, alone / 4)
    assert alone > 0
