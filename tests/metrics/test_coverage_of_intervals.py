"""The recorded simulations of intervals, and a few of them again: 95 % intervals hold 92 to 98 %."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.coverage import RESULTS, SIMULATIONS, SIZES, cases, simulate, table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
RECORDED = json.loads(RESULTS.read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_recorded_lies_between_92_and_98_percent(name: str):
    """But p-values, which are exact: of a test that has steps they are above 0.05 more often."""
    found = RECORDED[name]
    assert found["simulations"] == SIMULATIONS and not found["commit"].endswith("+")
    for score, by_size in found["scores"].items():
        assert list(by_size) == [str(size) for size in SIZES]
        for size, row in by_size.items():
            assert 0.92 <= row["held"] <= (1 if score.startswith("p ") else 0.98), (score, size)


def test_the_page_shows_what_is_recorded():
    assert table(RECORDED) in PAGE.read_text()


AGAIN = [case for case in cases() if not case.name.startswith(("two-sample", "inception", "ms-ssim", "kernel"))]


@pytest.mark.parametrize("case", AGAIN, ids=lambda case: case.name)
def test_sixty_simulations_agree(case):
    """Of 60 true 95 % intervals fewer than 51 hold the truth once in 3,000 times; of 88 % ones that is as likely as
    not."""
    for score, by_size in simulate(case, (120,), 60).items():
        assert by_size["120"]["held"] >= 51 / 60, score
        assert by_size["120"]["width"] < 2, score  # of an interval that has 95 % exactly
