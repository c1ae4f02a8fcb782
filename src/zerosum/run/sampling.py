"""Drawing from a trained game, without disturbing any random number of the training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.latent import Code, DrawName, draw_rows, hashed_seed
from zerosum.modality import Classes, Prompt
from zerosum.roles import Answers, Completes, Drafts, Generates, Illustrates, has_role, in_role
from zerosum.util import checks, rng


@dataclass(frozen=True)
class SampleRequest:
    """Which samples to draw: the arguments of `Run.sample`, and their meaning there."""

    count: int
    seed: int = 0
    truncation: float | None = None
    classes: int | str | None = None  # of all samples; None: all classes in turn
    conditions: Sequence[float] | None = None  # one vector for all samples; None: some of the data's in turn
    texts: str | None = None  # what all samples are to show; None: some of the data's captions in turn


def sample(
    game: Game[Any],
    count: int,
    *,
    seed: int = 0,
    start: int = 0,
    labels: Tensor | None = None,
    truncation: float | None = None,
    batch_size: int = 256,
    draw: DrawName = "rows",
) -> Tensor:
    """`count` samples on the CPU, (count, *shape): float32, images in about [-1, 1]; of texts int64 ids.

    Sample i of a seed is the same however many are drawn, in batches of any size, up to rounding.

    Args:
        start: the number of the first; of `draw` "rows" alone.
        labels: (count,) classes, (count, K) vectors or (count, length) ids of texts, for a game that takes them.
        truncation: > 0, keeps z towards the middle (see `latent`).
        draw: "batches" as older versions drew, where samples depend on `count` and `batch_size`.
    """
    with eval_no_grad(game, seed):
        z = _latents(game, count, seed, start, truncation, batch_size, draw)
        return _generate(game, z, labels, seed, start, batch_size, draw)


def draft(
    game: Game[Any],
    count: int,
    *,
    seed: int = 0,
    labels: Tensor | None = None,
    truncation: float | None = None,
    batch_size: int = 256,
) -> Tensor:
    """What the samples of `sample` are made of, (count, *smaller), on the CPU; the arguments are its own."""
    role = in_role(game, Drafts)
    with eval_no_grad(game, seed):
        z = _latents(game, count, seed, 0, truncation, batch_size, "rows")
        rows = [z] if labels is None else [z, labels]
        return torch.cat(list(row_by_row(game, role.draft, rows, batch_size, lambda i: hashed_seed("noise", seed, i))))


def complete(game: Game[Any], start: Tensor, count: int, *, seed: int = 0, truncation: float | None = None) -> Tensor:
    """`count` texts that begin with `start`, (S,) ids, as ids on the CPU, (count, length); z are those of `sample`."""
    role = in_role(game, Completes)
    with eval_no_grad(game, seed):
        z, start = _latents(game, count, seed, 0, truncation, count, "rows"), start.to(device_of(game))
        parts = row_by_row(game, lambda z: role.complete(start, z), [z], 256, lambda i: hashed_seed("noise", seed, i))
        return torch.cat(list(parts))


def interpolate(
    game: Game[Any],
    count: int,
    frames: int,
    seeds: tuple[int, int],
    *,
    labels: Tensor | None = None,
    truncation: float | None = None,
    draw: DrawName = "rows",
) -> Tensor:
    """`count` walks from the samples of one seed to those of another: (frames, count, *shape), ends included."""
    prior, ends = in_role(game, Generates).prior, []
    for seed in seeds:
        with eval_no_grad(game, seed):
            ends.append(_latents(game, count, seed, 0, truncation, count, draw))
    walks = []
    for i in range(frames):
        z = prior.interpolate(ends[0], ends[1], i / max(frames - 1, 1))
        with eval_no_grad(game, seeds[0]):  # equal other noise in every frame
            walks.append(_generate(game, z, labels, seeds[0], 0, count, draw))
    return torch.stack(walks)


def between_texts(
    game: Game[Any],
    count: int,
    frames: int,
    ends: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
    truncation: float | None = None,
) -> Tensor:
    """`count` walks from what one text, ids (length,), means to what another does: (frames, count, *shape), both
    included. Along each z stays.
    """
    role, walks = in_role(game, Illustrates), []
    with eval_no_grad(game, seed):
        z = _latents(game, count, seed, 0, truncation, count, "rows")
        start, end = role.embed(torch.stack(ends).to(device_of(game))).unbind()
    for i in range(frames):
        meaning = torch.lerp(start, end, i / max(frames - 1, 1)).expand(count, -1)
        with eval_no_grad(game, seed):  # equal other noise in every frame
            walks.append(_to_cpu(role.illustrate(z, meaning)))
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
    draw: DrawName = "rows",
) -> dict[str, Tensor]:
    """By the name of each code: the samples of `rows` points z as that code takes its T values, (rows, T, *shape).

    Nothing else of z moves. T are the categories of a one-hot code; a number takes `steps` values.
    """
    with eval_no_grad(game, seed):
        z = _latents(game, rows, seed, 0, truncation, rows, draw)
    traversals = {}
    for code in codes:
        walk = []
        for value in code.values(steps):
            with eval_no_grad(game, seed):  # equal other noise at every value
                walk.append(_generate(game, code.put(z, value), labels, seed, 0, rows, draw))
        traversals[code.name] = torch.stack(walk, dim=1)
    return traversals


def from_latents(game: Game[Any], z: Sequence[Tensor], labels: Tensor | None) -> Tensor:
    """The samples of given latents, (B, prior.dim) each, in one tensor on the CPU; call it within `eval_no_grad`."""
    role, start, parts = in_role(game, Generates), 0, []
    for part in z:
        y = None if labels is None else labels[start : start + len(part)].to(part.device)
        parts.append(_to_cpu(role.generate(part, y)))
        start += len(part)
    return torch.cat(parts)


def row_by_row(
    game: Game[Any],
    function: Callable[..., Tensor],
    rows: Sequence[Tensor],
    batch_size: int,
    seed_of: Callable[[int], int],
) -> Iterator[Tensor]:
    """`function` of batches of `rows`, part by part on the CPU; call it within `eval_no_grad`.

    The result for a row depends on that row and on `seed_of` its number, not on its batch: where the function draws
    random numbers, such as dropout that is on when samples are made, it gets one row at a time.
    """
    device, at = device_of(game), 0
    while at < len(rows[0]):
        torch.manual_seed(seed_of(at))
        before = rng.torch_state(device)
        made = function(*(x[at : at + batch_size].to(device) for x in rows))
        if batch_size > 1 and not torch.equal(before, rng.torch_state(device)):
            batch_size = 1
            continue
        yield _to_cpu(made)
        at += batch_size


def block_seed(seed: int, number: int) -> int:
    """The seed of each block of an evaluation's samples: the first block is what `zerosum sample` draws, the others'
    seeds are hashed, so that no two runs share them.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest(), "little") >> 1


def default_labels(condition: Prompt | None, count: int, rows: Tensor | None = None) -> Tensor | None:
    """What `count` samples are drawn by: all classes, or all of `rows`, vectors (N, K) or ids of texts (N, length), in
    turn; None without a condition.
    """
    if condition is None:
        return None
    if isinstance(condition, Classes):
        return balanced_labels(count, condition.size)
    if rows is None:
        raise ValueError("vectors or texts to sample by are needed")
    return rows[torch.arange(count) % len(rows)]


def balanced_labels(count: int, classes: int, only: Sequence[int] | None = None) -> Tensor:
    """(count,) labels that go round all classes, or round `only` these."""
    chosen = torch.tensor(only if only is not None else range(classes))
    return chosen[torch.arange(count) % len(chosen)]


def device_of(game: Game[Any]) -> torch.device:
    return next(game.parameters()).device


@contextmanager
def eval_no_grad(game: Game[Any], seed: int) -> Iterator[None]:
    """Evaluation mode, no gradients, and random numbers of their own; all as before afterwards.

    Raises:
        ZerosumError: PyTorch takes no such seed.
    """
    if not -(2**63) <= seed < 2**64:
        raise ZerosumError(f"{seed} is no seed; choose one from -2^63 to 2^64 - 1")
    training = game.training
    with rng.fork_rng(device_of(game), seed), torch.no_grad():
        game.eval()
        try:
            yield
        finally:
            game.train(training)


def truncation_of(game: Game[Any], asked: Any) -> float:
    """A truncation that samples of the game can have; else a `ZerosumError`."""
    found = checks.truncation(asked)
    if found >= 1 and (has_role(game, Completes) or has_role(game, Answers)):
        raise ZerosumError(
            "truncation of what is written token by token is the probability of the likeliest tokens, below 1, not "
            f"{asked}"
        )
    return found


def _latents(
    game: Game[Any], count: int, seed: int, start: int, truncation: float | None, batch_size: int, draw: DrawName
) -> Tensor:
    """(count, prior.dim) on the game's device."""
    if count < 1:
        raise ZerosumError(f"{count} samples are none; ask for at least one")
    if truncation is not None:
        checks.truncation(truncation)
    prior, device = in_role(game, Generates).prior, device_of(game)
    if draw == "rows":
        z = draw_rows(prior, count, seed, start).to(device)
    else:  # from the generator that `eval_no_grad` has seeded
        sizes = [min(batch_size, count - at) for at in range(0, count, batch_size)]
        z = torch.cat([prior.draw(size, device) for size in sizes])
    return z if truncation is None else prior.truncated(z, truncation)


def _generate(
    game: Game[Any], z: Tensor, labels: Tensor | None, seed: int, start: int, batch_size: int, draw: DrawName
) -> Tensor:
    if draw == "batches":
        return from_latents(game, z.split(batch_size), labels)
    rows = [z] if labels is None else [z, labels]
    made = row_by_row(
        game, in_role(game, Generates).generate, rows, batch_size, lambda i: hashed_seed("noise", seed, start + i)
    )
    return torch.cat(list(made))


def _to_cpu(samples: Tensor) -> Tensor:
    return (samples.float() if samples.is_floating_point() else samples).cpu()
