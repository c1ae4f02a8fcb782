"""Files that EXIF turns, of every kind that is stored without compression: read, and sized, as a viewer shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from turned import turned

from zerosum.data import load
from zerosum.data.check import check
from zerosum.data.images.decode import Encoded, Probe, probe

HEIGHT, WIDTH = 9, 14  # as stored


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("ending", "mode"),
    [("tif", "L"), ("tif", "RGB"), ("tif", "I;16"), ("png", "RGB"), ("png", "I;16"), ("jpg", "L"), ("jpg", "RGB")],
)
def test_every_pixel_is_where_it_is_seen(mode: str, ending: str, orientation: int, tmp_path: Path) -> None:
    channels = 3 if mode == "RGB" else 1
    x = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, channels)).astype(np.uint8)
    x = x // 128 * 255 if ending == "jpg" else x
    stored = x.astype(np.uint16) * 257 if mode == "I;16" else x
    exif = Image.Exif()
    exif[0x0112] = orientation
    extra = {"quality": 100, "subsampling": 0} if ending == "jpg" else {}
    image = Image.fromarray(stored if channels == 3 else stored[..., 0])
    assert image.mode == mode
    image.save(tmp_path / f"a.{ending}", exif=exif, **extra)
    seen = turned(x, orientation)
    found = probe(Encoded("a", -1, tmp_path / f"a.{ending}"))
    assert isinstance(found, Probe) and (found.height, found.width) == seen.shape[:2]
    made = load(str(tmp_path)).x[0]
    expected = torch.from_numpy(seen).permute(2, 0, 1)
    assert made.shape == expected.shape
    assert (made.int() - expected.int()).abs().max() <= (40 if ending == "jpg" else 0)
    assert check(str(tmp_path)).sizes == {f"{seen.shape[0]}x{seen.shape[1]}": 1}


def test_pairs_that_are_turned_are_of_the_form_that_is_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for side, own in (("a", exif), ("b", Image.Exif())):
        (tmp_path / side).mkdir()
        size = (WIDTH, HEIGHT) if side == "a" else (HEIGHT, WIDTH)
        Image.new("L", size, 7).save(tmp_path / side / "0.tif", exif=own)
    data = load(f"pairs:{tmp_path}")
    assert data.spec.a.shape == data.spec.b.shape == (1, WIDTH, HEIGHT) and not data.problems
