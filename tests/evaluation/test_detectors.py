"""Detectors as black boxes: what may be one, what it may answer, and that it learns from what it is given alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.tree import DecisionTreeClassifier

from zerosum.errors import ZerosumError
from zerosum.evaluation.detectors import DETECTORS, black_box

MALICIOUS = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]] * 10).bool()
BENIGN = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]] * 10).bool()


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


def test_both_classes_weigh_alike() -> None:
    seen: dict[str, Any] = {}

    class Watched:
        def fit(self, vectors: Any, classes: Any) -> None:
            seen["counts"] = np.bincount(classes).tolist()

        def predict(self, vectors: Any) -> Any:
            return vectors[:, 0]

    for malicious, benign, counts in ((2, 1, [40, 40]), (1, 3, [60, 60]), (1, 1, [20, 20])):
        black_box(Watched(), 0).fitted(MALICIOUS[:20].repeat(malicious, 1), BENIGN[:20].repeat(benign, 1))
        assert seen["counts"] == counts


def test_a_detector_gets_bytes_that_it_may_change() -> None:
    def spoils(vectors: Any) -> Any:
        assert vectors.dtype == np.uint8
        answer = vectors[:, 0].copy()
        vectors[:] = 0
        return answer

    x = MALICIOUS.clone()
    assert bool(black_box(spoils, 0)(x).all()) and torch.equal(x, MALICIOUS)


def test_what_a_detector_raises_is_named() -> None:
    class Broken:
        def fit(self, vectors: Any, classes: Any) -> None:
            raise RuntimeError("no licence")

        def predict(self, vectors: Any) -> Any:
            raise KeyError("weights")

    box = black_box(Broken(), 0)
    with pytest.raises(ZerosumError, match="Broken does not learn: RuntimeError: no licence"):
        box.fitted(MALICIOUS, BENIGN)
    with pytest.raises(ZerosumError, match="Broken does not answer: KeyError: 'weights'"):
        box(MALICIOUS)


@pytest.mark.parametrize("seed", [0, 2**32, 2**63 - 101])
def test_every_seed_is_one_for_scikit_learn(seed: int) -> None:
    assert bool(black_box("tree", seed).fitted(MALICIOUS, BENIGN)(MALICIOUS).all())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: np.zeros((len(x), 2)), r"answers \(40, 2\) to 40 vectors"),
        (lambda x: 1, r"answers \(\) to 40 vectors"),
        (lambda x: np.full(len(x), 0.3), r"answers 0.3, and a detector 1 where a vector is malicious, else 0: compare"),
        (lambda x: np.arange(len(x)), r"answers 2, and a detector 1 .* or number its classes so"),
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
    with pytest.raises(ZerosumError, match=r"DecisionTreeClassifier is a class of detectors; give one of them, Dec"):
        black_box(DecisionTreeClassifier, 0)
