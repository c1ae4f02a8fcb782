"""What a recipe cannot learn is said with the recipe that can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

import zerosum
from zerosum import ZerosumError


@pytest.mark.parametrize(
    ("data", "recipe"),
    [
        ("sounds:tones", "r3gan/sounds"),
        ("melodies", "seqgan/melodies"),
        ("sentences", "seqgan/lines"),
        ("dialogues", "dialogue/lines"),
        ("scenes:digits", "driving-simulator/scenes"),
        ("ring", "two-player/toy"),
        ("bits", "two-player/toy"),
        ("gauges", "cyclegan/images"),
        ("denoise:digits", "pix2pix/images"),
    ],
)
def test_the_default_on_other_data_names_what_learns_it(data: str, recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ZerosumError, match=rf"; `zerosum train {recipe}` learns such data$"):
        zerosum.train("r3gan/small", data, tmp_path / "run", steps=1, quiet=True)
    assert not (tmp_path / "run").exists()


def test_images_and_what_is_wrong_otherwise_have_no_such_clause(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(ZerosumError) as caught:
        zerosum.train("seqgan/lines", str(tmp_path), tmp_path / "run", steps=1, quiet=True)
    assert "learns such data" not in str(caught.value)
    (tmp_path / "sounds").mkdir()
    wavfile.write(tmp_path / "sounds" / "a.wav", 8000, np.zeros(100, np.int16))
    with pytest.raises(ZerosumError) as caught:
        zerosum.train("r3gan/sounds", str(tmp_path / "sounds"), tmp_path / "run", steps=1, quiet=True)
    assert "learns such data" not in str(caught.value)
