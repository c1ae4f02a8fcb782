"""The scores of a report: each with its interval, its reference scores and its protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path

from zerosum.evaluation.protocol import Evaluation, Result, titles
from zerosum.metrics import METRICS
from zerosum.metrics.score import Score
from zerosum.report.html import bullets, columns, command, plain, table
from zerosum.report.run_files import RunFiles
from zerosum.report.svg import short

ARROWS = {"lower": "\u2193", "higher": "\u2191", "none": ""}
DECADE, FARTHEST = 10.0, 1000.0  # distances whose reference scores are further apart go on a log scale, of this at most


def section(files: RunFiles) -> str:
    """The scores as a table, or the command that measures them."""
    again, evaluation = files.command("evaluate"), files.evaluation
    if not files.record or (files.translates and not evaluation):  # what translators make is not measured
        return ""
    if evaluation is None:
        return f"<h2>Metrics</h2>\n{command('Not measured yet', again)}"
    return f"<h2>Metrics</h2>\n{scores(evaluation, files.step)}\n{command('Measure again', again)}"


def scores(evaluation: Evaluation, now: int) -> str:
    """What was measured, the warnings, the table, the protocol; `now` is the last step of the run."""
    references = ("noise", "noise to real", "real") if evaluation.references else ()
    heads = ("metric", "score", "value", "95 % interval", *references)
    titled = zip(titles(evaluation.results), evaluation.results, strict=True)
    rows = [row[: len(heads)] for title, result in titled for row in _rows(title, result)]
    about = f'<p class="muted">{escape(_about(evaluation))}</p>'
    warnings = bullets(map(escape, _warnings(evaluation, now)), "note")
    return "\n".join(filter(None, (about, warnings, columns(heads, rows), _protocol(evaluation))))


def _about(evaluation: Evaluation) -> str:
    """What was measured, against what, and how to read the table."""
    target, references = evaluation.target, evaluation.references
    which = "averaged weights" if target.averaged else "last weights"
    what = "Classes" if evaluation.is_of_classes else "Samples"
    samples = f"{what} of the {which} of step {target.step:,}" if target.step is not None else "Samples"
    how_many = "two reference scores" if len(references) > 1 else "a reference score"
    named = f" and {how_many}: {'; '.join(f'{name} is {what}' for name, what in references.items())}"
    logs = any(_is_log(score) for result in evaluation.results for score in result.scores.values())
    return (
        f"{samples}, compared with {Path(evaluation.against).name} on {evaluation.created[:10]}. "
        f"Each score comes with a 95 % confidence interval{named if references else ''}. "
        f"{ARROWS['lower']} lower is better, {ARROWS['higher']} higher is better"
        f"{'; bars of distances are on a log scale' if logs else ''}."
    )


def _warnings(evaluation: Evaluation, now: int) -> Iterator[str]:
    step = evaluation.target.step
    if step is not None and step < now:
        yield f"Measured at step {step:,}, but the run is now at step {now:,}: measure again."
    yield from evaluation.notes
    for title, result in zip(titles(evaluation.results), evaluation.results, strict=True):
        yield from (f"{title}: {warning}" for warning in result.warnings)


def _rows(title: str, result: Result) -> Iterator[tuple[str, ...]]:
    metric = f"<b>{escape(title)}</b>"
    for name, score in result.scores.items():
        span = " to ".join(map(_number, score.interval or ()))
        references = {reference: _number(value) for reference, value in score.references.items()}
        yield (
            metric,
            f"{escape(name)} {ARROWS[score.better]}",
            f"<b>{_number(score.value)}</b>",
            f'<span title="{escape(score.note, quote=True)}">{span}</span>' if span else "",
            references.get("noise", ""),
            _scale(score),
            references.get("real", ""),
        )
        metric = ""


def _scale(score: Score) -> str:
    """A bar: where a value lies between noise, on the left, and real data, on the right; "" without a meaning."""
    place = _placing(score)
    if place is None:
        return ""
    low, at, high = place
    words = f"{at:.0%} of the way from noise to real data{' on a log scale' if _is_log(score) else ''}"
    bar = f'<i style="left:{low:.0%};width:{high - low:.0%}"></i>' if high > low else ""
    point = f'<b style="left:{at:.0%}"></b>'
    return f'<div class="scale" role="img" aria-label="{words}" title="{words}">{bar}{point}</div>'


def _placing(score: Score) -> tuple[float, float, float] | None:
    """The interval's worse end, the value and the better end, each in [0, 1] from noise to real data."""
    noise, real = score.references.get("noise", math.nan), score.references.get("real", math.nan)
    values = [score.value, *(score.interval or ())]
    if not all(map(math.isfinite, (noise, real, *values))) or noise == real:
        return None
    if score.better == "none" or (real > noise) != (score.better == "higher"):
        return None
    if _is_log(score):
        floor = max(real, noise / FARTHEST)  # an unbiased distance of equals may fall to 0 and below
        noise, real, *values = (math.log(max(x, floor)) for x in (noise, floor, *values))
    places = [min(max((x - noise) / (real - noise), 0.0), 1.0) for x in values]
    return min(places), places[0], max(places)


def _is_log(score: Score) -> bool:
    """Whether it is a distance for which noise scores an order of magnitude above real data."""
    noise, real = score.references.get("noise", math.nan), score.references.get("real", math.nan)
    return score.better == "lower" and noise > 0 and noise > DECADE * real


def _protocol(evaluation: Evaluation) -> str:
    """The protocols, folded: what all results share once, the rest by metric."""
    stamps = [_stamp(result) for result in evaluation.results]
    if not stamps:
        return ""
    shared = [(name, value) for name, value in stamps[0].items() if all(stamp.get(name) == value for stamp in stamps)]
    rows = [(_words(name), escape(value)) for name, value in shared]
    for result, stamp in zip(evaluation.results, stamps, strict=True):
        known = METRICS.get(result.protocol.metric)
        about = (known.__doc__ or "").partition("\n")[0] if known else ""
        own = [(name, value) for name, value in stamp.items() if (name, value) not in shared]
        chips = "".join(f'<span class="chip">{_words(name)}: {escape(value)}</span>' for name, value in own)
        rows.append((f"<b>{escape(result.protocol.metric)}</b>", f"{escape(about)}<div>{chips}</div>"))
    rows += [(escape(name), escape(version)) for name, version in evaluation.versions.items()]
    return f"<details><summary>How it was measured</summary>{table(rows)}</details>"


def _stamp(result: Result) -> dict[str, str]:
    """The protocol's fields in words; those that do not apply are left out."""
    stamp = asdict(result.protocol)
    settings = stamp.pop("settings")
    stamp |= {"metric": "", "shape": " \u00d7 ".join(map(str, stamp["shape"]))}
    return {name: plain(value) for name, value in (stamp | settings).items() if value != ""}


def _words(name: str) -> str:
    known = {"real": "real samples", "fake": "fakes", "identity": "the extractor's weights", "reference": "fingerprint"}
    return escape(known.get(name, name.replace("_", " ")))


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1e-3 else short(value)
