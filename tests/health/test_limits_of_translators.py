"""Where each verdict on a translator begins: a little beyond every limit it is given, a little within it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_verdicts import GOOD, history

from zerosum.health.history import History
from zerosum.health.verdicts import OF_TRANSLATORS, diagnose

BOARD = {"checkerboard": 1.0, "checkerboard_high": 1.2, "checkerboard_size": 0.1, "checkerboard_peak": 1.0}
PAIRS = {**GOOD, **BOARD, "changed": 1.0, "asked": 0.5, "variation": 1.0, "tie": 0.5, "agreement": 0.9}
PAIRS |= {"following": 0.5, "following_chance": 0.1}
UNPAIRED = {
    **GOOD, **BOARD, "changed": 1.0, "variation": 1.0, "following": 0.5, "following_chance": 0.1, "likeness": 0.2,
    "upright": 2.0, "sight_high": 0.1, "sight": 0.1, "input_frechet": 1.0, "input_sight": 1.0, "gained": 1.0,
    "gained_sight": 1.0, "held": 0.0,
}  # fmt: skip
COPY, ALSO = {"changed": 0.1}, {"input_sight": 0.0}
LIMITS = [
    ("copies its input", PAIRS, {}, {"changed": 0.19}, {"changed": 0.21}),
    ("copies its input", PAIRS, COPY, {"asked": 0.031}, {"asked": 0.029}),
    ("copies its input", UNPAIRED, {}, {"changed": 0.149}, {"changed": 0.151}),
    ("copies its input", UNPAIRED, {**COPY, **ALSO}, {"input_frechet": 0.151}, {"input_frechet": 0.149}),
    ("copies its input", UNPAIRED, {**COPY, **ALSO}, {"gained": 0.81}, {"gained": 0.79}),
    ("copies its input", UNPAIRED, {**COPY, "gained": 0.1}, {"input_sight": 0.31}, {"input_sight": 0.29}),
    ("copies its input", UNPAIRED, {**COPY, "gained": 0.1}, {"gained_sight": 0.81}, {"gained_sight": 0.79}),
    ("inverts colours", PAIRS, {}, {"agreement": -0.31}, {"agreement": -0.29}),
    ("inverts colours", UNPAIRED, {}, {"likeness": -0.51}, {"likeness": -0.49}),
    ("inverts colours", UNPAIRED, {"likeness": -0.9}, {"upright": 1.26}, {"upright": 1.24}),
    ("inverts colours", UNPAIRED, {"upright": 0.5, "held": 1.0}, {"likeness": -0.51}, {"likeness": -0.49}),
    ("inverts colours", UNPAIRED, {"upright": 0.5, "likeness": -0.9}, {"held": 1.0}, {"held": 0.0}),
    ("ignores its input", PAIRS, {}, {"variation": 0.049}, {"variation": 0.051}),
    ("ignores its input", PAIRS, {"following": 0.0}, {"tie": 0.951}, {"tie": 0.949}),
    ("ignores its input", PAIRS, {"tie": 1.0}, {"following": 0.099}, {"following": 0.101}),
    ("ignores its input", UNPAIRED, {}, {"following": 0.099}, {"following": 0.101}),
    ("checkerboard", PAIRS, {"checkerboard_peak": 9.0}, {"checkerboard": 4.81}, {"checkerboard": 4.79}),
    ("checkerboard", PAIRS, {"checkerboard": 9.0}, {"checkerboard_peak": 4.1}, {"checkerboard_peak": 3.9}),
    (
        *("checkerboard", PAIRS, {"checkerboard": 9.0, "checkerboard_peak": 9.0}),
        *({"checkerboard_size": 0.021}, {"checkerboard_size": 0.019}),
    ),
]


def young(old: History) -> History:
    """The same looks in the first hundred steps."""
    made = History(10_000)
    for snapshot in old.snapshots:
        made.add(replace(snapshot, step=snapshot.step // 10))
    return made


@pytest.mark.parametrize(("name", "good", "given", "beyond", "within"), LIMITS)
def test_each_limit(
    name: str, good: dict[str, float], given: dict[str, float], beyond: dict[str, float], within: dict[str, float]
) -> None:
    assert diagnose(history(good=good)).name == "healthy"
    bad = history(good=good, **(given | beyond))
    assert diagnose(bad).name == name
    assert diagnose(history(good=good, **(given | within))).name not in OF_TRANSLATORS
    assert diagnose(young(bad)).name not in OF_TRANSLATORS, "what a translator makes in its first hundred steps"


@pytest.mark.parametrize("signals", [COPY, {"variation": 0.03}])
def test_no_alarm_while_the_distance_falls(signals: dict[str, float]) -> None:
    falling = [{"frechet": 9.0 * 0.7**k} for k in range(12)]
    assert diagnose(history(*falling, good=PAIRS, **signals)).name not in OF_TRANSLATORS
    one_picture = diagnose(history(*falling, good=PAIRS, variation=0.009))
    assert one_picture.name == "ignores its input", "of whatever distance"
    still = [{"frechet": 9.0} for _ in range(12)]
    assert diagnose(history(*still, good=PAIRS, **signals)).name in OF_TRANSLATORS


def test_one_look_that_is_no_copy_is_enough() -> None:
    other = {"changed": 0.5}
    assert diagnose(history({}, {}, good=PAIRS, **COPY)).name == "copies its input"
    assert diagnose(history({}, other, {}, good=PAIRS, **COPY)).name not in OF_TRANSLATORS
    assert diagnose(history(other, *[{}] * 5, good=PAIRS, **COPY)).name == "copies its input", "of the last five looks"


def test_of_a_long_run_the_last_third_counts() -> None:
    """Six bad looks of thirty are too few, ten are enough."""
    assert diagnose(history(*[COPY] * 6, count=24, good=PAIRS)).name not in OF_TRANSLATORS
    assert diagnose(history(*[COPY] * 10, count=20, good=PAIRS)).name == "copies its input"
