"""Weight decay as a term of a loss, which each player's move has on its own weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def weight_decay(weight: float, *modules: nn.Module) -> dict[str, Any]:
    """The term "weight_decay" of a move, 1/2 weight |w|^2 of all weights w of these modules; no term at 0."""
    if not weight:
        return {}
    norms = [torch.linalg.vector_norm(p) for module in modules for p in module.parameters()]
    return {"weight_decay": 0.5 * weight * torch.stack(norms).square().sum()}
