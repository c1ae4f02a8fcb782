"""Train on synthetic, test on real: samples that teach, that teach wrongly, and that teach nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum.batches import Labelled as LabelledSet
from zerosum.data.points.mixture import ring
from zerosum.metrics import probe
from zerosum.metrics.probe import for_samples
from zerosum.metrics.tstr import tstr
from zerosum.modality import Image, Modality, Points


def points(n: int, seed: int) -> LabelledSet:
    return LabelledSet(*ring().sample_labelled(n, torch.Generator().manual_seed(seed)))


def bars(n: int, seed: int, noise: float = 20.0) -> LabelledSet:
    """uint8 images (n, 1, 12, 12) with a horizontal (0) or vertical (1) bar."""
    draw = torch.Generator().manual_seed(seed)
    y, at = torch.randint(2, (n,), generator=draw), torch.randint(12, (n,), generator=draw)
    rows = torch.nn.functional.one_hot(at, 12).float()[:, None, :, None].expand(-1, -1, -1, 12)
    x = torch.where(y[:, None, None, None] == 0, rows, rows.transpose(2, 3)) * 200
    return LabelledSet((x + noise * torch.rand(x.shape, generator=draw)).to(torch.uint8), y)


def test_samples_from_the_true_density_teach_what_real_ones_do():
    synthetic, real, count = tstr(points(900, 0), points(700, 1), points(500, 2), steps=300)
    assert synthetic > 0.95 and real > 0.95
    assert count == 700  # neither has more to learn from


def test_both_classifiers_learn_from_as_many(monkeypatch: pytest.MonkeyPatch):
    counts, fit = [], probe.fit

    def counted(build: Callable[[], nn.Module], x: Tensor, y: Tensor, **rest: Any) -> nn.Module:
        counts.append((len(x), len(y)))
        return fit(build, x, y, **rest)

    monkeypatch.setattr(probe, "fit", counted)
    assert tstr(points(90, 0), points(70, 1), points(50, 2), steps=2).trained_on == 70
    assert counts == [(70, 70), (70, 70)]


def test_images():
    synthetic, real, _ = tstr(bars(300, 0, noise=60), bars(300, 1), bars(200, 2), steps=80)
    assert synthetic > 0.95 and real > 0.95


def test_wrong_labels_teach_nothing():
    x, y = points(800, 0)
    synthetic, real, _ = tstr(LabelledSet(x, (y + 4) % 8), points(800, 1), points(400, 2), steps=300)
    assert synthetic < 0.05 < 0.95 < real


def test_a_missing_class_is_missed():
    x, y = points(1600, 0)
    synthetic, _, _ = tstr(LabelledSet(x[y < 4], y[y < 4]), points(800, 1), points(800, 2), steps=300)
    assert synthetic == pytest.approx(0.5, abs=0.06)


def test_samples_without_a_label_are_left_out():
    x, y = points(900, 0)
    y[:400] = -1
    test = points(300, 2)
    assert tstr(LabelledSet(x, y), points(900, 1), test, steps=20).trained_on == 500
    with pytest.raises(ValueError, match="labelled"):
        tstr(LabelledSet(x, torch.full_like(y, -1)), points(9, 1), test)


def test_equal_seeds_give_equal_answers_and_disturb_nothing():
    sets = points(200, 0), points(200, 1), points(200, 2)
    state = torch.get_rng_state()
    first = tstr(*sets, steps=20, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert tstr(*sets, steps=20, seed=4) == first


@pytest.mark.parametrize("modality", [Points(2), Image(1, 5, 5), Image(1, 28, 28), Image(3, 17, 64)])
def test_classifiers_take_any_shape(modality: Modality):
    x: Tensor = torch.randn(2, *modality.shape)
    assert for_samples(modality, 7)(x).shape == (2, 7)
