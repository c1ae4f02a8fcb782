"""`zerosum audit` end to end, from Python and as a person types it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_vectors import vectors
from PIL import Image
from pydantic import TypeAdapter

import zerosum
from zerosum import ZerosumError, data
from zerosum.data.dataset import Field, dataset_of
from zerosum.modality import Binary, Classes
from zerosum.workflows.audit import PAPER, Audit, Round, split

QUICK: dict[str, Any] = {"steps": 100, "rounds": 1}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Path]:
    out = tmp_path_factory.mktemp("audit") / "out"
    return zerosum.audit(vectors(), "logistic", out=out, steps=300, seed=1), out


def test_what_is_written_is_what_was_found(audited: tuple[Audit, Path]) -> None:
    found, out = audited
    assert sorted(path.name for path in out.iterdir()) == ["audit.json", "audit.png", "evading-1.npz", "evading-2.npz"]
    record = json.loads((out / "audit.json").read_text())
    assert record["rounds"][0]["attacked"] == found.rounds[0].attacked and record["detector"] == "logistic"
    with np.load(out / "evading-1.npz") as file:
        made, original = file["samples"], file["original"]
    assert made.shape == original.shape == (found.tested[0], 24) and bool((made >= original).all())
    assert round(float((made != original).sum(1).mean()), 2) == found.rounds[0].added
    assert data.load(str(out / "evading-1.npz")).modality == Binary(24), "it is data as any other"
    with Image.open(out / "audit.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 20


def test_a_detector_is_fooled_learns_and_is_attacked_again(audited: tuple[Audit, Path]) -> None:
    first, second = audited[0].rounds
    assert first.detected > 0.9 and first.false_alarms < 0.1
    assert first.attacked < 0.05 < 0.5 < first.at_random
    assert first.retrained is not None and first.retrained > 0.75
    assert second.detected == first.detected_after and second.false_alarms == first.false_alarms_after
    last = audited[0].rounds[-1]
    assert last.retrained is not None


def test_the_parts_share_no_vector_and_have_all() -> None:
    given = vectors(4000)
    assert given.y is not None
    x, first = given.x.unique(dim=0, return_inverse=True)
    malware = torch.zeros(len(x), dtype=torch.bool)
    malware[first[given.y == 1]] = True  # each vector once, in one class
    parts = split(x, malware, "vectors", "different", 0)
    malicious = [parts.tested[0], parts.chosen_by, parts.detector[0], parts.attacker[0]]
    benign = [parts.tested[1], parts.detector[1], parts.attacker[1]]
    for own, sides, shares in (
        (malware, malicious, (0.25, 0.1, 0.325, 0.325)),
        (~malware, benign, (0.25, 0.375, 0.375)),
    ):
        rows = [{tuple(row) for row in side.tolist()} for side in sides]
        count = int(own.sum())
        assert len(set.union(*rows)) == sum(map(len, rows)) == count, "no vector is in two parts, and all are in one"
        assert all(abs(len(side) / count - share) < 0.04 for side, share in zip(sides, shares, strict=True))


def test_few_benign_vectors_are_enough_where_a_part_has_some() -> None:
    given = vectors()
    assert given.y is not None
    kept = (given.y == 1) | (torch.arange(1200) % 6 == 0)
    own = dataset_of("own", {name: replace(field, stored=field.stored[kept]) for name, field in given.fields.items()})
    found = zerosum.audit(own, "logistic", steps=2, rounds=1)
    assert min(found.tested[1], found.learnt[1], found.attackers[1]) >= 20 and found.tested[1] < 80


def test_unlabelled_vectors_are_left_out() -> None:
    given = vectors()
    assert given.y is not None
    y = torch.where(torch.arange(1200) % 3 == 0, -1, given.y)
    own = dataset_of("own", {**given.fields, "y": replace(given.fields["y"], stored=y)})
    found = zerosum.audit(own, "logistic", steps=2, rounds=1)
    assert sum(map(sum, (found.learnt, found.attackers, found.tested))) < 800
    for known in (-1, 0):
        only = dataset_of("own", {**given.fields, "y": replace(given.fields["y"], stored=torch.full((1200,), known))})
        with pytest.raises(ZerosumError, match="own has labelled vectors of one class alone; give some of each"):
            zerosum.audit(only, "logistic", **QUICK)


def test_minus_one_is_no_class() -> None:
    given = vectors()
    y = torch.where(torch.arange(1200) % 2 == 0, -1, 0)
    own = dataset_of("own", {"x": given.fields["x"], "y": Field(Classes(("1",)), y)})
    with pytest.raises(ZerosumError, match=r"own has the class 1 alone, .* \(-1 is no label: number them from 0\)$"):
        zerosum.audit(own, **QUICK)


def test_what_is_asked_for_is_recorded() -> None:
    found = zerosum.audit(vectors(), "tree", changeable=[3, "f5"], steps=2, rounds=1, config=PAPER, seed=2**62)
    assert found.changeable == ("f3", "f5") and found.config == PAPER and found.seed == 2**62
    assert {"scikit-learn", "torch", "zerosum"} <= found.versions.keys()
    record = json.loads(TypeAdapter(Audit).dump_json(found))
    assert record["config"]["objective"] == "minimax" and record["config"]["exploration"] == 0.0


def test_false_alarms_after_learning_are_said() -> None:
    class Burnt:
        """Learns once, and then finds everything malicious."""

        malicious = False

        def fit(self, vectors: Any, classes: Any) -> None:
            self.malicious = len(classes) > 600

        def predict(self, vectors: Any) -> Any:
            return np.ones(len(vectors)) if self.malicious else vectors[:, :2].sum(1) > vectors[:, -6:].sum(1) / 3

    found = zerosum.audit(vectors(), Burnt(), steps=60, rounds=1)
    (one,) = found.rounds
    assert one.false_alarms_after == 1.0 and one.retrained == 1.0 and one.false_alarms < 0.3
    assert "it detects 100.0% of them, with 100.0% false alarms" in found.lines()[2]


def test_equal_vectors_are_in_one_part() -> None:
    given = vectors()
    x = given.x[:60].repeat(20, 1)  # sixty different ones, each twenty times
    twins = dataset_of(
        "twins", {"x": Field(given.modality, x), "y": Field(Classes(("0", "1")), torch.arange(1200) % 2)}
    )
    found = zerosum.audit(twins, lambda own: own[:, 0], **QUICK)
    for counts in (found.learnt, found.attackers, found.tested):
        assert all(count % 20 == 0 for count in counts)


def test_only_features_that_may_change_are_added() -> None:
    found = zerosum.audit(vectors(), "logistic", changeable=["f13", "f22"], steps=150)
    assert found.changeable == ("f13", "f22") and set(found.most_added) <= {"f13", "f22"} and found.rounds[0].added <= 2


def test_same_and_different_vectors() -> None:
    different, same = (zerosum.audit(vectors(), "tree", knows=knows, **QUICK) for knows in ("different", "same"))
    assert same.attackers == same.learnt == different.learnt != different.attackers
    assert same.rounds[0].detected == different.rounds[0].detected


def test_equal_seeds_find_the_same_and_others_something_else() -> None:
    one, same, other = (zerosum.audit(vectors(), "forest", seed=seed, **QUICK) for seed in (0, 0, 1))
    assert one == same and one.rounds != other.rounds


def test_a_function_is_asked_alone() -> None:
    asked = 0

    def counted(own: Any) -> Any:
        nonlocal asked
        asked += len(own)
        return own[:, :2].sum(1) >= 1

    found = zerosum.audit(vectors(), counted, steps=40, rounds=1)
    (one,) = found.rounds
    assert one.retrained is None and one.detected_after is None and found.detector == "counted"
    assert one.queries < asked, "what is measured is no query of MalGAN's"
    assert one.attacked == one.detected, "no addition lowers a sum"
    assert "counted is not fooled: of" in found.lines()[0]


def test_what_it_comes_to() -> None:
    def lines(attacked: float, count: int = 100_000, **other: float) -> list[str]:
        one = Round(0.96, 0.01, attacked, 0.8, 12.5, 1000, **other)
        many = dict.fromkeys(("data", "fingerprint", "malicious", "knows"), "")
        return Audit(
            "forest", features=128, changeable=None, learnt=(1, 1), attackers=(1, 1), tested=(count, 1), config=PAPER,
            steps=1, seed=0, rounds=(one, one) if other else (one,), most_added={"7": 0.5}, versions={}, **many,
        ).lines()  # fmt: skip

    said = lines(0.04)
    assert said[0] == (
        "forest is fooled: of 100,000 malicious vectors it detects 96.0%, and 4.0% (95 %: 3.9% to 4.1%) when MalGAN "
        "adds 12.5 of 128 features to each; as many added at random leave 80.0%"
    )
    assert said[-1] == "most often added: 7 (50%)" and len(said) == 3
    assert "is fooled in part" in lines(0.05)[0] and "is fooled in part" in lines(0.86)[0]
    assert "is not fooled" in lines(0.88)[0] and "is fooled in part" in lines(0.88, 20)[0], "of few nobody knows"
    assert "is fooled in part" in lines(0.04, 20)[0]
    after = lines(0.0, retrained=0.99, detected_after=0.9, false_alarms_after=0.3)[2]
    assert after == (
        "when it has learnt from such vectors, it detects 99.0% of them, with 30.0% false alarms; under a new attack "
        "it detects 0.0%"
    )


# -- what cannot be audited -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        ("digits", {}, r"digits holds images of 1x28x28, .*binary vectors; give a .csv or .npz file"),
        ("ring", {}, r"ring holds points of 2 numbers, .* save whether each is there, as booleans"),
        ("vectors", {"malicious": "worse"}, r"there is no class 'worse'"),
        ("vectors", {"changeable": ["f3", "f33"]}, r"there is no feature 'f33'; did you mean 'f3'\?"),
        ("vectors", {"changeable": []}, r"no feature may be added"),
        ("vectors", {"knows": "all"}, r"knows must be 'different' or 'same', not 'all'"),
        ("vectors", {"steps": 0}, r"steps"),
        ("vectors", {"rounds": 0}, r"rounds"),
        ("vectors", {"seed": -1}, r"seed"),
        ("vectors", {"seed": 2**63}, r"seed"),
        ("vectors", {"changeable": "f3"}, r"changeable must be names or numbers of features, a list of them, not 'f3'"),
        ("vectors", {"changeable": 3}, r"changeable must be names or numbers of features, a list of them, not 3"),
        ("vectors", {"changeable": [24]}, r"there is no feature '24'; there are f0, .*, or numbers from 0 to 23"),
        ("vectors", {"detector": lambda own: own[:, -6:].sum(1) > 3}, r"tells nothing apart: turn its answers round"),
        ("vectors", {"detector": "forrest"}, r"did you mean 'forest'\?"),
        (
            "vectors",
            {"detector": lambda own: np.ones(len(own))},
            r"finds every vector malicious, so that nothing can be",
        ),
        ("vectors", {"detector": lambda own: np.zeros(len(own))}, r"finds every vector benign"),
        (
            "few",
            {},
            r"few has 40 malicious and 40 benign vectors, of which a part has \d+ of a class, and 20 are needed",
        ),
        (
            "one class",
            {},
            r"one class has the class bad alone, and a detector tells malicious vectors from benign ones",
        ),
        ("no class", {}, r"no class has no classes, .* called label"),
        (
            "three",
            {},
            r"three has the classes a, b, c; say by --malicious which is to be detected: all others are benign",
        ),
    ],
)
def test_what_cannot_be_audited_is_named(given: str, options: dict[str, Any], says: str, tmp_path: Path) -> None:
    own: Any = given
    whole = vectors()
    kind = whole.fields["x"]
    if given == "vectors":
        own = whole
    elif given == "few":
        own = dataset_of("few", dict(vectors(80).fields))
    elif given == "one class":
        own = dataset_of(given, {"x": kind, "y": Field(Classes(("bad",)), torch.zeros(1200, dtype=torch.int64))})
    elif given == "no class":
        own = dataset_of(given, {"x": kind})
    elif given == "three":
        own = dataset_of(given, {"x": kind, "y": Field(Classes(("a", "b", "c")), torch.arange(1200) % 3)})
    with pytest.raises(ZerosumError, match=says) as caught:
        zerosum.audit(own, out=tmp_path / "out", **{"steps": 5, "rounds": 1, **options})
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("classes", "malicious"),
    [(("bad", "clean"), "bad"), (("benign", "Malware"), "Malware"), (("0", "1"), "1"), (("cats", "dogs"), None)],
)
def test_the_class_that_is_called_malicious_is_it(classes: tuple[str, str], malicious: str | None) -> None:
    given = vectors()
    own = dataset_of("own", {**given.fields, "y": replace(given.fields["y"], modality=Classes(classes))})
    if malicious is None:
        with pytest.raises(ZerosumError, match=r"own has the classes cats, dogs; say by --malicious which is to be"):
            zerosum.audit(own, **QUICK)
    else:
        assert zerosum.audit(own, "tree", steps=1, rounds=1).malicious == malicious


def test_of_more_than_two_classes_one_is_to_be_named() -> None:
    given = vectors()
    y = torch.arange(1200) % 3
    digits = dataset_of("digits", {**given.fields, "y": Field(Classes(("0", "1", "2")), y)})
    with pytest.raises(ZerosumError, match="say by --malicious which"):
        zerosum.audit(digits, **QUICK)


def test_one_class_of_three_is_audited() -> None:
    given = vectors()
    assert given.y is not None
    y = torch.where(given.y == 1, 1, 2 * (torch.arange(1200) % 4 == 0))
    three = dataset_of("three", {"x": given.fields["x"], "y": Field(Classes(("a", "bad", "c")), y)})
    found = zerosum.audit(three, "logistic", malicious="bad", **QUICK)
    assert found.rounds[0].detected > 0.9 and sum(found.tested) > 240
