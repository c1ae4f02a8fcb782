"""What each study measures: which weights, which split, which seed, which round, what is counted, and what is not.

The trainings themselves are left out: a part is handed a trainer whose last and averaged weights are told apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.batches import Paired
from zerosum.data.dataset import Dataset, dataset
from zerosum.game import Game
from zerosum.health.history import History, Snapshot
from zerosum.modality import to_float
from zerosum.roles import Translates
from zerosum.studies import (
    acgan,
    bigan_1nn,
    cgan,
    conditional,
    gan_parzen,
    grid,
    health,
    health_translators,
    infogan_error,
    optimal_discriminator,
    quality,
    semi_supervised,
    spoiled,
    stacked_mnist,
    study,
    synthesized,
    training,
    tricks,
    without_batch_norm,
)
from zerosum.studies.frozen import Frozen, everything
from zerosum.studies.gan_parzen import ANCHORS, TRAINED, VALIDATED
from zerosum.studies.scenarios import Scenario
from zerosum.studies.training import Split

BOTH: Any = SimpleNamespace(game="last", sampler="averaged", step=7, device=torch.device("cpu"))


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Trainings that are made and played without a step; `settings` are those of the last one."""
    made: dict[str, Any] = {}

    def trainer_of(build: Any, loaded: Any, settings: Any) -> Any:
        made.update(settings=settings, data=loaded)
        return SimpleNamespace(**{**vars(BOTH), "training": settings, "step": settings.steps})

    def play(trainer: Any, folder: Path, hooks: Iterable[Any] = ()) -> None:
        for hook in hooks:
            hook(trainer)

    monkeypatch.setattr(training, "trainer_of", trainer_of)
    monkeypatch.setattr(training, "play", play)
    return made


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The games that samples are drawn of, which are points at 0."""
    games: list[Any] = []

    def sample(game: Any, count: int, **_: Any) -> Tensor:
        games.append(game)
        return torch.zeros(count, 2)

    for module in (grid, stacked_mnist, quality):
        monkeypatch.setattr(module, "sample", sample)
    return games


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Images of one pixel, in MNIST's place: 10 the first 50,000, then 20 the next 1,000, and 99; 30 the test's."""
    asked: list[str] = []

    def load(name: str, **_: Any) -> Dataset:
        asked.append(name)
        x = torch.full((51_500, 1, 1, 1), 99, dtype=torch.uint8)
        x[:50_000], x[50_000:51_000] = 10, 20
        x = torch.full((40, 1, 1, 1), 30, dtype=torch.uint8) if name == "mnist:test" else x
        return dataset(name, x, torch.arange(len(x)) % 10, tuple("0123456789"))

    monkeypatch.setattr(data, "load", load)
    return asked


def levels(points: Tensor) -> set[int]:
    return {round(255 * v) for v in points.unique().tolist()}


def test_fifty_thousand_train_a_thousand_validate_and_others_test(mnist: list[str], monkeypatch: pytest.MonkeyPatch):
    assert (TRAINED, VALIDATED) == (50_000, 1_000)
    seen: list[tuple[set[int], ...]] = []

    def of_real(train: Tensor, held_out: Tensor, test: Tensor, seed: int) -> dict[str, Any]:
        assert (len(train), len(held_out), len(test)) == (50_000, 1_000, 40)
        seen.append((levels(train), levels(held_out), levels(test)))
        return {}

    def trained(train: Dataset, held_out: Tensor, test: Tensor, *_: Any) -> dict[str, Any]:
        seen.append((set(train.x.unique().tolist()), levels(held_out), levels(test)))
        return {}

    for module in (gan_parzen, cgan):
        monkeypatch.setattr(module, "anchors", of_real)
    monkeypatch.setattr(gan_parzen, "train", trained)
    monkeypatch.setattr(gan_parzen, "screened", lambda *_: [1.0])
    monkeypatch.setattr(conditional, "class_accuracy", lambda x, y: {})
    for part in (ANCHORS, "gan/paper"):
        gan_parzen.run(part, 0, 1.0, Path())
    cgan.run(ANCHORS, 0, 1.0, Path())
    assert seen == [({10}, {20}, {30})] * 3
    assert conditional.mnist().x.unique().tolist() == [10] and len(conditional.mnist()) == 50_000


def test_conditional_samples_are_of_averaged_weights(untrained: dict[str, Any], mnist: list[str], tmp_path: Path):
    assert conditional.train(cgan.RECIPE, conditional.mnist(), 5, 1.0, tmp_path) == "averaged"
    assert untrained["settings"].seed == 5


def test_acgan_is_compared_with_test_images(mnist: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    compared: list[str] = []
    monkeypatch.setattr(conditional, "train", lambda *_: "game")
    monkeypatch.setattr(conditional, "draw_samples", lambda *_: (torch.zeros(1), torch.zeros(1)))
    monkeypatch.setattr(conditional, "class_accuracy", lambda *_: {})
    monkeypatch.setattr(acgan, "diversity", lambda samples, labels, test, seed: compared.append(test.name) or {})
    acgan.run("acgan", 0, 1.0, tmp_path)
    assert compared == ["mnist:test"]


def test_the_grid_is_measured_by_averaged_weights_at_the_end(
    untrained: dict[str, Any], sampled: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = grid.PUBLISHED_TRAINING
    found = grid.train_on_grid("GAN", grid.PUBLISHED["GAN"], settings, 3, 1.0, tmp_path)
    assert sampled == ["averaged"] and untrained["settings"].seed == 3
    assert found["modes"] == 1, "all samples lie at the mean in the middle"
    monkeypatch.setattr(training, "play", lambda *_: None)
    points = [
        {"round": i, "modes": modes, "high_quality": 0.5, "kl": 1.0, "spread": 1.0} for i, modes in enumerate((25, 3))
    ]
    (tmp_path / "series.json").write_text(json.dumps(points))
    assert grid.train_on_grid("GAN", grid.PUBLISHED["GAN"], settings, 3, 1.0, tmp_path)["modes"] == 3


def test_stacked_digits_are_measured_by_averaged_weights(
    untrained: dict[str, Any], sampled: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stacked_mnist, "coverage", lambda images: {"modes": len(images), "kl": 0.5})
    found = stacked_mnist.train(
        stacked_mnist.CONTESTANTS["dcgan"], dataset("s", torch.zeros(2, 1)), 0, 1.0, tmp_path, 30
    )
    assert sampled == ["averaged"] and found["modes"] == 30


def test_real_images_are_no_recipe():
    """However small their divergence is, the best recipe is one that was trained."""
    parts = [
        {"part": name, "seed": 0, "modes": 900, "kl": 0.001 if name == stacked_mnist.REAL else 0.5, "series": []}
        for name in (*stacked_mnist.CONTESTANTS, stacked_mnist.REAL)
    ]
    assert stacked_mnist.summarise(parts)["best"] in stacked_mnist.CONTESTANTS


def test_bigans_accuracy_is_that_of_the_last_round(
    untrained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tiny = dataset("d", torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    looks = enumerate((20.0, 97.0, 60.0))
    points = [{"round": i, "features": value, "test features": value + 1} for i, value in looks]
    (tmp_path / "series.json").write_text(json.dumps(points))
    monkeypatch.setattr(training, "play", lambda *_: None)
    both = bigan_1nn.Splits(Split(tiny, tiny), Split(tiny, tiny))
    found = bigan_1nn.train(both, "bigan", 0, 1.0, tmp_path, width=8)
    assert (found["accuracy"], found["test"]) == (60.0, 61.0)


def test_infogans_categories_are_of_averaged_weights(
    untrained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[Any] = []
    monkeypatch.setattr(infogan_error, "InfoGAN", str)
    monkeypatch.setattr(
        infogan_error, "match_categories", lambda game, split: seen.append(game) or {"error": 1.0, "shares": [1.0]}
    )
    tiny = dataset("d", torch.zeros(300, 1, 8, 8, dtype=torch.uint8))
    infogan_error.train(Split(tiny, tiny), "plain", 0, 1.0, tmp_path)
    assert seen == ["averaged"]


def test_few_labels_are_those_of_the_seed_and_errors_those_of_the_last_round(
    untrained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen: list[tuple[int, int]] = []
    train: Any = SimpleNamespace(with_labels=lambda count, seed: chosen.append((count, seed)))
    monkeypatch.setattr(training, "play_measured", lambda *_: [{"round": 1, "errors": 5}, {"round": 2, "errors": 9}])
    setting = semi_supervised.SGAN_SETTINGS["20 labels"]
    found = semi_supervised.train(Split(train, train), setting, 4, 1.0, tmp_path)
    assert chosen == [(20, 4)] and found["errors"] == 9 and untrained["settings"].seed == 4


def test_errors_are_those_of_averaged_weights(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    network = torch.nn.Linear(1, 1)
    role = SimpleNamespace(classifier=lambda: network)
    monkeypatch.setattr(semi_supervised, "in_role", lambda game, _: asked.append(game) or role)
    monkeypatch.setattr(semi_supervised.probe, "mistakes", lambda *_: 3)
    assert semi_supervised.errors(BOTH, dataset("t", torch.zeros(2, 1), torch.zeros(2).long(), ("a",))) == 3
    assert asked == ["averaged"] and not network.training


def test_quality_is_of_the_last_weights_beside_as_many_images(sampled: list[Any], monkeypatch: pytest.MonkeyPatch):
    measure = quality.Quality(data.load("digits"), 12, torch.device("cpu"))
    assert measure.real.count == 12
    monkeypatch.setattr(measure, "of", lambda samples: float(len(samples)))
    assert measure(BOTH) == 12.0 and sampled == ["last"]


def test_labelled_images_alone_teach_the_classifier_without_generated_ones(monkeypatch: pytest.MonkeyPatch):
    learnt: list[tuple[int, int]] = []
    monkeypatch.setattr(synthesized, "_errors", lambda x, y, *_: learnt.append((len(x), int(y.min()))) or 1.0)
    y = torch.tensor([0, 1, -1, -1, -1])
    real = dataset("real", torch.zeros(5, 1), y, ("a", "b"))
    made = dataset("made", torch.ones(7, 1), torch.arange(7) % 2, ("a", "b"))
    synthesized.compare(real, made, made, 1, 0)
    assert learnt == [(2, 0), (7, 0), (9, 0)]


def test_the_value_of_generated_images_is_the_ratio_of_errors_in_percent(monkeypatch: pytest.MonkeyPatch):
    rows = [("20", 0, 10.0, 5.0), ("50", 0, 4.0, 3.0), ("20", 1, 8.0, 8.0), ("50", 1, 2.0, 3.0)]
    others = {"made": 9.0, "gan": 7.0, "candidates": 11}
    found = synthesized.summarise([
        {"part": part, "seed": seed, "real": real, "both": both, **others} for part, seed, real, both in rows
    ])  # fmt: skip
    assert found["values"] == [0.625, 1.25] and found["errors"]["50"]["both"] == [3.0, 3.0]
    monkeypatch.setattr(synthesized.probe, "fit", lambda *_, **__: None)
    monkeypatch.setattr(synthesized.probe, "mistakes", lambda *_: 3)
    test = dataset("t", torch.zeros(40, 2), torch.arange(40) % 2, ("a", "b"))
    assert synthesized.compare(test, test, test, 1, 0) == {"real": 7.5, "made": 7.5, "both": 7.5}


def test_a_shortened_training_has_no_more_checkpoints_than_were_asked_for():
    """Of 10 steps every third and the last, of 8 every second."""
    whole = training.last_weights(20, 4, 0, 1, 1)
    found = [training.shortened(whole, 7, fraction, 4) for fraction in (0.5, 0.4, 1e-9)]
    assert [(one.steps, one.checkpoint_every, one.seed) for one in found] == [(10, 3, 7), (8, 2, 7), (1, 1, 7)]


class Adding(Game[Paired], Translates):
    """Adds so many levels of 255."""

    name = "adding"

    def __init__(self, levels: int):
        super().__init__()
        self.levels, self.sizes = levels, list[int]()

    def players(self) -> Any:
        return {}

    def round(self, draw: Any, step: int) -> Any:
        yield from ()

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        assert not self.training
        self.sizes.append(len(a))
        return a + self.levels / 127.5


def test_translations_are_by_averaged_weights_and_bytes():
    trainer: Any = SimpleNamespace(game=Adding(5), sampler=Adding(9), device=torch.device("cpu"))
    images = torch.arange(0, 240, 40, dtype=torch.uint8).view(6, 1, 1, 1).expand(6, 1, 2, 2)
    made = training.translated(trainer, images, 4)
    assert made.dtype == torch.uint8 and torch.equal(made, images + 9) and trainer.sampler.sizes == [4, 2]


def test_pretraining_is_played_beside_equal_rounds_and_labels_are_even(
    untrained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []
    monkeypatch.setattr(tricks, "Quality", lambda *_: lambda trainer, labels: asked.append(labels) or 1.0)
    monkeypatch.setattr(tricks, "errors", lambda *_: 1)
    x = torch.zeros(200, 1, 16, 16, dtype=torch.uint8)
    digits = dataset("digits", x, torch.arange(200) % 10, tuple("0123456789"))
    steps = {}
    for name in ("base", tricks.LABELLED, tricks.CLASSIFIER, tricks.PRETRAINED):
        tricks.train(digits, name, 0, 0.5, tmp_path)
        steps[name] = untrained["settings"].steps
    assert [steps[name] for name in steps] == [300, 300, 300, 500]
    assert [labels is not None for labels in asked] == [False, True, False, False]
    assert asked[1].bincount().tolist() == [20] * 10


def test_a_gan_stands_beside_a_black_image_and_its_spread_beside_the_datas(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    seen: dict[str, Any] = {}
    x = torch.full((60, 1, 8, 8), 255, dtype=torch.uint8)
    drawn = torch.zeros(30, 1, 8, 8)

    class Known:
        def __init__(self, *_: Any):
            self.verdict = SimpleNamespace(name="healthy")

        def of(self, samples: Tensor) -> float:
            seen["black"] = samples
            return 1.0

        def __call__(self, trainer: Any) -> float:
            return 2.0

    module = without_batch_norm
    monkeypatch.setattr(module, "trainer_of", lambda *_: SimpleNamespace(game=SimpleNamespace(makes="x"), device="cpu"))
    monkeypatch.setattr(module, "play", lambda *_: None)
    for name in ("Quality", "Monitor", "SignalMeter"):
        monkeypatch.setattr(module, name, Known)
    monkeypatch.setattr(module, "sample", lambda game, count: drawn[:count])
    monkeypatch.setattr(module, "spread", lambda samples, real: seen.update(samples=samples, real=real) or 0.5)
    module.train("gan", dataset("d", x), 0, 10, tmp_path, 4, 20, module.WGAN.Config())
    assert seen["black"].shape == (20, 1, 8, 8) and seen["black"].unique().tolist() == [-1.0]
    assert torch.equal(seen["samples"], drawn[:20])
    assert seen["real"].shape == (20, 1, 8, 8) and float(seen["real"].min()) > 0.99


def test_the_worst_density_is_the_value_of_a_seed():
    keys = ("part", "seed", "error", "value", "theory")
    rows = [
        ("a", 0, 0.01, -1.0, -1.1),
        ("b", 0, 0.03, -1.0, -0.8),
        ("a", 1, 0.02, -1.0, -1.0),
        ("b", 1, 0.01, -1.0, -1),
    ]
    found = optimal_discriminator.summarise([dict(zip(keys, row, strict=True)) for row in rows])
    assert found["values"] == [0.03, 0.02] and found["worst_error"] == 0.03
    assert found["most_above_theory"] == pytest.approx(0.1) and found["worst_value_gap"] == pytest.approx(0.2)


def test_a_goal_is_reached_by_the_mean_of_all_seeds_and_by_what_is_asked_besides(tmp_path: Path):
    """The record of two parts, of which one was measured before a change."""
    given = replace(
        grid.GRID, name="tiny", seeds=(1, 2), parts=lambda seed: ("a",), target=15.0,
        extra_check=lambda result: result["ok"],
        summarise=lambda parts: {"values": [part["value"] for part in parts], "ok": True},
        ours=lambda result: f"{result['values']}, {result['ok']}",
    )  # fmt: skip
    assert given.reached({"values": [10.0, 20.0], "ok": True}) and not given.reached(
        {"values": [9.0, 20.0], "ok": True}
    )
    assert not given.reached({"values": [20.0, 20.0], "ok": False})
    below = replace(given, relation="<=")
    assert below.reached({"values": [10.0, 20.0], "ok": True}) and not below.reached(
        {"values": [10.0, 21.0], "ok": True}
    )
    for seed, value, changes in ((1, 14.0, ["draws", "monitor"]), (2, 17.0, ["draws"])):
        figures = {"part": "a", "seed": seed, "value": value}
        done = {
            "study": "tiny",
            "figures": figures,
            "seconds": 3.0,
            "commit": "abc",
            "changes": changes,
            "hardware": "x",
        }
        (tmp_path / f"seed-{seed}").mkdir()
        (tmp_path / f"seed-{seed}" / "a.json").write_text(json.dumps(done))
    result = study.record(given, (1, 2), tmp_path, "command")
    assert (result["mean"], result["verdict"], result["seconds"]) == (15.5, "met", 6.0)
    assert result["std"] == pytest.approx(math.sqrt(4.5)) and result["changes"] == ["draws"]
    assert result["ours"] == "[14.0, 17.0], True" and "judged" not in result, "in the words of now, kept"
    best = study.record(replace(given, judged=max), (1, 2), tmp_path, "command")
    assert (best["mean"], best["judged"]) == (15.5, 17.0)


# The monitor's study


def scenario(truth: str) -> Scenario:
    return Scenario("s", "gan/toy", "ring", 100, 8, truth=truth)


def look(step: int, frechet: float, sight: float = 1.0) -> Snapshot:
    return Snapshot(step, 0.0, {"frechet": frechet, "sight": sight, "frechet_high": 0.1, "sight_high": 0.1})


def test_a_run_is_judged_by_the_looks_up_to_its_end_and_by_its_last_quality():
    looks = [look(10, 9.0), look(20, 1.9), look(30, 1.0), look(40, 1.0), look(50, 1.0)]

    def judged(stop: int, least: float = 1.0, truth: str = "healthy") -> tuple[int, bool]:
        found = health._judged(scenario(truth), looks, stop, 50, least)
        return found["looks"], found["good"]

    assert judged(10) == (1, False), "nine times as far away as at the end"
    assert judged(20) == (2, True) and judged(25) == (2, True) and judged(50) == (5, True)
    assert judged(50, least=health.WHOLE - 0.01) == (5, False), "it leaves out a class"
    assert judged(50, least=health.WHOLE) == (5, True)
    assert judged(50, truth="mode collapse") == (5, False) and judged(5) == (0, False)


def test_quality_is_the_worse_of_both_distances():
    looks = [look(10, 1.0, sight=5.0), look(20, 1.0), look(30, 1.0), look(40, 1.0)]
    assert health._distance(looks[:1], looks) == 5.0 and health._distance(looks[1:2], looks) == 1.0
    low = [Snapshot(1, 0.0, {"frechet": 0.01, "frechet_high": 0.1})]
    assert health._distance([look(5, 0.15)], low) == pytest.approx(1.5), "what reals have themselves is near enough"
    assert health._distance([Snapshot(5, 0.0, {})], looks) == float("inf")


def test_a_final_quality_obeys_half_as_well_as_the_last_one():
    """The last look is of the class that was asked for in 0.8, 0.6 above chance."""

    def obeying(accuracy: float) -> Snapshot:
        return Snapshot(5, 0.0, {**look(5, 1.0).signals, "class_accuracy": accuracy, "class_chance": 0.2})

    looks = [obeying(0.8)] * 3
    assert health._final(obeying(0.51), looks) and not health._final(obeying(0.49), looks)
    assert not health._final(look(5, 1.0), looks), "of one that asks for nothing nothing is known"


def test_a_class_that_is_left_out_counts_and_broken_fakes_have_none(monkeypatch: pytest.MonkeyPatch):
    said = {"modes": 3.0, "modes_missing": 1.0, "mode/a": 1.1, "mode/b": 0.2, "mode/c": 0.9}
    modes: Any = SimpleNamespace(signals=lambda seen: said)
    probe: Any = SimpleNamespace(condition_of=lambda game: None, modes=modes, features_of_modes=lambda fakes: fakes)
    drawn: list[Any] = []
    monkeypatch.setattr(health, "sample", lambda game, count, seed: drawn.append((game, count, seed)) or torch.zeros(2))
    assert health._least(probe, BOTH, 9) == 0.2 and drawn == [("averaged", health.PROBED, 9)]
    monkeypatch.setattr(health, "sample", lambda *_, **__: torch.tensor([torch.nan]))
    assert health._least(probe, BOTH, 9) == 0
    probe.condition_of = lambda game: "classes"
    assert health._least(probe, BOTH, 9) == 1


def test_trainings_are_counted_and_timed_without_generators_that_nobody_trains():
    known = {"seed": 8, "truth": "healthy", "verdict": "healthy", "stops": []}
    found = health.summarise([
        {**known, "scenario": "a", "trained": True, "watching": 0.1},
        {**known, "scenario": "b", "trained": True, "watching": 0.3},
        {**known, "scenario": "c", "trained": False, "watching": 0.9},
    ])  # fmt: skip
    assert found["trainings"] == 2 and found["watching_share_of_time"] == 0.3 and found["runs"] == 3


@pytest.mark.parametrize("name", ["bad_snapshots", "good_snapshots", "trainings"])
def test_each_number_is_asked_for(name: str):
    enough = {"bad_snapshots": health.BAD, "good_snapshots": health.GOOD, "trainings": health.TRAININGS}
    whole = {**enough, "false_alarms": 0.02, "bad_called_healthy": 0.01}
    assert health.HEALTH.extra_check(whole) and not health.HEALTH.extra_check({**whole, name: enough[name] - 1})


def test_a_translator_is_good_below_the_better_of_a_copy_and_the_mean_target():
    scene = health_translators.BY_NAME["pix2pix denoise@40"]
    test = health_translators._test(scene, data.load("digits"))
    pairs = data.load(scene.data, size=(16, 16))
    x, y = (to_float(pairs.fields[name].stored[:256:2]) for name in "ab")
    copied, constant = ((x - y).square().mean().sqrt(), (y - y.mean(0)).square().mean().sqrt())
    assert test is not None and 1.5 * copied < constant
    assert test.good == pytest.approx(0.8 * float(copied)) and len(test.a) == health_translators.TESTED
    history = History(20)
    history.add(look(10, 1.0))
    history.add(look(20, 1.0))
    errors = {10: test.good - 0.01, 20: test.good + 0.01}
    assert [health_translators._judged(history, stop, errors, test)["good"] for stop in (10, 15, 20)] == [
        *(True, True, False)
    ]
    assert [health_translators._judged(history, stop, {}, None)["good"] for stop in (10, 20)] == [False, True]


def test_an_inversion_that_is_inverted_is_a_copy():
    inverted = next(made for made in health_translators.MADE_UP if made.name == "inverted")
    deserving = {name: health_translators._deserved(inverted, one) for name, one in health_translators.BY_NAME.items()}
    assert not deserving["pix2pix invert"] and not deserving["cyclegan invert"] and deserving["pix2pix edges"]


def test_a_translators_training_is_named_where_all_its_failures_are_and_alarms_where_any_look_does():
    def part(seed: int, verdicts: tuple[str, str], alarm: str) -> dict[str, Any]:
        stops = [{"at": at, "good": True, "verdict": name} for at, name in ((0.5, "healthy"), (1.0, alarm))]
        cases = [{"name": name, "truth": "checkerboard", "verdict": name} for name in verdicts]
        return {"scenario": "s", "seed": seed, "stops": stops, "cases": cases}

    board = "checkerboard"
    found = health_translators.summarise([
        part(8, (board, board), "healthy"), part(9, (board, "healthy"), board), part(10, (board, board), "oscillating"),
    ])  # fmt: skip
    assert found["trainings_with_all_named_interval"] == health._interval([True, False, True])
    assert found["false_alarms_interval_by_training"] == health._interval([False, True, False])
    assert found["values"] == [1.0, 0.5, 1.0] and found["failures_named"] == pytest.approx(5 / 6)
    assert found["false_alarms"] == pytest.approx(1 / 6) == found["other_alarms_on_good"]


def test_a_training_is_wrong_where_any_of_its_snapshots_is():
    part = {"scenario": "s", "seed": 0}
    stops = [(part, {"verdict": verdict}) for verdict in ("oscillating", "healthy")]
    one = health._by_training(stops, lambda stop: stop["verdict"] == "oscillating")
    assert one == health._interval([True])
    assert health._by_training([*stops, ({**part, "seed": 1}, {"verdict": "healthy"})], lambda stop: False) == (
        health._interval([False, False])
    )


def test_a_frozen_generator_has_none_of_its_data():
    """What is called healthy is other real samples, no copies."""
    trainer, loaded = Frozen("ring", "ring", everything).trainer(3)
    fakes: Any = trainer.game
    rows = {tuple(row) for row in loaded.x.tolist()}
    assert len(fakes.fakes) == len(loaded) > 1000 and not rows & {tuple(row) for row in fakes.fakes.tolist()}


def test_shuffled_labels_are_at_other_samples():
    y = torch.arange(200) % 4
    loaded = dataset("d", torch.arange(200.0)[:, None], y, tuple("abcd"))
    found = spoiled.shuffle_labels(loaded, 0)
    assert torch.equal(found.x, loaded.x) and found.y is not None
    assert found.y.bincount().tolist() == [50] * 4 and float((found.y == y).float().mean()) < 0.4
