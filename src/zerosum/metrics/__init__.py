"""Numbers that say how good samples are: one file a metric, with its function on tensors and its `Metric` class."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from zerosum.errors import ZerosumError

if TYPE_CHECKING:
    from zerosum.metrics.metric import Metric, PairMetric

_CLASSES = {
    "attack-success": "attack_success.AttackSuccess",
    "frechet": "frechet.Frechet",
    "kernel": "kernel.Kernel",
    "inception-score": "inception_score.InceptionScore",
    "precision-recall": "manifold.PrecisionRecall",
    "density-coverage": "manifold.DensityCoverage",
    "ms-ssim": "structural.MsSsim",
    "modes": "modes.Modes",
    "pitch": "pitch.Pitch",
    "two-sample": "two_sample.TwoSample",
    "memorization": "memorization.Memorization",
    "tstr": "tstr.Tstr",
    "discriminator": "discrimination.DiscriminatorAccuracy",
    "path-length": "path_length.PathLength",
    "nearest-distance": "nearest_distance.NearestDistance",
    "parzen": "parzen.Parzen",
    "bleu": "bleu.Bleu",
    "self-bleu": "bleu.SelfBleu",
    "distinct-n": "distinct_n.DistinctN",
    "nll-test": "likelihood.NllTest",
    "nll-oracle": "likelihood.NllOracle",
    "grammar": "grammar.Grammatical",
    "music": "music.Music",
    "answers": "answers.ValidAnswers",
    "attributes": "attributes.Attributes",
    "matching": "matching.Matching",
    "psnr": "structural.Psnr",
    "ssim": "structural.Ssim",
    "gradient-energy": "structural.GradientEnergy",
}


class _Metrics(Mapping[str, "Metric | PairMetric"]):
    """Every metric by name, with its default settings; its file is imported when it is looked up."""

    def __getitem__(self, name: str) -> Metric | PairMetric:
        module, _, cls = _CLASSES[name].partition(".")
        metric: Metric | PairMetric = getattr(importlib.import_module(f"zerosum.metrics.{module}"), cls)()
        return metric

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


METRICS = _Metrics()


def __getattr__(name: str) -> ModuleType:
    """`zerosum.metrics.frechet` without an import statement of its own."""
    if any(path.startswith(f"{name}.") for path in _CLASSES.values()):
        return importlib.import_module(f"zerosum.metrics.{name}")
    raise AttributeError(f"module 'zerosum.metrics' has no attribute {name!r}")


def name_and_settings(name: str) -> tuple[str, dict[str, str]]:
    """The name of a metric, and what "precision-recall:k=5" sets, as written; `ZerosumError` if that cannot be read."""
    metric, _, given = name.partition(":")
    settings = {}
    for setting in given.split(",") if given else []:
        option, equals, value = setting.partition("=")
        if not equals:
            raise ZerosumError(f"cannot read {name!r}: write a metric's settings as {metric}:NAME=VALUE,NAME=VALUE")
        settings[option] = value
    return metric, settings


def find(name: str) -> Metric | PairMetric:
    """The metric called `name`; "precision-recall:k=5" gives it other settings, several separated by commas.

    `ZerosumError` where there is none of that name, or a setting that it does not have or that is out of range.
    """
    known, values = name_and_settings(name)
    if known not in METRICS:
        close = difflib.get_close_matches(known, METRICS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(METRICS)}"
        raise ZerosumError(f"there is no metric {known!r}; {hint}")
    if not values:
        return METRICS[known]
    from zerosum.options import parse  # for settings alone: a list of names does not wait for pydantic

    try:
        return parse(METRICS[known], values)
    except ZerosumError as error:
        raise ZerosumError(f"{known}: {error}") from None
