"""A folder of four small grey images, one of them in a sub-folder: what files of labels are written beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

NAMES = ("a.png", "b.png", "c.png", "sub/d.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four images, one of them in a sub-folder."""
    for k, name in enumerate(NAMES):
        image(tmp_path / "photos" / name, k)
    return tmp_path / "photos"


def image(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path)
    return path
