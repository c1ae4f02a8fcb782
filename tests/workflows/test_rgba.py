"""`--alpha keep`: files of every kind are learnt, sampled, translated and evaluated as RGBA; by default not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zerosum
from zerosum.cli import main
from zerosum.data import load
from zerosum.data.dataset import DataError
from zerosum.pictures.png import save_deep
from zerosum.workflows import translate as workflow

Pixels = np.ndarray[Any, Any]
QUICK: dict[str, Any] = {"steps": 2, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
NARROW: dict[str, Any] = {"network": {"width": 2}, "patch": {"width": 2}}


def rgba(seed: int = 0, height: int = 24, width: int = 24) -> Pixels:
    """Colours everywhere, also where nothing is seen."""
    x = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    x[: height // 3, :, 3] = 0
    x[height // 3 : height // 2, :, 3] = 255
    return x


def pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for k in range(8):
        for side in ("a", "b"):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgba(k)).save(tmp_path / "pairs" / side / f"{k}.png")
    return tmp_path / "pairs" / "a"


def test_files_of_every_kind_become_rgba(tmp_path: Path) -> None:
    x = rgba()
    opaque = np.concatenate([x[..., :3], np.full((24, 24, 1), 255, np.uint8)], 2)
    wanted = {"rgba.png": x, "rgb.png": opaque}
    Image.fromarray(x).save(tmp_path / "rgba.png")
    Image.fromarray(x[..., :3]).save(tmp_path / "rgb.png")
    Image.fromarray(x[..., 0]).save(tmp_path / "grey.png")
    wanted["grey.png"] = np.concatenate([x[..., :1].repeat(3, 2), opaque[..., 3:]], 2)
    Image.fromarray(x[..., [0, 3]]).save(tmp_path / "faint.png")
    wanted["faint.png"] = np.concatenate([x[..., :1].repeat(3, 2), x[..., 3:]], 2)
    palette = Image.fromarray(x[..., 0] // 64)
    palette.putpalette([0, 0, 0, 250, 10, 20, 30, 240, 50, 60, 70, 230])
    palette.save(tmp_path / "palette.png", transparency=bytes([0, 100, 255, 255]))
    entries = np.array([[0, 0, 0, 0], [250, 10, 20, 100], [30, 240, 50, 255], [60, 70, 230, 255]], np.uint8)
    wanted["palette.png"] = entries[x[..., 0] // 64]
    save_deep(x.astype(np.uint16) * 256 + 77, tmp_path / "deep.png")
    content = (tmp_path / "deep.png").read_bytes()
    (tmp_path / "deep.png").write_bytes(content.replace(b"Software", b"Somebody"))  # or it is left out as made by us
    wanted["deep.png"] = x
    data = load(str(tmp_path), alpha="keep")
    assert data.modality.shape == (4, 24, 24)
    for name, made in zip(data.files["all"], data.x, strict=True):
        if name != "deep.png":
            assert np.array_equal(made.permute(1, 2, 0).numpy(), wanted[name]), name
    assert load(str(tmp_path)).modality.shape == (3, 24, 24)  # one RGBA among RGB: laid over white
    white = load(str(tmp_path)).x[[*data.files["all"]].index("rgba.png")].permute(1, 2, 0).numpy()
    assert (white[:8] == 255).all() and np.array_equal(white[8:12], x[8:12, :, :3])


def test_colours_that_are_not_seen_do_not_bleed_where_images_are_scaled(tmp_path: Path) -> None:
    x = np.zeros((32, 32, 4), np.uint8)
    x[:, :16] = (255, 0, 0, 255)
    x[:, 16:] = (0, 255, 0, 0)  # green, and not to be seen
    Image.fromarray(x).save(tmp_path / "a.png")
    made = load(str(tmp_path), size=(8, 8), alpha="keep").x[0].int()
    seen = made[3] > 20
    assert seen.any() and (made[0][seen] >= 250).all() and (made[1][seen] <= 5).all()


def test_a_range_of_values_is_of_colours_and_not_of_opacity(tmp_path: Path) -> None:
    x = rgba()
    Image.fromarray(x).save(tmp_path / "a.png")
    made = load(str(tmp_path), alpha="keep", value_range=(0, 100)).x[0].permute(1, 2, 0).numpy()
    assert np.array_equal(made[..., 3], x[..., 3]) and (made[..., :3][x[..., :3] >= 100] == 255).all()


def test_a_run_on_rgba_is_sampled_and_evaluated_as_that(photos: Path, tmp_path: Path) -> None:
    settings = QUICK | {"health": True, "steps": 3}
    run = zerosum.train("dcgan", str(photos), tmp_path / "run", alpha="keep", network={"width": 2}, **settings)
    assert run.modality.shape == (4, 24, 24) and run.record.data.reading.alpha == "keep"
    assert main(["sample", str(tmp_path / "run"), "--out", str(tmp_path / "made"), "-n", "3"]) == 0
    assert pixels(tmp_path / "made" / "00000.png").shape == (24, 24, 4)
    with Image.open(tmp_path / "run" / "neighbours.png") as shown:
        assert shown.mode == "RGB"  # over white
    scores = zerosum.evaluate(run, samples=8)
    assert scores.results and not [note for note in scores.notes if "changed" in note]
    files = zerosum.evaluate(tmp_path / "made", str(photos), samples=3, alpha="keep")
    assert files.results[0].protocol.shape == (4, 24, 24)
    went_on = zerosum.resume(tmp_path / "run", steps=4, quiet=True)
    assert went_on.record.data == run.record.data


def test_pairs_and_tasks_are_learnt_and_evaluated(photos: Path, tmp_path: Path) -> None:
    run = zerosum.train("pix2pix", f"pairs:{photos.parent}", tmp_path / "run", alpha="keep", **NARROW, **QUICK)
    assert run.source.shape == run.modality.shape == (4, 24, 24)
    assert {"psnr", "ssim", "gradient-energy"} <= {result.protocol.metric for result in zerosum.evaluate(run).results}
    run = zerosum.train("srgan", f"shrink@2:{photos}", tmp_path / "sr", size=24, alpha="keep",
                        network={"width": 4, "blocks": 1}, **QUICK)  # fmt: skip
    assert (run.source.shape, run.modality.shape) == ((4, 12, 12), (4, 24, 24))
    run = zerosum.train("cyclegan", f"unpaired:denoise:{photos}", tmp_path / "cycle", alpha="keep", **NARROW, **QUICK)
    assert run.modality.shape == (4, 24, 24)


@pytest.fixture
def translator(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run on RGBA, that changes nothing when it translates."""
    zerosum.train("cyclegan", f"unpaired:{photos},{photos}", tmp_path / "run", alpha="keep", **NARROW, **QUICK)
    monkeypatch.setattr(workflow._Work, "translated", lambda self, x: x)
    return tmp_path / "run"


def test_translations_of_rgba(translator: Path, tmp_path: Path) -> None:
    folder, x = tmp_path / "in", rgba(5, 19, 31)
    folder.mkdir()
    Image.fromarray(x).save(folder / "clear.png")
    Image.fromarray(x[..., :3]).save(folder / "colour.png")
    Image.fromarray(x[..., 0]).save(folder / "grey.png")
    assert main(["translate", str(translator), str(folder), "--out", str(tmp_path / "out")]) == 0
    assert np.array_equal(pixels(tmp_path / "out" / "clear.png"), x)
    for name, colours in (("colour", x[..., :3]), ("grey", x[..., :1].repeat(3, 2))):
        made = pixels(tmp_path / "out" / f"{name}.png")
        assert np.array_equal(made[..., :3], colours) and (made[..., 3] == 255).all()


def test_translations_of_rgba_in_16_bits(translator: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for channels in (1, 2, 3, 4):
        x = np.random.default_rng(channels).integers(0, 65_536, (9, 11, channels)).astype(np.uint16)
        save_deep(x, tmp_path / "in" / f"{channels}.png")
        zerosum.translate(translator, tmp_path / "in" / f"{channels}.png", tmp_path / "out")
        made = workflow.whole.decode_whole(workflow.Encoded("made", -1, tmp_path / "out" / f"{channels}.png"), 4)
        assert isinstance(made, workflow.Whole) and made.pixels.dtype == np.uint16
        colours = x[..., :1].repeat(3, 2) if channels < 3 else x[..., :3]
        last = x[..., -1] if channels in (2, 4) else np.full((9, 11), 65_535)
        assert np.array_equal(made.pixels, np.concatenate([colours, last[..., None]], 2).transpose(2, 0, 1))


def test_arrays_without_opacity_are_opaque_to_a_run_that_learnt_it(translator: Path, tmp_path: Path) -> None:
    x = rgba()[..., :3]
    np.save(tmp_path / "x.npy", x[None].repeat(2, 0))
    found = zerosum.translate(translator, tmp_path / "x.npy", tmp_path / "out")
    assert len(found.files) == 2 and any("opaque" in note for note in found.notes)
    assert pixels(found.files[0]).shape == (24, 24, 4)


def test_a_run_that_learnt_colours_carries_opacity_over(photos: Path, tmp_path: Path) -> None:
    zerosum.train("cyclegan", f"unpaired:{photos},{photos}", tmp_path / "run", **NARROW, **QUICK)
    zerosum.translate(tmp_path / "run", photos, tmp_path / "out")
    assert np.array_equal(pixels(tmp_path / "out" / "3.png")[..., 3], rgba(3)[..., 3])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("digits", "digits holds what it holds: --alpha keep"),
        ("ring", "ring holds what it holds: --alpha keep"),
        ("{}/x.npy", "has the channels that it has: --alpha keep is of image files"),
        ("invert:{}/x.npy", "has the channels that it has"),
        ("pairs:{}/x.npy,{}/x.npy", "has the channels that it has"),
        ("colorize:{}/pairs/a", "colorize makes grey images of colours, and opacity is none"),
        ("unpaired:edges:{}/pairs/a", "edges makes grey images of colours"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_what_has_no_opacity_is_refused(
    data: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", rgba()[None].repeat(3, 0))
    name = data.replace("{}", str(tmp_path))
    assert main(["train", "dcgan", "--data", name, "--alpha", "keep", "--out", str(tmp_path / "run")]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert main(["data", "check", name, "--alpha", "keep"]) == 2
    with pytest.raises(DataError, match="alpha must be 'white' or 'keep'"):
        load(name, alpha="black")  # type: ignore[arg-type]


def test_images_of_more_channels_than_files_have(tmp_path: Path) -> None:
    np.save(tmp_path / "five.npy", np.zeros((4, 24, 24, 5), np.uint8))
    run = zerosum.train("pix2pix", f"invert:{tmp_path / 'five.npy'}", tmp_path / "run", **NARROW, **QUICK)
    Image.fromarray(rgba()).save(tmp_path / "a.png")
    with pytest.raises(zerosum.ZerosumError, match=r"5 channels, which no image file has; give an \.npy file"):
        zerosum.translate(run, tmp_path / "a.png", tmp_path / "out")
    assert torch.equal(load(str(tmp_path / "five.npy")).x, torch.zeros(4, 5, 24, 24, dtype=torch.uint8))
