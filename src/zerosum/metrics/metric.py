"""What a metric is, to an evaluation: settings, what it needs, when it fits, and the figures it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from zerosum.data.dataset import Dataset
from zerosum.data.points.mixture import Mixture
from zerosum.evaluation.protocol import Figure
from zerosum.metrics.samples import Samples, of_dataset
from zerosum.run.loaded import Run

Need = Literal["moments", "features", "samples", "little"]


@dataclass(frozen=True)
class Bench:
    """What there is to measure on."""

    real: Samples  # of the reference
    fake: Samples  # what is judged
    seed: int
    device: str
    classes: tuple[str, ...]  # names of the fakes' labels
    data: Dataset  # all of the reference
    training: Samples | None  # all of the training data of what is judged, where the reference is it
    test: Dataset | None  # the published test part of the reference
    mixture: Mixture | None  # the reference's density, where it is known
    run: Run | None  # what made the fakes

    @property
    def fewest(self) -> int:
        """Samples of the smaller side."""
        return min(self.real.count, self.fake.count)

    def beside(self, data: Dataset) -> Samples:
        """Further real samples, with features of the same kind."""
        return of_dataset(data, self.real.extractor, progress=self.real.progress)


class Metric(ABC):
    """A metric with its settings: a frozen dataclass whose fields are the settings."""

    name: ClassVar[str]
    needs: ClassVar[Need]  # what it reads of all samples; a metric that needs little reads it itself
    by_default: ClassVar[bool] = True  # whether it is measured unasked, where it fits
    anchored: ClassVar[bool] = True  # whether real data and noise can stand in the fakes' place

    def unfit(self, bench: Bench) -> str:
        """Why it cannot be measured here; "" where it can."""
        return ""

    def adapted(self, bench: Bench) -> Metric:
        """Itself, with settings that so few samples allow."""
        return self

    def uses_features(self, bench: Bench) -> bool:
        """Whether the extractor belongs into the stamp."""
        return self.needs in ("moments", "features")

    def held_out(self, bench: Bench) -> str:
        """Which real data it needs beside the reference, for the stamp."""
        return ""

    def warnings(self, bench: Bench) -> list[str]:
        """What makes the result doubtful, with the cure."""
        return []

    @abstractmethod
    def measure(self, bench: Bench) -> dict[str, Figure]:
        """The figures by name, the most telling first. ValueError where samples are unfit."""


def too_few(bench: Bench, enough: int, why: str) -> list[str]:
    """A warning where a side has fewer than `enough` samples."""
    if bench.fewest >= enough:
        return []
    return [f"{bench.real.count:,} real and {bench.fake.count:,} fake samples are few: {why}; use {enough:,} of each"]
