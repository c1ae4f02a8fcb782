"""What metrics of texts share: ids, and the real texts that are held out where there are any."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from torch import Tensor

from zerosum.metrics.metric import Context, Metric, Need
from zerosum.metrics.n_grams import Text, texts
from zerosum.metrics.samples import of_dataset
from zerosum.modality import Modality, Tokens


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
