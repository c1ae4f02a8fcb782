"""PNG files that carry a caption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.pictures.grids import grid
from zerosum.pictures.png import read_caption, save, with_caption


def grey() -> Image.Image:
    return grid(torch.zeros(1, 1, 48, 48))


def test_a_saved_picture_carries_its_caption(tmp_path: Path) -> None:
    captioned, bare = tmp_path / "new" / "captioned.png", tmp_path / "new" / "bare.png"
    save(with_caption(grey(), "a row for each class", "rows: 猫, 狗"), captioned)
    save(grey(), bare)
    assert read_caption(captioned) == ("a row for each class", "rows: 猫, 狗")
    with Image.open(captioned) as image:
        assert np.array_equal(np.asarray(image), np.asarray(grey()))
    with Image.open(bare) as image:
        assert "Title" not in image.info
    assert read_caption(bare) == ("", "")
    assert sorted((tmp_path / "new").iterdir()) == [bare, captioned]


def test_the_title_describes_a_picture_without_a_description(tmp_path: Path) -> None:
    save(with_caption(grey(), "walks"), tmp_path / "a.png")
    assert read_caption(tmp_path / "a.png") == ("walks", "walks")


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG nonsense", b"text"])
def test_what_is_no_picture_has_no_caption(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    assert read_caption(tmp_path / "a.png") == ("", "")
