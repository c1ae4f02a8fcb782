"""The data of a report, and the environment: what the run was trained on, and with."""

from __future__ import annotations

from html import escape
from typing import Any

from zerosum.report.html import plain, sides, table
from zerosum.report.run_files import RunFiles

CLASSES, PROBLEMS = 60, 200  # shown at most
ROWS = {
    "name": "name",
    "count": "samples",
    "labels": "labels kept",
    "shape": "sample shape",
    "fingerprint": "fingerprint",
}


def section(files: RunFiles) -> str:
    data = files.part("data")
    known = {key: data[key] for key in ROWS if data.get(key) is not None}
    lines = [(ROWS[key], escape(sides(value) if key == "shape" else plain(value))) for key, value in known.items()]
    if classes := _strings(data.get("classes")):
        counts = _counts(data.get("counts"), len(classes))
        chips = "".join(
            f'<span class="chip">{escape(name)}{f" <small>{counts[i]:,}</small>" if counts else ""}</span>'
            for i, name in enumerate(classes[:CLASSES])
        )
        more = f" and {len(classes) - CLASSES:,} more" if len(classes) > CLASSES else ""
        rest = data["count"] - sum(counts) if counts and isinstance(data.get("count"), int) else 0
        unlabelled = f"<small>{rest:,} samples without a label</small>" if rest > 0 else ""
        lines.append((f"{len(classes):,} classes", chips + more + unlabelled))
    if problems := _strings(data.get("problems")):
        items = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:PROBLEMS])
        lines.append(("skipped", f"<details><summary>{len(problems):,} files</summary><ul>{items}</ul></details>"))
    return f"<h2>Data</h2>\n{table(lines)}" if lines else ""


def environment(files: RunFiles) -> str:
    """Device, precision, time and versions."""
    facts = {name: files.record[name] for name in ("device", "precision", "created") if name in files.record}
    lines = [(escape(name), escape(plain(value))) for name, value in {**facts, **files.part("versions")}.items()]
    return f"<h2>Environment</h2>\n{table(lines)}" if lines else ""


def _counts(counts: Any, classes: int) -> list[int]:
    """Labelled samples of each class; [] where that is unknown."""
    known = isinstance(counts, list) and len(counts) == classes and all(isinstance(count, int) for count in counts)
    return counts if known else []


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
