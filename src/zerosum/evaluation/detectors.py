"""Detectors of scikit-learn, which find a vector malicious or benign: black boxes that are fitted, and asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zerosum.errors import ZerosumError, unknown
from zerosum.util import memory

Answers = Callable[[NDArray[np.uint8]], Any]  # vectors (N, D) to (N,): 1 or True of malicious ones


@runtime_checkable
class Estimator(Protocol):
    """What scikit-learn calls a classifier; fitted to vectors (N, D) and classes (N,), 1 for malicious ones."""

    def fit(self, vectors: NDArray[np.uint8], classes: NDArray[np.int64], /) -> Any: ...
    def predict(self, vectors: NDArray[np.uint8], /) -> NDArray[np.int64]: ...


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, max_depth=3, random_state=seed % SEEDS)


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, random_state=seed % SEEDS)


def _tree(seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=seed % SEEDS)


def _svm(seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(random_state=seed % SEEDS)


def _mlp(seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((64,), early_stopping=True, random_state=seed % SEEDS)


def _vote(seed: int) -> Any:
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier([(name, make(seed)) for name, make in DETECTORS.items() if name != "vote"])


SEEDS = 2**32  # that scikit-learn takes
DETECTORS: Mapping[str, Callable[[int], Any]] = {  # of a seed
    "forest": _forest,
    "logistic": _logistic,
    "tree": _tree,
    "svm": _svm,
    "mlp": _mlp,
    "vote": _vote,
}


def find(name: str, seed: int) -> Estimator:
    """A new detector of this name, that has not learnt; a `ZerosumError` where there is none."""
    if name not in DETECTORS:
        raise ZerosumError(unknown("detector", name, DETECTORS))
    return DETECTORS[name](seed)


@dataclass(frozen=True)
class BlackBox:
    """A detector whose answers alone are known: binary vectors, bool (N, D), to bool (N,), whether each is malicious.

    Args:
        name: what it is called in sentences.
        predict: vectors, an array uint8 (N, D), to (N,) numbers or bools: 1 of malicious ones, 0 of others.
        estimator: what it was fitted as, to be fitted again; None of what only answers.
    """

    name: str
    predict: Answers
    estimator: Estimator | None = None

    def __call__(self, vectors: Tensor) -> Tensor:
        """Raises `ZerosumError`: it fails, or answers something else."""
        with _named(self.name, "answer"):
            given = np.asarray(self.predict(_array(vectors)))
        if given.shape != (len(vectors),):
            raise ZerosumError(
                f"{self.name} answers {given.shape} to {len(vectors)} vectors; a detector gives each one number, 1 "
                "where it is malicious"
            )
        known = np.isin(given, (0, 1)) if given.dtype.kind in "biuf" else np.zeros(given.shape, np.bool_)
        if not known.all():
            raise ZerosumError(
                f"{self.name} answers {given[~known][0].item()!r:.60}, and a detector 1 where a vector is malicious, "
                "else 0: compare probabilities with a threshold, or number its classes so"
            )
        return torch.from_numpy(given.astype(np.bool_))

    def fitted(self, malicious: Tensor, benign: Tensor) -> BlackBox:
        """The same, that has learnt from vectors, bool (N, D) and (M, D), alone; itself, if it only answers.

        Raises:
            ZerosumError: the estimator fails.
        """
        if self.estimator is None:
            return self
        with _named(self.name, "learn"):
            learnt = fit(self.estimator, malicious, benign)
        return BlackBox(self.name, learnt.predict, self.estimator)


def fit(estimator: Estimator, malicious: Tensor, benign: Tensor) -> Any:
    """A copy of an estimator that has learnt from vectors, bool (N, D) and (M, D).

    Both classes weigh alike: where one has several times as many vectors, those of the other are repeated as often.
    """
    most = max(len(malicious), len(benign))
    sides = [side.repeat(max(1, round(most / max(1, len(side)))), 1) for side in (malicious, benign)]
    own = copy.deepcopy(estimator)
    own.fit(_array(torch.cat(sides)), np.repeat(np.array([1, 0]), [len(side) for side in sides]))
    return own


def _array(vectors: Tensor) -> NDArray[np.uint8]:
    """A copy, which a detector may change."""
    return vectors.to(torch.uint8).numpy()


@contextmanager
def _named(name: str, what: str) -> Iterator[None]:
    """Whatever a user's detector raises as a `ZerosumError` that names it."""
    try:
        yield
    except Exception as error:
        if memory.is_failure(error):
            raise
        raise ZerosumError(f"{name} does not {what}: {type(error).__name__}: {error}") from error


def black_box(detector: str | Estimator | Answers, seed: int) -> BlackBox:
    """A detector by its name, or of an estimator, which is copied before it learns, or of a function that only answers.

    Raises:
        ZerosumError: there is none of this name, or it is none of these.
    """
    if isinstance(detector, str):
        own = find(detector, seed)
        return BlackBox(detector, own.predict, own)
    name = getattr(detector, "__name__", type(detector).__name__)
    if isinstance(detector, type):
        raise ZerosumError(f"{name} is a class of detectors; give one of them, {name}()")
    if isinstance(detector, Estimator):
        return BlackBox(name, detector.predict, detector)
    if not callable(detector):
        raise ZerosumError(f"detector must be a name, an estimator with fit and predict, or a function, not {name}")
    return BlackBox(name, detector)
