"""Gauges: the angle can be read from the pixels, worn ones show the same, and every machine draws the same bytes."""

from __future__ import annotations

import hashlib
import math

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.images import gauges
from zerosum.data.images.gauges import SIDE, TENTHS, Gauges, directions, draw


def read(drawn: Gauges) -> Tensor:
    """(N,) angles in degrees, from where the dark pixels of the face lie: of the needle, as ticks and rim are out."""
    pixels = torch.arange(SIDE, dtype=torch.float64)
    right = pixels[None, None, :] - drawn.centres[:, 0, None, None]
    up = drawn.centres[:, 1, None, None] - pixels[None, :, None]
    distance = torch.hypot(right, up)
    images = drawn.images[:, 0].double()
    face = images.flatten(1).quantile(0.9, dim=1)[:, None, None]
    dark = (face - images - 40).clamp(min=0) * ((distance > 3.5) & (distance < 0.7 * drawn.radii[:, None, None]))
    return torch.rad2deg(torch.atan2((dark * up).sum((1, 2)), (dark * right).sum((1, 2))))


def turned(angle: Tensor) -> Tensor:
    """Degrees to those from -180 to 180."""
    return (angle + 180) % 360 - 180


def test_the_angle_can_be_read_from_the_pixels():
    drawn = draw("synthetic", 0, 400)
    wrong = turned(read(drawn) - drawn.tenths / 10).abs()
    assert wrong.mean() < 1 and wrong.max() < 5


def test_labels_are_the_cosine_and_sine_of_the_angle():
    drawn = draw("real", 1, 100)
    angle = torch.atan2(drawn.directions[:, 1], drawn.directions[:, 0])
    torch.testing.assert_close(turned(angle.rad2deg() - drawn.tenths / 10), torch.zeros(100), atol=1e-3, rtol=0)
    assert drawn.directions.dtype == torch.float32


def test_angles_are_of_the_whole_turn():
    quarters = (draw("synthetic", 0).tenths * 4 // TENTHS).bincount()
    assert len(quarters) == 4 and quarters.min() > 0.22 * gauges.COUNT


def test_worn_gauges_are_other_images_of_less_contrast():
    clean, worn = draw("synthetic", 0, 200).images.float(), draw("real", 0, 200).images.float()
    assert worn.flatten(1).std(1).mean() < 0.7 * clean.flatten(1).std(1).mean()
    assert len(worn.long().unique(dim=0)) == 200


def test_wearing_leaves_the_needle_where_it_is():
    dials = gauges._Dials(200, torch.Generator().manual_seed(3))
    worn = gauges.worn(dials.clean(), dials.inside, torch.Generator().manual_seed(4))
    right, up = dials.right, dials.up
    cosine, sine = (values[:, None, None] for values in directions()[dials.tenths].T)
    along, across = right * cosine + up * sine, (right * sine - up * cosine).abs()
    half = dials.radii[:, None, None] * 0.65
    needle = (across < 0.7) & (along > 2.5) & (along < half)
    opposite = (across < 0.7) & (-along > 4) & (-along < half)
    means = [(worn * where).sum((1, 2)) / where.sum((1, 2)) for where in (needle, opposite)]
    assert (means[0] < means[1]).double().mean() > 0.97  # darker than the face on the other side


def test_every_machine_draws_the_same_bytes():
    """Pinned. They cannot depend on the processor: no direction is near to the border of two roundings."""
    found = [hashlib.sha256(draw(part, 0, 150).images.numpy().data).hexdigest()[:16] for part in gauges.PARTS]
    assert found == PINNED
    exact = torch.tensor(
        [[f(2 * math.pi * k / TENTHS) for f in (math.cos, math.sin)] for k in range(TENTHS)], dtype=torch.float64
    )
    steps = exact * (1 << 20)
    off = (steps - steps.floor() - 0.5).abs()
    assert off.min() > 1e-5  # of 2^-20: a thousand times what sines of doubles can be wrong by


PINNED = ["3829bae54ec6ad94", "5dd144f45845ef37", "d5f15caaa8648058"]


def test_the_first_ones_are_the_same_however_many_are_drawn():
    few, more = draw("test", 5, 30), draw("test", 5, 250)
    assert all(torch.equal(a, b[:30]) for a, b in zip(few, more, strict=True))
    assert not torch.equal(draw("test", 6, 30).images, few.images)
    assert not torch.equal(draw("real", 5, 30).images, few.images)


def test_as_data_they_are_two_collections_without_labels():
    known = data.load("gauges")
    assert set(known.fields) == {"a", "b"} and known.fields["a"].deck != known.fields["b"].deck
    assert known.fields["a"].stored.shape == known.fields["b"].stored.shape == (gauges.COUNT, 1, SIDE, SIDE)
    assert torch.equal(known.fields["a"].stored[:150], draw("synthetic", 0, 150).images)
    assert torch.equal(known.fields["b"].stored[:150], draw("real", 0, 150).images)
    assert known.fingerprint != data.load("gauges", seed=1).fingerprint


@pytest.mark.parametrize(("part", "count"), [("synthetic", 3000), ("real", 3000), ("test", 1000)])
def test_parts_have_their_labels(part: str, count: int):
    known = data.load(f"gauges:{part}")
    assert known.x.shape == (count, 1, SIDE, SIDE) and known.vectors is not None and known.vectors.shape == (count, 2)
    assert torch.equal(draw(part, 0, 150).images, known.x[:150])


def test_other_parts_are_refused():
    with pytest.raises(DataError, match="no part 'training'; it has gauges:synthetic and gauges:real and gauges:test"):
        data.load("gauges:training")


def test_they_are_brought_to_a_size():
    assert data.load("gauges", size=(16, 16)).fields["a"].stored.shape[2:] == (16, 16)
