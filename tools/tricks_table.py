"""Write the tables of `zerosum reproduce tricks` into docs/techniques.md, from its recorded result.

python tools/tricks_table.py
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "reproductions" / "results" / "tricks.json", ROOT / "docs" / "techniques.md"
BEGIN, END = "<!-- tricks: written by tools/tricks_table.py -->\n", "<!-- tricks: end -->"
NOT_YET = "Not recorded yet: run the command.\n"


def tables(result: Mapping[str, Any]) -> str:
    """Both problems as markdown: each choice's mean and range, and how it differs from its base."""
    from zerosum.studies.tricks import BASES, CLASSIFIER, WITHOUT

    images = {name: row["frechet"] for name, row in result["digits"].items()}
    lines = ["| digits | Fréchet distance, mean (range) | against its base, at the same seeds |", "|---|---|---|"]
    for name, found in images.items():
        base = images[BASES.get(name, "base")]
        verdict = "its own base" if name == CLASSIFIER else "" if name == "base" else _verdict(found, base)
        group = " (a trick taken away)" if name in WITHOUT else ""
        lines.append(f"| {name}{group} | {_spread(found, '.1f')} | {verdict} |")
    lines += ["", "| 25 Gaussians | modes of 25, mean (range) | high quality, %, mean (range) |", "|---|---|---|"]
    for name, row in result["points"].items():
        quality = [100 * share for share in row["high_quality"]]
        lines.append(f"| {name} | {_spread(row['modes'], '.1f')} | {_spread(quality, '.1f')} |")
    did = [f"{100 * value:.0f}" for value in result["values"]]
    lines += ["", f"Of the {len(images) - 2} choices on digits {', '.join(did)} % did what is said of them, by seed."]
    classifier = "; ".join(f"{name}: {', '.join(map(str, wrong))}" for name, wrong in result["errors"].items())
    lines += ["", f"Errors of the 5,000 digits. {classifier}.", ""]
    return "\n".join(lines)


def _spread(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "diverged"
    diverged = f", {len(values) - len(known)} diverged" if len(known) < len(values) else ""
    return f"{statistics.fmean(known):{form}} ({min(known):{form}} to {max(known):{form}}{diverged})"


def _verdict(values: Sequence[float | None], base: Sequence[float | None]) -> str:
    """In how many seeds the samples are nearer to the data."""
    nearer = [v is not None and (b is None or v < b) for v, b in zip(values, base, strict=True)]
    word = {0: "further", len(nearer): "nearer"}.get(sum(nearer), "no clear effect: nearer")
    return f"{word} on {max(sum(nearer), len(nearer) if not any(nearer) else 0)} of {len(nearer)}"


def section() -> str:
    """What docs/techniques.md is to have between its two marks."""
    return tables(json.loads(RESULT.read_bytes())) if RESULT.exists() else NOT_YET


def main() -> None:
    """Bring the page up to date."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + section() + end + after)


if __name__ == "__main__":
    main()
