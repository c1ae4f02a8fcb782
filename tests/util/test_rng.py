"""Orders that a seed decides."""

from __future__ import annotations

import torch

from zerosum.util import rng


def test_an_order_follows_from_its_seed_alone() -> None:
    torch.manual_seed(3)
    before, order = torch.get_rng_state(), rng.shuffled(100, 7)
    assert torch.equal(before, torch.get_rng_state()), "nothing is drawn of the global generator"
    assert order.dtype == torch.int64 and order.sort().values.tolist() == list(range(100))
    assert torch.equal(order, rng.shuffled(100, 7)) and not torch.equal(order, rng.shuffled(100, 8))
    assert rng.shuffled(0, 1).tolist() == []
