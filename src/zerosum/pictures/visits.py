"""Which states a policy comes to, beside those that were demonstrated."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum.modality import Behaviour


def plane(behaviour: Behaviour, pairs: Tensor, real: Tensor | None = None) -> Tensor:
    """(..., 2) places of states with their actions (..., S + A) in a plane.

    States of two numbers lie where they are. Of more numbers, each in demonstrated deviations, the two principal axes
    of the real ones are shown.

    Args:
        real: (M, S + A), demonstrated; without, the first two numbers are shown.
    """
    states = pairs[..., : behaviour.states]
    if behaviour.states <= 2 or real is None:
        return states[..., :2]
    mean, scale = (torch.tensor(known[: behaviour.states]) for known in (behaviour.mean, behaviour.scale))
    known = (real[:, : behaviour.states] - mean) / scale
    axes = torch.linalg.svd(known - known.mean(0), full_matrices=False).Vh[:2]
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # of the two directions always the same
    return ((states - mean) / scale) @ axes.T
