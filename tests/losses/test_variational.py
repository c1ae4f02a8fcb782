"""Losses of the VAE-GAN by hand, against PyTorch's distributions, and the trap of a log sigma used as sigma."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from zerosum.losses import variational
from zerosum.util.checks import ArgumentError


def test_the_divergence_is_the_closed_form():
    mean, log_sigma = torch.tensor([[0.0, 2.0], [1.0, 0.0]]), torch.tensor([[0.0, 0.0], [math.log(2), -1.0]])
    rows = [0 + 2.0, 0.5 * (1 + 4 - 1) - math.log(2) + 0.5 * (math.exp(-2) - 1) + 1]
    assert float(variational.kl_divergence(mean, log_sigma)) == pytest.approx(sum(rows) / 2, rel=1e-6)
    assert float(variational.kl_divergence(torch.zeros(3, 4), torch.zeros(3, 4))) == 0


def test_the_divergence_is_that_of_pytorch():
    torch.manual_seed(0)
    mean, log_sigma = torch.randn(5, 7), torch.randn(5, 7)
    exact = kl_divergence(Normal(mean, log_sigma.exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(variational.kl_divergence(mean, log_sigma), exact)
    assert variational.kl_divergence(mean.bfloat16(), log_sigma.bfloat16()).dtype == torch.float32


def test_a_code_is_drawn_with_the_exponential_as_its_deviation():
    mean, log_sigma = torch.tensor([[1.0, -1.0]]), torch.tensor([[math.log(0.5), 0.0]])
    z = variational.reparametrised(mean, log_sigma, torch.tensor([[2.0, 3.0]]))
    torch.testing.assert_close(z, torch.tensor([[1.0 + 0.5 * 2, -1.0 + 1 * 3]]))  # 0 of log sigma is not no noise
    torch.manual_seed(0)
    many = variational.reparametrised(mean.expand(40_000, 2), log_sigma.expand(40_000, 2), torch.randn(40_000, 2))
    torch.testing.assert_close(many.std(0), torch.tensor([0.5, 1.0]), atol=0.01, rtol=0)


def test_the_similarity_is_half_the_mean_square_row_by_row():
    real, fake = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    assert float(variational.learned_similarity(real, fake)) == 0.5 * (1 + 4 + 0 + 4) / 4
    swapped = float(variational.learned_similarity(real.flip(0), real))
    assert swapped > 0, "it is of pairs, not of the means of batches"


def test_what_is_no_pair_is_refused():
    with pytest.raises(ArgumentError, match="fake"):
        variational.learned_similarity(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ArgumentError, match="log_sigma"):
        variational.kl_divergence(torch.zeros(2, 3), torch.zeros(3, 3))
