"""Names beside pictures: every script that a font has, numbers for the others, and every pixel in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw

from zerosum.pictures import fonts
from zerosum.pictures.fonts import add_key, displayable, font, label_rows, legend

CAT, DOG = "猫", "狗"


def font_of(characters: str, path: Path) -> Path:
    """A font in which each of these characters is a box."""
    pen = TTGlyphPen(None)
    for corner in ((100, 0), (100, 800), (900, 800), (900, 0)):
        (pen.moveTo if corner == (100, 0) else pen.lineTo)(corner)
    pen.closePath()
    box, names = pen.glyph(), [".notdef", *(f"u{ord(char)}" for char in characters)]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(names)
    made.setupCharacterMap({ord(char): f"u{ord(char)}" for char in characters})
    made.setupGlyf(dict.fromkeys(names, box))
    made.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    made.setupHorizontalHeader(ascent=900, descent=-100)
    made.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(path)
    return path


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The fonts of this machine besides matplotlib's own; at first none."""
    from matplotlib import font_manager

    installed: list[Path] = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(map(str, installed)))
    fonts._file.cache_clear()
    fonts._files.cache_clear()
    yield installed
    fonts._file.cache_clear()
    fonts._files.cache_clear()


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))


def test_a_font_of_the_machine_writes_what_matplotlibs_cannot(machine: list[Path], tmp_path: Path) -> None:
    machine += [font_of(DOG, tmp_path / "Dog.ttf"), font_of(CAT + DOG, tmp_path / "Cats.ttf")]
    found = font(CAT)
    assert found is not None and found.getname()[0] == "Boxes"
    assert displayable(["cat", CAT, DOG + CAT]) == ("cat", CAT, DOG + CAT)
    assert legend(["cat", CAT]) == ""
    shown = pixels(label_rows([Image.new("L", (48, 48))], [CAT]))
    margin = (shown[:, : shown.shape[1] - 48] < 255).any(2)
    assert margin.sum() > 100  # the box of its glyph
    assert not np.array_equal(shown, pixels(label_rows([Image.new("L", (48, 48))], ["0"])))


def test_names_that_no_font_writes_become_numbers_with_a_legend(machine: list[Path]) -> None:
    names = ["cat", CAT, "кошка", "Ångström", DOG]
    assert displayable(names) == ("cat", "1", "кошка", "Ångström", "4")
    assert legend(names) == f"1: {CAT}; 4: {DOG}"
    black = [Image.new("L", (48, 48)) for _ in names]
    assert np.array_equal(pixels(label_rows(black, names)), pixels(label_rows(black, displayable(names))))


def test_files_that_are_no_fonts_are_passed_over(machine: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "Broken.ttf"
    broken.write_bytes(b"not a font")
    machine += [broken, tmp_path / "missing.ttf", font_of(CAT, tmp_path / "Whole.ttf")]
    assert displayable([CAT]) == (CAT,)


def test_upright_fonts_of_usual_weight_come_first(machine: list[Path], tmp_path: Path) -> None:
    machine += [font_of(CAT, tmp_path / name) for name in ("A-Bold.ttf", "B-LightItalic.ttf", "C-Regular.ttf")]
    assert [path.stem for path in fonts._files()] == ["DejaVuSans", "C-Regular", "A-Bold", "B-LightItalic"]


def test_a_real_font_writes_chinese() -> None:
    if not font("猫狗"):
        pytest.skip("no font of this machine has Chinese characters")
    shown = [pixels(label_rows([Image.new("L", (48, 48))], [name])) for name in ("猫", "狗")]
    assert all((x[:, :-48] < 128).any() for x in shown) and not np.array_equal(*shown)


def test_decomposed_names_are_composed(machine: list[Path]) -> None:
    """A folder of a Mac is called e + accent; no glyph of its own is needed for the accent."""
    black = [Image.new("L", (48, 48))]
    assert np.array_equal(pixels(label_rows(black, ["cafe\u0301"])), pixels(label_rows(black, ["caf\u00e9"])))


@pytest.mark.parametrize("name", ["", "  ", "\x00"])
def test_a_name_of_nothing_becomes_its_number(name: str) -> None:
    assert displayable(["cat", name]) == ("cat", "1")


def test_scripts_that_need_shaping_are_not_written_without_it(
    machine: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts.features, "check", lambda feature: feature != "raqm")
    assert displayable(["قطة", "кот"]) == ("0", "кот")


def test_long_names_are_cut_off() -> None:
    short, long = (label_rows([Image.new("L", (48, 48))], [name]).width for name in ("cat", "cat " * 99))
    assert short < long <= 48 + (fonts.LONGEST + 2) * fonts.SIZE


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pictures_stand_below_each_other_beside_their_names(mode: str) -> None:
    blocks = [Image.new(mode, (100, 50)), Image.new(mode, (60, 70)), Image.new(mode, (100, 4))]
    if mode == "RGBA":
        for block in blocks:
            block.putalpha(255)
    shown = label_rows(blocks, ["one", "two\nlines", "three"], gutter=3)
    assert shown.mode == ("L" if mode == "L" else "RGB")
    x = pixels(shown)
    left, low = x.shape[1] - 100, x.shape[0] - 126
    assert low > 4  # as high as a name
    assert (x[:50, left:] == 0).all() and (x[53:123, left : left + 60] == 0).all() and (x[:, left:] == 0).any(1).any()
    assert (x[50:53] == 255).all() and (x[53:123, left + 60 :] == 255).all()
    assert ((x[126:, left:] == 0).all((1, 2))).sum() == 4
    for rows in (slice(0, 50), slice(53, 123), slice(126, None)):
        assert (x[rows, :left] < 255).any()


def test_what_is_transparent_lies_on_white() -> None:
    assert (pixels(label_rows([Image.new("RGBA", (48, 48), (9, 9, 9, 0))], ["a"]))[:, -48:] == 255).all()


def test_a_note_stands_below_everything() -> None:
    blocks = [Image.new("L", (48, 48))]
    bare, noted = label_rows(blocks, ["a"]), label_rows(blocks, ["a"], note="the first 1 of 1,000 classes")
    x = pixels(noted)
    assert np.array_equal(x[:48, : bare.width], pixels(bare))
    assert (x[48:] < 255).any() and noted.width > bare.width  # it is not cut off


def test_letters_grow_with_the_picture() -> None:
    heights = []
    for side in (48, 2000):
        x = pixels(label_rows([Image.new("L", (side, side))], ["a class"]))[:, :-side]
        heights.append(np.ptp((x < 255).any((1, 2)).nonzero()[0]))
    assert heights[1] > 2.5 * heights[0]


def test_a_key_has_a_dot_of_each_colour() -> None:
    picture = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(picture).point((0, 0), "black")
    shown = pixels(add_key(picture, ["a", "b"], ["#ff0000", "#0000ff"], "the first 2 of 9"))
    assert np.array_equal(shown[:300, :300], pixels(picture))
    for color in ((255, 0, 0), (0, 0, 255)):
        assert (shown[:, 300:] == color).all(2).sum() > 20


def test_a_key_longer_than_its_picture_makes_room() -> None:
    colors = ["#ff0000"] * 40
    shown = pixels(add_key(Image.new("RGB", (100, 100), "white"), [f"class {i}" for i in range(40)], colors))
    red = (shown == (255, 0, 0)).all(2).any(1)
    assert np.diff(red.astype(int)).clip(0).sum() == 40
