"""`report.html`: a run directory as one page that opens anywhere, offline, and needs no other file.

It is written from files alone, so a run that was killed, or is still in progress, has a report that says what is
missing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from zerosum.report import commands, curve_charts, data, header, health, metrics, notes, pictures, settings
from zerosum.report.run_files import RunFiles
from zerosum.util.files import write_atomic
from zerosum.util.text import encodable

SECTIONS: tuple[Callable[[RunFiles], str], ...] = (  # each is HTML, or "" where there is nothing to show
    health.section,
    notes.section,
    pictures.samples,
    pictures.codes,
    pictures.neighbours_and_walks,
    pictures.progress,
    metrics.section,
    curve_charts.section,
    commands.section,
    settings.section,
    data.section,
    data.environment,
)


def write(run: Path) -> Path:
    """Write `run/report.html` from the files of a run directory, and return its path.

    Any of run.json, metrics.jsonl, health.jsonl, evaluation.json, samples/ and the pictures may be missing or damaged.
    """
    files = RunFiles(run)
    page = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(" on ".join(files.title)),
        header=header.section(files),
        body="\n".join(section(files) for section in SECTIONS),
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {escape(files.path)}",
    )
    path = run / "report.html"
    write_atomic(path, encodable(page).encode())
    return path


def summary(run: Path) -> str:
    """The run in a few sentences: steps, time, device, batch size, seed, D's logits, and the health verdict."""
    files = RunFiles(run)
    facts = header.facts(files)
    return f"{facts} {health.sentence(files.verdict)}" if files.verdict else facts
