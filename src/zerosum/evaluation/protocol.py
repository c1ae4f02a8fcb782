"""Results with the protocol they were measured by, and their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from zerosum.data.domains import DOMAINS
from zerosum.data.styles import STYLES
from zerosum.errors import ZerosumError
from zerosum.metrics.score import Score
from zerosum.run.record import versions
from zerosum.util import formats
from zerosum.util.files import read_bytes, write_atomic
from zerosum.util.formats import Document, Migrations, rename

ACCURACY = "accuracy"  # of a classifier
OF_CLASSES = (ACCURACY, *(f"{side}-{ACCURACY}" for two in (DOMAINS, STYLES) for side in two.sides))
FILE = "evaluation.json"  # in a run directory

Plain = bool | int | float | str | None


def _from_1(evaluation: Document) -> Document:
    renamed = rename(evaluation, {"anchors": "references", "reference": "against"})
    return renamed | {"results": [_result_from_1(result) for result in evaluation["results"]]}


def _result_from_1(result: Document) -> Document:
    renamed = rename(result, {"figures": "scores", "protocol.settings.judged": "protocol.settings.samples"})
    for name, score in renamed.get("scores", {}).items():
        renamed["scores"][name] = rename(score, {"anchors": "references"})
    return renamed


MIGRATIONS: Migrations = {1: _from_1}
FORMAT = formats.newest(MIGRATIONS)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """All that a score depends on except the samples. Results may be compared where their protocols are equal."""

    metric: str
    settings: dict[str, Plain]
    extractor: str = ""  # of the features compared; "" where a metric needs none
    identity: str = ""  # of the extractor's weights, 16 hex digits; "" where there are none
    resizing: str = ""  # of images before the extractor
    precision: str  # of samples and features
    real: int  # samples of the reference
    fake: int  # samples measured
    shape: tuple[int, ...]  # of one sample; () where they differ
    reference: str  # fingerprint of the reference data
    held_out: str = ""  # further real data, where a metric needs it
    seed: int
    truncation: float | None = None  # of z, in standard deviations
    twins: int = 0  # real samples that repeat another, and were left out

    def differences(self, other: Protocol) -> dict[str, tuple[Any, Any]]:
        """Every field in which two protocols differ, with both values; settings one by one."""
        ours, theirs = self.values(), other.values()
        names = list(dict.fromkeys([*ours, *theirs]))
        return {n: (ours.get(n), theirs.get(n)) for n in names if ours.get(n) != theirs.get(n)}

    def values(self) -> dict[str, Any]:
        """Every field by name, settings one by one: "settings.k"."""
        fields = asdict(self)
        settings = fields.pop("settings")
        return fields | {f"settings.{name}": value for name, value in settings.items()}


@dataclass(frozen=True)
class Result:
    """What one metric measured: its scores by name, the most important first."""

    protocol: Protocol
    scores: dict[str, Score]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    alike: int = 0  # fakes that were judged beside real data, where it had fewer samples; 0: all

    @property
    def value(self) -> float:
        """Of the first score."""
        return next(iter(self.scores.values())).value

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the first score."""
        return next(iter(self.scores.values())).interval


@dataclass(frozen=True)
class Target:
    """What was evaluated."""

    kind: Literal["run", "folder", "file"]
    path: str  # absolute
    recipe: str = ""
    step: int | None = None  # of the evaluated checkpoint
    averaged: bool | None = None  # whether the weights are averaged (EMA)
    fingerprint: str = ""  # of a folder's or file's samples


@dataclass(frozen=True)
class Evaluation:
    """`evaluation.json`."""

    format: int
    target: Target
    against: str  # name of the reference data
    references: dict[str, str]  # what "real" and "noise" of the reference scores are, in words
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    versions: dict[str, str]
    created: str  # ISO 8601, UTC

    @property
    def is_of_classes(self) -> bool:
        """Whether a classifier was measured, and no samples."""
        return bool(self.results) and all(r.protocol.metric in OF_CLASSES for r in self.results)

    def __getitem__(self, metric: str) -> Result:
        """The result of a metric by name."""
        for result in self.results:
            if result.protocol.metric == metric:
                return result
        raise KeyError(metric)


def titles(results: Sequence[Result]) -> list[str]:
    """What results are called: the metric, and of several of it the settings in which they differ, as they are given:
    "precision-recall:k=5".
    """
    found = []
    for result in results:
        metric, own = result.protocol.metric, result.protocol.settings
        others = [other.protocol.settings for other in results if other.protocol.metric == metric]
        differ = [name for name in own if any(other.get(name) != own[name] for other in others)]
        found.append(":".join(filter(None, (metric, ",".join(f"{name}={as_given(own[name])}" for name in differ)))))
    return found


def as_given(value: Plain) -> str:
    """A setting as `find` reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def evaluation(
    target: Target, against: str, results: Sequence[Result], references: Mapping[str, str], notes: Sequence[str] = ()
) -> Evaluation:
    """That of now, by the versions at hand."""
    return Evaluation(
        format=FORMAT,
        target=target,
        against=against,
        references=dict(references),
        results=tuple(results),
        notes=tuple(notes),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write(evaluation: Evaluation, path: Path) -> None:
    """Write a file, whole or not at all."""
    write_atomic(path, _adapter().dump_json(evaluation, indent=2) + b"\n")


def read(path: Path) -> Evaluation:
    """An evaluation from its file or run directory; `ZerosumError` where it is missing, damaged or too new."""
    file = path / FILE if path.is_dir() else path
    try:
        content = read_bytes(file)
    except FileNotFoundError:
        raise ZerosumError(f"there is no evaluation {file}; make it with `zerosum evaluate`") from None
    except OSError as error:
        raise ZerosumError(f"cannot read {file}: {error.strerror}; give the JSON file of an evaluation") from None
    try:
        fields = formats.upgrade(from_json(content), MIGRATIONS)
        return _adapter().validate_python({"format": FORMAT, **fields})
    except formats.NewerFormatError as error:
        raise ZerosumError(f"{file} {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        problem = f"{where + ': ' if where else ''}{first['msg']}"
    except ValueError as error:  # no JSON, or no format number
        problem = str(error)
    raise ZerosumError(f"{file} is damaged, or no evaluation: {problem}; make it again with `zerosum evaluate`")


def _adapter() -> TypeAdapter[Evaluation]:
    classes: tuple[Any, ...] = (Protocol, Score, Result, Target, Evaluation)
    for cls in classes:
        # pydantic takes no other word for dataclasses
        cls.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
    return TypeAdapter(Evaluation)
