from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zerosum.data import DataError, check, twins


def test_a_folder_of_everything(tmp_path: Path) -> None:
    for name, mode, size, value in [
        ("cat/a.png", "RGB", (40, 30), 1),
        ("cat/b.png", "RGB", (40, 30), 2),
        ("dog/copy.png", "RGB", (40, 30), 1),
        ("dog/grey.png", "L", (10, 10), 9),
        ("loose.png", "RGB", (40, 30), 3),
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new(mode, size, value if mode == "L" else (value,) * 3).save(tmp_path / name)
    (tmp_path / "dog" / "empty.png").touch()
    report = check(str(tmp_path))
    assert report.data.shape == (3, 64, 64) and len(report.data) == 5
    assert report.classes == {"cat": 2, "dog": 2}
    assert report.sizes == {"30x40": 4, "10x10": 1} and report.modes == {"RGB": 4, "L": 1}
    assert report.duplicates == (("cat/a.png", "dog/copy.png"),)
    assert [Path(problem.path).name for problem in report.data.problems] == ["empty.png"]
    assert report.lines() == [
        f"{tmp_path}: training would use 5 images of 3x64x64; fingerprint {report.data.fingerprint}",
        "classes: cat (2), dog (2); unlabelled: 1",
        "sizes: 30x40 (4), 10x10 (1)",
        "modes: RGB (4), L (1)",
        "duplicates: 1 of 5 repeat another: cat/a.png = dog/copy.png",
        "left out: 1",
        "  dog/empty.png: the file is empty",
    ]


def test_a_wished_size_is_what_would_be_used(tmp_path: Path) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    assert check(str(tmp_path), size=(4, 6)).data.shape == (1, 4, 6)


def test_long_lists_are_shortened(tmp_path: Path) -> None:
    for k in range(15):
        Image.new("L", (k + 1, 5), k).save(tmp_path / f"{k}.png")
        (tmp_path / f"broken{k}.png").touch()
    lines = check(str(tmp_path)).lines()
    assert any(line.startswith("sizes: ") and line.endswith("... and 5 more") for line in lines)
    assert lines[-1] == "  ... and 5 more" and "left out: 15" in lines


def test_known_sets_and_points() -> None:
    digits = check("digits")
    assert digits.sizes == {"28x28": 5000} and digits.modes == {"L": 5000} and digits.duplicates == ()
    assert digits.classes == {str(k): 500 for k in range(10)}
    ring = check("ring")
    assert ring.sizes == {} and ring.modes == {} and sum(ring.classes.values()) == 100_000
    assert ring.lines()[0].startswith("ring: training would use 100,000 points of 2 numbers;")


def test_one_melody_is_no_melodie(tmp_path: Path) -> None:
    from zerosum.data.music import midi
    from zerosum.util.notes import Note

    midi.write(tmp_path / "a.mid", [[Note(60 + i, Fraction(1, 4)) for i in range(16)]])
    assert "training would use 1 melody of 16 tokens; " in check(str(tmp_path)).lines()[0]


def test_one_number_is_no_plural(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1], [3]], np.float32))
    assert "training would use 2 points of 1 number; " in check(str(tmp_path / "a.npy")).lines()[0]


def test_one_is_no_plural(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("only a line\n")
    assert "training would use 1 text of 3 tokens; " in check(str(tmp_path / "x.txt")).lines()[0]
    for side in "ab":
        (tmp_path / side).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / side / "x.png")
    assert "use 1 aligned pair: a 3x8x8, b 3x8x8;" in check(f"pairs:{tmp_path}").lines()[0]
    assert "use 1 image of 3x8x8 as a and 1 image" in check(f"unpaired:{tmp_path}").lines()[0]


def test_repeats_in_an_array_are_named_by_number(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4], [1, 2], [1, 2]], np.float32))
    assert check(str(tmp_path / "a.npy")).duplicates == (("0", "2", "3"),)


def test_equal_and_near_duplicates_are_told_apart(tmp_path: Path) -> None:
    """Of one photograph a copy and a recompressed one, of another a recompressed one alone."""
    draw = np.random.default_rng(0)
    for name in "abcdef":
        coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize((48, 48), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "x.png")
    for name in "ab":
        Image.open(tmp_path / f"{name}.png").save(tmp_path / f"{name}.jpg", quality=92)
    report = check(str(tmp_path))
    assert report.duplicates == (("a.png", "x.png"),)
    assert sorted(map(sorted, report.near)) == [["a.jpg", "a.png"], ["b.jpg", "b.png"]]
    lines = report.lines()
    assert "duplicates: 1 of 9 repeat another: a.png = x.png" in lines
    near = next(line for line in lines if line.startswith("near duplicates"))
    assert near.startswith("near duplicates: 2 of 9 repeat another but for small differences") and "~" in near


def test_it_is_said_where_near_duplicates_are_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 1, 128, 128), dtype=np.uint8)
    np.save(tmp_path / "noise.npy", noise)
    assert check(str(tmp_path / "noise.npy")).lines()[-1] == (
        "near duplicates: not looked for, as too many images are alike but for fine detail"
    )
    monkeypatch.setattr(twins, "SEARCHED", 200)
    assert check(str(tmp_path / "noise.npy")).lines()[-1].endswith("as there are more than 200 images")


def test_what_cannot_be_loaded_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image in"):
        check(str(tmp_path))
