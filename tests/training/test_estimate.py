"""How long a step takes: found in bounded time, whatever the networks are, and said how."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

import zerosum
from zerosum import data
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.recipe import Training
from zerosum.training import estimate
from zerosum.training.trainer import Trainer
from zerosum.util import rng


def made(name: str = "gan/toy", options: dict[str, Any] | None = None, **training: Any) -> Trainer:
    recipe = find(name)
    loaded = data.load(recipe.data)
    loaded = loaded if recipe.labelled else loaded.without_labels()
    rng.seed(0)
    settings = Training(**training)
    stream = data.Stream(loaded, settings.batch_size, seed=0, batch=recipe.batch)
    return Trainer(recipe.build(loaded.spec, options), stream, settings)


class Clock:
    """Time that goes on only where somebody computes."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("patience", "asked", "seconds", "source", "word"),
    [
        (1000.0, [2, 2, 8, 32, 64], 0.1 + 0.2 * 64, "", "about"),
        (12.0, [2, 2, 8, 32], 0.1 + 0.2 * 64, "from 8 and 32 of 64 samples", "about"),
        (0.6, [2], 0.5 * 32, "from 2 of 64 samples", "at most"),
    ],
)
def test_a_long_step_is_timed_by_few_samples(
    patience: float,
    asked: list[int],
    seconds: float,
    source: str,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
):
    """As a line through the times of the last two numbers of samples: nobody waits for a whole batch."""
    clock, probed = Clock(), list[int]()

    def probe(trainer: Trainer, samples: int, step: int, watch: object = None) -> float:
        probed.append(samples)
        clock.now += 0.1 + 0.2 * samples
        return 0.1 + 0.2 * samples

    monkeypatch.setattr(estimate, "_probe", probe)
    monkeypatch.setattr(estimate, "_rate", lambda: 1e9)
    monkeypatch.setattr(estimate, "time", clock)
    pace = estimate.pace_of(made(batch_size=64), patience)
    assert pace == (pytest.approx(seconds), source, word)
    assert list(dict.fromkeys(probed)) == list(dict.fromkeys(asked))


def test_a_penalty_in_every_eighth_step_counts_an_eighth(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(estimate, "_probe", lambda trainer, samples, step, watch=None: 9e-4 if step % 8 == 0 else 1e-4)
    assert estimate.pace_of(made(batch_size=2), 5.0).seconds == pytest.approx(2e-4)


def test_steps_at_the_start_that_are_others_do_not_count():
    """WGAN's critic makes a hundred steps a round at first, and in each five-hundredth round."""
    trainer = made("wgan/toy", steps=20_000)
    first = estimate.operations(trainer, 2, 0)
    assert estimate.operations(trainer, 2, estimate._typical(trainer)) < first / 3
    assert estimate._typical(made(steps=1)) == 0


@pytest.mark.parametrize("name", ["gan/toy", "wgan-gp/toy", "r3gan/toy", "sgan/toy", "infogan/toy", "bayesian/toy"])
def test_operations_are_counted_without_being_made(name: str):
    trainer = made(name, batch_size=16)
    before, state = rng.capture(), trainer.stream.state()
    few, more = (estimate.operations(trainer, samples, 0) for samples in (2, 16))
    assert few > 0 and more == pytest.approx(8 * few, rel=0.01)
    assert all(torch.equal(before[key], value) for key, value in rng.capture().items())
    assert state == trainer.stream.state()
    counter = estimate.Counter(time.perf_counter() + 100)
    with counter:
        estimate._gradients(trainer, trainer.game, trainer.stream, 0)
    assert counter.finished == more


def test_what_takes_too_long_is_stopped_and_its_share_of_operations_counts(monkeypatch: pytest.MonkeyPatch):
    """A machine that needs a millisecond for each million operations, and 60 s for 2 of 16 samples."""
    trainer = made("wgan-gp/toy", batch_size=16)
    whole, clock = estimate.operations(trainer, 2, estimate._typical(trainer)), Clock()
    counted = estimate._counted

    def slow(function: Any, args: Any, named: Any, made: Any) -> int:
        count = counted(function, args, named, made)
        on_meta = isinstance(made, torch.Tensor) and made.device.type == "meta"
        clock.now += 0 if on_meta else 60 * count / whole
        return count

    monkeypatch.setattr(estimate, "_counted", slow)
    monkeypatch.setattr(estimate, "time", clock)
    monkeypatch.setattr(estimate, "_rate", lambda: whole / 60)
    state = trainer.stream.state()
    pace = estimate.pace_of(trainer, 4.0)
    assert pace.seconds == pytest.approx(60 * 8, rel=0.05) and "% of the operations for 2 of 16 samples" in pace.source
    assert clock.now < 10 and trainer.stream.state() == state


def test_one_operation_that_would_take_hours_is_not_begun(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(estimate, "_rate", lambda: 1.0)  # a machine of one operation a second
    began = time.perf_counter()
    pace = estimate.pace_of(made(batch_size=16), 0.5)
    assert pace.word == "at least" and time.perf_counter() - began < 20


@pytest.mark.parametrize("slow", [False, True])
def test_memory_is_estimated_with_and_without_a_step(slow: bool, monkeypatch: pytest.MonkeyPatch):
    found = []
    for _ in range(2):
        trainer = made("r3gan/toy", batch_size=16)
        if slow:
            monkeypatch.setattr(estimate, "pace_of", lambda trainer, patience: estimate.Pace(100.0, "from 2 samples"))
        found.append(estimate.estimate(trainer, 1.0))
        slow = True
    weights = sum(p.nbytes for p in made("r3gan/toy").game.parameters())
    for one in found:
        assert one.memory["weights"] == weights and one.memory["optimisers"] >= 2 * weights
    assert found[1].memory["activations"] == pytest.approx(found[0].memory["activations"], rel=0.5)


def test_a_batch_of_one_is_refused_where_batch_norm_learns_from_it(tmp_path: Path) -> None:
    with pytest.raises(ZerosumError, match="batch norm cannot learn from a batch of 1: use a --batch-size of"):
        zerosum.train("gan/tutorial", "digits", tmp_path / "run", batch_size=1, steps=2, quiet=True)
    assert not (tmp_path / "run").exists()
