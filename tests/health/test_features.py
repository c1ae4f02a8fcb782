"""The features that the monitor compares samples by: one entry for each kind of samples."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum.data.dataset import Field, dataset_of
from zerosum.errors import ZerosumError
from zerosum.health.features import FEATURES, FeatureSpace, feature_space
from zerosum.health.signals import SampleMeter
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.modality import Behaviour, Binary, Classes, Image, Modality, Notes, Points, Sound, Tokens, Video
from zerosum.util import rng

TEXTS = Tokens(("<unk>", "<eos>", *"abcdefgh"), 12)
ONE_LENGTH = Tokens(tuple("abcdefgh"), 5)
SPACES: list[Modality] = [
    Image(1, 12, 12),
    Image(3, 8, 8),
    Image(2, 5, 7),
    Points(2),
    Points(9),
    Binary(24),
    TEXTS,
    ONE_LENGTH,
    Sound(1, 500, 8000),
]


def stored(modality: Modality, count: int, seed: int = 0) -> Tensor:
    """Random samples, as a store holds them."""
    box = torch.tensor([[-1.0], [1.0]]).expand(2, 9)[:, : modality.shape[0]]
    return modality.noise(count, torch.Generator().manual_seed(seed), box)


def space(modality: Modality, real: Tensor) -> FeatureSpace:
    return feature_space(modality, real, torch.Generator().manual_seed(1))


def distance(space: FeatureSpace, real: Tensor, fake: Tensor) -> float:
    """Fréchet distance over the variance of the reals."""
    one, other = (Moments.of(space.of_stored(x)) for x in (real, fake))
    return frechet(one, other) / float(one.covariance.trace())


@pytest.mark.parametrize("modality", SPACES, ids=str)
def test_samples_have_features_and_thumbnails(modality: Modality):
    real = stored(modality, 300)
    features = space(modality, real)
    assert features.of_stored(real).shape[0] == features.of_stored(real, features.thumbnail).shape[0] == 300
    assert features.of_stored(real).isfinite().all() and features.position(features.of_stored(real)).dim() == 2
    copies = torch.cdist(
        features.of_stored(real[:9], features.thumbnail), features.of_stored(real, features.thumbnail)
    ).argmin(1)
    assert copies.tolist() == list(range(9))
    again = space(modality, real)
    assert torch.equal(again.of_stored(real), features.of_stored(real)), "equal seeds give equal features"


def test_other_kinds_are_refused_by_name():
    assert set(FEATURES) == {Behaviour, Binary, Image, Notes, Points, Sound, Tokens, Video}
    known = "images, videos, sounds, points, binary vectors, states with their actions, texts, melodies"
    with pytest.raises(ZerosumError, match=f"are of {known}, not of classes; train with --no-health"):
        feature_space(Classes(("a", "b")), torch.zeros(3).long(), torch.Generator())


@pytest.mark.parametrize("modality", SPACES, ids=str)
def test_making_and_measuring_draws_no_random_number(modality: Modality):
    """A training with the monitor and one without are the same, whenever it looks."""
    real = stored(modality, 300)
    before = rng.capture()
    meter = SampleMeter(dataset_of("data", {"x": Field(modality, real)}), "x")
    meter.compare(modality.load(real), modality.load(real[:64]), None)
    assert all(torch.equal(value, before[name]) for name, value in rng.capture().items())


def spelt(*texts: str) -> Tensor:
    return torch.tensor([TEXTS.ids(tuple(text)) for text in texts])


def test_texts_differ_in_tokens_pairs_and_lengths():
    generator = torch.Generator().manual_seed(3)
    letters = torch.randint(4, (600, 10), generator=generator)
    texts = ["".join("abcd"[i] for i in row) for row in letters.tolist()]
    real, fresh = spelt(*texts[:300]), spelt(*texts[300:])
    features = space(TEXTS, real)
    near = distance(features, real, fresh)
    other_tokens = spelt(*(text.replace("a", "e") for text in texts[300:]))
    other_order = spelt(*("".join(sorted(text)) for text in texts[300:]))
    shorter = spelt(*(text[:4] for text in texts[300:]))
    one = spelt(*texts[300:301] * 300)
    for worse in (other_tokens, other_order, shorter, one):
        assert distance(features, real, worse) > 4 * near


def test_what_follows_the_end_of_a_text_does_not_count():
    real = spelt("abc", "bcd", "abcdefgh")
    features = space(TEXTS, real)
    tail = real.clone()
    tail[0, 5:] = 7
    assert torch.equal(features(tail), features(real)) and torch.equal(
        features.thumbnail(tail), features.thumbnail(real)
    )


def test_neighbours_of_points_are_found_by_their_coordinates():
    real = stored(Points(2), 50)
    features = space(Points(2), real)
    torch.testing.assert_close(
        features.position(features(real)), (real - real.mean(0)) / real.std(0), msg="in units of their deviation"
    )


def tone(hertz: float, phase: float = 0.0, loudness: float = 0.5) -> Tensor:
    return loudness * torch.sin(2 * torch.pi * hertz * torch.arange(4096) / 8000 + phase)


def test_sounds_are_told_apart_by_pitch_and_not_by_phase():
    sound = Sound(1, 4096, 8000)
    same = torch.stack([tone(440, 0), tone(440, 2), tone(523, 0), tone(440, 0, 0.1)])[:, None]
    features = space(sound, sound.store(same))
    of_first, of_phase, of_pitch, of_loudness = features(same)
    assert torch.dist(of_first, of_phase) < 0.5 * torch.dist(of_first, of_pitch)
    assert torch.dist(of_first, of_loudness) > 1
    assert features.place(of_first) == "loudest around 452 Hz"  # the middle of a band
    copies = features.thumbnail(same)
    assert torch.dist(copies[0], copies[1]) > 1, "another phase is no copy"


def test_features_that_nearly_all_reals_have_weigh_no_more_than_others():
    real = stored(Binary(24), 300)
    real[:, 0], real[:, 1] = True, False
    features = space(Binary(24), real)
    fake = real.clone()
    fake[:, 0], fake[:, 1] = False, True
    moved = features(Binary(24).load(fake)) - features(Binary(24).load(real))
    assert moved[:, :2].abs().max() <= 1 / features.least + 1e-3 and moved.isfinite().all()  # type: ignore[attr-defined]
