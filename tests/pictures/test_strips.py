"""Videos in pictures: a row of frames each, films that move, and what else is drawn of samples."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator

from zerosum.health.features import feature_space
from zerosum.modality import Video
from zerosum.pictures.grids import GUTTER
from zerosum.pictures.render import renderer
from zerosum.pictures.strips import FRAMES, moving, strips
from zerosum.run.sampling import SampleRequest
from zerosum.util.memory import OutOfMemoryError
from zerosum.workflows import sample
from zerosum.workflows.sample import write_samples

VIDEO = Video(24, 1, 48, 48)  # frames that are drawn as large as they are


def grey(*levels: float) -> torch.Tensor:
    """(1, T, 1, 48, 48): a video whose frames are of one grey each."""
    return torch.tensor(levels).view(1, -1, 1, 1, 1).expand(1, -1, 1, 48, 48)


def test_a_video_is_a_row_of_its_frames_with_the_first_and_the_last():
    levels = torch.linspace(-1, 1, 24).tolist()
    picture = strips(torch.cat([grey(*levels), grey(*levels[::-1])]))
    assert picture.size == (FRAMES * 48 + (FRAMES - 1) * GUTTER, 2 * 48 + GUTTER)
    rows = np.asarray(picture)[[0, 48 + GUTTER]]
    assert (rows[0, 0], rows[0, -1], rows[1, 0], rows[1, -1]) == (0, 255, 255, 0)
    assert (np.diff(rows[0, :: 48 + GUTTER].astype(int)) > 0).all()
    assert strips(grey(0.0, 1.0)).size == (2 * 48 + GUTTER, 48)


def test_films_move_side_by_side():
    one, other = grey(-1.0, 0.0, 1.0), grey(1.0, 0.0, -1.0)
    pictures = moving([torch.cat([one, other]), other], ["above", "below"])
    assert len(pictures) == 3 and len({picture.size for picture in pictures}) == 1
    right = pictures[0].width - 2
    tops = [np.asarray(picture.convert("L"))[2, right] for picture in pictures]
    assert tops == [255, 128, 0]


def test_all_that_is_drawn_of_samples_is_drawn_of_videos():
    draw = renderer(VIDEO)
    x = torch.rand(4, *VIDEO.shape) * 2 - 1
    assert draw.picture(x, None).size == draw.row(x).size == strips(x).size
    assert draw.rows([x, x], ["a", "b"], "", None).height > 2 * strips(x).height
    walk = draw.walks(x.view(2, 2, *VIDEO.shape), None)
    assert walk.size == draw.categories(x.view(2, 2, *VIDEO.shape), None).size == (2 * 48 + GUTTER,) * 2
    assert draw.room >= strips(x[:1]).width * 48 and draw.count(1) == 8


def run_of(x: torch.Tensor) -> Any:
    """What makes these videos."""
    parts = SimpleNamespace(condition=None, path=Path("run"), parts=lambda **_: iter([(x[:2], None), (x[2:], None)]))
    return SimpleNamespace(**vars(parts), modality=Video(*x.shape[1:]))


def test_samples_that_are_videos_are_a_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    x = torch.linspace(-1, 1, 24).view(1, -1, 1, 1, 1).expand(3, -1, 1, 48, 48)
    run, path = run_of(x), tmp_path / "samples.gif"
    assert sample.default_ending(run) == ".gif" and sample.others(run) == [".npz file", ".gif file"]
    write_samples(run, path, SampleRequest(3))
    with Image.open(path) as film:
        assert film.n_frames == 24 and film.size == (3 * 48 + 2 * GUTTER, 48)  # type: ignore[attr-defined]
    write_samples(run, tmp_path / "samples.npz", SampleRequest(3))
    assert np.load(tmp_path / "samples.npz")["samples"].shape == (3, 24, 1, 48, 48)

    def full(*_: Any, **__: Any) -> None:
        raise OutOfMemoryError("too many")

    monkeypatch.setattr(sample.memory, "require", full)
    with pytest.raises(OutOfMemoryError):
        write_samples(run, path, SampleRequest(3))


def test_the_monitor_sees_the_middle_and_the_end():
    real = VIDEO.noise(40, Generator().manual_seed(0), torch.empty(0))
    space = feature_space(VIDEO, real, Generator().manual_seed(1))
    x = VIDEO.load(real[:5])
    for features in (space(x), space.seen(x), space.thumbnail(x)):
        assert features.shape[0] == 5 and features.isfinite().all()
    for place, counts in ((12, True), (23, True), (0, False)):
        other = x.clone()
        other[:, place] = 0.0
        assert torch.equal(space(other), space(x)) != counts
