"""What a folder is found to hold: images by their bytes, what zerosum wrote, and all that is passed over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.data import DataError, Dataset, check, load
from zerosum.data.images.contents import IMAGE, OF_RUN, PICTURE, kind, look
from zerosum.pictures import film, grids, png
from zerosum.run.artifacts import ARTIFACTS

RUN = {"format": 3, "recipe": "dcgan", "training": {}, "data": {}}


def image(path: Path, stored: str | None = None, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value, 20, 30)).save(path, stored)
    return path


def loaded(root: Path) -> Dataset:
    return load(str(root))


# -- kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("name", ["plain", "a.txt", "b.heic", "c.JPG", "d.dat"])
def test_images_are_known_by_their_bytes_whatever_they_are_called(stored: str, name: str, tmp_path: Path) -> None:
    image(tmp_path / name, stored)
    data = loaded(tmp_path)
    assert len(data) == 1 and data.problems == () and data.notes == ()


def test_tga_has_no_mark_and_goes_by_its_name(tmp_path: Path) -> None:
    for k, name in enumerate(("a.tga", "B.TGA")):
        image(tmp_path / name, "TGA", k)
    (tmp_path / "c.tga").write_bytes(b"no image")
    data = loaded(tmp_path)
    assert len(data) == 2 and [problem.path for problem in data.problems] == ["c.tga"]


HEIF = b"\0\0\0\x18ftypheic" + bytes(64)


@pytest.mark.parametrize(
    ("name", "head", "what"),
    [
        ("a.HEIC", HEIF, "HEIF"),
        ("a.jpg.part", HEIF, "HEIF"),
        ("a.jxl", b"\xff\x0a" + bytes(20), "JPEG XL"),
        ("a.psd", b"8BPS\0\1" + bytes(20), "Photoshop"),
        ("a.svg", b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="x">', "SVG"),
        ("a.NEF", b"II*\0" + bytes(20), "camera raw"),  # whose first page is a small preview
        ("a.dcm", bytes(128) + b"DICM" + bytes(9), "DICOM"),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(20), "video"),
        ("all.zip", b"PK\x03\x04" + bytes(20), "archive"),
        ("BMW list.txt", b"BMW and others, a list of cars", ".txt"),
        ("P5 notes.txt", b"P5 was a fine engine", ".txt"),
        ("README", b"words", "without an ending"),
        ("empty", b"", "without an ending"),
    ],
)
def test_what_is_no_image_to_read_is_counted_and_named(name: str, head: bytes, what: str, tmp_path: Path) -> None:
    assert kind(head, name) == (what, False)
    image(tmp_path / "good.png")
    (tmp_path / name).write_bytes(head)
    data = loaded(tmp_path)
    assert len(data) == 1 and data.problems == ()
    (note,) = data.notes
    assert note.startswith(f"passed over 1 file without an image to read: 1 {what} ({name})")
    assert ("convert them to PNG or JPEG" in note) == (what not in ("video", "archive", ".txt", "without an ending"))


def test_all_that_is_passed_over_is_said_where_it_is_checked_trained_and_planned(tmp_path: Path) -> None:
    for k in range(3):
        image(tmp_path / f"{k}.jpg", value=k)
    for k in range(20):
        (tmp_path / f"{k}.HEIC").write_bytes(HEIF)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "notes.txt").write_text("x")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    expected = (
        "passed over 21 files without an image to read: 1 .txt (sub/notes.txt), 20 HEIF (0.HEIC, 1.HEIC, 10.HEIC ...); "
        "to train on HEIF, convert them to PNG or JPEG",
        "passed over 1 hidden file or folder: .DS_Store",
    )
    assert check(str(tmp_path)).data.notes == expected
    assert {f"note: {note}" for note in expected} < set(check(str(tmp_path)).lines())


def test_a_hidden_folder_with_images_is_not_called_one_without(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    image(tmp_path / ".thumbnails" / "a.png")
    image(tmp_path / ".b.png")
    assert loaded(tmp_path).notes == ("passed over 2 hidden files and folders: .b.png, .thumbnails",)


@pytest.mark.parametrize(
    ("name", "content", "cure"),
    [
        ("all.zip", b"PK\x03\x04", "1 archive (all.zip); to train on what archives hold, unpack them"),
        ("0.npy", b"\x93NUMPY\1\0", "1 array (0.npy); arrays are data on their own: put all in one file"),
        ("0.npz", b"PK\x03\x04", "1 array (0.npz); arrays are data on their own: put all in one file"),
        ("a.ico", b"\0\0\1\0\1\0\x10\x10", "1 ICO (a.ico); to train on ICO, convert them"),
        ("a.pcx", b"\x0a\5\1\x08" + bytes(124), "1 PCX (a.pcx); to train on PCX, convert them"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "1 EPS (a.eps); to train on EPS, convert them"),
        ("a.docx", b"PK\x03\x04", "1 .docx (a.docx); give a folder of"),
    ],
)
def test_a_folder_without_images_says_what_to_do_with_what_it_has(
    name: str, content: bytes, cure: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"passed over 1 file without an image to read: {cure}")):
        loaded(tmp_path)


def test_folders_may_be_nested_deeper_than_python_calls(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    image(tmp_path.joinpath(*["d"] * 300, "b.png"))
    usual = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(300)
        assert len(look(tmp_path).used()) == 2
    finally:
        sys.setrecursionlimit(usual)


def test_what_waits_or_never_ends_is_not_opened(tmp_path: Path) -> None:
    """A pipe that is called an image would block its reader for ever, /dev/zero would fill the memory."""
    image(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "dead.txt").symlink_to(tmp_path / "nothing")
    data = loaded(tmp_path)
    assert len(data) == 1
    assert data.notes == ("passed over 2 files without an image to read: 2 pipes and devices (pipe.png, zero.jpg)",)
    assert sorted(problem.path for problem in data.problems) == ["dead.txt", "itself"]


# -- what zerosum wrote -----------------------------------------------------------------------------------------------


def test_every_file_of_a_run_is_known() -> None:
    for artifact in ARTIFACTS:
        name = artifact.path.replace("-N", "-12")
        assert name.partition("/")[0] in ("checkpoints", "tensorboard", "samples") or OF_RUN.fullmatch(name), name


def a_run(path: Path) -> None:
    """With pictures of an older version, which have no mark."""
    (path / "samples").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(RUN))
    for name in ("samples.png", "neighbours.png", "film.gif", "samples/step-00000010.png"):
        image(path / name, value=99)
    (path / "report.html").write_text("x")
    (path / ".lock").touch()
    (path / "checkpoints" / "step-1").mkdir(parents=True)
    image(path / "checkpoints" / "step-1" / "no.png")


@pytest.mark.parametrize("where", [".", "runs/dcgan-1", "cat"])
def test_a_run_in_its_data_is_left_out_and_said(where: str, tmp_path: Path) -> None:
    """Beside the images, below them, and in the very folder of a class or of all: what is not the run's stays."""
    for name in ("cat/1.png", "cat/samples/2.png", "samples/mine.png"):
        image(tmp_path / name)
    before = loaded(tmp_path)
    path = tmp_path / where
    (path / "samples").rename(tmp_path / "kept") if (path / "samples").exists() else None
    a_run(path)
    if (tmp_path / "kept").exists():
        for file in (tmp_path / "kept").iterdir():
            file.rename(path / "samples" / file.name)
        (tmp_path / "kept").rmdir()
    after = loaded(tmp_path)
    assert after.fingerprint == before.fingerprint and after.classes == ("cat", "samples")
    named = {".": "this folder itself"}.get(where, where)
    assert after.notes == (f"left out what runs of zerosum wrote: {named} (4 pictures)",)


def test_a_run_alone_is_no_data(tmp_path: Path) -> None:
    a_run(tmp_path)
    with pytest.raises(DataError, match=r"no image in .*; left out what runs of zerosum wrote: this folder itself \(4"):
        loaded(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", "[" * 100_000, '{"recipe": "pasta", "format": 1}'])
def test_a_run_json_of_others_makes_no_run(content: str, tmp_path: Path) -> None:
    image(tmp_path / "samples.png")
    (tmp_path / "run.json").write_text(content)
    assert len(loaded(tmp_path)) == 1


def test_pictures_and_samples_are_known_by_their_marks(tmp_path: Path) -> None:
    for k in range(3):
        image(tmp_path / f"{k}.png", value=k)
    before = loaded(tmp_path)
    picture = Image.new("RGB", (30, 30))
    png.save(png.with_caption(picture, "t", "long " * 2000), tmp_path / "cats.png")
    film.film([picture, Image.new("RGB", (30, 30), "red")], tmp_path / "walk.gif")
    grids.save_each(torch.zeros(2, 3, 8, 8), tmp_path / "more")
    png.save(picture, tmp_path / "out" / "translated.png", png.IMAGE)
    after = loaded(tmp_path)
    assert after.fingerprint == before.fingerprint and after.y is None
    assert after.notes == (
        "left out 2 pictures that zerosum drew: cats.png, walk.gif",
        "left out 3 images that zerosum made: more/00000.png, more/00001.png, out/translated.png; to train on them, "
        "name a folder that has no others",
    )


def test_a_folder_of_made_images_alone_is_data(tmp_path: Path) -> None:
    """As `zerosum evaluate` and `train` take what `sample` and `synthesize` wrote; beside others it is left out."""
    grids.save_each(torch.zeros(2, 3, 8, 8), tmp_path / "made" / "cat")
    (tmp_path / "made" / "synthesis.json").write_text('{"run": "r", "recipe": "dcgan", "classes": {}}')
    data = loaded(tmp_path / "made")
    assert len(data) == 2 and data.classes == ("cat",)
    Image.new("RGB", (8, 8)).save(tmp_path / "made" / "cat" / "of an older version.png")
    assert len(loaded(tmp_path / "made")) == 1
    image(tmp_path / "real" / "1.png")
    (tmp_path / "made").rename(tmp_path / "real" / "made")
    data = loaded(tmp_path / "real")
    assert len(data) == 1 and "3 images that zerosum made" in data.notes[0]


def test_marks_survive_what_a_file_holds_else(tmp_path: Path) -> None:
    palette = Image.fromarray(np.zeros((8, 8), np.uint8)).convert("P")
    palette.save(tmp_path / "a.png", pnginfo=png.marked())
    grey = grids.save_each(torch.zeros(1, 1, 8, 8), tmp_path)[0]
    for path, written in ((tmp_path / "a.png", PICTURE), (grey, IMAGE)):
        with Image.open(path) as opened:
            assert opened.info["Software"] == written
    found = look(tmp_path)
    assert found.drawn == ["a.png"] and [one.name for one in found.images if one.made] == ["00000.png"]


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_utf_8_or_steer_a_terminal(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path) + b"/\xe4"
    for name in (b"K\xe4tzchen/0.png", b"K\xf6tzchen/1.png", b"\x1b[31mred\n/2.png", b"[bold]/3.png"):
        path = root + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(image(tmp_path / "one.png").read_bytes())
    with open(root + b"/br\xfcchig.png", "wb") as file:
        file.write(b"no image")
    with open(root + b"/notes\x07.txt", "wb") as file:
        file.write(b"")
    report = check(os.fsdecode(root))
    assert report.data.classes == ("K�e4tzchen", "K�f6tzchen", "[bold]", "␛[31mred␊")
    assert [str(problem) for problem in report.data.problems] == [
        "br�fcchig.png: not an image, or damaged from its first bytes on"
    ]
    text = "\n".join(report.lines())
    assert report.data.name == f"{tmp_path}/�e4"
    assert "notes␇.txt" in text and not re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", text)
    done = subprocess.run(
        [sys.executable, "-m", "zerosum", "data", "check", root], capture_output=True, check=True, text=True
    )
    assert "[bold] (1)" in done.stdout and "\x1b" not in done.stdout + done.stderr
