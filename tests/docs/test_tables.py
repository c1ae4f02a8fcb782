"""Every number in a table of the documentation is that of the file which was recorded, and so is what is said of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks import demo_quality, reports
from tools.tables import MARKED, PAGES, blocks, renew

from zerosum.studies import STUDIES, study, tables
from zerosum.studies.changes import CHANGES, missing
from zerosum.studies.tricks import IMAGES, POINTS

RESULTS = study.results()
NAMES = {result["name"] for result in RESULTS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_those_of_the_files(page: Path) -> None:
    text = page.read_text()
    assert renew(text, blocks()) == text, "run `python -m tools.tables`"


def test_every_table_is_on_a_page() -> None:
    used = {match[1] for page in PAGES for match in MARKED.findall(page.read_text())}
    assert used == set(blocks())


def test_a_wrong_number_would_be_found() -> None:
    page = next(page for page in PAGES if page.stem == "reproductions").read_text()
    assert "97.03, 96.82" in page
    for wrong in (page.replace("97.03, 96.82", "97.03, 97.82"), page.replace("**missed** | 213", "met | 213")):
        assert wrong != page
        assert renew(wrong, blocks()) == page


def test_tables_of_results_are_nowhere_else() -> None:
    """A row that begins with the name of a study is printed from its file."""
    for page in PAGES:
        for row in re.findall(r"^\|.*\|$", MARKED.sub("", page.read_text()), re.M):
            assert not any(f"`{name}`" in row for name in STUDIES), row


def test_the_tables_of_the_tricks() -> None:
    result: dict[str, Any] = {
        "digits": {name: {"frechet": [4.0, 5.0, 6.0]} for name in IMAGES},
        "points": {name: {"modes": [20, 21, 22], "high_quality": [0.1, 0.2, 0.3]} for name in POINTS},
        "values": [0.5, 0.4, 0.6],
        "errors": {"semi-supervised": [1, 2, 3]},
    }
    result["digits"]["hinge"] = {"frechet": [3.0, 4.0, 5.0]}
    result["digits"]["least squares"] = {"frechet": [None, 4.0, 7.0]}
    result["digits"]["D: no norm"] = {"frechet": [5.0, 6.0, 7.0]}
    made = tables.tricks(result)
    assert "| hinge | 4.0 (3.0 to 5.0) | nearer on 3 of 3 |" in made
    assert "| least squares | 5.5 (4.0 to 7.0, 1 diverged) | no clear effect: nearer on 1 of 3 |" in made
    assert "| D: no norm (a trick taken away) | 6.0 (5.0 to 7.0) | further on 3 of 3 |" in made
    assert "| base | 21.0 (20.0 to 22.0) | 20.0 (10.0 to 30.0) |" in made


# "met" is for papers' protocols


def test_what_is_said_of_a_result_follows_from_its_numbers() -> None:
    for result in RESULTS:
        known = STUDIES[result["name"]]
        assert result["met"] == known.reached(result), result["name"]
        assert known.verdict(result) in (("met", "missed") if known.papers else ("reaches it", "does not"))


def test_only_papers_protocols_are_met() -> None:
    rows = tables.protocols(RESULTS, papers=False)
    assert rows and not any(word in cell.split() for row in rows for cell in row for word in ("met", "missed"))
    assert {name for name, known in STUDIES.items() if known.papers} == {"bigan-1nn", "gan-parzen", "grid-25"}


def test_a_study_beside_a_published_number_says_what_is_other() -> None:
    for known in STUDIES.values():
        if known.published:
            assert known.differs, known.name
        assert not known.papers or known.published


def test_names_say_whose_way_it_is() -> None:
    own = {name for name in STUDIES if name.endswith("-own")}
    paper = {name for name, known in STUDIES.items() if known.papers}
    assert own == {
        "bad-gan-mnist-100-own",
        "cgan-parzen-own",
        "grid-25-own",
        "infogan-error-own",
        "sgan-mnist-100-own",
        "stacked-mnist-own",
    }
    assert not own & paper and not {name.removesuffix("-own") for name in own} & (set(STUDIES) - {"grid-25"})
    assert {path.stem for path in study.IN_CHECKOUT.glob("*.json")} == NAMES <= set(STUDIES)
    for result in RESULTS:
        assert re.match(rf"zerosum reproduce {result['name']}( |$)", result["command"]), result["command"]


# Stale results


def test_changes_are_of_studies_that_exist() -> None:
    for name, change in CHANGES.items():
        assert change.what and set(change.studies) <= set(STUDIES), name
        assert len(change.studies) == len(set(change.studies))


def test_a_result_before_a_change_says_so() -> None:
    """Until it is measured again: then its file has the change."""
    result: dict[str, Any] = {"name": "grid-25-own", "commit": "abc"}
    assert missing(result) == ["draws", "R3GAN", "relativistic", "temperature"]
    assert tables.recorded(result) == "abc; before: draws, R3GAN, relativistic, temperature"
    assert tables.recorded(result | {"changes": list(CHANGES), "commit": "abc, def"}) == "abc, def"
    assert "with changes that no commit has" in tables.recorded(result | {"commit": "abc+"})


# What the benchmarks recorded


def test_verdicts_of_the_benchmarks_follow_from_their_numbers() -> None:
    machines = [reports.read(name) for name in ("results.json", "results_epyc.json")]
    for row in (row for machine in machines for row in machine["rows"]):
        assert row["ratio"] == pytest.approx(row["ours"] / row["baseline"])
    ratios = [row["ratio"] for row in reports.read("metrics_results.json") if not reports.is_limit(row["name"])]
    readme = next(page for page in PAGES if page.stem == "README").read_text()
    assert f"{min(ratios):.0f} to {int(max(ratios))} times as fast" in readme


def test_the_demo_is_told_by_its_range() -> None:
    draws = [{"seed": k, "recognised": share, "rarest": 0.05, "frechet": 1.0} for k, share in enumerate((0.8, 0.9))]
    runs = [{"seed": 0, "seconds": 70.2, "cpu_seconds": 90.0, "draws": draws}]
    found = {"runs": runs, "test": {"right": 0.99, "recognised": 0.98}, "command": "c", "hardware": "h"}
    said = demo_quality.sentence(found).replace("\n", " ")
    assert "80.0 to 90.0 % are recognised" in said and "rarest digit is 5.0 to 5.0 %" in said and "70 to 70 sec" in said
    recorded = json.loads(demo_quality.RESULT.read_text())
    assert len(recorded["runs"]) >= 3, "one training says little of the next"
