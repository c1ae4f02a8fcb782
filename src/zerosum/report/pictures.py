"""The pictures of a report: samples, the film, latent codes, neighbours, walks, and samples during training."""

from __future__ import annotations

from html import escape
from pathlib import Path

from zerosum.pictures.film import evenly_spaced
from zerosum.pictures.png import read_caption
from zerosum.report.html import bullets, figure, image, sound
from zerosum.report.run_files import RunFiles
from zerosum.util.files import read_bytes
from zerosum.util.memory import OutOfMemoryError

TEXTS = 64  # samples that are texts, at most
DURING = 12  # pictures of samples during training, at most
SIDE, SMALL = 1400, 480  # pixels, at most, of a large picture and of one during training


def samples(files: RunFiles) -> str:
    """The samples at the end, or the newest ones, and the film."""
    run, of = files.run, f"Samples of {' trained on '.join(files.title)}"
    path, caption, alt = run / "samples.png", "Samples at the end", of
    if not path.exists() and files.pictures:
        step, path = files.pictures[-1]
        caption, alt = f"The newest samples, step {step:,}", f"{of}, step {step}"
    how = "Foreseen after real first frames, below the data" if files.predicts else "Samples as they move"
    moving = image(run / "samples.gif", f"{of}, as they move", side=None)
    title, description = read_caption(path)
    final = image(path, f"{alt}: {description}" if description else alt, SIDE)
    film = image(run / "film.gif", f"{of}, as a film over training", side=None)
    return _texts(run / "samples.txt") or _pair(
        "Samples",
        figure(moving, how),
        figure(sound(run / "samples.wav"), "Samples, one after the other"),
        figure(final, f"{caption}. {title}" if title else caption),
        figure(film, f"{_filmed(files)} over training"),
    )


def _filmed(files: RunFiles) -> str:
    """What the frames of the film over training show."""
    if files.classifies:
        return "What the same samples are taken for"
    if files.translates:
        return "Translations of the same inputs"
    points = "episodes" if files.acts else "first frames" if files.predicts else "latent points"
    return f"Samples of the same {points}"


def _texts(path: Path) -> str:
    """Samples that are texts, as text; "" where there are none, or they cannot be read."""
    try:
        lines = read_bytes(path).decode().split("\n")[:-1]
    except (OSError, OutOfMemoryError, ValueError):
        return ""
    return "<h2>Samples</h2>" + bullets([escape(line) or "\u2013" for line in lines[:TEXTS]], "events") if lines else ""


def codes(files: RunFiles) -> str:
    """What each latent code changes."""
    return _pair("Latent codes", _captioned(files.run / "codes.png", "What each latent code changes"))


def neighbours_and_walks(files: RunFiles) -> str:
    """Whether samples are copies of training images, and whether the latent space is smooth."""
    near = _captioned(files.run / "neighbours.png", "Samples and, below each, the nearest training images")
    walks = _captioned(files.run / "interpolation.png", "Interpolation between latent points in equal steps")
    return _pair("Nearest training images and interpolation" if near else "Interpolation", near, walks)


def progress(files: RunFiles) -> str:
    """The pictures of samples/, some of the steps."""
    shown = evenly_spaced(files.pictures, DURING)
    figures = [figure(image(path, f"Samples, step {step}", SMALL), f"step {step:,}") for step, path in shown]
    return f'<h2>Samples during training</h2>\n<div class="strip">{"".join(figures)}</div>' if any(figures) else ""


def _captioned(path: Path, caption: str) -> str:
    """A picture with the caption that it carries, or with `caption` where it has none."""
    title, description = read_caption(path)
    return figure(image(path, description or caption, SIDE), title or caption)


def _pair(heading: str, *figures: str) -> str:
    return f'<h2>{heading}</h2>\n<div class="two">{"".join(figures)}</div>' if any(figures) else ""
