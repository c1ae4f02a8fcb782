"""What lies in the directory of a run that ended: pictures for people, of images and of points."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import page_of
from PIL import Image

import zerosum
from zerosum import report
from zerosum.pictures.gallery import GAP, MARGIN

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
    assert not (run.path / "codes.png").exists()
    text, page = page_of(run.path)
    assert ("a row for each class, and the same z down each column" in page.text) == bool(run.record.data.classes)
    assert "<h2>Codes</h2>" not in text
    assert "the nearest of all 5,000 training images, by the distance of their pixels at 16 \u00d7 16" in page.text
    assert f"Each row walks from one z to another {walks}" in page.text
    assert "Verdict: Under-trained" in report.summary(run.path)


def test_points(tmp_path: Path) -> None:
    run = trained("gan/toy", tmp_path / "run")
    assert PICTURES - {path.name for path in run.path.iterdir()} == {"neighbours.png"}
    text, page = page_of(run.path)
    assert "<h2>Walks between samples</h2>" in text and "Each line walks from one z to another" in page.text
    assert 'class="note"' not in text


def test_classes_have_rows_in_every_picture_of_samples(tmp_path: Path) -> None:
    run = trained(f"{OWN}:digits", tmp_path / "run")
    pictures = [run.path / "samples.png", *(run.path / "samples").iterdir()]
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.height == 10 * 58 - 2 and "0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in picture.info["Description"]
    with Image.open(run.path / "film.gif") as film:
        assert film.height == 10 * 58 - 2
    assert run.record.data.counts == (500,) * 10
    text, page = page_of(run.path)
    assert text.count(" <small>500</small></span>") == 10
    assert any("the same z down each column: 0, 1" in str(image["alt"]) for image in page.all("img"))


@pytest.mark.parametrize(("recipe", "words"), [("composed/demo", "Each row moves"), ("composed/toy", "One code of z")])
def test_codes_have_a_picture_of_their_own(tmp_path: Path, recipe: str, words: str) -> None:
    run = zerosum.train(recipe, out=tmp_path / "run", steps=1, batch_size=4, latent_dim=8, clusters=3, quiet=True)
    text, page = page_of(run.path)
    assert "<h2>Codes</h2>" in text and words in page.text
    assert any("cluster through 0 to 2" in str(image["alt"]) for image in page.all("img"))
    assert "--traverse -n 5" in page.text
    (run.path / "codes.png").unlink()
    assert "<h2>Codes</h2>" not in page_of(run.path)[0]
