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
from zerosum.health import monitor as module
from zerosum.health.history import MIN_SNAPSHOTS, History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SIGNALS, SampleMeter, SignalMeter
from zerosum.modality import Classes
from zerosum.roles import Attacks, Generates, has_role, in_role, makes_samples
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
    monitor = Monitor(SignalMeter(case.data(), case.recipe.game.makes), tmp_path / "health.jsonl", History(STEPS))
    torch.manual_seed(5)
    watched, also = play(case, monitor)
    assert logged == also
    for name, value in alone.items():
        assert value == watched[name] if isinstance(value, dict) else torch.equal(value, watched[name]), name
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == STEPS
    known = {name.partition("/")[0] for line in lines for name in line["signals"]}
    game = case.game()
    judged = {"gap"} if len(game.players()) > 1 else set()
    compares = makes_samples(game) and not has_role(game, Attacks)  # what is attacked is no sample of data
    compared = {"frechet", "recall"} if compares else set()
    assert known <= {*SIGNALS} and {"gradient", "loss"} | compared | judged <= known
    assert compared or "frechet" not in known
    conditional = has_role(game, Generates) and isinstance(in_role(game, Generates).condition, Classes)
    assert ("class_accuracy" in known) == conditional


@pytest.mark.parametrize("checkpoint_every", [3, 100])
def test_the_order_of_hooks_does_not_matter(
    case_of: Any, checkpoint_every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The log hook pops the values that the monitor reads, in the same step or before, where a checkpoint is due."""
    monkeypatch.setattr(module, "SHARE", 1.0)
    histories = []
    for name in ("before", "after"):
        torch.manual_seed(5)
        trainer = case_of("gan/toy").trainer(steps=STEPS, log_every=2)
        monitor = Monitor(SignalMeter(case_of("gan/toy").data(), "x"), tmp_path / name, History(STEPS))
        log = Log(2, checkpoint_every, [])
        trainer.train([monitor, log] if name == "before" else [log, monitor])
        histories.append(
            [(snapshot.step, snapshot.signals) for snapshot in History.read(tmp_path / name, STEPS).snapshots]
        )
    assert histories[0] == histories[1] and [step for step, _ in histories[0]] == [2, 3, 4, 5, 6]
    assert all("gap/discriminator" in signals and "loss/generator" in signals for _, signals in histories[0])


def points(count: int, classes: int = 0, y: Tensor | None = None) -> Dataset:
    generator = torch.Generator().manual_seed(3)
    y = torch.arange(count) % classes if classes and y is None else y
    return dataset("points", torch.randn(count, 2, generator=generator), y, tuple(map(str, range(classes))))


@pytest.mark.parametrize(("count", "classes"), [(2, 0), (3, 0), (9, 2), (40, 30), (600, 3)])
def test_data_of_any_size(case_of: Any, count: int, classes: int, tmp_path: Path):
    """As few as two samples, and classes with one sample each."""
    trainer = case_of("gan/toy").trainer(steps=2, log_every=1)
    signals = SignalMeter(points(count), "x").measure(trainer, 1.0).signals
    assert "frechet" in signals and all(isinstance(value, float) for value in signals.values())
    assert all(torch.tensor(list(signals.values())).isfinite())
    if classes:
        labelled = SampleMeter(points(count, classes), "x")
        assert labelled.labels is None or labelled.labels.classes.numel() > 1


def test_classes_are_learnt_from_labelled_samples_alone():
    digits = data.load("digits")
    few = digits.with_labels(200, 0)
    hidden = few.y == -1
    noise = torch.randint(256, digits.x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    other = few.with_samples(few.modality, torch.where(hidden[:, None, None, None], noise, few.x), "other")
    one, two = SampleMeter(few, "x").labels, SampleMeter(other, "x").labels
    assert one is not None and two is not None
    assert torch.equal(one.weights, two.weights) and one.accuracy_real == two.accuracy_real
    assert one.chance == pytest.approx(0.1 + 3 * math.sqrt(0.1 * 0.9 / 100)), "half of the 200 are tested"


def test_of_few_labels_all_are_used():
    """Not only those that lie among the samples that are compared."""
    few = points(20_000, 3).with_labels(90, 0)
    labels = SampleMeter(few, "x").labels
    assert labels is not None
    assert labels.chance == pytest.approx(1 / 3 + 3 * math.sqrt(1 / 3 * 2 / 3 / 45))


def test_classes_that_cannot_be_tested_are_not_measured():
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    y = torch.empty(16, dtype=torch.int64)
    y[order] = torch.tensor([0, 1] * 4 + list(range(2, 10)))  # two classes in the half that is fitted to alone
    assert SampleMeter(points(16, 10, y), "x").labels is None
    assert SampleMeter(points(16, 10, torch.full((16,), -1)), "x").labels is None


@pytest.mark.parametrize("shape", [(1, 5, 7), (1, 8, 8), (3, 40, 24), (4, 16, 16), (2, 12, 12)])
def test_images_of_any_shape(case_of: Any, shape: tuple[int, ...]):
    x = torch.randint(256, (20, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    meter = SampleMeter(dataset("images", x), "x")
    assert meter.variance > 0 and meter.copying_real > 0


def test_fakes_that_are_not_finite_are_not_measured(case_of: Any):
    trainer = case_of("gan/toy").trainer(steps=2, average=0.0)
    with torch.no_grad():
        next(trainer.game.generator.parameters()).fill_(float("nan"))
    assert "frechet" not in SignalMeter(points(50), "x").measure(trainer, 1.0).signals


def test_a_discriminator_of_equal_logits_separates_nothing(case_of: Any):
    trainer = case_of("gan/toy").trainer(steps=1)
    with torch.no_grad():
        for parameter in trainer.game.discriminator.parameters():
            parameter.zero_()
    trainer.round()
    signals = SignalMeter(points(50), "x").measure(trainer, 1.0).signals
    assert signals["separation/discriminator"] == 0.5 and signals["gap/discriminator"] == 0.0


@pytest.mark.parametrize("steps", [5, 7, 50, 999])
@pytest.mark.parametrize("begun", [0, 3, 400])
def test_looks_are_five_at_least_in_any_run(begun: int, steps: int):
    """However short it is and however dear a look, and in what is left of a resumed one."""
    looks = module.planned(begun, begun + steps)
    assert len(looks) == MIN_SNAPSHOTS and max(looks) == begun + steps and min(looks) > begun


def test_a_run_whose_looks_are_dear_has_five(case_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SHARE", 0.0)
    trainer = case_of("gan/toy").trainer(steps=20, log_every=100)
    monitor = Monitor(SignalMeter(case_of("gan/toy").data(), "x"), tmp_path / "health.jsonl", History(20))
    trainer.train([monitor])
    assert [snapshot.step for snapshot in monitor.history.snapshots] == [4, 8, 12, 16, 20]


def test_a_run_that_is_resumed_unwatched_says_so(case_of: Any, tmp_path: Path):
    trainer = case_of("gan/toy").trainer(steps=5, log_every=100)
    trainer.train()
    trainer.training = replace(trainer.training, steps=15)
    monitor = Monitor(SignalMeter(case_of("gan/toy").data(), "x"), tmp_path / "health.jsonl", History(15))
    trainer.train([monitor])
    first, *others = monitor.history.snapshots
    assert first.signals["begun"] == 5 and first.step == 7 and not any("begun" in one.signals for one in others)
    assert all(signals["unwatched"] == 5 for signals in monitor.history.signals)


def test_looks_at_other_times_change_no_weight(case_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a monitor, with one that looks five times, and with one that looks after each step."""
    weights = []
    for share in (None, 0.0, 1.0):
        torch.manual_seed(7)
        trainer = case_of("gan/toy").trainer(steps=12, log_every=1)
        hooks: list[Any] = []
        if share is not None:
            monkeypatch.setattr(module, "SHARE", share)
            hooks = [Monitor(SignalMeter(case_of("gan/toy").data(), "x"), tmp_path / f"{share}", History(12))]
        trainer.train(hooks)
        weights.append(torch.cat([p.detach().flatten() for p in trainer.game.parameters()]))
    assert torch.equal(weights[0], weights[1]) and torch.equal(weights[0], weights[2])
