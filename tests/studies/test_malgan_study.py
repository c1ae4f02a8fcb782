"""`malgan-detectors` by hand: which number is the value, what is asked beside it, and a part in small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum.data import load
from zerosum.evaluation.detectors import DETECTORS, find, fit
from zerosum.studies import STUDIES, malgan_detectors
from zerosum.studies.malgan_detectors import DIFFERENT, MALGAN_DETECTORS, PLAIN, ROWS, SAME
from zerosum.workflows.audit import PAPER, classes_of, split


def one(attacked: float, retrained: float = 0.95, detected: float = 0.97, alarms: float = 0.04) -> dict[str, float]:
    return {
        "detected": detected,
        "attacked": attacked,
        "at_random": 0.9,
        "added": 8.0,
        "retrained": retrained,
        "false_alarms_after": alarms,
    }


def parts(**changed: Any) -> list[dict[str, Any]]:
    """Of two seeds, every detector in every row; `changed` is of all second rounds."""
    return [
        {
            "part": part,
            "seed": seed,
            "rows": {
                name: [one(0.02 + 0.01 * (name == SAME) + 0.001 * seed + 0.5 * (name == PLAIN)), one(0.4, **changed)]
                for name in ROWS
            },
            **({"unreachable": 0.01} if part == "tree" else {}),
        }
        for seed in (0, 1)
        for part in DETECTORS
    ]


def test_it_is_a_study_of_six_detectors() -> None:
    assert STUDIES["malgan-detectors"] is MALGAN_DETECTORS
    assert MALGAN_DETECTORS.parts(0) == tuple(DETECTORS) and len(DETECTORS) == 6
    assert ROWS[PLAIN] == {"knows": "different", "config": PAPER}


def test_the_value_is_the_worst_first_attack_with_zerosums_own_loss() -> None:
    summary = MALGAN_DETECTORS.summarise(parts())
    assert summary["values"] == pytest.approx([0.03, 0.031]), "neither the paper's loss, nor the second round"
    assert summary["retrained"] == 0.95 and summary["before"] == 0.97
    assert summary["detectors"]["svm"][DIFFERENT][0]["attacked"] == pytest.approx(0.0205)
    assert MALGAN_DETECTORS.reached(summary)
    assert "forest 97.0, 2.1 (at random 90.0) with 8.0 features" in MALGAN_DETECTORS.ours(summary)


def test_learning_and_what_was_before_count_too() -> None:
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(parts(retrained=0.89)))
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(parts(alarms=0.11)))
    weak = parts()
    weak[0]["rows"][DIFFERENT][0]["detected"] = 0.91
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(weak))
    hidden = parts()
    hidden[0]["rows"][SAME][0]["attacked"] = 0.2
    assert not MALGAN_DETECTORS.reached(MALGAN_DETECTORS.summarise(hidden))


def test_what_no_addition_hides_from_a_tree() -> None:
    data = load("bits", seed=7)
    share = malgan_detectors.unreachable(data, 7)
    _, x, malware, _ = classes_of(data, None)
    parts = split(x, malware, data.name, "different", 7)
    tree = fit(find("tree", 7), *parts.detector)
    tested = parts.tested[0]
    draw, hidden = torch.Generator().manual_seed(0), ~torch.from_numpy(tree.predict(tested.numpy())).bool()
    for density in (0.02, 0.05, 0.1, 0.2, 0.4) * 20:  # no random additions hide more than can be hidden
        more = tested | (torch.rand(tested.shape, generator=draw) < density)
        hidden |= ~torch.from_numpy(tree.predict(more.numpy())).bool()
    assert 0 <= share <= float((~hidden).double().mean()) + 5e-5 and share == malgan_detectors.unreachable(data, 7)


def test_a_part_in_small(tmp_path: Path) -> None:
    found = malgan_detectors.run("logistic", 100, 0.005, tmp_path)
    assert found["part"] == "logistic" and set(found["rows"]) == set(ROWS)
    assert all(len(rounds) == 2 and rounds[0]["detected"] > 0.9 for rounds in found["rows"].values())
    assert found["rows"][DIFFERENT] != found["rows"][SAME] != found["rows"][PLAIN]
