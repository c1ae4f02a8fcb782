"""Attributes: do pictures show what they were asked for? Of data whose pictures a program can read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.modality import Image, Tokens

if TYPE_CHECKING:
    from zerosum.data.dataset import Dataset

Checker = Callable[[Tensor, Sequence[str]], Tensor]  # pictures as stored, (N, C, H, W), and captions to bool (N,)


def _shapes() -> Checker:
    from zerosum.data.shapes.checker import shows

    return shows


CHECKERS: dict[str, Callable[[], Checker]] = {"shapes": _shapes, "shapes-zh": _shapes}  # by the source of the data


@dataclass(frozen=True)
class Attributes(Metric):
    """The share of pictures that show all that their caption says, as the source's checker reads them.

    Captions are those of the data that was learnt from, and those of its held-out part, whose combinations of
    attributes never were. "real" is the same of the real pictures.
    """

    pictures: Annotated[int, Gt(0), "of each part"] = 1000

    name = "attributes"
    needs = "none"
    kind = Image
    needs_distinct = False
    has_references = False
    draws = "pictures"

    def each(self, context: Context) -> int:
        return 6 * math.prod(context.fake.shape)  # in float32 and as stored, beside the real one

    def why_not(self, context: Context) -> str:
        if context.run is None or not isinstance(context.run.condition, Tokens):
            return "it needs a run that learnt from captions"
        if context.data.name.partition(":")[0] not in CHECKERS:
            return f"no program reads pictures of {context.data.name}, only of {', '.join(CHECKERS)}"
        captions = context.data.captions
        if captions is None or captions.modality != context.run.condition:
            return f"the run reads other words than the captions of {context.data.name} have"
        return ""

    def held_out(self, context: Context) -> str:
        return "" if context.test is None else f"{len(context.test)} of {context.test.fingerprint}"

    def measure(self, context: Context) -> dict[str, Score]:
        assert context.run is not None
        checker = CHECKERS[context.data.name.partition(":")[0]]()
        parts = {"accuracy": context.data, "accuracy, held out": context.test}
        return {
            name: _measured(context, data, checker, self.pictures)
            for name, data in parts.items()
            if data is not None and data.captions is not None
        }


def _measured(context: Context, data: Dataset, checker: Checker, count: int) -> Score:
    from zerosum.run import sampling

    run, seed = context.run, context.seed
    assert run is not None
    field, generator = data.fields["text"], torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(data), generator=generator)[torch.arange(count) % len(data)]
    ids, kind = field.stored[rows], field.modality
    assert isinstance(kind, Tokens)
    texts = kind.write(ids)
    x = sampling.sample(run.game, count, seed=seed, labels=ids, truncation=context.truncation)
    made = run.modality.store(run.assert_finite(x, "samples"))
    share, real = (float(checker(x, texts).double().mean()) for x in (made, data.x[rows]))
    note = f"binomial, of {count:,} pictures"
    return Score(share, "higher", intervals.of_share(share, count), note, {"real": real})
