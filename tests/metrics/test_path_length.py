"""Perceptual path length of games whose speed along a path is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.errors import ZerosumError
from zerosum.game import Game, Move, Player
from zerosum.latent import Normal, Uniform
from zerosum.metrics.extractors import Extractor, Features, find
from zerosum.metrics.path_length import path_lengths, score_of, trimmed_mean
from zerosum.roles import Generates


class Still(Game[Tensor], Generates):
    """G(z) = gain * z + noise that z does not decide; nothing to train."""

    name = "still"

    def __init__(self, prior: Normal | Uniform, gain: float = 1.0, noise: float = 0.0):
        super().__init__()
        self.prior, self.noise = prior, noise
        self.gain = nn.Parameter(torch.tensor(gain))
        self.modes: list[bool] = []

    def players(self) -> dict[str, Player]:
        return {}

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        yield from ()

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        self.modes.append(self.training)
        shift = 0.0 if y is None else y[:, None]
        return self.gain * z + shift + self.noise * torch.randn(len(z), 1)


PIXELS = find("pixels")


def test_the_speed_of_a_rotation():
    """On the arc z = a cos(s) + b sin(s), s = t pi / 2, z / |z| turns at the rate |a x b| / |z|^2."""
    game = Still(Normal(2))
    lengths = path_lengths(game, PIXELS, 4000, seed=3)
    generator = torch.Generator().manual_seed(3)
    a, b = (game.prior.draw(4000, generator=generator).double() for _ in range(2))
    s = math.pi / 2 * torch.rand(4000, 1, generator=generator, dtype=torch.float64)
    z = s.cos() * a + s.sin() * b
    turn = math.pi / 2 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).abs() / z.square().sum(1)
    slow = turn < 30  # the others turn visibly within one step
    torch.testing.assert_close(lengths[slow], turn[slow].square(), rtol=0.03, atol=1e-3)
    assert slow.float().mean() > 0.9


def test_many_dimensions_turn_a_quarter_circle():
    """Random directions are nearly orthogonal and equally long: the speed is pi / 2 everywhere."""
    lengths = path_lengths(Still(Normal(20_000)), PIXELS, 20)
    assert trimmed_mean(lengths) == pytest.approx((math.pi / 2) ** 2, rel=0.02)


def test_a_game_that_ignores_z_has_length_zero():
    assert trimmed_mean(path_lengths(Still(Normal(4), gain=0.0, noise=1.0), PIXELS, 64)) == 0


def test_other_noise_is_equal_at_both_ends_of_a_step_and_no_random_number_is_lost():
    game = Still(Normal(64), noise=1.0).train()
    torch.manual_seed(5)
    first = path_lengths(game, PIXELS, 100, batch_size=30)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))
    assert game.training and not any(game.modes)
    assert first.max() < 1000  # fresh noise would give about 1 / epsilon^2
    assert torch.equal(first, path_lengths(game, PIXELS, 100, batch_size=30))
    assert not torch.equal(first, path_lengths(game, PIXELS, 100, seed=1, batch_size=30))


def test_paths_are_those_of_the_games_prior():
    """In one dimension a straight line from a to b, b > a > 0, keeps its direction: no turn, no length."""
    game = Still(Uniform(1))
    lengths = path_lengths(game, PIXELS, 200)
    assert (lengths == 0).float().mean() > 0.95  # a path may cross 0 within its step


def test_labels_reach_the_game():
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x)
        return x

    labels = torch.arange(10)
    path_lengths(Still(Normal(3), gain=0.0), find(watch), 10, labels=labels, batch_size=4)
    assert torch.equal(torch.cat(seen[::2])[:, 0], labels.float())


def test_percentiles_are_trimmed():
    lengths = torch.arange(1.0, 1001.0)
    lengths[-1] = 1e9
    lengths[0] = -1e9
    assert trimmed_mean(lengths) == pytest.approx(500.5, abs=0.6)
    assert trimmed_mean(torch.full((50,), 3.0)) == 3.0


def test_how_long_the_longest_are_changes_no_interval():
    """Tukey and McLaughlin: lengths beyond the ends of what is kept are pulled in to these."""
    lengths = torch.arange(1.0, 1001.0)
    further = lengths.clone()
    further[-5:], further[:5] = 1e6, -1e6
    assert score_of(lengths).interval == score_of(further).interval != (500.5, 500.5)


def test_features_of_8_bits_are_refused():
    coarse = Extractor("coarse", "", "", lambda x: Features(x.flatten(1)), rounds=True)
    with pytest.raises(ZerosumError, match="8 bits"):
        path_lengths(Still(Normal(3)), coarse, 10)
