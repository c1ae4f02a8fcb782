"""`advgan-mnist` by hand: which rate is the value, what is asked beside it, and a part in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zerosum import data
from zerosum.studies import STUDIES, advgan_mnist
from zerosum.studies.advgan_mnist import ADVGAN_MNIST, CHANCE, LESSONS, OWN, PLAIN, ROBUST, TRANSFERRED
from zerosum.studies.training import Split


def part(seed: int, rate: float, largest: float = 0.3, chance: float = 0.02) -> dict[str, Any]:
    rates = {OWN: rate, "FGSM": 0.99, "PGD": 1.0, CHANCE: chance}
    low = dict.fromkeys(rates, 0.1)
    plain = {"accuracy": 0.99, "success": rates, "largest": 0.29, "l2": 4.0}
    robust = {"accuracy": 0.98, "success": low, "largest": largest, "l2": 3.0, TRANSFERRED: low}
    return {"part": "advgan", "seed": seed, "tested": 9, "rows": {PLAIN: plain, ROBUST: robust}}


def test_the_value_is_the_rate_against_a_classifier_that_learnt_as_usual() -> None:
    assert STUDIES["advgan-mnist"] is ADVGAN_MNIST and ADVGAN_MNIST.parts(0) == ("advgan",)
    summary = ADVGAN_MNIST.summarise([part(0, 0.92), part(1, 0.97)])
    assert summary["values"] == [0.92, 0.97] and summary["largest"] == 0.3 and summary["chance"] == 0.02
    assert summary["rows"][ROBUST]["success"]["PGD"] == [0.1, 0.1] and TRANSFERRED not in summary["rows"][PLAIN]
    assert ADVGAN_MNIST.reached(summary)
    assert "learnt as usual (99.0, 99.0 right): AdvGAN 92.0, 97.0; FGSM 99.0" in ADVGAN_MNIST.ours(summary)


@pytest.mark.parametrize("wrong", [{"rate": 0.8}, {"largest": 0.31}, {"chance": 0.2}])
def test_too_large_changes_and_luck_count_too(wrong: dict[str, float]) -> None:
    assert not ADVGAN_MNIST.reached(ADVGAN_MNIST.summarise([part(0, **{"rate": 0.92, **wrong})]))


def test_both_classifiers_learn_as_their_names_say() -> None:
    assert "pgd_steps" not in LESSONS[PLAIN] and LESSONS[ROBUST]["pgd_steps"] > 0


def test_a_part_is_run_and_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = data.load("digits")
    fields = {name: field.at(slice(0, None, 50)) for name, field in digits.fields.items()}
    few = replace(digits, fields=fields)
    monkeypatch.setattr(Split, "mnist", lambda: Split(digits, few))
    monkeypatch.setattr(advgan_mnist, "PGD", 2)
    monkeypatch.setattr(advgan_mnist, "BATCH", 32)
    found = advgan_mnist.run("advgan", 100, 0.03, tmp_path)
    assert found["tested"] == 10 and {*found["rows"]} == {PLAIN, ROBUST}
    plain, robust = (found["rows"][name] for name in LESSONS)
    assert plain["largest"] <= 0.3 + 1e-6 and [*plain["success"]] == [OWN, "FGSM", "PGD", CHANCE]
    assert [*robust[TRANSFERRED]] == [*plain["success"]] and TRANSFERRED not in plain
    assert (tmp_path / "digits.png").exists()
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    monkeypatch.setattr(advgan_mnist.AdvGAN, "round", None)  # no further step is played
    assert advgan_mnist.run("advgan", 100, 0.03, tmp_path) == found
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
