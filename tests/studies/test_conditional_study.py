"""The studies of CGAN and AC-GAN on a few packaged digits: their code, not their results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset, dataset
from zerosum.games import find
from zerosum.modality import to_float
from zerosum.studies import acgan, cgan, conditional
from zerosum.studies.acgan import ACGAN_CLASS_ACCURACY
from zerosum.studies.cgan import CGAN_CLASS_ACCURACY, CGAN_PARZEN, CGAN_PARZEN_OWN
from zerosum.studies.gan_parzen import to_points


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The packaged digits, in place of MNIST; a hundred samples, in place of ten thousand."""
    monkeypatch.setattr(conditional, "SAMPLES", 100)
    whole = data.load("digits")
    assert whole.y is not None
    return dataset("few", whole.x[::5].clone(), whole.y[::5].clone(), whole.classes)


@pytest.mark.parametrize("recipe", [cgan.RECIPE, acgan.RECIPE])
def test_a_training_draws_as_many_samples_of_each_class(recipe: str, digits: Dataset, tmp_path: Path):
    game = conditional.train(recipe, digits, 0, 3 / 5000, tmp_path)
    samples, labels = conditional.draw_samples(game, 0)
    assert samples.shape == (100, *digits.shape) and labels.bincount().tolist() == [10] * 10
    again = conditional.train(recipe, digits, 0, 3 / 5000, tmp_path)  # from its checkpoint
    assert torch.equal(samples, conditional.draw_samples(again, 0)[0])
    found = conditional.class_accuracy(samples, labels)
    assert 0 <= found["accuracy"] < 60 and len(found["of_each_class"]) == 10


def test_real_digits_are_of_their_class_and_as_varied_as_themselves(digits: Dataset, monkeypatch: pytest.MonkeyPatch):
    assert digits.y is not None
    monkeypatch.setattr(acgan, "PAIRS", 60)
    x = to_float(digits.x)
    found = conditional.class_accuracy(x, digits.y)
    assert found["accuracy"] > 98 and min(found["of_each_class"]) > 93
    wrong = conditional.class_accuracy(x, (digits.y + 1) % 10)
    assert wrong["accuracy"] < 2
    same = acgan.diversity(x, digits.y, digits, 0)
    assert same["diversity"] == [1.0] * 10 and same["feature_variance"] == [1.0] * 10 and same["scales"] == 2
    firsts = x[torch.stack([(digits.y == k).nonzero()[0, 0] for k in range(10)])]
    collapsed = acgan.diversity(firsts[digits.y], digits.y, digits, 0)
    assert max(collapsed["diversity"]) < 1e-6 and max(collapsed["feature_variance"]) < 1e-6


def test_one_part_serves_both_studies_of_cgan(digits: Dataset):
    assert digits.y is not None
    points = to_points(digits.x)
    found = cgan.measure(to_float(digits.x), digits.y, points[:50], points[50:100])
    assert found["accuracy"] > 98 and found["likelihood"] > 100  # these points are among the samples
    assert CGAN_PARZEN_OWN.run is CGAN_CLASS_ACCURACY.run
    assert [CGAN_PARZEN_OWN.parts(seed) == CGAN_CLASS_ACCURACY.parts(seed) for seed in (0, 1)] == [True, True]


def test_the_papers_perceptrons_are_trained_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trained: list[str] = []
    monkeypatch.setattr(conditional, "train", lambda recipe, *_: trained.append(recipe))
    monkeypatch.setattr(conditional, "mnist", lambda: None)
    monkeypatch.setattr(conditional, "draw_samples", lambda *_: (None, None))
    monkeypatch.setattr(cgan, "measure", lambda *_: {})
    few = dataset("few", torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4) % 2, ("a", "b"))
    monkeypatch.setattr(cgan.data, "load", lambda name: few)
    for study in (CGAN_PARZEN, CGAN_PARZEN_OWN):
        study.run(study.parts(1)[0], 1, 1.0, tmp_path)
    assert trained == ["cgan/mnist", "cgan/digits"]
    config = find("cgan/mnist").options["config"]
    assert config.g_optimizer == config.d_optimizer and config.g_optimizer.momentum_end == 0.7


def part(**figures: Any) -> dict[str, Any]:
    return {"part": "cgan", "error": 1.0, "sigma": 0.2, "of_each_class": [99.0] * 10, **figures}


def test_the_summaries():
    real = {"10,000 training images": {"likelihood": 241.0}}
    anchor = {"part": "anchors", "seed": 0, "likelihoods": real, "accuracy": 99.4, "of_each_class": [99.4] * 10}
    parts = [part(likelihood=140.0, accuracy=98.5), anchor, part(likelihood=150.0, accuracy=98.7)]
    likelihoods, classes = cgan.summarise_likelihoods(parts), cgan.summarise_classes(parts)
    assert likelihoods["values"] == [140.0, 150.0] and likelihoods["anchors"] == real
    assert classes["values"] == [98.5, 98.7] and classes["test_images"]["accuracy"] == 99.4
    assert CGAN_PARZEN_OWN.extra_check(likelihoods) and CGAN_PARZEN.extra_check(likelihoods)
    assert not CGAN_PARZEN.extra_check(cgan.summarise_likelihoods([*parts, part(likelihood=141.0, edge=True)]))
    assert CGAN_PARZEN.reached(likelihoods) and CGAN_PARZEN.verdict({**likelihoods, "values": [127.0]}) == "missed"
    assert not CGAN_PARZEN_OWN.extra_check(cgan.summarise_likelihoods([*parts, part(likelihood=250.0, accuracy=99.0)]))
    varied = [
        part(accuracy=99.2, diversity=[1.1] * 5 + [0.9] * 5, feature_variance=[1.0] * 10, scales=2),
        part(accuracy=99.0, diversity=[0.95] * 9 + [0.8], feature_variance=[0.9] * 10, scales=2),
    ]
    figures = acgan.summarise(varied)
    assert figures["values"] == [99.2, 99.0] and figures["diversity"] == [1.0, 0.935]
    assert figures["least_diversity_of_a_class"] == [0.9, 0.8]
    assert figures["classes_at_least_as_diverse_as_real"] == 0.25
    assert not ACGAN_CLASS_ACCURACY.extra_check(figures), "one class of one seed falls short"
    assert ACGAN_CLASS_ACCURACY.extra_check(acgan.summarise(varied[:1]))
