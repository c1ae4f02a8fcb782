"""What only a GPU can show: recorded rounds are the rounds, and a resumed run goes on exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.games import RECIPES, find
from zerosum.recipe import Training
from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.util import rng

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
DEVICE = torch.device("cuda")
POINTS = [name for name, recipe in RECIPES.items() if recipe.data == "ring"]


def trainer(name: str, config: dict[str, object] | None = None, **training: object) -> Trainer:
    recipe = find(name)
    loaded = data.load(recipe.data, labels=recipe.labelled)
    rng.seed(3)
    game = recipe.build(loaded.spec, {"config": config or {}})
    settings = {"steps": 10_000, "batch_size": 64, "average": 0.9, "precision": "fp32", "log_every": 7, **training}
    stream = data.Stream(loaded, 64, seed=3, device=DEVICE, batch=game.batch)
    made = Trainer(game, stream, Training(**settings), DEVICE)
    made.game.train()
    rng.seed(4)
    return made


def state(of: Trainer) -> dict[str, Tensor]:
    average = of.average.followers if of.average else {}
    return {
        k: v.detach().cpu().clone()
        for k, v in {**of.game.state_dict(), **{f"a/{k}": v for k, v in average.items()}}.items()
    }


@pytest.mark.parametrize("name", [*POINTS, "demo", "gan/paper", "sgan/toy"])
def test_recorded_rounds_equal_ordinary_ones(name: str):
    """The same numbers as without a recording, but for the order in which a GPU may add."""
    values = []
    for graphs in (False, True):
        t = trainer(name, graphs=graphs)
        for _ in range(20):
            t.round()
        assert bool(t.recorder and t.recorder.recordings) == (graphs and t.game.phase(t.step) is not None)
        values.append(t.pop_metrics())
    for key, value in values[0].items():
        assert values[1][key] == pytest.approx(value, rel=2e-2, abs=2e-3), key


def test_recorded_rounds_follow_a_momentum_that_rises():
    constant = {"kind": "sgd", "lr": 0.05, "momentum": 0.0}
    rising = {**constant, "momentum_end": 0.9, "momentum_steps": 10}
    ends = []
    for graphs, sgd in ((False, rising), (True, rising), (False, constant)):
        t = trainer("gan/toy", {"g_optimizer": sgd, "d_optimizer": sgd}, graphs=graphs)
        for _ in range(30):
            t.round()
        assert bool(t.recorder and t.recorder.recordings) == graphs
        ends.append(torch.cat([p.detach().flatten() for p in t.game.parameters()]))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-3, atol=1e-4)
    assert (ends[0] - ends[2]).norm() > 100 * (ends[0] - ends[1]).norm()


@pytest.mark.parametrize("name", ["gan/toy", "two-player/toy", "r3gan/toy"])
def test_a_resumed_run_goes_on_exactly(name: str, tmp_path: Path):
    first = trainer(name)
    for _ in range(12):
        first.round()
    checkpoint.save(first, tmp_path, keep=1)
    for _ in range(10):
        first.round()
    second = trainer(name)
    for _ in range(5):
        second.round()
    checkpoint.resume(second, checkpoint.find(tmp_path)[-1])
    for _ in range(10):
        second.round()
    expected = state(first)
    assert all(torch.equal(value, expected[key]) for key, value in state(second).items())


def test_an_optimiser_whose_rate_is_a_number_is_not_recorded():
    """A recording would keep the rate, and SGHMC's bias correction, of the round that it was made in."""
    loaded = data.load("ring", labels=False)
    game = find("gan/toy").build(loaded.spec, {"config": {"g_optimizer": {"kind": "sghmc"}}})
    t = Trainer(game, data.Stream(loaded, 64, seed=3, device=DEVICE), Training(), DEVICE)
    assert t.game.phase(0) is not None and t.recorder is None


def test_a_falling_rate_reaches_recorded_rounds():
    t = trainer("r3gan/toy", steps=40)  # decays to 0
    rates = []
    for _ in range(40):
        before = state(t)
        t.round()
        after = state(t)
        rates.append(max(float((after[k] - before[k]).abs().max()) for k in after if k.startswith("generator")))
    assert t.recorder and t.recorder.recordings
    assert rates[-1] < 0.2 * max(rates[5:15])


@pytest.mark.parametrize("name", ["dcgan", "wgan-gp/images", "r3gan/images"])
def test_networks_of_images_train_in_bf16(name: str):
    t = trainer(name, precision="bf16")
    for _ in range(12):
        t.round()
    assert all(torch.tensor(v).isfinite() for v in t.pop_metrics().values())
