"""What the files of the benchmarks say, as the documentation has it: `python -m tools.tables` writes these."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import demo_quality

HERE = Path(__file__).parent
FALLEN = 0.25  # of the distance after a minute: what is asked for at the end


def blocks() -> dict[str, str]:
    """Every table and sentence, by name."""
    return {
        "demo": demo_quality.sentence(read("demo_quality.json")),
        "speed": speed([read("results.json"), read("results_epyc.json")]),
        "metrics-speed": metrics(read("metrics_results.json")),
        "photographs": photographs(read("photographs_results.json")),
    }


def read(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def speed(machines: Sequence[Mapping[str, Any]]) -> str:
    """`make bench` on each machine: our number, what it is beside and the ratio; limits, whose rows hold inverses."""
    names = dict.fromkeys(row["name"] for machine in machines for row in machine["rows"])
    lines = [line(["", *(machine["machine"] for machine in machines), "goal"])]
    lines.append("|---" * (len(machines) + 2) + "|")
    for name in names:
        rows = [next((row for row in machine["rows"] if row["name"] == name), None) for machine in machines]
        target = next(float(row["target"]) for row in rows if row)
        what, _, limit = name.rpartition(": ") if is_limit(name) else (name, "", f"{target:.2g}")
        goal = f"{limit}: {', '.join(map(verdict, rows))}" if target else "none"
        lines.append(line([what, *map(cell, rows), goal]))
    return "\n".join(lines)


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def is_limit(name: str) -> bool:
    return name.endswith("or less")


def cell(row: Mapping[str, Any] | None) -> str:
    """One machine's numbers in a row; its file may be older than the row."""
    if row is None:
        return "not measured"
    if not is_limit(row["name"]):
        return f"{rate(row['ours'])} beside {rate(row['baseline'])}: {row['ratio']:.2g}"
    value = 1 / row["ours"]
    return f"{value:.2g} µs" if " us " in row["name"] else f"{value:.2f} s"


def rate(value: float) -> str:
    """A number a second: whole, or of three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not measured"
    return "met" if row["ratio"] >= row["target"] else "missed"


def metrics(rows: Sequence[Mapping[str, Any]]) -> str:
    """`python -m benchmarks.metrics`: times a second, or images/s, of both sides; limits, whose rows hold inverses."""
    lines = [line(["", "zerosum", "reference", "ratio", "goal"]), "|---" * 5 + "|"]
    for row in rows:
        if is_limit(row["name"]):
            name, _, limit = row["name"].rpartition(": ")
            lines.append(line([name, f"{1 / row['ours']:.2g}", "", "", f"{limit}: {verdict(row)}"]))
            continue
        numbers = (f"{row['ours']:.3g}", f"{row['baseline']:.2g}", f"{row['ratio']:.1f}")
        lines.append(line([row["name"], *numbers, f"{row['target']:g}: {verdict(row)}"]))
    return "\n".join(lines)


def photographs(results: Mapping[str, Mapping[str, Any]]) -> str:
    """`python -m benchmarks.photographs`: each folder's Fréchet distances after a minute, and at the end."""
    spaces = list(next(iter(results.values()))["frechet"]["end"])
    lines = [line(["images", "size", "steps", *spaces, f"at most {FALLEN} of it"]), "|---" * (4 + len(spaces)) + "|"]
    for name, found in results.items():
        early, end = found["frechet"]["early"], found["frechet"]["end"]
        height, width = found["size"]
        steps = f"{found['early step']:,} and {found['steps']:,}"
        distances = [f"{early[s]:.3g} to {end[s]:.3g}: {end[s] / early[s]:.2f}" for s in spaces]
        reached = "reaches it" if all(end[space] <= FALLEN * early[space] for space in spaces) else "does not"
        lines.append(line([f"{found['images']:,} {name}", f"{height}x{width}", steps, *distances, reached]))
    return "\n".join(lines)
