"""A number that was measured stands beside the command that prints it, or the file that holds it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem != "architecture"),
]
UNITS = r"%|ms|µs|MB|GB|seconds|s(?=[\s,.;:|)])|images/s|steps/s|nats|dB|times as fast|errors|秒|毫秒|倍"
MEASURED = re.compile(rf"(?<![\w./-])\d[\d,.]*\d?\s(?:{UNITS})|± \d|\bdistance \d")
SOURCE = re.compile(
    r"zerosum\s+(?:reproduce|theory|evaluate|train|compare|doctor)\b|python -m (?:benchmarks|pytest|tools|tests)"
    r"|make (?:bench|demo)|[\w-]+\.json\b"
)
# Numbers that nobody measured: thresholds, confidence, defaults, papers' numbers, what an option means.
STATED = {
    ("games", "Bayesian GAN"): "tolerances of a test, which it names",
    ("api", "Metrics"): "definitions",
}


def sections(page: Path) -> list[tuple[str, str]]:
    """Title and text of what stands before the first heading of the second rank, and of each such heading."""
    text = re.sub(r"<!-- table: .*? -->", "", page.read_text())
    parts = re.split(r"^## ", text, flags=re.M)
    return [("", parts[0]), *((part.partition("\n")[0], part) for part in parts[1:])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_measured_number_has_a_source(page: Path) -> None:
    (_, before), *_ = sections(page)
    for title, text in sections(page):
        if any(page.stem == stem and title.startswith(start) for stem, start in STATED):
            continue
        prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        if numbers := MEASURED.findall(prose):
            found = SOURCE.search(text) or (page.stem in ("theory", "theory.zh", "errata") and SOURCE.search(before))
            assert found, f"{page.name}, {title!r}: which command printed {numbers}?"


def test_a_number_without_a_source_would_be_found() -> None:
    assert MEASURED.search("it is 12.5 % better") and MEASURED.search("145 and 914 images/s")
    assert not MEASURED.search("Arjovsky et al., 2017, eq. 5") and not MEASURED.search("--steps 500")
    assert SOURCE.search("`python -m benchmarks.graphs`") and not SOURCE.search("as we found")


def test_claims_of_theory_are_counted() -> None:
    topics = json.loads((ROOT / "docs" / "theory" / "claims.json").read_text())
    assert f"checks {sum(map(len, topics.values()))} claims of theory" in (ROOT / "README.md").read_text()
