"""What makes a training the same again: random numbers, seeds, checkpoints."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from zerosum.contract.case import Case
from zerosum.contract.rules.moves import turns_of
from zerosum.contract.rules.rule import Broken
from zerosum.contract.rules.state import differing, play, state
from zerosum.contract.rules.words import some
from zerosum.training import checkpoint
from zerosum.util import rng

_BUFFERS = "keep what a round remembers, numbers too, in buffers: register_buffer; other attributes are not saved"


def one_source(case: Case) -> None:
    trainer = case.trainer()
    python, numpy = random.getstate(), np.random.get_state(legacy=False)
    for step in range(2):
        for turn in turns_of(trainer, step):
            trainer.play(turn)
    now = np.random.get_state(legacy=False)
    same = np.array_equal(numpy["state"]["key"], now["state"]["key"]) and numpy["state"]["pos"] == now["state"]["pos"]
    used = [name for name, changed in (("Python's", random.getstate() != python), ("NumPy's", not same)) if changed]
    if used:
        raise Broken(
            f"a round draws from {' and '.join(used)} global random numbers",
            "draw by torch.rand and its like: a recorded round on a GPU would repeat the same number",
        )


def seed(case: Case) -> None:
    results = []
    for number in (5, 5, 6):
        rng.seed(number)
        trainer = case.trainer()
        trainer.game.train()
        trainer.round()
        results.append({k: v for k, v in state(trainer).items() if k.startswith("game/")})
    if moved := differing(results[0], results[1]):
        raise Broken(
            f"two games of one seed differ in {some(_named(moved))} after a round",
            "draw by PyTorch's global generator, which the seed sets: neither from generators of your own nor by time",
        )
    if not differing(results[0], results[2]):
        raise Broken(
            "games of two seeds are equal",
            "set no seed in the file, in the recipe or in the game: `--seed` does",
        )


def resume(case: Case, folder: Path | None = None) -> None:
    """Four rounds equal two, a checkpoint, a fresh start from it and two more: weights, slots, random numbers, data."""
    if folder is None:
        with TemporaryDirectory() as own:
            return resume(case, Path(own))
    rng.seed(2)
    end = state(play(case.trainer(), 4))

    rng.seed(2)
    half = play(case.trainer(), 2)
    middle = state(half)
    saved = checkpoint.save(half, folder, keep=1)
    if moved := differing(state(half), middle):
        raise Broken(f"saving changes {some(_named(moved))}", "change nothing in state_dict()")

    rng.seed(9)  # another process: other weights, other random numbers
    fresh = play(case.trainer(), 1)
    checkpoint.resume(fresh, saved)
    if moved := differing(state(fresh), middle):
        raise Broken(f"a checkpoint does not bring {some(_named(moved))} back", _BUFFERS)
    if moved := differing(state(play(fresh, 2)), end):
        raise Broken(f"a resumed run differs from one that never stopped in {some(_named(moved))}", _BUFFERS)
    return None


def _named(keys: list[str]) -> list[str]:
    """Weights and buffers before all else, without their prefix."""
    own = [key.removeprefix("game/") for key in keys if key.startswith("game/")]
    return own or keys
