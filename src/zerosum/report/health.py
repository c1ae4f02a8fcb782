"""The health of a run in its report: the verdict, its evidence, what to try, and the signals over time."""

from __future__ import annotations

from html import escape

from zerosum.health.verdicts import OPEN, Verdict
from zerosum.report import health_timeline
from zerosum.report.html import bullets, columns, key, prose
from zerosum.report.run_files import RunFiles
from zerosum.report.svg import short


def sentence(verdict: Verdict) -> str:
    """`Verdict: Mode collapse since step 900. The fakes cover ...`"""
    name, since, what = _parts(verdict)
    return f"Verdict: {name}{since}. {what}"


def section(files: RunFiles) -> str:
    """The verdict first; then evidence, advice, the timeline and the events."""
    verdict, history = files.verdict, files.history
    if not verdict or not history:
        return ""
    name, since, what = _parts(verdict)
    tone = "good" if verdict.name == "healthy" else "unsure" if verdict.name in OPEN else "bad"
    head = f'<div class="verdict {tone}"><strong>{escape(name)}</strong>{escape(since)}<p>{escape(what)}</p></div>'
    parts = [f"<h2>Health</h2>\n{head}", _evidence(verdict), _advice(verdict, files)]
    drawings = "".join(map(_figure, health_timeline.drawings(history, verdict)))
    parts.append(f'<h3>Signals over steps</h3>\n<div class="signs">{drawings}</div>')
    events = [f"Step {event.step:,}: {escape(event.event)}: {escape(event.detail)}" for event in history.events]
    parts.append(f"<h3>Events</h3>\n{bullets(events, 'events')}" if events else "")
    return "\n".join(part for part in parts if part)


def _parts(verdict: Verdict) -> tuple[str, str, str]:
    """Its name, with that of the player where several could be meant, since when, and what it means."""
    _, colon, what = verdict.sentence.partition(": ")
    what = what if colon else verdict.sentence
    since = f" since step {verdict.since:,}" if verdict.since and verdict.name not in OPEN else ""
    name = " ".join((verdict.name.capitalize(), *(f"({player})" for player in verdict.players)))
    return name, since, what[:1].upper() + what[1:]


def _evidence(verdict: Verdict) -> str:
    rows = [
        (
            f"<b>{escape(seen.label.replace('_', ' '))}</b>",
            short(seen.value),
            f"{'above' if seen.criterion.relation == '>' else 'below'} {short(seen.threshold)}",
            f"{seen.since:,}",
            f'<span class="muted">{escape(seen.meaning)}</span>',
        )
        for seen in verdict.evidence
    ]
    return columns(("signal", "value", "threshold", "since step", "meaning"), rows)


def _advice(verdict: Verdict, files: RunFiles) -> str:
    """What to try, commands as code."""
    lines = bullets((prose(files.advice(line)) for line in verdict.advice), "advice")
    return f"<h3>What to try</h3>\n{lines}" if lines else ""


def _figure(drawing: health_timeline.Drawing) -> str:
    keys = "".join(key(*parts) for parts in drawing.keys)
    unit = f"<small>{escape(drawing.unit)}</small>" if drawing.unit else ""
    head = f"<strong>{escape(drawing.title)}</strong>{unit}{keys}"
    return f"<figure><figcaption>{head}</figcaption>{drawing.svg}</figure>"
