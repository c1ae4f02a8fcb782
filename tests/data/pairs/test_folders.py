"""Pairs of images: by name, side by side, and two collections that are not aligned."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from zerosum.batches import Paired, Unpaired
from zerosum.data import DataError, Stream, check, load
from zerosum.data.sources import absolute
from zerosum.modality import Image


def save(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "L") -> None:
    """An image of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.new("L", (size[1], size[0]), value).convert(mode).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five a, whose values are 10 k, in an odd order of endings, and their b, of 100 + 10 k."""
    for k, (a, b) in enumerate((("png", "bmp"), ("bmp", "png"), ("png", "png"), ("gif", "tif"), ("png", "gif"))):
        save(tmp_path / "photos" / "a" / f"图{k}.{a}", 10 * k)
        save(tmp_path / "photos" / "b" / f"图{k}.{b}", 100 + 10 * k)
    return tmp_path / "photos"


def values(x: torch.Tensor) -> list[int]:
    assert (x == x[:, :1, :1, :1]).all()
    return [int(v) for v in x[:, 0, 0, 0]]


def test_equal_names_are_pairs_whatever_their_ending(photos: Path) -> None:
    data = load(f"pairs:{photos / 'a'},{photos / 'b'}")
    a, b = data.fields["a"], data.fields["b"]
    assert a.modality == b.modality == Image(1, 6, 4) and a.deck == b.deck
    assert values(a.stored) == [0, 10, 20, 30, 40] and values(b.stored) == [100, 110, 120, 130, 140]
    assert len(data) == 5 and data.problems == ()
    batch = Stream(data, 4, seed=0, batch=Paired)()
    assert [v + 100 for v in values((batch.a + 1) * 127.5 + 0.5)] == values((batch.b + 1) * 127.5 + 0.5)


@pytest.mark.parametrize("sides", [("a", "b"), ("A", "B"), ("trainA", "trainB")])
@pytest.mark.parametrize("kind", ["pairs", "unpaired"])
def test_one_folder_holds_both(tmp_path: Path, kind: str, sides: tuple[str, str]) -> None:
    for side, value in zip(sides, (7, 9), strict=True):
        save(tmp_path / side / "x.png", value)
    data = load(f"{kind}:{tmp_path}")
    assert (values(data.fields["a"].stored), values(data.fields["b"].stored)) == ([7], [9])


def test_sub_folders_are_part_of_the_name(tmp_path: Path) -> None:
    for k, name in enumerate(("x/1.png", "y/1.png", "1.v2.png")):
        save(tmp_path / "a" / name, k)
        save(tmp_path / "b" / name, 50 + k)
    data = load(f"pairs:{tmp_path}")
    assert [b - a for a, b in zip(*(values(data.fields[n].stored) for n in "ab"), strict=True)] == [50] * 3


def test_images_without_a_partner_are_named(photos: Path) -> None:
    save(photos / "a" / "lonely.png", 1)
    save(photos / "b" / "other.png", 1)
    (photos / "a" / "图1.bmp").write_bytes(b"no image")
    data = load(f"pairs:{photos}")
    assert values(data.fields["a"].stored) == [0, 20, 30, 40] and values(data.fields["b"].stored) == [
        100,
        120,
        130,
        140,
    ]
    assert sorted(map(str, data.problems)) == sorted(
        [
            "a/图1.bmp: not an image, or damaged from its first bytes on",
            f"a/lonely.png: there is no image of this name in {photos / 'b'}",
            f"b/other.png: there is no image of this name in {photos / 'a'}",
            f"b/图1.png: its partner in {photos / 'a'} cannot be read",
        ]
    )


def test_two_files_of_one_name_are_no_pair(photos: Path) -> None:
    save(photos / "a" / "图0.bmp", 255)
    with pytest.raises(DataError, match=r"has both 图0\.bmp and 图0\.png; .*one of them"):
        load(f"pairs:{photos}")


def test_unpaired_collections_are_decks_of_their_own(photos: Path) -> None:
    save(photos / "b" / "more.png", 200)
    data = load(f"unpaired:{photos}")
    assert {name: (len(field), field.deck) for name, field in data.fields.items()} == {"a": (5, "a"), "b": (6, "b")}
    assert len(data) == 6 and data.problems == ()
    stream = Stream(data, 6, seed=0, batch=Unpaired)
    batches = [stream() for _ in range(5)]
    assert sorted(values((batches[0].b + 1) * 127.5 + 0.5)) == [100, 110, 120, 130, 140, 200]
    assert sorted(v for batch in batches for v in values((batch.a + 1) * 127.5 + 0.5)) == sorted(
        [0, 10, 20, 30, 40] * 6
    )
    with pytest.raises(DataError, match=r"draws pairs, and a and b of .* do not belong together"):
        Stream(data, 2, seed=0, batch=Paired)
    assert Stream(load(f"pairs:{photos}"), 2, seed=0, batch=Unpaired)().a.shape == (2, 1, 6, 4)


@pytest.mark.parametrize("size", [(4, 10), (5, 14)])
def test_halves_are_exact(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (3, height, width, 3), np.uint8)
    for k, image in enumerate(pixels):
        Picture.fromarray(image).save(tmp_path / f"{k}.png")
    data = load(f"side-by-side:{tmp_path}")
    expected = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    assert torch.equal(data.fields["a"].stored, expected[..., : width // 2])
    assert torch.equal(data.fields["b"].stored, expected[..., width // 2 :])
    assert data.fields["a"].modality == Image(3, height, width // 2) and data.fields["a"].deck == data.fields["b"].deck


def test_halves_of_any_size_are_scaled_each(tmp_path: Path) -> None:
    """A black half beside a white one: neither takes anything of the other."""
    for k, (height, width) in enumerate(((40, 120), (64, 64))):
        pixels = np.zeros((height, width), np.uint8)
        pixels[:, width // 2 :] = 255
        Picture.fromarray(pixels).save(tmp_path / f"{k}.png")
    data = load(f"side-by-side:{tmp_path}", size=(8, 8))
    assert data.fields["a"].modality == Image(1, 8, 8)
    assert (data.fields["a"].stored == 0).all() and (data.fields["b"].stored == 255).all()


def test_sizes(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", 1, (6, 4))
    save(tmp_path / "b" / "x.png", 1, (13, 9))  # twice as large, and rounded
    data = load(f"pairs:{tmp_path}")
    assert data.spec.a.shape == data.spec.b.shape == (1, 64, 64)
    assert load(f"pairs:{tmp_path}", size=(5, 3)).spec.b.shape == (1, 5, 3)


def test_pairs_that_would_be_cropped_apart_are_named(photos: Path, tmp_path: Path) -> None:
    save(photos / "a" / "wide.png", 1, (8, 8))
    save(photos / "b" / "wide.png", 1, (10, 12))
    for data in (load(f"pairs:{photos}"), load(f"pairs:{photos}", size=(6, 4))):
        assert len(data) == 5
        assert [str(p) for p in data.problems] == [
            "a/wide.png: it has 8x8 pixels and its partner 10x12; crop both alike"
        ]
    save(tmp_path / "a" / "x.png", 1, (8, 8))
    save(tmp_path / "b" / "x.png", 1, (10, 12))
    with pytest.raises(DataError, match=r"no pair of .* is of one form; a/x\.png: it has 8x8 pixels"):
        load(f"pairs:{tmp_path}")


def test_each_side_has_its_own_colours(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", 1)
    save(tmp_path / "b" / "x.png", 1, mode="RGB")
    for kind in ("pairs", "unpaired"):
        data = load(f"{kind}:{tmp_path}")
        assert (data.spec.a.shape, data.spec.b.shape) == ((1, 6, 4), (3, 6, 4))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pairs", "pairs: name two folders, as pairs:A,B, or one that holds them as a and b"),
        ("unpaired:", "name two folders, as unpaired:A,B"),
        ("pairs:photos/a,photos/b,photos/a", "name two folders, as pairs:A,B"),
        ("pairs:photos/a", "photos/a has no sub-folders a and b; name the two folders: pairs:A,B"),
        ("pairs:photos/a,photos/c", "there is no folder photos/c; check the spelling"),
        ("unpaired:photos/a,empty", "no image in empty"),
        ("pairs:photos/a,others", r"no image of photos/a has the name of one of others; .* unpaired:photos/a,others"),
        ("side-by-side", "name the folder: side-by-side:FOLDER"),
        ("side-by-side:nowhere", "there is no folder nowhere; check the spelling"),
        ("side-by-side:photos/a/图0.png", "there is no folder photos/a/图0.png; check the spelling"),
    ],
)
def test_what_cannot_be_paired(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "others" / "z.png", 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=says):
        load(name)


def test_the_name_of_a_record_finds_the_data_from_any_folder(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("pairs:photos/a,photos/b", "pairs:photos", "unpaired:photos", "side-by-side:photos/a")
    before = [(absolute(name), load(name).fingerprint) for name in names]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [load(name).fingerprint for name, _ in before] == [fingerprint for _, fingerprint in before]
    assert absolute(before[0][0]) == before[0][0] == f"pairs:{photos / 'a'},{photos / 'b'}"


def test_what_a_check_says(photos: Path) -> None:
    save(photos / "a" / "lonely.png", 1)
    save(photos / "b" / "图4.gif", 100)
    text = "\n".join(check(f"pairs:{photos}").lines())
    assert "training would use 5 aligned pairs: a 1x6x4, b 1x6x4;" in text
    assert "left out: 1\n  a/lonely.png: there is no image of this name" in text
    assert "duplicates of b: 1 of 5 repeat another: 0 = 4" in text
    text = "\n".join(check(f"unpaired:{photos}").lines())
    assert "training would use 6 images of 1x6x4 as a and 5 images of 1x6x4 as b, unpaired;" in text


def test_accents_in_another_form_are_one_name(tmp_path: Path) -> None:
    for form, side in (("NFC", "a"), ("NFD", "b")):
        for k in range(3):
            save(tmp_path / side / f"{unicodedata.normalize(form, 'é')}{k}.PNG", k)
    data = load(f"pairs:{tmp_path}")
    assert len(data) == 3 and data.problems == () and torch.equal(data.fields["a"].stored, data.fields["b"].stored)


@pytest.mark.parametrize("kind", ["pairs", "unpaired"])
def test_a_folder_given_twice_is_said(tmp_path: Path, kind: str) -> None:
    save(tmp_path / "a" / "1.png", 3)
    save(tmp_path / "a" / "2.png", 4)
    given = check(f"{kind}:{tmp_path / 'a'},{tmp_path / 'a'}/")
    assert any("is given twice" in line for line in given.lines())


def test_one_missing_partner_among_a_thousand_is_named(tmp_path: Path) -> None:
    for k in range(1000):
        save(tmp_path / "a" / f"{k}.png", 1)
        if k != 617:
            save(tmp_path / "b" / f"{k}.png", 2)
    report = check(f"pairs:{tmp_path}")
    said = [line for line in report.lines() if "617" in line]
    assert len(report.data) == 999 and len(said) == 1 and "there is no image of this name in" in said[0]
