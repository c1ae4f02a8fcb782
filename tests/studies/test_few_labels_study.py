"""`zerosum reproduce sgan-mnist-100` and `bad-gan-mnist-100`: their code, not their results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from zerosum.data.dataset import dataset
from zerosum.games import find
from zerosum.games.bad_gan import BadGAN
from zerosum.games.sgan import SGAN
from zerosum.modality import Classes, Image, Spec
from zerosum.studies import few_labels as study
from zerosum.studies.few_labels import BAD, BAD_GAN_MNIST, LONG, MATCHING, SGAN_MNIST, WITHOUT_DENSITY
from zerosum.studies.training import Split

MNIST = Spec({"x": Image(1, 28, 28), "y": Classes.numbered(10)})


@pytest.mark.parametrize("part", study.SETTINGS)
def test_settings_are_the_authors_but_for_what_is_said(part: str):
    setting = study.SETTINGS[part]
    recipe = find(setting.recipe)
    game = recipe.build(MNIST, setting.options)
    assert isinstance(game, SGAN | BadGAN)
    own = game.config
    # openai/improved-gan, train_mnist_feature_matching.py; kimiyoung/ssl_bad_gan, mnist_trainer.py
    authors = {"g": (3e-3, (0.5, 0.999), 1e-4), "d": (3e-3, (0.5, 0.999), 1e-4)}
    if setting.recipe == "bad-gan/mnist":
        authors = {"g": (1e-3, (0.0, 0.9999), 1e-8), "d": (3e-3, (0.5, 0.9999), 1e-8)}
    for player, expected in authors.items():
        rate = getattr(own, f"{player}_optimizer")
        assert (rate.lr, rate.betas, rate.eps) == expected
        share = [rate.decay(step, setting.rounds) for step in (0, 39_999, 50_000, 59_999)]
        assert share == pytest.approx([1, 1, 1, 1] if part == LONG else [1, 1, 0.5, 0], abs=1e-3)
    assert setting.rounds == (180_000 if part == LONG else 60_000) and setting.labels == 100
    assert own.feature_distance == "mean-square" and own.initial_images == 500 and own.consistency.weight == 0


def test_the_bad_gan_is_compared_with_itself_without_its_density():
    bad, alone = (find("bad-gan/mnist").build(MNIST, study.SETTINGS[part].options) for part in (BAD, WITHOUT_DENSITY))
    assert isinstance(bad, BadGAN) and isinstance(alone, BadGAN)
    assert bad.config.density_weight == 1e-4 and bad.config == replace(alone.config, density_weight=1e-4)
    assert alone.config.pull_away_weight == alone.config.entropy_weight == 0


def test_parts_are_of_the_same_sets_of_labels():
    assert [SGAN_MNIST.parts(seed) for seed in (0, 1, 2)] == [(MATCHING, LONG), (MATCHING, LONG), (MATCHING,)]
    assert SGAN_MNIST.seeds == BAD_GAN_MNIST.seeds and len(SGAN_MNIST.seeds) == 10


def test_last_and_best_are_told_apart():
    def part(name: str, seed: int, *errors: int) -> dict[str, object]:
        series = [{"round": 600 * (i + 1), "errors": wrong} for i, wrong in enumerate(errors)]
        return {"part": name, "seed": seed, "rounds": 60_000, "errors": errors[-1], "series": series}

    parts = [part(MATCHING, 0, 200, 90, 100), part(LONG, 0, 80), part(MATCHING, 1, 150, 120)]
    found = SGAN_MNIST.summarise(parts)
    assert (found["values"], found["best"], found["epochs"]) == ([100, 120], [90, 120], 100)
    assert found["beside"] == [80] and found["beside_seeds"] == [0]
    said = SGAN_MNIST.ours(found)
    assert said == "100, 120 (best look at the test images 90, 120); for 300 epochs 80"
    bad = BAD_GAN_MNIST.summarise(
        [part(BAD, 0, 70), part(WITHOUT_DENSITY, 0, 100), part(BAD, 1, 80), part(WITHOUT_DENSITY, 1, 120)]
    )
    assert bad["values"] == [70, 80] and bad["beside"] == [100, 120] and BAD_GAN_MNIST.reached(bad)
    assert not BAD_GAN_MNIST.reached({**bad, "beside": [70, 75]}), "feature matching alone would do"
    assert not BAD_GAN_MNIST.reached({**bad, "values": [79, 81]})


@pytest.mark.parametrize("part", [MATCHING, BAD])
def test_a_part_is_measured(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    x, y = torch.randint(256, (120, 1, 28, 28), dtype=torch.uint8), torch.arange(120) % 10
    few = dataset("few", x, y, tuple("0123456789"))
    monkeypatch.setattr(Split, "mnist", lambda: Split(few, few))
    found = study.run(part, 0, 4 / 60_000, tmp_path)
    assert found["part"] == part and found["rounds"] == 4 and len(found["series"]) == 4
    assert 0 <= found["errors"] <= 120
