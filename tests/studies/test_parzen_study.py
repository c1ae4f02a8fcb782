"""`zerosum reproduce gan-parzen`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.studies import gan_parzen
from zerosum.studies.gan_parzen import GAN_PARZEN, anchors, build_game, likelihood, summarise, to_points, train


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A few real digits, in place of MNIST's 50,000."""
    monkeypatch.setattr(gan_parzen, "CHECKPOINTS", 2)
    monkeypatch.setattr(gan_parzen, "SAMPLES", 60)
    return dataset("few", data.load("digits", labels=False).x[::10])


def test_it_begins_at_the_mean_image(digits: Dataset):
    torch.manual_seed(0)
    game = build_game(digits)
    with torch.no_grad():
        made = (game.generate(game.latents(500)).mean(0) + 1) / 2
    assert (made - digits.x.float().mean(0) / 255).abs().mean() < 0.05


def test_a_part_keeps_the_best_round(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    points, sides = to_points(digits.x), list[torch.Tensor]()
    monkeypatch.setattr(gan_parzen, "spread", lambda samples, real: sides.extend([samples, real]) or 0.25)
    found = train(digits, points[:40], points[40:90], 0, 4 / gan_parzen.ROUNDS, tmp_path)
    assert [(point["round"], point["weights"]) for point in found["series"]] == [
        (2, "last"), (2, "averaged"), (4, "last"), (4, "averaged"),
    ]  # fmt: skip
    assert found["rounds"] == 4 and found["best"]["validation"] == max(point["validation"] for point in found["series"])
    assert found["validation"] == pytest.approx(found["best"]["validation"]), "the best weights were measured again"
    assert found["spread"] == 0.25 and sides[0].shape == (60, 784) and torch.equal(sides[1], points[:40])
    assert found["sigma"] == found["best"]["sigma"] and math.isfinite(found["likelihood"]) and found["error"] > 0


def test_anchors_are_ordered(digits: Dataset):
    """More real images in place of samples make test images likelier."""
    points = to_points(digits.x)
    found = anchors(points[:400], points[400:430], points[430:], 0)
    few = likelihood(points[430:], points[400:430], points[:20])
    assert found["10,000 training images"]["likelihood"] > few["likelihood"]
    assert set(found) == {"10,000 training images", "1,000 training images", "averages of 8 nearest"}


def test_the_summary_refuses_a_score_above_real_images():
    real = {"10,000 training images": {"likelihood": 241.0}}
    look = {"round": 5, "weights": "last", "validation": 1.0}

    def part(value: float) -> dict[str, object]:
        run = {"part": "gan/paper", "seed": 0, "likelihood": value, "error": 2.0, "spread": 1.0, "rounds": 5}
        return {**run, "best": look, "series": [look, {**look, "weights": "averaged"}]}

    anchor = {"part": "anchors", "seed": 0, **real}
    good, blurred = (summarise([part(value), anchor]) for value in (230.0, 250.0))
    assert good["values"] == [230.0] and good["anchors"] == real
    assert GAN_PARZEN.extra_check(good) and not GAN_PARZEN.extra_check(blurred)
    assert not GAN_PARZEN.extra_check(summarise([part(230.0), part(250.0), anchor])), "one seed is enough"


def test_a_likelihood_is_a_mean_with_its_standard_error_by_a_sigma_of_other_images():
    """Held-out points lie at the sample, of which the least sigma is the likeliest; the tested ones do not."""
    held_out, test = torch.zeros(5, 2), torch.tensor([[0.0, 0.0], [0.3, 0.0], [0.0, 0.4], [1.0, 0.0]])
    found = likelihood(test, held_out, torch.zeros(1, 2))
    squares = torch.tensor([0.0, 0.09, 0.16, 1.0], dtype=torch.float64)
    each = -squares / 0.02 - 2 * math.log(0.1) - math.log(2 * math.pi)
    assert found["sigma"] == pytest.approx(0.1) and found["validation"] == pytest.approx(float(each[0]))
    assert found["likelihood"] == pytest.approx(float(each.mean()))
    assert found["error"] == pytest.approx(float(each.std()) / 2), "four points"


def test_anchors_are_random_images_and_means_of_eight(monkeypatch: pytest.MonkeyPatch):
    """Of a hundred images in a row the nearest eight of one in the middle are itself and those beside it."""
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(gan_parzen, "likelihood", lambda test, held_out, samples: seen.append(samples) or {})
    monkeypatch.setattr(gan_parzen, "SAMPLES", 30)
    train = torch.arange(100.0)[:, None]
    anchors(train, train, train, 0)
    real, thousand, blurred = (one[:, 0].tolist() for one in seen)
    assert len(set(real)) == 30 and max(real) > 40 and real != sorted(real) and len(thousand) == 100
    for value, mean in zip(real, blurred, strict=True):
        if 4 <= value <= 95:
            assert abs(mean - value) == 0.5, "three on one side, four on the other, and itself"
