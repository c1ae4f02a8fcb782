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
from zerosum.game import Condition, Game, Labelled, Shape
from zerosum.latent import Code
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
    shape: Shape,
    count: int,
    *,
    seed: int = 0,
    labels: Tensor | None = None,
    truncation: float | None = None,
    batch_size: int = 256,
) -> Tensor:
    """`count` samples on the CPU, float32 (count, *shape); images in about [-1, 1].

    Args:
        labels: (count,) classes or (count, K) vectors to draw, for a game that takes them.
        truncation: > 0, keeps z towards the middle (see `latent`).
    """
    with eval_no_grad(game, seed):
        z = [_truncated(game, game.prior.draw(part), truncation) for part in _likes(game, shape, count, batch_size)]
        return from_latents(game, shape, z, labels)


def interpolate(
    game: Game[Any],
    shape: Shape,
    count: int,
    frames: int,
    seeds: tuple[int, int],
    *,
    labels: Tensor | None = None,
    truncation: float | None = None,
) -> Tensor:
    """`count` walks from the samples of one seed to those of another: (frames, count, *shape), ends included."""
    start, end = (_truncated(game, _latent(game, shape, count, seed), truncation) for seed in seeds)
    walks = []
    for i in range(frames):
        with eval_no_grad(game, seeds[0]):  # equal other noise in every frame
            walks.append(
                from_latents(game, shape, [game.prior.interpolate(start, end, i / max(frames - 1, 1))], labels)
            )
    return torch.stack(walks)


def traverse(
    game: Game[Any],
    shape: Shape,
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
    z, made = _truncated(game, _latent(game, shape, rows, seed), truncation), {}
    for code in codes:
        walk = []
        for value in code.values(steps):
            with eval_no_grad(game, seed):  # equal other noise at every value
                walk.append(from_latents(game, shape, [code.put(z, value)], labels))
        made[code.name] = torch.stack(walk, dim=1)
    return made


def _latent(game: Game[Any], shape: Shape, count: int, seed: int) -> Tensor:
    with eval_no_grad(game, seed):
        return game.prior.draw(_like(game, shape, count))


def _truncated(game: Game[Any], z: Tensor, limit: float | None) -> Tensor:
    if limit is None:
        return z
    if limit <= 0:
        raise ZerosumError(f"truncation must be above 0, not {limit}")
    return game.prior.truncated(z, limit)


def block_seed(seed: int, number: int) -> int:
    """The seed of each block of samples: the first block is what `zerosum sample` draws, the others' seeds are hashed,
    so that no two runs share them.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest(), "little") >> 1


def default_labels(condition: Condition | None, count: int, vectors: Tensor | None = None) -> Tensor | None:
    """What `count` samples are asked to be: all classes, or all of `vectors`, (N, K), in turn; None: nothing."""
    if condition is None:
        return None
    if condition.kind == "classes":
        return balanced_labels(count, condition.size)
    if vectors is None:
        raise ValueError("vectors to sample by are needed")
    return vectors[torch.arange(count) % len(vectors)]


def balanced_labels(count: int, classes: int, only: Sequence[int] | None = None) -> Tensor:
    """(count,) labels that go round all classes, or round `only` these."""
    chosen = torch.tensor(only if only is not None else range(classes))
    return chosen[torch.arange(count) % len(chosen)]


def from_latents(game: Game[Any], shape: Shape, z: Sequence[Tensor], labels: Tensor | None) -> Tensor:
    """The samples of given latents, (B, prior.dim) each, in one tensor on the CPU; to be called within `quiet`."""
    parts, start = [], 0
    for part in z:
        like: Any = _like(game, shape, len(part))
        if labels is not None:
            like = Labelled(like, labels[start : start + len(part)].to(like.device))
        parts.append(game.sample(like, part).float().cpu())
        start += len(part)
    return torch.cat(parts)


def _likes(game: Game[Any], shape: Shape, count: int, batch_size: int) -> Iterator[Tensor]:
    for start in range(0, count, batch_size):
        yield _like(game, shape, min(batch_size, count - start))


def _like(game: Game[Any], shape: Shape, count: int) -> Tensor:
    return torch.empty(count, *shape, device=next(game.parameters()).device)


@contextmanager
def eval_no_grad(game: Game[Any], seed: int) -> Iterator[None]:
    """Evaluation mode, no gradients, and random numbers of their own; all as before afterwards."""
    device = next(game.parameters()).device
    training = game.training
    with rng.fork_rng(device, seed), torch.no_grad():
        game.eval()
        try:
            yield
        finally:
            game.train(training)
