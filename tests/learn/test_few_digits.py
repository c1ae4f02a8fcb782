"""Few images, which a discriminator soon knows by heart, and what augmentation does about it; Karras et al., 2020."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.games.gan import GAN
from zerosum.networks import mlp, small
from zerosum.optim import Adam
from zerosum.recipe import Training
from zerosum.studies.spoiled import subset
from zerosum.techniques import Techniques
from zerosum.techniques.apply import WithTechniques, with_techniques
from zerosum.training.trainer import Trainer
from zerosum.util import rng

ROUNDS, LAST = 600, 200


def logits(**techniques: Any) -> tuple[Tensor, Trainer]:
    """D's logits on the 32 digits that it is trained on, over the last rounds."""
    digits = subset(32)(data.load("digits", size=(16, 16), labels=False), 0)
    rng.seed(0)
    config = GAN.Config(16, g_optimizer=Adam(1e-3, (0.5, 0.99)), d_optimizer=Adam(2e-3, (0.5, 0.99)))
    game = GAN(mlp.Generator(16, digits.shape, (64, 64)), small.Discriminator(digits.shape, 8), config)
    stream = data.Stream(digits, 16, seed=0)
    settings = Training(ROUNDS, 16, average=0.0, precision="fp32", log_every=ROUNDS)
    trainer = Trainer(with_techniques(game, Techniques(**techniques), digits.modality), stream, settings)
    trainer.train()
    real = [value for step, name, value in trainer.pending if name == "discriminator/logits/real" and step >= ROUNDS - LAST]
    return torch.cat(real), trainer


@pytest.fixture(scope="module")
def plain() -> Tensor:
    return logits()[0]


def test_diff_augment_keeps_d_unsure(plain: Tensor):
    augmented, _ = logits(diff_augment=("color", "translation", "cutout"))
    assert plain.mean() > 3 and augmented.mean() < 0.5 * plain.mean()


def test_ada_holds_the_sign_of_d_at_its_target(plain: Tensor):
    """r_t is at most 1, and 0.6 is asked."""
    augmented, trainer = logits(adaptive_augment=True, adaptive_images=2000)
    assert plain.sign().mean() > 0.85
    assert augmented.sign().mean().item() == pytest.approx(0.6, abs=0.15)
    assert isinstance(trainer.game, WithTechniques) and trainer.game.adaptive is not None
    assert 0.02 < trainer.game.adaptive.p < 0.98
