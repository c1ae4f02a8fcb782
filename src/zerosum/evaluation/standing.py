"""Where a score stands beside those of real data and of noise: a value that beats real data is no merit."""

from __future__ import annotations

import math

from zerosum.metrics.intervals import Interval
from zerosum.metrics.score import Score, Standing


def standing(score: Score) -> Standing:
    """What a reader must know before a score is called good; "" where it lies between noise and real data.

    "better than real data" where it surely is, "no better than noise" where it is not surely better, "noise wins" where
    noise scores better than real data does, so that the score says nothing alone. Sure is a difference whose interval
    is above 0: half-widths in quadrature, since the reference score is of one draw, too. A score without an interval is
    taken as it is; one of no direction has no standing. What the evaluation found goes first.
    """
    return beside(score, score.references, score.reference_intervals) if score.standing is None else score.standing


def beside(score: Score, references: dict[str, float], intervals: dict[str, Interval] | None = None) -> Standing:
    """The standing of a score beside the same score of "real" data and of "noise", either of which may be missing.

    Args:
        intervals: those of the references, of which any may be missing.
    """
    if score.better == "none":
        return ""
    sign = 1 if score.better == "higher" else -1
    real, noise = (None if (x := references.get(name)) is None else sign * x for name in ("real", "noise"))
    surely = {name: _surely_better(score, x, (intervals or {}).get(name)) for name, x in references.items()}
    if real is not None and noise is not None and noise > real:
        return "noise wins"
    if real is not None and surely["real"]:
        return "better than real data"
    if noise is not None and not surely["noise"] and (real is None or noise < real):
        return "no better than noise"
    return ""


def _surely_better(score: Score, reference: float, interval: Interval | None) -> bool:
    """Whether the interval of the difference of two independent scores is on the better side of 0."""
    sign = 1 if score.better == "higher" else -1
    worst = min(sign * end for end in score.interval or (score.value,))
    best = max(sign * end for end in interval or (reference,))
    value, reference = sign * score.value, sign * reference
    return value - reference > math.hypot(value - worst, best - reference) if interval else worst > reference


def remark(name: str, score: Score) -> str:
    """The standing as a sentence; "" where there is nothing to say."""
    real, noise = (f"{score.references[key]:.4g}" if key in score.references else "" for key in ("real", "noise"))
    if (what := standing(score)) == "better than real data":
        # And not of as few of them as there are real ones.
        of_all = beside(score, score.references, score.reference_intervals) == what
        which = f"{name} {score.value:.4g}" if of_all else f"{name}, of as many samples as there are real ones,"
        return (
            f"{which} is better than real data's {real}, which is no merit: samples that crowd where data is dense, or "
            "copy it, score so"
        )
    if what == "no better than noise":
        if not _is_better(score, score.references["noise"]):
            return f"{name} {score.value:.4g} is no better than noise's {noise}"
        spans = {"the interval is": score.interval, "noise's": score.reference_intervals.get("noise")}
        said = ", ".join(f"{whose} {span[0]:.4g} to {span[1]:.4g}" for whose, span in spans.items() if span)
        return f"{name} {score.value:.4g} is not surely better than noise's {noise}: {said}"
    if what == "noise wins":
        return f"noise has a better {name}, {noise}, than real data, {real}: it says nothing alone"
    return ""


def _is_better(score: Score, than: float) -> bool:
    return score.value > than if score.better == "higher" else score.value < than
