"""What metrics of texts share: ids, the real texts that are held out where there are any, and texts to compare with."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

import torch
from torch import Tensor

from zerosum.game import Game
from zerosum.metrics.metric import Context, Metric, Need
from zerosum.metrics.n_grams import Text, texts
from zerosum.metrics.samples import of_dataset
from zerosum.modality import Modality, Tokens
from zerosum.roles import Completes, in_role
from zerosum.run.sampling import device_of, eval_no_grad


class TextMetric(Metric, ABC):
    """A metric of texts, of which a text may be there twice."""

    needs: ClassVar[Need] = "samples"
    kind: ClassVar[type[Modality]] = Tokens
    needs_distinct = False

    def tokens(self, context: Context) -> Tokens:
        """The kind of the samples."""
        assert isinstance(context.fake.modality, Tokens)
        return context.fake.modality

    def written(self, context: Context) -> list[Text]:
        """The samples, as ids."""
        return texts(self.tokens(context), context.fake.stored)


class HeldOutTextMetric(TextMetric, ABC):
    """One that compares with real texts that were not learnt from, where there are any."""

    def held_out(self, context: Context) -> str:
        return "" if context.test is None else f"{len(context.test):,} texts of {context.test.fingerprint}"

    def real(self, context: Context) -> Tensor:
        """(N, length) ids of these, else of the real texts that are compared with."""
        if context.test is None:
            return context.real.stored
        return of_dataset(context.test, context.real.extractor, name="held-out texts").stored


def shuffled(tokens: Tokens, ids: Tensor, seed: int) -> Tensor:
    """Texts, (N, length) ids, each with its tokens in another order; `<eos>` stays behind."""
    order = torch.rand(ids.shape, generator=torch.Generator().manual_seed(seed))
    order[~tokens.within(ids)] = 2.0  # behind all others
    return ids.gather(1, order.argsort(1))


def likeliest(game: Game[Any], seed: int) -> Tensor:
    """(1, length) ids of the text that a game which completes texts writes of its likeliest tokens."""
    role, device = in_role(game, Completes), device_of(game)
    with eval_no_grad(game, seed):
        nothing = torch.empty(0, dtype=torch.long, device=device)
        return role.complete(nothing, torch.zeros(1, role.prior.dim, device=device)).cpu()
