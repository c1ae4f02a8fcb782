"""Valid answers: the share, the productions, and of what runs and data they can be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import zerosum
from zerosum.data.text.dialogues import dialogues_by_rule
from zerosum.errors import ZerosumError
from zerosum.metrics.answers import found_of
from zerosum.run import sampling

SMALL = {
    "network": {"embedding": 8, "hidden": 16, "filters": 0.05, "critic": 4},
    **{"pretrain_generator": 30, "pretrain_discriminator": 2, "d_steps": 1, "rollouts": 1, "batch_size": 32},
    **{"health": False, "quiet": True},
}


def test_valid_answers_and_the_productions_that_they_use() -> None:
    rules = dialogues_by_rule()
    found = found_of(rules, ["is anna in the hall ?"] * 4, ["yes , she is", "no , she is", "yes , she is", "she is"])
    assert found.valid == 0.5 and found.coverage * found.productions == pytest.approx(1)
    assert found.productions == len(rules.answers.productions) > 150
    assert found_of(rules, ["is anna in the hall ?"], ["yes"]).coverage == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("answers") / "run"
    zerosum.train("dialogue/lines", "dialogues", path, steps=33, **SMALL)
    return path


def test_it_measures_both_parts_beside_references(run: Path) -> None:
    found = zerosum.evaluate(run, metrics=["answers:answers=200"], samples=200)["answers"].scores
    assert [*found] == ["valid", "coverage", "valid, held out", "coverage, held out"]
    for name, score in found.items():
        assert [*score.references] == ["real", "shuffled", "greedy"]
        if name.startswith("valid"):
            assert score.references["real"] == 1 > score.references["shuffled"] and score.interval is not None
            assert 0 <= score.value < 1


def test_of_other_runs_and_data_it_cannot_be_measured(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ZerosumError, match="cannot be compared with sentences"):
        zerosum.evaluate(run, against="sentences", metrics=["answers"], samples=100)
    zerosum.train("gan/toy", "ring", tmp_path / "ring", steps=2, health=False, quiet=True)
    with pytest.raises(ZerosumError, match="it is for texts"):
        zerosum.evaluate(tmp_path / "ring", metrics=["answers"], samples=100)
    table = tmp_path / "own.tsv"
    rows = "".join(f"who {k} ?\tanna {k}\nwhere {k} ?\there {k}\n" for k in range(40))
    table.write_text(f"question\tanswer\n{rows}")
    zerosum.train("dialogue/lines", str(table), tmp_path / "own", steps=32, **SMALL)
    with pytest.raises(ZerosumError, match=r"no grammar knows the answers of .*own\.tsv, only those of dialogues"):
        zerosum.evaluate(tmp_path / "own", metrics=["answers"], samples=40)


def test_truncation_is_honoured_and_the_record_says_what_was_measured(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def watched(*arguments: Any, **options: Any) -> Tensor:
        asked.append(options["truncation"])
        return drawn(*arguments, **options)

    drawn = sampling.sample
    monkeypatch.setattr(sampling, "sample", watched)
    protocol = zerosum.evaluate(run, metrics=["answers:answers=200"], samples=50, truncation=0.5)["answers"].protocol
    assert asked == [0.5, 0.5] and (protocol.truncation, protocol.fake) == (0.5, 200)
