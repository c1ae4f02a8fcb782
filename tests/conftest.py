"""Every test starts from the same random numbers and computes with one thread."""

from __future__ import annotations

import pytest
import torch

from zerosum.util import rng

torch.set_num_threads(1)  # two workers share two cores


@pytest.fixture(autouse=True)
def seeded() -> None:
    rng.seed(0)
