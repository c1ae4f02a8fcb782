"""`zerosum theory`: the table, the files, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from shell import Call

from zerosum.cli.commands import theory
from zerosum.cli.commands.theory import _plain
from zerosum.theory.claim import Claim, Topic, outcome
from zerosum.theory.topics import TOPICS


def test_a_topic_leaves_its_claims_and_pictures(call: Call) -> None:
    code, out, err = call("theory", "parallel-lines", "--out", "here")
    assert code == 0, err
    claims = TOPICS["parallel-lines"].claims
    assert all(claim.statement in out for claim in claims) and out.count("  holds") == len(claims)
    assert f"{len(claims)} of {len(claims)} claims hold" in out and "FAILS" not in out
    record = json.loads(Path("here/claims.json").read_text())
    assert [told["statement"] for told in record["parallel-lines"]] == [claim.statement for claim in claims]
    assert record["parallel-lines"][0]["measured"] == "inf" and all(told["holds"] for told in record["parallel-lines"])
    with Image.open("here/parallel-lines.png") as picture:
        assert picture.width > picture.height > 200
    assert str(Path("here/parallel-lines.png")) in out


@pytest.mark.parametrize("name", ["saddle", "likelihood"])
def test_pictures_of_what_was_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GAN that played ten rounds is drawn as well as one that converged."""
    from zerosum.theory import likelihood

    monkeypatch.setattr(likelihood.fit_gan, "__defaults__", (10, 0))
    monkeypatch.setattr(likelihood.nearest, "__defaults__", (2,))
    topic = TOPICS[name]
    for path in topic.draw(topic.experiment(), tmp_path):
        assert path.stat().st_size > 3000


def test_the_four_panels_and_the_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerosum.theory import figure_1

    monkeypatch.setattr(figure_1, "ALONE", 10)
    monkeypatch.setattr(figure_1, "TOGETHER", 30)
    still, film = figure_1.draw(figure_1.experiment(), tmp_path)
    with Image.open(still) as picture:
        assert picture.width > 3 * picture.height
    with Image.open(film) as moving:
        assert moving.n_frames > 5  # type: ignore[attr-defined]


def test_a_claim_that_fails_is_named_and_told_by_the_exit_code(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = (Claim("one is two", "nobody", 2.0, float), Claim("one is one", "everybody", 1.0, float))
    monkeypatch.setitem(TOPICS, "numbers", Topic("numbers", "of few", lambda: 1.0, claims))
    code, out, err = call("theory", "numbers", "--out", "here")
    assert code == 1 and "FAILS" in out and "1 of 2 claims hold" in out and "numbers: 1 of 2 claims hold" in err
    assert [told["holds"] for told in json.loads(Path("here/claims.json").read_text())["numbers"]] == [False, True]


@pytest.mark.parametrize("name", list(TOPICS))
def test_every_topic_tells_how_far_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerosum.theory import figure_1, gradient, likelihood, optimum
    from zerosum.theory.progress import watched

    monkeypatch.setattr(likelihood.fit_gan, "__defaults__", (10, 0))
    monkeypatch.setattr(likelihood.nearest, "__defaults__", (2,))
    monkeypatch.setattr(figure_1, "ALONE", 10)
    monkeypatch.setattr(figure_1, "TOGETHER", 30)
    monkeypatch.setattr(gradient, "ROUNDS", 16)
    train = optimum.train_discriminator
    monkeypatch.setattr(optimum, "train_discriminator", lambda pair, seed, steps: train(pair, seed, 5))
    told: list[tuple[str, int, int]] = []
    with watched(lambda *step: told.append(step)):
        TOPICS[name].experiment()
    assert len(told) >= 10 and all(what and 0 <= done <= total for what, done, total in told)


def test_a_long_topic_prints_lines(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theory, "EVERY", 0.0)
    code, out, err = call("theory", "parallel-lines", "--out", "here")
    assert code == 0 and "parallel-lines: measuring at each theta, 7 of 21" in err and "measuring" not in out


def test_mistakes(call: Call) -> None:
    code, _, err = call("theory", "sadle")
    assert code == 2 and "there is no topic 'sadle'; did you mean 'saddle'?" in err
    code, _, err = call("theory", "xyz")
    assert code == 2 and "there are optimum" in err
    Path("file").write_text("")
    code, _, err = call("theory", "saddle", "--out", "file")
    assert code == 2 and err == "zerosum: file: File exists\n"


def test_json_has_no_infinity() -> None:
    claim: Claim[float] = Claim("says", "source", 1.0, lambda found: found)
    assert [_plain(outcome(claim, v))["measured"] for v in (1.5, float("inf"), float("nan"))] == [1.5, "inf", "nan"]
