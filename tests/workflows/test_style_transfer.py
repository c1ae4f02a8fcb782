"""examples/style_transfer.py: photographs painted, a CycleGAN trained, both directions written, and a second call."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "style_transfer.py"


def style_transfer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLE, *arguments, "--size", "16", "--steps", "2", "--width", "4"]
    return subprocess.run(command, capture_output=True, text=True)


def save(folder: Path, count: int) -> Path:
    folder.mkdir()
    for seed in range(count):
        pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.jpg")
    return folder


def test_half_of_the_photographs_are_painted_or_pictures_are_taken_and_both_directions_written(tmp_path: Path):
    photos, out = save(tmp_path / "photos", 5), tmp_path / "out"
    first = style_transfer(photos, "--out", out)
    assert first.returncode == 0, first.stderr
    names = {part: sorted(path.name for path in (out / part).glob("*.png")) for part in ("painted", "in-style")}
    assert names == {"painted": ["00001.png", "00003.png"], "in-style": ["00000.png", "00002.png", "00004.png"]}
    with Image.open(out / "in-style" / "00000.png") as translated:
        assert translated.size == (32, 24)
    assert len(list((out / "as-photographs").glob("*.png"))) == 2
    made = (out / "in-style" / "00000.png").stat().st_mtime_ns
    pictures = save(tmp_path / "pictures", 3)
    again = style_transfer(photos, "--out", out)  # goes on with the run that is there
    assert again.returncode == 0, again.stderr
    assert (out / "in-style" / "00000.png").stat().st_mtime_ns == made
    other = tmp_path / "other"
    assert style_transfer(photos, pictures, "--out", other).returncode == 0  # pictures of a style, as they are
    assert not (other / "painted").exists() and len(list((other / "as-photographs").glob("*.png"))) == 3


def test_a_folder_that_is_not_there_is_named_in_a_line(tmp_path: Path):
    failed = style_transfer(tmp_path / "absent", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert failed.returncode == 1
    assert "absent" in failed.stderr and "Traceback" not in failed.stderr
