"""Run directories for tests of reports, and a parser that checks their pages."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import torch

from zerosum import report
from zerosum.games import find
from zerosum.options import to_json
from zerosum.pictures.film import film
from zerosum.pictures.grids import grid
from zerosum.run.migrations import MIGRATIONS
from zerosum.util.formats import newest

VOID = {"meta", "img", "br"}
NASTY = '<script>alert("1")</script>&\'"'


class Checked(HTMLParser):
    """Collects the tags and the text of a page, and insists on balanced tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(run: Path) -> tuple[str, Checked]:
    path = report.write(run)
    assert path == run / "report.html"
    assert not list(run.glob(".partial*"))
    text = path.read_text(encoding="utf-8")
    page = Checked(text)
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/", "#")), value
    assert "http://" not in text and "https://" not in text and "@import" not in text
    assert all(image["alt"] and image["width"] and image["height"] for image in page.all("img"))
    return text, page


def fields(classes: Sequence[str]) -> dict[str, Any]:
    """Those of digits, as run.json has them."""
    x = {"kind": "image", "channels": 1, "height": 28, "width": 28}
    return {"x": x, "y": {"kind": "classes", "names": list(classes)}}


def record(**changes: Any) -> dict[str, Any]:
    recipe = find("wgan-gp/images")
    made = {
        "format": newest(MIGRATIONS),
        "recipe": recipe.name,
        "summary": recipe.summary,
        "options": {name: to_json(value) for name, value in recipe.options.items()},
        "training": {**to_json(recipe.training), "steps": 200, "seed": 3},
        "data": {"name": "digits", "fields": fields("01"), "count": 5000, "fingerprint": "abcdef"}
        | {"problems": [], "data_dir": None},
        "players": {"generator": 123_456, "critic": 65_432},
        "device": "cpu",
        "precision": "bf16",
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "command": "zerosum train wgan-gp --data digits --steps 200 --seed 3",
        "created": "2026-03-01T12:30:05+00:00",
    }
    return made | changes


def line(step: int) -> str:
    values = {
        "critic/adversarial": random.gauss(),
        "critic/gradient_penalty": 0.001,
        "critic/logits/real": 1.0,
        "critic/logits/fake": -1.0,
    }
    return json.dumps({"step": step, "seconds": step / 40, **values, "generator/adversarial": random.random()}) + "\n"


def snapshot(step: int) -> str:
    signals = {"frechet": 0.2 / step, "frechet_real": 0.005, "frechet_high": 0.006, "separation/critic": 0.6}
    signals |= {"recall": 0.9, "recall_low": 0.8, "precision": 0.8, "precision_low": 0.7, "distinct": 1, "spread": 1.1}
    signals |= {"distinct_low": 0.9, "spread_low": 0.9, "spread_high": 1.1, "stray": 0.05, "stray_high": 0.1}
    return json.dumps({"step": step, "seconds": step / 40, "signals": signals}) + "\n"


def complete(path: Path) -> Path:
    """Write the files of a run of 200 rounds that ended, and return its path."""
    (path / "samples").mkdir(parents=True)
    (path / "checkpoints" / "step-00000200").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(record()))
    (path / "metrics.jsonl").write_text("".join(map(line, range(10, 201, 10))))
    (path / "health.jsonl").write_text("".join(map(snapshot, range(10, 201, 10))))
    for step in range(0, 201, 10):
        grid(torch.rand(4, 1, 28, 28) * 2 - 1).save(path / "samples" / f"step-{step:08d}.png")
    for name in ("samples.png", "neighbours.png", "interpolation.png"):
        grid(torch.rand(4, 1, 28, 28) * 2 - 1).save(path / name)
    film(sorted((path / "samples").iterdir()), path / "film.gif")
    return path
