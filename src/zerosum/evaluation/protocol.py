"""Results that say how they were measured: the stamp, the numbers, the file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from zerosum.errors import ZerosumError
from zerosum.util.files import write_atomic

FORMAT = 1
FILE = "evaluation.json"  # in a run directory

Plain = bool | int | float | str | None
Better = Literal["lower", "higher", "none"]


@dataclass(frozen=True)
class Protocol:
    """The stamp: all that a number depends on beside the samples. Results may be compared where stamps are equal."""

    metric: str
    settings: dict[str, Plain]
    extractor: str  # what samples were compared by; "" where a metric needs none
    identity: str  # of the extractor's weights, 16 hex digits; "" where there are none
    resizing: str  # of images before the extractor
    precision: str  # of samples and features
    real: int  # samples of the reference
    fake: int  # samples that were judged
    shape: tuple[int, ...]  # of one sample; () where they differ
    reference: str  # fingerprint of the data compared with
    held_out: str  # where a metric needs real data beside the reference: which
    seed: int
    truncation: float | None  # of z, in standard deviations

    def differences(self, other: Protocol) -> dict[str, tuple[Any, Any]]:
        """Every field in which two stamps differ, with both values; settings one by one."""
        ours, theirs = _flat(asdict(self)), _flat(asdict(other))
        names = list(dict.fromkeys([*ours, *theirs]))
        return {n: (ours.get(n), theirs.get(n)) for n in names if ours.get(n) != theirs.get(n)}


@dataclass(frozen=True)
class Figure:
    """One number."""

    value: float
    better: Better = "none"
    interval: tuple[float, float] | None = None  # 95 %
    note: str = ""  # how the interval was made, or why there is none
    anchors: dict[str, float] = field(default_factory=dict)  # the same number for "real" data, for "noise"


@dataclass(frozen=True)
class Result:
    """What one metric said: its figures by name, the most telling first."""

    protocol: Protocol
    figures: dict[str, Figure]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def value(self) -> float:
        """The first figure's."""
        return next(iter(self.figures.values())).value


@dataclass(frozen=True)
class Target:
    """What was evaluated."""

    kind: Literal["run", "folder", "file"]
    path: str  # absolute
    recipe: str = ""
    step: int | None = None  # rounds that the evaluated checkpoint had played
    averaged: bool | None = None  # whether averaged weights made the samples
    fingerprint: str = ""  # of a folder's or file's samples


@dataclass(frozen=True)
class Evaluation:
    """`evaluation.json`: all that one evaluation found."""

    format: int
    target: Target
    reference: str  # name of the data compared with
    anchors: dict[str, str]  # what stood for "real" and for "noise"
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    versions: dict[str, str]
    created: str  # ISO 8601, UTC

    def __getitem__(self, metric: str) -> Result:
        """The result of a metric by name."""
        for result in self.results:
            if result.protocol.metric == metric:
                return result
        raise KeyError(metric)


def write(evaluation: Evaluation, path: Path) -> None:
    """Write a file, whole or not at all."""
    write_atomic(path, _adapter().dump_json(evaluation, indent=2) + b"\n")


def read(path: Path) -> Evaluation:
    """An evaluation from its file, or from the run directory it lies in.

    Raises:
        ZerosumError: there is none, or it is damaged.
    """
    file = path / FILE if path.is_dir() else path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ZerosumError(f"there is no evaluation {file}; make it with `zerosum evaluate`") from None
    except OSError as error:
        raise ZerosumError(f"cannot read {file}: {error.strerror}; give the JSON file of an evaluation") from None
    try:
        found = _adapter().validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ZerosumError(
            f"{file} is damaged, or no evaluation: {where + ': ' if where else ''}{first['msg']}; "
            "make it again with `zerosum evaluate`"
        ) from None
    if found.format != FORMAT:
        raise ZerosumError(f"{file} has format {found.format}, this zerosum reads {FORMAT}; evaluate again")
    return found


def _adapter() -> TypeAdapter[Evaluation]:
    classes: tuple[Any, ...] = (Protocol, Figure, Result, Target, Evaluation)
    for cls in classes:
        # pydantic takes no other word for dataclasses
        cls.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
    return TypeAdapter(Evaluation)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
