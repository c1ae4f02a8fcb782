"""`zerosum reproduce gan-parzen`: its code on a few rounds; its result is in reproductions/results."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.games.gan import GAN
from zerosum.studies import gan_parzen, gan_survival
from zerosum.studies.gan_parzen import GAN_PARZEN, anchors, likelihood, screened, summarise, to_points, train
from zerosum.studies.gan_survival import ALIVE, GAN_SURVIVAL
from zerosum.studies.training import last_weights


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A few real digits, in place of MNIST's 50,000."""
    monkeypatch.setattr(gan_parzen, "LOOKS", 2)
    monkeypatch.setattr(gan_parzen, "SAMPLES", 60)
    few = dataset("few", data.load("digits", labels=False).x[::10])
    monkeypatch.setattr(gan_survival, "training_images", lambda: few)
    return few


def test_the_game_is_the_papers_in_either_order(digits: Dataset):
    for order in gan_survival.ORDERS:
        trainer = gan_survival.trainer_of(digits, last_weights(1, 100, 3, 1, 1), order)
        assert isinstance(trainer.game, GAN)
        config = trainer.game.config
        assert (config.order, config.initial_samples) == (order, 50_000)
        assert config.g_optimizer.kind == "sgd" and config.g_optimizer.momentum_end == 0.7
        assert trainer.average is None and trainer.training.batch_size == 100 and trainer.training.seed == 3


def test_how_far_samples_are_apart_is_measured_beside_the_data(digits: Dataset, tmp_path: Path):
    found = gan_survival.run("alternating", 1, 2 / gan_survival.ROUNDS, tmp_path)
    assert (found["part"], found["seed"], found["rounds"]) == ("alternating", 1, 2)
    assert 0 <= found["spread"] < 0.5, "mean images, nearly one"

    class Real(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return digits.x[torch.randint(len(digits.x), (len(z),))].float() / 127.5 - 1

    game = gan_survival.trainer_of(digits, last_weights(1, 100, 0, 1, 1)).game
    assert isinstance(game, GAN)
    game.generator = Real()
    assert gan_survival.spread_of(game, digits, 0) == pytest.approx(1, abs=0.05)


def test_a_seed_is_alive_where_samples_are_half_as_far_apart_as_data():
    parts = [
        {"part": order, "seed": seed, "rounds": 5, "spread": spread}
        for order, spreads in (("simultaneous", (ALIVE, 0.9, 0.1)), ("alternating", (0.7, 0.0, 0.2)))
        for seed, spread in enumerate(spreads)
    ]
    found = GAN_SURVIVAL.summarise(parts)
    assert found["values"] == [1.0, 1.0, 0.0] and found["alternating"] == pytest.approx(1 / 3)
    assert GAN_SURVIVAL.extra_check(found) and not GAN_SURVIVAL.extra_check({**found, "alternating": 2 / 3})
    assert GAN_SURVIVAL.ours(found) == "simultaneous 2 of 3; alternating 1 of 3"


def test_seeds_are_screened_in_their_order_until_enough_live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    asked: list[int] = []

    def run(order: str, seed: int, fraction: float, folder: Path) -> dict[str, float]:
        asked.append(seed)
        assert order == "simultaneous" and fraction == 1 and folder.parent.parent.parent == tmp_path
        return {"spread": {1: 0.1}.get(seed, 0.8)}

    monkeypatch.setattr(gan_survival, "run", run)
    assert screened(2, tmp_path / "seed-1" / "part") == [0.8, 0.1, 0.8] and asked == [0, 1, 2]
    assert screened(1, tmp_path / "seed-1" / "part") == [0.8]
    assert screened(3, tmp_path / "seed-1" / "part") == [0.8, 0.1, 0.8, 0.8] and asked == [0, 1, 2, 3], "each once"
    monkeypatch.setattr(gan_parzen, "SCREENED", 4)
    with pytest.raises(ZerosumError, match="of 4 seeds fewer than 4 live"):
        screened(4, tmp_path / "seed-1" / "part")


def test_a_part_is_of_the_survivor_of_its_number(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    monkeypatch.setattr(gan_parzen.data, "load", lambda name: digits)
    monkeypatch.setattr(gan_parzen, "TRAINED", 40)
    monkeypatch.setattr(gan_parzen, "screened", lambda survivors, _: [0.1, 0.8, 0.1, 0.9][: 2 * survivors])
    monkeypatch.setattr(gan_parzen, "train", lambda x, held, test, seed, *_: seen.append(seed) or {"trained": seed})
    for part_seed, trained in ((0, 1), (1, 3)):
        assert gan_parzen.run("gan/paper", part_seed, 1.0, tmp_path)["trained"] == trained
    assert gan_parzen.run("gan/paper", 2, 0.1, tmp_path)["screened"] == [], "a quick check screens nobody"
    assert seen == [1, 3, 2]


def test_a_part_measures_its_last_weights(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    points = to_points(digits.x)
    drawn: list[torch.Tensor] = []
    draw = gan_parzen.draw_samples

    def kept(game: Game[object], seed: int) -> torch.Tensor:
        drawn.append(draw(game, seed))
        return drawn[-1]

    monkeypatch.setattr(gan_parzen, "draw_samples", kept)
    found = train(digits, points[:40], points[40:90], 4, 4 / gan_parzen.ROUNDS, tmp_path)
    assert [point["round"] for point in found["series"]] == [2, 4] and found["rounds"] == 4 and found["trained"] == 4
    assert len(drawn) == 3 and torch.equal(drawn[1], drawn[2]), "the last look is at the weights that are measured"
    assert found["validation"] == found["series"][-1]["validation"] and found["sigma"] == found["series"][-1]["sigma"]
    assert math.isfinite(found["likelihood"]) and found["error"] > 0 and 0 <= found["spread"] < 0.5


def test_anchors_are_ordered(digits: Dataset):
    """More real images in place of samples make test images likelier."""
    points = to_points(digits.x)
    found = anchors(points[:400], points[400:430], points[430:], 0)
    few = likelihood(points[430:], points[400:430], points[:20])
    assert found["10,000 training images"]["likelihood"] > few["likelihood"]
    assert set(found) == {"10,000 training images", "1,000 training images", "averages of 8 nearest"}


def test_the_summary_refuses_a_score_above_real_images_and_a_sigma_at_the_edge():
    real = {"10,000 training images": {"likelihood": 241.0}}

    def part(value: float, edge: bool = False, screened: tuple[float, ...] = (0.8,)) -> dict[str, object]:
        run = {"part": "gan/paper", "seed": 0, "likelihood": value, "error": 2.0, "spread": 1.0, "rounds": 5}
        of_seed = {"trained": len(screened) - 1, "screened": list(screened), "sigma": 0.2, "edge": edge}
        return {**run, **of_seed, "series": [{"round": 5, "sigma": 0.2, "validation": 1.0}]}

    anchor = {"part": "anchors", "seed": 0, **real}
    good, blurred, off = (summarise([made, anchor]) for made in (part(230.0), part(250.0), part(230.0, edge=True)))
    assert good["values"] == [230.0] and good["anchors"] == real and good["survival"] == 1
    assert GAN_PARZEN.extra_check(good)
    assert not GAN_PARZEN.extra_check(blurred) and not GAN_PARZEN.extra_check(off)
    assert not GAN_PARZEN.extra_check(summarise([part(230.0), part(250.0), anchor])), "one seed is enough"
    some = summarise([part(230.0, screened=(0.1, 0.8)), part(228.0, screened=(0.1, 0.8, 0.2, 0.9)), anchor])
    assert some["dead"] == [0, 2] and some["survival"] == 0.5 and some["trained"] == [1, 3]
    said = GAN_PARZEN.ours(some)
    assert said == "230 (seed 1, sigma 0.200), 228 (seed 3, sigma 0.200); dead before: 0, 2; real images 241"


def test_a_likelihood_is_a_mean_with_its_standard_error_by_a_sigma_of_other_images():
    """Held-out points lie at the sample, of which the least sigma is the likeliest; the tested ones do not."""
    held_out, test = torch.zeros(5, 2), torch.tensor([[0.0, 0.0], [0.3, 0.0], [0.0, 0.4], [1.0, 0.0]])
    found = likelihood(test, held_out, torch.zeros(1, 2))
    squares = torch.tensor([0.0, 0.09, 0.16, 1.0], dtype=torch.float64)
    each = -squares / 0.02 - 2 * math.log(0.1) - math.log(2 * math.pi)
    assert (
        found["sigma"] == pytest.approx(0.1) and found["edge"] and found["validation"] == pytest.approx(float(each[0]))
    )
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
