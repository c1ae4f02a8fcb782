"""AdvGAN learns to turn digits into errors that chance does not make, and PGD's samples harden a classifier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.games import find
from zerosum.games.advgan import AdvGAN
from zerosum.losses.adversarial_examples import pgd
from zerosum.metrics import probe
from zerosum.metrics.attack_success import attackable, known_attacks, success
from zerosum.studies.training import last_weights, trainer_of

SIDE, TESTED = 14, 400


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Dataset]:
    """Digits to learn from, and others."""
    digits = data.load("digits", size=(SIDE, SIDE))
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))
    learnt, tested = (
        replace(digits, fields={name: field.at(rows) for name, field in digits.fields.items()})
        for rows in (order[TESTED:], order[:TESTED])
    )
    return learnt, tested


def played(learnt: Dataset, steps: int, **config: Any) -> AdvGAN:
    options = {"config": config, "network": {"width": 6, "blocks": 1}, "patch": {"width": 4}}
    trainer = trainer_of(
        lambda spec: find("advgan/images").build(spec, options), learnt, last_weights(steps, 64, 0, 50, steps)
    )
    trainer.train()
    game = trainer.game.eval()
    assert isinstance(game, AdvGAN)
    return game


def test_it_learns_what_chance_does_not_do(parts: tuple[Dataset, Dataset]) -> None:
    game, (_, tested) = played(parts[0], 360, classifier_steps=160), parts
    assert tested.y is not None
    x, y = tested.modality.load(tested.x), tested.y
    right = attackable(game.f, x, y)
    assert float(right.double().mean()) > 0.85
    x, y = x[right], y[right]
    with torch.no_grad():
        own = success(game.f, game.translate(x), y)
        known = {name: success(game.f, made, y) for name, made in known_attacks(game.f, x, y, 0.6, 5, 0).items()}
    assert own > 0.6 > 0.4 > known["random signs"] and known["PGD"] > 0.95


def test_a_classifier_that_learns_from_pgd_withstands_it(parts: tuple[Dataset, Dataset]) -> None:
    (learnt, tested), rates = parts, list[float]()
    assert tested.y is not None
    x, y = tested.modality.load(tested.x), tested.y
    for steps in (0, 3):
        settings = {"classifier_steps": 300, "pgd_steps": steps, "epsilon": 0.3, "c_optimizer": {"lr": 2e-3}}
        network = played(learnt, 300, **settings).f
        made = pgd(network, x, y, 0.3, steps=20, generator=torch.Generator().manual_seed(0))
        rates.append(float((probe.predict(network, made) == y).double().mean()))
    assert rates[1] > 0.3 > 0.05 > rates[0]
