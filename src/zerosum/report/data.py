"""The data of a report, and the environment: what the run was trained on, and with."""

from __future__ import annotations

from html import escape

from zerosum.modality import Classes, Modality, Vector
from zerosum.report.html import plain, table
from zerosum.report.run_files import RunFiles

CLASSES, PROBLEMS = 60, 200  # shown at most
ROWS = {"name": "name", "count": "samples", "labels": "labels kept"}


def section(files: RunFiles) -> str:
    data = files.part("data")
    known = {key: data[key] for key in ROWS if data.get(key) is not None}
    lines = [(ROWS[key], escape(plain(value))) for key, value in known.items()]
    lines += [(escape(name), f"{field.plural}, {field.size_in_words}") for name, field in sample_shapes(files).items()]
    whole = data.get("whole")
    if isinstance(whole, list) and len(whole) == 2 and all(isinstance(side, int) for side in whole):
        lines.append(("crops", f"at random places of images of {whole[0]}x{whole[1]} pixels"))
    lines += [("condition", str(field)) for field in files.fields.values() if isinstance(field, Vector)]
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
    if isinstance(held_out := data.get("held_out"), dict) and isinstance(names := held_out.get("names"), list):
        items = "".join(f"<li>{escape(str(name))}</li>" for name in names[:PROBLEMS])
        lines.append(
            ("held out", f"<details><summary>{len(names):,}, not learnt from</summary><ul>{items}</ul></details>")
        )
    if isinstance(problems := data.get("problems"), list) and problems:
        items = "".join(f"<li>{escape(str(problem))}</li>" for problem in problems[:PROBLEMS])
        lines.append(("skipped", f"<details><summary>{len(problems):,} files</summary><ul>{items}</ul></details>"))
    return f"<h2>Data</h2>\n{table(lines)}" if lines else ""


def sample_shapes(files: RunFiles) -> dict[str, Modality]:
    """The fields that are samples, by a heading which names the field where there are several."""
    samples = {name: field for name, field in files.fields.items() if not field.labels}
    return {f"sample shape{f' of {name}' if len(samples) > 1 else ''}": field for name, field in samples.items()}


def environment(files: RunFiles) -> str:
    """Device, precision, time and versions."""
    facts = {name: files.record[name] for name in ("device", "precision", "created") if name in files.record}
    lines = [(escape(name), escape(plain(value))) for name, value in {**facts, **files.part("versions")}.items()]
    return f"<h2>Environment</h2>\n{table(lines)}" if lines else ""
