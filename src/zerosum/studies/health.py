"""`zerosum reproduce health`: does the monitor name failures made on purpose, and leave healthy runs alone?"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.health.history import History, Snapshot
from zerosum.health.monitor import Monitor, planned
from zerosum.health.signals import SampleMeter, SignalMeter
from zerosum.health.verdicts import OPEN, VERDICTS, diagnose
from zerosum.metrics import intervals
from zerosum.roles import Generates, has_role
from zerosum.run.sampling import sample
from zerosum.studies.frozen import FROZEN, OF_PHOTOGRAPHS
from zerosum.studies.scenarios import SCENARIOS, Scenario, photographs
from zerosum.studies.study import Measurements, Study
from zerosum.training.hooks.log import Log
from zerosum.training.trainer import Diverged, Trainer

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
BY_FROZEN = {frozen.name: frozen for frozen in (*FROZEN, *OF_PHOTOGRAPHS)}
STOPS = (0.05, 0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # shares of a training after which it is judged as if it ended
FINAL = 2.0  # of a healthy training's last Fréchet distances: what is within has its final quality
WHOLE = 0.3  # of its share: the least that each class has of a healthy training's fakes, by a labelled probe
OBEYED = 0.5  # of what the fakes are of the requested class beyond chance at the end: the least of a final quality
PROBED = 2048  # fakes that this is asked of
BAD, GOOD = 300, 150  # snapshots at least
TRAININGS = 40


class Case(Protocol):
    """What a verdict is asked for, and the verdict that it deserves."""

    @property
    def name(self) -> str: ...
    @property
    def truth(self) -> str: ...
    def trainer(self, seed: int) -> tuple[Trainer, Dataset]: ...


def parts(seed: int) -> tuple[str, ...]:
    """Every other training with each seed, and all frozen generators with both."""
    trainings = tuple(BY_NAME)[seed % 2 :: 2]
    return trainings + tuple(f.name for f in (*FROZEN, *(OF_PHOTOGRAPHS if photographs() else ())))


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train one scenario under the monitor; its verdicts, beside the truth."""
    case: Case = BY_NAME[part] if part in BY_NAME else BY_FROZEN[part]
    return train_monitored(case, seed, fraction, folder)


class Stopping(Monitor):
    """A monitor that looks as it would in runs which end at each of the STOPS."""

    def plan(self, trainer: Trainer) -> frozenset[int]:
        steps = trainer.training.steps
        return frozenset().union(*(planned(0, max(1, round(stop * steps))) for stop in STOPS))


def train_monitored(scenario: Case, seed: int, fraction: float, folder: Path) -> dict[str, Any]:
    """The verdicts after each of STOPS and at the end, and what is true there."""
    trainer, loaded = scenario.trainer(seed)
    steps = max(1, round(trainer.training.steps * fraction))
    trainer.training = replace(trainer.training, steps=steps)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "health.jsonl"
    path.unlink(missing_ok=True)
    meter = SignalMeter(loaded, trainer.game.makes, seed)
    watching = Stopping if isinstance(scenario, Scenario) else Monitor
    monitor = watching(meter, path, History(steps))
    stops = [steps]
    if isinstance(scenario, Scenario):
        stops = [stop for stop in (round(share * steps) for share in STOPS) if stop > scenario.since]
    probe, whole = _probe(scenario, seed), dict[int, float]()

    def count(trainer: Trainer) -> None:
        if probe and trainer.step in stops and has_role(trainer.game, Generates):
            whole[trainer.step] = _least(probe, trainer, seed + 1000)

    try:
        trainer.train([monitor, count, Log(trainer.training.log_every, steps, ())])
    except Diverged as error:
        monitor.event(trainer.step, "diverged", error.what)
    snapshots = monitor.history.snapshots
    judged = [_judged(scenario, snapshots, stop, steps, whole.get(stop, 1.0)) for stop in stops[:-1]]
    judged = [one for one in judged if one["looks"]]
    last = _judged(scenario, snapshots, steps, steps, whole.get(steps, 1.0)) | {"verdict": monitor.verdict.name}
    return {
        "scenario": scenario.name,
        "seed": seed,
        "trained": isinstance(scenario, Scenario),
        "truth": scenario.truth,
        "verdict": monitor.verdict.name,
        "modes": list(monitor.verdict.modes),
        "since": monitor.verdict.since,
        "stops": [*judged, last],
        "snapshots": len(snapshots),
        "signals": dict(snapshots[-1].signals) if snapshots else {},
        "watching": monitor.share,
    }


def _judged(scenario: Case, snapshots: Sequence[Snapshot], stop: int, steps: int, least: float) -> dict[str, Any]:
    """The verdict on the run as it was after a step, and whether it deserved a good one."""
    history = History.ended(snapshots, stop)
    good = scenario.truth == "healthy"
    if good and isinstance(scenario, Scenario):
        good = bool(history.snapshots) and least >= WHOLE and _final(history.snapshots[-1], snapshots)
    looks = len(history.snapshots)
    return {"at": stop / steps, "looks": looks, "good": good, "least": least, "verdict": diagnose(history).name}


def _final(now: Snapshot, snapshots: Sequence[Snapshot]) -> bool:
    """Whether a snapshot has the quality of the last ones: in its distances, and in its fakes' classes."""
    if _distance([now], snapshots) > FINAL:
        return False
    last = snapshots[-1].signals
    if not {"class_accuracy", "class_chance"} <= last.keys():
        return True
    gained = max(last["class_accuracy"] - last["class_chance"], 0.0)
    return now.signals.get("class_accuracy", 0.0) - last["class_chance"] >= OBEYED * gained


def _distance(now: Sequence[Snapshot], snapshots: Sequence[Snapshot]) -> float:
    """The Fréchet distances over what the last three snapshots have, or reals where that is more; the larger one."""
    ratios = [float("inf")] if "frechet" not in now[-1].signals else []
    for name in ("frechet", "sight"):
        last = [one.signals[name] for one in snapshots[-3:] if name in one.signals]
        if last and name in now[-1].signals:
            reals = now[-1].signals.get(f"{name}_high", 0.0)
            ratios.append(now[-1].signals[name] / max(statistics.median(last), reals))
    return max(ratios)


def _probe(scenario: Case, seed: int) -> SampleMeter | None:
    """One that knows the labels which a healthy training's data has, and looks at other reals."""
    if not isinstance(scenario, Scenario) or scenario.truth != "healthy" or scenario.change:
        return None
    return _probe_of(scenario.data, seed)


@cache
def _probe_of(name: str, seed: int) -> SampleMeter | None:
    loaded: Dataset = data.load(name, size=(16, 16) if name == "digits" else None, seed=seed)
    return SampleMeter(loaded, "x", seed + 1000) if loaded.y is not None else None


def _least(probe: SampleMeter, trainer: Trainer, seed: int) -> float:
    """The least share of a class among the fakes, over its share among the reals; 1 of a game that takes labels."""
    if probe.condition_of(trainer.game) is not None or probe.modes is None:
        return 1.0
    fakes = sample(trainer.sampler, PROBED, seed=seed)
    if not bool(fakes.isfinite().all()):
        return 0.0
    signals = probe.modes.signals(probe.features_of_modes(fakes))
    return min((value for name, value in signals.items() if name.startswith("mode/")), default=1.0)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """Shares over all seeds, one value a seed, with Wilson intervals by training, and all that was judged wrong."""
    seeds = sorted({part["seed"] for part in parts})
    failures = [part for part in parts if part["truth"] != "healthy"]
    stops = [(part, stop) for part in parts for stop in part["stops"]]
    good = [(part, stop) for part, stop in stops if stop["good"]]
    bad = [(part, stop) for part, stop in stops if not stop["good"]]
    counts = Counter((p["truth"], p["verdict"]) for p in parts)
    confusion = {truth: {v: counts[truth, v] for v in VERDICTS if counts[truth, v]} for truth in VERDICTS}
    keys = ("scenario", "seed", "truth", "verdict")
    return {
        "values": [_share([p["verdict"] == p["truth"] for p in failures if p["seed"] == seed]) for seed in seeds],
        "runs": len(parts),
        "trainings": sum(p["trained"] for p in parts),
        "bad_snapshots": len(bad),
        "good_snapshots": len(good),
        "photographs": "measured" if any("photographs" in p["scenario"] for p in parts) else "skipped: no CIFAR-10",
        "failures_named": _share([p["verdict"] == p["truth"] for p in failures]),
        "failures_named_interval_by_training": _interval([p["verdict"] == p["truth"] for p in failures]),
        "false_alarms": _share([stop["verdict"] not in OPEN for _, stop in good]),
        "false_alarms_interval_by_training": _by_training(good, lambda stop: stop["verdict"] not in OPEN),
        "bad_called_healthy": _share([stop["verdict"] == "healthy" for _, stop in bad]),
        "bad_called_healthy_interval_by_training": _by_training(bad, lambda stop: stop["verdict"] == "healthy"),
        "good_called_healthy": _share([stop["verdict"] == "healthy" for _, stop in good]),
        "good_called_under_trained": _share([stop["verdict"] == "under-trained" for _, stop in good]),
        "watching_share_of_time": max((p["watching"] for p in parts if p["trained"]), default=0.0),
        "confusion": {truth: verdicts for truth, verdicts in confusion.items() if verdicts},
        "wrong": [{key: p[key] for key in keys} for p in failures if p["verdict"] != p["truth"]],
        "alarms_on_good": [_where(p, stop) for p, stop in good if stop["verdict"] not in OPEN],
        "healthy_of_bad": [_where(p, stop) for p, stop in bad if stop["verdict"] == "healthy"],
    }


def _where(part: Measurements, stop: Measurements) -> dict[str, Any]:
    return {"scenario": part["scenario"], "seed": part["seed"], "at": stop["at"], "verdict": stop["verdict"]}


def _by_training(
    stops: Sequence[tuple[Measurements, Measurements]], wrong: Callable[[Measurements], bool]
) -> list[float]:
    """The interval of the share of trainings with a snapshot that is wrong."""
    found: dict[tuple[str, int], bool] = {}
    for part, stop in stops:
        key = part["scenario"], part["seed"]
        found[key] = found.get(key, False) or wrong(stop)
    return _interval(list(found.values()))


def _interval(hits: Sequence[bool]) -> list[float]:
    """Wilson's, of 95 %."""
    return list(intervals.of_share(_share(hits), len(hits))) if hits else []


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _reached(summary: Measurements) -> bool:
    if "bad_snapshots" not in summary:  # recorded before snapshots were counted
        return False
    enough = summary["bad_snapshots"] >= BAD and summary["good_snapshots"] >= GOOD and summary["trainings"] >= TRAININGS
    return bool(enough and summary["false_alarms"] <= 0.02 and summary["bad_called_healthy"] <= 0.01)


HEALTH = Study(
    name="health",
    protocol=(
        "Short trainings whose outcome is known by construction (src/zerosum/studies/scenarios.py), judged as if "
        "they had stopped at 5 to 100 % of their steps, on digits of 16x16 pixels and on points; and generators of "
        "real samples, all or of some classes, of copies of the data, and of noise, stripes and blobs "
        "(src/zerosum/studies/frozen.py), on digits, points, coloured shapes and CIFAR-10. The value is the share "
        "of failures that the verdict at the end names. At most 0.02 of the good snapshots may raise an alarm, and "
        "at most 0.01 of the bad ones, among them healthy trainings before they have their final quality, may be "
        "called healthy; of at least 300 bad and 150 good snapshots from at least 40 trainings. Thresholds and "
        "scenarios were chosen on seeds 0 to 7."
    ),
    published="",
    measures="share of failures that are named, two seeds",
    target=0.97,
    relation=">=",
    seeds=(8, 9),
    parts=parts,
    run=run,
    summarise=summarise,
    extra_check=_reached,
)
