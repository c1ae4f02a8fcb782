"""Labelled samples made by a run, to train something else on: what `zerosum synthesize` calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from zerosum.data.dataset import Progress
from zerosum.data.images.write_labelled import name_classes, refuse_taken, safe_folders, whole
from zerosum.errors import ZerosumError
from zerosum.modality import Image, Points, Tokens, Vector
from zerosum.pictures.grids import save_each
from zerosum.roles import Classifies, has_role
from zerosum.run import sampling
from zerosum.run.loaded import Run, load
from zerosum.run.record import versions
from zerosum.util import checks, memory
from zerosum.util.files import atomic_path, write_atomic
from zerosum.util.text import abbreviate, encodable
from zerosum.workflows.sample import least_bytes

FILE = "synthesis.json"
BLOCK, NUMBERS = 1000, 2**24  # candidates drawn at once, and numbers in them, at most
RAREST = 0.01  # the least share of candidates that is expected to be kept, when the size of a block is chosen

Save = Callable[[int, Tensor, int], object]  # (class, samples, how many it has already)


@dataclass(frozen=True)
class Made:
    """Of one class."""

    candidates: int  # asked for, or of this class as the classifier sorts them
    kept: int


@dataclass(frozen=True)
class Synthesis:
    """`synthesis.json`: what was asked for, and what came of it."""

    run: str
    recipe: str
    step: int  # steps the run had played
    seed: int
    truncation: float | None
    confidence: float | None  # least probability of a sample's class, by the classifier
    keep_top: float  # share of the others that was kept, as the discriminator ranks them
    classifier: str  # the run whose classifier was asked; "" where none was
    candidates: int  # in all
    classes: dict[str, Made]
    versions: dict[str, str]


def synthesize(
    run: str | Path | Run,
    out: str | Path,
    per_class: int,
    *,
    confidence: float | None = None,
    keep_top: float = 1.0,
    classifier: str | Path | Run | None = None,
    seed: int = 0,
    truncation: float | None = None,
    tries: int = 100,
    progress: Progress | None = None,
) -> Synthesis:
    """Make `per_class` samples of each class: a folder with a sub-folder for each, as `zerosum.train` takes data.

    A GAN of classes is asked for each. The samples of another are sorted, by the classifier that it learnt or by that
    of another run. Images are judged as the 8-bit images that they become.

    Args:
        run: a run directory, whose newest EMA weights are used on the CPU, or what `zerosum.load` returned.
        out: a folder that is new or empty, or for points FILE.npz. It appears whole or not at all, with
            `synthesis.json` in it (`FILE-synthesis.json` beside it).
        confidence: in (0, 1]; keep samples whose class the classifier gives at least this probability.
        keep_top: in (0, 1]; of those, keep the share that the discriminator finds most real among all of its class so
            far.
        classifier: another run, to ask its classifier and not the run's own; loaded on the device of `run`.
        seed: equal seeds make equal samples; without `keep_top`, those of a smaller `per_class` are the first of a
            larger.
        truncation: as for `Run.sample`.
        tries: candidates for each sample that is wanted, at most.
        progress: called with (what is being done, done so far, total).

    Raises:
        OutOfMemoryError: so many fit neither on the disk nor, of points, into memory.
        ZerosumError: `out` is taken, nothing tells the classes apart, a filter is out of range or has nobody to ask,
            a class has a name that neither a folder nor a `labels.csv` can have, or some class does not fill.
    """
    per_class, tries, seed = (
        checks.integer("per_class", per_class),
        checks.integer("tries", tries),
        checks.seed(seed),
    )
    confidence = None if confidence is None else checks.number("confidence", confidence)
    keep_top = checks.number("keep_top", keep_top)
    _check(per_class, confidence, keep_top, tries)
    if truncation is not None:
        checks.truncation(truncation)
    path = checks.path("out", out).expanduser().resolve()
    record_path = path.with_name(f"{path.stem}-{FILE}")  # of points
    for file in (path, record_path) if path.suffix == ".npz" else (path,):
        refuse_taken(file)
    own = run if isinstance(run, Run) else load(run)
    images = isinstance(own.modality, Image)
    if not isinstance(own.modality, Image | Points):
        raise ZerosumError(f"{own.path} makes {own.modality.plural}; only images and points can be synthesized")
    if images == (path.suffix == ".npz"):
        cure = "images, which go to a folder" if images else "points, which go to a file: name one that ends in .npz"
        raise ZerosumError(f"{out}: {own.path} makes {cure}")
    device = str(next(own.game.parameters()).device)
    other = classifier if isinstance(classifier, Run) or classifier is None else load(classifier, device=device)
    source = _Source(own, _classifier_run(own, other, confidence), seed, truncation, keep_top < 1)
    pools = [_Pool(k, per_class, confidence, keep_top) for k in range(len(source.classes))]
    total = per_class * len(pools)
    if not images:
        kept = 3 * 4 * math.prod(own.modality.shape) * total
        memory.require(kept, f"{per_class:,} points of each class", "make fewer of each class")
    what = f"{own.modality.counted(total)}, {per_class:,} of each class,"
    memory.require_disk(path, least_bytes(own.modality), total, what, "--per-class", single=images)
    if not images:
        points: list[list[Tensor]] = [[] for _ in pools]
        _fill(source, pools, lambda k, x, first: points[k].append(x), tries, progress)
        x = [torch.cat(blocks) for blocks in points]
        labels = torch.arange(len(x)).repeat_interleave(torch.tensor([len(one) for one in x])).numpy()
        with atomic_path(path) as partial:
            np.savez_compressed(partial, samples=torch.cat(x).numpy(), labels=labels, classes=np.array(source.classes))
        return _write_record(record_path, source, pools)
    folders = safe_folders(source.classes)
    named = dict(zip(folders, source.classes, strict=True)) if folders != source.classes else {}
    with whole(path) as partial:
        name_classes(partial, {f"{folder}/0.png": name for folder, name in named.items()})  # refused before work
        _fill(source, pools, lambda k, x, first: save_each(x, partial / folders[k], first=first), tries, progress)
        files = {folder: sorted((partial / folder).iterdir()) for folder in named}
        name_classes(partial, {f"{k}/{file.name}": name for k, name in named.items() for file in files[k]})
        return _write_record(partial / FILE, source, pools)


class _Candidates(NamedTuple):
    x: Tensor  # (B, *shape)
    y: Tensor  # (B,) int64
    confidence: Tensor | None  # (B,) probability of y, by the classifier
    score: Tensor | None  # (B,) by the discriminator


class _Source:
    """A run that is asked for classes, or one whose samples are sorted.

    Args:
        classifier_run: the run whose classifier is asked, if any.
        ranked: whether the discriminator is asked.
    """

    def __init__(self, run: Run, classifier_run: Run | None, seed: int, truncation: float | None, ranked: bool):
        self.run, self.classifier_run, self.ranked = run, classifier_run, ranked
        self.seed, self.truncation = seed, truncation
        self.conditional = run.condition is not None
        sorter = run if self.conditional or classifier_run is None else classifier_run
        self.classes = sorter.record.data.classes
        self.drawn = 0
        if ranked:
            run.score(run.sample(1), run.labels_for(1))  # refuses before anything is made

    def draw(self, count: int, number: int, start: int) -> _Candidates:
        """Candidates `start` to `start + count`; where classes are asked for, of class `number`, each with its own z.

        They are the same however many are drawn at once.
        """
        name = self.classes[number] if self.conditional else None
        x = sampling.sample(
            self.run.game,
            count,
            seed=sampling.block_seed(self.seed, number),
            start=start,
            labels=self.run.labels_for(count, name),
            truncation=self.run.record.training.truncation if self.truncation is None else self.truncation,
        )
        self.run.assert_finite(x, "samples")
        self.drawn += count
        judged = self.run.modality.store(x)
        y, confidence = torch.full((count,), number), None
        if self.classifier_run is not None:
            names = self.classifier_run.record.data.classes
            p = self.classifier_run.classify(judged)[
                :, [names.index(name) for name in self.classes]
            ]  # (B, K), in their order
            y = y if self.conditional else p.argmax(1)
            confidence = p.gather(1, y[:, None])[:, 0]
        score = self.run.score(judged, y if self.conditional else None) if self.ranked else None
        return _Candidates(x, y, confidence, score)


@dataclass
class _Pool:
    """A class that is to be filled."""

    number: int
    wanted: int
    confidence: float | None
    share: float  # to keep, of those that are sure enough
    kept: int = 0
    candidates: int = 0
    seen: list[Tensor] = field(default_factory=list)  # the keep_top of those, block by block

    @property
    def missing(self) -> int:
        return self.wanted - self.kept

    def choose(self, given: _Candidates) -> Tensor:
        """The rows to keep, as many as are missing at most, in the order they were drawn in."""
        rows = (given.y == self.number).nonzero()[:, 0]
        self.candidates += len(rows)
        if self.confidence is not None and given.confidence is not None:
            rows = rows[given.confidence[rows] >= self.confidence]
        if given.score is not None and len(rows):
            self.seen.append(given.score[rows])
            ranked = torch.cat(self.seen).sort(descending=True).values
            rows = rows[given.score[rows] >= ranked[math.ceil(self.share * len(ranked)) - 1]]
        rows = rows[: self.missing]
        self.kept += len(rows)
        return rows


def _fill(source: _Source, pools: Sequence[_Pool], save: Save, tries: int, progress: Progress | None) -> None:
    """Draw until every class has what is wanted, one class after another where each can be asked for."""
    wanted = sum(pool.wanted for pool in pools)
    block = min(BLOCK, max(1, NUMBERS // math.prod(source.run.modality.shape)))
    for group in [[pool] for pool in pools] if source.conditional else [pools]:
        drawn, most = 0, tries * sum(pool.wanted for pool in group)
        while drawn < most and (short := [pool for pool in group if pool.missing]):
            rates = [pool.kept / drawn if drawn else pool.share / len(group) for pool in short]
            needed = max(pool.missing / max(rate, RAREST) for pool, rate in zip(short, rates, strict=True))
            count = min(math.ceil(needed), block, most - drawn)
            given = source.draw(count, group[0].number, drawn)
            drawn += count
            for pool in group:
                if len(rows := pool.choose(given)):
                    save(pool.number, given.x[rows], pool.kept - len(rows))
            if progress:  # as many as the emptiest class has of each, so that the time left is told rightly
                before = sum(pool.kept for pool in pools[: group[0].number])
                progress("drawing samples", before + len(group) * min(pool.kept for pool in group), wanted)
    if short := [pool for pool in pools if pool.missing]:
        named = abbreviate([f"{source.classes[pool.number]} ({pool.kept:,} of {pool.wanted:,})" for pool in short])
        filters = [name for name, on in (("confidence", pools[0].confidence), ("keep_top", source.ranked)) if on]
        cure = f"ask for less {' and '.join(filters)}, or allow more tries" if filters else "allow more tries"
        raise ZerosumError(
            f"of {source.drawn:,} candidates too few are of the classes {', '.join(named)}; {cure}, or train longer"
        )


def _write_record(path: Path, source: _Source, pools: Sequence[_Pool]) -> Synthesis:
    run, classifier_run = source.run, source.classifier_run
    record = Synthesis(
        run=encodable(str(run.path.resolve())),
        recipe=run.record.recipe,
        step=run.step,
        seed=source.seed,
        truncation=run.record.training.truncation if source.truncation is None else source.truncation,
        confidence=pools[0].confidence,
        keep_top=pools[0].share,
        classifier=encodable(str(classifier_run.path.resolve())) if classifier_run else "",
        candidates=source.drawn,
        classes={source.classes[pool.number]: Made(pool.candidates, pool.kept) for pool in pools},
        versions=versions(),
    )
    write_atomic(path, TypeAdapter(Synthesis).dump_json(record, indent=2) + b"\n")
    return record


def _classifier_run(run: Run, other: Run | None, confidence: float | None) -> Run | None:
    """The run whose classifier is asked, if one is needed."""
    recipe, condition = run.record.recipe, run.condition
    if isinstance(condition, Vector | Tokens):
        raise ZerosumError(f"{recipe} learnt {condition}, not classes; `zerosum sample` draws them")
    if condition is not None and confidence is None:
        if other is not None:
            raise ZerosumError(f"{recipe} makes the class it is asked for: a classifier is for --confidence alone")
        return None
    classifier_run = other or (run if has_role(run.game, Classifies) else None)
    if classifier_run is None:
        why = "--confidence needs a classifier, and" if condition is not None else "nothing tells its classes apart:"
        raise ZerosumError(f"{why} {recipe} learns none; name a run that does with --classifier")
    classifier_run.classify(torch.empty(0, *run.modality.shape))  # refuses a run without one, or of another shape
    known = classifier_run.record.data.classes
    if condition is not None and (unknown := [name for name in run.record.data.classes if name not in known]):
        raise ZerosumError(
            f"the classifier of {classifier_run.path} knows no class {', '.join(abbreviate(unknown))}; use another run"
        )
    return classifier_run


def _check(per_class: int, confidence: float | None, keep_top: float, tries: int) -> None:
    if per_class < 1 or tries < 1:
        what, number = ("per class", per_class) if per_class < 1 else ("tries", tries)
        raise ZerosumError(f"{number} {what} makes nothing; ask for at least 1")
    for name, share in (("confidence", 1.0 if confidence is None else confidence), ("keep_top", keep_top)):
        if not 0 < share <= 1:
            raise ZerosumError(f"{name} is a share: above 0 and at most 1, not {share}")
