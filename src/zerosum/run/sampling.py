"""Drawing from a trained game, without disturbing any random number of the training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.latent import Code
from zerosum.modality import Classes, Condition
from zerosum.roles import Generates, in_role
from zerosum.util import rng


@dataclass(frozen=True)
class SampleRequest:
    """Which samples to draw: the arguments of `Run.sample`, and their meaning there."""

    count: int
    seed: int = 0
    truncation: float | None = None
    classes: int | str | None = None  # of all samples; None: all classes in turn
    conditions: Sequence[float] | None = None  # one vector for all samples; None: some of the data's in turn


def sample(
    game: Game[Any],
    count: int,
    *,
    seed: int = 0,
    labels: Tensor | None = None,
    truncation: float | None = None,
    batch_size: int = 256,
) -> Tensor:
    """`count` samples on the CPU, (count, *shape): float32, images in about [-1, 1]; of texts int64 ids.

    Args:
        labels: (count,) classes or (count, K) vectors to draw, for a game that takes them.
        truncation: > 0, keeps z towards the middle (see `latent`).
    """
    with eval_no_grad(game, seed):
        sizes = [min(batch_size, count - start) for start in range(0, count, batch_size)]
        return from_latents(game, [_latents(game, size, truncation) for size in sizes], labels)


def interpolate(
    game: Game[Any],
    count: int,
    frames: int,
    seeds: tuple[int, int],
    *,
    labels: Tensor | None = None,
    truncation: float | None = None,
) -> Tensor:
    """`count` walks from the samples of one seed to those of another: (frames, count, *shape), ends included."""
    prior, ends = in_role(game, Generates).prior, []
    for seed in seeds:
        with eval_no_grad(game, seed):
            ends.append(_latents(game, count, truncation))
    walks = []
    for i in range(frames):
        z = prior.interpolate(ends[0], ends[1], i / max(frames - 1, 1))
        with eval_no_grad(game, seeds[0]):  # equal other noise in every frame
            walks.append(from_latents(game, [z], labels))
    return torch.stack(walks)


def traverse(
    game: Game[Any],
    codes: Sequence[Code],
    steps: int,
    rows: int,
    *,
    seed: int = 0,
    labels: Tensor | None = None,
    truncation: float | None = None,
) -> dict[str, Tensor]:
    """By the name of each code: the samples of `rows` points z as that code takes its T values, (rows, T, *shape).

    Nothing else of z moves. T are the categories of a one-hot code; a number takes `steps` values.
    """
    with eval_no_grad(game, seed):
        z = _latents(game, rows, truncation)
    traversals = {}
    for code in codes:
        walk = []
        for value in code.values(steps):
            with eval_no_grad(game, seed):  # equal other noise at every value
                walk.append(from_latents(game, [code.put(z, value)], labels))
        traversals[code.name] = torch.stack(walk, dim=1)
    return traversals


def from_latents(game: Game[Any], z: Sequence[Tensor], labels: Tensor | None) -> Tensor:
    """The samples of given latents, (B, prior.dim) each, in one tensor on the CPU; call it within `eval_no_grad`."""
    role, start, parts = in_role(game, Generates), 0, []
    for part in z:
        y = None if labels is None else labels[start : start + len(part)].to(part.device)
        samples = role.generate(part, y)
        parts.append((samples.float() if samples.is_floating_point() else samples).cpu())
        start += len(part)
    return torch.cat(parts)


def block_seed(seed: int, number: int) -> int:
    """The seed of each block of samples: the first block is what `zerosum sample` draws, the others' seeds are hashed,
    so that no two runs share them.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest(), "little") >> 1


def default_labels(condition: Condition | None, count: int, vectors: Tensor | None = None) -> Tensor | None:
    """What `count` samples are drawn by: all classes, or all of `vectors` (N, K), in turn; None without a condition."""
    if condition is None:
        return None
    if isinstance(condition, Classes):
        return balanced_labels(count, condition.size)
    if vectors is None:
        raise ValueError("vectors to sample by are needed")
    return vectors[torch.arange(count) % len(vectors)]


def balanced_labels(count: int, classes: int, only: Sequence[int] | None = None) -> Tensor:
    """(count,) labels that go round all classes, or round `only` these."""
    chosen = torch.tensor(only if only is not None else range(classes))
    return chosen[torch.arange(count) % len(chosen)]


def device_of(game: Game[Any]) -> torch.device:
    return next(game.parameters()).device


@contextmanager
def eval_no_grad(game: Game[Any], seed: int) -> Iterator[None]:
    """Evaluation mode, no gradients, and random numbers of their own; all as before afterwards."""
    training = game.training
    with rng.fork_rng(device_of(game), seed), torch.no_grad():
        game.eval()
        try:
            yield
        finally:
            game.train(training)


def _latents(game: Game[Any], count: int, truncation: float | None) -> Tensor:
    prior = in_role(game, Generates).prior
    z = prior.draw(count, device_of(game))
    if truncation is None:
        return z
    if truncation <= 0:
        raise ZerosumError(f"truncation must be above 0, not {truncation}")
    return prior.truncated(z, truncation)
