"""Signals of translators against sums written out: which images are compared, over what, and what chance gives."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zerosum.data.dataset import ALL, Field
from zerosum.health.translations import SHIFTS, SHUFFLES, Translations, as_target, checkerboards
from zerosum.modality import Image, to_float

COUNT, SHAPE = 14, (1, 8, 8)
ROWS, OTHERS = torch.arange(COUNT), torch.arange(COUNT, 2 * COUNT)


def stored(seed: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (2 * COUNT, *shape), generator=generator).to(torch.uint8)


A, B = stored(0), stored(1)
OUTPUTS = 0.5 * to_float(stored(2))[:COUNT] + 0.2 * to_float(B)[:COUNT] - 0.3 * to_float(A)[:COUNT] + 0.1


def translations(decks: tuple[str, str], distances: Callable[[Tensor], Any] = lambda x: {}) -> Translations:
    source, target = (Field(Image(*SHAPE), x, deck) for x, deck in zip((A, B), decks, strict=True))
    return Translations(source, target, ROWS, OTHERS, distances, seed=5)


def rms(x: Tensor) -> float:
    return math.sqrt(float(x.double().square().mean()))


def correlation(x: Tensor, y: Tensor) -> float:
    return float(np.corrcoef(x.flatten().numpy(), y.flatten().numpy())[0, 1])


def varied(x: Tensor) -> float:
    return float(x.double().var(0, correction=0).mean())


def test_outputs_of_pairs_stand_beside_their_own_targets():
    signals = translations((ALL, ALL)).signals(OUTPUTS, {})
    a, b, reals = to_float(A)[ROWS], to_float(B)[ROWS], to_float(B)[OTHERS]
    assert signals["asked"] == pytest.approx(rms(b - a), rel=1e-5)
    assert signals["changed"] == pytest.approx(rms(OUTPUTS - a) / rms(b - a), rel=1e-5)
    assert signals["agreement"] == pytest.approx(correlation(OUTPUTS, b), rel=1e-4)
    others = [rms(OUTPUTS - torch.cat([b[-k:], b[:-k]])) for k in range(1, SHIFTS + 1)]
    assert signals["tie"] == pytest.approx(rms(OUTPUTS - b) / statistics.fmean(others), rel=1e-5)
    assert signals["variation"] == pytest.approx(varied(OUTPUTS) / varied(reals), rel=1e-4)
    assert not {"gained", "likeness", "upright", "held"} & signals.keys()


def test_a_checkerboard_is_over_that_of_other_targets():
    signals = translations((ALL, ALL)).signals(OUTPUTS, {})
    (own, fine), (theirs, rest) = checkerboards(OUTPUTS), checkerboards(to_float(B)[OTHERS])
    assert signals["checkerboard"] == pytest.approx(float(own.mean() / theirs.mean()), rel=1e-4)
    assert signals["checkerboard_size"] == pytest.approx(math.sqrt(float(own.mean())), rel=1e-4)
    assert signals["checkerboard_peak"] == pytest.approx(float(own.mean() / fine.mean() / theirs.mean() * rest.mean()))
    error = float(theirs.std(correction=0) / theirs.mean()) / math.sqrt(COUNT)
    assert signals["checkerboard_high"] == pytest.approx(1 + 1.96 * error, rel=1e-4)


def test_without_pairs_outputs_stand_beside_their_inputs_and_all_targets():
    """Distances are 4 and 2 of the inputs, 6 and 2 of the inverted ones, and 3 and 0.5 of the outputs."""
    a, reals, asked = to_float(A)[ROWS], to_float(B)[OTHERS], []

    def distances(x: Tensor) -> dict[str, float]:
        asked.append(x)
        return {"frechet": 6.0 if torch.equal(x, -a) else 4.0, "sight": 2.0}

    signals = translations(("a", "b"), distances).signals(OUTPUTS, {"frechet": 3.0, "sight": 0.5})
    assert len(asked) == 2 and torch.equal(asked[0], a)
    assert (signals["input_frechet"], signals["input_sight"], signals["upright"]) == (4.0, 2.0, 1.5)
    assert (signals["gained"], signals["gained_sight"]) == (0.75, 0.25)
    assert signals["changed"] == pytest.approx(rms(OUTPUTS - a) / rms(reals - a), rel=1e-5)
    assert signals["likeness"] == pytest.approx(correlation(OUTPUTS, a), rel=1e-4)
    assert not {"asked", "tie", "agreement"} & signals.keys() and signals["held"] == 0
    known = {"frechet": 3.0, "sight": 0.5}
    assert translations(("a", "b"), distances).signals(OUTPUTS, known, near_input=True) == {**signals, "held": 1.0}


def test_following_is_mantels_correlation_and_chance_three_deviations_of_shuffled_outputs():
    """Each pair of images counts once; rows and columns are shuffled alike."""
    signals = translations(("a", "b"), lambda x: {"frechet": 1.0, "sight": 1.0}).signals(
        OUTPUTS, {"frechet": 1.0, "sight": 1.0}
    )
    pairs = np.triu_indices(COUNT, 1)
    between = [torch.cdist(x.flatten(1).double(), x.flatten(1).double()).numpy() for x in (to_float(A)[ROWS], OUTPUTS)]

    def matched(order: Tensor) -> float:
        shuffled = between[1][np.ix_(order.numpy(), order.numpy())]
        return float(np.corrcoef(between[0][pairs], shuffled[pairs])[0, 1])

    generator = torch.Generator().manual_seed(5)
    chance = [matched(torch.randperm(COUNT, generator=generator)) for _ in range(SHUFFLES)]
    assert signals["following"] == pytest.approx(matched(torch.arange(COUNT)), rel=1e-3)
    expected = statistics.fmean(chance) + 3 * statistics.stdev(chance)
    assert signals["following_chance"] == pytest.approx(expected, rel=1e-3)


def test_a_correlation_is_of_what_varies_within_channels():
    """Channels of unlike brightness are no likeness: outputs whose channels are inverted have -1."""
    field = Field(Image(3, 8, 8), stored(3, (3, 8, 8)) // 4 + torch.tensor([0, 90, 180]).view(3, 1, 1), ALL)
    field = Field(field.modality, field.stored.to(torch.uint8), ALL)
    made = Translations(field, field, ROWS, OTHERS, lambda x: {})
    x = to_float(field.stored[ROWS])
    centre = x.mean((0, 2, 3), keepdim=True)
    assert made.signals(x, {})["agreement"] == pytest.approx(1, abs=1e-5)
    assert made.signals(centre - 0.5 * (x - centre), {})["agreement"] == pytest.approx(-1, abs=1e-5)


def test_outputs_are_judged_as_they_are_shown():
    """What is beyond -1 and 1 is cut off."""
    made = translations((ALL, ALL))
    assert made.signals(5 * OUTPUTS, {}) == made.signals((5 * OUTPUTS).clamp(-1, 1), {})


def test_of_pairs_alike_inputs_have_alike_outputs_too():
    """Each output beside its own input, whatever the targets are."""
    known = {"frechet": 1.0, "sight": 1.0}
    pairs, apart = translations((ALL, ALL)), translations(("a", "b"), lambda x: known)
    names = ("following", "following_chance")
    ours, theirs = pairs.signals(OUTPUTS, {}), apart.signals(OUTPUTS, known)
    assert [ours[name] for name in names] == [theirs[name] for name in names]


@pytest.mark.parametrize(("side", "count"), [(16, 128), (64, 128), (96, 56), (128, 32), (256, 32)])
def test_fewer_of_large_images_are_looked_at(side: int, count: int):
    one = torch.zeros(1, 1, side, side, dtype=torch.uint8).expand(140, -1, -1, -1)
    field = Field(Image(1, side, side), one, ALL)
    assert Translations(field, field, torch.arange(140), torch.arange(140), lambda x: {}).count == count


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("down", [True, False])
def test_every_other_row_column_and_pixel_have_the_square_of_the_amplitude(down: bool, across: bool):
    places = torch.arange(24)
    pattern = (0.3 * ((places[:, None] * down + places * across) % 2 * 2 - 1)).expand(1, 2, 24, 24)
    energy, fine = checkerboards(pattern)
    assert float(energy) == pytest.approx(0.09 if down or across else 0, rel=1e-4, abs=1e-9)
    assert float(fine) < 1e-9, "a window of Hann widens a line by one frequency, which is none of the other detail"
    assert float(checkerboards(pattern[..., :23, :23])[0]) == pytest.approx(float(energy), rel=1e-3, abs=1e-9)


def test_an_input_in_the_form_of_a_target_is_of_luminance_and_within_the_range():
    colours = torch.eye(3).view(3, 3, 1, 1).expand(3, 3, 4, 4)
    grey = as_target(colours, (1, 4, 4))[:, 0, 0, 0]
    assert grey.tolist() == pytest.approx([0.299, 0.587, 0.114])
    step = torch.ones(1, 1, 4, 8)
    step[..., :4] = -1
    larger = as_target(step, (1, 8, 16))
    assert float(larger.max()) == 1 and float(larger.min()) == -1, "a bicubic kernel goes beyond a step"
