"""Every test starts from the same random numbers and computes with one thread."""

from __future__ import annotations

import pytest
import torch

from zerosum import randomness

torch.set_num_threads(1)  # two workers share two cores


@pytest.fixture(autouse=True)
def seeded() -> None:
    randomness.seed(0)
