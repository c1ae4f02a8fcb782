"""The environment of a report: device, precision, time and versions."""

from __future__ import annotations

from html import escape

from zerosum.report.contents import Contents
from zerosum.report.html import plain, table


def section(contents: Contents) -> str:
    facts = {name: contents.record[name] for name in ("device", "precision", "created") if name in contents.record}
    lines = [(escape(name), escape(plain(value))) for name, value in {**facts, **contents.part("versions")}.items()]
    return f"<h2>Environment</h2>\n{table(lines)}" if lines else ""
