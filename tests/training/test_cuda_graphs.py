"""Batches of recorded rounds: other tensors in their places, and what was one tensor stays one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from zerosum.batches import Labelled, Paired, PartlyLabelled
from zerosum.training.cuda_graphs import _alias, _copied


@pytest.mark.parametrize(("make", "shares"), [(_copied, False), (_alias, True)])
def test_a_batch_is_copied_or_aliased_with_what_it_has_in_common(make: Callable[[Any], Any], shares: bool) -> None:
    x, more, y = torch.rand(4, 2), torch.rand(4, 2), torch.arange(4)
    for batch in (x, Labelled(x, y), Paired(x, more), PartlyLabelled(x, y, x), PartlyLabelled(x, y, more)):
        made = make(batch)
        assert type(made) is type(batch)
        tensors = [(made, batch)] if isinstance(batch, torch.Tensor) else list(zip(made, batch, strict=True))
        for new, old in tensors:
            assert new is not old and torch.equal(new, old)
            assert (new.data_ptr() == old.data_ptr()) is shares
        if isinstance(batch, PartlyLabelled):
            assert (made.unlabelled is made.x) is (batch.unlabelled is batch.x)
