"""Pictures: pixel-exact layout, films that play as promised, files that are whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zerosum.pictures.film import evenly_spaced
from zerosum.pictures.grids import film, grid, palette, picture, rows, save, save_each, scatter, to_uint8, with_caption


def flat(*values: float, channels: int = 1, side: int = 48) -> Tensor:
    """One image of each value, (N, channels, side, side)."""
    return torch.tensor(values)[:, None, None, None].expand(-1, channels, side, side)


def moving(count: int, mode: str = "L", size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """Pictures that all differ."""
    draw = np.random.default_rng(0)
    return [Image.fromarray(draw.integers(0, 255, (size[1], size[0], 3), np.uint8)).convert(mode) for _ in range(count)]


def test_every_byte_survives_normalisation_and_back() -> None:
    bytes_ = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(bytes_.float() / 127.5 - 1), bytes_)


def test_what_is_out_of_range_is_clamped_and_nan_is_grey() -> None:
    x = torch.tensor([-9.0, 9.0, float("inf"), -float("inf"), float("nan")])
    assert to_uint8(x).tolist() == [0, 255, 255, 0, 128]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_type_is_taken(dtype: torch.dtype) -> None:
    assert to_uint8(torch.tensor([-1, 0, 1], dtype=dtype)).tolist() == [0, 128, 255]


def test_grid_puts_white_gutters_between_images_alone() -> None:
    pixels = np.asarray(grid(flat(-1, 0, 1, -1, 0), columns=3, gutter=2))
    assert pixels.shape == (48 * 2 + 2, 48 * 3 + 4)
    expected = np.full_like(pixels, 255)
    for i, value in enumerate((0, 128, 255, 0, 128)):
        row, column = divmod(i, 3)
        expected[row * 50 : row * 50 + 48, column * 50 : column * 50 + 48] = value
    assert np.array_equal(pixels, expected)


def test_grid_enlarges_small_images_by_whole_pixels() -> None:
    sample = torch.rand(1, 1, 28, 20) * 2 - 1
    shown = np.asarray(grid(sample))
    assert shown.shape == (56, 40)
    assert np.array_equal(shown, to_uint8(sample)[0, 0].numpy().repeat(2, 0).repeat(2, 1))
    assert grid(sample, scale=1).size == (20, 28)
    assert grid(sample, scale=5).size == (100, 140)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((64, 1, 48, 48), (398, 398)),
        ((9, 3, 48, 48), (148, 148)),
        ((64, 3, 64, 48), (398, 526)),
        ((1, 1, 99, 7), (7, 99)),
    ],
)
def test_grid_is_about_square_and_full(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    assert grid(torch.zeros(shape)).size == size


@pytest.mark.parametrize("count", range(1, 41))
@pytest.mark.parametrize("size", [(48, 48), (50, 300), (300, 50)])
def test_grid_holds_every_sample(count: int, size: tuple[int, int]) -> None:
    pixels = np.asarray(grid(-torch.ones(count, 1, *size)))
    assert (pixels == 0).sum() == count * size[0] * size[1]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (5, "RGB")])
def test_channels(channels: int, mode: str) -> None:
    sample = torch.linspace(-1, 1, channels)[None, :, None, None].expand(2, -1, 48, 48)
    shown = grid(sample)
    assert shown.mode == mode
    expected = to_uint8(torch.linspace(-1, 1, channels)).tolist()[: len(shown.getbands())]
    assert list(np.atleast_1d(np.asarray(shown)[0, 0])) == expected


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 8, 8), (1, 1, 0, 8)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="images are"):
        grid(torch.zeros(shape))


def test_picture_picks_by_shape() -> None:
    assert picture(torch.zeros(4, 3, 48, 48)).size == (98, 98)
    assert picture(torch.randn(10, 2)).size == (480, 480)
    assert picture(torch.randn(10, 7), torch.randn(10, 7)).mode == "RGB"


def test_scatter_keeps_the_limits_of_the_real_points() -> None:
    real = torch.randn(500, 2)
    inside = np.asarray(scatter(torch.zeros(1, 2), real))
    again = np.asarray(scatter(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), real))
    edge = slice(440, None)  # the labels of the axis
    assert np.array_equal(inside[edge], again[edge])
    free = np.asarray(scatter(torch.zeros(1, 2) + 50))
    assert not np.array_equal(inside[edge], free[edge])
    chosen = np.asarray(scatter(torch.zeros(1, 2), limits=(-1, 1, -1, 1)))
    assert np.array_equal(chosen[edge], np.asarray(scatter(torch.ones(9, 2) / 2, limits=(-1, 1, -1, 1)))[edge])


def test_scatter_has_equal_axes() -> None:
    pixels = np.asarray(scatter(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))).astype(int)
    blue = (pixels[..., 2] - pixels[..., 0] > 60)[40:440]  # below the word above
    rows, columns = blue.any(1).nonzero()[0], blue.any(0).nonzero()[0]
    assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 2


@pytest.mark.parametrize(
    "points", [torch.full((3, 2), float("nan")), torch.tensor([[float("inf"), 0.0], [1e30, -1e30]])]
)
def test_scatter_of_a_game_that_diverged(points: Tensor) -> None:
    assert scatter(points, torch.randn(9, 2)).size == scatter(points).size == (480, 480)


def test_scatter_of_one_dimension_and_of_one_point() -> None:
    assert scatter(torch.randn(50, 1), torch.randn(50, 1)).size == (480, 480)
    assert scatter(torch.zeros(1, 2)).size == (480, 480)
    with pytest.raises(ValueError, match="points are"):
        scatter(torch.zeros(0, 2))


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


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_save_each_writes_the_very_pixels(tmp_path: Path, channels: int) -> None:
    samples = torch.rand(3, channels, 5, 7) * 2 - 1
    paths = save_each(samples, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["00000.png", "00001.png", "00002.png"]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for path, sample in zip(paths, samples, strict=True):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), to_uint8(sample).permute(1, 2, 0).squeeze(2).numpy())


def test_save_each_names_labels(tmp_path: Path) -> None:
    assert [p.name for p in save_each(flat(0, 1), tmp_path, torch.tensor([3, 7]))] == ["00000-3.png", "00001-7.png"]
    assert [p.name for p in save_each(flat(0, 1), tmp_path, ["../a", "猫"])] == ["00000-.._a.png", "00001-猫.png"]
    with pytest.raises(ValueError, match="1 labels for 2 samples"):
        save_each(flat(0, 1), tmp_path, [1])


def test_rows_may_differ_in_length() -> None:
    shown = rows([flat(-1, 0, 1), flat(0, -1)], ["a", "b"], columns=3)
    assert shown.mode == "L"
    images = np.asarray(shown)[:, -148:]
    expected = np.full((98, 148), 255)
    for row, column, value in ((0, 0, 0), (0, 1, 128), (1, 0, 128), (1, 1, 0)):
        expected[50 * row : 50 * row + 48, 50 * column : 50 * column + 48] = value
    assert np.array_equal(images, expected)


@pytest.mark.parametrize(
    ("parts", "each", "columns"), [(1, 64, 8), (2, 32, 8), (3, 16, 8), (10, 8, 8), (10, 100, 34), (100, 1, 1)]
)
def test_rows_go_on_below_so_that_all_is_about_square(parts: int, each: int, columns: int) -> None:
    shown = np.asarray(rows([-torch.ones(each, 1, 48, 48)] * parts, [str(i) for i in range(parts)]))
    assert (shown[:48] == 0).all(0).sum() == 48 * columns
    assert (shown == 0).sum() == parts * each * 48 * 48


def test_rows_of_points_are_told_apart_by_colour_over_the_real_ones() -> None:
    spots = [torch.full((20, 2), -1.0), torch.full((20, 2), 1.0)]
    real = torch.rand(500, 2) * 4 - 2
    shown = np.asarray(rows(spots, ["a", "b"], real=real)).astype(int)
    first, second = (tuple(int(shade[i : i + 2], 16) for i in (1, 3, 5)) for shade in palette(2))
    places = []
    for color in (first, second):
        where = (np.abs(shown[:, :480] - color).sum(2) < 60).nonzero()
        places.append((where[1].mean(), -where[0].mean()))
        assert (np.abs(shown[:, 480:] - color).sum(2) < 9).any()  # in the key
    assert places[0][0] < places[1][0] and places[0][1] < places[1][1]
    behind = np.asarray(scatter(spots[0], real)).astype(int)
    edge = slice(450, 480)  # the labels of the axis: real points set the limits
    assert np.array_equal(shown[edge, :480], behind[edge])


def test_rows_of_points_that_diverged() -> None:
    assert rows([torch.full((3, 2), float("nan")), torch.randn(3, 2)], ["a", "b"]).height == 480


@pytest.mark.parametrize("count", [1, 2, 10, 20])
def test_colours_differ(count: int) -> None:
    shades = palette(count)
    assert len(set(shades)) == count and all(len(shade) == 7 for shade in shades)
    red, _, blue = (int(shades[0][i : i + 2], 16) for i in (1, 3, 5))
    assert blue > 2 * red


def test_a_saved_picture_says_what_it_shows(tmp_path: Path) -> None:
    for name, image in (
        ("told", with_caption(grid(flat(0)), "a row for each class", "rows: 猫, 狗")),
        ("mute", grid(flat(0))),
    ):
        save(image, tmp_path / "new" / f"{name}.png")
    with Image.open(tmp_path / "new" / "told.png") as image:
        assert (image.info["Title"], image.info["Description"]) == ("a row for each class", "rows: 猫, 狗")
        assert np.array_equal(np.asarray(image), np.asarray(grid(flat(0))))
    with Image.open(tmp_path / "new" / "mute.png") as image:
        assert "Title" not in image.info
    assert len(list((tmp_path / "new").iterdir())) == 2
