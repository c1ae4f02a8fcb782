"""What `evaluation.json` tells a report: scores with their intervals, reference scores and protocols."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path

from zerosum.errors import ZerosumError
from zerosum.evaluation import protocol
from zerosum.evaluation.protocol import Evaluation, Result
from zerosum.metrics import METRICS
from zerosum.metrics.score import Score
from zerosum.report.html import columns, command, listed, plain, table
from zerosum.report.svg import short

ARROWS = {"lower": "\u2193", "higher": "\u2191", "none": ""}
DECADE, FARTHEST = 10.0, 1000.0  # distances whose references are further apart go on a log scale, of this at most


def read(run: Path) -> tuple[Evaluation | None, str]:
    """The evaluation, and what is wrong with its file; None and "" where there is none."""
    if not (run / protocol.FILE).exists():
        return None, ""
    try:
        return protocol.read(run), ""
    except ZerosumError:
        return None, f"{protocol.FILE} is damaged, or of another version: measure again with `zerosum evaluate`."


def section(found: Evaluation | None, place: str, own: str, rounds: int) -> str:
    """The results as a table, or how to get them.

    Args:
        place: the run, as a command takes it.
        own: the flag for a recipe from outside the package, or "".
        rounds: that the run has played.
    """
    again = f"zerosum evaluate {place}{own}"
    if found is None:
        return f"<h2>Metrics</h2>\n{command('Not measured yet', again)}"
    heads = (
        "metric",
        "score",
        "value",
        "95 %",
        *(("noise", "noise to real", "real") if found.references else ()),
    )
    rows = [row[: len(heads)] for result in found.results for row in _rows(result)]
    parts = [
        f'<h2>Metrics</h2>\n<p class="muted">{escape(_about(found))}</p>',
        listed([escape(line) for line in _doubts(found, rounds)], "note"),
        columns(heads, rows),
        _protocol(found),
        command("Measure again", again),
    ]
    return "\n".join(part for part in parts if part)


def _about(found: Evaluation) -> str:
    """What was measured, against what."""
    target = found.target
    which = "averaged weights" if target.averaged else "last weights"
    when = f"The {which} of round {target.step:,}" if target.step is not None else "Samples"
    sentences = [f"{when} against {Path(found.against).name}, measured {found.created[:10]}"]
    sentences += [f"{name.capitalize()} is {what}" for name, what in found.references.items()]
    signs = f"{ARROWS['lower']} lower is better, {ARROWS['higher']} higher is better"
    logs = any(_is_log(score) for result in found.results for score in result.scores.values())
    return ". ".join([*sentences, signs + ("; bars of distances are on a log scale." if logs else ".")])


def _doubts(found: Evaluation, rounds: int) -> Iterator[str]:
    if found.target.step is not None and found.target.step < rounds:
        yield f"Measured in round {found.target.step:,}; the run has played {rounds:,} since: measure again."
    yield from found.notes
    for result in found.results:
        yield from (f"{result.protocol.metric}: {warning}" for warning in result.warnings)


def _rows(result: Result) -> Iterator[tuple[str, ...]]:
    metric = f"<b>{escape(result.protocol.metric)}</b>"
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
    """Where a value lies between noise, on the left, and real data, on the right; "" where that says nothing."""
    place = _placing(score)
    if place is None:
        return ""
    low, at, high = place
    said = f"{at:.0%} of the way from noise to real data{' on a log scale' if _is_log(score) else ''}"
    bar = f'<i style="left:{low:.0%};width:{high - low:.0%}"></i>' if high > low else ""
    return f'<div class="scale" role="img" aria-label="{said}" title="{said}">{bar}<b style="left:{at:.0%}"></b></div>'


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
    """Whether it is a distance to which noise is of another order than real data: what is better is not so in steps."""
    noise, real = score.references.get("noise", math.nan), score.references.get("real", math.nan)
    return score.better == "lower" and noise > 0 and noise > DECADE * real


def _protocol(found: Evaluation) -> str:
    """The stamps, folded: what all results share once, the rest by metric."""
    stamps = [_stamp(result) for result in found.results]
    if not stamps:
        return ""
    shared = [(name, said) for name, said in stamps[0].items() if all(s.get(name) == said for s in stamps)]
    rows = [(_words(name), escape(said)) for name, said in shared]
    for result, stamp in zip(found.results, stamps, strict=True):
        known = METRICS.get(result.protocol.metric)
        about = (known.__doc__ or "").partition("\n")[0] if known else ""
        own = [(name, said) for name, said in stamp.items() if (name, said) not in shared]
        chips = "".join(f'<span class="chip">{_words(name)}: {escape(said)}</span>' for name, said in own)
        rows.append((f"<b>{escape(result.protocol.metric)}</b>", f"{escape(about)}<div>{chips}</div>"))
    rows += [(escape(name), escape(version)) for name, version in found.versions.items()]
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
