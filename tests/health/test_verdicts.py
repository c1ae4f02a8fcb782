"""Verdicts on histories of signals that are written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zerosum.health.history import MIN_SNAPSHOTS, Event, History, Snapshot
from zerosum.health.modes import missing_names
from zerosum.health.signals import SIGNALS
from zerosum.health.verdicts import FAR, OPEN, OPTIONAL, VERDICTS, Criterion, diagnose

D = {"real_accuracy": 0.6, "fake_accuracy": 0.6, "separation": 0.6, "gap": 0.4, "gap_spread": 0.5}
SURE = {"real_accuracy": 1.0, "fake_accuracy": 1.0, "separation": 1.0, "gap": 9.0, "gap_spread": 20.0}
MOVES = {
    "loss/generator": 0.8, "loss/discriminator": 1.3, "gradient/generator": 1.0, "gradient/discriminator": 1.0,
}  # fmt: skip
REAL = {
    "frechet_high": 0.05, "recall_low": 0.9, "precision_low": 0.9, "distinct_low": 0.95, "spread_low": 0.95,
    "spread_high": 1.05, "stray_high": 0.02,
}  # fmt: skip
SAMPLES = {
    "frechet": 0.1, "frechet_real": 0.04, "spread": 0.95, "recall": 0.8, "distinct": 0.9, "copying": 1.0,
    "precision": 0.9, "lifelike": 0.7, "lifelike_low": 0.7, "stray": 0.03, "modes": 10.0, "modes_missing": 0.0, **REAL,
}  # fmt: skip
CLASSES = {"class_spread": 0.9, "class_accuracy": 0.8, "class_accuracy_real": 0.9, "class_chance": 0.13}
LOST = {"modes_missing": 1.0, "mode/9": 0.1, "specks_high": 0.001, "specks_most": 0.006}
WANDER = 1.5  # deviations that a centre moves from snapshot to snapshot, where it moves


def of(player: str, signals: dict[str, float]) -> dict[str, float]:
    """The signals under the names of a player's."""
    return {f"{name}/{player}": value for name, value in signals.items()}


GOOD = {**SAMPLES, **MOVES, **of("discriminator", D)}
TWO = {**SAMPLES, **of("d_a", D), **of("d_b", D)}
for player in ("g_a", "g_b", "d_a", "d_b"):
    TWO |= {f"loss/{player}": 1.0, f"gradient/{player}": 1.0}


def history(
    *changes: dict[str, float], count: int = 10, moving: float = 0.2, good: dict[str, float] = GOOD, **signals: float
) -> History:
    """`count` snapshots, alike but for the centre, which moves to and fro by `moving`; then one for each change."""
    made = History(steps=10_000)
    for i, change in enumerate([{}] * count + list(changes)):
        centre = {f"centre/{axis}": moving * (i % 2) for axis in range(4)}
        made.add(Snapshot(100 * (i + 1), float(i), {**good, **centre, **signals, **change}))
    return made


@pytest.mark.parametrize(("name", "moving", "signals"), [
    ("healthy", 0.2, {}),
    ("healthy", 0.6, {}),  # it moves, but what is sampled is close to the data
    ("healthy", 0.2, {**CLASSES}),
    ("memorising", 0.2, {"copying": 0.2, "recall": 0.0, "distinct": 0.0}),
    ("memorising", 0.2, {"copying": 0.59, "frechet": 0.59}),
    ("under-trained", 0.2, {"copying": 0.2, "frechet": 0.61}),  # what is far from the data is no copy of it
    ("healthy", 0.2, {"copying": 0.61}),
    ("modes missing", 0.2, {**LOST, "specks": 0.008}),
    ("under-trained", 0.2, {**LOST, "specks": 0.01}),
    ("memorising", 0.2, {"copied": 0.17, "copied_high": 0.01}),
    ("healthy", 0.2, {"copied": 0.15, "copied_high": 0.01}),
    ("under-trained", 0.2, {"copied": 0.5, "copied_high": 0.01, "frechet": 0.61}),
    ("labels ignored", 0.2, {**CLASSES, "class_accuracy": 0.1}),
    ("labels ignored", 0.2, {**CLASSES, "class_accuracy_real": 0.11}),
    ("discriminator too strong", 0.0, {"frechet": 5.0, **of("discriminator", SURE)}),
    ("generator ahead", 0.2, {"frechet": 5.0, **of("discriminator", {"separation": 0.1, "gap_spread": -3.0})}),
    ("conditional collapse", 0.2, {**CLASSES, "class_spread": 0.01, "frechet": 0.3, "recall": 0.02}),
    ("mode collapse", 0.5, {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "spread": 0.5}),
    ("under-trained", 1.0, {"frechet": 1.4, "recall": 0.4, "spread": 1.0}),  # it moves, but falls back never
    ("under-trained", 0.01, {"frechet": 5.0, **of("discriminator", {"separation": 0.1})}),  # G stands still: not ahead
    ("under-trained", 0.2, {"frechet": 0.9, "recall": 0.4}),
    # It never moved, and makes nothing real: a new G.
    ("under-trained", 0.0, {"frechet": 8.0, "recall": 0.0, "distinct": 0.1, "spread": 0.01, "lifelike": 0.0}),
    ("mode collapse", 0.0, {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "lifelike": 0.6}),  # fine-tuned
    ("under-trained", 0.0, {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "lifelike": 0.6, "precision": 0.1}),
    ("mode collapse", 0.0, {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "lifelike": 0.0, "begun": 900.0}),
    ("modes missing", 0.2, {"modes_missing": 1.0, "mode/cat": 0.1}),
    ("under-trained", 0.2, {"modes_missing": 1.0, "mode/cat": 0.1, "lifelike": 0.1}),  # stripes are no modes
    ("under-trained", 0.2, {"modes_missing": 1.0, "mode/cat": 0.1, "lifelike": 0.4, "sight": 0.8}),  # nor is a blur one
    ("repeats itself", 0.2, {"variety": 0.4}),
    ("healthy", 0.2, {"variety": 0.6, "kept": 1.0}),  # what is close to the data may stay as it is
    ("under-trained", 0.2, {"novel": 0.3, "novel_high": 0.2}),
    ("healthy", 0.2, {"novel": 0.24, "novel_high": 0.2}),
    ("frozen", 0.2, {"novel": 0.3, "novel_high": 0.2, "kept": 1.0}),
    ("frozen", 0.2, {"variety": 0.9, "kept": 0.97, "frechet": 0.3}),
    ("under-trained", 0.2, {"variety": 0.9, "kept": 0.9, "frechet": 0.3}),
    ("diverged", 0.2, {"broken": 0.1}),
    ("nothing to compare", 0.2, {"reals": 100.0}),
])  # fmt: skip
def test_each_verdict_has_its_signals(name: str, moving: float, signals: dict[str, float]):
    verdict = diagnose(history(moving=moving, **signals))
    assert verdict.name == name
    assert verdict.exit_code == VERDICTS[name].exit_code
    if name not in OPEN:
        assert verdict.advice and verdict.evidence


def test_exit_codes_differ_and_leave_those_of_other_commands_alone():
    codes = [spec.exit_code for spec in VERDICTS.values()]
    assert len(set(codes)) == len(codes) and VERDICTS["healthy"].exit_code == 0
    assert not {1, 2, 130} & set(codes)


def test_one_bad_snapshot_is_no_verdict():
    bad = {"recall": 0.0, "distinct": 0.0, "frechet": 1.5}
    assert diagnose(history({}, bad, {}, moving=1.0)).name == "under-trained", "close in the last look only"
    assert diagnose(history(bad, bad, {}, {}, {}, moving=1.0)).name == "healthy"
    assert diagnose(history(*[bad] * 10, moving=1.0)).name == "mode collapse"


@pytest.mark.parametrize("signals", [
    {"frechet": 5.0, **of("discriminator", SURE)},
    {"frechet": 1.4, "recall": 0.0, "distinct": 0.1, "spread": 0.5, "lifelike": 0.0},
])  # fmt: skip
def test_the_first_hundred_steps_are_no_failure(signals: dict[str, float]):
    """A new G makes few fakes, and D is always right about them."""
    old, new = history(moving=3.0, **signals), History(steps=10_000)
    for snapshot in old.snapshots:
        new.add(replace(snapshot, step=snapshot.step // 10))
    assert diagnose(old).name in ("discriminator too strong", "mode collapse")
    assert new.snapshots[-1].step == 100 and diagnose(new).name == "under-trained"


def test_logits_may_lapse_once():
    """Those of one batch say little: a D too strong is one that is sure in all looks but one, and in the last."""
    sure = {"frechet": 5.0, **of("discriminator", SURE)}
    lapse = {**sure, "gap_spread/discriminator": 4.0}
    said = {
        "one": [lapse, sure, sure], "two": [lapse, sure, lapse, sure], "last": [sure, sure, lapse],
        "of samples": [{**sure, "frechet": 0.3}, sure, sure],
    }  # fmt: skip
    names = {case: diagnose(history(*looks, count=8, moving=0.0, **sure)).name for case, looks in said.items()}
    assert names.pop("one") == "discriminator too strong"
    assert set(names.values()) == {"under-trained"}, names


def test_who_falls_for_one_phrase_after_another_repeats_itself():
    """In one look of five texts may be neither, on the way from one phrase to the next; but not in the last one."""
    phrase, between = {"variety": 0.2}, {"variety": 0.9}
    said = {
        "one of five": [phrase, between, phrase], "two of five": [between, phrase, between, phrase],
        "last": [phrase, phrase, between],
    }  # fmt: skip
    names = {case: diagnose(history(*looks, count=6, **phrase)).name for case, looks in said.items()}
    assert names.pop("one of five") == "repeats itself"
    assert "repeats itself" not in names.values(), names


def test_who_exploded_and_is_poor_since_has_diverged():
    """The rates may fall until the loss is small again; the fakes are not mended by that."""
    exploded = {"loss/discriminator": 4e3}
    assert diagnose(history(exploded, {}, {}, frechet=2.0, recall=0.4)).name == "diverged"
    assert diagnose(history({"loss/discriminator": 900.0}, {}, {}, frechet=2.0, recall=0.4)).name == "under-trained"
    assert diagnose(history(exploded, {}, {})).name == "healthy"


def test_a_failure_needs_enough_snapshots():
    collapsed = {"recall": 0.0, "distinct": 0.0, "frechet": 1.5}
    assert diagnose(history(count=MIN_SNAPSHOTS - 1, moving=1.5, **collapsed)).name == "too early to tell"
    assert diagnose(history(count=MIN_SNAPSHOTS, moving=1.5, **collapsed)).name == "mode collapse"
    assert diagnose(History(100)).name == "too early to tell"


def test_who_still_comes_closer_has_not_collapsed():
    falling = [{"frechet": 3.0 * 0.7**i} for i in range(8)]
    verdict = diagnose(history(*falling, count=0, moving=1.5, recall=0.0, distinct=0.1))
    assert verdict.name == "under-trained" and "closer" in verdict.sentence
    assert {seen.signal for seen in verdict.evidence} == {"frechet", "recall", "distinct"}


def test_a_loss_explodes_by_what_it_was_at_first():
    exploded = diagnose(history(*[{"loss/generator": -1e6}] * 6))
    assert exploded.name == "diverged" and exploded.advice
    (seen,) = exploded.evidence
    assert (seen.signal, seen.player, seen.value) == ("explosion", "generator", 1e6)
    assert diagnose(history(**{"loss/generator": -1e6})).name == "healthy"  # as a log-likelihood of many numbers
    assert diagnose(history({"loss/generator": 1e9}, **{"loss/generator": 1e6})).name == "healthy"
    assert diagnose(history({"loss/generator": 1e11}, **{"loss/generator": 1e6})).name == "diverged"


def test_the_sentence_says_that_a_gradient_vanished():
    sure = {"frechet": 5.0, **of("discriminator", SURE)}
    falling = [{**sure, "gradient/generator": 10.0**-i} for i in range(8)]
    assert "Its gradient has vanished to 1e-07" in diagnose(history(*falling, count=0, moving=0.0)).sentence
    assert "vanished" not in diagnose(history(moving=0.0, **sure)).sentence


def test_of_two_discriminators_the_broken_one_is_named():
    bad = {"frechet": 5.0, **of("d_a", SURE)}
    falling = [{**bad, "gradient/g_a": 10.0**-i} for i in range(8)]
    verdict = diagnose(history(*falling, count=0, moving=0.0, good=TWO))
    assert verdict.name == "discriminator too strong" and verdict.players == ("d_a",)
    assert verdict.sentence.startswith("The discriminator d_a is too strong: it is always right")
    assert verdict.sentence.endswith("The gradient of g_a has vanished to 1e-07 of what it was.")
    labels = [seen.label for seen in verdict.evidence]
    assert labels == ["separation of d_a", "gap_spread of d_a", "sure of d_a", "frechet", "trend", "trained"]
    ahead = diagnose(history(good=TWO, **{"frechet": 5.0, "separation/d_b": 0.1}))
    assert ahead.name == "generator ahead" and "the discriminator d_b takes bad fakes" in ahead.sentence


def test_of_two_broken_discriminators_both_are_named():
    verdict = diagnose(history(moving=0.0, good=TWO, frechet=5.0, **of("d_a", SURE), **of("d_b", SURE)))
    assert verdict.players == ("d_a", "d_b")
    assert "The discriminator, d_a as well as d_b, is too strong" in verdict.sentence


def test_one_player_must_meet_all_criteria():
    """Two discriminators that each look strong in a part are not one that is too strong."""
    half = {"separation/d_a": 1.0, "gap_spread/d_a": 20.0, "real_accuracy/d_b": 1.0, "fake_accuracy/d_b": 1.0}
    assert diagnose(history(moving=0.0, good=TWO, frechet=5.0, **half)).name == "under-trained"


def test_one_discriminator_needs_no_name():
    verdict = diagnose(history(moving=0.0, frechet=5.0, **of("discriminator", SURE)))
    assert verdict.players == () and verdict.sentence.startswith("The discriminator is too strong")
    assert [seen.label for seen in verdict.evidence][:2] == ["separation", "gap_spread"]


def test_who_comes_closer_by_few_samples_has_collapsed():
    """Six images that are repeated come closer as each of them gets better."""
    falling = [{"frechet": 3.0 * 0.7**i, "recall": 0.0, "distinct": 0.001} for i in range(8)]
    assert diagnose(history(*falling, count=0)).name == "mode collapse"
    alike = [{**one, "distinct": 0.1} for one in falling]
    assert diagnose(history(*alike, count=0)).name == "under-trained"


def test_samples_that_drift_to_and_fro_oscillate():
    drifting = [{"frechet": 0.8 + 0.8 * (i % 2)} for i in range(12)]
    made = History(steps=10_000)
    for i, change in enumerate(drifting):
        made.add(Snapshot(100 * (i + 1), float(i), {**GOOD, "centre/0": 1.0 * (i % 2), "recall": 0.4, **change}))
    assert diagnose(made).name == "oscillating"


def test_a_loss_swings_of_players_without_logits():
    """A critic's loss lies around 0, where a deviation is large beside the mean."""
    relapsed = [{"frechet": 0.14 if i % 2 else 0.9} for i in range(12)]
    swinging = [{**change, "loss/g_b": (-1.0) ** i} for i, change in enumerate(relapsed)]
    verdict = diagnose(history(*swinging, {"frechet": 0.14}, count=0, good=TWO))
    assert verdict.name == "oscillating" and verdict.players == ("g_b",)
    critic = [{**change, "loss/d_b": (-1.0) ** i} for i, change in enumerate(relapsed)]
    assert diagnose(history(*critic, {"frechet": 0.14}, count=0, good=TWO)).name == "under-trained"


def test_evidence_says_since_when():
    late = {"copying": 0.1}
    verdict = diagnose(history(*[late] * 8, count=6))
    assert verdict.name == "memorising"
    copying = next(seen for seen in verdict.evidence if seen.signal == "copying")
    assert (copying.value, copying.threshold, copying.since) == (0.1, 0.6, 700)
    assert copying.comparison == "< 0.6" and copying.meaning == SIGNALS["copying"]
    assert verdict.since == 700


def test_divergence_is_an_event_that_a_rollback_ends():
    made = history()
    made.add(Event(1050, 9.0, "diverged", "generator/adversarial is nan in step 1049"))
    assert diagnose(made).name == "diverged" and "step 1049" in diagnose(made).sentence
    made.add(Event(800, 9.0, "rolled back", "back to step 800"))
    assert diagnose(made).name == "healthy"


@pytest.mark.parametrize("count", range(MIN_SNAPSHOTS))
def test_healthy_takes_five_looks(count: int):
    verdict = diagnose(history(count=count))
    assert verdict.name == "too early to tell" and verdict.exit_code == 18
    assert diagnose(history(count=MIN_SNAPSHOTS)).name == "healthy"


@pytest.mark.parametrize("criterion", FAR, ids=lambda c: f"{c.signal} {c.relation}")
def test_each_distance_from_reals_alone_is_not_healthy(criterion: Criterion):
    """In the last look, or in one of the two before; its evidence is named."""
    good = {**SAMPLES, "class_spread_least": 0.8, **CLASSES}
    for name in ("sight", "surface", "specks", "copied", "novel", "repeated", "unreached"):
        good |= {name: 0.1, f"{name}_high": 0.1}
    limit = criterion.limit(good)
    assert limit is not None
    worse = {criterion.signal: limit * (1.1 if criterion.relation == ">" else 0.9)}
    if criterion.signal == "class_obedience":  # which follows from the accuracies
        worse = {"class_accuracy": 0.55}
    assert diagnose(history(good=good)).name == "healthy"
    verdict = diagnose(history(worse, good=good))
    assert verdict.name == "under-trained"
    assert [seen.signal for seen in verdict.evidence] == [criterion.signal]
    assert diagnose(history(worse, {}, {}, good=good)).name == "under-trained"
    assert diagnose(history(worse, {}, {}, {}, good=good)).name == "healthy"


def test_healthy_has_evidence():
    verdict = diagnose(history())
    measured = {c.signal for c in FAR} - {*OPTIONAL} | {"copying", "modes_missing"}
    assert {seen.signal for seen in verdict.evidence} == measured
    frechet = verdict.evidence[0]
    assert (frechet.comparison, frechet.since) == ("< 0.15", 100)


@pytest.mark.parametrize("lost", ["recall_low", "precision", "stray", "frechet_high", "spread_low"])
def test_what_was_not_measured_is_no_evidence(lost: str):
    good = {name: value for name, value in GOOD.items() if name != lost}
    verdict = diagnose(history(good=good))
    assert verdict.name == "too early to tell" and f"no {lost.partition('_')[0]}" in verdict.sentence
    assert diagnose(history(good=good, frechet=5.0)).name == "under-trained"


def test_a_game_without_samples_is_not_under_trained_for_ever():
    verdict = diagnose(history(good=MOVES, count=20))
    assert verdict.name == "nothing to compare" and "makes no samples" in verdict.sentence
    assert diagnose(history({"loss/generator": 1e9}, *[{"loss/generator": 1e9}] * 5, good=MOVES)).name == "diverged"


def test_missing_modes_are_named():
    """Those that were missing all the time; others came back."""
    missing = {f"mode/{k}": 0.01 for k in range(3, 10)} | {f"mode/{k}": 3.0 for k in range(3)} | {"modes_missing": 7.0}
    verdict = diagnose(history(**missing))
    assert verdict.name == "modes missing" and verdict.exit_code == 19
    assert verdict.sentence.startswith("Modes missing: 3 to 9.") and "7 of 10" in verdict.sentence
    back = diagnose(history(*[missing | {"mode/5": 0.5}] * 3, **missing))
    assert back.sentence.startswith("Modes missing: 3, 4, 6, 7, 8 and 9.")
    turns = [{f"mode/{k}": 1.0, f"mode/{(k + 1) % 2}": 0.0, "modes_missing": 1.0} for k in (0, 1)] * 5
    assert diagnose(history(*turns, count=0)).name == "under-trained", "none of them all the time"


def test_healthy_says_which_modes_are_too_rare_to_ask_about():
    verdict = diagnose(history(**{f"mode/{k}": 1.0 for k in range(7)}))
    assert verdict.name == "healthy" and "Of 3 of 10 modes it is not known" in verdict.sentence
    assert "not known" not in diagnose(history(**{f"mode/{k}": 1.0 for k in range(10)})).sentence


def test_a_last_look_that_compares_nothing_is_no_older_version():
    """Fakes that are not finite for once; a file that lacks a signal."""
    made = history(
        good={name: value for name, value in GOOD.items() if name != "modes"}, modes_missing=1.0, **{"mode/a": 0}
    )
    assert diagnose(made).sentence == "Modes missing: a. The fakes leave out a part of the data."
    made = history()
    made.add(Snapshot(5000, 20.0, {**MOVES, "broken": 0.1}))
    verdict = diagnose(made)
    assert verdict.name == "under-trained" and "not all are finite" in verdict.sentence


@pytest.mark.parametrize(("names", "said"), [
    (["3", "4", "5"], "3 to 5"), (["3", "4"], "3 and 4"), (["7"], "7"), (["1", "3", "4"], "1, 3 and 4"),
    (["(1, 0)", "(0, 1)"], "(1, 0) and (0, 1)"), (list("abcdefgh"), "a, b, c, d, e and 3 more"),
])  # fmt: skip
def test_names_of_modes_in_words(names: list[str], said: str):
    assert missing_names(names) == said
