"""`malgan-detectors` by hand: which number is the value, what is asked beside it, and a part in small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zerosum.evaluation.detectors import DETECTORS
from zerosum.studies import STUDIES, malgan_detectors
from zerosum.studies.malgan_detectors import MALGAN_DETECTORS, OWN, PAPER, ROWS, SAME


def one(attacked: float, retrained: float = 0.95, detected: float = 0.97) -> dict[str, float]:
    return {
        "detected": detected,
        "attacked": attacked,
        "at_random": 0.9,
        "added": 8.0,
        "retrained": retrained,
    }


def parts(**changed: Any) -> list[dict[str, Any]]:
    """Of two seeds, every detector in every row; `changed` is of all second rounds."""
    return [
        {
            "part": part,
            "seed": seed,
            "rows": {
                name: [one(0.02 + 0.01 * (name == SAME) + 0.001 * seed + 0.5 * (name == PAPER)), one(0.4, **changed)]
                for name in ROWS
            },
        }
        for seed in (0, 1)
        for part in DETECTORS
    ]


def test_it_is_a_study_of_six_detectors() -> None:
    assert STUDIES["malgan-detectors"] is MALGAN_DETECTORS
    assert MALGAN_DETECTORS.parts(0) == tuple(DETECTORS) and len(DETECTORS) == 6
    assert ROWS[PAPER] == {"knows": "different", "objective": "minimax", "addition": 0.0}


def test_the_value_is_the_worst_first_attack_with_zerosums_own_loss() -> None:
    summary = MALGAN_DETECTORS.summarise(parts())
    assert summary["values"] == pytest.approx([0.03, 0.031]), "neither the paper's loss, nor the second round"
    assert summary["retrained"] == 0.95 and summary["before"] == 0.97
    assert summary["detectors"]["svm"][OWN][0]["attacked"] == pytest.approx(0.0205)
    assert MALGAN_DETECTORS.reached(summary)
    assert "forest 97.0, 2.1 (at random 90.0) with 8.0 features" in MALGAN_DETECTORS.ours(summary)


def test_learning_and_what_was_before_count_too() -> None:
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(parts(retrained=0.89)))
    weak = parts()
    weak[0]["rows"][OWN][0]["detected"] = 0.91
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(weak))
    hidden = parts()
    hidden[0]["rows"][SAME][0]["attacked"] = 0.2
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(hidden))


def test_a_part_in_small(tmp_path: Path) -> None:
    found = malgan_detectors.run("logistic", 100, 0.005, tmp_path)
    assert found["part"] == "logistic" and set(found["rows"]) == set(ROWS)
    assert all(len(rounds) == 2 and rounds[0]["detected"] > 0.9 for rounds in found["rows"].values())
    assert found["rows"][OWN] != found["rows"][SAME] != found["rows"][PAPER]
