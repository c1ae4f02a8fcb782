"""Crops at random places: of a pair from one place, of two collections each from its own, exact after a restore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from zerosum.batches import Paired, Unpaired
from zerosum.data import DataError, Dataset, Stream, load
from zerosum.data.dataset import Field, dataset, dataset_of
from zerosum.data.held_out import split
from zerosum.data.random_crops import with_crops
from zerosum.modality import Image


def tellers(count: int, height: int, width: int, scale: int = 1) -> Tensor:
    """Images whose pixels say where they are: channels hold the row, the column and the image's number."""
    down = torch.arange(height).div(scale, rounding_mode="floor")[:, None].expand(height, width)
    across = torch.arange(width).div(scale, rounding_mode="floor").expand(height, width)
    images = [torch.stack([down, across, torch.full_like(down, k)]) for k in range(count)]
    return torch.stack(images).to(torch.uint8)


def bytes_of(x: Tensor) -> Tensor:
    return ((x + 1) * 127.5).round().long()


def found(crops: Tensor) -> list[tuple[int, int, int]]:
    """(top, left, image) of each crop, all of whose pixels are checked."""
    x = bytes_of(crops)
    top, left, image = (x[:, k, :1, :1] for k in range(3))
    height, width = x.shape[2:]
    assert torch.equal(x[:, 0], (top + torch.arange(height)[:, None]).expand(-1, height, width))
    assert torch.equal(x[:, 1], (left + torch.arange(width)).expand(-1, height, width))
    assert torch.equal(x[:, 2], image.expand(-1, height, width))
    return [(int(t), int(k), int(n)) for t, k, n in zip(top, left, image, strict=True)]


def images(count: int = 40, size: tuple[int, int] = (9, 12)) -> Dataset:
    return dataset("tellers", tellers(count, *size))


def of_two(deck_a: str, deck_b: str, a: Tensor, b: Tensor) -> Dataset:
    fields = {"a": Field(Image(*a.shape[1:]), a, deck_a), "b": Field(Image(*b.shape[1:]), b, deck_b)}
    return dataset_of("two", fields)


def test_every_place_is_drawn_about_equally_often() -> None:
    data = with_crops(images(500), (7, 10))
    places = [place[:2] for _ in range(4) for place in found(Stream(data, 500, seed=0)())]
    counts = {place: places.count(place) for place in set(places)}
    assert set(counts) == {(t, k) for t in range(3) for k in range(3)}
    assert all(abs(n - 2000 / 9) < 5 * (2000 / 9) ** 0.5 for n in counts.values())


def test_what_else_looks_at_the_data_sees_the_middle() -> None:
    data = with_crops(images(), (4, 5))
    assert data.modality == Image(3, 4, 5) and data.shape == (3, 4, 5) and data.whole_size == (9, 12)
    assert torch.equal(data.x, images().x[:, :, 2:6, 3:8])
    assert data.spec.x.shape == (3, 4, 5)
    assert data.fingerprint not in (images().fingerprint, with_crops(images(), (4, 4)).fingerprint)
    assert images().whole_size is None


def test_the_order_of_the_images_is_that_without_crops() -> None:
    plain, cropped = (Stream(d, 8, seed=3) for d in (images(), with_crops(images(), (4, 4))))
    for _ in range(12):
        assert [n for _, _, n in found(cropped())] == bytes_of(plain())[:, 2, 0, 0].tolist()


def test_pairs_are_cropped_at_one_place_and_flipped_together() -> None:
    x = tellers(30, 9, 12)
    stream = Stream(with_crops(of_two("all", "all", x, 255 - x), (5, 6)), 30, seed=1, batch=Paired, flip=True)
    batches = [stream() for _ in range(5)]
    assert all(torch.equal(bytes_of(batch.a), 255 - bytes_of(batch.b)) for batch in batches)
    rows = {int(top) for batch in batches for top in bytes_of(batch.a)[:, 0, 0, 0]}
    assert rows == set(range(5))


def test_two_collections_are_cropped_each_for_itself() -> None:
    data = with_crops(of_two("a", "b", tellers(40, 12, 12), tellers(40, 12, 12)), (6, 6))
    batch = Stream(data, 40, seed=0, batch=Unpaired)()
    a, b = ({n: (top, left) for top, left, n in found(side)} for side in batch)
    assert sum(a[n] == b[n] for n in a) < 10  # 1 in 49 by chance


def test_smaller_partners_have_the_crops_that_belong_to_the_large_ones() -> None:
    small, large = tellers(30, 9, 11), tellers(30, 36, 44, scale=4)
    data = with_crops(of_two("all", "all", small, large), (16, 20))
    assert [field.shape for field in data.spec.fields.values()] == [(3, 4, 5), (3, 16, 20)]
    batch = Stream(data, 30, seed=0, batch=Paired)()
    enlarged = bytes_of(batch.a).repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(enlarged, bytes_of(batch.b))
    assert len({place[:2] for place in found(batch.a)}) > 10
    middle = data.fields["a"].stored.repeat_interleave(4, 2).repeat_interleave(4, 3)  # although 9 - 4 is odd
    assert torch.equal(middle, data.fields["b"].stored)


@pytest.mark.parametrize("calls", [0, 3, 7])
def test_a_restored_stream_draws_the_same_crops(calls: int) -> None:
    data = with_crops(images(10), (4, 4))
    one, two = (Stream(data, 4, seed=3, flip=True) for _ in range(2))
    for _ in range(calls):
        one()
    two.restore(one.state())
    assert all(torch.equal(one(), two()) for _ in range(5))
    with pytest.raises(DataError, match="the data has changed"):
        Stream(with_crops(images(10), (4, 5)), 4, seed=3).restore(one.state())


def test_ranks_draw_what_one_process_draws() -> None:
    data = with_crops(images(), (4, 4))
    whole = Stream(data, 8, seed=5)()
    parts = [Stream(data, 4, seed=5, rank=rank, world=2)() for rank in range(2)]
    assert torch.equal(torch.cat(parts), whole)


def test_an_image_is_cropped_elsewhere_in_each_epoch() -> None:
    stream = Stream(with_crops(images(8, (40, 40)), (4, 4)), 8, seed=0)
    assert len({place[:2] for _ in range(6) for place in found(stream()) if place[2] == 3}) > 3


def test_a_part_of_the_data_keeps_its_crops(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", tellers(20, 9, 12).numpy())
    data = load(str(tmp_path / "x.npy"), crop=(4, 4))
    kept, rest = split(data, [str(k) for k in range(5)])
    assert kept.whole_size == rest.whole_size == (9, 12)
    assert torch.equal(rest.x, data.x[:5])
    assert {n for _, _, n in found(Stream(kept, 15, seed=0)())} == set(range(5, 20))


def test_images_of_every_source_are_cropped(tmp_path: Path) -> None:
    for name, fields in {
        "digits": 1,
        "denoise:digits": 2,
        "unpaired:invert:digits": 2,
        "shrink@2:digits": 2,
        "gauges": 2,
    }.items():
        data = load(name, crop=(12, 12))
        assert sum(field.whole is not None for field in data.fields.values()) == fields, name
        assert data.fields[data.samples].stored.shape[2:] == (12, 12)


@pytest.mark.parametrize(
    ("data", "crop", "words"),
    [
        (lambda: load("ring"), (4, 4), r"ring holds points, of which there are no crops; leave --crop out"),
        (lambda: load("scenes:digits"), (4, 4), r"holds videos, of which there are no crops"),
        (images, (10, 4), r"10x4 pixels does not fit into images of 9x12.*--size 12 5"),
        (images, (9, 12), r"crops of 9x12 pixels are the whole images"),
        (images, (0, 4), r"is empty"),
        (lambda: load("shrink@4:digits"), (10, 12), r"4 times smaller: say --crop 8 12"),
        (
            lambda: of_two("a", "b", tellers(3, 6, 6), tellers(3, 9, 9)),
            (4, 4),
            r"of 6x6 and of 9x9 pixels, and crops are of images of one size: bring them to one by --size",
        ),
        (
            lambda: of_two("all", "all", tellers(3, 6, 6), tellers(3, 9, 9)),
            (4, 4),
            r"9x9 and 6x6 pixels belong together in two: neither is a multiple",
        ),
    ],
)
def test_what_has_no_such_crops_is_refused(data: object, crop: tuple[int, int], words: str) -> None:
    assert callable(data)
    with pytest.raises(DataError, match=words):
        with_crops(data(), crop)
