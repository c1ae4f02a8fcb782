"""The monitor only watches: training with it equals training without it, bit for bit."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SIGNALS, SignalMeter
from zerosum.health.verdicts import History
from zerosum.training.hooks.log import Log

STEPS = 6


def play(case: Any, monitor: Monitor | None) -> tuple[dict[str, Tensor], list[Any]]:
    trainer, logged = case.trainer(steps=STEPS, log_every=2), []
    log = Log(2, 100, [lambda step, seconds, values: logged.append((step, values))])
    trainer.train([*([monitor] if monitor else []), log])
    state = trainer.game.state_dict() | {"random": torch.rand(3), "next": trainer.stream.state()}
    return state, logged


def test_watching_changes_nothing(case: Any, tmp_path: Path):
    torch.manual_seed(5)
    alone, logged = play(case, None)
    torch.manual_seed(5)
    monitor = Monitor(SignalMeter(case.data()), tmp_path / "health.jsonl", History(STEPS))
    torch.manual_seed(5)
    watched, also = play(case, monitor)
    assert logged == also
    for name, value in alone.items():
        assert value == watched[name] if isinstance(value, dict) else torch.equal(value, watched[name]), name
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == STEPS
    known = {name.partition("/")[0] for name in lines[-1]["signs"]}
    assert known <= {*SIGNALS, "centre", "gradient", "loss"} and {"frechet", "recall", "gap", "gradient"} <= known
    assert ("class_accuracy" in known) == (case.game().condition is not None)


def points(count: int, classes: int = 0) -> Dataset:
    generator = torch.Generator().manual_seed(3)
    y = torch.arange(count) % classes if classes else None
    return dataset("points", torch.randn(count, 2, generator=generator), y, tuple(map(str, range(classes))))


@pytest.mark.parametrize(("count", "classes"), [(2, 0), (3, 0), (9, 2), (40, 30), (600, 3)])
def test_data_of_any_size(case_of: Any, count: int, classes: int, tmp_path: Path):
    """As few as two samples, and classes with one sample each."""
    trainer = case_of("gan/toy").trainer(steps=2, log_every=1)
    look = SignalMeter(points(count)).look(trainer, 1.0)
    assert all(isinstance(value, float) for value in look.signs.values())
    assert all(torch.tensor(list(look.signs.values())).isfinite())
    if classes:
        labelled = SignalMeter(points(count, classes))
        assert labelled.labels is None or labelled.labels.classes.numel() > 1


def test_classes_are_learnt_from_labelled_samples_alone():
    digits = data.load("digits")
    few = digits.with_labels(200, 0)
    hidden = few.y == -1
    noise = torch.randint(256, digits.x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    other = replace(few, x=torch.where(hidden[:, None, None, None], noise, few.x))
    one, two = SignalMeter(few).labels, SignalMeter(other).labels
    assert one is not None and two is not None
    assert torch.equal(one.weights, two.weights) and one.accuracy_real == two.accuracy_real
    assert one.chance == pytest.approx(0.1 + 3 * math.sqrt(0.1 * 0.9 / 100)), "half of the 200 are tested"


def test_of_few_labels_all_are_used():
    """Not only those that lie among the samples that are looked at."""
    few = points(20_000, 3).with_labels(90, 0)
    labels = SignalMeter(few).labels
    assert labels is not None
    assert labels.chance == pytest.approx(1 / 3 + 3 * math.sqrt(1 / 3 * 2 / 3 / 45))


def test_classes_that_cannot_be_tested_are_not_looked_at():
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    y = torch.empty(16, dtype=torch.int64)
    y[order] = torch.tensor([0, 1] * 4 + list(range(2, 10)))  # two classes in the half that is fitted to alone
    assert SignalMeter(replace(points(16, 10), y=y)).labels is None
    assert SignalMeter(replace(points(16, 10), y=torch.full((16,), -1))).labels is None


@pytest.mark.parametrize("shape", [(1, 5, 7), (1, 8, 8), (3, 40, 24), (4, 16, 16), (2, 12, 12)])
def test_images_of_any_shape(case_of: Any, shape: tuple[int, ...]):
    x = torch.randint(256, (20, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    vitals = SignalMeter(dataset("images", x))
    assert vitals.variance > 0 and vitals.copying_real > 0


def test_fakes_that_are_not_finite_are_not_looked_at(case_of: Any):
    trainer = case_of("gan/toy").trainer(steps=2, average=0.0)
    with torch.no_grad():
        next(trainer.game.generator.parameters()).fill_(float("nan"))
    assert "frechet" not in SignalMeter(points(50)).look(trainer, 1.0).signs


def test_a_discriminator_that_says_the_same_to_all_separates_nothing(case_of: Any):
    trainer = case_of("gan/toy").trainer(steps=1)
    with torch.no_grad():
        for parameter in trainer.game.discriminator.parameters():
            parameter.zero_()
    trainer.round()
    signs = SignalMeter(points(50)).look(trainer, 1.0).signs
    assert signs["separation"] == 0.5 and signs["gap"] == 0.0
