"""What PyTorch is about to do with a network."""

from __future__ import annotations

import torch


def is_exporting() -> bool:
    """Whether a network is traced for sizes that are not known yet; before PyTorch 2.7, if it is compiled at all."""
    return bool(getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)())
