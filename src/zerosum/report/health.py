"""What `health.jsonl` tells a report: the verdict, its evidence, what to try, and the signs over time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from zerosum.health.verdicts import Event, History, Verdict, diagnose
from zerosum.report import health_timeline
from zerosum.report.html import columns, key, listed
from zerosum.report.svg import short

TYPED = re.compile(  # what an advice says to type: flags with their values, and commands
    r"--[a-z]\w*(?:[.-]\w+)*(?: (?:\d+(?:\.\d+)?|linear|\w+(?= \d)))*"
    r"|zerosum (?:data check|[a-z]+)(?: [\w.-]*[A-Z\d-][\w.-]*)*"
)


@dataclass(frozen=True)
class Health:
    """What is known of a run's health."""

    history: History
    verdict: Verdict


def read(run: Path, steps: int) -> Health | None:
    """From health.jsonl; None where it is missing, damaged, or holds nothing."""
    try:
        history = History.read(run / "health.jsonl", steps)
    except OSError:
        return None
    return Health(history, diagnose(history)) if history.looks or history.events else None


def missing(run: Path) -> str:
    """Why there is no verdict."""
    if not (run / "health.jsonl").exists():
        return "health.jsonl is not there: without it there is no verdict. A run trained with --no-health has none."
    return "health.jsonl is empty or damaged: there is no verdict."


def sentence(health: Health) -> str:
    """`Verdict: Mode collapse since round 900. The fakes cover ...`"""
    name, since, what = _parts(health.verdict)
    return f"Verdict: {name}{since}. {what}"


def section(health: Health, place: str) -> str:
    """The verdict first; then evidence, advice, the timeline and what happened. `place` is the run in commands."""
    verdict = health.verdict
    name, since, what = _parts(verdict)
    tone = {"healthy": "good", "under-trained": "unsure"}.get(verdict.name, "bad")
    said = f'<div class="verdict {tone}"><strong>{escape(name)}</strong>{escape(since)}<p>{escape(what)}</p></div>'
    parts = [f"<h2>Health</h2>\n{said}", _evidence(verdict), _advice(verdict, place)]
    parts.append('<h3>The signs over rounds</h3>\n<div class="signs">' + "".join(_drawings(health)) + "</div>")
    parts.append(_events(health.history.events))
    return "\n".join(part for part in parts if part)


def _parts(verdict: Verdict) -> tuple[str, str, str]:
    """Its name, since when, and what it means."""
    _, colon, what = verdict.sentence.partition(": ")
    what = what if colon else verdict.sentence
    since = f" since round {verdict.since:,}" if verdict.since and verdict.name != "under-trained" else ""
    return verdict.name.capitalize(), since, what[:1].upper() + what[1:]


def _evidence(verdict: Verdict) -> str:
    heads = ("sign", "value", "threshold", "since round", "what it is")
    return columns(
        heads,
        (
            (
                f"<b>{escape(seen.sign.replace('_', ' '))}</b>",
                short(seen.value),
                escape(f"{'above' if seen.condition.relation == '>' else 'below'} {short(seen.threshold)}"),
                f"{seen.since:,}",
                f'<span class="muted">{escape(seen.meaning)}</span>',
            )
            for seen in verdict.evidence
        ),
    )


def _advice(verdict: Verdict, place: str) -> str:
    def typed(found: re.Match[str]) -> str:
        return f"<code>{found[0].replace('RUN', escape(place))}</code>"

    lines = listed((TYPED.sub(typed, escape(line, quote=False)) for line in verdict.advice), "advice")
    return f"<h3>What to try</h3>\n{lines}" if lines else ""


def _drawings(health: Health) -> Iterator[str]:
    for drawing in health_timeline.drawings(health.history, health.verdict):
        keys = "".join(key(*parts) for parts in drawing.keys)
        unit = f"<small>{escape(drawing.unit)}</small>" if drawing.unit else ""
        head = f"<strong>{escape(drawing.title)}</strong>{unit}{keys}"
        yield f"<figure><figcaption>{head}</figcaption>{drawing.svg}</figure>"


def _events(events: list[Event]) -> str:
    lines = [f"Round {event.step:,}: {escape(event.event)}: {escape(event.detail)}" for event in events]
    return f"<h3>What happened</h3>\n{listed(lines, 'events')}" if lines else ""
