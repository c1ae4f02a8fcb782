"""Which rows a batch is drawn from: pairs stay pairs, collections are independent, and what is missing is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from zerosum.batches import Labelled, Paired, PartlyLabelled, Sequences, Unpaired, field_names, samples_of
from zerosum.data import DataError, Dataset, Stream, load
from zerosum.data.dataset import ALL, Field, dataset, dataset_of
from zerosum.data.stream import LABELLED, OF_PAIRS, deal
from zerosum.modality import Classes, Image, Lengths, Points, Tokens


def numbered(count: int, first: int = 0, width: int = 3) -> Tensor:
    """Images (count, 1, 2, width), each filled with its number."""
    x = torch.arange(first, first + count, dtype=torch.uint8)
    return x.view(count, 1, 1, 1).expand(count, 1, 2, width).contiguous()


def pairs(count: int = 10) -> Dataset:
    """Row k of `a` is filled with k, and that of `b` with 100 + k."""
    a, b = numbered(count), numbered(count, 100, 2)
    return dataset_of("photos/", {"a": Field(Image(1, 2, 3), a), "b": Field(Image(1, 2, 2), b)})


def collections(count_a: int = 10, count_b: int = 4) -> Dataset:
    """Two collections that have nothing to do with each other, row by row."""
    a, b = numbered(count_a), numbered(count_b, 100)
    image = Image(1, 2, 3)
    return dataset_of("horses/", {"a": Field(image, a, "a"), "b": Field(image, b, "b")})


def values(x: Tensor) -> list[int]:
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


# ---- pairs


@pytest.mark.parametrize("size", [1, 3, 4, 10])
def test_pairs_stay_pairs_in_every_batch_of_every_epoch(size: int):
    stream, seen = Stream(pairs(), size, seed=2, batch=Paired), list[int]()
    for _ in range(30):
        batch = stream()
        assert isinstance(batch, Paired) and batch.a.shape == (size, 1, 2, 3) and batch.b.shape == (size, 1, 2, 2)
        assert values(batch.b) == [100 + k for k in values(batch.a)]
        seen += values(batch.a)
    epochs = [seen[k : k + 10] for k in range(0, len(seen) - 9, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({*map(tuple, epochs)}) == len(epochs)


def test_pairs_are_drawn_as_a_single_field_of_as_many_rows_would_be():
    alone = Stream(dataset("alone", numbered(10)), 4, seed=2)
    stream = Stream(pairs(), 4, seed=2, batch=Paired)
    assert [values(alone()) for _ in range(9)] == [values(stream().a) for _ in range(9)]


def test_both_images_of_a_pair_are_flipped_or_neither_is():
    one = torch.tensor([[0, 100, 255], [50, 60, 200]], dtype=torch.uint8).expand(600, 1, 2, 3).contiguous()
    image = Image(1, 2, 3)
    data = dataset_of("same", {"a": Field(image, one), "b": Field(image, 255 - one)})
    plain, flipped = (Stream(data, 600, seed=0, batch=Paired, flip=flip)() for flip in (False, True))
    mirrored = []
    for straight, found in zip(plain, flipped, strict=True):
        same = (found == straight).flatten(1).all(1)
        mirrored.append((found == straight.flip(-1)).flatten(1).all(1))
        assert bool((same ^ mirrored[-1]).all())
    assert torch.equal(*mirrored) and 230 < int(mirrored[0].sum()) < 370  # 5.7 standard deviations


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_out_pairs(world: int, flip: bool):
    alone = Stream(pairs(), 2, seed=5, batch=Paired, flip=flip)
    ranks = [Stream(pairs(), 2, seed=5, batch=Paired, flip=flip, rank=rank, world=world) for rank in range(world)]
    for _ in range(8):
        expected, found = [alone() for _ in range(world)], [rank() for rank in ranks]
        assert [values(batch.a) for batch in found] == [values(batch.a) for batch in expected]
        assert [values(batch.b) for batch in found] == [values(batch.b) for batch in expected]


def test_data_that_is_not_paired_is_refused_as_pairs():
    with pytest.raises(DataError) as error:
        Stream(collections(8, 8), 4, seed=0, batch=Paired)
    assert str(error.value) == (
        "the game draws pairs, and a and b of horses/ do not belong together; give both images of a pair one name, "
        "or train a GAN of unpaired data"
    )
    with pytest.raises(DataError, match=r"^the game draws a and b; ring has x, y: name pairs"):
        Stream(load("ring"), 8, seed=0, batch=Paired)()  # was served as something else before


# ---- collections


def test_collections_are_drawn_in_orders_of_their_own():
    stream = Stream(collections(20, 20), 20, seed=0, batch=Unpaired)
    epochs = [stream() for _ in range(6)]
    orders = [(tuple(values(batch.a)), tuple(k - 100 for k in values(batch.b))) for batch in epochs]
    assert all(isinstance(batch, Unpaired) for batch in epochs)
    assert all(sorted(order) == list(range(20)) for pair in orders for order in pair)
    assert len({order for pair in orders for order in pair}) == 12, "no order comes twice, in either of them"
    together = sum(a == b for pair in orders for a, b in zip(*pair, strict=True))
    assert together < 20, "120 rows meet their number 6 times by chance"


@pytest.mark.parametrize(("count_a", "count_b"), [(10, 4), (4, 10)])
def test_epochs_are_counted_by_the_longest_collection(count_a: int, count_b: int):
    stream = Stream(collections(count_a, count_b), 5, seed=0, batch=Unpaired)
    a, b = [], []
    for step in range(1, 9):
        batch = stream()
        a, b = a + values(batch.a), b + values(batch.b)
        assert (stream.state()["epoch"], stream.state()["offset"]) == divmod(5 * step, 10)
    assert set(Counter(a).values()) == {40 // count_a} and len(set(a)) == count_a
    assert set(Counter(b).values()) == {40 // count_b} and len(set(b)) == count_b
    short = a if count_a < count_b else b
    assert all(len(set(short[k : k + 4])) == 4 for k in range(0, 40, 4)), "the shorter one has epochs of its own"


def test_pairs_may_be_drawn_as_collections():
    stream = Stream(pairs(20), 20, seed=0, batch=Unpaired)
    batch = stream()
    assert sorted(values(batch.a)) == list(range(20)) and sorted(values(batch.b)) == list(range(100, 120))
    assert [100 + k for k in values(batch.a)] != values(batch.b)


def test_collections_are_flipped_independently():
    one = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(600, 1, 1, 2).contiguous()
    image = Image(1, 1, 2)
    data = dataset_of("same", {"a": Field(image, one, "a"), "b": Field(image, one, "b")})
    a, b = (x[:, 0, 0, 0] > 0 for x in Stream(data, 600, seed=0, batch=Unpaired, flip=True)())
    assert 230 < int((a == b).sum()) < 370 and 230 < int(a.sum()) < 370 and 230 < int(b.sum()) < 370


@pytest.mark.parametrize("batch", [Paired, Unpaired])
@pytest.mark.parametrize("calls", [0, 1, 7, 500])
def test_a_restored_stream_of_two_fields_goes_on_exactly(batch: type, calls: int):
    noise = torch.randint(256, (2, 10, 1, 4, 4), dtype=torch.uint8)
    data = dataset_of("noise", {name: Field(Image(1, 4, 4), x) for name, x in zip("ab", noise, strict=True)})
    one, two = (Stream(data, 3, seed=3, batch=batch, flip=True) for _ in range(2))
    for _ in range(calls):
        one()
    two.restore(one.state())
    for _ in range(5):
        assert all(torch.equal(x, y) for x, y in zip(one(), two(), strict=True))


def test_a_batch_is_no_larger_than_the_longest_collection():
    with pytest.raises(DataError, match=r"a batch of 11 is more than the 10 samples of horses/; .* at most 10"):
        Stream(collections(), 11, seed=0, batch=Unpaired)
    batch = Stream(collections(), 10, seed=0, batch=Unpaired)()
    assert Counter(values(batch.b)).most_common(1)[0][1] <= 3, "a short collection goes round several times"


# ---- labels


def labelled(known: int = 10) -> Dataset:
    y = torch.arange(10)
    y[known:] = -1
    return dataset("digits", numbered(10), y, tuple("abcdefghij"))


def test_where_all_is_labelled_the_unlabelled_samples_are_the_labelled_ones():
    whole = deal(labelled(), PartlyLabelled)
    assert [*whole.rows] == [ALL] and whole.fields["unlabelled"] is whole.fields["x"] and whole.main == ALL
    batch = Stream(labelled(), 4, seed=0, batch=PartlyLabelled)()
    assert batch.unlabelled is batch.x and samples_of(batch) is batch.x


def test_partly_labelled_data_is_two_decks():
    decks = deal(labelled(3), PartlyLabelled)
    assert {deck: rows.tolist() for deck, rows in decks.rows.items()} == {LABELLED: [0, 1, 2], ALL: list(range(10))}
    assert [field.deck for field in decks.fields.values()] == [LABELLED, LABELLED, ALL] and decks.main == ALL
    batch = Stream(labelled(3), 4, seed=0, batch=PartlyLabelled)()
    assert batch.unlabelled is not batch.x and samples_of(batch) is batch.unlabelled


def test_labelled_batches_of_partly_labelled_data_are_of_what_is_labelled():
    assert deal(labelled(3), Labelled).rows[ALL].tolist() == [0, 1, 2]
    assert deal(labelled(3), Tensor).rows[ALL].tolist() == list(range(10)), "samples alone need no label"
    stream = Stream(labelled(3), 3, seed=0, batch=Labelled)
    for _ in range(5):
        batch = stream()
        assert sorted(batch.y.tolist()) == [0, 1, 2] and values(batch.x) == batch.y.tolist()
    assert stream.state()["epoch"] == 5


@pytest.mark.parametrize("batch", [Labelled, PartlyLabelled])
def test_missing_labels_are_refused_with_what_helps(batch: type):
    for data in (dataset("digits", numbered(10)), labelled(0)):
        with pytest.raises(DataError, match=r"^digits has no labels, but acgan learns from them; .* in a labels\.csv$"):
            deal(data, batch, "acgan")


# ---- batches of one's own


class Captioned(NamedTuple):
    """Fields under other names, in another order than the data's."""

    words: Tensor
    picture: Tensor


class Triple(NamedTuple):
    b: Tensor
    y: Tensor
    a: Tensor


def captions() -> Dataset:
    tokens = Tokens(("<unk>", "<eos>", *map(str, range(10))), 2)
    ids = torch.tensor([tokens.ids([str(k)]) for k in range(10)])
    fields = {
        "picture": Field(Image(1, 2, 3), numbered(10)),
        "words": Field(tokens, ids),
        "count": Field(Lengths(1), torch.ones(10, dtype=torch.int64)),
    }
    return dataset_of("captions", fields)


def test_a_batch_of_ones_own_is_filled_by_names():
    stream = Stream(captions(), 4, seed=0, batch=Captioned)
    for _ in range(6):
        batch = stream()
        assert isinstance(batch, Captioned) and batch.words.dtype == torch.int64
        assert batch.picture.dtype == torch.float32 and batch.picture.shape == (4, 1, 2, 3)
        assert (batch.words[:, 0] - 2).tolist() == values(batch.picture) and (batch.words[:, 1] == 1).all()
    assert field_names(Captioned) == ("words", "picture")


def test_decks_of_a_batch_may_be_of_several_fields_each():
    """`a` and its classes belong together; `b` is drawn by itself, and only `a` leaves rows without a class out."""
    fields = dict(collections(10, 6).fields)
    y = torch.tensor([*range(8), -1, -1])
    data = dataset_of("mixed", {**fields, "y": Field(Classes(tuple("abcdefgh")), y, "a")})
    stream, seen = Stream(data, 3, seed=0, batch=Triple), list[int]()
    others = list[int]()
    for _ in range(16):
        batch = stream()
        assert batch.y.tolist() == values(batch.a)
        seen, others = seen + batch.y.tolist(), others + values(batch.b)
    assert Counter(seen) == dict.fromkeys(range(8), 6) and Counter(others) == dict.fromkeys(range(100, 106), 8)


def test_texts_are_drawn_with_their_lengths():
    tokens = Tokens(("<unk>", "<eos>", "x"), 4)
    lengths = torch.tensor([0, 1, 2, 3])
    ids = torch.tensor([tokens.ids(["x"] * k) for k in lengths.tolist()])
    data = dataset_of("texts", {"ids": Field(tokens, ids), "lengths": Field(Lengths(3), lengths)})
    batch = Stream(data, 4, seed=0, batch=Sequences)()
    assert isinstance(batch, Sequences) and batch.ids.dtype == torch.int64
    assert torch.equal(tokens.lengths(batch.ids), batch.lengths) and sorted(batch.lengths.tolist()) == [0, 1, 2, 3]
    with pytest.raises(DataError, match="texts holds no images, which alone have a left and a right"):
        Stream(data, 4, seed=0, batch=Sequences, flip=True)


@pytest.mark.parametrize(("data", "batch", "message"), [
    (labelled(), Paired, "pix2pix draws a and b; digits has x, y"),
    (pairs(), Tensor, "pix2pix draws x; photos/ has a, b"),
    (pairs(), Labelled, "pix2pix draws x and y; photos/ has a, b"),
    (captions(), Sequences, "pix2pix draws ids and lengths; captions has picture, words, count"),
    (captions(), Triple, "pix2pix draws b, y and a; captions has picture, words, count"),
    (labelled(), Captioned, "pix2pix draws words and picture; digits has x, y"),
])  # fmt: skip
def test_a_field_that_is_missing_is_named(data: Dataset, batch: type, message: str):
    with pytest.raises(DataError) as error:
        deal(data, batch, "pix2pix")
    cure = OF_PAIRS if batch is Paired else "give other data, or another recipe"
    assert str(error.value) == f"{message}: {cure}"


def test_a_photo_folder_is_no_pair():
    photos = replace(labelled(), name="photos/")
    with pytest.raises(DataError, match=r"^pix2pix draws a and b; photos/ has x, y: name pairs"):
        deal(photos, Paired, "pix2pix")


def test_points_have_no_left_and_right_but_one_image_in_a_batch_is_enough():
    with pytest.raises(DataError, match="holds no images"):
        Stream(dataset("points", torch.randn(10, 2)), 4, seed=0, flip=True)
    mixed = dataset_of("mixed", {"a": Field(Points(2), torch.randn(10, 2)), "b": Field(Image(1, 2, 3), numbered(10))})
    batch = Stream(mixed, 4, seed=0, batch=Paired, flip=True)()
    assert batch.a.shape == (4, 2) and batch.b.shape == (4, 1, 2, 3)
