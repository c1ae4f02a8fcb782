"""What each token of a text is worth: the verdict on what follows it; Yu et al., 2017, section 3.1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zerosum.networks.policy import Policy, State, drops

TOGETHER = 512  # texts that are judged at a time
Verdict = Callable[[Tensor, Tensor], Tensor]  # texts (N, length) and the row of the batch each is of, (N,), to (N,)


@torch.no_grad()
def rewards(policy: Policy, ids: Tensor, count: int, verdict: Verdict, begun: State | None = None) -> Tensor:
    """(B, length): of each token of ids (B, length) the mean verdict on `count` texts that go on after it.

    That of the last token, and of what has ended, is the verdict on the text itself.

    Args:
        policy: completes the texts.
        begun: the state of the B texts before they begin.
    """
    begins, completed = policy.begins(ids), policy.rollouts(ids, count, begun)  # (L - 1, B), (L - 1, count, B, L)
    shape, own = completed.shape[:3], torch.arange(len(ids), device=ids.device)
    rows, real = own.expand(shape), _judged(verdict, ids, own)
    if drops(~begins):  # a beginning that has ended is the text itself
        verdicts = real.expand(shape).clone()
        open_ones = begins[:, None].expand(shape)
        verdicts[open_ones] = _judged(verdict, completed[open_ones], rows[open_ones])
    else:
        verdicts = _judged(verdict, completed.flatten(0, 2), rows.flatten()).view(shape)
    return torch.cat([verdicts.mean(1), real[None]]).T


def _judged(verdict: Verdict, texts: Tensor, rows: Tensor) -> Tensor:
    parts = zip(texts.split(TOGETHER), rows.split(TOGETHER), strict=True)
    return torch.cat([verdict(own, of) for own, of in parts])
