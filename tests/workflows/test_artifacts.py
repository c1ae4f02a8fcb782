"""The files of a run that ended: the table of `run.artifacts`, and pictures of images and of points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_runs import page_of
from PIL import Image

import zerosum
from zerosum import report
from zerosum.pictures.neighbours import GAP, MARGIN
from zerosum.run.artifacts import ARTIFACTS, AT_END

ROOT = Path(__file__).parents[2]
OWN = ROOT / "examples" / "my_gan.py"


def trained(recipe: str, out: Path) -> zerosum.Run:
    return zerosum.train(recipe, out=out, steps=2, batch_size=4, log_every=1, quiet=True)


def artifacts_in(run: Path) -> set[str]:
    """The paths of ARTIFACTS that a run directory has; a file that is none of them is an error."""
    patterns = {artifact.path: artifact.path.removesuffix("/").replace("N", r"\d+") for artifact in ARTIFACTS}
    present = set()
    for file in run.rglob("*"):
        if file.is_file() and file.name != ".lock":
            parts = (file.relative_to(run), *file.relative_to(run).parents)
            present.add(
                next(
                    path
                    for path, pattern in patterns.items()
                    if any(re.fullmatch(pattern, str(part)) for part in parts)
                )
            )
    return present


def test_the_guide_lists_the_artifacts() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text("utf-8")
    table = guide.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.splitlines()]
    plain = [tuple(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cell) for cell in row) for row in rows]
    assert plain == [(f"`{artifact.path}`", artifact.content, artifact.written) for artifact in ARTIFACTS]


@pytest.mark.parametrize(
    ("recipe", "walks"), [("gan/tutorial", "in equal steps"), (f"{OWN}:digits", "in equal steps, within a class")]
)
def test_images(tmp_path: Path, recipe: str, walks: str) -> None:
    run = trained(recipe, tmp_path / "run")
    present = artifacts_in(run.path)
    assert present == {a.path for a in ARTIFACTS if not a.optional} | {"neighbours.png", "health.jsonl"}
    with Image.open(run.path / "neighbours.png") as picture:
        assert picture.size == (MARGIN + 8 * 56 + 7 * 2, 4 * 56 + 2 * 2 + GAP)
    with Image.open(run.path / "interpolation.png") as picture:
        assert picture.size == (10 * 56 + 9 * 2, 6 * 56 + 5 * 2)
    text, page = page_of(run.path)
    assert ("A row for each class; within a column z is the same" in page.text) == bool(run.record.data.classes)
    assert "<h2>Latent codes</h2>" not in text
    assert "the nearest of 5,000 training images, by the distance of their pixels at 16 \u00d7 16" in page.text
    assert f"Each row interpolates between two latent points {walks}" in page.text
    assert "Verdict: Too early to tell" in report.summary(run.path)


def test_points(tmp_path: Path) -> None:
    run = trained("gan/toy", tmp_path / "run")
    assert artifacts_in(run.path) == {a.path for a in ARTIFACTS if not a.optional} | {"health.jsonl"}
    text, page = page_of(run.path)
    assert "<h2>Interpolation</h2>" in text and "Each line interpolates between two latent points" in page.text
    assert 'class="note"' not in text


@pytest.mark.parametrize("path", [a.path for a in ARTIFACTS if a.written == AT_END and not a.optional])
def test_the_report_names_the_artifacts_that_are_missing(tmp_path: Path, path: str) -> None:
    _, page = page_of(tmp_path)
    assert (f"{path} is missing; a run writes it when it ends." in page.text) == (path != "report.html")


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
    assert any("within a column z is the same: 0, 1" in str(image["alt"]) for image in page.all("img"))


@pytest.mark.parametrize(
    ("recipe", "words"), [("composed/demo", "Each row moves one"), ("two-player/toy", "In each plot one latent code")]
)
def test_codes_have_a_picture_of_their_own(tmp_path: Path, recipe: str, words: str) -> None:
    run = zerosum.train(recipe, out=tmp_path / "run", steps=1, batch_size=4, latent_dim=8, clusters=3, quiet=True)
    text, page = page_of(run.path)
    assert "<h2>Latent codes</h2>" in text and words in page.text
    assert any("cluster from 0 to 2" in str(image["alt"]) for image in page.all("img"))
    assert "--traverse -n 5" in page.text
    (run.path / "codes.png").unlink()
    assert "<h2>Latent codes</h2>" not in page_of(run.path)[0]
