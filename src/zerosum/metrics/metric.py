"""What a metric is, to an evaluation: settings, what it needs, when it can be measured, and the scores it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.metrics.score import Better, Score
from zerosum.metrics.statistics import kurtosis
from zerosum.modality import Modality

if TYPE_CHECKING:  # a metric's function takes plain tensors and waits for none of these
    from zerosum.data.dataset import Dataset
    from zerosum.data.points.mixture import Mixture
    from zerosum.metrics.samples import Samples
    from zerosum.run.loaded import Run

HEAVY = 30.0  # kurtosis above which too few intervals of distances hold; see docs/metrics.md
Need = Literal["moments", "features", "samples", "none"]


@dataclass(frozen=True)
class Context:
    """What a metric is measured on."""

    real: Samples  # of the reference data
    fake: Samples
    seed: int
    device: str
    classes: tuple[str, ...]  # names of the fakes' labels
    data: Dataset  # all of the reference data
    training: Samples | None  # all training data of the generator, where it is the reference data
    test: Dataset | None  # the published test part of the reference data
    mixture: Mixture | None  # the density of the reference data, where it is known
    run: Run | None  # of the fakes
    data_dir: Path | None = None  # where the reference data was looked for first
    twins: int = 0  # real samples that repeat another, and are left out
    truncation: float | None = None  # that the fakes were drawn with

    @property
    def fewest(self) -> int:
        """Samples of the smaller side."""
        return min(self.real.count, self.fake.count)


class NotMeasurable(ZerosumError):
    """What a metric needs is missing, which only measuring has shown; where it was not named it is left out."""


class Metric(ABC):
    """A metric with its settings: a frozen dataclass whose fields are the settings."""

    name: ClassVar[str]
    needs: ClassVar[Need]  # what it reads of all samples; with "none" it draws its own, or a few
    by_default: ClassVar[bool] = True  # whether it is measured where no metrics are named and it can be
    kind: ClassVar[type[Modality]] = Modality  # of samples that it can measure
    has_references: ClassVar[bool] = True  # whether real data and noise can take the place of the fakes
    needs_distinct: ClassVar[bool] = True  # whether real samples that repeat another would falsify it
    truncates: ClassVar[bool] = True  # whether its fakes are drawn with the context's truncation
    draws: ClassVar[str] = ""  # the setting that says how much it draws itself, whatever was drawn already

    def unavailable(self, context: Context) -> str:
        """Why it cannot be measured here; "" where it can."""
        if not isinstance(context.fake.modality, self.kind):
            return f"it is for {self.kind.plural}"
        return self.why_not(context)

    def why_not(self, context: Context) -> str:
        """Why it cannot be measured on samples of its kind; "" where it can."""
        return ""

    def adapt(self, context: Context) -> Metric:
        """Itself, with settings that so few samples allow."""
        return self

    def uses_features(self, context: Context) -> bool:
        """Whether the result depends on the extractor, which then is part of the protocol."""
        return self.needs in ("moments", "features")

    def fakes(self, context: Context) -> int:
        """How many it measures: those that were drawn, but where it draws others, or none."""
        return int(getattr(self, self.draws)) if self.draws else context.fake.count

    def each(self, context: Context) -> int:
        """Bytes that one of what it draws itself takes, at least."""
        return 0

    def held_out(self, context: Context) -> str:
        """Which further real data it compares with, for the protocol."""
        return ""

    def warnings(self, context: Context) -> list[str]:
        """What makes the result doubtful, with the cure."""
        return []

    @abstractmethod
    def measure(self, context: Context) -> dict[str, Score]:
        """The scores by name, the most important first. ValueError where samples do not allow it."""


@dataclass(frozen=True)
class PairMetric(ABC):
    """A metric of an image and its reference image; its fields are its settings."""

    luma: Annotated[bool, "compare the Y channel of BT.601 alone, as papers on super-resolution do"] = False
    border: Annotated[int, Ge(0), "pixels to cut off at each side first"] = 0

    name: ClassVar[str]
    better: ClassVar[Better] = "higher"
    no_interval: ClassVar[str] = ""  # why its mean has none
    smallest: ClassVar[int] = 1  # pixels that a side needs

    @abstractmethod
    def measure(self, image: Tensor, reference: Tensor) -> float:
        """Of two images (1, C, H, W) in [-1, 1]. ValueError where their shapes do not allow it."""


def too_few(context: Context, enough: int, why: str) -> list[str]:
    """A warning where a side has fewer than `enough` samples."""
    if context.fewest >= enough:
        return []
    counts = f"{context.real.count:,} real and {context.fake.count:,} fake samples"
    return [f"{counts} are few: {why}; use {enough:,} of each"]


def too_heavy(variances: Tensor, rows: float) -> list[str]:
    """A warning where outliers, which few samples show, move a distance by more than its interval says.

    Args:
        variances: of the features of equal groups of fakes, (groups, F).
        rows: of a group.
    """
    if (found := kurtosis(variances, rows)) <= HEAVY:
        return []
    return [
        f"the samples' features have heavy tails, a kurtosis of about {found:.0f} where Gaussian ones have 3: the "
        "interval may be too narrow; read precision-recall beside it, which outliers move less"
    ]
