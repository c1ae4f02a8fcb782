"""What a report is written from: the files of a run directory, of which any may be missing or damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from zerosum.errors import ZerosumError
from zerosum.evaluation import protocol
from zerosum.evaluation.protocol import Evaluation
from zerosum.health.history import History
from zerosum.health.verdicts import Verdict, diagnose
from zerosum.modality import AnyModality, Modality
from zerosum.report import curves
from zerosum.report.curves import MetricsLog
from zerosum.run import commands
from zerosum.run.migrations import MIGRATIONS
from zerosum.util import formats
from zerosum.util.files import read_bytes

MODALITY: TypeAdapter[Modality] = TypeAdapter(AnyModality)


@dataclass(frozen=True)
class RunFiles:
    """A run directory, each file read when it is first needed. Nothing raises: what cannot be read counts as empty."""

    run: Path

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """run.json in the newest format, not validated; as it stands where it is damaged or of a newer version."""
        try:
            document = json.loads(read_bytes(self.run / "run.json"))
        except (OSError, ZerosumError, ValueError, RecursionError):
            return {}
        try:
            return formats.upgrade(document, MIGRATIONS)
        except (ValueError, RecursionError):
            return document if isinstance(document, dict) else {}

    def part(self, name: str) -> Mapping[str, Any]:
        """An object within run.json, empty where there is none."""
        value = self.record.get(name)
        return value if isinstance(value, dict) else {}

    @cached_property
    def fields(self) -> Mapping[str, Modality]:
        """The fields of the data by name, without those that cannot be read."""
        fields = self.part("data").get("fields")
        found: dict[str, Modality] = {}
        for name, field in fields.items() if isinstance(fields, dict) else ():
            with suppress(ValidationError):
                found[name] = MODALITY.validate_python(field)
        return found

    @property
    def translates(self) -> bool:
        """Whether its game translates; of older runs, which know no roles, whether it learnt from a field `a`."""
        roles = self.record.get("roles")
        return "Translates" in roles if isinstance(roles, list) else "a" in self.fields

    @property
    def predicts(self) -> bool:
        """Whether its game foresees how videos go on."""
        return self._can("Predicts")

    @property
    def acts(self) -> bool:
        """Whether its game acts in an environment."""
        return self._can("Acts")

    @property
    def classifies(self) -> bool:
        """Whether its game classifies alone, and makes no samples."""
        return self.record.get("roles") == ["Classifies"]

    def _can(self, role: str) -> bool:
        roles = self.record.get("roles")
        return isinstance(roles, list) and role in roles

    @cached_property
    def log(self) -> MetricsLog:
        """metrics.jsonl"""
        try:
            return curves.read(self.run / "metrics.jsonl")
        except (OSError, ZerosumError):
            return MetricsLog()

    @cached_property
    def pictures(self) -> tuple[tuple[int, Path], ...]:
        """The files of samples/ with their steps, in order."""
        files = sorted((_step(path), path) for path in (self.run / "samples").glob("step-*.png"))
        return tuple((step, path) for step, path in files if step >= 0)

    @cached_property
    def history(self) -> History | None:
        """health.jsonl; None where it is missing, damaged, or empty."""
        try:
            history = History.read(self.run / "health.jsonl", self.steps or 0)
        except (OSError, ZerosumError):
            return None
        return history if history.snapshots or history.events else None

    @cached_property
    def verdict(self) -> Verdict | None:
        """Of `history`."""
        return diagnose(self.history) if self.history else None

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """evaluation.json; None where it is missing or cannot be read."""
        try:
            return protocol.read(self.run / protocol.FILE)
        except ZerosumError:
            return None

    @property
    def steps(self) -> int | None:
        """Training steps requested."""
        steps = self.part("training").get("steps")
        return steps if isinstance(steps, int) else None

    @cached_property
    def step(self) -> int:
        """Training steps known to be done."""
        saved = [_step(path) for path in (self.run / "checkpoints").glob("step-*/")]
        return max([self.log.last_step, *(step for step, _ in self.pictures[-1:]), *saved])

    @property
    def complete(self) -> bool:
        return self.steps is not None and self.step >= self.steps

    @property
    def title(self) -> tuple[str, ...]:
        """The recipe and, where it is known, the data, of whose paths the last part: `pairs:photos`."""
        recipe, name = str(self.record.get("recipe") or self.run.resolve().name), self.part("data").get("name")
        return (recipe, re.sub(r"(^|[:,])([A-Za-z]:)?[\\/][^,]*[\\/]", r"\1", str(name))) if name else (recipe,)

    @property
    def path(self) -> str:
        """The run's path, relative to the current folder where it lies below."""
        return commands.shown(self.run)

    def command(self, name: str, flags: str = "") -> str:
        """A command on this run, to copy: `zerosum NAME RUN FLAGS`, with --recipe where the recipe is not built in."""
        return commands.command(name, self.run, str(self.record.get("recipe", "")), flags)

    def advice(self, line: str) -> str:
        """A line of advice in which this run's commands stand for those on RUN."""
        return re.sub(r"`zerosum (\S+) RUN ?([^`]*)`", lambda found: f"`{self.command(found[1], found[2])}`", line)


def _step(path: Path) -> int:
    """The step in a file's name, or -1."""
    match = re.fullmatch(r"step-([0-9]{1,15})", path.stem)
    return int(match[1]) if match else -1
