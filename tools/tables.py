"""Write the tables of the documentation from the files that hold their numbers: `python -m tools.tables`.

A page marks a table by `<!-- table: NAME -->` and `<!-- end -->`; what is between them comes from the files in
`reproductions/results` and `benchmarks`, and `tests/docs/test_tables.py` fails where a page differs from them. Where
"(rows)" follows the name, a page has a choice of the table's rows, and keeps those.
"""

import re
from pathlib import Path

from benchmarks import reports

from tools import chinese
from zerosum.studies import study, tables

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKED = re.compile(r"(<!-- table: ([\w-]+)( \(rows\))? -->\n)(.*?)(<!-- end -->)", re.S)


def blocks() -> dict[str, str]:
    """Every table, by name."""
    return {**tables.blocks(study.results()), **reports.blocks(), **chinese.blocks()}


def renew(page: str, known: dict[str, str]) -> str:
    """The text of a page with the tables of today; a `KeyError` names a table that there is none of."""

    def one(match: re.Match[str]) -> str:
        before, name, choice, old, after = match.groups()
        new = known[name]
        if choice:
            kept = {first(row) for row in old.splitlines()[2:]}
            head, line, *rows = new.splitlines()
            new = "\n".join([head, line, *(row for row in rows if first(row) in kept)])
        return f"{before}{new}\n{after}"

    return MARKED.sub(one, page)


def first(row: str) -> str:
    """The name at the beginning of a row."""
    return row.split("|")[1].split(",")[0].strip()


if __name__ == "__main__":
    known = blocks()
    for path in PAGES:
        old = path.read_text()
        if (new := renew(old, known)) != old:
            path.write_text(new)
            print(f"{path.relative_to(ROOT)}: written")
