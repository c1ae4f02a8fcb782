"""How much a detector of binary vectors can be made to miss, and how well it learns from that: `zerosum audit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from zerosum.modality import Binary, Points
from zerosum.pictures import png, rates
from zerosum.run.record import versions
from zerosum.util import checks
from zerosum.util.files import write_atomic
from zerosum.util.text import abbreviate, encodable

FILE, PICTURE = "audit.json", "audit.png"
TESTED, CHOSEN_BY = 0.25, 0.1  # shares of the vectors
FEWEST = 20  # vectors of each class in each part
SHOWN = 10  # features that are added most
FOOLED, HELD = 0.05, 0.9  # of what was detected before: at most the one is, or at least the other
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
    changeable: int  # of them may be added
    learnt: tuple[int, int]  # malicious and benign vectors that the detector has learnt from
    attackers: tuple[int, int]  # those that MalGAN has learnt from
    tested: tuple[int, int]
    knows: str
    objective: str
    addition: float
    steps: int
    seed: int
    rounds: tuple[Round, ...]
    most_added: dict[str, float]  # in the first round, features and the share of vectors that they were added to
    versions: dict[str, str]

    def lines(self) -> list[str]:
        """What it comes to, in sentences."""
        first = self.rounds[0]
        part = first.attacked / first.detected if first.detected else 1.0
        how = "is fooled" if part <= FOOLED else "is not fooled" if part >= HELD else "is fooled in part"
        said = [
            f"{self.detector} {how}: it detects {first.detected:.1%} of malicious vectors, and {first.attacked:.1%} "
            f"when MalGAN adds {first.added:.1f} of {self.features:,} features to each; as many added at random leave "
            f"{first.at_random:.1%}",
            f"MalGAN was given {first.queries:,} answers; {first.false_alarms:.1%} of benign vectors are false alarms",
        ]
        if first.retrained is not None:
            anew = "".join(f", and {second.attacked:.1%} under a new attack" for second in self.rounds[1:2])
            said.append(f"when it has learnt from such vectors, it detects {first.retrained:.1%} of them{anew}")
        if self.most_added:
            added = [f"{name} ({share:.0%})" for name, share in self.most_added.items()]
            said.append(f"most often added: {', '.join(added)}")
        return said


class _Parts(NamedTuple):
    """Vectors, uint8 (N, D): malicious and benign ones, or malicious ones alone."""

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
    steps: int = 2_000,
    rounds: int = 2,
    seed: int = 0,
    objective: Literal["non-saturating", "minimax"] = "non-saturating",
    addition: float = 0.05,
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Attack a detector of binary vectors by MalGAN, let it learn from the attack, and attack again.

    It works on vectors and makes no program: whether a vector with more features is one of a working program nobody
    knows here. A quarter of the vectors is tested on, a tenth chooses between generators, and the detector learns from
    half of the others; equal vectors are all in one part.

    Args:
        data: labelled vectors of 0 and 1: "bits", a .csv or .npz file, or what `zerosum.data.load` returned.
        detector: "forest", "logistic", "tree", "svm", "mlp" or "vote"; an estimator like scikit-learn's, of which
            copies are fitted; or a function from vectors, uint8 (N, D), to 1 or True of malicious ones, (N,), which is
            asked alone, and learns from nothing.
        out: a folder that is new or empty, which gets `audit.json`, `audit.png` and the vectors of each attack,
            `evading-1.npz`; it appears whole or not at all. None: nothing is written.
        malicious: the class that is to be detected; by default the one that is called so, or malware, bad, attack,
            spam, positive, true or 1.
        changeable: the names or numbers of the features that may be added; by default all.
        knows: MalGAN learns from the other half, or from the same one as the detector.
        steps: of MalGAN, in each of which the detector is asked for 64 vectors of each class.
        rounds: attacks, after each of which the detector learns from the attacked vectors of its own part.
        objective, addition: of MalGAN's G, see `MalGAN.Config`; the paper's are minimax and 0, which adds several times
            as many features.
        data_dir: where published sets are looked for first.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: the data has no vectors of 0 and 1, too few of them, or one class; the detector is constant, or
            answers something else; a feature or the class does not exist; `out` is taken.
    """
    steps, rounds = checks.integer("steps", steps, 1), checks.integer("rounds", rounds, 1)
    seed, config = checks.seed(seed), MalGAN.Config(objective=objective, addition=addition)
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
    kind, vectors, malware, name = _classes(given, malicious)
    may_change = _changeable(kind, changeable)
    parts = _split(vectors, malware, given.name, knows, seed)
    learnt = [parts.detector[0]]  # the malware that the detector has learnt from
    box = black_box(detector, seed).fitted(*parts.detector)
    _require_both(box, parts.tested)
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
        changeable=int(may_change.sum()),
        learnt=_counts(parts.detector),
        attackers=_counts(parts.attacker),
        tested=_counts(parts.tested),
        knows=knows,
        objective=config.objective,
        addition=config.addition,
        steps=steps,
        seed=seed,
        rounds=tuple(found),
        most_added=_most_added(kind, parts.tested[0], evading[0]),
        versions=versions(),
    )
    if folder is not None:
        _write(folder, result, parts.tested[0], evading)
    return result


def _classes(data: Dataset, malicious: str | None) -> tuple[Binary, Tensor, Tensor, str]:
    """The kind of labelled vectors, these, uint8 (N, D), which are of the class to detect, bool (N,), its name."""
    kind = data.modality
    if not isinstance(kind, Binary):
        cure = "features are 0 or 1: save whether each is there, as booleans" if isinstance(kind, Points) else HOLDS
        raise ZerosumError(f"{data.name} holds {kind}, and a detector is audited on binary vectors; {cure}")
    if data.y is None or len(data.classes) < 2:
        had = f"the class {data.classes[0]} alone" if data.classes else "no classes"
        raise ZerosumError(
            f"{data.name} has {had}, and a detector tells malicious vectors from benign ones: give both, and a column "
            "or an array called label that says which is which"
        )
    named = [name for name in data.classes if name.lower() in MALICIOUS]
    if malicious is None and len(named) != 1:
        raise ZerosumError(
            f"{data.name} has the classes {', '.join(abbreviate(list(data.classes)))}; say by --malicious which is to "
            "be detected: all others are benign"
        )
    name = named[0] if malicious is None else malicious
    if name not in data.classes:
        raise ZerosumError(unknown("class", name, data.classes))
    known = data.y >= 0
    return kind, data.x[known], data.y[known] == data.classes.index(name), name


def _changeable(kind: Binary, features: Sequence[str | int] | None) -> Tensor:
    """(D,) bool: the features that may be added."""
    if features is None:
        return torch.ones(kind.dim, dtype=torch.bool)
    places = {kind.name(k): k for k in range(kind.dim)}
    chosen = torch.zeros(kind.dim, dtype=torch.bool)
    for feature in map(str, features):
        if feature not in places:
            names = f"{', '.join(abbreviate(list(kind.names)))}" or f"numbers from 0 to {kind.dim - 1}"
            raise ZerosumError(unknown("feature", feature, places, f"there are {names}"))
        chosen[places[feature]] = True
    return chosen


def _split(vectors: Tensor, malware: Tensor, name: str, knows: str, seed: int) -> _Parts:
    """All parts; equal vectors are in one."""
    _, group = vectors.unique(dim=0, return_inverse=True)
    chance = torch.rand(int(group.max()) + 1, generator=Generator().manual_seed(seed))[group]
    half = (1 + TESTED + CHOSEN_BY) / 2
    bounds = [0.0, TESTED, TESTED + CHOSEN_BY, half, 1.0]
    tested, chosen_by, first, second = (
        (vectors[inside & malware], vectors[inside & ~malware])
        for inside in ((chance >= low) & (chance < high) for low, high in pairwise(bounds))
    )
    if (fewest := min(len(x) for part in (tested, chosen_by, first, second) for x in part)) < FEWEST:
        raise ZerosumError(
            f"{name} has {int(malware.sum()):,} malicious and {int((~malware).sum()):,} benign vectors, of which a "
            f"part has {fewest} of a class, and {FEWEST} are needed; give some hundreds of different ones of each"
        )
    return _Parts(first, first if knows == "same" else second, chosen_by[0], tested)


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


def _require_both(box: BlackBox, tested: tuple[Tensor, Tensor]) -> None:
    """A `ZerosumError` where a detector gives every vector the same answer."""
    answers = box(torch.cat(tested))
    if bool(answers.all()) or not bool(answers.any()):
        what = "malicious" if bool(answers.all()) else "benign"
        raise ZerosumError(
            f"{box.name} finds every vector {what}, so that nothing can be hidden from it: it has learnt nothing of "
            "these classes; give it more data, or another detector"
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
            np.savez_compressed(
                partial / f"evading-{number}.npz", samples=attacked.numpy().astype(bool), original=malware.numpy()
            )
        png.save(picture(result), partial / PICTURE)
        write_atomic(partial / FILE, TypeAdapter(Audit).dump_json(result, indent=2) + b"\n")
