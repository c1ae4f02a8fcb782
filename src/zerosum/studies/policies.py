"""What studies of texts share: maximum likelihood that is stopped early, the game from there on, and distances to the
curve of maximum likelihood over temperatures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.metrics.likelihood import nll
from zerosum.networks.policy import Policy
from zerosum.studies.training import Series, play_measured, shortened, trainer_of
from zerosum.training.trainer import Trainer
from zerosum.util.files import atomic_path

TEMPERATURES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
CHECKPOINTS = 24
Point = Mapping[str, Any]


def a_trainer(recipe: str, dataset: Dataset, seed: int, options: Mapping[str, Any], steps: int) -> Trainer:
    """Of a recipe's game with these options of its config."""
    known = find(recipe)
    settings = shortened(replace(known.training, steps=steps), seed, 1.0, CHECKPOINTS)
    return trainer_of(lambda spec: known.build(spec, {"config": options}), dataset, settings)


def policy_of(trainer: Trainer) -> Policy:
    policy = trainer.game.core.get_submodule("generator")
    assert isinstance(policy, Policy)
    return policy


def likelihood(
    recipe: str, dataset: Dataset, seed: int, options: Mapping[str, Any], epochs: int, held_out: Tensor, folder: Path
) -> tuple[list[dict[str, Any]], Policy, Policy]:
    """Maximum likelihood alone, in an epoch as many steps as there are whole batches.

    Returns:
        The surprise at held-out texts after each epoch; the last policy; that of the epoch of the least surprise.
    """
    epoch = steps_of_epoch(recipe, dataset)
    steps = epochs * epoch
    trainer = a_trainer(recipe, dataset, seed, {**options, "likelihood_steps": steps}, steps)
    path = folder / "best.safetensors"
    known = [point["held_out"] for point in Series(folder / "series.json").read()]  # of a training that goes on

    def measure(trainer: Trainer) -> Mapping[str, Any]:
        policy = policy_of(trainer)
        value = surprise(policy, held_out)
        if value < min(known, default=float("inf")) or not path.exists():
            with atomic_path(path) as partial:
                save_file(policy.state_dict(), partial)
        known.append(value)
        return {"epoch": trainer.step // epoch, "held_out": value}

    points = play_measured(trainer, folder, measure, epoch)
    best = policy_of(a_trainer(recipe, dataset, seed, options, 1))
    best.load_state_dict(load_file(path))
    return points, policy_of(trainer), best


def steps_of_epoch(recipe: str, dataset: Dataset) -> int:
    return max(1, len(dataset) // find(recipe).training.batch_size)


def play_game(
    recipe: str,
    dataset: Dataset,
    seed: int,
    options: Mapping[str, Any],
    rounds: int,
    begun: Policy,
    measure: Callable[[Policy], Mapping[str, Any]],
    look: int,
    folder: Path,
) -> list[dict[str, Any]]:
    """SeqGAN from a policy on, D's own steps first: what is measured after every `look` steps of the game."""
    before = int(options.get("discriminator_steps", 0))
    trainer = a_trainer(recipe, dataset, seed, {**options, "likelihood_steps": 0}, before + rounds)
    policy_of(trainer).load_state_dict(begun.state_dict())

    def measured(trainer: Trainer) -> Mapping[str, Any]:
        step = trainer.step - before
        due = step > 0 and (step % look == 0 or step == rounds)
        return {"step": step, **measure(policy_of(trainer))} if due else {}

    return [point for point in play_measured(trainer, folder, measured, 1) if "step" in point]


@torch.no_grad()
def surprise(policy: Policy, ids: Tensor, temperature: float = 1.0) -> float:
    """Nats a token of texts (N, length), by a policy whose logits are divided by a temperature."""
    weight, bias = policy.out.weight.clone(), policy.out.bias.clone()
    policy.out.weight.div_(temperature)
    policy.out.bias.div_(temperature)
    try:
        return nll(ids.to(weight.device), policy.log_likelihood, policy.chosen).value
    finally:
        policy.out.weight.copy_(weight)
        policy.out.bias.copy_(bias)


def written(policy: Policy, count: int, seed: int, temperature: float = 1.0) -> Tensor:
    """(count, length) texts on the CPU, equal numbers for all policies of a seed."""
    u = torch.rand(count, policy.tokens.length, generator=torch.Generator().manual_seed(seed))
    return policy.write(u.to(policy.out.weight.device), temperature=temperature).cpu()


def above(point: Point, curve: Sequence[Point], by: str, value: str) -> float:
    """`value` of a point minus the curve's at equal `by`.

    Between two points of the curve it is a line; beyond its ends, that of the last two. Of points of equal `by` their
    mean counts.
    """
    found: dict[float, list[float]] = {}
    for at in curve:
        found.setdefault(at[by], []).append(at[value])
    ordered = sorted((x, sum(values) / len(values)) for x, values in found.items())
    if len(ordered) == 1:
        return float(point[value] - ordered[0][1])
    pairs = [*itertools.pairwise(ordered)]
    (x0, y0), (x1, y1) = next(((a, b) for a, b in pairs if point[by] <= b[0]), pairs[-1])
    return float(point[value] - (y0 + (y1 - y0) / (x1 - x0) * (point[by] - x0)))
