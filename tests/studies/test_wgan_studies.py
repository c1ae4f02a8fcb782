"""The studies of WGAN in small: their code, not their results."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import dataset
from zerosum.games import wgan
from zerosum.games.wgan import WGAN
from zerosum.modality import to_float
from zerosum.studies import STUDIES, without_batch_norm
from zerosum.studies.quality import spread
from zerosum.studies.study import part_folder
from zerosum.studies.wgan_critic import WGAN_CRITIC, critic_estimate, draw, train_wgan
from zerosum.studies.without_batch_norm import WITHOUT_BATCH_NORM, PlainGenerator, build_game, train

SHORT = WGAN.Config(4, critic_steps=1, long_steps=1)


@pytest.fixture(scope="module")
def images() -> data.Dataset:
    return dataset("few", data.load("digits", labels=False).x[:300])


def run_curves(images: data.Dataset, points: int, folder: Path) -> Any:
    return train_wgan(images, 0, points, 3, folder, SHORT, wgan.Network(4), samples=40)


def test_both_are_known():
    assert STUDIES[WGAN_CRITIC.name] is WGAN_CRITIC and STUDIES[WITHOUT_BATCH_NORM.name] is WITHOUT_BATCH_NORM


def test_the_curves_of_a_stopped_run_go_on(images: data.Dataset, tmp_path: Path):
    """Four points at once, or two and, from the checkpoint, two more: the same curves."""
    whole = run_curves(images, 4, tmp_path / "whole")
    assert whole["rounds"] == [3, 6, 9, 12]
    ranks = [torch.tensor(whole[name]).argsort().argsort() for name in ("critic", "frechet")]
    assert whole["correlation"] == pytest.approx(1 - 6 * int((ranks[0] - ranks[1]).square().sum()) / (4 * 15))
    assert all(distance > 0 for distance in whole["frechet"])
    first = run_curves(images, 2, tmp_path / "halves")
    assert first["rounds"] == [3, 6]
    points = tmp_path / "halves" / "curves.json"
    lost = {"rounds": 9, "critic": 5.0, "frechet": 5.0}  # measured, but stopped before its checkpoint
    points.write_text(json.dumps([*json.loads(points.read_bytes()), lost]))
    rest = run_curves(images, 4, tmp_path / "halves")
    assert rest["rounds"] == whole["rounds"]
    assert rest["critic"] == pytest.approx(whole["critic"], rel=1e-4, abs=1e-7)
    assert rest["frechet"] == pytest.approx(whole["frechet"], rel=1e-4)


def test_the_estimate_is_a_mean_over_the_last_critic_moves_of_the_rounds():
    values = (
        (2, "critic", -9.0),
        (2, "critic", -1.0),
        (2, "generator", 50.0),
        (3, "critic", -8.0),
        (3, "critic", -3.0),
    )
    pending = [(step, f"{player}/adversarial", torch.tensor(value)) for step, player, value in values]
    assert critic_estimate(SimpleNamespace(interval=pending)) == 2.0  # type: ignore[arg-type]


def test_the_picture(tmp_path: Path):
    one = {"seed": 3, "correlation": 0.9, "rounds": [10, 20], "critic": [2.0, 1.0], "frechet": [9.0, 3.0]}
    draw(WGAN_CRITIC.summarise([one, one]), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_generator_has_equal_layers_and_no_batch_norm():
    for shape in ((1, 28, 28), (3, 32, 32), (1, 12, 20)):
        network = PlainGenerator(5, shape, width=6)
        assert network(torch.randn(2, 5)).shape == (2, *shape)
        convolutions = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
        assert {c.in_channels for c in convolutions} == {6} and convolutions[-1].out_channels == shape[0]
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_gan_and_wgan_have_the_same_networks():
    def described(part: str) -> list[str]:
        one, other = build_game(part, (1, 28, 28), 4, WGAN.Config()).children()
        return [str(one), str(other)]

    assert described("gan") == described("wgan") != described("dcgan")
    assert "BatchNorm" not in str(described("gan")) and "BatchNorm" in str(described("dcgan"))


@pytest.mark.parametrize("part", without_batch_norm.PARTS)
def test_a_part(part: str, images: data.Dataset, tmp_path: Path):
    found = train(part, images, 0, 6, tmp_path, width=4, samples=40, config=SHORT)
    assert (
        found["frechet"] > 0
        and 0 < found["spread"] < 1.5
        and found["black"] > 0
        and found["verdict"] == "under-trained"
        and found["rounds"] == 6
    )


def test_the_summary_compares_equal_seeds():
    rows = (("gan", 7, 40.0, "mode collapse"), ("wgan", 7, 4.0, "healthy"), ("dcgan", 7, 1.0, "healthy"))
    rows += (("dcgan", 8, 1.0, "healthy"), ("wgan", 8, 5.0, "under-trained"), ("gan", 8, 20.0, "mode collapse"))
    keys = ("part", "seed", "frechet", "verdict")
    others = {"spread": 0.5, "black": 41.2}
    figures = WITHOUT_BATCH_NORM.summarise([dict(zip(keys, row, strict=True)) | others for row in rows])
    assert figures["gan_spread"] == [0.5, 0.5] and figures["black_frechet"] == [41.2, 41.2]
    assert figures["values"] == [0.1, 0.25] and figures["dcgan_frechet"] == [1.0, 1.0]
    assert WITHOUT_BATCH_NORM.extra_check(figures)
    for name, verdict in (("gan_verdicts", "healthy"), ("wgan_verdicts", "mode collapse")):
        assert not WITHOUT_BATCH_NORM.extra_check({**figures, name: [verdict, figures[name][1]]})


def test_the_picture_shows_what_stands_behind_a_distance(images: data.Dataset, tmp_path: Path):
    """A row of samples for each game and seed."""
    for part in without_batch_norm.PARTS:
        train(part, images, 0, 2, part_folder(tmp_path, 0, part), width=4, samples=20, config=SHORT)
    without_batch_norm.draw({"seeds": [0]}, tmp_path, tmp_path / "samples.png")
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_one_image_a_thousand_times_has_no_spread(images: data.Dataset):
    real = to_float(images.x[:100])
    assert spread(real[:1].expand(50, -1, -1, -1), real) == 0
    assert spread(real, real) == pytest.approx(1) and spread(real / 2, real) == pytest.approx(0.5)
