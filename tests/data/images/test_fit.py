"""Data at the shape that a network learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.images import folder
from zerosum.data.images.fit import fitted, grey
from zerosum.modality import Image, Modality, Points


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for name in ("猫/a.png", "狗/b.png", "狗/c.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Picture.fromarray(draw.integers(0, 255, (20, 30, 3), np.uint8)).save(path)
    return tmp_path / "photos"


def test_grey_is_pillows_grey() -> None:
    x = torch.randint(256, (5, 3, 9, 7), dtype=torch.uint8)
    for image, made in zip(x, grey(x), strict=True):
        expected = Picture.fromarray(image.permute(1, 2, 0).numpy()).convert("L")
        assert torch.equal(made[0], torch.from_numpy(np.array(expected)))


def test_a_folder_comes_as_for_training_with_its_names(photos: Path) -> None:
    found = fitted(str(photos), Image(3, 12, 16))
    trained_on = data.load(str(photos), size=(12, 16))
    assert torch.equal(found.data.x, trained_on.x) and found.data.fingerprint == trained_on.fingerprint
    assert found.files == ("狗/b.png", "狗/c.png", "猫/a.png")
    assert found.data.y is not None and [found.data.classes[k] for k in found.data.y.tolist()] == ["狗", "狗", "猫"]
    assert found.note == ""


def test_a_folder_is_read_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("listing", "packed"):
        own = getattr(folder, name)
        monkeypatch.setattr(
            folder, name, lambda *given, own=own, **named: (calls.append(own.__name__), own(*given, **named))[1]
        )
    fitted(str(photos), Image(3, 12, 16))
    assert calls == ["listing", "packed"]


def test_broken_files_are_left_out_by_name_and_names_stay_with_their_images(photos: Path) -> None:
    (photos / "狗" / "a.png").write_bytes(b"no image")
    found = fitted(str(photos), Image(3, 12, 16))
    assert found.files == ("狗/b.png", "狗/c.png", "猫/a.png") and len(found.data) == 3
    assert [problem.path for problem in found.data.problems] == ["狗/a.png"]


def test_a_single_image_comes_as_in_a_folder(photos: Path) -> None:
    alone = fitted(str(photos / "猫" / "a.png"), Image(3, 12, 16))
    assert alone.files == ("a.png",) and alone.data.y is None
    assert torch.equal(alone.data.x[0], fitted(str(photos), Image(3, 12, 16)).data.x[2])


def test_colour_is_turned_grey_and_grey_repeated_and_both_are_told(photos: Path, tmp_path: Path) -> None:
    found = fitted(str(photos), Image(1, 12, 16))
    colour = data.load(str(photos), size=(12, 16))
    assert torch.equal(found.data.x, grey(colour.x)) and "colour was turned grey" in found.note
    assert found.data.fingerprint != colour.fingerprint
    np.save(tmp_path / "grey.npy", np.arange(4 * 6, dtype=np.uint8).reshape(1, 4, 6))
    found = fitted(str(tmp_path / "grey.npy"), Image(3, 4, 6))
    assert found.data.x.shape == (1, 3, 4, 6) and (found.data.x == found.data.x[:, :1]).all()
    assert "grey was taken for colour" in found.note and found.files == ("0",)


def test_known_sets_are_scaled() -> None:
    found = fitted("digits", Image(1, 14, 14))
    assert found.data.shape == (1, 14, 14) and len(found.files) == len(found.data) == 5000


@pytest.mark.parametrize(
    ("name", "modality", "says"),
    [
        ("ring", Image(1, 8, 8), "ring holds points of 2 numbers, but images of 1x8x8 are needed"),
        ("digits", Points(2), "digits holds images of 1x28x28, but points of 2 numbers are needed"),
        ("ring", Points(3), "ring holds points of 2 numbers, but points of 3 numbers are needed"),
        ("digits", Image(2, 8, 8), "digits holds images of 1x8x8, but images of 2x8x8 are needed"),
        ("nowhere.png", Image(1, 8, 8), "no data called 'nowhere.png'"),
    ],
)
def test_what_cannot_fit_is_refused(name: str, modality: Modality, says: str) -> None:
    with pytest.raises(DataError, match=says):
        fitted(name, modality)


def test_a_broken_single_image_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cannot read .*a\.png: not an image"):
        fitted(str(tmp_path / "a.png"), Image(1, 8, 8))
