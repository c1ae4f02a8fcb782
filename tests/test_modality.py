"""Kinds of data: what is stored and what players see, noise, texts, JSON; and that the upper floors know every kind."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Generator, Tensor

from zerosum import modality
from zerosum.evaluation.real_data import EXTRACTORS
from zerosum.health.features import FEATURES
from zerosum.modality import (
    Actions,
    AnyModality,
    Behaviour,
    Binary,
    Classes,
    Image,
    Lengths,
    Modality,
    Notes,
    Points,
    Sound,
    Spec,
    Tokens,
    Vector,
    Video,
)
from zerosum.pictures.render import DRAW
from zerosum.workflows.sample import WRITE

VARIED = Tokens(("<unk>", "<eos>", "red", "green", "blue"), 4)
FIXED = Tokens(("<unk>", "a", "b"), 3, separator="")
KINDS: list[Modality] = [
    Image(3, 4, 5), Video(2, 3, 2, 4), Points(2), VARIED, FIXED, Classes(("cat", "dog", "eel")), Vector(3),
    Actions(4, 2), Lengths(4), Sound(2, 30, 8000), Binary(5, tuple("abcde")),
    Behaviour("CartPole-v1", 4, 2, True, 500), Behaviour("Pendulum-v1", 3, 1, False, 200),
    Notes(("<unk>", "<eos>", "C4:1/4", "R:1/8"), 4)
]  # fmt: skip


def stored(kind: Modality, count: int = 500) -> Tensor:
    """Some data of a kind, as stored: numbers up to 3 in each coordinate, all bytes, tokens and classes."""
    generator = Generator().manual_seed(5)
    box = torch.stack([torch.full(kind.shape, -2.0), torch.full(kind.shape, 3.0)]) if kind.shape else torch.zeros(2)
    return kind.noise(count, generator, box)


# ---- stored and seen


def test_binary_vectors_are_bools_stored_and_0_and_1_seen():
    kind = Binary(3, ("reads", "writes", "sends"))
    x = torch.tensor([[0, 1, 1], [1, 0, 0]]).bool()
    assert kind.load(x).dtype == torch.float32 and torch.equal(kind.store(kind.load(x)), x)
    rounded = kind.store(torch.tensor([[0.5, 0.49, float("nan")], [9.0, -9.0, 1.0]]))
    assert rounded.dtype == torch.bool and rounded.int().tolist() == [[1, 0, 0], [1, 0, 1]]
    assert kind.name(1) == "writes" and Binary(3).name(1) == "1" and str(kind) == "binary vectors of 3 features"


def test_binary_vectors_that_can_be_compared():
    kind = Binary(2, ("reads", "writes"))
    assert kind.difference(Binary(2, ("reads", "sends"))) == "no features 'writes'"
    assert kind.difference(Binary(2, ("writes", "reads"))) == "the same features, in another order"
    assert kind.difference(kind) == kind.difference(Binary(3)) == kind.difference(Points(2)) == ""
    assert kind.fits(kind) and kind.fits(Binary(2)) and Binary(2).fits(kind), "an array has no names"
    for other in (Binary(2, ("writes", "reads")), Binary(3), Points(2)):
        assert not kind.fits(other) and not other.fits(kind)
    for names in (("reads",), ("reads", "reads")):
        with pytest.raises(ValueError, match="2 features have 1 different names; give as many, or none"):
            Binary(2, names)


def test_bytes_of_images_come_back_exactly_and_fill_minus_one_to_one():
    image = Image(1, 16, 16)
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    seen = image.load(x)
    assert seen.dtype == torch.float32 and seen.min() == -1 and 1 - 2e-7 <= seen.max() <= 1
    torch.testing.assert_close(seen, x / 127.5 - 1, rtol=0, atol=2e-7)
    assert torch.equal(image.store(seen), x) and torch.equal(image.store(seen.bfloat16())[..., ::255], x[..., ::255])


def test_floats_outside_of_images_are_clamped():
    x = torch.tensor([-9.0, 9.0, float("nan"), float("inf"), -float("inf"), 0.0])
    assert Image(1, 1, 6).store(x.view(1, 1, 1, 6).requires_grad_()).flatten().tolist() == [0, 255, 128, 255, 0, 128]


def test_sounds_come_back_exactly_and_are_cut_off_at_full_scale():
    sound = Sound(1, 1 << 16, 8000)
    every = torch.arange(-(1 << 15), 1 << 15).to(torch.int16)[None, None]
    seen = sound.load(every)
    assert seen.dtype == torch.float32 and seen.min() == -1 and 0.9999 < seen.max() < 1
    assert torch.equal(sound.store(seen), every)
    x = torch.tensor([-9.0, 9.0, float("nan"), float("inf"), -float("inf"), 0.0])
    assert Sound(1, 6, 8000).store(x.view(1, 1, 6).requires_grad_()).flatten().tolist() == [
        -32768, 32767, 0, 32767, -32768, 0
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_loaded_is_stored_again(kind: Modality):
    x = stored(kind)
    seen = kind.load(x)
    assert seen.shape == (500, *kind.shape)
    assert kind.store(seen).dtype == x.dtype and torch.equal(kind.store(seen), x)
    types = {"bool": torch.bool, "8-bit": torch.uint8, "16-bit": torch.int16}
    types |= {"float32": torch.float32, "int64": torch.int64}
    assert types[kind.stored_as] == x.dtype


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_noise_is_of_the_seed_and_fills_the_range(kind: Modality):
    real = stored(kind)
    one, same, other = (kind.noise(4000, Generator().manual_seed(seed), real) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.shape == (4000, *kind.shape) and one.dtype == real.dtype
    if isinstance(kind, Behaviour) and kind.discrete:
        one, real = one[:, : kind.states], real[:, : kind.states]
        assert kind.noise(90, Generator(), stored(kind))[:, kind.states :].sum(1).unique().tolist() == [1]
    if isinstance(kind, Points | Vector | Actions | Behaviour):
        low, high = real.amin(0), real.amax(0)
        assert (one >= low).all() and (one <= high).all()
        torch.testing.assert_close(one.mean(0), (low + high) / 2, atol=0.15, rtol=0)
        torch.testing.assert_close(one.var(0), (high - low).square() / 12, rtol=0.1, atol=0)
        return
    if isinstance(kind, Sound):
        assert one.min() == -32768 and one.max() == 32767
        torch.testing.assert_close(kind.load(one).var(), torch.tensor(1 / 3), rtol=0.02, atol=0)
        return
    most = {Image: 255, Video: 255, Classes: 3, Lengths: 4, Binary: 2}.get(type(kind), getattr(kind, "size", 0))
    last = most if isinstance(kind, Image | Video | Lengths) else most - 1
    assert one.unique().tolist() == list(range(last + 1)), "every value comes, and no other"
    counts = one.flatten().int().bincount().double()
    assert (counts / counts.mean()).sub(1).abs().max() < 0.3


def test_noise_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    for kind in KINDS:
        stored(kind)
    assert torch.equal(torch.get_rng_state(), before)


# ---- texts


def test_texts_of_several_lengths():
    texts = [["red"], ["green", "pink", "blue"], []]
    ids = torch.tensor([VARIED.ids(text) for text in texts])
    assert ids.tolist() == [[2, 1, 1, 1], [3, 0, 4, 1], [1, 1, 1, 1]]
    assert VARIED.end == 1 and VARIED.size == 5 and VARIED.shape == (4,)
    assert VARIED.lengths(ids).tolist() == [1, 3, 0]
    assert VARIED.write(ids) == ["red", "green <unk> blue", ""]


def test_what_follows_the_first_end_of_a_text_is_not_read():
    ids = torch.tensor([[2, 1, 3, 4], [2, 3, 4, 2], [1, 2, 1, 2]])
    assert VARIED.lengths(ids).tolist() == [1, 4, 0] and VARIED.write(ids) == ["red", "red green blue red", ""]
    assert VARIED.lengths(ids.to("meta")).device.type == "meta"


def test_texts_of_one_length():
    ids = torch.tensor([FIXED.ids("aba"), FIXED.ids("bzb")])
    assert ids.tolist() == [[1, 2, 1], [2, 0, 2]] and FIXED.end is None
    assert FIXED.lengths(ids).tolist() == [3, 3] and FIXED.write(ids) == ["aba", "b<unk>b"]


# ---- conditions


def test_classes_are_one_hot_and_vectors_themselves():
    classes = Classes(("cat", "dog", "eel"))
    assert classes.vector(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert classes.vector(torch.tensor([2, 0])).dtype == torch.float32 and classes.size == 3
    assert Classes.numbered(3) == Classes(("0", "1", "2"))
    y = torch.randn(4, 3)
    assert Vector(3).vector(y) is y


# ---- JSON

ADAPTER: TypeAdapter[Modality] = TypeAdapter(AnyModality)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_kind_survives_json(kind: Modality):
    assert ADAPTER.validate_json(ADAPTER.dump_json(kind)) == kind
    assert pickle.loads(pickle.dumps(kind)) == kind == copy.deepcopy(kind)


@pytest.mark.parametrize("text", [
    '{"kind": "image", "channels": 0, "height": 4, "width": 4}', '{"kind": "image", "channels": 1, "height": 4}',
    '{"kind": "points", "dim": -1}', '{"kind": "vector", "size": 0}', '{"kind": "lengths", "longest": -1}',
    '{"kind": "sound", "channels": 1, "samples": 4, "rate": 0}',
    '{"kind": "tokens", "vocabulary": ["a"], "length": 0}', '{"kind": "smell"}', '{"dim": 2}', "[]",
])  # fmt: skip
def test_what_is_no_kind_of_data_is_refused(text: str):
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(text)


def test_kinds_as_people_read_them():
    assert list(map(str, KINDS)) == [
        "images of 3x4x5", "videos of 2 frames of 3x2x4", "points of 2 numbers", "texts of up to 4 tokens",
        "texts of 3 tokens", "classes", "vectors of 3 numbers", "actions of 4x2", "lengths",
        "sounds of 30 samples at 8,000 Hz in stereo", "binary vectors of 5 features",
        "states with their actions of CartPole-v1 (4 numbers, 2 choices)",
        "states with their actions of Pendulum-v1 (3 numbers, 1 number)", "melodies of up to 4 tokens"
    ]  # fmt: skip


# ---- specs


def test_a_spec_has_its_fields_as_attributes():
    data = Spec({"x": Image(1, 4, 4), "y": Classes(("a", "b"))})
    assert data.x == Image(1, 4, 4) and data.y == Classes(("a", "b")) and data.classes == 2 and [*data] == ["x", "y"]
    assert copy.deepcopy(data) == data and pickle.loads(pickle.dumps(data)) == data


@pytest.mark.parametrize(("fields", "name", "message"), [
    ({"a": Points(2), "b": Points(2)}, "x", "there is no field x, only a, b"),
    ({"x": Points(2)}, "y", "there is no field y, only x"),
    ({"x": Points(2)}, "classes", "there is no field y, only x"),
    ({}, "x", "there is no field x, only none"),
    ({"x": Points(2), "y": Lengths(3)}, "y", "y holds lengths, neither classes nor vectors"),
    ({"x": Points(2), "y": Vector(3)}, "classes",
     "this GAN learns classes, and the data has vectors of 3 numbers; try cgan"),
])  # fmt: skip
def test_what_a_spec_lacks_is_named(fields: Mapping[str, Modality], name: str, message: str):
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(Spec(fields), name)


# ---- the tables of the upper floors

TABLES: dict[str, Mapping[type[Modality], Any]] = {
    "pictures.render.DRAW": DRAW,
    "workflows.sample.WRITE": WRITE,
    "health.features.FEATURES": FEATURES,
    "evaluation.real_data.EXTRACTORS": EXTRACTORS,
}


def own_kinds() -> list[type[Modality]]:
    """The kinds of data of the package: those of others, as melodies are of texts, too."""

    def below(kind: type[Modality]) -> list[type[Modality]]:
        return [each for own in kind.__subclasses__() for each in (own, *below(own))]

    return [kind for kind in below(Modality) if kind.__module__ == modality.__name__]


def lacking(kinds: Iterable[type[Modality]], tables: Mapping[str, Mapping[type[Modality], Any]]) -> list[str]:
    """Each kind of samples that a table does not know, with the table."""
    return [
        f"{kind.__name__} is not in {name}"
        for kind in kinds
        if not kind.labels
        for name in tables
        if kind not in tables[name]
    ]


def test_every_kind_of_samples_is_in_every_table():
    assert lacking(own_kinds(), TABLES) == []
    samples = {kind for kind in own_kinds() if not kind.labels}
    assert {Image, Video, Sound, Points, Tokens, Notes} <= samples and {Classes, Vector, Actions, Lengths}.isdisjoint(
        samples
    )
    for name, table in TABLES.items():
        assert table.keys() == samples, f"{name} knows what holds no samples"


def test_one_and_many_are_counted():
    told = [f"{kind.counted(1)}, {kind.counted(2_000)}" for kind in KINDS]
    assert all(kind.singular != kind.plural for kind in own_kinds())
    assert {"1 image, 2,000 images", "1 melody, 2,000 melodies", "1 class, 2,000 classes"} <= {*told}


def test_every_kind_can_be_recorded():
    known = get_args(get_args(AnyModality)[0])
    assert set(known) == set(own_kinds()) and {kind.kind for kind in known} == {k.kind for k in KINDS}
    assert {type(kind) for kind in KINDS} == set(known), "a kind is not tested here"


@dataclass(frozen=True)
class Smell(Modality):
    """A kind of data that somebody added, and forgot its tables."""

    strength: int
    kind: Literal["smell"] = "smell"
    singular, plural, stored_as = "smell", "smells", "float32"
    labels: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int]:
        return (self.strength,)

    def noise(self, count: int, generator: Generator, real: Tensor) -> Tensor:
        return torch.rand(count, self.strength, generator=generator)


def test_a_kind_that_is_in_no_table_is_found():
    assert lacking([*own_kinds(), Smell], TABLES) == [f"Smell is not in {name}" for name in TABLES]
    some = {name: {**table, Smell: None} if name.startswith("pictures") else table for name, table in TABLES.items()}
    assert lacking([Smell], some) == [f"Smell is not in {name}" for name in TABLES if not name.startswith("pictures")]

    class Price(Smell):
        labels = True

    assert lacking([Price], TABLES) == []


@pytest.mark.parametrize(("vocabulary", "length", "separator", "said"), [
    (("<unk>", "<eos>", "a", "b"), 5, " ", ""),
    (("<unk>", "<eos>", "a", "b"), 7, " ", "up to 5 tokens, and up to 7 tokens"),
    (("<unk>", "<eos>", "b", "a"), 5, " ", "the same words, in another order of frequency"),
    (("<unk>", "<eos>", "a", "c"), 5, " ", "new words: 'c'; words that are gone: 'b'"),
    (("<unk>", "<eos>", "a", "b"), 5, "", "words, and characters"),
])  # fmt: skip
def test_what_texts_differ_by(vocabulary: tuple[str, ...], length: int, separator: str, said: str) -> None:
    assert Tokens(("<unk>", "<eos>", "a", "b"), 5).difference(Tokens(vocabulary, length, separator)) == said
