"""Films play as promised, keep to their size, and are whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.pictures.film import evenly_spaced, film
from zerosum.pictures.grids import grid


def moving(count: int, mode: str = "L", size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """Pictures that all differ."""
    draw = np.random.default_rng(0)
    return [Image.fromarray(draw.integers(0, 255, (size[1], size[0], 3), np.uint8)).convert(mode) for _ in range(count)]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_film_plays_all_frames_for_the_time_given(tmp_path: Path, mode: str) -> None:
    path = film(moving(20, mode), tmp_path / "film.gif", seconds=4)
    with Image.open(path) as gif:
        durations = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
        assert durations == [200] * 19 + [2200]
        assert gif.info["loop"] == 0
        assert gif.size == (64, 48)


def test_film_ends_with_the_last_picture(tmp_path: Path) -> None:
    frames = [*moving(230), Image.new("L", (64, 48), 77)]
    with Image.open(film(frames, tmp_path / "film.gif")) as gif:
        assert gif.n_frames == 100
        gif.seek(99)
        assert (np.asarray(gif.convert("L")) == 77).all()


def test_gutters_of_a_film_in_colour_stay_white(tmp_path: Path) -> None:
    frames = [grid(torch.rand(4, 3, 48, 48) * 2 - 1) for _ in range(3)]
    with Image.open(film(frames, tmp_path / "film.gif")) as gif:
        pixels = np.asarray(gif.convert("RGB"))
    assert (pixels[48:50] == 255).all() and (pixels[:, 48:50] == 255).all()


def test_film_keeps_to_its_size(tmp_path: Path) -> None:
    path = film(moving(60, "RGB", (200, 400)), tmp_path / "film.gif", megabytes=0.5)
    assert path.stat().st_size <= 0.5e6
    with Image.open(path) as gif:
        assert gif.n_frames == 40
        assert gif.size[1] in range(2 * gif.size[0] - 2, 2 * gif.size[0] + 3)
    with Image.open(film(moving(2, "L", (1300, 700)), path)) as gif:
        assert gif.size == (600, 323)


def test_film_of_files_skips_what_cannot_be_read(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.png" for i in range(5)]
    for file, frame in zip(files, moving(5), strict=True):
        frame.save(file)
    files[1].write_bytes(files[1].read_bytes()[:200])
    files[2].write_bytes(b"")
    files[3].unlink()
    with Image.open(film(files, tmp_path / "film.gif")) as gif:
        assert gif.n_frames == 2


def test_film_of_one_picture_and_of_none(tmp_path: Path) -> None:
    with Image.open(film(moving(1), tmp_path / "one.gif")) as gif:
        assert gif.n_frames == 1
    with pytest.raises(ValueError, match="at least one picture"):
        film([], tmp_path / "none.gif")
    with pytest.raises(ValueError, match="at least one picture"):
        film([tmp_path / "missing.png"], tmp_path / "none.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["one.gif"]


def test_pictures_of_other_sizes_take_the_last_ones(tmp_path: Path) -> None:
    frames = [*moving(3, size=(100, 100)), *moving(1)]
    with Image.open(film(frames, tmp_path / "film.gif")) as gif:
        assert (gif.n_frames, gif.size) == (4, (64, 48))


def test_film_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(moving(3), tmp_path / "film.gif")
    before = path.read_bytes()

    def full(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        film(moving(4), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 13, 100, 1001])
def test_thinned_is_even_and_keeps_both_ends(count: int) -> None:
    kept = evenly_spaced(range(count), 12)
    assert len(kept) == min(count, 12) == len(set(kept))
    assert (kept[0], kept[-1]) == (0, count - 1)
    gaps = np.diff(kept)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
