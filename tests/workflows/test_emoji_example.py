"""examples/emoji.py: a package's pictures and names become images with captions, which are learnt from."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zerosum import data

EXAMPLE = Path(__file__).parents[2] / "examples" / "emoji.py"


def emoji(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, EXAMPLE, *arguments], capture_output=True, text=True)


def package(folder: Path) -> Path:
    """Two emoji, one of them in two tones of skin, one of which has no picture; and one that has no picture at all."""
    images = folder / "img" / "some" / "64"
    images.mkdir(parents=True)
    for seed, name in enumerate(("1f385", "1f385-1f3fb", "1f4a9")):
        pixels = np.full((64, 64, 4), 40 * seed, np.uint8)
        pixels[:8, :, 3], pixels[8:, :, 3] = 0, 255  # transparent above
        Image.fromarray(pixels, "RGBA").save(images / f"{name}.png")
    tones = {code: {"image": f"1f385-{code.lower()}.png"} for code in ("1F3FB", "1F3FF")}
    santa = {"name": "FATHER CHRISTMAS", "short_names": ["santa"], "image": "1f385.png", "skin_variations": tones}
    pile = {"name": "PILE OF POO", "short_names": ["hankey", "poop_pile"], "image": "1f4a9.png"}
    gone: dict[str, Any] = {"name": "GONE", "short_names": ["gone"], "image": "ffff.png"}
    (folder / "emoji.json").write_text(json.dumps([santa, pile, gone]), encoding="utf-8")
    return folder


def test_a_package_becomes_a_folder_of_images_with_captions(tmp_path: Path):
    out = tmp_path / "out"
    done = emoji(package(tmp_path / "package"), out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"3 pictures with their captions in {out}\n"
    with (out / "captions.csv").open(encoding="utf-8") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows == [
        ("file_name", "text"),
        ("1f385.png", "father christmas"),
        ("1f385.png", "santa"),
        ("1f385-1f3fb.png", "father christmas, light skin tone"),
        ("1f385-1f3fb.png", "santa, light skin tone"),
        ("1f4a9.png", "pile of poo"),
        ("1f4a9.png", "hankey"),
        ("1f4a9.png", "poop pile"),
    ]
    with Image.open(out / "1f4a9.png") as picture:
        assert picture.mode == "RGB"
        assert picture.getpixel((5, 2)) == (255, 255, 255)  # on white
        assert picture.getpixel((5, 20)) == (80, 80, 80)
    loaded = data.load(str(out))
    assert len(loaded.x) == 3
    assert "text" in loaded.fields


def test_a_folder_that_is_no_package_and_a_folder_that_exists_are_named(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    refused = emoji(tmp_path / "empty", tmp_path / "out")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{tmp_path / 'empty'} is no unpacked emoji-datasource-twitter")
    again = emoji(package(tmp_path / "package"), tmp_path / "empty")
    assert again.returncode == 1
    assert again.stderr == f"{tmp_path / 'empty'} exists; name a new folder\n"
