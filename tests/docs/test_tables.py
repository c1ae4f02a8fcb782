"""Every number in a table of the documentation is that of the file which was recorded, and so is what is said of it."""

from __future__ import annotations

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
            assert not re.match(rf"\| `({'|'.join(STUDIES)})`", row), row


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
    assert tables._nearer([4.0, 3.0], [4.0, 4.0]) == "no clear effect: nearer on 1 of 2", "as far is not nearer"
    assert "| D: no norm (a trick taken away) | 6.0 (5.0 to 7.0) | further on 3 of 3 |" in made
    assert "| base | 21.0 (20.0 to 22.0) | 20.0 (10.0 to 30.0) |" in made


# "met" is for papers' protocols


def test_what_is_said_of_a_result_follows_from_its_numbers() -> None:
    for result in RESULTS:
        known = STUDIES[result["name"]]
        assert result["verdict"] == known.verdict(result), result["name"]
        assert result["verdict"] in (("met", "missed") if known.papers else ("reaches it", "does not"))


def test_only_papers_protocols_are_met() -> None:
    rows = tables.protocols(RESULTS, papers=False)
    assert rows and not any(word in cell.split() for row in rows for cell in row for word in ("met", "missed"))
    papers = {name for name, known in STUDIES.items() if known.papers}
    of_few_labels = {"bad-gan-mnist-100", "sgan-mnist-100"}
    assert papers == of_few_labels | {
        "bigan-1nn", "cgan-parzen", "gan-parzen", "grid-25", "infogan-error", "seqgan-oracle", "sr-bicubic",
        "stacked-mnist",
    }  # fmt: skip


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
    assert not own & paper and {name.removesuffix("-own") for name in own} & set(STUDIES) <= paper
    assert {path.stem for path in study.IN_CHECKOUT.glob("*.json")} == NAMES <= set(STUDIES)
    for result in RESULTS:
        assert re.match(rf"zerosum reproduce {result['name']}( |$)", result["command"]), result["command"]


def test_studies_that_pages_name_exist() -> None:
    """After `zerosum reproduce`, and at the beginning of a note; an old name is one that does not exist."""
    named = [name for page in PAGES for name in re.findall(r"zerosum\s+reproduce\s+([A-Za-z][\w-]*)", page.read_text())]
    named += [name for names in notes() for name in names.split(", ")]
    assert len(named) > 15 and set(named) - {"NAME"} <= set(STUDIES)
    assert set(named) | {"optimal-discriminator"} >= NAMES, "each result has a note, or nothing to be said of it"


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
    runs = [{"seed": seed, "seconds": 70.2 + seed, "cpu_seconds": 90.0, "draws": draws} for seed in range(3)]
    found = {"runs": runs, "test": {"right": 0.99, "recognised": 0.98}, "command": "c", "hardware": "h"}
    said = demo_quality.sentence(found).replace("\n", " ")
    assert "80.0 to 90.0 % are recognised" in said and "rarest digit is 5.0 to 5.0 %" in said and "70 to 72 sec" in said
    assert "3 trainings, 2 seeds" in said
    assert "not recorded yet" in demo_quality.sentence(found | {"runs": runs[:2]}), "trainings differ"


# Numbers in notes

# of papers, of authors' logs and of other studies
ELSEWHERE = {
    "gan-parzen": {"241.2", "122.4", "327.4"},
    "bigan-1nn": {"97.14", "97.35"},
    "sgan-mnist-100-own": {"180,000"},
    "bad-gan-mnist-100-own": {"189", "179", "291"},
    "infogan-error-own": {"256"},
    "wgan-without-batch-norm": {"41.198", "0.001"},
}


def notes() -> dict[str, str]:
    """The notes of docs/reproductions.md by the names of their studies."""
    text = MARKED.sub("", next(page for page in PAGES if page.stem == "reproductions").read_text())
    found = re.findall(r"^- \*\*(`.*?`)\*\*(.*?)(?=\n- |\n\n|\Z)", text, re.M | re.S)
    return {names.replace("`", ""): note for names, note in found}


def numbers_in(value: object) -> set[float]:
    """All numbers that a result has, those in its sentences among them."""
    if isinstance(value, bool):
        return set()
    if isinstance(value, (int, float)):
        return {float(value)}
    if isinstance(value, str):
        return {float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", value)}
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return set().union(*map(numbers_in, parts))


def unknown_numbers(note: str, known: set[float]) -> set[str]:
    """Numbers of a note, from a hundred or with decimals, that no number of the file rounds to, itself or in %."""
    unknown = set()
    for number in re.findall(r"(?<![\w.-])\d(?:[\d,]*\d)?(?:\.\d+)?", note):
        value, step = float(number.replace(",", "")), 10.0 ** -len(number.partition(".")[2])
        near = (abs(abs(of * scale) - value) <= 0.5001 * step for of in known for scale in (1, 100))
        if ("." in number or value >= 100) and not any(near):
            unknown.add(number)
    return unknown


def test_numbers_of_notes_are_in_the_files() -> None:
    found = notes()
    assert len(found) > 12
    for names, note in found.items():
        known = set().union(*(numbers_in(result) for result in RESULTS if result["name"] in names.split(", ")))
        assert unknown_numbers(note, known) <= ELSEWHERE.get(names, set()), names
    assert unknown_numbers("236 errors, 15.3 %, 0.98", {236.2, 0.153, 0.97}) == {"0.98"}


def test_what_the_gan_buys_is_said() -> None:
    names = ("100 labels, views without GAN", "100 labels, GAN without views", "100 labels, neither")
    result: dict[str, Any] = {"seeds": [2, 3, 4, 5], "values": [380.0, 390.0, 385.0, 9.0], "others": {}}
    assert "not measured yet" in tables.bought(result)
    result["others"] = {name: [errors] * 3 for name, errors in zip(names, (418, 2776, 3000), strict=True)}
    said = tables.bought(result)
    assert said.startswith("Means on the same 3 sets of labels: 385 errors with both, 418 of views without GAN, 2776")
    assert said.endswith("the GAN buys 8 % fewer errors.")
    result["others"][names[0]] = [350] * 3
    assert tables.bought(result).endswith("the GAN buys 10 % more errors.")
