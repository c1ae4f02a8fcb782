"""Stamps, files and comparisons of results."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from zerosum.errors import ZerosumError
from zerosum.evaluation.compare import compare
from zerosum.evaluation.protocol import FORMAT, Evaluation, Protocol, Result, Target, read, titles, write
from zerosum.evaluation.standing import remark, standing
from zerosum.metrics.score import Score

STAMP = Protocol(
    metric="precision-recall",
    settings={"k": 3},
    extractor="digits",
    identity="0123456789abcdef",
    resizing="none",
    precision="float32",
    real=5000,
    fake=10_000,
    shape=(1, 28, 28),
    reference="fedcba9876543210",
    held_out="",
    seed=0,
    truncation=None,
)
CHANGES: dict[str, Any] = {
    "metric": "other",
    "settings": {"k": 5},
    "extractor": "pixels",
    "identity": "",
    "resizing": "to 28x28",
    "precision": "bfloat16",
    "real": 4999,
    "fake": 50_000,
    "shape": (3, 32, 32),
    "reference": "0000000000000000",
    "held_out": "half",
    "seed": 1,
    "truncation": 0.7,
    "twins": 12,
}


def evaluation(*results: Result) -> Evaluation:
    return Evaluation(
        FORMAT, Target("folder", "/x"), "digits", {"real": "others"}, results, ("a note",), {"torch": "2"}, "2025-01-01"
    )


def result(value: float, interval: tuple[float, float] | None = None, **stamp: Any) -> Result:
    scores = {
        "precision": Score(value, "higher", interval, "binomial", {"real": 0.9}),
        "divergence": Score(value, "lower", interval),
        "z": Score(value),
    }
    return Result(replace(STAMP, **stamp), scores, ("few",), 1.5)


def test_a_file_gives_back_what_was_written(tmp_path: Path):
    made = evaluation(result(0.5, (0.4, 0.6)), result(1 / 3, metric="other", truncation=0.5))
    write(made, tmp_path / "evaluation.json")
    assert read(tmp_path / "evaluation.json") == read(tmp_path) == made
    plain = json.loads((tmp_path / "evaluation.json").read_text())
    assert plain["results"][0]["scores"]["precision"]["interval"] == [0.4, 0.6]
    assert plain["results"][0]["protocol"]["settings"] == {"k": 3}


def test_results_are_found_by_name():
    made = evaluation(result(0.5), result(0.7, (0.6, 0.9), metric="other"))
    assert (made["other"].value, made["other"].interval) == (0.7, (0.6, 0.9))
    with pytest.raises(KeyError):
        made["third"]


def test_there_is_a_change_for_every_field_of_the_stamp():
    assert set(CHANGES) == set(STAMP.__dataclass_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_the_stamp_tells_results_apart(field: str):
    other = replace(STAMP, **{field: CHANGES[field]})
    named = "settings.k" if field == "settings" else field
    before = STAMP.settings["k"] if field == "settings" else getattr(STAMP, field)
    after = other.settings["k"] if field == "settings" else getattr(other, field)
    assert STAMP.differences(other) == {named: (before, after)}
    assert STAMP.differences(replace(STAMP)) == {}


@pytest.mark.parametrize("field", [name for name in CHANGES if name != "metric"])
def test_unequal_stamps_are_refused_by_field_with_both_values(field: str):
    with pytest.raises(ZerosumError, match=r"measured differently: precision-recall: ") as caught:
        compare(evaluation(result(0.5)), evaluation(result(0.5, **{field: CHANGES[field]})))
    message = str(caught.value)
    assert f"{field}.k is 3 in A, 5 in B" in message if field == "settings" else f": {field} is " in message
    assert caught.value.exit_code == 2


def test_one_unequal_metric_refuses_all_unless_others_are_chosen():
    a = evaluation(result(0.5), result(0.5, metric="other"))
    b = evaluation(result(0.5, fake=7), result(0.6, metric="other"))
    with pytest.raises(ZerosumError, match="fake is 10,000 in A, 7 in B"):
        compare(a, b)
    assert {row.metric for row in compare(a, b, metrics=["other"])} == {"other"}


def test_what_is_not_shared_is_said():
    a, b = evaluation(result(0.5)), evaluation(result(0.5, metric="other"))
    with pytest.raises(ZerosumError, match="nothing to compare: A has precision-recall; B has other"):
        compare(a, b)
    with pytest.raises(ZerosumError, match="B has no 'precision-recall'; it has other"):
        compare(a, b, metrics=["precision-recall"])
    assert compare(evaluation(result(0.5), result(0.1, metric="third")), a)[0].metric == "precision-recall"


@pytest.mark.parametrize(
    ("a", "b", "significant"),
    [
        ((0.1, 0.2), (0.3, 0.4), True),
        ((0.3, 0.4), (0.1, 0.2), True),
        ((0.1, 0.3), (0.2, 0.4), False),
        ((0.0, 1.0), None, None),
    ],
)
def test_intervals_that_overlap_leave_it_to_chance(a, b, significant):
    row = compare(evaluation(result(0.5, a)), evaluation(result(0.6, b)))[0]
    assert row.significant is significant


def test_who_is_better():
    precision, divergence, z = compare(evaluation(result(0.5)), evaluation(result(0.6)))
    assert (precision.better, divergence.better, z.better) == ("B", "A", "")
    assert [row.better for row in compare(evaluation(result(0.5)), evaluation(result(0.5)))] == ["equal", "equal", ""]


def test_of_three_the_best_must_be_apart_from_both():
    sides = [(0.5, (0.45, 0.55)), (0.7, (0.65, 0.75)), (0.8, (0.74, 0.86))]
    precision, divergence, z = compare(*(evaluation(result(*side)) for side in sides))
    assert (precision.better, precision.significant) == ("C", False)
    assert (divergence.better, divergence.significant) == ("A", True)
    assert (z.better, z.significant) == ("", None)
    with pytest.raises(ZerosumError, match="name two or more"):
        compare(evaluation(result(0.5)))


def test_the_sides_that_differ_are_named_together():
    a, b, c = (evaluation(result(0.5, seed=seed)) for seed in (0, 1, 1))
    with pytest.raises(ZerosumError, match="precision-recall: seed is 0 in A, 1 in B and C"):
        compare(a, b, c)


def test_what_beats_real_data_is_not_called_better():
    """Real data's precision is 0.9: 0.995 is above it, 0.85 is what one can hope for."""
    sides = [(0.995, (0.99, 0.999)), (0.85, (0.83, 0.87)), (0.7, (0.68, 0.72))]
    a, b, c = (evaluation(result(*side)) for side in sides)
    for order, best in (((a, b), ""), ((a, b, c), "B"), ((c, a), "")):
        row = compare(*order)[0]
        assert row.better == best, order
    assert compare(a, b, c)[0].significant is True


def test_two_settings_of_a_metric_are_compared_each_with_its_own():
    a, b = (evaluation(*(result(value + k / 100, settings={"k": k}) for k in (3, 5))) for value in (0.5, 0.6))
    assert titles(a.results) == ["precision-recall:k=3", "precision-recall:k=5"]
    rows = {row.metric: row for row in compare(a, b) if row.name == "precision"}
    assert [*rows] == titles(a.results)
    assert [score.value for score in rows["precision-recall:k=3"].scores] == pytest.approx([0.53, 0.63])
    assert [score.value for score in rows["precision-recall:k=5"].scores] == pytest.approx([0.55, 0.65])
    (five, *_) = compare(a, b, metrics=["precision-recall:k=5"])
    assert (five.metric, five.scores[0].value) == ("precision-recall:k=5", pytest.approx(0.55))
    alone = evaluation(result(0.7))  # of k = 3
    assert (
        {row.metric for row in compare(a, alone)}
        == {"precision-recall:k=3"}
        == {row.metric for row in compare(alone, a)}
    )
    with pytest.raises(ZerosumError, match=r"A has no 'precision-recall:k=7'; it has precision-recall:k=3, prec"):
        compare(a, b, metrics=["precision-recall:k=7"])
    with pytest.raises(ZerosumError, match="precision-recall:NAME=VALUE"):
        compare(a, b, metrics=["precision-recall:k"])
    others = evaluation(*(result(0.5, settings={"k": k}) for k in (7, 9)))
    with pytest.raises(ZerosumError, match=r"no settings are equal: precision-recall:k=3 and .*k=5 in A, .*k=9 in B"):
        compare(a, others)
    assert titles([result(0.5, metric="psnr", settings={"luma": luma, "border": 0}) for luma in (True, False)]) == [
        "psnr:luma=true", "psnr:luma=false"
    ]  # fmt: skip


def without_references(own: Result) -> Result:
    """As `evaluate --no-references` makes it."""
    return replace(own, scores={name: replace(s, references={}, standing="") for name, s in own.scores.items()})


def test_reference_scores_are_lent_where_protocols_are_equal():
    """Copies have a precision of 1, beside which real data, as the other knows, has .9."""
    copies, honest = without_references(result(1.0, (0.99, 1.0))), result(0.85, (0.83, 0.87))
    row = compare(evaluation(copies), evaluation(honest))[0]
    assert (row.better, row.candidates, row.lenders) == ("", (1,), ("B", ""))
    assert row.scores[0].references == {"real": 0.9} and "no merit" in row.remarks()[0]
    (fewer, *_) = compare(evaluation(copies), evaluation(replace(honest, alike=500)))
    assert fewer.better == "" and "real data's 0.9 in B, of 500 samples: only with its own" in fewer.remarks()[0]
    worse = compare(evaluation(without_references(result(0.7, (0.6, 0.8)))), evaluation(honest))[0]
    assert worse.better == "B" and worse.remarks() == {}


def test_where_nobody_knows_what_real_data_scores_none_is_called_better():
    copies, honest = (evaluation(without_references(result(v, (v - 0.01, v)))) for v in (1.0, 0.85))
    precision, divergence, z = compare(copies, honest)
    assert precision.unknown and divergence.unknown and (precision.better, divergence.better, z.better) == ("", "", "")
    made = (
        without_references(result(0.5, metric="memorization")),
        without_references(result(0.6, metric="memorization")),
    )
    assert compare(*map(evaluation, made))[0].better == "B"  # it compares with held-out data itself


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (Score(0.995, "higher", (0.99, 0.999), references={"real": 0.83, "noise": 0.0}), "better than real data"),
        (Score(0.83, "higher", (0.82, 0.84), references={"real": 0.825, "noise": 0.0}), ""),
        (Score(0.5, "higher", (0.4, 0.6), references={"real": 0.83, "noise": 0.5}), "no better than noise"),
        (Score(60.0, "lower", (55.0, 65.0), references={"real": 0.1, "noise": 58.0}), "no better than noise"),
        (Score(0.01, "lower", (0.005, 0.02), references={"real": 0.1, "noise": 58.0}), "better than real data"),
        (Score(0.6, "higher", (0.5, 0.7), references={"real": 0.9, "noise": 0.99}), "noise wins"),
        (Score(2.4, "higher", references={"real": 1.1}), "better than real data"),
        (Score(2.4, "higher", references={"real": 1.1}, standing=""), ""),
        (Score(2.4, "none", references={"real": 1.1}), ""),
        (Score(2.4, "higher"), ""),
    ],
)
def test_where_a_score_stands(score: Score, says: str):
    assert standing(score) == says
    assert bool(remark("precision", score)) == bool(says)


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize(("value", "of_real", "of_noise", "says"), [
    (0.94, (0.87, 0.93), (0.4, 0.6), "better than real data"),  # .04 is beyond the root of .02^2 + .03^2
    (0.935, (0.87, 0.93), (0.4, 0.6), ""),  # above .9, but the interval of the difference holds 0
    (0.62, (0.87, 0.93), (0.4, 0.6), ""),
    (0.53, (0.87, 0.93), (0.4, 0.6), "no better than noise"),
    (0.53, (0.87, 0.93), None, ""),
])  # fmt: skip
def test_references_are_of_one_draw_too(better: Any, value: float, of_real: Any, of_noise: Any, says: str) -> None:
    sign = 1 if better == "higher" else -1

    def turned(ends: tuple[float, float]) -> tuple[float, float]:
        low, high = sorted(sign * end for end in ends)
        return low, high

    spans = {name: turned(ends) for name, ends in (("real", of_real), ("noise", of_noise)) if ends}
    own = turned((value - 0.02, value + 0.02))
    score = Score(sign * value, better, own, "", {"real": sign * 0.9, "noise": sign * 0.5}, spans)
    assert standing(score) == says


def test_what_is_better_than_noise_but_not_surely_is_said_to_be_that() -> None:
    """A distance of .1 is better than noise's .36, if lower is."""
    score = Score(0.0968, "lower", (-0.3, 0.5), references={"real": 0.01, "noise": 0.3582})
    said = remark("distance", score)
    assert said == "distance 0.0968 is not surely better than noise's 0.3582: the interval is -0.3 to 0.5"
    worse = Score(0.4, "lower", (0.3, 0.5), references={"real": 0.01, "noise": 0.3582})
    assert remark("distance", worse) == "distance 0.4 is no better than noise's 0.3582"


def test_a_score_that_beats_real_data_only_by_as_few_samples_is_not_said_to_do_so_by_all() -> None:
    known = {"real": 0.5, "noise": 0.1}
    all_of_them = Score(0.4, "higher", (0.38, 0.42), references=known, standing="better than real data")
    assert "recall, of as many samples as there are real ones, is better than real data's 0.5," in remark(
        "recall", all_of_them
    )
    assert "recall 0.6 is better than real data's 0.5," in remark(
        "recall", Score(0.6, "higher", (0.58, 0.62), references=known)
    )


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "damaged"),
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda text: "[1, 2]", "damaged"),
        (lambda text: text.replace('"value": 0.5', '"value": "high"', 1), r"results.0.scores.precision.value"),
        (lambda text: text.replace('"value": 0.5', '"value": NaN', 1), "damaged"),
        (lambda text: text.replace('"seed": 0,', "", 1), r"results.0.protocol.seed"),
        (lambda text: text.replace('"seed": 0', '"seed": 0, "more": 1', 1), r"results.0.protocol.more"),
        (
            lambda text: text.replace(f'"format": {FORMAT}', '"format": 99', 1),
            r"by a newer zerosum \(format 99, this one reads up to 2\); update zerosum",
        ),
        (lambda text: text.replace(f'"format": {FORMAT}', '"format": true', 1), "it has no format number"),
        (lambda text: text.replace(f'"format": {FORMAT}', '"format": "2"', 1), "it has no format number"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, damage, says: str):
    file = tmp_path / "evaluation.json"
    write(evaluation(result(0.5)), file)
    file.write_text(damage(file.read_text()))
    with pytest.raises(ZerosumError, match=says) as caught:
        read(file)
    assert str(file) in str(caught.value)


def test_a_file_of_format_1_is_read(tmp_path: Path):
    """Its scores were called figures, their reference scores anchors, the samples of `discriminator` judged."""
    old: dict[str, Any] = {
        "format": 1,
        "target": {"kind": "run", "path": "/r", "recipe": "gan", "step": 7, "averaged": True, "fingerprint": ""},
        "reference": "digits",
        "anchors": {"real": "others"},
        "results": [
            {
                "protocol": {**asdict(STAMP), "metric": "discriminator", "settings": {"judged": 50}},
                "figures": {"order": {"value": 0.5, "better": "none", "interval": None, "anchors": {"real": 0.9}}},
                "warnings": ["few"],
                "seconds": 1.5,
            }
        ],
        "notes": [],
        "versions": {},
        "created": "2025-01-01",
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(old))
    read_back = read(tmp_path)
    assert (read_back.format, read_back.against, read_back.references) == (FORMAT, "digits", {"real": "others"})
    assert read_back["discriminator"].scores == {"order": Score(0.5, references={"real": 0.9})}
    assert read_back["discriminator"].protocol.settings == {"samples": 50}
    del old["results"][0]["figures"]
    (tmp_path / "evaluation.json").write_text(json.dumps(old))
    with pytest.raises(ZerosumError, match=r"damaged, or no evaluation: results.0.scores"):
        read(tmp_path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path):
    with pytest.raises(
        ZerosumError, match=r"there is no evaluation .*evaluation.json; make it with `zerosum evaluate`"
    ):
        read(tmp_path)
