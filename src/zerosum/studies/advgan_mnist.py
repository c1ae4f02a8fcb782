"""`zerosum reproduce advgan-mnist`: how often do classifiers err on digits that AdvGAN has changed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zerosum.games import find
from zerosum.games.advgan import AdvGAN
from zerosum.metrics.attack_success import attackable, known_attacks, success
from zerosum.modality import to_float
from zerosum.pictures import png
from zerosum.pictures.grids import grid
from zerosum.studies.study import Measurements, Study
from zerosum.studies.training import Split, last_weights, play, trainer_of

RECIPE = "advgan/images"
PLAIN, ROBUST = "as usual", "adversarially"  # how a classifier has learnt
LESSONS: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {"classifier_steps": 1_000},
    ROBUST: {"classifier_steps": 3_000, "pgd_steps": 5, "c_optimizer": {"lr": 2e-3}},
}
ATTACK = 1_500  # steps of G and D
BATCH = 64
PGD = 40  # steps of the attack that is measured
OWN, TRANSFERRED = "AdvGAN", "transferred"
CHANCE = "random signs"
SHOWN = 10
AIM, BY_CHANCE = 0.9, 0.1  # of AdvGAN at least, and of signs by chance at most
EPSILON = 0.3  # of the range from 0 to 1


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Both classifiers and a generator against each; the share of test digits that each attack turns into errors."""
    split = Split.mnist()
    games = {name: _played(name, split, seed, fraction, folder / name.replace(" ", "-")) for name in LESSONS}
    assert split.test.y is not None
    count = max(SHOWN, round(fraction * len(split.test)))
    x, y = to_float(split.test.x[:count]), split.test.y[:count]
    found: dict[str, Any] = {"part": part, "seed": seed, "tested": count}
    with torch.no_grad():
        rows = {name: _measured(game, x, y, seed) for name, game in games.items()}
        made = {OWN: _changed(games[PLAIN], x)} | known_attacks(games[PLAIN].f, x, y, games[PLAIN].epsilon, PGD, seed)
        right = attackable(games[ROBUST].f, x, y)
        rows[ROBUST][TRANSFERRED] = {
            name: round(success(games[ROBUST].f, own[right], y[right]), 4) for name, own in made.items()
        }
        shown = [x[:SHOWN], *(_changed(game, x[:SHOWN]) for game in games.values())]
    png.save(grid(torch.cat(shown), SHOWN), folder / "digits.png")
    return {**found, "rows": rows}


def _played(name: str, split: Split, seed: int, fraction: float, folder: Path) -> AdvGAN:
    """AdvGAN after a classifier that has learnt as `name` says."""
    recipe, lessons = find(RECIPE), dict(LESSONS[name])
    first, steps = (max(1, round(fraction * own)) for own in (lessons["classifier_steps"], ATTACK))
    options = {"config": {**lessons, "classifier_steps": first}}
    training = last_weights(first + steps, BATCH, seed, min(50, first), max(1, (first + steps) // 20))
    trainer = trainer_of(lambda spec: recipe.build(spec, options), split.train, training)
    play(trainer, folder)
    game = trainer.game.eval().cpu()
    assert isinstance(game, AdvGAN)
    return game


def _measured(game: AdvGAN, x: Tensor, y: Tensor, seed: int) -> dict[str, Any]:
    """Of a classifier its accuracy, and the rates of all attacks that know it, on digits that it gets right."""
    right = attackable(game.f, x, y)
    x, y = x[right], y[right]
    changed = _changed(game, x)
    made = {OWN: changed} | known_attacks(game.f, x, y, game.epsilon, PGD, seed)
    change = (changed - x).flatten(1) / 2  # as papers have it, of a range from 0 to 1
    return {
        "accuracy": round(float(right.double().mean()), 4),
        "success": {name: round(success(game.f, own, y), 4) for name, own in made.items()},
        "largest": round(float(change.abs().max()), 6),
        "l2": round(float(change.norm(dim=1).mean()), 3),
    }


def _changed(game: AdvGAN, x: Tensor) -> Tensor:
    return torch.cat([game.translate(part) for part in x.split(250)])


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """AdvGAN's rate against the classifier that has learnt as usual, one a seed; and all others."""
    rows = [part["rows"] for part in parts]
    return {
        "values": [row[PLAIN]["success"][OWN] for row in rows],
        "chance": max(row[PLAIN]["success"][CHANCE] for row in rows),
        "largest": max(own["largest"] for row in rows for own in row.values()),
        "rows": {
            name: {
                "accuracy": [row[name]["accuracy"] for row in rows],
                "l2": [row[name]["l2"] for row in rows],
                **{
                    kind: {attack: [row[name][kind][attack] for row in rows] for attack in rows[0][name][kind]}
                    for kind in ("success", TRANSFERRED)
                    if kind in rows[0][name]
                },
            }
            for name in LESSONS
        },
    }


def holds(result: Measurements) -> bool:
    """Whether no pixel changed by more than it may, and changes as large by chance do little."""
    return result["largest"] <= EPSILON + 1e-6 and result["chance"] <= BY_CHANCE


def in_few_numbers(result: Measurements) -> str:
    told = []
    for name, row in result["rows"].items():
        rates = "; ".join(f"{attack} {_percent(rate)}" for attack, rate in row["success"].items())
        told.append(f"learnt {name} ({_percent(row['accuracy'])} right): {rates}")
    transferred = result["rows"][ROBUST][TRANSFERRED]
    rates = "; ".join(f"{attack} {_percent(rate)}" for attack, rate in transferred.items())
    return f"{_percent(result['values'])} %; {'. '.join(told)}; made against the other: {rates}"


def _percent(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:.1f}" for share in shares)


ADVGAN_MNIST = Study(
    name="advgan-mnist",
    protocol=(
        f"MNIST's training part, and its 10,000 test digits to attack. The recipe {RECIPE}, batches of {BATCH}: a "
        f"small convolutional classifier learns for {LESSONS[PLAIN]['classifier_steps']:,} steps, then AdvGAN's "
        f"generator and D for {ATTACK:,}, with changes of a pixel of at most {EPSILON} of the range from 0 to 1. The "
        f"same once more against a classifier that learns for {LESSONS[ROBUST]['classifier_steps']:,} steps from what "
        f"{LESSONS[ROBUST]['pgd_steps']} steps of PGD make of the digits, within the same bound. A rate is the share "
        "of test digits that the classifier gets right as they are, and errs on after the attack; the value is "
        f"AdvGAN's against the first classifier, untargeted. Beside it FGSM, PGD ({PGD} steps from a random start) and "
        "signs by chance, of the same size; and what is made against the first classifier is shown to the second "
        "(transferred). Steps, batch and weights of the losses were chosen on seed 100, on a twelfth of the training "
        "part."
    ),
    published=(
        "92.76 % of the test digits were still right after AdvGAN's attack on a network of adversarial training that "
        "it did not know (MNIST challenge, black box, MadryLab/mnist_challenge)"
    ),
    target=AIM,
    relation=">=",
    seeds=(0, 1, 2),
    parts=lambda seed: ("advgan",),
    run=run,
    summarise=summarise,
    extra_check=holds,
    differs="classifiers of our own, which the attack knows in training (semi-white-box)",
    measures="share of test digits that AdvGAN turns into errors at L-infinity 0.3, three seeds",
    goal=f"at least {AIM:.0%}, where signs by chance turn at most {BY_CHANCE:.0%}",
    ours=in_few_numbers,
)
