"""Pictures of shapes: what is drawn and said of it, what never occurs, and how well the checker reads them."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum import data
from zerosum.batches import Captioned
from zerosum.data.shapes.checker import agrees, read, shows
from zerosum.data.shapes.drawing import Drawn, draw
from zerosum.data.shapes.words import CHINESE, ENGLISH, UNSEEN, Language, Scene, Thing, meaning
from zerosum.data.text.captions import tokens
from zerosum.modality import Tokens, to_float


def drawn(count: int, side: int, unseen: bool = False) -> Drawn:
    return draw(count, side, torch.Generator().manual_seed(5), unseen)


def read_right(images: Tensor, scenes: list[Scene]) -> float:
    """The share of pictures that are read as they were drawn."""
    return sum(seen is not None and agrees(seen, own) for seen, own in zip(read(images), scenes, strict=True)) / len(
        scenes
    )


RED, GREEN = Thing(0, 0, 0), Thing(1, 2, 1)

# ---- words


@pytest.mark.parametrize(
    ("language", "scene", "text"),
    [
        (ENGLISH, Scene((RED, Thing(None, 3, 1)), 0), "a small red circle left of a blue square"),
        (ENGLISH, Scene((GREEN,), 3), "a large green square at the top"),
        (ENGLISH, Scene((Thing(None, 4, 2),), None), "a purple triangle"),
        (CHINESE, Scene((RED, Thing(None, 3, 1)), 0), "一个小的红色圆形在一个蓝色正方形的左边"),
        (CHINESE, Scene((GREEN,), 3), "一个大的绿色正方形在上边"),
    ],
)
def test_sentences_are_written_and_read(language: Language, scene: Scene, text: str) -> None:
    assert language.write(scene) == text and meaning(text) == scene
    assert meaning(f"  {text.upper()} ") == scene


@pytest.mark.parametrize("text", ["", "a cat", "a red", "a red circle left of", "a red circle left a blue square"])
def test_other_sentences_say_nothing_of_shapes(text: str) -> None:
    assert meaning(text) is None


def test_all_captions_of_a_picture_are_true_of_it() -> None:
    for scene in drawn(200, 16).scenes:
        for language in (ENGLISH, CHINESE):
            said = language.captions(scene)
            assert len(set(said)) == len(said) == (4 if len(scene.things) == 1 else 8)
            assert all(agrees(scene, meaning(text)) for text in said)


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (Scene((RED, GREEN), 0), True),
        (Scene((GREEN, RED), 1), True),
        (Scene((GREEN, RED), 0), False),
        (Scene((RED, GREEN), 1), False),
        (Scene((RED, GREEN), 2), False),
        (Scene((Thing(None, 0, 0), GREEN), 0), True),
        (Scene((Thing(1, 0, 0), GREEN), 0), False),
        (Scene((RED, Thing(1, 2, 0)), 0), False),
        (Scene((RED,), None), False),
    ],
)
def test_a_sentence_is_true_where_all_that_it_says_is(said: Scene, true: bool) -> None:
    assert agrees(Scene((RED, GREEN), 0), said) is true


# ---- the source


@pytest.mark.parametrize("name", ["shapes", "shapes-zh"])
def test_a_source_has_pictures_and_their_captions(name: str) -> None:
    learnt, test = data.load(name), data.load(f"{name}:test")
    assert learnt.shape == (3, 32, 32) and (len(learnt), len(test)) == (6000, 1000)
    assert learnt.spec.fields["text"] == test.spec.fields["text"], "one vocabulary"
    field, kind = learnt.fields["text"], learnt.fields["text"].modality
    assert field.several is not None and isinstance(kind, Tokens)
    assert not (field.several.values == kind.vocabulary.index("<unk>")).any()
    assert bool(shows(learnt.x[:50], kind.write(field.stored[:50])).all())


def test_combinations_that_are_held_out_are_in_no_picture_to_learn_from() -> None:
    learnt, test = drawn(2000, 16).scenes, drawn(500, 16, unseen=True).scenes
    assert {(t.colour, t.shape) for scene in learnt for t in scene.things}.isdisjoint(UNSEEN)
    assert all(any(not t.seen for t in scene.things) for scene in test)
    kinds = {(t.colour, t.shape) for scene in learnt for t in scene.things}
    assert len(kinds) == 15 - len(UNSEEN)
    for k in (0, 1):
        assert {kind[k] for kind in kinds} == {kind[k] for kind in kinds | set(UNSEEN)}, "each word is learnt"


def test_a_seed_and_a_size_decide_the_pictures() -> None:
    one, same, other = data.load("shapes:test"), data.load("shapes:test"), data.load("shapes:test", seed=1)
    assert torch.equal(one.x, same.x) and one.fingerprint == same.fingerprint
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    large = data.load("shapes:test", size=(64, 64))
    assert large.shape == (3, 64, 64) and large.fingerprint != one.fingerprint
    assert torch.equal(large.fields["text"].stored, one.fields["text"].stored)
    assert data.load("shapes:test", size=(24, 48)).shape == (3, 24, 48)


def test_a_wrong_caption_is_not_true_of_its_picture() -> None:
    learnt = data.load("shapes")
    stream, kind = data.Stream(learnt, 500, seed=0, batch=Captioned), learnt.fields["text"].modality
    assert isinstance(kind, Tokens)
    batch = stream()
    images = learnt.modality.store(batch.x)
    assert bool(shows(images, kind.write(batch.text)).all())
    assert not bool(shows(images, kind.write(batch.wrong)).any())


# ---- the checker


@pytest.mark.parametrize(("side", "least"), [(16, 0.97), (24, 0.995), (32, 0.999), (48, 0.999), (64, 0.999)])
@pytest.mark.parametrize("unseen", [False, True])
def test_the_checker_reads_what_was_drawn(side: int, least: float, unseen: bool) -> None:
    images, scenes = drawn(1000, side, unseen)
    assert read_right(images, scenes) >= least


@pytest.mark.parametrize(("side", "least"), [(16, 0.86), (24, 0.96), (32, 0.99), (64, 0.99)])
def test_noise_of_a_tenth_of_the_range_does_little_harm(side: int, least: float) -> None:
    images, scenes = drawn(500, side)
    x = to_float(images)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert read_right((x + 0.2 * noise).clamp(-1, 1), scenes) >= least


@pytest.mark.parametrize(("side", "least"), [(32, 0.8), (64, 0.99)])
def test_soft_edges_do_little_harm(side: int, least: float) -> None:
    images, scenes = drawn(500, side)
    soft = F.avg_pool2d(to_float(images), 3, stride=1, padding=1, count_include_pad=False)
    assert read_right(soft, scenes) >= least


def test_what_is_no_shape_is_not_read() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(50, 3, 32, 32, generator=generator) * 2 - 1
    assert read(noise) == [None] * 50 and read(torch.zeros(2, 3, 32, 32)) == [None] * 2
    whole = torch.tensor([1.0, -1, -1]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert read(whole) == [None], "a red picture is no red shape"
    x = to_float(drawn(100, 32).images)
    between = [scene for scene in read((x[:50] + x[50:]) / 2) if scene is not None]
    assert len(between) <= 20, "two pictures in one are rarely one picture"


def test_a_caption_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="'a cat' is no caption of shapes"):
        shows(drawn(1, 32).images, ["a cat"])


@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_the_longest_caption_fits(language: Language) -> None:
    things = [Thing(size, colour, shape) for size in (0, 1) for colour in range(5) for shape in range(3)]
    longest = max(len(tokens(language.write(Scene(pair, 0)))) for pair in itertools.product(things, things))
    assert language.kind.length == longest + 1, "and its <eos>"
