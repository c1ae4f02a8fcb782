"""Curves for TensorBoard, an extra: `pip install 'zerosum[tensorboard]'`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zerosum.errors import ZerosumError
from zerosum.training.log_keys import Key
from zerosum.util.packages import install


class TensorBoard:
    """Writes every value as a scalar under `folder`."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ZerosumError(f"--tensorboard needs the package tensorboard: {install('tensorboard')}") from None
        self.writer = SummaryWriter(folder)

    def __call__(self, step: int, seconds: float, values: Mapping[Key, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()
