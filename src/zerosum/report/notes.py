"""The notes of a report: what is missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from zerosum.evaluation import protocol
from zerosum.report.html import bullets
from zerosum.report.run_files import RunFiles
from zerosum.run.artifacts import ARTIFACTS, AT_END


def section(files: RunFiles) -> str:
    """A list of sentences, or "" where all is well."""
    return bullets(map(escape, _notes(files)), "note")


def _notes(files: RunFiles) -> Iterator[str]:
    run, log = files.run, files.log
    if not files.record:
        yield "run.json is missing or damaged: the settings, the data and the commands are unknown."
    if not log.curves:
        yield "metrics.jsonl is missing or empty: there are no curves."
    if not files.history and (run / "health.jsonl").exists():
        yield "health.jsonl is empty or damaged: there is no health verdict."
    elif not files.history:
        yield "health.jsonl is missing: there is no health verdict. A run trained with --no-health has none."
    if not files.pictures:
        yield "samples/ has no pictures yet."
    due = [artifact.path for artifact in ARTIFACTS if artifact.written.startswith(AT_END) and not artifact.optional]
    no_z = files.translates or files.predicts or files.classifies
    never = {"report.html", *(["interpolation.png"] if no_z else [])}  # this page; it takes a latent space
    for name in due:
        if name not in never and not (run / name).exists():
            yield f"{name} is missing; a run writes it when it ends."
    for name, step in log.not_finite.items():
        yield f"{name} was NaN or infinite at step {step:,}: training diverged."
    if log.skipped:
        yield f"Unreadable lines of metrics.jsonl, ignored: {log.skipped:,}; a run that is killed leaves one."
    if not files.evaluation and (run / protocol.FILE).exists():
        yield f"{protocol.FILE} is damaged, or of another version; measure again with `zerosum evaluate`."
