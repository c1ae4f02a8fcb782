"""The tables of the tricks in docs/techniques.md are those of the recorded result."""

from __future__ import annotations

import sys
from pathlib import Path

from zerosum.studies.tricks import IMAGES, POINTS

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))
from tools import tricks_table  # noqa: E402


def test_the_page_has_the_tables_of_the_result():
    page = tricks_table.PAGE.read_text()
    own = page.partition(tricks_table.BEGIN)[2].partition(tricks_table.END)[0]
    assert own == tricks_table.section(), "run python tools/tricks_table.py"


def test_the_tables_of_a_result():
    result = {
        "digits": {name: {"frechet": [4.0, 5.0, 6.0]} for name in IMAGES},
        "points": {name: {"modes": [20, 21, 22], "high_quality": [0.1, 0.2, 0.3]} for name in POINTS},
        "values": [0.5, 0.4, 0.6],
        "errors": {"semi-supervised": [1, 2, 3]},
    }
    result["digits"]["hinge"] = {"frechet": [3.0, 4.0, 5.0]}
    result["digits"]["least squares"] = {"frechet": [None, 4.0, 7.0]}
    result["digits"]["D: no norm"] = {"frechet": [5.0, 6.0, 7.0]}
    made = tricks_table.tables(result)
    assert "| hinge | 4.0 (3.0 to 5.0) | nearer on 3 of 3 |" in made
    assert "| least squares | 5.5 (4.0 to 7.0, 1 diverged) | no clear effect: nearer on 1 of 3 |" in made
    assert "| D: no norm (a trick taken away) | 6.0 (5.0 to 7.0) | further on 3 of 3 |" in made
    assert "| base | 21.0 (20.0 to 22.0) | 20.0 (10.0 to 30.0) |" in made
