"""The data of a report, and the environment: what the run was trained on, and with."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from zerosum.modality import Classes, Lengths, Modality, Tokens, Vector
from zerosum.report.html import plain, table
from zerosum.report.run_files import RunFiles

CLASSES, PROBLEMS = 60, 200  # shown at most
ROWS = {"name": "name", "count": "samples", "labels": "labels kept"}


def section(files: RunFiles) -> str:
    data = files.part("data")
    known = {key: data[key] for key in ROWS if data.get(key) is not None}
    lines = [(ROWS[key], escape(plain(value))) for key, value in known.items()]
    lines += _kinds(files)
    if classes := [name for field in files.fields.values() if isinstance(field, Classes) for name in field.names]:
        counts = data.get("counts")
        if not (isinstance(counts, list) and len(counts) == len(classes) and all(isinstance(n, int) for n in counts)):
            counts = []  # not known
        chips = "".join(
            f'<span class="chip">{escape(name)}{f" <small>{counts[i]:,}</small>" if counts else ""}</span>'
            for i, name in enumerate(classes[:CLASSES])
        )
        more = f" and {len(classes) - CLASSES:,} more" if len(classes) > CLASSES else ""
        rest = data["count"] - sum(counts) if counts and isinstance(data.get("count"), int) else 0
        unlabelled = f"<small>{rest:,} samples without a label</small>" if rest > 0 else ""
        lines.append((f"{len(classes):,} classes", chips + more + unlabelled))
    if "fingerprint" in data:
        lines.append(("fingerprint", escape(plain(data["fingerprint"]))))
    if isinstance(problems := data.get("problems"), list) and problems:
        items = "".join(f"<li>{escape(str(problem))}</li>" for problem in problems[:PROBLEMS])
        lines.append(("skipped", f"<details><summary>{len(problems):,} files</summary><ul>{items}</ul></details>"))
    return f"<h2>Data</h2>\n{table(lines)}" if lines else ""


def sample_shapes(files: RunFiles) -> dict[str, tuple[Modality, str]]:
    """What one sample is, by a heading which names the field where there are several: its kind, `1 x 28 x 28`."""
    samples = {name: field for name, field in files.fields.items() if not isinstance(field, Classes | Vector | Lengths)}
    several = len(samples) > 1
    return {f"sample shape{f' of {name}' if several else ''}": (x, _shape(x)) for name, x in samples.items()}


def _shape(field: Modality) -> str:
    """The size of one sample in words: `1 x 28 x 28`, of points `2 numbers`, of texts `up to 7 tokens`."""
    if isinstance(field, Tokens):
        return f"{'' if field.end is None else 'up to '}{field.length:,} tokens"
    return f"{field.shape[0]} numbers" if len(field.shape) == 1 else " \u00d7 ".join(map(str, field.shape))


def _kinds(files: RunFiles) -> Iterator[tuple[str, str]]:
    """Rows on the samples, and on the vectors that they are conditioned on."""
    for heading, (field, shape) in sample_shapes(files).items():
        vocabulary = f" of a vocabulary of {field.size:,}" if isinstance(field, Tokens) else ""
        yield escape(heading), f"{field.plural}, {shape}{vocabulary}"
    for field in files.fields.values():
        if isinstance(field, Vector):
            yield "condition", f"vectors of {field.size} numbers"


def environment(files: RunFiles) -> str:
    """Device, precision, time and versions."""
    facts = {name: files.record[name] for name in ("device", "precision", "created") if name in files.record}
    lines = [(escape(name), escape(plain(value))) for name, value in {**facts, **files.part("versions")}.items()]
    return f"<h2>Environment</h2>\n{table(lines)}" if lines else ""
