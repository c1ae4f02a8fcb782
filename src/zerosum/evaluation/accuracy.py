"""How often a run's classifier is right: of a domain that it learnt classes in, and of one that it did not; or of a
crowd's moves, and of a player's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch

from zerosum.data.dataset import Dataset, NoPart, Progress, with_progress
from zerosum.data.domains import SOURCE, TARGET
from zerosum.data.held_out import split
from zerosum.data.images.fit import Fitted, fitted
from zerosum.data.request import NOTHING, Asked
from zerosum.data.sources import SOURCES, TWO
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import ACCURACY, Protocol, Result
from zerosum.metrics.intervals import of_share
from zerosum.metrics.score import Score
from zerosum.run.loaded import Run
from zerosum.util import rng
from zerosum.util.text import abbreviate

BLOCK = 1000  # images between two words of progress


class Tested(NamedTuple):
    """Images whose classes are known, to test a classifier on."""

    metric: str  # "target-accuracy"
    data: Dataset
    part: str  # what they are to the run: "test", "held out" ...
    note: str = ""


def measure_run(
    run: Run,
    against: str | None,
    count: int,
    seed: int,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    asked: Asked = NOTHING,
) -> tuple[list[Result], list[str], str]:
    """The accuracy in each domain of the run's data, of the moves of its crowd and its player, or on other data; notes;
    and what was tested on, in words.

    What the run held out of a domain is taken, or its published test images. Of a target without either it is all
    images, if they have classes: the run has seen them without. Of a source it is nothing then.

    Args:
        against: other data, with classes.
        count: images of each at most, chosen by `seed`.
        asked: how image files are read, where that is other than for training.

    Raises:
        ZerosumError: there are no images whose classes are known and are classes of the run; the test images of a
            published set are missing.
    """
    found = list(_named(run, against, data_dir, progress, asked))
    if not found:
        raise ZerosumError(
            f"the classes of no image are known that {run.path} could be tested on: name labelled images by --against "
            "DATA, or train with --held-out 0.1"
        )
    results = [_measured(run, tested, count, seed, progress) for tested in found]
    notes = [tested.note for tested in found if tested.note]
    notes.append(f"the weights are those of step {run.step:,}: nothing was selected by what is tested")
    return results, notes, ", ".join(tested.data.name for tested in found)


def _named(
    run: Run, against: str | None, data_dir: Path | None, progress: Progress | None, asked: Asked
) -> Iterator[Tested]:
    """What is to be tested on; what has no classes is left out."""
    own = run.record.data
    folder = data_dir or own.folder

    def read(name: str) -> Fitted:
        return fitted(name, run.modality, data_dir=folder, progress=progress, asked=asked, reading=own.reading)

    if against is not None:
        given = read(against)
        if given.data.y is None:
            raise ZerosumError(f"{against} has no classes, so nobody knows how often {run.path} is right; name others")
        yield Tested(ACCURACY, given.data, "named", "; ".join(given.notes))
        return
    known, _, option = own.name.partition(":")
    named = {"": own.name}
    if known in TWO:
        named = dict(zip(TWO[known].sides, TWO[known].names(option), strict=True))
    for side, name in named.items():
        metric = f"{side}-{ACCURACY}" if side else ACCURACY
        if own.held_out is not None:
            tested = Tested(metric, split(read(name).data, own.held_out.names).held_out, "held out")
        elif test := _published(name, read):
            tested = Tested(metric, test.data, "test")
        elif side == TARGET and name != named[SOURCE]:
            seen = f"{name}: the run has seen these images, without classes"
            tested = Tested(metric, read(name).data, "learnt from", seen)
        else:
            continue
        if tested.data.y is not None and bool((tested.data.y >= 0).any()):
            yield tested


def _published(name: str, read: Callable[[str], Fitted]) -> Fitted | None:
    """The published test images of a set, where there are any."""
    if ":" in name or name not in SOURCES:
        return None
    with suppress(NoPart):
        return read(f"{name}:test")
    return None


def _measured(run: Run, tested: Tested, count: int, seed: int, progress: Progress | None) -> Result:
    began = time.monotonic()
    data, classes = tested.data, {name: k for k, name in enumerate(run.record.data.classes)}
    assert data.y is not None
    place = torch.tensor([classes.get(name, -1) for name in data.classes])
    truth = torch.where(data.y < 0, -1, place[data.y.clamp(min=0)])
    rows = (truth >= 0).nonzero()[:, 0]
    if not len(rows):
        raise ZerosumError(
            f"{data.name} has the classes {', '.join(abbreviate([*data.classes]))}, none of which {run.path} knows: it "
            f"knows {', '.join(abbreviate([*classes]))}"
        )
    rows = rows[rng.shuffled(len(rows), seed)][:count]
    parts = with_progress("classifying", rows.split(BLOCK), math.ceil(len(rows) / BLOCK), progress)
    share = sum(int((run.classify(data.x[part]).argmax(1) == truth[part]).sum()) for part in parts) / len(rows)
    score = Score(share, "higher", of_share(share, len(rows)), "Wilson's, of the images")
    protocol = Protocol(
        metric=tested.metric,
        settings={"data": data.name, "part": tested.part},
        precision=f"{run.modality.stored_as} {run.modality.plural}",
        real=len(rows),
        fake=len(rows),
        shape=run.modality.shape,
        reference=data.fingerprint,
        seed=seed,
    )
    return Result(protocol, {ACCURACY: score}, (), round(time.monotonic() - began, 2))
