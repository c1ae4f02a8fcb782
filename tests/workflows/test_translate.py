"""Translating image files at their own size: names, transparency, turns, tiles, both directions, going on, errors."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zerosum
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.pictures import png
from zerosum.pictures.png import save_deep
from zerosum.run import passage
from zerosum.run.passage import Passage
from zerosum.util import memory
from zerosum.workflows import together
from zerosum.workflows import translate as workflow
from zerosum.workflows.translate import translate

QUICK: dict[str, Any] = {"steps": 2, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each translator, of colour images of 24 pixels."""
    folder = tmp_path_factory.mktemp("runs")
    x = np.random.default_rng(0).integers(0, 256, (9, 24, 24, 3), dtype=np.uint8)
    np.save(folder / "x.npy", x)
    narrow = {"network": {"width": 4}, "patch": {"width": 2}}
    zerosum.train("pix2pix", f"denoise:{folder / 'x.npy'}", folder / "pix2pix", **narrow, **QUICK)
    zerosum.train("cyclegan", f"unpaired:invert:{folder / 'x.npy'}", folder / "cyclegan", **narrow, **QUICK)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Images of several sizes and kinds."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    draw = np.random.default_rng(1)
    Image.fromarray(draw.integers(0, 256, (30, 50, 3), dtype=np.uint8)).save(folder / "a.png")
    Image.fromarray(draw.integers(0, 256, (17, 40), dtype=np.uint8)).save(folder / "grey.bmp")
    rgba = draw.integers(0, 256, (25, 31, 4), dtype=np.uint8)
    rgba[..., 3] = np.linspace(0, 255, 31, dtype=np.uint8)
    Image.fromarray(rgba).save(folder / "more" / "clear.png")
    turned = Image.fromarray(draw.integers(0, 256, (20, 44, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(folder / "turned.jpg", exif=exif)
    return folder


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_images_keep_their_size_their_names_and_what_is_transparent(runs: Path, photos: Path, name: str) -> None:
    out = photos.parent / "out"
    found = translate(runs / name, photos, out)
    shapes = {str(path.relative_to(out)): pixels(path).shape for path in found.files}
    clear = shapes.pop("more/clear.png")
    assert shapes == {"a.png": (30, 50, 3), "grey.png": (17, 40, 3), "turned.png": (44, 20, 3)} and clear == (25, 31, 4)
    made = pixels(out / "more" / "clear.png")
    assert np.array_equal(made[..., 3], pixels(photos / "more" / "clear.png")[..., 3])
    assert found.problems == () and found.kept == 0


def test_super_resolution_enlarges_images_of_any_size(runs: Path, photos: Path) -> None:
    network = {"width": 4, "blocks": 1}
    zerosum.train("srgan/pixels", f"shrink@2:{runs / 'x.npy'}", runs / "sr", network=network, **QUICK)
    out = photos.parent / "out"
    found = translate(runs / "sr", photos, out)
    assert pixels(out / "a.png").shape == (60, 100, 3) and pixels(out / "more" / "clear.png").shape == (50, 62, 4)
    assert found.problems == () and zerosum.load(runs / "sr").translate(torch.zeros(0, 3, 9, 11)).shape == (
        0,
        3,
        18,
        22,
    )


def test_files_are_what_python_gives(runs: Path, photos: Path) -> None:
    run = zerosum.load(runs / "cyclegan")
    translate(run, photos / "a.png", photos.parent / "out")
    x = torch.from_numpy(pixels(photos / "a.png").copy()).permute(2, 0, 1)[None]
    expected = run.modality.store(run.translate(x))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(pixels(photos.parent / "out" / "a.png"), expected)


def test_a_large_image_goes_in_tiles_and_becomes_the_same(
    runs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(2)
    Image.fromarray(draw.integers(0, 256, (150, 203, 3), dtype=np.uint8)).save(photos / "large.png")
    whole, tiled = photos.parent / "whole", photos.parent / "tiled"
    translate(runs / "cyclegan", photos / "large.png", whole)
    monkeypatch.setattr(passage, "ROOM", 1)
    monkeypatch.setattr(passage, "TILE", 64)
    used, in_tiles = list[int](), passage.in_tiles
    monkeypatch.setattr(passage, "in_tiles", lambda *a, **k: used.append(a[2]) or in_tiles(*a, **k))
    translate(runs / "cyclegan", photos / "large.png", tiled)
    one, other = (pixels(folder / "large.png").astype(int) for folder in (whole, tiled))
    assert used == [64] and abs(one - other).max() <= 1


def test_a_u_net_takes_a_large_image_whole_or_not_at_all(
    runs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_free(needed: int, what: str, cure: str, *_: object, **__: object) -> None:
        raise ZerosumError(f"{what}: {cure}")

    run = zerosum.load(runs / "pix2pix")
    monkeypatch.setattr(passage.memory, "require", nothing_free)
    with pytest.raises(ZerosumError, match="translating an image of 30x50 pixels whole: scale it down"):
        translate(run, photos / "a.png", photos.parent / "out")


def test_both_directions(runs: Path, photos: Path) -> None:
    run = zerosum.load(runs / "cyclegan")
    x = torch.rand(1, 3, 24, 24)
    assert not torch.equal(run.translate(x), run.translate(x, back=True))
    torch.testing.assert_close(run.translate(x, back=True), run.game.core.back(x).detach())
    translate(run, photos / "a.png", photos.parent / "forth")
    translate(run, photos / "a.png", photos.parent / "back", back=True)
    one, other = (pixels(photos.parent / way / "a.png") for way in ("forth", "back"))
    assert not np.array_equal(one, other)
    with pytest.raises(ZerosumError, match="does not translate in both directions"):
        translate(runs / "pix2pix", photos, photos.parent / "never", back=True)


def test_noise_is_by_the_seed_and_not_by_the_others(runs: Path) -> None:
    run = zerosum.load(runs / "pix2pix")
    x = torch.rand(3, 3, 24, 24)
    assert torch.equal(run.translate(x, seed=4), run.translate(x, seed=4))
    torch.testing.assert_close(run.translate(x, seed=4)[1:2], run.translate(x[1:2], seed=4), rtol=0, atol=2e-6)
    assert not torch.equal(run.translate(x), run.translate(x, seed=4))


def test_a_half_done_folder_goes_on(runs: Path, photos: Path) -> None:
    out = photos.parent / "out"
    translate(runs / "cyclegan", photos, out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    (out / "a.png").unlink()
    found = translate(runs / "cyclegan", photos, out)
    assert (len(found.files), found.kept) == (4, 3)
    assert all(path.stat().st_mtime_ns == before for path, before in times.items() if path.name != "a.png")


def test_what_was_made_otherwise_is_made_again(runs: Path, photos: Path) -> None:
    out = photos.parent / "out"
    translate(runs / "cyclegan", photos, out)
    assert translate(runs / "cyclegan", photos, out, back=True).kept == 0
    assert translate(runs / "cyclegan", photos, out, back=True).kept == 4
    changed = photos / "a.png"
    shutil.copy(photos / "grey.bmp", changed)  # a later file, of another image
    assert translate(runs / "cyclegan", photos, out, back=True).kept == 3
    assert pixels(out / "a.png").shape == (17, 40, 3)


def test_what_was_interrupted_keeps_nothing_of_before(
    runs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, made, calls = photos.parent / "out", workflow._Work._made, list[int]()
    translate(runs / "pix2pix", photos, out)
    before = {path: path.read_bytes() for path in out.rglob("*.png")}

    def stopped(self: workflow._Work, x: torch.Tensor) -> torch.Tensor:
        calls.append(len(x))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return made(self, x)

    monkeypatch.setattr(workflow._Work, "_made", stopped)
    with pytest.raises(KeyboardInterrupt):
        translate(runs / "pix2pix", photos, out, seed=5)
    monkeypatch.undo()
    found = translate(runs / "pix2pix", photos, out, seed=5)
    assert found.kept == 2 and all(path.read_bytes() != own for path, own in before.items())


def test_each_translation_has_a_name_of_its_own(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    draw = np.random.default_rng(3)
    pages = [Image.fromarray(draw.integers(0, 256, (16, 20, 3), dtype=np.uint8)) for _ in range(3)]
    for ending in ("gif", "tif"):
        pages[0].save(folder / f"a.{ending}", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "a[2].png")
    for ending in "xy":
        pages[0].save(folder / ("n" * 230 + f"{ending}.png"))  # equal as far as names of files are taken over
    found = translate(runs / "pix2pix", folder, tmp_path / "out", frames="all")
    assert found.problems == () and len(found.files) == len(set(found.files)) == 9
    assert sorted(found.files) == sorted((tmp_path / "out").glob("*.png"))


def test_images_that_are_too_small_are_named(runs: Path, photos: Path) -> None:
    Image.new("RGB", (1, 1)).save(photos / "dot.png")
    (photos / "broken.png").write_bytes((photos / "a.png").read_bytes()[:200])
    found = translate(runs / "cyclegan", photos, photos.parent / "out")
    reasons = {problem.path: problem.reason for problem in found.problems}
    assert "a side must have 8 or more" in reasons["dot.png"] and set(reasons) == {"dot.png", "broken.png"}
    assert len(found.files) == 4


def test_spoiled_first_to_look_at(runs: Path, photos: Path) -> None:
    out = photos.parent / "out"
    translate(runs / "pix2pix", photos / "a.png", out)
    clean = pixels(out / "a.png")
    translate(runs / "pix2pix", photos / "a.png", out, task="denoise@80")
    assert not np.array_equal(pixels(out / "a.png"), clean)
    for task, message in (("noise", "there is no task"), ("edges", "makes images of 1 channel"), ("denoise@0", "1 to")):
        with pytest.raises(ZerosumError, match=message):
            translate(runs / "pix2pix", photos, out, task=task)


def test_a_full_disk_loses_nothing(runs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, out = together.save, photos.parent / "out"

    def full(image: Image.Image, path: Path, *marks: str) -> None:
        if path.name == "grey.png":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(image, path, *marks)

    monkeypatch.setattr(together, "save", full)
    arguments = ["translate", str(runs / "cyclegan"), str(photos), "--out", str(out)]
    assert main(arguments) == 2
    assert [path.name for path in sorted(out.rglob("*.png"))] == ["a.png"]
    monkeypatch.setattr(together, "save", save)
    assert translate(runs / "cyclegan", photos, out).kept == 1


def test_images_of_one_size_go_together(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, draw, counts = tmp_path / "many", np.random.default_rng(2), list[int]()
    folder.mkdir()
    for number in range(together.MOST + 3):
        Image.fromarray(draw.integers(0, 256, (16, 20, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    Image.fromarray(draw.integers(0, 256, (20, 16, 3), dtype=np.uint8)).save(folder / "05.png")  # not as the others
    Image.fromarray(draw.integers(0, 65_536, (16, 20), dtype=np.uint16)).save(folder / "99.png")  # of other bits
    made = workflow._Work._made

    def counted(self: workflow._Work, x: torch.Tensor) -> torch.Tensor:
        counts.append(len(x))
        return made(self, x)

    monkeypatch.setattr(workflow._Work, "_made", counted)
    found = translate(runs / "pix2pix", folder, tmp_path / "together")
    assert counts == [5, 1, 5, 1] and [path.name for path in found.files] == sorted(p.name for p in folder.iterdir())
    counts.clear()
    monkeypatch.setattr(together, "MOST", 1)
    translate(runs / "pix2pix", folder, tmp_path / "alone")
    assert counts == [1] * 12
    for path in found.files[:-1]:  # numbers that are rounded otherwise may differ by one
        one, other = pixels(path).astype(int), pixels(tmp_path / "alone" / path.name).astype(int)
        assert abs(one - other).max() <= 1 and (one != other).mean() < 0.001


def test_no_more_go_together_than_memory_has_room_for(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number}.png")
    counts, made = list[int](), workflow._Work._made

    def counted(self: workflow._Work, x: torch.Tensor) -> torch.Tensor:
        counts.append(len(x))
        return made(self, x)

    monkeypatch.setattr(workflow._Work, "_made", counted)
    monkeypatch.setattr(Passage, "bytes_of_layers", passage.ROOM / (2.5 * 16 * 16))
    translate(runs / "pix2pix", tmp_path, tmp_path / "out")
    assert counts == [2, 2]


def test_a_very_wide_image(runs: Path, photos: Path) -> None:
    Image.new("RGB", (20_000, 40), "red").save(photos / "wide.png")
    translate(runs / "cyclegan", photos / "wide.png", photos.parent / "out")
    assert pixels(photos.parent / "out" / "wide.png").shape == (40, 20_000, 3)


def test_pairs_that_do_not_match_are_named_before_a_training(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One without a partner, one of another form; transparent, grey and deep ones are taken."""
    a, b = photos.parent / "a", photos.parent / "b"
    for folder in (a, b):
        folder.mkdir()
        for i in range(6):
            Image.new("RGB", (24, 24), (40 * i, 0, 0)).save(folder / f"{i}.png")
        Image.new("RGBA" if folder == a else "RGB", (24, 24), "blue").save(folder / "clear.png")
    Image.fromarray(np.full((24, 24), 40_000, np.uint16)).save(a / "deep.png")
    Image.new("L", (24, 24), 9).save(b / "deep.png")
    Image.new("RGB", (24, 24)).save(a / "alone.png")
    Image.new("RGB", (48, 24)).save(a / "wide.png")
    Image.new("RGB", (24, 24)).save(b / "wide.png")
    network = ["--network.width", "2", "--patch.width", "2", "--no-health", "--steps", "1", "--batch-size", "2"]
    out = ["--out", str(photos.parent / "run")]
    assert main(["train", "pix2pix", "--data", f"pairs:{a},{b}", "--size", "24", *network, *out]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "8 aligned pairs" in said and "a/alone.png: there is no image of this name" in said
    assert "a/wide.png: it has 24x48 pixels and its partner 24x24" in said
    assert main(["data", "check", f"pairs:{a},{b}", "--size", "24"]) == 0
    assert "8 aligned pairs" in capsys.readouterr().out
    assert main(["train", "pix2pix", "--data", f"pairs:{a},{photos}", *network]) == 2
    assert "has the name of one of" in capsys.readouterr().err


def test_a_gan_that_cannot_translate(photos: Path) -> None:
    run = zerosum.train("gan/toy", out=photos.parent / "toy", **QUICK)
    with pytest.raises(ZerosumError, match="gan is not an image-to-image model"):
        translate(run, photos, photos.parent / "out")


def test_on_the_command_line(runs: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["translate", str(runs / "cyclegan"), str(photos), "--out", str(photos.parent / "out"), "--back"]
    assert main(arguments) == 0 and "4 images translated" in capsys.readouterr().out
    assert main(arguments) == 0 and "4 images translated, 4 of them before" in capsys.readouterr().out
    assert main([*arguments[:3], str(photos.parent / "out"), "--back"]) == 0  # as an argument, too
    assert "4 images translated, 4 of them before" in capsys.readouterr().out
    assert main([*arguments, str(photos.parent / "out")]) == 2 and "is given twice" in capsys.readouterr().err
    assert main(arguments[:3]) == 2 and "OUT is missing: name a folder" in capsys.readouterr().err
    assert main([*arguments[:3], "--out", str(photos)]) == 2
    assert "holds the images themselves" in capsys.readouterr().err
    assert main(["sample", str(runs / "cyclegan")]) == 2
    assert "zerosum translate" in capsys.readouterr().err


def deep_pixels(path: Path) -> np.ndarray[Any, Any]:
    """Of a PNG of 16 bits, all of them, (H, W, C), by another reader than zerosum's: without filters, as it writes."""
    content, place, header, data = path.read_bytes(), 8, b"", b""
    while place < len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        body = content[place + 8 : place + 8 + length]
        assert int.from_bytes(content[place + 8 + length : place + 12 + length], "big") == zlib.crc32(kind + body)
        header, data = (body if kind == b"IHDR" else header), data + (body if kind == b"IDAT" else b"")
        place += 12 + length
    width, height, bits, colour = *(int.from_bytes(header[k : k + 4], "big") for k in (0, 4)), header[8], header[9]
    assert bits == 16
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[colour]
    return np.ascontiguousarray(rows[:, 1:]).view(">u2").astype(np.uint16).reshape(height, width, channels)


@pytest.fixture
def deep(tmp_path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Images of 16 bits, in a folder `deep`: grey, RGB, both with alpha; and a TIFF beside the folder."""
    (tmp_path / "deep").mkdir()
    draw, made = np.random.default_rng(3), {}
    for channels, name in enumerate(("grey", "faint", "colour", "clear"), 1):
        x = draw.integers(0, 65536, (19, 23, channels)).astype(np.uint16)
        if channels in (2, 4):
            x[..., -1] = 65_535
            x[3, 4, -1] = 12_345
        save_deep(x, tmp_path / "deep" / f"{name}.png")
        made[name] = x
    Image.fromarray(made["grey"][..., 0]).save(tmp_path / "scan.tif")
    return made


def test_16_bits_stay_exact_on_their_way(
    runs: Path, deep: dict[str, np.ndarray[Any, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a translator that changes nothing; values that 8 bits cannot hold."""
    monkeypatch.setattr(workflow._Work, "translated", lambda self, x: x)
    found = translate(runs / "cyclegan", tmp_path / "deep", tmp_path / "out")
    assert found.problems == () and len(found.files) == 4
    for name, x in deep.items():
        made = deep_pixels(tmp_path / "out" / f"{name}.png")
        colours = x[..., :1].repeat(3, 2) if x.shape[2] < 3 else x[..., :3]
        opaque = np.ones(x.shape[:2], bool) if x.shape[2] in (1, 3) else x[..., -1] == 65_535
        assert np.array_equal(made[..., :3][opaque], colours[opaque])
        assert x.shape[2] in (1, 3) or np.array_equal(made[..., 3], x[..., -1])
    translate(runs / "cyclegan", tmp_path / "scan.tif", tmp_path / "out")
    assert np.array_equal(deep_pixels(tmp_path / "out" / "scan.png")[..., :1], deep["grey"])


@pytest.mark.parametrize("tiled", [False, True])
def test_16_bits_are_what_python_gives(
    runs: Path, deep: dict[str, np.ndarray[Any, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiled: bool
) -> None:
    if tiled:
        monkeypatch.setattr(passage, "ROOM", 1)
        monkeypatch.setattr(passage, "TILE", 8)
    translate(runs / "cyclegan", tmp_path / "deep" / "colour.png", tmp_path / "out")
    x = torch.from_numpy(deep["colour"].astype(np.float32)).permute(2, 0, 1)[None] / 32767.5 - 1
    expected = (zerosum.load(runs / "cyclegan").translate(x)[0].clamp(-1, 1) + 1) * 32767.5
    made = deep_pixels(tmp_path / "out" / "colour.png").astype(float)
    assert abs(made - expected.permute(1, 2, 0).numpy()).max() <= (4 if tiled else 1) and (made % 257).any()


def test_16_bits_spoiled_enlarged_and_of_a_range(
    runs: Path, deep: dict[str, np.ndarray[Any, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow._Work, "translated", lambda self, x: x)
    colour = tmp_path / "deep" / "colour.png"
    translate(runs / "pix2pix", colour, tmp_path / "out", task="invert")
    made = deep_pixels(tmp_path / "out" / "colour.png").astype(int)
    assert abs(made - (65_535 - deep["colour"].astype(int))).max() <= 1
    twelve = (deep["grey"] >> 4)[..., 0]
    Image.fromarray(twelve).save(tmp_path / "twelve.png")
    translate(runs / "cyclegan", tmp_path / "twelve.png", tmp_path / "out", value_range=(0, 4095))
    made = deep_pixels(tmp_path / "out" / "twelve.png")[..., 0]
    assert np.array_equal(made, np.round(twelve * (65_535 / 4095)).astype(np.uint16))
    monkeypatch.undo()
    network = {"width": 4, "blocks": 1}
    zerosum.train("srgan/pixels", f"shrink@2:{runs / 'x.npy'}", tmp_path / "sr", network=network, **QUICK)
    translate(tmp_path / "sr", tmp_path / "deep" / "clear.png", tmp_path / "out")
    assert deep_pixels(tmp_path / "out" / "clear.png").shape == (38, 46, 4)


def some_image(path: Path, seed: int = 0, size: tuple[int, int] = (24, 24), channels: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)).save(path)
    return path


def test_what_another_file_became_is_not_taken_for_its_translation(runs: Path, tmp_path: Path) -> None:
    """Older files, too: of another folder, and copied over the one that was translated, with its time."""
    out, run = tmp_path / "out", zerosum.load(runs / "pix2pix")
    one, other = some_image(tmp_path / "A" / "x.png"), some_image(tmp_path / "B" / "x.png", 1, (30, 40))
    os.utime(other, ns=(10**18, 10**18))
    assert translate(run, one.parent, out).kept == 0
    assert translate(run, other.parent, out).kept == 0 and pixels(out / "x.png").shape == (30, 40, 3)
    assert translate(run, other.parent, out).kept == 1 and translate(run, one.parent, out).kept == 0
    shutil.copy2(other, one)
    assert translate(run, one.parent, out).kept == 0 and pixels(out / "x.png").shape == (30, 40, 3)
    os.utime(one, ns=(10**18, 10**18 + 1))
    assert translate(run, one.parent, out).kept == 0


def test_a_translation_of_16_bits_says_what_it_was_made_of(runs: Path, tmp_path: Path) -> None:
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(tmp_path / "in.tif")
    for kept in (0, 1):
        assert translate(runs / "pix2pix", tmp_path / "in.tif", tmp_path / "out").kept == kept
    assert len(png.made_of(tmp_path / "out" / "in.png")) == 32 and png.made_of(tmp_path / "in.tif") == ""


def test_where_the_place_decides_what_an_image_is_spoiled_by_it_is_made_again(runs: Path, tmp_path: Path) -> None:
    run = zerosum.load(runs / "pix2pix")
    some_image(tmp_path / "in" / "b.png")
    translate(run, tmp_path / "in", tmp_path / "out", task="denoise")
    some_image(tmp_path / "in" / "a.png", 1)
    assert translate(run, tmp_path / "in", tmp_path / "out", task="denoise").kept == 0
    assert translate(run, tmp_path / "in", tmp_path / "plain").kept == 0
    some_image(tmp_path / "in" / "0.png", 2)
    assert translate(run, tmp_path / "in", tmp_path / "plain").kept == 2


def test_all_frames_go_on_where_they_stopped(runs: Path, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((16, 20, 3), 60 * k, np.uint8)) for k in range(3)]
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    run, out = zerosum.load(runs / "pix2pix"), tmp_path / "out"
    assert translate(run, tmp_path / "in.tif", out, frames="all").kept == 0
    (out / "in[2].png").unlink()
    found = translate(run, tmp_path / "in.tif", out, frames="all")
    assert (len(found.files), found.kept) == (3, 2) and (out / "in[2].png").exists()


def test_images_to_translate_are_not_overwritten(runs: Path, tmp_path: Path) -> None:
    """By whatever name they come: pairs, those of a task, through a link."""
    run, real = zerosum.load(runs / "pix2pix"), tmp_path / "real"
    for number in range(2):
        some_image(real / f"i{number}.png", number)
        some_image(tmp_path / "b" / f"i{number}.png", number)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "i1.png").symlink_to(real / "i1.png")
    before = {path: path.read_bytes() for path in real.iterdir()}
    for name in (f"pairs:{real},{tmp_path / 'b'}", f"denoise@40:{real}", str(tmp_path / "links"), str(real)):
        with pytest.raises(ZerosumError, match=r"the images themselves.*name another folder"):
            translate(run, name, real)
    assert {path: path.read_bytes() for path in real.iterdir()} == before


def test_a_folder_within_that_holds_images_of_its_own_is_none_for_translations(runs: Path, tmp_path: Path) -> None:
    """It would be passed over, as what earlier translations lie in, and of pairs hold images of one name."""
    for folder in "ab":
        some_image(tmp_path / folder / "x.jpg")
    for name in (str(tmp_path), f"pairs:{tmp_path}"):
        with pytest.raises(ZerosumError, match="holds the images themselves"):
            translate(runs / "pix2pix", name, tmp_path / "a")
    assert len(translate(runs / "pix2pix", tmp_path, tmp_path / "c").files) == 2


@pytest.mark.parametrize("form", ["files", "pairs"])
def test_images_that_zerosum_did_not_make_are_not_replaced(runs: Path, tmp_path: Path, form: str) -> None:
    a, b, own = (some_image(tmp_path / folder / "x.png", seed) for seed, folder in enumerate(("a", "b", "out")))
    name = str(a.parent) if form == "files" else f"pairs:{a.parent},{b.parent}"
    before = own.read_bytes()
    with pytest.raises(ZerosumError, match="zerosum did not make it; name another folder"):
        translate(runs / "pix2pix", name, own.parent)
    assert own.read_bytes() == before
    own.unlink()
    for _ in range(2):  # what it made itself may be made again
        assert [path.name for path in translate(runs / "pix2pix", name, own.parent).files] == ["x.png"]


def test_one_image_for_which_there_is_no_room_is_left_out(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name, side in {"a": 24, "b": 900, "c": 24}.items():
        Image.new("RGB", (side, side)).save(tmp_path / "in" / f"{name}.png")
    run = zerosum.load(runs / "pix2pix")
    monkeypatch.setattr(memory, "available", lambda device=None: 10**8)
    found = translate(run, tmp_path / "in", tmp_path / "out")
    assert [path.name for path in found.files] == ["a.png", "c.png"]
    (problem,) = found.problems
    assert problem.path == "b.png" and "an image of 900x900 pixels whole would take" in problem.reason
    monkeypatch.setattr(memory, "available", lambda device=None: 5 * 10**6)  # nor to decode it
    assert "decoding b.png" in translate(run, tmp_path / "in", tmp_path / "out").problems[0].reason


def test_progress_is_of_what_is_done(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        some_image(tmp_path / "in" / f"{number}.png", number, (24 + number, 40))
    said, out = list[tuple[str, int, int, int]](), tmp_path / "out"

    def progress(what: str, done: int, total: int) -> None:
        said.append((what, done, total, len(list(out.glob("*.png")))))

    translate(runs / "cyclegan", tmp_path / "in", out, progress=progress)
    assert all(done <= there for what, done, total, there in said) and said[-1] == ("translating", 3, 3, 3)
    assert translate(runs / "cyclegan", tmp_path / "in", out, progress=progress).kept == 3
    said.clear()
    monkeypatch.setattr(passage, "ROOM", 1)
    monkeypatch.setattr(passage, "TILE", 16)
    translate(runs / "cyclegan", tmp_path / "in" / "0.png", tmp_path / "tiled", progress=progress)
    tiled = [entry[1:3] for entry in said if entry[0] == "translating in tiles"]
    assert [done for done, _ in tiled] == list(range(1, tiled[0][1] + 1)) and said[0][:3] == ("translating", 0, 1)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_channels_that_no_png_holds_become_an_array_or_are_refused(tmp_path: Path, channels: int) -> None:
    draw = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", draw.integers(0, 256, (6, 24, 24, 3), dtype=np.uint8))
    np.save(tmp_path / "b.npy", draw.integers(0, 256, (6, 24, 24, channels), dtype=np.uint8))
    data, narrow = f"pairs:{tmp_path / 'a.npy'},{tmp_path / 'b.npy'}", {"network": {"width": 4}, "patch": {"width": 2}}
    run = zerosum.train("pix2pix", data, tmp_path / "run", **narrow, **QUICK)
    with pytest.raises(ZerosumError, match=f"makes images of {channels} channels, which no PNG holds; give an .npy"):
        translate(run, some_image(tmp_path / "in" / "x.png"), tmp_path / "out")
    translate(run, tmp_path / "a.npy", tmp_path / "out")
    assert np.load(tmp_path / "out" / "translations.npy").shape == (6, channels, 24, 24)


@pytest.mark.parametrize("value_range", [(5, 5), (9, 5), (float("inf"), 5), (float("nan"), 5)])
def test_a_range_without_width_is_refused(runs: Path, photos: Path, value_range: tuple[float, float]) -> None:
    for images in (photos, photos / "a.png"):
        with pytest.raises(ZerosumError, match=r"--value-range .* has no width"):
            translate(runs / "pix2pix", images, photos.parent / "out", value_range=value_range)


def test_frames_of_arrays_are_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ZerosumError, match=r"x\.npy holds arrays, which have no frames: .* leave it out"):
        translate(runs / "pix2pix", str(runs / "x.npy"), tmp_path / "out", frames="all")


def test_nothing_translated_is_an_error(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert main(["translate", str(runs / "pix2pix"), str(tmp_path / "broken.png"), "--out", str(tmp_path / "o")]) == 2
    assert "could be translated: broken.png: not an image" in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids these characters")
def test_names_stay_what_they_are(runs: Path, tmp_path: Path) -> None:
    image, names = some_image(tmp_path / "x.png").read_bytes(), ["a:b?.png", "scan v1.5", 'say "a|b"*.JPG', "n.v2.tif"]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_bytes(image)
    found = translate(runs / "pix2pix", tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path in found.files) == ["a:b?.png", "n.v2.png", 'say "a|b"*.png', "scan v1.5.png"]


def test_what_zerosum_made_is_translated_but_not_what_this_made(runs: Path, tmp_path: Path) -> None:
    """Runs in a chain: a folder with images that it made, and such images alone; the output within the input."""
    run, folder = zerosum.load(runs / "pix2pix"), tmp_path / "in"
    some_image(tmp_path / "first" / "made.png")
    some_image(folder / "own.png", 1)
    translate(run, tmp_path / "first", folder)
    for _ in range(2):
        found = translate(run, folder, folder / "out")
        assert sorted(path.name for path in found.files) == ["made.png", "own.png"]
        assert not any("zerosum made" in note for note in found.notes)
    assert found.kept == 2


LARGE = """
import resource, sys
from pathlib import Path
import numpy as np
from PIL import Image
from zerosum.workflows.translate import translate
Image.MAX_IMAGE_PIXELS = None
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = translate(sys.argv[1], sys.argv[2], sys.argv[3])
with Image.open(made.files[0]) as image:
    print(image.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_memory_is_bounded_whatever_the_size(runs: Path, tmp_path: Path) -> None:
    """All layers at once would take gigabytes; what is there is the image, its result, and a tile."""
    rows = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(rows).resize((8000, 6000), Image.Resampling.NEAREST).save(tmp_path / "large.bmp")
    small = {"network": {"width": 2, "blocks": 1}, "patch": {"width": 2}}
    zerosum.train("cyclegan", f"unpaired:invert:{runs / 'x.npy'}", tmp_path / "run", **small, **QUICK)
    assert zerosum.load(tmp_path / "run").passage()._needed(6000, 8000) > 3e9
    command = [sys.executable, "-c", LARGE, *map(str, (tmp_path / "run", tmp_path / "large.bmp", tmp_path / "out"))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    size, grown = done.stdout.rsplit(" ", 1)
    assert size == "(8000, 6000)" and int(grown) < 1.5e6, f"{grown} kilobytes"
