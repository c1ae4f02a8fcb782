"""All metrics by name."""

from __future__ import annotations

from zerosum.errors import ZerosumError, unknown
from zerosum.evaluation.pairs import Paired, Psnr, Ssim
from zerosum.metrics.by_features import (
    DensityCoverage,
    Frechet,
    InceptionScore,
    Kernel,
    Memorization,
    PrecisionRecall,
    TwoSample,
)
from zerosum.metrics.by_run import Discriminator, PathLength
from zerosum.metrics.by_samples import Modes, MsSsim, NearestDistance, Parzen, Tstr
from zerosum.metrics.metric import Metric
from zerosum.options import parse

METRICS: dict[str, Metric | Paired] = {
    metric.name: metric
    for metric in (
        Frechet(),
        Kernel(),
        InceptionScore(),
        PrecisionRecall(),
        DensityCoverage(),
        MsSsim(),
        Modes(),
        TwoSample(),
        Memorization(),
        Tstr(),
        Discriminator(),
        PathLength(),
        NearestDistance(),
        Parzen(),
        Psnr(),
        Ssim(),
    )
}


def find(name: str) -> Metric | Paired:
    """The metric called `name`; "precision-recall:k=5" gives it other settings, several separated by commas.

    Raises:
        ZerosumError: there is none of that name, or a setting that it does not have or that is out of range.
    """
    known, _, settings = name.partition(":")
    if known not in METRICS:
        raise ZerosumError(unknown("metric", known, METRICS))
    values = {}
    for setting in settings.split(",") if settings else []:
        option, equals, value = setting.partition("=")
        if not equals:
            raise ZerosumError(f"cannot read {name!r}: write a metric's settings as {known}:NAME=VALUE,NAME=VALUE")
        values[option] = value
    try:
        return parse(METRICS[known], values)
    except ZerosumError as error:
        raise ZerosumError(f"{known}: {error}") from None
