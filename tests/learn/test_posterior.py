"""InfoGAN's codes come to mean something in seconds: a category is a mode of the ring, a number a direction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from zerosum.data import Stream, load
from zerosum.data.points import mixture
from zerosum.games import find
from zerosum.games.infogan import InfoGAN
from zerosum.training.trainer import Trainer
from zerosum.util import rng

RING = mixture.ring()


def trained(data: str, **options: Any) -> tuple[InfoGAN, Tensor]:
    """The toy recipe's game with averaged weights, after training, and its data."""
    recipe = find("infogan/toy")
    rng.seed(0)
    loaded = load(data)
    game = recipe.build(loaded.spec, {"config": options})
    stream = Stream(loaded, recipe.training.batch_size, seed=0)
    trainer = Trainer(game, stream, replace(recipe.training, precision="fp32"))
    trainer.train()
    sampler = trainer.sampler
    assert isinstance(sampler, InfoGAN)
    return sampler, loaded.x


def matched(categories: Tensor, modes: Tensor) -> float:
    """The share of samples that are of their category's mode, where each category has one mode of its own."""
    table = torch.zeros(8, 8).index_put((categories, modes), torch.ones(len(modes)), accumulate=True)
    rows, columns = linear_sum_assignment(-table.numpy())
    return float(table[rows, columns].sum()) / len(modes)


def test_the_match_tells_good_from_bad():
    modes = torch.arange(800) % 8
    assert matched((modes + 3) % 8, modes) == 1
    assert matched(modes // 2, modes) == pytest.approx(0.5)
    assert matched(torch.randint(8, (800,), generator=torch.Generator().manual_seed(0)), modes) < 0.25


def test_a_category_is_a_mode(record_property):
    game, x = trained("ring")
    game.requires_grad_(False)
    modes = torch.cdist(x[:4000], RING.means).argmin(1)
    of_real = matched(game.posterior(x[:4000]).categories()[:, 0], modes)
    z = game.prior.draw(4000)
    distance, found = torch.cdist(game.generate(z), RING.means).min(1)
    of_fakes = matched(z[:, 2:].argmax(1), found)
    record_property("learnt", f"{of_real:.3f} of data, {of_fakes:.3f} of fakes, {(distance < 0.2).float().mean():.3f}")
    assert of_real >= 0.95 and of_fakes >= 0.9 and (distance < 0.2).float().mean() >= 0.7


def test_a_number_is_a_direction_of_the_data():
    """Of one long cloud the code that is a number becomes the place along it."""
    draw = torch.Generator().manual_seed(0)
    game, _ = trained("gaussians:0,0@1", noise_dim=2, categories=(), continuous=1)
    game.requires_grad_(False)
    z = game.prior.draw(2000, generator=draw)
    said = game.posterior(game.generate(z)).means[:, 0]
    correlation = float(torch.corrcoef(torch.stack([said, z[:, 2]]))[0, 1])
    assert correlation > 0.9
