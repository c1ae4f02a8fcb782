"""Dialogues on the command line: trained, resumed, asked, evaluated, reported; and what cannot be asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shell import Call

import zerosum
from zerosum.errors import ZerosumError

SMALL = (
    *("--network.embedding", 8, "--network.hidden", 16, "--network.filters", 0.05, "--batch-size", 32),
    *("--pretrain-generator", 40, "--pretrain-discriminator", 5, "--d-steps", 1, "--rollouts", 1),
)
QUESTION = "where is the red ball ?"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dialogues") / "run"
    options = {"pretrain_generator": 120, "pretrain_discriminator": 5, "d_steps": 1, "rollouts": 1, "batch_size": 32}
    network = {"embedding": 16, "hidden": 32, "filters": 0.05}
    zerosum.train("dialogue/lines", "dialogues", path, steps=128, network=network, quiet=True, **options)
    return path


def test_answers_to_one_question_differ_and_are_equal_however_many(call: Call, run: Path) -> None:
    code, out, _ = call("sample", run, "--ask", QUESTION, "-n", 5)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 5 and len(set(lines)) > 1
    assert call("sample", run, "--ask", "Where is the RED ball?", "-n", 3)[1].splitlines() == lines[:3]
    assert call("sample", run, "--text", QUESTION, "-n", 5, "--seed", 1)[1].splitlines() != lines
    assert zerosum.load(run).answer(QUESTION, 5) == lines
    assert len({*zerosum.load(run).answer(QUESTION, 5, truncation=1e-6)}) == 1
    asked = [zerosum.load(run).answer(question, 8, truncation=1e-6)[0] for question in (QUESTION, "did anna see bob ?")]
    assert asked[0] != asked[1]


def test_without_one_questions_of_the_data_stand_before_their_answers(call: Call, run: Path, tmp_path: Path) -> None:
    code, out, _ = call("sample", run, "-n", 12)
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0 and len(rows) == 12 and all(len(row) == 2 for row in rows)
    assert [question for question, _ in rows[:10]] == [*zerosum.load(run).record.data.captions]
    file = tmp_path / "answers.txt"
    assert call("sample", run, "-n", 12, "--out", file)[0] == 0
    assert file.read_text(encoding="utf-8") == out
    assert call("sample", run, "-n", 6, "--out", tmp_path / "sheet.png")[0] == 0


@pytest.mark.parametrize(("arguments", "message"), [
    (("--ask", ""), "--ask is empty"),
    (("--ask", "  "), "the text is empty: write a word at least"),
    (("--ask", "where is the elephant ?"), "nothing that was learnt from has the word 'elephant'"),
    (("--ask", "where is teh ball ?"), "has the word 'teh'; did you mean the?"),
    (("--ask", "the " * 16), "the text has 16 words, and none that was learnt from has more than 15; say less"),
    (("--start", "it is"), "dialogue completes no texts"),
    (("--ask", "where ?", "--to-text", "who ?", "--out", "x.png"), "dialogue draws nothing between texts"),
    (("--class", "3"), "takes no class"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said_in_a_sentence(
    call: Call, run: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = call("sample", run, *arguments)
    assert code == 2 and message in " ".join(err.split()), err
    assert "Traceback" not in err


def test_a_run_without_questions_answers_none(call: Call, tmp_path: Path) -> None:
    assert call("train", "gan/toy", "--steps", 2, "--out", tmp_path / "toy")[0] == 0
    code, _, err = call("sample", tmp_path / "toy", "--ask", "who ?")
    assert code == 2 and "takes no text" in err
    with pytest.raises(ZerosumError, match="gan answers no questions"):
        zerosum.load(tmp_path / "toy").answer("who ?")
    with pytest.raises(ZerosumError, match="are points, and no texts"):
        zerosum.load(tmp_path / "toy").texts(torch.zeros(1, 2))


def test_a_resumed_run_is_equal_to_one_that_never_stopped(call: Call, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for path, steps in ((whole, 48), (parts, 46)):
        code, _, err = call("train", "dialogue/lines", "--steps", steps, "--out", path, "--no-health", *SMALL)
        assert code == 0, err
    assert call("resume", parts, "--steps", 48)[0] == 0
    found = [load_file(next((path / "checkpoints").glob("step-*48")) / "game.safetensors") for path in (whole, parts)]
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_it_is_evaluated_reported_and_not_exported(call: Call, run: Path, tmp_path: Path) -> None:
    code, out, err = call("evaluate", run, "--samples", 200, "--metrics", "answers:answers=100", "distinct-n")
    assert code == 0 and "valid, held out" in out and "coverage" in out and "shuffled" in out, out + err
    code, _, err = call("report", run)
    assert code == 0 and QUESTION.split()[0] in (run / "report.html").read_text(encoding="utf-8"), err
    code, _, err = call("export", run, "--out", tmp_path / "g.onnx")
    assert code == 2 and "writes token by token" in err
    code, out, _ = call("data", "check", "dialogues")
    assert code == 0 and "dialogues: 10,000; " in " ".join(out.split()), out


def test_a_table_of_ones_own(call: Call, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    rows = "".join(f"who {k} ?,anna {k}\nwhere {k} ?,here {k}\n" for k in range(40))
    table.write_text(f"question,answer\n{rows}")
    code, _, err = call("train", "dialogue/lines", "--data", table, "--steps", 46, "--out", tmp_path / "own", *SMALL)
    assert code == 0, err
    assert call("sample", tmp_path / "own", "--ask", "who 3 ?", "-n", 2)[0] == 0
    code, _, err = call("train", "seqgan/lines", "--data", table, "--out", tmp_path / "no")
    assert code == 2 and "seqgan/lines draws ids and lengths" in " ".join(err.split())
    code, _, err = call("train", "dialogue/lines", "--data", "sentences", "--out", tmp_path / "no")
    assert code == 2 and "dialogue/lines draws question and answer; sentences has ids, lengths" in " ".join(err.split())
