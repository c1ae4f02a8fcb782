"""What lies in the directory of a run that ended: pictures for people, of images and of points."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import page_of
from PIL import Image

import zerosum
from zerosum import report
from zerosum.gallery import GAP, MARGIN

PICTURES = {"samples.png", "neighbours.png", "interpolation.png", "film.gif", "report.html"}
OWN = Path(__file__).parents[2] / "examples" / "my_gan.py"


def trained(recipe: str, out: Path) -> zerosum.Run:
    return zerosum.train(recipe, out=out, steps=2, batch_size=4, log_every=1, quiet=True)


@pytest.mark.parametrize(
    ("recipe", "walks"), [("gan/tutorial", "in equal steps"), (f"{OWN}:digits", "in equal steps, within a class")]
)
def test_images(tmp_path: Path, recipe: str, walks: str) -> None:
    run = trained(recipe, tmp_path / "run")
    assert {path.name for path in run.path.iterdir()} >= PICTURES
    with Image.open(run.path / "neighbours.png") as picture:
        assert picture.size == (MARGIN + 8 * 56 + 7 * 2, 4 * 56 + 2 * 2 + GAP)
    with Image.open(run.path / "interpolation.png") as picture:
        assert picture.size == (10 * 56 + 9 * 2, 6 * 56 + 5 * 2)
    _, page = page_of(run.path)
    assert "the nearest of all 5,000 training images, by the distance of their pixels at 16 \u00d7 16" in page.text
    assert f"Each row walks from one z to another {walks}" in page.text
    assert "Verdict: Under-trained" in report.summary(run.path)


def test_points(tmp_path: Path) -> None:
    run = trained("gan/toy", tmp_path / "run")
    assert PICTURES - {path.name for path in run.path.iterdir()} == {"neighbours.png"}
    text, page = page_of(run.path)
    assert "<h2>Walks between samples</h2>" in text and "Each line walks from one z to another" in page.text
    assert 'class="note"' not in text
