"""What the vital signs mean: a verdict in plain words, its evidence, and what to try.

A verdict is a list of conditions on signs. It holds when every condition on one of `vitals.SIGNS` has held at every
look of the last third of the run so far, and at least at five looks: a GAN may look ill for a moment. Conditions on
signs that are read off the history themselves (`DERIVED`) are asked at the last look. The first of `VERDICTS` that
holds is given.
The thresholds were chosen on short trainings with known outcomes, and tested on others: `zerosum reproduce health`.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zerosum.errors import ZerosumError
from zerosum.health.signals import SIGNALS, Snapshot
from zerosum.run.directory import RunDirectory

LOOKS = 5  # that a verdict needs at least

DERIVED = {
    "trend": "Fréchet distance of the last looks over that of looks before; below 1 it falls",
    "travelled": "way of the fakes' centre since the first look, in deviations of the reals",
    "swing": "how far the fakes' centre moves from look to look, in deviations of the reals",
    "loss_swing": "deviation of the generator's loss over the last looks, over its mean size",
    "relapse": "the most that the Fréchet distance rose again over the last looks, as a factor",
    "worst": "the greatest Fréchet distance of the last looks",
    "vanishing": "the generator's gradient over its largest so far",
    "sure": "share of logits on the right side of 0, of the worse of reals and fakes",
    "class_obedience": "how far class_accuracy lies from chance to that of reals",
    "explosion": "the largest loss of any player, in absolute value",
}


@dataclass(frozen=True)
class Event:
    """Something that happened to the run: it diverged, or was rolled back."""

    step: int
    seconds: float
    event: str
    detail: str


@dataclass
class History:
    """health.jsonl: all looks so far that later ones do not supersede, and all events."""

    steps: int  # rounds asked for
    looks: list[Snapshot] = field(default_factory=list, init=False)
    events: list[Event] = field(default_factory=list)
    signs: list[dict[str, float]] = field(default_factory=list, init=False)  # of each look, with those of DERIVED

    def add(self, line: Snapshot | Event) -> None:
        """Append; a look at an earlier round than the last one follows a rollback or a resumption."""
        if isinstance(line, Event):
            self.events.append(line)
            return
        while self.looks and self.looks[-1].step >= line.step:
            self.looks.pop()
            self.signs.pop()
        self.looks.append(line)
        self.signs.append(_all_signs(self.looks))

    @classmethod
    def read(cls, path: Path, steps: int) -> History:
        """What a file holds; empty where there is none. A line that a killed run left half-written is passed over."""
        history = cls(steps)
        for text in path.read_bytes().splitlines() if path.is_file() else ():
            try:
                line = json.loads(text)
                if "event" in line:
                    history.add(
                        Event(int(line["step"]), float(line["seconds"]), str(line["event"]), str(line["detail"]))
                    )
                else:
                    signs = {str(name): float(value) for name, value in line["signs"].items()}
                    finite = {name: value for name, value in signs.items() if math.isfinite(value)}
                    history.add(Snapshot(int(line["step"]), float(line["seconds"]), finite))
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
                continue
        return history


@dataclass(frozen=True)
class Criterion:
    """A sign, and what it is held against."""

    sign: str
    relation: str  # "<" or ">"
    threshold: float | str  # a number, or another sign

    def holds(self, signs: Mapping[str, float]) -> bool:
        limit = self.limit(signs)
        value = signs.get(self.sign)
        if value is None or limit is None:
            return False
        return value < limit if self.relation == "<" else value > limit

    def limit(self, signs: Mapping[str, float]) -> float | None:
        return signs.get(self.threshold) if isinstance(self.threshold, str) else self.threshold


@dataclass(frozen=True)
class VerdictSpec:
    """A verdict that can be given."""

    exit_code: int
    sentence: str
    advice: tuple[str, ...] = ()  # `backticks` mark what can be typed; RUN stands for the run directory
    when: tuple[tuple[Criterion, ...], ...] = ()  # any of these lists


@dataclass(frozen=True)
class Evidence:
    """A condition that has held since round `since`."""

    condition: Criterion
    value: float  # at the last look
    threshold: float
    since: int

    @property
    def sign(self) -> str:
        return self.condition.sign

    @property
    def meaning(self) -> str:
        return {**SIGNALS, **DERIVED}.get(self.sign, "")

    @property
    def limit(self) -> str:
        return f"{self.condition.relation} {self.threshold:.3g}"


@dataclass(frozen=True)
class Verdict:
    """What is the matter, since when, and what to try."""

    name: str  # a key of VERDICTS
    evidence: tuple[Evidence, ...] = ()
    detail: str = ""  # what is to be added to the sentence

    @property
    def kind(self) -> VerdictSpec:
        return VERDICTS[self.name]

    @property
    def exit_code(self) -> int:
        return self.kind.exit_code

    @property
    def advice(self) -> tuple[str, ...]:
        return self.kind.advice

    @property
    def since(self) -> int | None:
        """The first round from which all evidence holds."""
        return max((seen.since for seen in self.evidence), default=None)

    @property
    def sentence(self) -> str:
        return self.kind.sentence + (f" {self.detail}" if self.detail else "")


def _c(sign: str, relation: str, threshold: float | str) -> Criterion:
    return Criterion(sign, relation, threshold)


_POOR, _NOT_FALLING = _c("frechet", ">", 0.35), _c("trend", ">", 0.75)

# In the order in which they are asked: causes before their consequences.
VERDICTS: dict[str, VerdictSpec] = {
    "diverged": VerdictSpec(
        3,
        "Training diverged: a loss exploded, or became NaN or infinite.",
        (
            "a smaller learning rate: `--optimizer.lr`, `--g-optimizer.lr`, `--d-optimizer.lr`",
            "`--clip 1.0` bounds the gradients",
            "a gradient penalty: `--penalties r1 1.0` (composed), wgan-gp instead of an unbounded critic",
            "`--precision fp32`, if it was bf16",
        ),
        ((_c("explosion", ">", 1e4),),),
    ),
    "memorising": VerdictSpec(
        16,
        "Memorising: the fakes are copies of training samples.",
        (
            "more data; `--flip`, where left and right do not matter",
            "stop earlier: an older checkpoint may be better (`zerosum sample RUN --checkpoint N`)",
            "a smaller discriminator, or more of its penalty",
        ),
        ((_c("copying", "<", 0.6), _c("frechet", "<", 0.6)),),
    ),
    "labels ignored": VerdictSpec(
        17,
        "Labels ignored: what is asked for has no influence on what is made.",
        (
            "check the labels: are the classes of the data really different? (`zerosum data check`)",
            "check that both players see the label: a discriminator without it rewards no obedience",
        ),
        (
            (_c("class_accuracy_real", "<", "class_chance"),),
            (_c("class_obedience", "<", 0.3), _c("frechet", "<", 0.6)),
        ),
    ),
    "discriminator too strong": VerdictSpec(
        13,
        "The discriminator is too strong: it is always right and certain, and the generator does not get better.",
        (
            "a smaller learning rate for D: `--d-optimizer.lr`; fewer of its moves: `--d-steps 1`",
            "instance noise that fades: `--noise.std 0.2 --noise.steps 5000`",
            "one-sided label smoothing: `--targets.real 0.9`",
            "a gradient penalty: `--penalties r1 1.0`; the non-saturating or the Wasserstein objective",
        ),
        ((_c("separation", ">", 0.995), _c("gap_spread", ">", 8.0), _POOR, _NOT_FALLING, _c("sure", ">", 0.97)),),
    ),
    "generator ahead": VerdictSpec(
        14,
        "The generator is ahead: the discriminator takes bad fakes for real ones, so it teaches nothing.",
        (
            "a larger learning rate for D: `--d-optimizer.lr`; more of its moves: `--d-steps 2`",
            "a larger discriminator; less of its penalty",
            "a smaller learning rate for G: `--g-optimizer.lr`",
        ),
        ((_c("separation", "<", 0.4), _c("frechet", ">", 0.5), _NOT_FALLING),),
    ),
    "conditional collapse": VerdictSpec(
        12,
        "Conditional collapse: within a class all fakes are alike.",
        (
            "more or stronger noise beside the label: `--latent-dim`; check that z reaches the generator",
            "PacGAN or minibatch discrimination, so that D sees several samples of a class together",
            "less batch norm in the generator, a lower learning rate",
        ),
        ((_c("class_spread", "<", 0.2), _c("spread", ">", 0.25), _NOT_FALLING),),
    ),
    "mode collapse": VerdictSpec(
        11,
        "Mode collapse: the fakes cover a small part of the data.",
        (
            "R1 and R2 penalties with the relativistic objective: `zerosum train r3gan`",
            "a smaller learning rate for G, or more moves of D: `--g-optimizer.lr`, `--d-steps 2`",
            "a larger batch, a larger latent space: `--batch-size`, `--latent-dim`; clustered noise: `--clusters 20`",
            "batch norm or minibatch statistics in D, or PacGAN: so that it sees how alike the fakes are",
        ),
        ((_c("recall", "<", 0.15), _c("distinct", "<", 0.5), _NOT_FALLING, _c("travelled", ">", 1.0)),),
    ),
    "oscillating": VerdictSpec(
        15,
        "Oscillating: the fakes move to and fro and come no closer.",
        (
            "less momentum: `--optimizer.betas 0 0.99`, or `0.5 0.99`",
            "a smaller learning rate, falling: `--g-optimizer.decay.shape linear` (and D's)",
            "averaged weights: `--average 0.999`",
            "a gradient penalty damps: `--penalties r1 1.0`",
        ),
        (
            (_c("swing", ">", 0.4), _POOR, _c("trend", ">", 0.6), _c("spread", ">", 0.25)),
            (_c("relapse", ">", 2.0), _c("loss_swing", ">", 0.8), _c("worst", ">", 0.5), _c("spread", ">", 0.25)),
        ),
    ),
    "under-trained": VerdictSpec(
        10,
        "Under-trained: the fakes are still far from the data.",
        (
            "more rounds: `zerosum resume RUN --steps N`",
            "a larger learning rate, if they hardly move",
        ),
        ((_POOR,),),
    ),
    "healthy": VerdictSpec(0, "Healthy: the fakes are close to the data, and as varied."),
}


def diagnose(history: History) -> Verdict:
    """The verdict on a run so far."""
    last = history.events[-1] if history.events else None
    if last and last.event == "diverged":
        return Verdict("diverged", detail=f"{last.detail[:1].upper()}{last.detail[1:]}.")
    signs, steps = history.signs, [look.step for look in history.looks]
    window = _window(len(signs))
    if len(signs) >= LOOKS:
        for name, kind in VERDICTS.items():
            for conditions in kind.when if name != "under-trained" else ():
                if all(c.holds(s) for c in conditions for s in signs[-1 if c.sign in DERIVED else -window :]):
                    evidence = tuple(_evidence(c, signs, steps) for c in conditions)
                    return Verdict(name, evidence, _vanished(signs[-1]) if name == "discriminator too strong" else "")
    for condition in VERDICTS["under-trained"].when[0]:
        if not signs or condition.sign not in signs[-1]:
            return Verdict("under-trained", detail="There is nothing to see yet.")
        if condition.holds(signs[-1]):
            trend = signs[-1].get("trend", 1.0)
            how = "They come closer." if trend < 0.9 else "They come no closer." if len(signs) >= LOOKS else ""
            return Verdict("under-trained", (_evidence(condition, signs, steps),), how)
    better = "They still come closer: more rounds may help." if signs[-1]["trend"] < 0.75 else ""
    return Verdict("healthy", detail=better)


def of_run(run: Path) -> History:
    """The history of a run directory; `ZerosumError` where there is none."""
    directory = RunDirectory(run)
    record = directory.read()
    history = History.read(directory.health, record.training.steps)
    if not history.looks and not history.events:
        why = "it was trained with --no-health" if not record.training.health else "it has not played a round yet"
        raise ZerosumError(f"{run} has no vital signs to judge by: {why}")
    return history


def _window(looks: int) -> int:
    """Over how many of the last looks a verdict must hold."""
    return max(LOOKS, looks // 3)


def _recent(looks: int) -> int:
    """Over how many of the last looks a trend or a swing is read off."""
    return max(6, looks // 2)


def _vanished(signs: Mapping[str, float]) -> str:
    left = signs.get("vanishing", 1.0)
    return f"Its gradient has vanished to {left:.1g} of what it was." if left < 0.01 else ""


def _evidence(condition: Criterion, signs: Sequence[Mapping[str, float]], steps: Sequence[int]) -> Evidence:
    since = len(signs) - 1
    while since > 0 and condition.holds(signs[since - 1]):
        since -= 1
    return Evidence(condition, signs[-1][condition.sign], condition.limit(signs[-1]) or 0.0, steps[since])


def _all_signs(looks: Sequence[Snapshot]) -> dict[str, float]:
    """The signs of the last look, and those that only the history shows."""
    now = dict(looks[-1].signs)
    now["explosion"] = max((abs(v) for name, v in now.items() if name.startswith("loss/")), default=0.0)
    if "frechet" in now:
        distances = [look.signs["frechet"] for look in looks if "frechet" in look.signs]
        recent = distances[-_recent(len(distances)) :]
        third = max(1, len(recent) // 3)
        before, after = statistics.median(recent[:third]), statistics.median(recent[-third:])
        now["trend"] = after / before if before > 0 else 1.0
        least = itertools.accumulate(recent, min)
        now["relapse"] = max((d / low for d, low in zip(recent, least, strict=True) if low > 0), default=1.0)
        now["worst"] = max(recent)
    ways = [_way(a, b) for a, b in itertools.pairwise(looks)]
    now["travelled"] = sum(ways)
    if ways:
        now["swing"] = statistics.median(ways[-LOOKS:])
    losses = [look.signs["loss/generator"] for look in looks[-_recent(len(looks)) :] if "loss/generator" in look.signs]
    if len(losses) > 1 and any(losses):
        now["loss_swing"] = statistics.stdev(losses) / statistics.fmean(map(abs, losses))
    gradients = [look.signs["gradient/generator"] for look in looks if "gradient/generator" in look.signs]
    if gradients and max(gradients) > 0:
        now["vanishing"] = gradients[-1] / max(gradients)
    if {"real_accuracy", "fake_accuracy"} <= now.keys():
        now["sure"] = min(now["real_accuracy"], now["fake_accuracy"])
    if {"class_accuracy", "class_accuracy_real", "class_chance"} <= now.keys():
        span = now["class_accuracy_real"] - now["class_chance"]
        now["class_obedience"] = (now["class_accuracy"] - now["class_chance"]) / span if span > 0 else 1.0
    return now


def _way(before: Snapshot, after: Snapshot) -> float:
    """Root mean square over the axes of how far the centre moved."""
    moved = [
        value - before.signs[n] for n, value in after.signs.items() if n.startswith("centre/") and n in before.signs
    ]
    return math.sqrt(sum(m * m for m in moved) / len(moved)) if moved else 0.0
