"""What `run.json` tells a report: how to make the run again, its settings, its data, what made it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.options import rows, to_json
from zerosum.report.html import command, plain, table

Record = Mapping[str, Any]

CLASSES = 60  # names shown


def part(record: Record, name: str) -> Record:
    """An object of run.json, empty where there is none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def commands(record: Record, run: Path) -> str:
    """How to reproduce, resume and sample."""
    if not record:
        return ""
    here, own = place(record, run)
    made = str(record.get("command") or "zerosum.train(...)")
    hint = "Where this run still lies in its place, give the new one another --out." if "--out" in made else ""
    parts = [
        command("Train it again", _python(record) if made == "zerosum.train(...)" else made, hint),
        command("Go on training from its newest checkpoint", f"zerosum resume {here}{own}"),
        command("Draw 64 samples", f"zerosum sample {here} -n 64 --seed 0 --out samples.png{own}"),
    ]
    if (run / "codes.png").exists():
        parts.append(command("Move each code of 5 points z", f"zerosum sample {here} --traverse -n 5{own}"))
    return "<h2>Commands</h2>\n" + "".join(parts)


def place(record: Record, run: Path) -> tuple[str, str]:
    """The run as a command takes it, and the flag that allows a recipe from outside the package, or ""."""
    recipe = str(record.get("recipe", ""))
    return shlex.quote(shown(run)), f" --recipe {shlex.quote(recipe)}" if ":" in recipe else ""


def shown(run: Path) -> str:
    """The run's path as a command takes it: relative to the current folder where it lies below."""
    resolved = run.resolve()
    below = resolved != Path.cwd() and resolved.is_relative_to(Path.cwd())
    return str(resolved.relative_to(Path.cwd()) if below else resolved)


def settings(record: Record) -> str:
    """Every option with its value, what it means, and the recipe's own value where this run has another."""
    known = _recipe_options(str(record.get("recipe", "")))
    parts = []
    for name, values in [("training", part(record, "training")), *part(record, "options").items()]:
        defaults, meanings = known.get(name, ({}, {}))
        lines = []
        for option, value in _flat(values if isinstance(values, dict) else {name: values}):
            changed = option in defaults and defaults[option] != value
            note = f"<small>the recipe: {escape(plain(defaults[option]))}</small>" if changed else ""
            text = f"<b>{escape(plain(value))}</b>" if changed else escape(plain(value))
            lines.append((escape(option), text + note, escape(meanings.get(option, ""))))
        if lines:
            parts.append(f"<h3>{escape(name)}</h3>{table(lines)}")
    about = '<p class="muted">Bold: chosen for this run, above the value of the recipe.</p>' if known else ""
    return f"<h2>Settings</h2>\n{about}{''.join(parts)}" if parts else ""


def data(record: Record) -> str:
    """What the run was trained on."""
    found = part(record, "data")
    lines = []
    for key, what in (
        ("name", "name"),
        ("count", "samples"),
        ("labels", "labels kept"),
        ("shape", "shape of one"),
        ("fingerprint", "fingerprint"),
    ):
        if found.get(key) is not None:
            lines.append((what, escape(shape(found[key]) if key == "shape" else plain(found[key]))))
    if classes := _strings(found.get("classes")):
        counts = _counts(found, len(classes))
        chips = "".join(
            f'<span class="chip">{escape(name)}{f" <small>{counts[i]:,}</small>" if counts else ""}</span>'
            for i, name in enumerate(classes[:CLASSES])
        )
        more = f" and {len(classes) - CLASSES:,} more" if len(classes) > CLASSES else ""
        left = found["count"] - sum(counts) if counts and isinstance(found.get("count"), int) else 0
        unlabelled = f"<small>{left:,} samples without a label</small>" if left > 0 else ""
        lines.append((f"{len(classes):,} classes", chips + more + unlabelled))
    if problems := _strings(found.get("problems")):
        listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:200])
        lines.append(("left out", f"<details><summary>{len(problems):,} files</summary><ul>{listed}</ul></details>"))
    return f"<h2>Data</h2>\n{table(lines)}" if lines else ""


def _counts(found: Record, classes: int) -> list[int]:
    """Labelled samples of each class; [] where that is not known."""
    counts = found.get("counts")
    known = isinstance(counts, list) and len(counts) == classes and all(isinstance(count, int) for count in counts)
    return list(counts) if known and counts else []


def made_with(record: Record) -> str:
    """Device, time and versions."""
    facts = {what: record[what] for what in ("device", "precision", "created") if what in record}
    lines = [(escape(what), escape(plain(value))) for what, value in {**facts, **part(record, "versions")}.items()]
    return f"<h2>Made with</h2>\n{table(lines)}" if lines else ""


def shape(value: Any) -> str:
    """`1 x 28 x 28`, of a point `2 numbers`."""
    sides = _strings(value)
    return f"{sides[0]} numbers" if len(sides) == 1 else " \u00d7 ".join(sides)


def _python(record: Record) -> str:
    """The call of `zerosum.train` with every option written out."""
    found, options = part(record, "data"), dict(part(record, "options"))
    given: dict[str, Any] = {"data": found.get("name")}
    if isinstance(sizes := found.get("shape"), list) and len(sizes) == 3:
        given["size"] = tuple(sizes[1:])
    given |= {name: found[name] for name in ("labels", "data_dir") if found.get(name)}
    first = next(iter(options), "")
    given.update(part(record, "training"), **part(options, first))
    given.update({name: values for name, values in options.items() if name != first})
    lines = [f"    {name}={value!r},\n" for name, value in given.items()]
    return f"import zerosum\n\nzerosum.train(\n    {record.get('recipe')!r},\n{''.join(lines)})"


def _recipe_options(recipe: str) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """By parameter: the recipe's own values, and what each option means; empty for code from outside the package."""
    if not recipe or ":" in recipe:  # to find it would run its file
        return {}
    from zerosum.recipe import find

    try:
        found = find(recipe)
    except ZerosumError:
        return {}
    instances = {"training": found.training, **found.options}
    return {
        name: (dict(_flat(to_json(instance))), {row.name: row.help for row in rows(instance)})
        for name, instance in instances.items()
    }


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
