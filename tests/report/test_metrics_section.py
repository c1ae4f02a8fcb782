"""The report's section on metrics: the scores of `evaluation.json`, and their place between the reference scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import NASTY, Checked, page_of, record

from zerosum.evaluation import protocol
from zerosum.evaluation.protocol import FORMAT, Evaluation, Protocol, Result, Target
from zerosum.metrics.score import Score
from zerosum.report.metrics import _placing, scores

STAMP = Protocol(
    metric="frechet",
    settings={},
    extractor="digits",
    identity="0123456789abcdef",
    resizing="none",
    precision="8-bit images, float32 features",
    real=5000,
    fake=4000,
    shape=(1, 28, 28),
    reference="fedcba9876543210",
    held_out="",
    seed=7,
    truncation=None,
)


def evaluation(*results: Result, step: int | None = 200) -> Evaluation:
    return Evaluation(
        format=FORMAT,
        target=Target("run", "/runs/a", "wgan-gp/images", step, True),
        against="digits",
        references={"real": "1,000 other samples of digits", "noise": "4,000 samples of uniform noise"},
        results=results or (FRECHET, PRECISION),
        notes=(),
        versions={"torch": "9.8.7"},
        created="2026-03-01T12:30:05+00:00",
    )


FRECHET = Result(
    STAMP, {"distance": Score(3.25, "lower", (3.0, 3.5), "jackknife", {"real": 0.5, "noise": 500.0})}, (), 1.0
)
PRECISION = Result(
    replace(STAMP, metric="precision-recall", settings={"k": 3}, held_out="mnist:test"),
    {
        "precision": Score(0.6, "higher", (0.55, 0.65), "", {"real": 0.9, "noise": 0.1}),
        "recall": Score(0.4, "higher"),
    },
)


def test_every_score_has_its_row(run: Path) -> None:
    protocol.write(evaluation(), run / protocol.FILE)
    text, page = page_of(run)
    assert "<h2>Metrics</h2>" in text and "Not measured yet" not in text
    cells = ["frechetdistance \u21933.253 to 3.55000.5", "precision-recallprecision \u21910.60.55 to 0.650.10.9"]
    for row in (*cells, "recall \u21910.4"):
        assert row in page.text
    assert "Samples of the averaged weights of step 200, compared with digits on 2026-03-01." in page.text
    assert (
        "Each score comes with a 95 % confidence interval and two reference scores: real is 1,000 other samples of "
        "digits; noise is 4,000 samples of uniform noise."
    ) in page.text
    assert [bar["aria-label"] for bar in page.all("div") if bar.get("class") == "scale"] == [
        "73% of the way from noise to real data on a log scale",
        "62% of the way from noise to real data",
    ]


def test_the_protocol_is_folded(run: Path) -> None:
    protocol.write(evaluation(), run / protocol.FILE)
    text, page = page_of(run)
    folded = text[text.index("<details><summary>How it was measured") :].partition("</details>")[0]
    for word in ("0123456789abcdef", "5,000", "4,000", "1 \u00d7 28 \u00d7 28", "9.8.7", "none", "Heusel et al., 2017"):
        assert folded.count(word) == 1 or word in ("none",)
    assert '<span class="chip">k: 3</span>' in folded and '<span class="chip">held out: mnist:test</span>' in folded
    assert page.all("details")


def test_how_to_measure_a_run_that_is_not_measured(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    text, _ = page_of(Path("a run"))
    assert "<h3>Not measured yet</h3><pre>zerosum evaluate &#x27;a run&#x27;</pre>" in text
    (run / "run.json").write_text(json.dumps(record(recipe="own.py:mine")))
    assert "zerosum evaluate &#x27;a run&#x27; --recipe own.py:mine</pre>" in page_of(Path("a run"))[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\x00", b'{"format": 99}', b"[" * 100_000])
def test_a_damaged_evaluation_is_a_note(run: Path, content: bytes) -> None:
    (run / protocol.FILE).write_bytes(content)
    _, page = page_of(run)
    assert "evaluation.json is damaged, or of another version" in page.text
    assert "Not measured yet" in page.text


def test_an_evaluation_of_another_version_is_a_note(run: Path) -> None:
    protocol.write(replace(evaluation(), format=FORMAT + 1), run / protocol.FILE)
    assert "evaluation.json is damaged, or of another version" in page_of(run)[1].text


def test_what_makes_scores_doubtful_is_a_note(run: Path) -> None:
    doubtful = replace(FRECHET, warnings=("4,000 fakes are few",))
    protocol.write(replace(evaluation(doubtful, step=120), notes=("drawn with truncation",)), run / protocol.FILE)
    _, page = page_of(run)
    assert "Measured at step 120, but the run is now at step 200: measure again." in page.text
    assert "frechet: 4,000 fakes are few" in page.text and "drawn with truncation" in page.text


def test_without_reference_scores_there_are_no_columns_for_them(run: Path) -> None:
    bare = replace(FRECHET, scores={"distance": Score(3.25, "lower")})
    protocol.write(replace(evaluation(bare), references={}), run / protocol.FILE)
    _, page = page_of(run)
    assert (
        "noise to real" not in page.text and "confidence interval. " in page.text and "distance \u21933.25" in page.text
    )
    protocol.write(evaluation(), run / protocol.FILE)
    assert "noise to real" in page_of(run)[1].text


def referenced(
    value: float, real: float, noise: float, better: str = "lower", interval: tuple[float, float] | None = None
):
    return Score(value, better, interval, "", {"real": real, "noise": noise})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figure", "place"),
    [
        (referenced(0.5, 1.0, 0.0, "higher"), (0.5, 0.5, 0.5)),
        (referenced(0.5, 1.0, 0.0, "higher", (0.4, 0.7)), (0.4, 0.5, 0.7)),
        (referenced(1.5, 1.0, 0.0, "higher"), (1, 1, 1)),
        (referenced(-3.0, 1.0, 0.0, "higher", (-4, 0.25)), (0, 0, 0.25)),
        (referenced(0.75, 0.5, 1.0), (0.5, 0.5, 0.5)),
        (referenced(0.75, 0.5, 1.0, interval=(0.6, 1.0)), (0, 0.5, 0.8)),
        (referenced(10.0, 1.0, 100.0), (0.5, 0.5, 0.5)),
        (referenced(10.0, -1e-6, 1000.0), (2 / 3, 2 / 3, 2 / 3)),  # three orders of magnitude at most
        (referenced(-1.0, -1e-6, 1000.0, interval=(-2.0, 100.0)), (1 / 3, 1, 1)),
    ],
)
def test_places_between_noise_and_real_data(figure: Score, place: tuple[float, float, float]) -> None:
    assert _placing(figure) == pytest.approx(place)


@pytest.mark.parametrize(
    "figure",
    [
        Score(1.0, "lower"),
        Score(1.0, "lower", references={"real": 0.0}),
        referenced(1.0, 0.0, 1.0, "none"),
        referenced(1.0, 2.0, 2.0),
        referenced(1.0, 2.0, 1.0),  # noise is better than real data: such a figure says nothing
        referenced(float("nan"), 0.0, 1.0),
        referenced(1.0, float("inf"), 1.0, "higher"),
        referenced(0.5, 0.1, 1.0, interval=(float("nan"), 1.0)),
    ],
)
def test_no_place_where_it_says_nothing(figure: Score) -> None:
    assert _placing(figure) is None


def test_strange_numbers_and_names_do_no_harm() -> None:
    stamp = replace(STAMP, metric=NASTY, extractor=NASTY, resizing=NASTY, settings={NASTY: NASTY}, truncation=0.5)
    values = {
        NASTY: Score(
            float("nan"), "lower", (float("-inf"), float("inf")), NASTY, {"real": float("nan"), "noise": 1e308}
        ),
        "zero": Score(0.0, "higher", (0.0, 0.0), "", {"real": 0.0, "noise": 0.0}),
    }
    strange = replace(
        evaluation(Result(stamp, values, (NASTY,)), step=None),
        references={"real": NASTY, "noise": NASTY},
        notes=(NASTY,),
        versions={NASTY: NASTY},
        against=NASTY,
    )
    text = scores(strange, 5)
    assert "<script" not in text
    assert Checked(text).text.count(NASTY) > 8


def test_no_results_at_all(run: Path) -> None:
    protocol.write(replace(evaluation(), results=()), run / protocol.FILE)
    text, _ = page_of(run)
    assert "How it was measured" not in text
