"""Detectors as black boxes: what may be one, what it may answer, and that it learns from what it is given alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.tree import DecisionTreeClassifier

from zerosum.errors import ZerosumError
from zerosum.evaluation.detectors import DETECTORS, black_box

MALICIOUS = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]] * 10, dtype=torch.uint8)
BENIGN = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]] * 10, dtype=torch.uint8)


@pytest.mark.parametrize("name", DETECTORS)
def test_each_learns_both_classes_and_alike_by_a_seed(name: str) -> None:
    one, same = (black_box(name, 0).fitted(MALICIOUS.repeat(5, 1), BENIGN.repeat(5, 1)) for _ in range(2))
    x = torch.cat([MALICIOUS, BENIGN])
    assert one.name == name and one(x).dtype == torch.bool
    assert one(MALICIOUS).float().mean() > 0.9 and one(BENIGN).float().mean() < 0.1
    assert torch.equal(one(x), same(x))


def test_an_estimator_is_copied_before_it_learns() -> None:
    own = DecisionTreeClassifier(random_state=0)
    box = black_box(own, 0).fitted(MALICIOUS, BENIGN)
    assert box.name == "DecisionTreeClassifier" and not hasattr(own, "tree_")
    turned = box.fitted(BENIGN, MALICIOUS)
    assert bool(box(MALICIOUS).all()) and not bool(turned(MALICIOUS).any()), "it learns from nothing before"


def test_a_function_answers_and_learns_nothing() -> None:
    def first(vectors: Any) -> Any:
        return vectors[:, 0]

    box = black_box(first, 0)
    assert box.name == "first" and box.fitted(BENIGN, MALICIOUS) is box
    assert box(torch.cat([MALICIOUS, BENIGN])).tolist() == [True] * 40 + [False] * 40


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: np.zeros((len(x), 2)), r"answers \(40, 2\) to 40 vectors"),
        (lambda x: 1, r"answers \(\) to 40 vectors"),
        (lambda x: np.full(len(x), 0.3), r"answers .*0.3.*, and a detector 1 where a vector is malicious, else 0"),
        (lambda x: np.full(len(x), np.nan), r"answers .*nan"),
        (lambda x: np.full(len(x), "malware"), r"answers .*malware"),
    ],
)
def test_other_answers_are_refused(answer: Any, says: str) -> None:
    with pytest.raises(ZerosumError, match=says):
        black_box(answer, 0)(MALICIOUS)


def test_what_is_no_detector_is_refused() -> None:
    with pytest.raises(ZerosumError, match=r"there is no detector 'forrest'; did you mean 'forest'\?"):
        black_box("forrest", 0)
    with pytest.raises(ZerosumError, match="must be a name, an estimator with fit and predict, or a function, not int"):
        black_box(3, 0)  # type: ignore[arg-type]
