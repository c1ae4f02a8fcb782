"""The settings of a report: every option with its value and its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from zerosum.errors import ZerosumError
from zerosum.options import rows, to_json
from zerosum.report.html import plain, table
from zerosum.report.run_files import RunFiles


def section(files: RunFiles) -> str:
    """A table for each of the recipe's parameters; values that differ from the recipe's are bold."""
    known = _recipe_options(str(files.record.get("recipe", "")))
    parts = []
    for name, values in [("training", files.part("training")), *files.part("options").items()]:
        defaults, meanings = known.get(name, ({}, {}))
        lines = []
        for option, value in _flat(values if isinstance(values, dict) else {name: values}):
            changed = option in defaults and defaults[option] != value
            note = f"<small>default: {escape(plain(defaults[option]))}</small>" if changed else ""
            text = f"<b>{escape(plain(value))}</b>" if changed else escape(plain(value))
            lines.append((escape(option), text + note, escape(meanings.get(option, ""))))
        if lines:
            parts.append(f"<h3>{escape(name)}</h3>{table(lines)}")
    about = '<p class="muted">Bold: changed for this run; below it the recipe\'s default.</p>' if known else ""
    return f"<h2>Settings</h2>\n{about}{''.join(parts)}" if parts else ""


def _recipe_options(recipe: str) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """By parameter: the recipe's defaults, and what each option means; empty for code from outside the package."""
    if not recipe or ":" in recipe:  # finding it would run its file
        return {}
    from zerosum.games import find

    try:
        defaults = find(recipe)
    except ZerosumError:
        return {}
    instances = {"training": defaults.training, **defaults.options}
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
