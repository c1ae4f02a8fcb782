"""The commands of a report: how to reproduce the run, to resume it and to sample from it."""

from __future__ import annotations

import itertools
import math
import shlex
from pathlib import Path
from typing import Any

from zerosum.modality import Image
from zerosum.report.html import command
from zerosum.report.run_files import RunFiles

BY_PYTHON = "zerosum.train(...)"  # the record's command of a run that Python code began


def section(files: RunFiles) -> str:
    if not files.record:
        return ""
    again = str(files.record.get("command") or BY_PYTHON)
    parts = [
        command("Train it again", _call(files) if again == BY_PYTHON else elsewhere(again)),
        command("Resume from the newest checkpoint", files.command("resume")),
        command(*_samples(files)),
    ]
    if (files.run / "codes.png").exists():
        parts.append(command("Traverse each latent code from 5 points", files.command("sample", "--traverse -n 5")))
    return "<h2>Commands</h2>\n" + "".join(parts)


def elsewhere(command: str) -> str:
    """The command with the next `--out` that is free: `--out runs/cats-2` in place of `--out runs/cats`."""
    try:
        words = shlex.split(command)
    except ValueError:  # a record that somebody edited
        return command
    for i, word in enumerate(words):
        flag, equals, path = word.partition("=")
        if flag == "--out" and equals:
            words[i] = f"--out={_free(path)}"
        elif flag == "--out" and i + 1 < len(words):
            words[i + 1] = _free(words[i + 1])
    return shlex.join(words)


def _free(path: str) -> str:
    stem, dash, number = path.rstrip("/").rpartition("-")
    stem, first = (stem, int(number) + 1) if dash and number.isdigit() else (path.rstrip("/"), 2)
    return next(found for n in itertools.count(first) if not Path(found := f"{stem}-{n}").exists())


def _samples(files: RunFiles) -> tuple[str, str]:
    """What makes samples, in words and as a command."""
    if files.translates:
        return "Translate a folder of images", files.command("translate", "IMAGES --out translated")
    if files.acts:
        return "Let it act, and film an episode", files.command("play")
    if files.classifies:
        return "Classify a folder of images", files.command("classify", "IMAGES")
    if files.predicts:
        return "Make a film", files.command("sample", "--frames 30")
    return "Draw 64 samples", files.command("sample", "-n 64 --seed 0")


def _call(files: RunFiles) -> str:
    """The call of `zerosum.train` with every option written out."""
    data, options = files.part("data"), files.part("options")
    arguments: dict[str, Any] = {"data": data.get("name")}
    if sizes := [field.size for field in files.fields.values() if isinstance(field, Image)]:
        arguments["size"] = max(sizes, key=math.prod)  # of two the one that was asked for
    arguments |= {name: data[name] for name in ("labels", "data_dir") if data.get(name)}
    first: Any = next(iter(options.values()), {})  # its fields are keywords of their own
    arguments |= {**files.part("training"), **(first if isinstance(first, dict) else {})}
    arguments |= dict(list(options.items())[1:])
    lines = [f"    {name}={value!r},\n" for name, value in arguments.items()]
    return f"import zerosum\n\nzerosum.train(\n    {files.record.get('recipe')!r},\n{''.join(lines)})"
