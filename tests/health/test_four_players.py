"""A real training of two pairs, of which one discriminator is broken: the monitor blames that one alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerosum import data
from zerosum.games import find
from zerosum.health import monitor
from zerosum.health.history import History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import OF_LOGITS, SignalMeter
from zerosum.health.verdicts import OPEN, Verdict
from zerosum.recipe import Training
from zerosum.training.hooks.log import Log
from zerosum.training.trainer import Trainer
from zerosum.util import rng

RECIPE = Path(__file__).parents[1] / "support" / "two_pairs.py"
STEPS = 600


def train(fault: str, pair: str, path: Path) -> list[Verdict]:
    """Some seconds on the ring: all verdicts, the last one at the end."""
    loaded = data.load("ring", seed=0)
    rng.seed(0)
    game = find(f"{RECIPE}:ring").build(loaded.spec, {"config": {"fault": fault, "pair": pair}})
    training = Training(STEPS, 128, 0, average=0.99, precision="fp32", log_every=20)
    trainer = Trainer(game, data.Stream(loaded, 128, seed=0), training)
    verdicts: list[Verdict] = []
    watching = Monitor(SignalMeter(loaded, game.makes), path, History(STEPS), verdicts.append)
    trainer.train([watching, Log(training.log_every, STEPS, ())])
    return [*verdicts, watching.verdict]


@pytest.fixture(autouse=True)
def measured_whenever_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "SHARE", 1.0)


@pytest.mark.parametrize(
    ("fault", "pair", "name", "sentence"),
    [
        ("perfect", "b", "discriminator too strong", "The discriminator d_b is too strong"),
        ("idle", "a", "generator ahead", "the discriminator d_a takes bad fakes for real ones"),
    ],
)
def test_the_broken_discriminator_is_named_and_no_other(
    fault: str, pair: str, name: str, sentence: str, tmp_path: Path
):
    *before, verdict = train(fault, pair, tmp_path / "health.jsonl")
    assert (verdict.name, verdict.players) == (name, (f"d_{pair}",)) and sentence in verdict.sentence
    assert all(set(earlier.players) <= {f"d_{pair}"} for earlier in before)
    assert {seen.label for seen in verdict.evidence} >= {f"separation of d_{pair}", "frechet"}
    read = History.read(tmp_path / "health.jsonl", STEPS)
    assert {f"{signal}/{player}" for signal in OF_LOGITS for player in ("d_a", "d_b")} <= read.signals[-1].keys()


def test_of_sound_pairs_nobody_is_blamed(tmp_path: Path):
    verdicts = train("none", "b", tmp_path / "health.jsonl")
    assert {verdict.name for verdict in verdicts} <= set(OPEN) and not any(verdict.players for verdict in verdicts)
    assert all(seen.value < 1 for seen in verdicts[-1].evidence if seen.signal == "frechet"), "they learn"
