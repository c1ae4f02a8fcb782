from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
import torch

from zerosum.batches import Labelled, PartlyLabelled
from zerosum.data import DataError, Dataset, Stream
from zerosum.data.dataset import dataset


def images(n: int = 10, width: int = 3) -> Dataset:
    """Image k is filled with the value k, so that a batch tells which samples it holds."""
    x = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 2, width).contiguous()
    return dataset("images", x, torch.arange(n), tuple(str(k) for k in range(n)))


def partly(n: int = 10, known: tuple[int, ...] = (1, 4, 6)) -> Dataset:
    """`images`, of which these alone have their labels."""
    whole = images(n)
    y = torch.full((n,), -1)
    y[list(known)] = torch.tensor(known, dtype=torch.int64)
    return dataset("partly", whole.x, y, whole.classes)


def drawn(stream: Stream) -> list[int]:
    batch = stream()
    return values(batch.x if isinstance(batch, Labelled) else batch)


def values(x: torch.Tensor) -> list[int]:
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_every_sample_comes_exactly_once_an_epoch_although_batches_cross_its_border() -> None:
    stream = Stream(images(10), 4, seed=0)
    seen = [k for _ in range(15) for k in drawn(stream)]
    epochs = [seen[k : k + 10] for k in range(0, 60, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 6  # and each time in another order


def test_the_order_is_of_the_seed_alone_and_drawing_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = Stream(images(), 4, seed=7, flip=True)
    first = [drawn(one) for _ in range(6)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    two, other = Stream(images(), 4, seed=7), Stream(images(), 4, seed=8)
    assert [drawn(two) for _ in range(6)] == first
    assert [drawn(other) for _ in range(6)] != first


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 7, 1000])
def test_a_restored_stream_goes_on_exactly(calls: int) -> None:
    asymmetric = dataset("noise", torch.randint(256, (10, 1, 4, 4), dtype=torch.uint8), torch.arange(10), ("a",) * 10)
    one = Stream(asymmetric, 4, seed=3, batch=Labelled, flip=True)
    for _ in islice(iter(one, None), calls):
        pass
    two = Stream(asymmetric, 4, seed=3, batch=Labelled, flip=True)
    two.restore(one.state())
    for _ in range(5):
        a, b = one(), two()
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def test_the_state_is_the_position() -> None:
    stream = Stream(images(10), 4, seed=0)
    for _ in range(3):
        stream()
    state = stream.state()
    assert (state["epoch"], state["offset"]) == (1, 2)
    assert all(type(value) is int for value in state.values())


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (Stream(images(11), 4, seed=0), "changed"),
        (Stream(images(10), 5, seed=0), "batch_size was 4 and is now 5"),
        (Stream(images(10), 4, seed=1), "seed was 0 and is now 1"),
    ],
)
def test_a_position_in_other_data_or_another_order_is_refused(other: Stream, word: str) -> None:
    state = Stream(images(10), 4, seed=0).state()
    before = other.state()
    with pytest.raises(DataError, match=word):
        other.restore(state)
    assert other.state() == before


@pytest.mark.parametrize("wrong", [{"offset": 10}, {"offset": -1}, {"epoch": -1}])
def test_what_is_no_position_is_refused(wrong: dict[str, int]) -> None:
    stream = Stream(images(10), 4, seed=0)
    with pytest.raises(DataError, match="no position in 10 samples"):
        stream.restore({**stream.state(), **wrong})
    with pytest.raises(DataError, match="cannot go on"):
        stream.restore({})


def test_a_batch_larger_than_the_data_is_refused_with_both_numbers() -> None:
    with pytest.raises(DataError, match=r"batch of 11 .* 10 samples of images; use a batch size of at most 10"):
        Stream(images(10), 11, seed=0)
    with pytest.raises(DataError, match=r"6 on each of 2 processes .* at most 5"):
        Stream(images(10), 6, seed=0, world=2)
    assert sorted(drawn(Stream(images(10), 10, seed=0))) == list(range(10))


def test_images_become_floats_in_minus_one_to_one() -> None:
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    batch = Stream(dataset("ramp", x), 1, seed=0)()
    assert isinstance(batch, torch.Tensor) and batch.dtype == torch.float32 and batch.shape == (1, 1, 16, 16)
    torch.testing.assert_close(batch, x / 127.5 - 1, rtol=0, atol=2e-7)
    assert batch.min() == -1 and 1 - 2e-7 <= batch.max() <= 1
    assert torch.equal(((batch + 1) * 127.5).round().to(torch.uint8), x)  # and back without loss


def test_points_are_served_as_they_are() -> None:
    x = torch.randn(10, 2)
    batch = Stream(dataset("points", x), 10, seed=0)()
    assert isinstance(batch, torch.Tensor)
    assert torch.equal(batch.sort(0).values, x.sort(0).values)


def test_labels_go_with_their_samples() -> None:
    stream = Stream(images(10), 4, seed=0, batch=Labelled)
    batch = stream()
    assert isinstance(batch, Labelled) and batch.y.dtype == torch.int64
    assert batch.y.tolist() == ((batch.x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_labels_and_flips_are_refused_where_there_are_none() -> None:
    with pytest.raises(DataError, match="no labels"):
        Stream(dataset("plain", images().x), 4, seed=0, batch=Labelled)
    with pytest.raises(DataError, match="no images, which alone have a left and a right"):
        Stream(dataset("points", torch.randn(10, 2)), 4, seed=0, flip=True)


def test_flips_mirror_about_half_of_the_images_left_to_right_and_leave_the_rest_exact() -> None:
    one = torch.tensor([[0, 100, 255], [50, 60, 200]], dtype=torch.uint8)
    data = dataset("same", one.expand(1000, 1, 2, 3).contiguous())
    plain, flipped = Stream(data, 1000, seed=0)(), Stream(data, 1000, seed=0, flip=True)()
    assert isinstance(plain, torch.Tensor) and isinstance(flipped, torch.Tensor)
    same = (flipped == plain).flatten(1).all(1)
    mirrored = (flipped == plain.flip(-1)).flatten(1).all(1)
    assert bool((same ^ mirrored).all())
    assert 430 < int(mirrored.sum()) < 570  # 4.4 standard deviations


@pytest.mark.parametrize("world", [2, 3])
def test_the_ranks_share_out_the_order_of_a_single_process(world: int) -> None:
    alone = Stream(images(13), 2, seed=5)
    ranks = [Stream(images(13), 2, seed=5, rank=rank, world=world) for rank in range(world)]
    for _ in range(20):
        assert [drawn(alone) for _ in range(world)] == [drawn(rank) for rank in ranks]
    assert len({tuple(rank.state().items()) for rank in ranks}) == 1  # one checkpoint serves all


def test_ranks_flip_differently() -> None:
    one = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)
    data = dataset("same", one.expand(128, 1, 1, 2).contiguous())
    a, b = (Stream(data, 64, seed=0, flip=True, rank=rank, world=2)() for rank in (0, 1))
    assert isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and not torch.equal(a, b)


# -- partly labelled data ---------------------------------------------------------------------------------------------


def test_labelled_batches_are_of_labelled_samples_alone_each_once_an_epoch() -> None:
    stream = Stream(partly(), 2, seed=0, batch=Labelled)
    batches = [stream() for _ in range(6)]
    assert all(values(batch.x) == batch.y.tolist() for batch in batches)
    seen = [k for batch in batches for k in batch.y.tolist()]
    assert [sorted(seen[k : k + 3]) for k in (0, 3, 6, 9)] == [[1, 4, 6]] * 4
    assert stream.state()["epoch"] == 4 and stream.state()["offset"] == 0


def test_labelled_batches_are_no_larger_than_the_labelled_samples() -> None:
    with pytest.raises(DataError, match=r"batch of 4 is more than the 3 labelled samples of partly; .* at most 3"):
        Stream(partly(), 4, seed=0, batch=Labelled)
    with pytest.raises(DataError, match=r"2 on each of 2 processes is more than the 3 labelled samples of partly"):
        Stream(partly(), 2, seed=0, batch=Labelled, world=2)


@pytest.mark.parametrize("batch", [Labelled, PartlyLabelled])
def test_data_of_which_nothing_is_labelled_is_refused(batch: type) -> None:
    with pytest.raises(DataError, match=r"partly has no labels, .* name the classes in a labels\.csv"):
        Stream(partly(known=()), 2, seed=0, batch=batch)


@pytest.mark.parametrize("size", [1, 2, 7, 10])  # also more than there are labelled samples
def test_partly_labelled_batches_go_round_both_kinds_each_equally_often(size: int) -> None:
    stream = Stream(partly(), size, seed=0, batch=PartlyLabelled)
    everything, labelled = [], []
    for _ in range(30):
        batch = stream()
        assert (
            isinstance(batch, PartlyLabelled)
            and batch.unlabelled is not batch.x
            and len(batch.x) == len(batch.unlabelled)
        )
        assert values(batch.x) == batch.y.tolist()
        everything += values(batch.unlabelled)
        labelled += batch.y.tolist()
    assert set(Counter(everything).values()) == {3 * size} and len(set(everything)) == 10
    assert Counter(labelled) == dict.fromkeys((1, 4, 6), 10 * size)
    assert [sorted(labelled[k : k + 3]) for k in range(0, len(labelled), 3)] == [[1, 4, 6]] * (10 * size)


def test_what_is_labelled_never_comes_from_a_hidden_row() -> None:
    """Hidden rows are white, labelled ones of other grey levels; all rows come unlabelled."""
    few = partly(100, tuple(range(10)))
    few.x[few.y == -1] = 255
    stream = Stream(few, 16, seed=0, batch=PartlyLabelled, flip=True)
    batches = [stream() for _ in range(50)]
    assert all(values(batch.x) == batch.y.tolist() for batch in batches)
    assert {k for batch in batches for k in values(batch.x)} == set(range(10))
    assert {k for batch in batches for k in values(batch.unlabelled)} == {*range(10), 255}


def test_both_orders_are_of_the_seed_alone() -> None:
    def rows(seed: int) -> list[tuple[list[int], list[int]]]:
        stream = Stream(partly(40, tuple(range(20))), 8, seed=seed, batch=PartlyLabelled)
        return [(values(batch.x), values(batch.unlabelled)) for batch in (stream() for _ in range(5))]

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = rows(7)
    assert torch.equal(torch.get_rng_state(), before)
    assert rows(7) == first
    other = rows(8)
    assert [x for x, _ in other] != [x for x, _ in first] and [x for _, x in other] != [x for _, x in first]


@pytest.mark.parametrize("batch", [Labelled, PartlyLabelled])
@pytest.mark.parametrize("calls", [0, 1, 2, 3, 7, 1000])
def test_a_restored_stream_of_partly_labelled_data_goes_on_exactly(batch: type, calls: int) -> None:
    noise = torch.randint(256, (10, 1, 4, 4), dtype=torch.uint8)
    data = dataset("noise", noise, partly().y, tuple("abcdefghij"))
    one = Stream(data, 3, seed=3, batch=batch, flip=True)
    for _ in range(calls):
        one()
    two = Stream(data, 3, seed=3, batch=batch, flip=True)
    two.restore(one.state())
    for _ in range(5):
        for a, b in zip(one(), two(), strict=True):
            assert torch.equal(a, b)


def test_where_all_samples_have_a_class_both_kinds_are_one_tensor() -> None:
    stream, plain = Stream(images(), 4, seed=0, batch=PartlyLabelled), Stream(images(), 4, seed=0, batch=Labelled)
    for _ in range(6):
        batch, same = stream(), plain()
        assert isinstance(batch, PartlyLabelled) and batch.unlabelled is batch.x
        assert torch.equal(batch.x, same.x) and torch.equal(batch.y, same.y)


def test_flips_of_both_kinds_are_independent_and_exact() -> None:
    one = torch.tensor([[0, 100, 255], [50, 60, 200]], dtype=torch.uint8)
    y = torch.zeros(1000, dtype=torch.int64)
    y[500:] = -1
    data = dataset("same", one.expand(1000, 1, 2, 3).contiguous(), y, ("a",))
    plain, flipped = (
        Stream(data, 500, seed=0, batch=PartlyLabelled)(),
        Stream(data, 500, seed=0, batch=PartlyLabelled, flip=True)(),
    )
    mirrored = []
    for straight, made in ((plain.x, flipped.x), (plain.unlabelled, flipped.unlabelled)):
        same = (made == straight).flatten(1).all(1)
        mirrored.append((made == straight.flip(-1)).flatten(1).all(1))
        assert bool((same ^ mirrored[-1]).all())
        assert 200 < int(mirrored[-1].sum()) < 300  # 4.5 standard deviations
    assert 200 < int((mirrored[0] == mirrored[1]).sum()) < 300


@pytest.mark.parametrize("world", [2, 3])
def test_the_ranks_share_out_both_orders(world: int) -> None:
    alone = Stream(partly(13), 2, seed=5, batch=PartlyLabelled)
    ranks = [Stream(partly(13), 2, seed=5, batch=PartlyLabelled, rank=rank, world=world) for rank in range(world)]
    for _ in range(20):
        one, many = [alone() for _ in range(world)], [rank() for rank in ranks]
        assert [batch.y.tolist() for batch in one] == [batch.y.tolist() for batch in many]
        assert [values(batch.unlabelled) for batch in one] == [values(batch.unlabelled) for batch in many]
    assert len({tuple(rank.state().items()) for rank in ranks}) == 1


def test_vectors_go_with_their_samples_where_there_are_no_classes() -> None:
    x = images().x
    vectors = torch.stack([torch.arange(10.0), -torch.arange(10.0)], 1)
    batch = Stream(dataset("vectors", x, conditions=vectors), 4, seed=0, batch=Labelled)()
    assert isinstance(batch, Labelled) and batch.y.dtype == torch.float32
    assert batch.y.tolist() == [[k, -k] for k in values(batch.x)]
    with pytest.raises(DataError, match="the game learns classes, and vectors has vectors of 2 numbers; try cgan"):
        Stream(dataset("vectors", x, conditions=vectors), 4, seed=0, batch=PartlyLabelled)
    both = dataset("both", x, torch.arange(10), tuple("abcdefghij"), conditions=vectors)
    assert Stream(both, 4, seed=0, batch=Labelled)().y.dtype == torch.int64
