"""What the signals mean: a verdict in plain words, its evidence, and what to try.

A verdict is a list of criteria on signals. It holds when every criterion on a measured signal has held in every
snapshot of the last third of the run so far, and in at least five: a GAN may look bad for a moment. (One on logits may
lapse in one of them but the last: a few batches say what it is; one on the variety of texts in one of five.) Criteria
on signals that are derived from the history (`OF_HISTORY`) are asked of the last snapshot. Where they are on signals of
players, one player must meet all of them: a discriminator those on logits, a generator those on players without any.
The first of `VERDICTS` that holds is given.

Healthy is no verdict that is left over: every criterion of `FAR`, which compare the fakes with what other reals reach,
must have been measured and must have failed in each of the last three snapshots, of five at least.
The thresholds were chosen on short trainings with known outcomes, and tested on others: `zerosum reproduce health`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from zerosum.health.history import (
    DERIVED,
    MIN_SNAPSHOTS,
    OF_ALL,
    OF_JUDGES,
    OF_OTHERS,
    History,
    of_player,
    players_with,
)
from zerosum.health.modes import LEAST, missing_names
from zerosum.health.signals import OF_LOGITS, OF_MOVES, SIGNALS

MEANINGS = {**SIGNALS, **DERIVED}
OF_HISTORY = {*DERIVED, "kept"}  # what compares looks, and is asked of the last one
SCOPES = ({*OF_LOGITS, *OF_JUDGES}, {*OF_OTHERS}, {*OF_MOVES, *OF_ALL})  # signals of players, by who has them


@dataclass(frozen=True)
class Criterion:
    """A signal, and its threshold; that of one player where it is a signal of players."""

    signal: str
    relation: Literal["<", ">"]
    threshold: float | str  # a number, or another signal, without players
    factor: float = 1.0  # of that signal
    margin: float = 0.0  # added to it

    def holds(self, signals: Mapping[str, float], player: str = "") -> bool:
        limit, value = self.limit(signals), signals.get(of_player(self.signal, player))
        if value is None or limit is None:
            return False
        return value < limit if self.relation == "<" else value > limit

    def limit(self, signals: Mapping[str, float]) -> float | None:
        if not isinstance(self.threshold, str):
            return self.threshold
        other = signals.get(self.threshold)
        return None if other is None else self.factor * other + self.margin

    @property
    def opposite(self) -> Criterion:
        return replace(self, relation="<" if self.relation == ">" else ">")

    @property
    def scope(self) -> int:
        """Criteria of one scope are met by one player; those of -1 are on the samples."""
        return next((i for i, signals in enumerate(SCOPES) if self.signal in signals), -1)


@dataclass(frozen=True)
class VerdictSpec:
    """A verdict that can be given."""

    exit_code: int
    sentence: str  # {} is where the players are named
    advice: tuple[str, ...] = ()  # `backticks` mark what can be typed; RUN stands for the run directory
    when: tuple[tuple[Criterion, ...], ...] = ()  # any of these lists


@dataclass(frozen=True)
class Evidence:
    """A criterion that has held since step `since`."""

    criterion: Criterion
    value: float  # in the last snapshot
    threshold: float
    since: int
    player: str = ""  # whose signal it is, where several players have it

    @property
    def signal(self) -> str:
        return self.criterion.signal

    @property
    def label(self) -> str:
        """`separation`, or `separation of d_b`."""
        return f"{self.signal} of {self.player}" if self.player else self.signal

    @property
    def meaning(self) -> str:
        return MEANINGS.get(self.signal, "")

    @property
    def comparison(self) -> str:
        """As `< 0.6`."""
        return f"{self.criterion.relation} {self.threshold:.3g}"


@dataclass(frozen=True)
class Verdict:
    """What is wrong, since when, and what to try."""

    name: str  # a key of VERDICTS
    evidence: tuple[Evidence, ...] = ()
    detail: str = ""  # what is to be added to the sentence
    modes: tuple[str, ...] = ()  # those that are missing

    @property
    def spec(self) -> VerdictSpec:
        return VERDICTS[self.name]

    @property
    def exit_code(self) -> int:
        return self.spec.exit_code

    @property
    def advice(self) -> tuple[str, ...]:
        return self.spec.advice

    @property
    def players(self) -> tuple[str, ...]:
        """Who the evidence names."""
        return tuple(dict.fromkeys(seen.player for seen in self.evidence if seen.player))

    @property
    def since(self) -> int | None:
        """The first step from which all evidence holds."""
        return max((seen.since for seen in self.evidence), default=None)

    @property
    def sentence(self) -> str:
        if self.modes:
            said = f"Modes missing: {missing_names(self.modes)}. The fakes leave out a part of the data. {self.detail}"
            return said.rstrip()
        named = f", {' as well as '.join(self.players)}," if len(self.players) > 1 else " ".join(("", *self.players))
        return self.spec.sentence.format(named) + (f" {self.detail}" if self.detail else "")


_c = Criterion
# By what fakes are still far from the data: each against the end of the interval in which other reals lie.
FAR = (
    _c("frechet", ">", "frechet_high", 3.0),
    _c("sight", ">", "sight_high", 3.0),
    _c("surface", ">", "surface_high", 3.0),
    _c("specks", ">", "specks_high", 1.0, 0.003),
    _c("copying", "<", 0.6),
    _c("copied", ">", "copied_high", 1.0, 0.15),
    _c("stray", ">", "stray_high", 1.0, 0.17),
    _c("recall", "<", "recall_low", 0.6),
    _c("precision", "<", "precision_low", 0.6),
    _c("distinct", "<", "distinct_low", 0.5),
    _c("repeated", ">", "repeated_high", 1.0, 0.05),
    _c("spread", "<", "spread_low", 0.75),
    _c("spread", ">", "spread_high", 1.33),
    _c("unreached", ">", "unreached_high", 1.0, 0.1),
    _c("modes_missing", ">", 0.5),
    _c("class_obedience", "<", 0.6),
    _c("class_spread_least", "<", 0.3),
    _c("novel", ">", "novel_high", 1.0, 0.05),
)
# Of images and videos; where copies can be told; of all but texts, and of texts; of data with modes that can be tested;
# of games that are asked for classes.
OPTIONAL = (
    *("sight", "surface", "specks", "copying", "copied", "repeated", "novel", "modes_missing", "unreached"),
    *("class_obedience", "class_spread_least"),
)
LASTING = 3  # of the last snapshots in which fakes are to be close
_POOR, _NOT_FALLING = _c("frechet", ">", 0.35), _c("trend", ">", 0.75)
_NOT_NEW = _c("trained", ">", 100)  # steps: before, G makes few and poor fakes, and D is right or wrong by chance
_SPECKLED = _c("specks", ">", "specks_most", 1.0, 0.003)  # more than nearly any real image, whatever modes are left
_UNPAIRED = _c("input_frechet", ">", -1.0)  # a distance that is measured without pairs alone

_FEW = (_c("recall", "<", 0.15), _c("distinct", "<", 0.5))
_REAL = (_c("lifelike", ">", "lifelike_low", 0.4), _c("precision", ">", "precision_low", 0.4))

# In the order in which they are tried: causes before their consequences.
VERDICTS: dict[str, VerdictSpec] = {
    "diverged": VerdictSpec(
        3,
        "Training diverged: a loss or the samples exploded, or became NaN or infinite.",
        (
            "a smaller learning rate: `--optimizer.lr`, `--g-optimizer.lr`, `--d-optimizer.lr`",
            "`--clip 1.0` bounds the gradients",
            "a gradient penalty: `--penalties r1 1.0` (two-player recipes), wgan-gp instead of an unbounded critic",
            "`--precision fp32`, if it was bf16",
        ),
        (
            (_c("explosion", ">", 1e4),),
            (_c("exploded", ">", 1e3), _POOR),  # and the fakes are poor since
            (_c("broken", ">", 0.0),),
        ),
    ),
    "copies its input": VerdictSpec(
        21,
        "Copies its input: the outputs are the inputs, and the targets are not.",
        (
            "CycleGAN: a smaller identity term (`--identity 0.1`, or 0), or less of the cycle's (`--cycle 5`)",
            "SimGAN: less of the distance to the input: `--regularisation`",
            "more steps: a copy is what many translators learn first (`zerosum resume RUN --steps N`)",
        ),
        (
            (_c("changed", "<", 0.2), _c("asked", ">", 0.03), _NOT_FALLING, _NOT_NEW),
            (
                *(_c("changed", "<", 0.15), _c("input_frechet", ">", "frechet_high", 3.0), _c("gained", ">", 0.8)),
                *(_NOT_FALLING, _NOT_NEW),
            ),
            (
                *(_c("changed", "<", 0.15), _c("input_sight", ">", "sight_high", 3.0), _c("gained_sight", ">", 0.8)),
                *(_NOT_FALLING, _NOT_NEW),
            ),
        ),
    ),
    "inverts colours": VerdictSpec(
        23,
        "Inverts colours: what is to be dark is bright.",
        (
            "without pairs, a larger identity term, which punishes it: `--identity 1`",
            "another seed: without pairs it is chance which way a translator turns at first",
            "with pairs, more of the distance to the target: `--l1 100`; look at the pairs (`zerosum data check`)",
        ),
        (
            (_c("agreement", "<", -0.3), _NOT_NEW),
            (_c("likeness", "<", -0.5), _c("upright", ">", 1.25), _NOT_NEW),
            (_c("likeness", "<", -0.5), _c("held", ">", 0.5), _NOT_NEW),
        ),
    ),
    "ignores its input": VerdictSpec(
        22,
        "Ignores its input: the outputs do not depend on it.",
        (
            "with pairs, more of the distance to the target: `--l1 100`; a D that sees the input (`--conditional`)",
            "without pairs, more of the cycle's: `--cycle 10`, which a translator that forgets its input cannot meet",
            "a smaller learning rate of G: `--g-optimizer.lr`",
        ),
        (
            (_c("variation", "<", 0.05), _NOT_FALLING, _NOT_NEW),
            (_c("variation", "<", 0.01), _NOT_NEW),  # one picture, even if it still comes nearer
            (_c("tie", ">", 0.95), _c("following", "<", "following_chance"), _NOT_NEW),
            (_UNPAIRED, _c("following", "<", "following_chance"), _NOT_NEW),
        ),
    ),
    "checkerboard": VerdictSpec(
        24,
        "Checkerboard: the outputs have a pattern of every other pixel, which the targets have not.",
        (
            "`--network.upsampling resize`, where it is transposed",
            "more of the distance to the target, or of the cycle's: `--l1`, `--cycle`",
            "more steps with a falling learning rate: `--g-optimizer.decay.shape linear`",
        ),
        (
            (
                *(_c("checkerboard", ">", "checkerboard_high", 4.0), _c("checkerboard_size", ">", 0.02)),
                *(_c("checkerboard_peak", ">", 4.0), _NOT_NEW),
            ),
        ),
    ),
    "memorising": VerdictSpec(
        16,
        "Memorising: fakes are copies of training samples.",
        (
            "more data; `--flip`, where left and right do not matter",
            "stop earlier: an older checkpoint may be better (`zerosum sample RUN --checkpoint N`)",
            "a smaller discriminator, or more of its penalty",
        ),
        (
            (_c("copying", "<", 0.6), _c("frechet", "<", 0.6)),
            (_c("copied", ">", "copied_high", 1.0, 0.15), _c("frechet", "<", 0.6)),
        ),
    ),
    "labels ignored": VerdictSpec(
        17,
        "Labels ignored: the requested class has no influence on the samples.",
        (
            "check the labels: are the classes of the data really different? (`zerosum data check`)",
            "check that both players see the label: a discriminator that does not see the label cannot enforce it",
        ),
        (
            (_c("class_accuracy_real", "<", "class_chance"),),
            (_c("class_obedience", "<", 0.15), _c("frechet", "<", 0.6)),
        ),
    ),
    "discriminator too strong": VerdictSpec(
        13,
        "The discriminator{} is too strong: it is always right and certain, and the generator does not get better.",
        (
            "a smaller learning rate for D: `--d-optimizer.lr`; fewer of its moves: `--d-steps 1`",
            "instance noise that fades: `--noise.std 0.2 --noise.steps 5000`",
            "one-sided label smoothing: `--targets.real 0.9`",
            "a gradient penalty: `--penalties r1 1.0`; the non-saturating or the Wasserstein objective",
        ),
        (
            (
                *(_c("separation", ">", 0.995), _c("gap_spread", ">", 8.0), _c("sure", ">", 0.97)),
                *(_POOR, _NOT_FALLING, _NOT_NEW),
            ),
        ),
    ),
    "generator ahead": VerdictSpec(
        14,
        "The generator is ahead: the discriminator{} takes bad fakes for real ones, so it teaches nothing.",
        (
            "a larger learning rate for D: `--d-optimizer.lr`; more of its moves: `--d-steps 2`",
            "a larger discriminator; less of its penalty",
            "a smaller learning rate for G: `--g-optimizer.lr`",
        ),
        (
            (
                *(_c("separation", "<", 0.4), _c("frechet", ">", 0.5), _NOT_FALLING),
                *(_c("travelled", ">", 1.0), _NOT_NEW),  # what does not move is not ahead
            ),
        ),
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
    "repeats itself": VerdictSpec(
        25,
        "Repeats itself: the texts share their words and phrases more than real ones do.",
        (
            "a smaller learning rate of G: `--g-optimizer.lr`",
            "an earlier checkpoint: `zerosum sample RUN --checkpoint N`",
            "rewards minus their mean: `--baseline`; entropy: `--entropy 0.01`; teacher forcing: `--likelihood 0.1`",
        ),
        ((_c("variety", "<", 0.5), _NOT_NEW),),
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
        (
            (*_FEW, _NOT_FALLING, _c("travelled", ">", 1.0), _NOT_NEW),
            (*_FEW, _NOT_FALLING, _c("unwatched", ">", 0.0)),  # a new G makes few fakes as well; this one is not new
            # They repeat each other, improving or not, and lie where the data does.
            (
                *(_c("recall", "<", 0.15), _c("distinct", "<", 0.02), _c("spread", ">", 0.05)),
                *(_c("frechet", "<", 4.0), _NOT_NEW),
            ),
            (*_FEW, _NOT_FALLING, *_REAL),  # nor is one whose fakes look real
        ),
    ),
    "frozen": VerdictSpec(
        26,
        "Frozen: the texts stay what they were, such as pre-training left them, and are not like the data.",
        (
            "a larger learning rate of G: `--g-optimizer.lr`",
            "a D that tells texts apart, so that rewards differ: `--d-optimizer.lr`, `--pretrain-discriminator`",
            "longer pre-training: `--pretrain-generator`",
        ),
        (
            (_c("kept", ">", 0.95), _c("frechet", ">", "frechet_high", 3.0), _NOT_NEW),
            (_c("kept", ">", 0.95), _c("novel", ">", "novel_high", 1.0, 0.05), _NOT_NEW),
        ),
    ),
    "oscillating": VerdictSpec(
        15,
        "Oscillating: the samples drift back and forth and do not converge.",
        (
            "less momentum: `--optimizer.betas 0 0.99`, or `0.5 0.99`",
            "a smaller learning rate, falling: `--g-optimizer.decay.shape linear` (and D's)",
            "averaged weights: `--average 0.999`",
            "a gradient penalty damps: `--penalties r1 1.0`",
        ),
        (
            (
                *(_c("swing", ">", 0.4), _POOR, _c("trend", ">", 0.6), _c("relapse", ">", 1.5)),
                *(_c("spread", ">", 0.25), _NOT_NEW),
            ),
            (
                *(_c("relapse", ">", 2.0), _c("loss_swing", ">", 0.8), _c("worst", ">", 0.5)),
                *(_c("spread", ">", 0.25), _NOT_NEW),
            ),
        ),
    ),
    "modes missing": VerdictSpec(
        19,
        "Modes missing: the fakes leave out a part of the data.",
        (
            "R1 and R2 penalties with the relativistic objective: `zerosum train r3gan`",
            "a larger batch, a larger latent space: `--batch-size`, `--latent-dim`; clustered noise: `--clusters 20`",
            "batch norm or minibatch statistics in D, or PacGAN: so that it sees how alike the fakes are",
            "labels, where there are any: a recipe with classes cannot leave one out unseen (`zerosum list`)",
        ),
        (
            (
                _c("modes_missing", ">", 0.0),
                _c("lifelike", ">", "lifelike_low", 0.65),  # what is blurred lies in few regions, too
                _c("spread", ">", 0.25),
                _NOT_FALLING,
            ),
        ),
    ),
    "under-trained": VerdictSpec(
        10,
        "Under-trained: the fakes are still far from the data.",
        (
            "more steps: `zerosum resume RUN --steps N`",
            "a larger learning rate, if they hardly move",
        ),
        tuple((criterion,) for criterion in FAR),
    ),
    "too early to tell": VerdictSpec(
        18,
        "Too early to tell: there is not enough to judge by.",
        ("more steps: `zerosum resume RUN --steps N`",),
    ),
    "nothing to compare": VerdictSpec(
        20, "Nothing to compare: whether the run is healthy cannot be said, only whether it diverges."
    ),
    "healthy": VerdictSpec(0, "Healthy: the fakes are close to the data, and as varied."),
}
OF_TRANSLATORS = ("copies its input", "inverts colours", "ignores its input", "checkerboard")
OPEN = ("under-trained", "too early to tell", "nothing to compare", "healthy")  # no failures


def diagnose(history: History) -> Verdict:
    """The verdict on a run so far."""
    last = history.events[-1] if history.events else None
    if last and last.event == "diverged":
        return Verdict("diverged", detail=f"{last.detail[:1].upper()}{last.detail[1:]}.")
    signals = history.signals
    if not signals:
        return Verdict("too early to tell", detail="There is nothing to see yet.")
    if len(signals) >= MIN_SNAPSHOTS:
        for name in [name for name in VERDICTS if name not in OPEN]:
            for criteria in VERDICTS[name].when:
                if (evidence := _evidence(criteria, history)) and (verdict := _named(name, evidence, history)):
                    return verdict
    if not any("frechet" in now for now in signals):
        return Verdict("nothing to compare", detail="The game makes no samples of its data.")
    if "reals" in signals[-1]:
        reals = round(signals[-1]["reals"])
        there = "is 1 real sample" if reals == 1 else f"are {reals:,} real samples"
        few = f"There {there}: too few to know what others would be like."
        return Verdict("nothing to compare", detail=few)
    if len(signals) < MIN_SNAPSHOTS:
        looks = (
            f"It takes {MIN_SNAPSHOTS} looks, and there {'has' if len(signals) == 1 else 'have'} been {len(signals)}."
        )
        return Verdict("too early to tell", detail=looks)
    return _closeness(history)


def _named(name: str, evidence: tuple[Evidence, ...], history: History) -> Verdict | None:
    """A failure with what is to be said beside its sentence; None where no mode has been missing all the time, or where
    specks, which move fakes out of their modes, make it doubtful.
    """
    if name == "discriminator too strong":
        return Verdict(name, evidence, _vanished(history.signals[-1]))
    if name == "modes missing":
        missing, modes = _missing(history), history.signals[-1].get("modes")
        if not missing or any(_SPECKLED.holds(now) for now in _last(history)):
            return None
        return Verdict(name, evidence, f"That is {len(missing)} of {modes:.0f}." if modes else "", missing)
    return Verdict(name, evidence)


def _last(history: History) -> Sequence[Mapping[str, float]]:
    """The snapshots in all of which a failure holds: the last third of those so far, and five at least."""
    return history.signals[-max(MIN_SNAPSHOTS, len(history.signals) // 3) :]


def _missing(history: History) -> tuple[str, ...]:
    """The modes that have been missing in every one of the last snapshots."""
    last = _last(history)
    names = [name.partition("/")[2] for name in last[-1] if name.startswith("mode/")]
    missing = [name for name in names if all(now.get(f"mode/{name}", 1.0) < LEAST for now in last)]
    return tuple(sorted(missing, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0)))


def _closeness(history: History) -> Verdict:
    """Healthy, under-trained, or too early to tell, of a run without a failure."""
    signals, last = history.signals, history.signals[-LASTING:]
    now = signals[-1]
    if "frechet" not in now:
        return Verdict("under-trained", detail="In the last look fakes could not be compared: not all are finite.")
    if far := tuple(_since(c, "", history) for c in FAR if c.holds(now)):
        nearer = "They come closer." if now["trend"] < 0.9 else "They come no closer."
        return Verdict("under-trained", far, nearer)
    unknown = [c.signal for c in FAR if c.limit(now) is None or c.signal not in now]
    if unknown := [name for name in dict.fromkeys(unknown) if name not in OPTIONAL or name in now]:
        if _POOR.holds(now):
            return Verdict("under-trained", (_since(_POOR, "", history),))
        older = f"An older zerosum made it, which measured no {', '.join(unknown)} of fakes and of other reals."
        return Verdict("too early to tell", detail=older)
    if any(c.holds(one) for c in FAR for one in last) or not all("frechet" in one for one in last):
        return Verdict("under-trained", detail="They came close in the last looks only.")
    close = tuple(_since(c.opposite, "", history) for c in FAR if c.signal in now)
    better = "They still come closer: more steps may help." if now["trend"] < 0.75 else ""
    return Verdict("healthy", close, " ".join(filter(None, (_untested(now), better))))


def _untested(signals: Mapping[str, float]) -> str:
    """Of how many modes nothing is known, since they are rare."""
    tested = sum(name.startswith("mode/") for name in signals)
    untested = round(signals.get("modes", tested)) - tested
    if untested < 1:
        return ""
    return f"Of {untested} of {tested + untested} modes it is not known whether they are missing: they are too rare."


def _evidence(criteria: Sequence[Criterion], history: History) -> tuple[Evidence, ...]:
    """Of a list of criteria that holds, for each player for whom it does; () where it does not hold."""
    last = _last(history)
    met: dict[int, list[str]] = {}  # the players by scope
    for scope in {criterion.scope for criterion in criteria}:
        own = [criterion for criterion in criteria if criterion.scope == scope]
        met[scope] = [
            player
            for player in players_with(last[-1], own[0].signal)
            if all(_lasts(criterion, last, player) for criterion in own)
        ]
    if not all(met.values()):
        return ()
    return tuple(_since(criterion, player, history) for criterion in criteria for player in met[criterion.scope])


def _lasts(criterion: Criterion, last: Sequence[Mapping[str, float]], player: str) -> bool:
    """Whether it holds in the last snapshots, in all of them but for lapses."""
    if criterion.signal in OF_HISTORY:
        return criterion.holds(last[-1], player)
    lapses = sum(not criterion.holds(signals, player) for signals in last)
    return lapses <= _allowed(criterion.signal, len(last)) and criterion.holds(last[-1], player)


def _allowed(signal: str, looks: int) -> int:
    """In how many of the last looks a criterion may not hold."""
    if signal in OF_LOGITS:
        return 1  # they are of one batch
    return looks // 5 if signal == "variety" else 0  # between one phrase and the next texts are neither


def _since(criterion: Criterion, player: str, history: History) -> Evidence:
    """A criterion that holds now, and since when it has."""
    signals, since = history.signals, len(history.signals) - 1
    while since > 0 and criterion.holds(signals[since - 1], player):
        since -= 1
    value, limit = signals[-1][of_player(criterion.signal, player)], criterion.limit(signals[-1]) or 0.0
    named = player if len(players_with(signals[-1], criterion.signal)) > 1 else ""
    return Evidence(criterion, value, limit, history.snapshots[since].step, named)


def _vanished(signals: Mapping[str, float]) -> str:
    """Whose gradient a sure discriminator has left nothing of."""
    left = {player: signals[of_player("vanishing", player)] for player in players_with(signals, "vanishing")}
    if not left or min(left.values()) >= 0.01:
        return ""
    player = min(left, key=left.__getitem__)
    whose = f"The gradient of {player}" if len(left) > 1 else "Its gradient"
    return f"{whose} has vanished to {left[player]:.1g} of what it was."
