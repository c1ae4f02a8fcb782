"""The commands of a report: how to reproduce the run, to resume it and to sample from it."""

from __future__ import annotations

from typing import Any

from zerosum.modality import Image
from zerosum.report.contents import Contents
from zerosum.report.html import command

BY_PYTHON = "zerosum.train(...)"  # the record's command of a run that Python code began


def section(contents: Contents) -> str:
    if not contents.record:
        return ""
    again = str(contents.record.get("command") or BY_PYTHON)
    hint = "If this run is still in its folder, choose another --out." if "--out" in again else ""
    parts = [
        command("Train it again", _call(contents) if again == BY_PYTHON else again, hint),
        command("Resume from the newest checkpoint", contents.command("resume")),
        command("Draw 64 samples", contents.command("sample", "-n 64 --seed 0 --out samples.png")),
    ]
    if (contents.run / "codes.png").exists():
        parts.append(command("Traverse each latent code from 5 points", contents.command("sample", "--traverse -n 5")))
    return "<h2>Commands</h2>\n" + "".join(parts)


def _call(contents: Contents) -> str:
    """The call of `zerosum.train` with every option written out."""
    data, options = contents.part("data"), contents.part("options")
    arguments: dict[str, Any] = {"data": data.get("name")}
    if sizes := [field.size for field in contents.fields.values() if isinstance(field, Image)]:
        arguments["size"] = sizes[0]
    arguments |= {name: data[name] for name in ("labels", "data_dir") if data.get(name)}
    first: Any = next(iter(options.values()), {})  # its fields are keywords of their own
    arguments |= {**contents.part("training"), **(first if isinstance(first, dict) else {})}
    arguments |= dict(list(options.items())[1:])
    lines = [f"    {name}={value!r},\n" for name, value in arguments.items()]
    return f"import zerosum\n\nzerosum.train(\n    {contents.record.get('recipe')!r},\n{''.join(lines)})"
