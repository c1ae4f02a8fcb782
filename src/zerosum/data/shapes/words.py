"""What is said of pictures of shapes, in English and in Chinese, and what such a sentence means."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property

from zerosum.data.text.captions import tokens
from zerosum.modality import Tokens

SIZES, COLOURS, SHAPES = 2, 5, 3  # small and large; red, yellow, green, blue, purple; circle, square, triangle
PLACES, RELATIONS = 5, 4  # middle, left, right, top, bottom; left of, right of, above, below
UNSEEN = ((0, 2), (1, 1), (3, 0))  # colours with shapes that no picture to learn from has: a red triangle, say


@dataclass(frozen=True)
class Thing:
    """A shape. Attributes are numbers, in the order of `Language`; a caption may leave the size out."""

    size: int | None
    colour: int
    shape: int

    @property
    def seen(self) -> bool:
        """Whether pictures to learn from may have it."""
        return (self.colour, self.shape) not in UNSEEN


@dataclass(frozen=True)
class Scene:
    """One shape and its place in the picture, or two, and how the first lies to the second."""

    things: tuple[Thing, ...]
    place: int | None  # of one shape; or the relation of two; None: not said

    @property
    def turned(self) -> Scene:
        """The same two shapes, the second first."""
        first, second = self.things
        return Scene((second, first), None if self.place is None else self.place ^ 1)


@dataclass(frozen=True)
class Language:
    """Words in the order of their numbers, and how sentences are made of them."""

    sizes: tuple[str, ...]
    colours: tuple[str, ...]
    shapes: tuple[str, ...]
    places: tuple[str, ...]
    relations: tuple[str, ...]
    thing: str  # of {size}, {colour} and {shape}
    alone: str  # of {first} and {place}
    pair: str  # of {first}, {second} and {place}
    separator: str

    def write(self, scene: Scene) -> str:
        """A sentence on a scene; what is None in it is not said."""
        first, *others = map(self._write_thing, scene.things)
        words = self.relations if others else self.places
        place = "" if scene.place is None else words[scene.place]
        pattern = self.pair if others else self.alone
        return self.separator.join(pattern.format(first=first, second="".join(others), place=place).split())

    def read(self, text: str) -> Scene | None:
        """What a sentence says; None where it is none of these."""
        said = "".join(tokens(text))
        if (found := self._alone.fullmatch(said)) is not None:
            place = found["place"]
            return Scene((self._thing(found, "first"),), None if place is None else _number(self.places, place))
        if (found := self._pair.fullmatch(said)) is not None:
            things = self._thing(found, "first"), self._thing(found, "second")
            return Scene(things, _number(self.relations, found["place"]))
        return None

    def captions(self, scene: Scene) -> list[str]:
        """All that is true of a picture: with each size or without, with a place or without, from either shape."""
        if len(scene.things) == 1:
            places, turns = [scene.place, None], [scene]
        else:
            places, turns = [scene.place], [scene, scene.turned]
        said = []
        for turn in turns:
            for sizes in itertools.product(*((thing.size, None) for thing in turn.things)):
                things = tuple(Thing(size, t.colour, t.shape) for size, t in zip(sizes, turn.things, strict=True))
                said += [self.write(Scene(things, turn.place if place is not None else None)) for place in places]
        return said

    @cached_property
    def kind(self) -> Tokens:
        """The vocabulary, whatever pictures were drawn, and the longest caption."""
        things = [Thing(size, c, s) for size in (0, 1) for c in range(COLOURS) for s in range(SHAPES)]
        said = [self.write(Scene((thing,), place)) for thing in things for place in range(PLACES)]
        pairs = itertools.product(things, things)
        said += [self.write(Scene(pair, place)) for pair in pairs for place in range(RELATIONS)]
        texts = [tokens(text) for text in said]
        known = sorted({token for text in texts for token in text})
        return Tokens((Tokens.UNKNOWN, Tokens.END, *known), max(map(len, texts)) + 1, self.separator)

    def _write_thing(self, thing: Thing) -> str:
        size = "" if thing.size is None else self.sizes[thing.size]
        return self.thing.format(size=size, colour=self.colours[thing.colour], shape=self.shapes[thing.shape])

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        return re.compile(
            _joined(self.alone).format(first=self._pattern("first"), place=f"{_any(self.places, 'place')}?")
        )

    @cached_property
    def _pair(self) -> re.Pattern[str]:
        first, second = self._pattern("first"), self._pattern("second")
        return re.compile(_joined(self.pair).format(first=first, second=second, place=_any(self.relations, "place")))

    def _pattern(self, name: str) -> str:
        return _joined(self.thing).format(
            size=f"{_any(self.sizes, f'{name}_size')}?",
            colour=_any(self.colours, f"{name}_colour"),
            shape=_any(self.shapes, f"{name}_shape"),
        )

    def _thing(self, found: re.Match[str], name: str) -> Thing:
        size = found[f"{name}_size"]
        colour, shape = _number(self.colours, found[f"{name}_colour"]), _number(self.shapes, found[f"{name}_shape"])
        return Thing(None if size is None else _number(self.sizes, size), colour, shape)


def _joined(text: str) -> str:
    return "".join(text.split())


def _any(words: tuple[str, ...], name: str) -> str:
    return f"(?P<{name}>{'|'.join(map(_joined, words))})"


def _number(words: tuple[str, ...], joined: str) -> int:
    return [*map(_joined, words)].index(joined)


ENGLISH = Language(
    sizes=("small", "large"),
    colours=("red", "yellow", "green", "blue", "purple"),
    shapes=("circle", "square", "triangle"),
    places=("in the middle", "on the left", "on the right", "at the top", "at the bottom"),
    relations=("left of", "right of", "above", "below"),
    thing="a {size} {colour} {shape}",
    alone="{first} {place}",
    pair="{first} {place} {second}",
    separator=" ",
)
CHINESE = Language(
    sizes=("小的", "大的"),
    colours=("红色", "黄色", "绿色", "蓝色", "紫色"),
    shapes=("圆形", "正方形", "三角形"),
    places=("在中间", "在左边", "在右边", "在上边", "在下边"),
    relations=("左边", "右边", "上边", "下边"),
    thing="一个{size}{colour}{shape}",
    alone="{first}{place}",
    pair="{first}在{second}的{place}",
    separator="",
)


def meaning(text: str) -> Scene | None:
    """What a sentence in either language says; None where it is about something else."""
    return ENGLISH.read(text) or CHINESE.read(text)
