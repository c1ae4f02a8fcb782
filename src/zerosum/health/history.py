"""What health.jsonl holds: snapshots of a training's signals, events, and the signals that only a history shows.

A signal of a player is called SIGNAL/PLAYER, as `gap/discriminator`. In files of earlier versions those of the one
discriminator name no player; here they are of a player called "".
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.run.directory import RunDirectory
from zerosum.util.files import is_regular, read_bytes

MIN_SNAPSHOTS = 5  # that a verdict needs

# Derived signals: of the samples, of players that hand over logits, of those that do not, of all.
OF_DISTANCES = {
    "trained": "steps that the run has been trained",
    "trend": "Fréchet distance of the last snapshots over that of those before; below 1 it falls",
    "relapse": "the most that the Fréchet distance rose again over the last snapshots, as a factor",
    "unwatched": "steps that the run had been trained before the first look at it",
    "worst": "the greatest Fréchet distance of the last snapshots",
    "travelled": "way of the fakes' centre since the first snapshot, in deviations of the reals",
    "swing": "how far the fakes' centre moves from snapshot to snapshot, in deviations of the reals",
    "class_obedience": "how far class_accuracy lies from chance to that of reals",
}
OF_JUDGES = {"sure": "share of logits on the right side of 0, of the worse of reals and fakes"}
OF_OTHERS = {
    "loss_swing": "deviation of a generator's loss over the last snapshots, over its mean size",
    "vanishing": "a generator's gradient over its largest so far",
}
OF_ALL = {
    "explosion": "size of a player's loss over that in the first snapshot, or over 1 where that was smaller",
    "exploded": "the greatest explosion so far",
}
DERIVED = {**OF_DISTANCES, **OF_JUDGES, **OF_OTHERS, **OF_ALL}


@dataclass(frozen=True)
class Snapshot:
    """What was measured after a step. Signals that the game or its data do not have are left out."""

    step: int
    seconds: float  # of training, up to here
    signals: Mapping[str, float]  # "frechet", "centre/0", "gap/PLAYER", "loss/PLAYER" ... (`signals.SIGNALS`)


@dataclass(frozen=True)
class Event:
    """Something that happened to the run: it diverged, or was rolled back."""

    step: int
    seconds: float
    event: str
    detail: str


@dataclass
class History:
    """health.jsonl: all snapshots so far that later ones do not supersede, and all events."""

    steps: int  # of the training in all
    snapshots: list[Snapshot] = field(default_factory=list, init=False)
    events: list[Event] = field(default_factory=list)
    signals: list[dict[str, float]] = field(default_factory=list, init=False)  # of each snapshot, and those of DERIVED

    def add(self, line: Snapshot | Event) -> None:
        """Append; a snapshot of an earlier step than the last one follows a rollback or a resumption."""
        if isinstance(line, Event):
            self.events.append(line)
            return
        while self.snapshots and self.snapshots[-1].step >= line.step:
            self.snapshots.pop()
            self.signals.pop()
        self.snapshots.append(line)
        self.signals.append({**line.signals, **_derived(self.snapshots)})

    @classmethod
    def ended(cls, snapshots: Iterable[Snapshot], step: int) -> History:
        """That of a run which has these snapshots, as if it had ended after `step`."""
        history = cls(step)
        for snapshot in snapshots:
            if snapshot.step <= step:
                history.add(snapshot)
        return history

    @classmethod
    def read(cls, path: Path, steps: int) -> History:
        """What a file holds; empty where there is none. A line that a killed run left half-written is passed over."""
        history = cls(steps)
        for text in read_bytes(path).splitlines() if is_regular(path) else ():
            try:
                history.add(_parsed(json.loads(text)))
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
                continue
        return history

    @classmethod
    def of_run(cls, run: Path) -> History:
        """That of a run directory; `ZerosumError` where there is none."""
        directory = RunDirectory(run)
        record = directory.read()
        history = cls.read(directory.health, record.training.steps)
        if not history.snapshots and not history.events:
            if directory.health.is_file() and directory.health.stat().st_size:
                raise ZerosumError(
                    f"{directory.health} is damaged, no line of it can be read; delete it: training that goes on "
                    f"(`{directory.command('resume', '--steps N')}`) writes another"
                )
            if not record.training.health:
                raise ZerosumError(f"{run} has no health signals: it was trained with --no-health")
            raise ZerosumError(
                f"{run} has no health signals: no look at it is recorded; the first comes after a fifth of the training"
            )
        return history


def of_player(signal: str, player: str) -> str:
    """The name of a player's signal; of a signal without players, the player is ""."""
    return f"{signal}/{player}" if player else signal


def players_with(signals: Iterable[str], signal: str) -> list[str]:
    """The players that `signals` hold a signal of; [""] where it is one without players, [] where it is missing."""
    parts = (name.partition("/") for name in signals)
    return [player for base, _, player in parts if base == signal]


def recent(snapshots: int) -> int:
    """Over how many of the last snapshots a trend or a swing is measured."""
    return max(6, snapshots // 2)


def _parsed(line: Mapping[str, Any]) -> Snapshot | Event:
    step, seconds = int(line["step"]), float(line["seconds"])
    if "event" in line:
        return Event(step, seconds, str(line["event"]), str(line["detail"]))
    measured = line["signals" if "signals" in line else "signs"]  # "signs" in files of earlier versions
    signals = {str(name): float(value) for name, value in measured.items()}
    return Snapshot(step, seconds, {name: value for name, value in signals.items() if math.isfinite(value)})


def _derived(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    """The signals that only a history shows, as of its last snapshot."""
    return {**_of_distances(snapshots), **_of_centres(snapshots), **_of_classes(snapshots), **_of_players(snapshots)}


def _series(snapshots: Sequence[Snapshot], name: str) -> list[float]:
    return [snapshot.signals[name] for snapshot in snapshots if name in snapshot.signals]


def _of_distances(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    if "frechet" not in snapshots[-1].signals:
        return {}
    distances = _series(snapshots, "frechet")
    last = distances[-recent(len(distances)) :]
    third = max(1, len(last) // 3)
    before, after = statistics.median(last[:third]), statistics.median(last[-third:])
    least = itertools.accumulate(last, min)
    return {
        "trained": float(snapshots[-1].step),
        "trend": after / before if before > 0 else 1.0,
        "relapse": max((d / low for d, low in zip(last, least, strict=True) if low > 0), default=1.0),
        "worst": max(last),
    }


def _of_centres(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    ways = [_way(a, b) for a, b in itertools.pairwise(snapshots)]
    unwatched = snapshots[0].signals.get("begun", 0.0)
    return {"travelled": sum(ways), "unwatched": unwatched} | (
        {"swing": statistics.median(ways[-MIN_SNAPSHOTS:])} if ways else {}
    )


def _way(before: Snapshot, after: Snapshot) -> float:
    """Root mean square over the axes of how far the centre moved."""
    axes = [name for name in after.signals if name.startswith("centre/") and name in before.signals]
    moved = [after.signals[name] - before.signals[name] for name in axes]
    return math.sqrt(sum(m * m for m in moved) / len(moved)) if moved else 0.0


def _of_classes(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    now = snapshots[-1].signals
    if not {"class_accuracy", "class_accuracy_real", "class_chance"} <= now.keys():
        return {}
    span = now["class_accuracy_real"] - now["class_chance"]
    return {"class_obedience": (now["class_accuracy"] - now["class_chance"]) / span if span > 0 else 1.0}


def _of_players(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    now, last = snapshots[-1].signals, snapshots[-recent(len(snapshots)) :]
    derived: dict[str, float] = {}
    for player in players_with(now, "real_accuracy"):
        accuracies = (now[of_player("real_accuracy", player)], now.get(of_player("fake_accuracy", player), 0.0))
        derived[of_player("sure", player)] = min(accuracies)
    for player in players_with(now, "loss"):
        losses, lately = (_series(part, f"loss/{player}") for part in (snapshots, last))
        first = max(1.0, abs(losses[0]))
        derived[f"explosion/{player}"] = abs(losses[-1]) / first
        derived[f"exploded/{player}"] = max(map(abs, losses)) / first
        if len(lately) > 1 and any(lately) and not _judges(player, snapshots):
            derived[f"loss_swing/{player}"] = statistics.stdev(lately) / statistics.fmean(map(abs, lately))
    for player in players_with(now, "gradient"):
        gradients = _series(snapshots, f"gradient/{player}")
        if max(gradients) > 0 and not _judges(player, snapshots):
            derived[f"vanishing/{player}"] = gradients[-1] / max(gradients)
    return derived


def _judges(player: str, snapshots: Sequence[Snapshot]) -> bool:
    """Whether a player has handed over logits."""
    if "separation" in snapshots[0].signals:  # a file of format 1: its separation names no player, and its
        # players are "generator" and those who judge
        return player != "generator"
    return any(f"separation/{player}" in snapshot.signals for snapshot in snapshots)
