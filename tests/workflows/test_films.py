"""`zerosum sample RUN --frames N`: films of what a run foresees, its report, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import zerosum
from zerosum.cli.commands import sample
from zerosum.data.scenes import source
from zerosum.errors import ZerosumError
from zerosum.run.loaded import Run

OPTIONS = {"autoencoder_steps": 2, "start": 3, "free": 2, "latent_dim": 4, "network": {"width": 4, "hidden": 8}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    patch = pytest.MonkeyPatch()
    patch.setattr(source, "FILMS", 12)
    patch.setattr(source, "LENGTH", 10)
    out = tmp_path_factory.mktemp("films") / "run"
    zerosum.train("driving-simulator", out=out, steps=4, batch_size=4, log_every=1, quiet=True, **OPTIONS)
    yield zerosum.load(out)  # type: ignore[misc]
    patch.undo()


def frames_of(path: Path) -> tuple[int, tuple[int, int]]:
    with Image.open(path) as film:
        return film.n_frames, film.size  # type: ignore[attr-defined]


def test_a_film_shows_the_data_and_below_it_what_is_foreseen(run: Run, tmp_path: Path):
    both, alone = tmp_path / "both.gif", tmp_path / "alone.gif"
    sample.run([str(run.path), "--frames", "7", "-n", "2", "--out", str(both)])
    assert frames_of(both)[0] == 3 + 7
    sample.run([str(run.path), "--frames", "30", "-n", "2", "--steer", "1", "-0.5", "--out", str(alone)])
    count, size = frames_of(alone)
    assert count == 3 + 30 and size[1] < frames_of(both)[1][1]


def test_the_first_frames_are_the_datas_and_steering_counts(run: Run):
    data = zerosum.data.load("scenes:digits")
    x, actions = data.x[:2], data.fields["actions"].stored[:2]
    made = run.predict(x, actions[:, :-1])
    assert made.shape == (2, 7, 1, 32, 32) and made.isfinite().all()
    torch.testing.assert_close(run.predict(run.modality.load(x), actions[:, :-1]), made)
    assert not torch.equal(run.predict(x, -actions[:, :-1]), made)
    torch.testing.assert_close(run.predict(x[:, :3], actions[:, :4]), made[:, :2])


def test_a_run_ends_with_a_film_and_a_report_that_shows_it(run: Run):
    assert frames_of(run.path / "samples.gif")[0] == 10
    page = (run.path / "report.html").read_text()
    assert page.count("data:image/gif") == 2, "the film of training, and that of what is foreseen"
    assert "Foreseen after real first frames" in page and "--frames 30" in page
    assert "interpolation.png is missing" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--frames", "8"], "have actions for 7 frames after the first 3; ask for fewer, or give an action"),
        (["--frames", "0"], "--frames must be at least 1, not 0"),
        (["-n", "0"], "-n must be at least 1, not 0"),
        (["--steer", "1"], "--steer takes 2 numbers, as the actions of scenes:digits, not 1"),
        (["--steer", "nan", "0"], "--steer must be a finite number"),
        (["--to-seed", "1"], "makes films of frames and actions, not of z: leave out --to-seed"),
        (["--traverse"], "leave out --traverse"),
        (["--class", "3"], "leave out --class"),
        (["--condition", "1"], "leave out --condition"),
        (["--truncation", "1"], "leave out --truncation"),
        (["--out", "film.png"], "a film is written to a .gif file"),
        (["--frames", "1000000000", "--steer", "1", "1"], "ask for fewer"),
    ],
)
def test_what_no_film_can_be_is_refused(run: Run, arguments: list[str], message: str):
    with pytest.raises(ZerosumError, match=message):
        sample.run([str(run.path), *arguments])


@pytest.mark.parametrize("arguments", [["--frames", "30"], ["--steer", "1"]])
def test_a_run_that_makes_no_films_says_so(tmp_path: Path, arguments: list[str]):
    zerosum.train("gan/toy", "ring", tmp_path / "run", steps=1, batch_size=4, quiet=True)
    with pytest.raises(ZerosumError, match=f"gan/toy makes no films: leave out {arguments[0]}"):
        sample.run([str(tmp_path / "run"), *arguments])


def test_frames_of_another_shape_are_refused(run: Run):
    with pytest.raises(ZerosumError, match="foresees frames of 1x32x32 from the first 3, not from videos of"):
        run.predict(torch.zeros(1, 2, 1, 32, 32), torch.zeros(1, 4, 2))
    with pytest.raises(ZerosumError, match=r"actions must be \(1, L, 2\), with L of at least 3, not \(1, 2, 2\)"):
        run.predict(torch.zeros(1, 3, 1, 32, 32), torch.zeros(1, 2, 2))
    with pytest.raises(ZerosumError, match=r"actions must be \(1, L, 2\), with L of at least 3, not \(\)"):
        run.predict(torch.zeros(1, 3, 1, 32, 32), torch.tensor(1.0))
    with pytest.raises(ZerosumError, match="makes no films"):
        zerosum.train("gan/toy", "ring", run.path.parent / "toy", steps=1, batch_size=4, quiet=True).predict(
            torch.zeros(1, 3), torch.zeros(1, 3)
        )
