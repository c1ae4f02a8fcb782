"""Each game covers a ring of eight narrow Gaussians in seconds, with the settings of its toy recipe.

A sample counts for the mode within four standard deviations of it (0.2; neighbouring modes are 0.77 apart). Data
scores 8 modes and 1.00. An untrained generator, one that found a single mode, and one that fills the disc all fail.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from zerosum.data import Stream, load
from zerosum.data.points import mixture
from zerosum.game import Game
from zerosum.games import find
from zerosum.roles import Generates, in_role
from zerosum.training.trainer import Trainer
from zerosum.util import rng

RING = mixture.ring()


class Score(NamedTuple):
    modes: int  # of 8, with at least 2 % of all samples each
    near: float  # share of samples within four standard deviations of a mode
    spread: float  # standard deviation of those around their mode; the data's is 0.05


def score(x: Tensor) -> Score:
    distance, mode = torch.cdist(x, RING.means).min(1)
    near = distance < 0.2
    share = torch.bincount(mode[near], minlength=8) / len(x)
    spread = distance[near].square().mean().div(2).sqrt().item() if near.any() else 0.0
    return Score(int((share >= 0.02).sum()), near.float().mean().item(), spread)


@torch.no_grad()
def generate(game: Game[Any], count: int) -> Tensor:
    role = in_role(game, Generates)
    return role.generate(role.prior.draw(count))


def train(name: str, options: dict[str, Any], record: Any) -> Score:
    recipe = find(name)
    rng.seed(0)
    data = load("ring")
    game = recipe.build(data.spec, {"config": options})
    stream = Stream(data, recipe.training.batch_size, seed=0)
    trainer = Trainer(game, stream, replace(recipe.training, precision="fp32"))
    before = score(generate(game, 2000))
    assert before.modes < 8 and before.near < 0.5, "an untrained generator already scores"
    start = time.process_time()
    trainer.train()
    seconds = time.process_time() - start
    result = score(generate(trainer.sampler, 2000))
    record("learnt", f"{name} {options}: {result}, {seconds:.1f} s of processor time")
    print(name, options, result, f"{seconds:.1f} s")
    return result


def test_the_score_tells_good_from_bad():
    data = load("ring").x[:2000]
    assert score(data).modes == 8 and score(data).near > 0.99 and score(data).spread == pytest.approx(0.05, rel=0.05)
    one_mode = RING.means[3] + 0.05 * torch.randn(2000, 2)
    assert score(one_mode).modes == 1 and score(one_mode).near > 0.99
    disc = 1.2 * (torch.rand(2000, 2) * 2 - 1)
    assert score(disc).near < 0.25
    blurred = data + 0.15 * torch.randn(2000, 2)
    assert score(blurred).near < 0.75


PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("gan/toy", {}),
    ("wgan-gp/toy", {}),
    ("r3gan/toy", {}),
    ("two-player/toy", {}),
    ("two-player/toy", {"objective": "minimax"}),
    ("two-player/toy", {"objective": "least-squares"}),
    ("two-player/toy", {"objective": "hinge"}),
    ("two-player/toy", {"objective": "relativistic"}),
    # R1 draws the critic's slope to 0 and with it the whole distance, so Wasserstein gets its own penalty.
    ("two-player/toy", {"objective": "wasserstein", "penalties": {"one-sided": 1.0}, "d_steps": 2}),
    ("two-player/toy", {"penalties": None, "targets": {"real": 0.9}, "shared_fakes": True}),
    ("two-player/toy", {"noise": {"std": 0.3, "steps": 1000}}),
]


@pytest.mark.parametrize(("name", "options"), PLAIN, ids=str)
def test_it_covers_the_ring(name: str, options: dict[str, Any], record_property):
    result = train(name, options, record_property)
    assert result.modes == 8 and result.near >= 0.8 and 0.02 < result.spread < 0.065


LOOSER: list[tuple[str, dict[str, Any], float, int]] = [  # the share near a mode, and the modes, that are asked for
    ("two-player/toy", {"packing": 2, "penalties": None}, 0.7, 8),
    ("wgan/toy", {}, 0.7, 8),
    ("loss-sensitive/toy", {}, 0.7, 8),
    ("loss-sensitive/toy", {"slope": 0.5}, 0.7, 8),
    ("bigan/toy", {}, 0.7, 8),
    ("bayesian/toy", {}, 0.7, 8),
    ("unrolled/toy", {}, 0.55, 7),  # rounding decides: eight on some processors, seven on others
    ("began/toy", {}, 0.35, 6),  # its discriminator reconstructs a curve, so samples lie between the modes, too
]


@pytest.mark.parametrize(("name", "options", "near", "modes"), LOOSER, ids=str)
def test_it_covers_the_ring_less_sharply(name: str, options: dict[str, Any], near: float, modes: int, record_property):
    result = train(name, options, record_property)
    assert result.modes >= modes and result.near >= near and result.spread < 0.1
