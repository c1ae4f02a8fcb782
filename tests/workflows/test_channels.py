"""Images of any number of channels, in arrays: read, trained on, translated into an array, and compared."""

from pathlib import Path

import numpy as np
import pytest
import torch

import zerosum
from zerosum import data
from zerosum.data.check import check
from zerosum.data.dataset import DataError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def array(name: str, *shape: int) -> np.ndarray:
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(name, x)
    return x


@pytest.mark.parametrize(("shape", "channels"), [((3, 5, 24, 24), 5), ((3, 24, 24, 2), 2), ((3, 16, 17, 18), 16)])
def test_the_side_that_is_short_beside_both_others_is_of_channels(shape: tuple[int, ...], channels: int):
    x = array("x.npy", *shape)
    loaded = data.load("x.npy")
    wanted = x if shape[1] == channels else x.transpose(0, 3, 1, 2)
    assert torch.equal(loaded.x, torch.from_numpy(np.ascontiguousarray(wanted)))
    assert loaded.notes == (f"x.npy {shape} was taken for images of {channels} channels",)
    assert check("x.npy").modes == {f"{channels} channels": 3}


@pytest.mark.parametrize("shape", [(3, 24, 24, 24), (3, 5, 5, 5), (3, 5, 24, 5), (3, 17, 24, 24)])
def test_where_no_side_is_it_the_data_are_refused(shape: tuple[int, ...]):
    array("x.npy", *shape)
    with pytest.raises(DataError, match=r"images are uint8 \(N, C, H, W\) or \(N, H, W, C\), with C .* up to 16"):
        data.load("x.npy")


def test_they_are_trained_on_and_translated_into_an_array_and_compared_by_pixels():
    array("five.npy", 12, 5, 24, 24)
    array("two.npy", 12, 2, 24, 24)
    small = {"network": {"width": 4}, "patch": {"width": 4}, "health": False}
    run = zerosum.train("pix2pix", "pairs:five.npy,two.npy", "run", steps=1, quiet=True, **small)
    done = zerosum.translate(run.path, "five.npy", "out")
    made = np.load("out/translations.npy")
    assert made.shape == (12, 2, 24, 24) and made.dtype == np.uint8 and len(done.files) == 12
    expected = run.modality.store(zerosum.load("run").translate(data.load("five.npy").x[:1]))
    assert torch.equal(torch.from_numpy(made[:1]), expected)
    assert not list(Path("out").glob("*.png"))
    scores = zerosum.evaluate("run", samples=12)
    assert scores["psnr"].value > 0 and scores["frechet"].protocol.extractor == "pixels"
