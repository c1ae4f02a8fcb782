"""Real data of which no sample is there twice, for metrics that a twin would falsify."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress

import torch
from torch import Tensor

from zerosum.data import twins
from zerosum.data.dataset import Dataset
from zerosum.metrics.metric import Context
from zerosum.metrics.samples import Samples
from zerosum.util import memory


@dataclass(frozen=True)
class Distinct:
    """A context without twins, and what was left out."""

    context: Context
    unused: Tensor  # numbers of the real samples that are not compared with, without twins of any that is
    of_data: int  # real samples that were left out
    of_test: int  # held-out ones, which are among the real samples or repeat one another
    unsearched: str = ""  # why none but equal ones were looked for

    @property
    def note(self) -> str:
        """What was left out; "" where nothing was."""
        parts = []
        if self.of_data:
            whole = len(self.context.data) + self.of_data
            parts.append(f"{self.of_data:,} of {whole:,} samples of {self.context.data.name} repeat another (twins)")
        if self.of_test and (test := self.context.test):
            whole = len(test) + self.of_test
            parts.append(f"{self.of_test:,} of {whole:,} of {test.name} are in the training data or repeat another")
        return "; ".join(parts)


def without_twins(context: Context, order: Tensor, compared: int) -> Distinct:
    """The context without twins, of which that one stays that comes first in `order`, the numbers of all real samples;
    the first `compared` are compared with. Held-out samples are left out where they are in the data, too.
    """
    data, test = context.data, context.test
    rows = data.x if test is None else torch.cat([data.x, test.x])
    first, unsearched = twins.find(rows, data.modality)
    of_data = first[: len(data.x)]
    keep = torch.zeros(len(rows), dtype=torch.bool)
    _, groups = of_data[order].unique(return_inverse=True)
    place = torch.arange(len(order))
    earliest = torch.full((len(order),), len(order)).scatter_reduce(0, groups, place, "amin")  # of each group
    keep[order[earliest[groups] == place]] = True
    keep[len(data.x) :] = first[len(data.x) :] == torch.arange(len(data.x), len(rows))
    kept, kept_test = keep[: len(data.x)], keep[len(data.x) :]
    unused = order[compared:]
    lost, lost_test = (int((~side).sum()) for side in (kept, kept_test))
    if not lost + lost_test:
        return Distinct(context, unused, 0, 0, unsearched)
    cure = "remove them from the data; `zerosum data check` names them"
    one = data.fields[data.samples].source[:1]
    memory.require(int(kept.sum()) * one.nbytes, f"a copy of {data.name} without its twins", cure)
    real = _kept(context.real, kept[order[:compared]])
    training = context.training
    if training is not None:
        training = real if training is context.real else _kept(training, kept)
    clean = replace(
        context,
        real=real,
        training=training,
        data=_rows(data, kept),
        test=None if test is None or not bool(kept_test.any()) else _rows(test, kept_test),
        twins=lost + lost_test,
    )
    return Distinct(clean, unused[kept[unused]], lost, lost_test, unsearched)


def _kept(side: Samples, keep: Tensor) -> Samples:
    return side if bool(keep.all()) else side.select(keep.nonzero()[:, 0])


def _rows(data: Dataset, keep: Tensor) -> Dataset:
    """The samples to keep, with their labels and whatever else belongs to them; the fingerprint is of all."""
    if bool(keep.all()):
        return data
    deck = data.fields[data.samples].deck
    fields = {n: f.at(keep) if f.deck == deck else f for n, f in data.fields.items()}
    files = {d: tuple(compress(of, keep.tolist())) if d == deck else of for d, of in data.files.items()}
    return replace(data, fields=fields, files=files)
