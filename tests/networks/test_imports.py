"""Losses, networks, augmentation and optimisers are parts: they load no game and no trainer."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from zerosum import augment, losses, networks

PARTS = [
    "zerosum.losses",
    "zerosum.augment",
    "zerosum.optim",
    *(f"{package.__name__}.{module.name}" for package in (augment, losses, networks) for module in
      pkgutil.iter_modules(package.__path__)),
]  # fmt: skip


@pytest.mark.parametrize("parts", [["zerosum.losses"], ["zerosum.networks.mlp"], PARTS], ids=["losses", "mlp", "all"])
def test_parts_load_neither_games_nor_the_trainer(parts: list[str]) -> None:
    code = f"import sys, {', '.join(parts)}; print(*(name for name in sys.modules if name.startswith('zerosum')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded >= set(parts)
    assert not loaded & {"zerosum.game", "zerosum.training.trainer", "zerosum.recipe", "zerosum.data", "zerosum.games"}
