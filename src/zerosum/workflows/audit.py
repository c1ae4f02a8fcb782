"""How much a detector of binary vectors can be made to miss, and how well it learns from that: `zerosum audit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from pydantic import TypeAdapter
from torch import Generator, Tensor

from zerosum.data import load
from zerosum.data.dataset import Dataset, Progress
from zerosum.data.images.write_labelled import refuse_taken, whole
from zerosum.errors import ZerosumError, unknown
from zerosum.evaluation.detectors import Answers, BlackBox, Estimator, black_box
from zerosum.evaluation.evasion import at_random, attack
from zerosum.games.malgan import MalGAN
from zerosum.metrics.intervals import of_share
from zerosum.modality import Binary, Points
from zerosum.pictures import png, rates
from zerosum.run.record import versions
from zerosum.util import checks
from zerosum.util.files import write_atomic
from zerosum.util.text import abbreviate, composed, encodable

FILE, PICTURE = "audit.json", "audit.png"
STEPS, ROUNDS = 3_000, 2
OWN = MalGAN.Config(
    objective="non-saturating", addition=0.02, straight_through=True, exploration=0.1, substitute_steps=3
)
PAPER = MalGAN.Config()
MOST_ROUNDS = 100
TESTED, CHOSEN_BY = 0.25, 0.1  # shares of the vectors; the second of malicious ones alone
FEWEST = 20  # vectors of each class in each part
SHOWN = 10  # features that are added most
FOOLED, HELD = 0.05, 0.9  # of what was detected before: surely less than the one is, or more than the other
MALICIOUS = ("malicious", "malware", "bad", "attack", "spam", "positive", "true", "1")  # what it may be called
HOLDS = "give a .csv or .npz file of features that are 0 or 1"


@dataclass(frozen=True)
class Round:
    """A detector before an attack, under it, and after it has learnt from it. All but two numbers are shares."""

    detected: float  # true-positive rate, of malicious vectors as they are
    false_alarms: float  # false-positive rate, of benign ones
    attacked: float  # true-positive rate, of the same vectors with what MalGAN adds
    at_random: float  # the same with as many features added by chance
    added: float  # features that MalGAN adds to a vector, on average
    queries: int  # answers that it was given
    retrained: float | None = (
        None  # true-positive rate of the attacked vectors, after the detector has learnt from such
    )
    detected_after: float | None = None  # and of those as they are
    false_alarms_after: float | None = None


@dataclass(frozen=True)
class Audit:
    """`audit.json`: what was asked for, and what came of it."""

    detector: str
    data: str
    fingerprint: str
    malicious: str  # the class that is to be detected
    features: int
    changeable: tuple[str, ...] | None  # those that may be added; None: all
    learnt: tuple[int, int]  # malicious and benign vectors that the detector has learnt from
    attackers: tuple[int, int]  # those that MalGAN has learnt from
    tested: tuple[int, int]
    knows: str
    config: MalGAN.Config
    steps: int
    seed: int
    rounds: tuple[Round, ...]
    most_added: dict[str, float]  # in the first round, features and the share of vectors that they were added to
    versions: dict[str, str]

    def lines(self) -> list[str]:
        """What it comes to, in sentences."""
        first, count = self.rounds[0], self.tested[0]
        low, high = of_share(first.attacked, count)
        how = "is not fooled" if low >= HELD * first.detected else "is fooled in part"
        how = "is fooled" if high <= FOOLED * first.detected else how
        said = [
            f"{self.detector} {how}: of {count:,} malicious vectors it detects {first.detected:.1%}, and "
            f"{first.attacked:.1%} (95 %: {low:.1%} to {high:.1%}) when MalGAN adds {first.added:.1f} of "
            f"{self.features:,} features to each; as many added at random leave {first.at_random:.1%}",
            f"MalGAN was given {first.queries:,} answers; {first.false_alarms:.1%} of benign vectors are false alarms",
        ]
        if first.retrained is not None:
            anew = "".join(f"; under a new attack it detects {second.attacked:.1%}" for second in self.rounds[1:2])
            said.append(
                f"when it has learnt from such vectors, it detects {first.retrained:.1%} of them, with "
                f"{first.false_alarms_after:.1%} false alarms{anew}"
            )
        if self.most_added:
            added = [f"{name} ({share:.0%})" for name, share in self.most_added.items()]
            said.append(f"most often added: {', '.join(added)}")
        return said


class Parts(NamedTuple):
    """Vectors, bool (N, D): malicious and benign ones, or malicious ones alone."""

    detector: tuple[Tensor, Tensor]
    attacker: tuple[Tensor, Tensor]
    chosen_by: Tensor
    tested: tuple[Tensor, Tensor]


def audit(
    data: str | Path | Dataset,
    detector: str | Estimator | Answers = "forest",
    *,
    out: str | Path | None = None,
    malicious: str | None = None,
    changeable: Sequence[str | int] | None = None,
    knows: Literal["different", "same"] = "different",
    steps: int = STEPS,
    rounds: int = ROUNDS,
    seed: int = 0,
    config: MalGAN.Config = OWN,
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Attack a detector of binary vectors by MalGAN, let it learn from the attack, and attack again.

    It works on vectors and makes no program: whether a vector with more features is one of a working program nobody
    knows here. A quarter of the vectors is tested on, a tenth of the malicious ones chooses between generators, and the
    detector learns from half of the others; equal vectors of a class are all in one part.

    Args:
        data: labelled vectors of 0 and 1: "bits", a .csv or .npz file, or what `zerosum.data.load` returned.
        detector: "forest", "logistic", "tree", "svm", "mlp" or "vote"; an estimator like scikit-learn's, of which
            copies are fitted; or a function from vectors, uint8 (N, D), to 1 or True of malicious ones, (N,), which is
            asked alone, and learns from nothing.
        out: a folder that is new or empty, which gets `audit.json`, `audit.png` and the vectors of each attack,
            `evading-1.npz`; it appears whole or not at all. None: nothing is written.
        malicious: the class that is to be detected; by default the one that is called so, or malware, bad, attack,
            spam, positive, true or 1.
        changeable: the names or numbers, from 0, of the features that may be added; by default all.
        knows: MalGAN learns from the other half, or from the same one as the detector.
        steps: of MalGAN; before each move of the substitute the detector is asked about 64 vectors of each class.
        rounds: attacks, after each of which the detector learns from the attacked vectors of its own part.
        config: of MalGAN; `PAPER` is the paper's.
        data_dir: where published sets are looked for first.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: the data has no vectors of 0 and 1, too few of them, or one class; the detector tells nothing
            apart, fails, or answers something else; a feature or the class does not exist; `out` is taken.
    """
    steps, rounds = checks.integer("steps", steps, 1), checks.integer("rounds", rounds, 1, MOST_ROUNDS)
    seed = checks.integer("seed", seed, 0, 2**63 - 1 - MOST_ROUNDS)
    if knows not in ("different", "same"):
        raise ZerosumError(
            f"knows must be 'different' or 'same', not {knows!r:.60}: the vectors that MalGAN learns from"
        )
    folder = None if out is None else checks.path("out", out).expanduser().resolve()
    if folder is not None:
        refuse_taken(folder)
    given = data
    if not isinstance(given, Dataset):
        where = None if data_dir is None else checks.path("data_dir", data_dir)
        given = load(checks.text("data", given), data_dir=where, progress=progress)
    kind, vectors, malware, name = classes_of(given, malicious)
    may_change = _changeable(kind, changeable)
    parts = split(vectors, malware, given.name, knows, seed)
    learnt = [parts.detector[0]]  # the malware that the detector has learnt from
    box = black_box(detector, seed).fitted(*parts.detector)
    _require_useful(box, parts.tested)
    found, evading = list[Round](), list[Tensor]()
    for number in range(rounds):
        made = attack(
            box,
            *parts.attacker,
            parts.chosen_by,
            may_change,
            steps=steps,
            seed=seed + number,
            config=config,
            progress=_from(number * steps, rounds * steps, progress),
        )
        attacked = made(parts.tested[0])
        one = _measured(
            box, parts.tested, attacked, at_random(parts.tested[0], attacked, may_change, seed), made.queries
        )
        if box.estimator is not None:
            learnt.append(made(parts.detector[0]))
            box = box.fitted(torch.cat(learnt), parts.detector[1])
            one = replace(
                one,
                retrained=_share(box, attacked),
                detected_after=_share(box, parts.tested[0]),
                false_alarms_after=_share(box, parts.tested[1]),
            )
        found.append(one)
        evading.append(attacked)
    result = Audit(
        detector=box.name,
        data=encodable(given.name),
        fingerprint=given.fingerprint,
        malicious=name,
        features=kind.dim,
        changeable=None if changeable is None else tuple(kind.name(k) for k in may_change.nonzero()[:, 0].tolist()),
        learnt=_counts(parts.detector),
        attackers=_counts(parts.attacker),
        tested=_counts(parts.tested),
        knows=knows,
        config=config,
        steps=steps,
        seed=seed,
        rounds=tuple(found),
        most_added=_most_added(kind, parts.tested[0], evading[0]),
        versions={**versions(), "scikit-learn": version("scikit-learn")},
    )
    if folder is not None:
        _write(folder, result, parts.tested[0], evading)
    return result


def classes_of(data: Dataset, malicious: str | None) -> tuple[Binary, Tensor, Tensor, str]:
    """The kind of labelled vectors, these, bool (N, D), which are of the class to detect, bool (N,), its name."""
    kind = data.modality
    if not isinstance(kind, Binary):
        cure = "features are 0 or 1: save whether each is there, as booleans" if isinstance(kind, Points) else HOLDS
        raise ZerosumError(f"{data.name} holds {kind}, and a detector is audited on binary vectors; {cure}")
    if data.y is None or len(data.classes) < 2:
        had = f"the class {data.classes[0]} alone" if data.classes else "no classes"
        raise ZerosumError(
            f"{data.name} has {had}, and a detector tells malicious vectors from benign ones: give both, and a column "
            "or an array called label that says which is which"
            f"{' (-1 is no label: number them from 0)' if data.y is not None and bool((data.y < 0).any()) else ''}"
        )
    named = [name for name in data.classes if name.lower() in MALICIOUS]
    if malicious is None and (len(named) != 1 or len(data.classes) > 2):
        raise ZerosumError(
            f"{data.name} has the classes {', '.join(abbreviate(list(data.classes)))}; say by --malicious which is to "
            "be detected: all others are benign"
        )
    name = named[0] if malicious is None else malicious
    if name not in data.classes:
        raise ZerosumError(unknown("class", name, data.classes))
    known = data.y >= 0
    if len(data.y[known].unique()) < 2:
        raise ZerosumError(f"{data.name} has labelled vectors of one class alone; give some of each their label")
    return kind, data.x[known], data.y[known] == data.classes.index(name), name


def _changeable(kind: Binary, features: Sequence[str | int] | None) -> Tensor:
    """(D,) bool: the features that may be added."""
    if features is None:
        return torch.ones(kind.dim, dtype=torch.bool)
    if isinstance(features, str) or not isinstance(features, Iterable):
        raise ZerosumError(f"changeable must be names or numbers of features, a list of them, not {features!r:.60}")
    places = {str(k): k for k in range(kind.dim)} | {kind.name(k): k for k in range(kind.dim)}
    chosen = torch.zeros(kind.dim, dtype=torch.bool)
    for feature in (composed(str(feature)) for feature in features):
        if feature not in places:
            names = f"{', '.join(abbreviate(list(kind.names)))}, or numbers" if kind.names else "numbers"
            raise ZerosumError(unknown("feature", feature, kind.names, f"there are {names} from 0 to {kind.dim - 1}"))
        chosen[places[feature]] = True
    return chosen


def split(vectors: Tensor, malware: Tensor, name: str, knows: str, seed: int) -> Parts:
    """All parts; equal vectors of a class are in one."""
    _, group = vectors.unique(dim=0, return_inverse=True)
    chance = torch.rand(int(group.max()) + 1, generator=Generator().manual_seed(seed))[group]

    def parts(own: Tensor, *bounds: float) -> list[Tensor]:
        """Of one class, between bounds of chance."""
        return [vectors[own & (chance >= low) & (chance < high)] for low, high in pairwise((0.0, *bounds, 1.0))]

    before = TESTED + CHOSEN_BY
    tested, chosen_by, first, second = parts(malware, TESTED, before, (1 + before) / 2)
    benign, *halves = parts(~malware, TESTED, (1 + TESTED) / 2)
    if (fewest := min(map(len, (tested, chosen_by, first, second, benign, *halves)))) < FEWEST:
        raise ZerosumError(
            f"{name} has {int(malware.sum()):,} malicious and {int((~malware).sum()):,} benign vectors, of which a "
            f"part has {fewest} of a class, and {FEWEST} are needed; give some hundreds of different ones of each"
        )
    of_detector, others = (first, halves[0]), (second, halves[1])
    return Parts(of_detector, of_detector if knows == "same" else others, chosen_by, (tested, benign))


def picture(result: Audit) -> Image.Image:
    """What is detected, round by round, as bars."""
    groups = {}
    for number, one in enumerate(result.rounds, 1):
        groups[f"attack {number}"] = {
            "as it is": one.detected,
            "under attack": one.attacked,
            "at random": one.at_random,
        }
        if one.retrained is not None:
            groups[f"attack {number}"]["after learning"] = one.retrained
    return rates.bars(groups, f"Malicious vectors that {result.detector} detects")


def _require_useful(box: BlackBox, tested: tuple[Tensor, Tensor]) -> None:
    """A `ZerosumError` where a detector gives all vectors one answer, or finds benign ones malicious as often."""
    found, wrong = (float(box(side).double().mean()) for side in tested)
    if (both := {found, wrong}) in ({0.0}, {1.0}):
        raise ZerosumError(
            f"{box.name} finds every vector {'malicious' if both == {1.0} else 'benign'}, so that nothing can be "
            "hidden from it: it has learnt nothing of these classes; give it more data, or another detector"
        )
    if found <= wrong:
        raise ZerosumError(
            f"{box.name} finds {found:.1%} of malicious vectors malicious and {wrong:.1%} of benign ones, so that it "
            "tells nothing apart: turn its answers round, say by --malicious which class it detects, or give another"
        )


def _measured(box: BlackBox, tested: tuple[Tensor, Tensor], attacked: Tensor, by_chance: Tensor, queries: int) -> Round:
    """Before the detector learns from an attack; its answers to these questions are no queries of MalGAN's."""
    return Round(
        detected=_share(box, tested[0]),
        false_alarms=_share(box, tested[1]),
        attacked=_share(box, attacked),
        at_random=_share(box, by_chance),
        added=round(float((attacked != tested[0]).sum(1).double().mean()), 2),
        queries=queries,
    )


def _share(box: BlackBox, vectors: Tensor) -> float:
    """Of vectors that are found malicious."""
    return round(float(box(vectors).double().mean()), 4)


def _counts(pair: tuple[Tensor, Tensor]) -> tuple[int, int]:
    return len(pair[0]), len(pair[1])


def _most_added(kind: Binary, malware: Tensor, attacked: Tensor) -> dict[str, float]:
    """Some features and the share of vectors that they were added to, the largest first."""
    shares = (attacked != malware).double().mean(0)
    order = shares.argsort(descending=True, stable=True)[:SHOWN].tolist()
    return {kind.name(k): round(float(shares[k]), 4) for k in order if shares[k] > 0}


def _from(begun: int, total: int, progress: Progress | None) -> Callable[[int], object] | None:
    """Progress of one of several trainings, as that of all."""
    return None if progress is None else lambda done: progress("attacking", begun + done, total)


def _write(folder: Path, result: Audit, malware: Tensor, evading: Sequence[Tensor]) -> None:
    with whole(folder) as partial:
        for number, attacked in enumerate(evading, 1):
            np.savez_compressed(partial / f"evading-{number}.npz", samples=attacked.numpy(), original=malware.numpy())
        png.save(picture(result), partial / PICTURE)
        write_atomic(partial / FILE, TypeAdapter(Audit).dump_json(result, indent=2) + b"\n")
