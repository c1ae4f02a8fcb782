"""`zerosum reproduce tricks`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from zerosum import data
from zerosum.game import Game
from zerosum.modality import Points, Spec
from zerosum.networks.discriminate import mixes_batch
from zerosum.studies import tricks
from zerosum.studies.tricks import ADDED, BASES, IMAGES, POINTS, TRICKS, WITHOUT
from zerosum.techniques.apply import WithTechniques

DIGITS = data.load("digits", size=(16, 16))


def game(build: Any, spec: Spec = DIGITS.spec) -> Game[Any]:
    torch.manual_seed(0)
    return build(spec)


def test_each_choice_on_digits_is_another_game_and_points_likewise():
    assert set(IMAGES) == {"base", tricks.CLASSIFIER, *ADDED, *WITHOUT} and not set(ADDED) & set(WITHOUT)
    assert set(BASES) <= set(ADDED) and set(BASES.values()) <= set(IMAGES)
    for spec, choices in ((DIGITS.spec, IMAGES), (Spec({"x": Points(2)}), POINTS)):
        seen = set()
        for build in choices.values():
            made = game(build, spec)
            core = made.core
            extra = made.techniques if isinstance(made, WithTechniques) else None
            seen.add((type(core), str(core), str(core.config), str(extra)))
        assert len(seen) == len(choices)


def test_what_goes_against_a_trick_is_what_it_says():
    base = game(IMAGES["base"]).core
    assert mixes_batch(base.discriminator) and not mixes_batch(
        game(IMAGES["D: batch norm, real and fake in one batch"]).core.discriminator
    )
    kinds = {
        name: [type(m) for m in game(IMAGES[name]).core.discriminator.modules()]
        for name in ("D with ReLU", "D with max-pooling")
    }
    assert nn.ReLU in kinds["D with ReLU"] and nn.LeakyReLU not in kinds["D with ReLU"]
    assert nn.MaxPool2d in kinds["D with max-pooling"]
    strides = {
        m.stride for m in game(IMAGES["D with max-pooling"]).core.discriminator.modules() if isinstance(m, nn.Conv2d)
    }
    assert strides == {(1, 1)}
    unscaled = game(IMAGES["pixels in [0, 1], sigmoid"]).core
    samples = unscaled.generate(unscaled.latents(4))
    assert samples.shape == (4, 1, 16, 16) and float(samples.detach().abs().max()) <= 1
    x = torch.rand(8, 1, 16, 16) * 2 - 1
    seen: list[torch.Tensor] = []
    first = next(m for m in unscaled.discriminator.modules() if isinstance(m, nn.Conv2d))
    first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    unscaled.discriminator(x)
    assert float(seen[0].min()) >= 0 and torch.allclose(seen[0], (x + 1) / 2)


def test_a_joint_batch_norm_normalises_real_and_fake_together():
    layer = tricks.JointBatchNorm(nn.BatchNorm2d(3))
    x = torch.randn(6, 3, 4, 4) * 3 + 1
    made = layer(x)
    torch.testing.assert_close(made.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.var((0, 2, 3), correction=0), torch.ones(3), atol=1e-3, rtol=0)


@pytest.mark.parametrize("part", ["points, noise on D's layers, annealed", f"digits, {tricks.LABELLED}"])
def test_a_part_is_measured(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tricks, "SAMPLES", 200)
    figures = tricks.run(part, 0, 4 / 2500, tmp_path)
    assert figures["part"] == part and figures["rounds"] <= 4
    assert figures["modes"] >= 0 if part.startswith("points") else figures["frechet"] > 0


def test_the_value_is_the_share_that_did_what_is_said():
    def part(name: str, seed: int, frechet: float | None) -> dict[str, Any]:
        errors = {"errors": 5} if name in (tricks.CLASSIFIER, tricks.PRETRAINED) else {}
        return {"part": f"digits, {name}", "seed": seed, "frechet": frechet, **errors}

    def distance(name: str, seed: int) -> float | None:
        if name == "base":
            return 4.0
        if name == tricks.CLASSIFIER:
            return 9.0
        if name == tricks.PRETRAINED:
            return 8.0  # nearer than its own base, further away than the other
        if name == "SGD, rate 0.05, momentum 0.5" and seed == 0:
            return None  # diverged: as far as can be
        return 3.0 if seed == 0 else 5.0

    parts = [part(name, seed, distance(name, seed)) for seed in (0, 1) for name in IMAGES]
    parts += [
        {"part": f"points, {name}", "seed": seed, "modes": 20, "high_quality": 0.5}
        for seed in (0, 1)
        for name in POINTS
    ]
    found = tricks.summarise(parts)
    count = len(ADDED) + len(WITHOUT)
    assert found["values"] == pytest.approx([(len(ADDED) + 1) / count, (len(WITHOUT) + 1) / count])
    assert found["points"]["base"] == {"modes": [20, 20], "high_quality": [0.5, 0.5]}
    assert found["errors"] == {tricks.CLASSIFIER: [5, 5], tricks.PRETRAINED: [5, 5]}
    assert TRICKS.target == 0.5 and TRICKS.relation == ">=" and len(TRICKS.seeds) == 3
