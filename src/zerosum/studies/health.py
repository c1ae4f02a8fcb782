"""`zerosum reproduce health`: does the monitor name failures made on purpose, and leave healthy runs alone?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zerosum.health.history import History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.health.verdicts import VERDICTS
from zerosum.studies.scenarios import SCENARIOS, Scenario
from zerosum.studies.study import Measurements, Study
from zerosum.training.hooks.log import Log
from zerosum.training.trainer import Diverged

NO_ALARM = ("healthy", "under-trained")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train one scenario under the monitor; its verdict, beside the truth."""
    return train_monitored(BY_NAME[part], seed, fraction, folder)


def train_monitored(scenario: Scenario, seed: int, fraction: float, folder: Path) -> dict[str, Any]:
    """The verdict at the end, all verdicts on the way, and what watching cost."""
    trainer, loaded = scenario.trainer(seed)
    steps = max(1, round(trainer.training.steps * fraction))
    trainer.training = replace(trainer.training, steps=steps)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "health.jsonl"
    path.unlink(missing_ok=True)
    verdicts: list[str] = []
    meter = SignalMeter(loaded, trainer.game.makes, seed)
    monitor = Monitor(meter, path, History(steps), lambda verdict: verdicts.append(verdict.name))
    try:
        trainer.train([monitor, Log(trainer.training.log_every, steps, ())])
    except Diverged as error:
        monitor.event(trainer.step, "diverged", error.what)
    verdict = monitor.verdict
    return {
        "scenario": scenario.name,
        "seed": seed,
        "truth": scenario.truth,
        "verdict": verdict.name,
        "since": verdict.since,
        "alarms": sorted({name for name in verdicts if name not in NO_ALARM}),
        "snapshots": len(monitor.history.snapshots),
        "signals": dict(monitor.history.snapshots[-1].signals) if monitor.history.snapshots else {},
        "watching": monitor.share,
    }


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """Shares over all seeds, one value a seed, the confusion matrix, and every run that was judged wrong."""
    seeds = sorted({part["seed"] for part in parts})
    failures = [part for part in parts if part["truth"] != "healthy"]
    healthy = [part for part in parts if part["truth"] == "healthy"]
    counts = Counter((p["truth"], p["verdict"]) for p in parts)
    confusion = {truth: {v: counts[truth, v] for v in VERDICTS if counts[truth, v]} for truth in VERDICTS}
    keys = ("scenario", "seed", "truth", "verdict")
    return {
        "values": [_share([p["verdict"] == p["truth"] for p in failures if p["seed"] == seed]) for seed in seeds],
        "runs": len(parts),
        "failures_named": _share([p["verdict"] == p["truth"] for p in failures]),
        "false_alarms": _share([p["verdict"] not in NO_ALARM for p in healthy]),
        "healthy_called_under_trained": _share([p["verdict"] == "under-trained" for p in healthy]),
        "healthy_runs_with_an_alarm_on_the_way": _share([bool(p["alarms"]) for p in healthy]),
        "watching_share_of_time": max(p["watching"] for p in parts),
        "confusion": {truth: verdicts for truth, verdicts in confusion.items() if verdicts},
        "wrong": [{key: p[key] for key in keys} for p in parts if p["verdict"] != p["truth"]],
    }


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


HEALTH = Study(
    name="health",
    protocol=(
        "Short trainings whose outcome is known by construction (src/zerosum/studies/scenarios.py): failures "
        "made on purpose, and healthy runs, on digits of 16x16 pixels and on points. The value is the "
        "share of failures that the verdict at the end names; of the healthy runs, at most 0.02 may end in an alarm. "
        "Thresholds and scenarios were chosen on seeds 0 to 3, which are not among the seeds."
    ),
    published="",
    target=0.95,
    relation=">=",
    seeds=(4, 5),
    parts=lambda seed: tuple(BY_NAME),
    run=run,
    summarise=summarise,
    extra_check=lambda measurements: measurements["false_alarms"] <= 0.02,
)
