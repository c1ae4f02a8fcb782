"""Features of texts: how often each token and each pair of neighbours occurs, projected to a fixed size."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.metrics.extractors import Extractor, Features
from zerosum.modality import Tokens

WIDTH, SEED = 64, 0  # features of either kind, and the seed of their projections


def token_counts(tokens: Tokens, device: torch.device) -> Extractor:
    """Counts over the length of a text, (N, 2 * 64): of tokens, and of pairs of neighbours, both randomly projected.

    Pairs are projected by the product of two projections of their tokens. What follows `<eos>` does not count.
    """
    generator = torch.Generator().manual_seed(SEED)
    single, left, right = (torch.randn(tokens.size, WIDTH, generator=generator).to(device) for _ in range(3))

    def function(ids: Tensor) -> Features:
        ids = ids.to(device).long()
        inside = tokens.within(ids).float()[..., None]
        count = inside.sum(1).clamp_min(1)
        pairs = left[ids[:, :-1]] * right[ids[:, 1:]] * inside[:, 1:]
        return Features(torch.cat([(single[ids] * inside).sum(1) / count, pairs.sum(1) / count], dim=1))

    return Extractor("token-counts", f"{tokens.size} tokens, seed {SEED}", "none", function)
