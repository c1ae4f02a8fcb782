"""Where a score stands beside those of real data and of noise: a value that beats real data is no merit."""

from __future__ import annotations

from zerosum.metrics.score import Score, Standing


def standing(score: Score) -> Standing:
    """What a reader must know before a score is called good; "" where it lies between noise and real data.

    "better than real data" where the whole interval is, "no better than noise" where not the whole interval is better,
    "noise wins" where noise scores better than real data does, so that the score says nothing alone. A score without
    an interval is taken as it is; one of no direction has no standing. What the evaluation found goes first.
    """
    return beside(score, score.references) if score.standing is None else score.standing


def beside(score: Score, references: dict[str, float]) -> Standing:
    """The standing of a score beside the same score of "real" data and of "noise", either of which may be missing."""
    if score.better == "none":
        return ""
    sign = 1 if score.better == "higher" else -1
    worst = min(sign * end for end in score.interval or (score.value,))
    real, noise = (None if (x := references.get(name)) is None else sign * x for name in ("real", "noise"))
    if real is not None and noise is not None and noise > real:
        return "noise wins"
    if real is not None and worst > real:
        return "better than real data"
    if noise is not None and worst <= noise and (real is None or noise < real):
        return "no better than noise"
    return ""


def remark(name: str, score: Score) -> str:
    """The standing as a sentence; "" where there is nothing to say."""
    real, noise = (f"{score.references[key]:.4g}" if key in score.references else "" for key in ("real", "noise"))
    if (what := standing(score)) == "better than real data":
        of_all = beside(score, score.references) == what  # and not of as few of them as there are real ones
        which = f"{name} {score.value:.4g}" if of_all else f"{name}, of as many samples as there are real ones,"
        return (
            f"{which} is better than real data's {real}, which is no merit: samples that crowd where data is dense, or "
            "copy it, score so"
        )
    if what == "no better than noise":
        return f"{name} {score.value:.4g} is no better than noise's {noise}"
    if what == "noise wins":
        return f"noise has a better {name}, {noise}, than real data, {real}: it says nothing alone"
    return ""
