"""Drawing from a game: what a seed fixes, also of generators that draw numbers of their own, and of older runs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.evaluation import targets
from zerosum.games.gan import GAN
from zerosum.latent import ROWS, Clustered, DrawName, Normal, Uniform, draw_rows, hashed_seed
from zerosum.metrics import extractors
from zerosum.networks import mlp
from zerosum.run import sampling
from zerosum.run.loaded import Run

OLD = Path(__file__).parent / "old_runs"


class Noisy(nn.Module):
    """z with noise of its own, which stays on when samples are made, as the dropout of some translators does."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.batches: list[int] = []

    def forward(self, z: Tensor) -> Tensor:
        self.batches.append(len(z))
        return self.scale * z + torch.randn_like(z)


def game(generator: nn.Module | None = None) -> GAN:
    torch.manual_seed(0)
    return GAN(generator or mlp.Generator(3, (3,), (8,)), mlp.Discriminator((3,), (8,)), GAN.Config(latent_dim=3))


@pytest.mark.parametrize("count", [1, 2, 5, 6, 40])
def test_torch_itself_would_draw_others(count: int):
    """Why whole blocks are drawn: 3 numbers a row, 16 at a time."""
    torch.manual_seed(0)
    many = Normal(3).draw(64)
    torch.manual_seed(0)
    assert not torch.equal(Normal(3).draw(count), many[:count])
    assert torch.equal(draw_rows(Normal(3), count, 0), draw_rows(Normal(3), 64, 0)[:count])


def test_rows_are_spread_as_the_prior_says_and_none_comes_twice():
    z = draw_rows(Normal(5), 50_000, 7)
    assert z.mean(0).abs().max() < 0.03 and (z.var(0) - 1).abs().max() < 0.03
    assert len(z.unique(dim=0)) == 50_000
    flat = torch.corrcoef(torch.stack([z[:-ROWS].flatten(), z[ROWS:].flatten()]))
    assert flat[0, 1].abs() < 0.01, "blocks have nothing to do with each other"
    other = draw_rows(Normal(5), 50_000, 8)
    assert not torch.isin(z[:, 0], other[:, 0]).float().mean() > 0.1
    assert draw_rows(Uniform(2), 3, -1).shape == (3, 2), "any integer is a seed"
    assert draw_rows(Uniform(2), 3, 10**30).shape == (3, 2)


@pytest.mark.parametrize("start", [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5])
@pytest.mark.parametrize("count", [1, 2, ROWS, ROWS + 1])
def test_any_part_of_the_rows_is_that_of_the_whole(start: int, count: int):
    whole = draw_rows(Normal(3), 6 * ROWS, 7)
    assert torch.equal(draw_rows(Normal(3), count, 7, start), whole[start : start + count])


def test_seeds_of_parts_differ():
    seeds = {
        hashed_seed(purpose, seed, i) for purpose in ("latents", "noise") for seed in range(-3, 30) for i in range(99)
    }
    assert len(seeds) == 2 * 33 * 99 and min(seeds) >= 0 and max(seeds) < 2**63


def test_a_generator_that_draws_numbers_gets_one_row_at_a_time():
    noisy = Noisy()
    made = game(noisy)
    many = sampling.sample(made, 20, seed=3)
    assert set(noisy.batches) == {20, 1}
    for count, size in ((1, 64), (7, 3), (20, 1)):
        assert torch.equal(sampling.sample(made, count, seed=3, batch_size=size), many[:count])
    noise = many - draw_rows(made.prior, 20, 3)
    assert len(noise.unique(dim=0)) == 20 and 0.5 < noise.std() < 1.5, "each sample has noise of its own"
    assert torch.equal(sampling.sample(made, 5, seed=3, start=4), many[4:9])
    assert not torch.equal(sampling.sample(made, 5, seed=4), many[:5])


def test_its_noise_stays_on_a_walk():
    made = game(Noisy())
    walk = sampling.interpolate(made, 2, 5, (3, 4))
    first = sampling.sample(made, 2, seed=3)
    torch.testing.assert_close(walk[0], first)
    ends = [draw_rows(made.prior, 2, seed) for seed in (3, 4)]
    torch.testing.assert_close(walk[2], made.prior.interpolate(*ends, 0.5) + first - ends[0])


def test_batch_norm_in_training_mode_is_put_back():
    made = game(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))).train()
    before = {name: x.clone() for name, x in made.state_dict().items()}
    state = torch.get_rng_state()
    sampling.sample(made, 3)
    assert made.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(x, before[name]) for name, x in made.state_dict().items())


@pytest.mark.parametrize("count", [0, -1])
def test_no_samples_are_refused(count: int):
    with pytest.raises(ZerosumError, match=f"^{count} samples are none"):
        sampling.sample(game(), count)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30])
def test_a_seed_that_is_too_large_is_refused_in_a_sentence(seed: int):
    with pytest.raises(ZerosumError, match=f"^{seed} is no seed"):
        sampling.sample(game(), 1, seed=seed)


@pytest.mark.parametrize("seed", [2**64 - 1, -(2**63), -1])
def test_any_other_integer_is_a_seed(seed: int):
    assert sampling.sample(game(), 1, seed=seed).shape == (1, 3)


@pytest.mark.parametrize("truncation", [0.0, -1.0])
def test_truncation_is_above_0(truncation: float):
    with pytest.raises(ZerosumError, match="truncation must be above 0"):
        sampling.sample(game(), 2, truncation=truncation)


def test_the_older_draw_is_one_generator_batch_by_batch():
    made = game()
    old = sampling.sample(made, 7, seed=5, batch_size=3, draw="batches")
    torch.manual_seed(5)
    z = torch.cat([torch.randn(size, 3) for size in (3, 3, 1)])
    torch.testing.assert_close(old, made.eval().generate(z).detach())
    assert not torch.allclose(old, sampling.sample(made, 7, seed=5))


@pytest.fixture
def toy(tmp_path: Path) -> Run:
    return zerosum.load(shutil.copytree(OLD / "toy", tmp_path / "toy"))


def test_an_older_run_goes_on_drawing_as_it_did(toy: Run):
    assert toy.record.draw == "batches"
    new = replace(toy, record=replace(toy.record, draw="rows"))
    torch.manual_seed(0)
    z = torch.randn(5, 2)
    torch.testing.assert_close(toy.sample(5), toy.game.generate(z).detach())
    torch.testing.assert_close(toy.interpolate(5, 2)[0], toy.sample(5))
    torch.testing.assert_close(new.sample(5), new.sample(64)[:5])
    assert not torch.allclose(toy.sample(5), toy.sample(64)[:5]), "what was mended for new runs"


def test_a_traversal_of_an_older_run_is_as_it_was():
    made = GAN(mlp.Generator(5, (3,), (8,)), mlp.Discriminator((3,), (8,)), GAN.Config(latent_dim=5))
    made.prior = Clustered(3, 2)
    torch.manual_seed(4)
    z = made.prior.draw(3)
    run = Run(OLD / "toy", zerosum.load(OLD / "toy").record, made, 0)
    for draw, same in (("batches", True), ("rows", False)):
        drawn = replace(run, record=replace(run.record, draw=draw)).traverse(rows=3, seed=4)["cluster"]
        wanted = made.eval().generate(made.prior.codes[0].put(z, torch.tensor([0.0, 4.0]))).detach()
        assert torch.allclose(drawn[:, 1], wanted, atol=1e-5) == same


@pytest.mark.parametrize("draw", ["batches", "rows"])
def test_an_evaluation_measures_what_the_run_draws(toy: Run, draw: DrawName):
    """Of an older run as before; of each run, its first samples are those of `zerosum sample`."""
    run = replace(toy, record=replace(toy.record, draw=draw))
    side = targets.of_run(run, None).samples(7, 0, zerosum.data.load("ring"), extractors.find("pixels"), None)
    torch.testing.assert_close(side.stored, run.sample(7))


def test_the_draw_is_kept_when_an_older_run_goes_on(toy: Run):
    zerosum.resume(toy.path, device="cpu", quiet=True)
    assert json.loads((toy.path / "run.json").read_text())["draw"] == "batches"
    resumed = zerosum.load(toy.path)
    torch.manual_seed(0)
    torch.testing.assert_close(resumed.sample(5), resumed.game.generate(torch.randn(5, 2)).detach())


def test_a_score_that_depends_on_the_batch_is_refused(tmp_path: Path):
    run = zerosum.train(
        "gan/toy", out=tmp_path / "run", steps=1, batch_size=4, quiet=True, techniques={"minibatch_discrimination": 2}
    )
    with pytest.raises(ZerosumError, match=r"compares the samples of a batch .* scores no single ones"):
        run.score(torch.zeros(3, 2))


def test_a_new_run_records_how_it_draws(tmp_path: Path, capsys: Any):
    run = zerosum.train("gan/toy", out=tmp_path / "run", steps=1, batch_size=4, quiet=True)
    assert json.loads((run.path / "run.json").read_text())["draw"] == "rows"
    torch.testing.assert_close(zerosum.load(run.path).sample(3), run.sample(20)[:3])
    assert main(["sample", str(run.path), "-n", "2", "--seed", "-1", "--out", str(tmp_path / "a.npz")]) == 0
