"""What studies of texts share: maximum likelihood that is stopped early, the game from there on, and distances to the
curve of maximum likelihood over temperatures."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.metrics.bleu import References
from zerosum.metrics.likelihood import nll
from zerosum.metrics.n_grams import Text, distinct
from zerosum.networks.policy import Policy
from zerosum.studies.training import Series, play, play_measured, trainer_of
from zerosum.training.trainer import Trainer
from zerosum.util.files import atomic_path

TEMPERATURES = (1.3, 1.2, 1.15, 1.1, 1.05, 1.02, 1.0, 0.98, 0.96, 0.94, 0.92, 0.9, 0.85, 0.8, 0.75, 0.7)
SAVED = 20  # steps between checkpoints of the game, whose steps take seconds
Point = Mapping[str, Any]


def a_trainer(recipe: str, dataset: Dataset, seed: int, options: Mapping[str, Any], steps: int, saved: int) -> Trainer:
    """Of a recipe's game with these options of its config; it saves every `saved` steps."""
    known = find(recipe)
    settings = replace(known.training, steps=steps, seed=seed, checkpoint_every=saved, keep=1)
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
    trainer = a_trainer(recipe, dataset, seed, {**options, "pretrain_generator": steps}, steps, 5 * epoch)
    points, weights = stopped_early(
        trainer, policy_of(trainer), lambda: surprise(policy_of(trainer), held_out), epoch, folder
    )
    best = policy_of(a_trainer(recipe, dataset, seed, options, 1, 1))
    best.load_state_dict(weights)
    return points, policy_of(trainer), best


def stopped_early(
    trainer: Trainer, module: nn.Module, held_out: Callable[[], float], epoch: int, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """Play all steps: what `held_out` says after each epoch, and the weights that a module had at the least of it.

    Args:
        module: a part of the trainer's game.
        epoch: steps.
    """
    path = folder / "best.safetensors"
    known = [point["held_out"] for point in Series(folder / "series.json").read()]  # of a training that goes on

    def measure(trainer: Trainer) -> Mapping[str, Any]:
        value = held_out()
        if value < min(known, default=float("inf")) or not path.exists():
            with atomic_path(path) as partial:
                save_file(module.state_dict(), partial)
        known.append(value)
        return {"epoch": trainer.step // epoch, "held_out": value}

    return play_measured(trainer, folder, measure, epoch), load_file(path)


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
    before = int(options.get("pretrain_discriminator", 0))
    trainer = a_trainer(recipe, dataset, seed, {**options, "pretrain_generator": 0}, before + rounds, SAVED)
    policy_of(trainer).load_state_dict(begun.state_dict())

    series = Series(folder / "series.json", "step")

    def hook(trainer: Trainer) -> None:
        step = trainer.step - before
        if step > 0 and (step % look == 0 or step == rounds):
            series.add({"step": step, **measure(policy_of(trainer))})

    play(trainer, folder, [hook])
    return series.read()


@torch.no_grad()
def surprise(policy: Policy, ids: Tensor, temperature: float = 1.0) -> float:
    """Nats a token of texts (N, length), by a policy whose logits are divided by a temperature."""

    def log_likelihood(part: Tensor) -> Tensor:
        return policy.log_likelihood(part, temperature=temperature)

    return nll(ids.to(policy.out.weight.device), log_likelihood, policy.chosen, policy.tokens.size).value


def written(policy: Policy, count: int, seed: int, temperature: float = 1.0) -> Tensor:
    """(count, length) texts on the CPU, equal numbers for all policies of a seed."""
    u = torch.rand(count, policy.tokens.length, generator=torch.Generator().manual_seed(seed))
    return policy.write(u.to(policy.out.weight.device), temperature=temperature).cpu()


def alikeness(written: Sequence[Text]) -> dict[str, float]:
    """How alike texts, as ids, are: self-BLEU-2 and distinct-2."""
    others = References(written, 2)
    return {
        "self_bleu_2": statistics.fmean(others.bleu(text, is_one=True)[1] for text in written),
        "distinct_2": distinct(written, 2),
    }


def beyond(point: Point, curve: Sequence[Point], by: str, value: str, better: Literal["lower", "higher"]) -> float:
    """`value` of a point minus the best that a curve reaches with no more of `by` than the point has.

    The curve is the lines between neighbours in the order given, that of the temperatures. Where all of it has more of
    `by` than the point, its place of the least counts; so nothing is extrapolated.
    """
    limit = max(point[by], min(at[by] for at in curve))
    within = [at[value] for at in curve if at[by] <= limit]
    for a, b in itertools.pairwise(curve):
        if min(a[by], b[by]) < limit < max(a[by], b[by]):
            within.append(a[value] + (b[value] - a[value]) * (limit - a[by]) / (b[by] - a[by]))
    return float(point[value] - (min(within) if better == "lower" else max(within)))
