"""Matching of images and texts by D: does it know which caption an image has?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from zerosum.game import LATER
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.modality import Image

if TYPE_CHECKING:
    from zerosum.data.dataset import Dataset


def ranked_first(right: Tensor, wrong: Tensor) -> float:
    """The share of images whose right caption has a higher score, (N,), than all wrong ones, (N, K)."""
    if right.dim() != 1 or wrong.dim() != 2 or len(right) != len(wrong) or not wrong.numel():
        raise ValueError(f"scores must be (N,) and (N, K), not {tuple(right.shape)} and {tuple(wrong.shape)}")
    return float((right[:, None] > wrong).all(1).double().mean())


def drawn(data: Dataset, images: int, wrong: int, seed: int) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Rows (N,) of `images` samples at most that have a caption, in random order, a caption of each, ids (N, length),
    and `wrong` times as many that are none of their own.
    """
    from zerosum.data import several  # the function above takes scores alone
    from zerosum.data.stream import choice

    field, generator = data.fields["text"], torch.Generator().manual_seed(seed)
    known = torch.arange(len(data)) if field.several is None else (field.several.counts > 0).nonzero()[:, 0]
    rows = known[torch.randperm(len(known), generator=generator)[:images]]
    own, others = choice(field, known), choice(replace(field, others="any"), known)
    right = field.source[own(rows, several.draws(len(rows), generator))]
    found = [field.source[others(rows, several.draws(len(rows), generator, several.TRIES, 2))] for _ in range(wrong)]
    return rows, right, found


@dataclass(frozen=True)
class Matching(Metric):
    """The share of images for which D scores a caption of theirs above captions of others; Reed et al., 2016, CLS.

    Wrong captions are of other images, and none of the image's own. Images are those that were not learnt from, where
    there are some.
    """

    captions: Annotated[int, Ge(2), "that D chooses from, one of them right"] = 2
    images: Annotated[int, Gt(0), "at most"] = 2000

    name = "matching"
    needs = "none"
    kind = Image
    needs_distinct = False
    truncates = False
    has_references = False

    def why_not(self, context: Context) -> str:
        from zerosum.roles import Discriminates, Illustrates, has_role

        run = context.run
        if run is None or not has_role(run.game, Illustrates) or not has_role(run.game, Discriminates):
            return "it needs a run whose discriminator knows captions"
        stage = run.game.core.stage
        if stage(run.step - 1) != stage(LATER):
            return f"the run ends in the phase {stage(run.step - 1)!r}, and its discriminator learns later"
        if context.data.captions is None or context.data.captions.modality != run.condition:
            return f"it needs real data with captions in the run's words, and {context.data.name} has none"
        return ""

    def fakes(self, context: Context) -> int:
        return 0

    def held_out(self, context: Context) -> str:
        data = _measured(context)
        return "" if data is context.data else f"{len(data)} of {data.fingerprint}"

    def warnings(self, context: Context) -> list[str]:
        if _measured(context) is not context.data:
            return []
        return ["D has learnt these pairs: hold some out, by --held-out 0.1 at training"]

    def measure(self, context: Context) -> dict[str, Score]:
        run, data = context.run, _measured(context)
        assert run is not None
        rows, right, wrong = drawn(data, self.images, self.captions - 1, context.seed)
        x = data.x[rows]
        share = ranked_first(run.score(x, right), torch.stack([run.score(x, texts) for texts in wrong], 1))
        note = f"binomial, of {len(rows):,} images{'' if data is context.data else ' not learnt from'}"
        interval = intervals.of_share(share, len(rows))
        return {"first": Score(share, "higher", interval, note, {"chance": 1 / self.captions})}


def _measured(context: Context) -> Dataset:
    """What was not learnt from, where it has captions, else the real data."""
    test, own = context.test, context.data.captions
    known = test is not None and test.captions is not None and own is not None
    return test if known and test.captions.modality == own.modality else context.data  # type: ignore[union-attr, return-value]
