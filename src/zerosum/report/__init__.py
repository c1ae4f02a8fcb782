"""`report.html`: what a run directory holds as one page that opens anywhere, offline, and needs no other file.

It is written from files alone, so a run that was killed, or still goes on, has one too: it says what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from zerosum.evaluation.protocol import Evaluation
from zerosum.pictures import gallery
from zerosum.pictures.film import evenly_spaced
from zerosum.report import curves, health, metrics, settings
from zerosum.report.health import Health
from zerosum.report.html import figure, image, key, listed, read_caption, tiles
from zerosum.report.svg import short
from zerosum.util.files import write_atomic
from zerosum.util.text import duration

PICTURES = 12  # of the progress shown at most


@dataclass(frozen=True)
class Found:
    """What lies in a run directory."""

    run: Path
    record: Mapping[str, Any]  # run.json; empty where it cannot be read
    log: curves.Log
    pictures: tuple[tuple[int, Path], ...]  # (round, file), ascending
    checkpoint: int  # round of the newest, or 0
    health: Health | None
    evaluation: Evaluation | None
    damage: tuple[str, ...]  # sentences on files that cannot be read

    def part(self, name: str) -> Mapping[str, Any]:
        """An object of run.json, empty where there is none."""
        return settings.part(self.record, name)

    @property
    def rounds(self) -> int:
        """Rounds known to be played."""
        pictured = self.pictures[-1][0] if self.pictures else 0
        return max(self.log.rounds, pictured, self.checkpoint)

    @property
    def complete(self) -> bool:
        asked = self.part("training").get("steps")
        return isinstance(asked, int) and self.rounds >= asked


def write(run: Path) -> Path:
    """Write `run/report.html` from what lies in the run directory, and return its path.

    Any of run.json, metrics.jsonl, health.jsonl, evaluation.json, samples/ and the pictures may be missing or damaged.
    """
    found = _find(run)
    page = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(" on ".join(_title(found))),
        header=_header(found),
        body="\n".join(_sections(found)),
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {escape(settings.shown(run))}",
    )
    path = run / "report.html"
    write_atomic(path, page.encode("utf-8", "replace"))
    return path


def summary(run: Path) -> str:
    """How the run went: rounds, time, device, batch, seed, how far the discriminator tells the two sides apart, and the
    verdict on its health.
    """
    found = _find(run)
    return f"{_sentence(found)} {health.sentence(found.health)}" if found.health else _sentence(found)


def _sections(found: Found) -> Iterator[str]:
    place, own = settings.place(found.record, found.run)
    if found.health:
        yield health.section(found.health, place)
    yield from (_notes(found), _samples(found), _codes(found), _beyond(found), _progress(found))
    if found.record:
        yield metrics.section(found.evaluation, place, own, found.rounds)
    yield from (_curves(found), settings.commands(found.record, found.run))
    yield from (section(found.record) for section in (settings.settings, settings.data, settings.made_with))


def _find(run: Path) -> Found:
    try:
        record = json.loads((run / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        record = {}
    pictures = sorted((_step(path), path) for path in (run / "samples").glob("step-*.png"))
    checkpoints = [_step(path) for path in (run / "checkpoints").glob("step-*/")]
    record = record if isinstance(record, dict) else {}
    steps = settings.part(record, "training").get("steps")
    evaluation, damage = metrics.read(run)
    return Found(
        run,
        record,
        curves.read(run / "metrics.jsonl"),
        tuple((step, path) for step, path in pictures if step >= 0),
        max(checkpoints, default=0),
        health.read(run, steps if isinstance(steps, int) else 0),
        evaluation,
        (damage,) if damage else (),
    )


def _step(path: Path) -> int:
    """The round in a file's name, or -1."""
    match = re.fullmatch(r"step-(\d+)", path.stem)
    return int(match[1]) if match else -1


def _title(found: Found) -> tuple[str, ...]:
    recipe, name = str(found.record.get("recipe") or found.run.resolve().name), found.part("data").get("name")
    if not name:
        return (recipe,)
    return recipe, Path(name).name if Path(str(name)).is_absolute() else str(name)


def _sentence(found: Found) -> str:
    if not found.record and not found.rounds:
        return "Nothing is recorded here yet."
    training = found.part("training")
    asked, batch, seed = (training.get(name) for name in ("steps", "batch_size", "seed"))
    of = f" of {asked:,}" if isinstance(asked, int) else ""
    device, precision = found.record.get("device"), found.record.get("precision")
    place = f" on {'the CPU' if device == 'cpu' else device}" if device else ""
    facts = [
        f"{found.rounds:,}{of} rounds"
        + (f" in {duration(found.log.seconds)}" if found.log.seconds else "")
        + place
        + (f" in {precision}" if precision else ""),
        f"batches of {batch}" if batch else "",
        f"seed {seed}" if seed is not None else "",
    ]
    end = "" if found.complete else " The run is not complete: it was stopped, or was still going on."
    return ", ".join(fact for fact in facts if fact) + "." + _balance(found) + end


def _balance(found: Found) -> str:
    """By how much D's mean output on real samples lies above that on fakes, where the game logs both."""
    for name, real in found.log.series.items():
        player, _, value = name.partition("/")
        fake = found.log.series.get(f"{player}/fake")
        if value == "real" and fake:
            gap = real.last - fake.last
            size = f"{gap:+.2f}" if abs(gap) < 1000 else f"{'+' if gap > 0 else ''}{short(gap)}"
            return f" At the end the {player} scored real samples {size} against generated ones."
    return ""


def _header(found: Found) -> str:
    recipe, *name = (escape(part) for part in _title(found))
    about = found.record.get("summary")
    log, data = found.log, found.part("data")
    facts: list[tuple[str, str]] = []
    if curves.SPEED in log.series and log.seconds:
        facts.append(("rounds per second", short(log.rounds / log.seconds)))
    players = found.part("players").items()
    facts += [(f"parameters, {player}", short(count)) for player, count in players if isinstance(count, int)]
    if isinstance(data.get("count"), int):
        facts.append(("samples of data", f"{data['count']:,}"))
    if isinstance(data.get("shape"), list):
        facts.append(("shape of one", settings.shape(data["shape"])))
    asked = found.part("training").get("steps")
    bar = f'<progress value="{found.rounds}" max="{asked}">{found.rounds} of {asked}</progress>'
    return "\n".join(
        [
            f"<h1>{recipe}{f' <span>on</span> {name[0]}' if name else ''}</h1>",
            f'<p class="summary">{escape(str(about))}</p>' if about else "",
            f'<p class="facts">{escape(_sentence(found))}</p>',
            bar if isinstance(asked, int) and not found.complete else "",
            tiles(facts),
        ]
    )


def _notes(found: Found) -> str:
    log = found.log
    lines = list(_missing(found))
    for name, step in log.not_finite.items():
        lines.append(f"{name} was not a finite number in round {step:,}: training diverged there.")
    if log.skipped:
        lines.append(f"Unreadable lines of metrics.jsonl, left out: {log.skipped:,}; a run that is killed leaves one.")
    lines += found.damage
    return listed(map(escape, lines), "note")


def _missing(found: Found) -> Iterator[str]:
    if not found.record:
        yield "run.json is missing or damaged: the settings, the data and the commands are not known."
    if not found.log.series:
        yield "metrics.jsonl holds nothing yet: there are no curves."
    if not found.health:
        yield health.missing(found.run)
    if not found.pictures:
        yield "samples/ holds no pictures yet."
    for name in ("samples.png", "film.gif"):
        if not (found.run / name).exists():
            yield f"{name} is not there; a run writes it when it ends."


def _samples(found: Found) -> str:
    """The last samples large, and the film."""
    name, *on = _title(found)
    of = f"of {' trained on '.join([name, *on])}"
    path, caption, alt = found.run / "samples.png", "Samples at the end", f"Samples {of}"
    if not path.exists() and found.pictures:
        step, path = found.pictures[-1]
        caption, alt = f"The newest samples: round {step:,}", f"Samples {of} in round {step}"
    title, description = read_caption(path)
    final = image(path, f"{alt}: {description}" if description else alt, side=1400)
    film = image(found.run / "film.gif", f"Film: the same samples {of} as training goes on", side=None)
    both = [
        figure(final, f"{caption}; {title}" if title else caption),
        figure(film, "The same latent points as training goes on"),
    ]
    return f'<h2>Samples</h2>\n<div class="two">{"".join(both)}</div>' if any(both) else ""


def _codes(found: Found) -> str:
    """What each code of z changes."""
    title, description = read_caption(found.run / "codes.png")
    moved = figure(image(found.run / "codes.png", description or "What each code of z changes", side=1400), title)
    return f'<h2>Codes</h2>\n<div class="two">{moved}</div>' if moved else ""


def _beyond(found: Found) -> str:
    """Whether samples are copies, and what lies between them."""
    shape, count = (found.part("data").get(name) for name in ("shape", "count"))
    images = isinstance(shape, list) and len(shape) == 3 and all(isinstance(side, int) for side in shape)
    where = f", by the distance of their {gallery.space(tuple(shape))}" if images and isinstance(shape, list) else ""
    among = f" of all {count:,}" if isinstance(count, int) else ""
    near = image(found.run / "neighbours.png", "Samples, and below each the nearest training images", side=1400)
    walks = image(found.run / "interpolation.png", "Samples as z walks from one point to another", side=1400)
    title, _ = read_caption(found.run / "interpolation.png")
    both = [
        figure(near, f"Samples at the end; below each the nearest{among} training images{where}"),
        figure(walks, title or "Walks from one z to another in equal steps"),
    ]
    title = "Nearest real images, and walks between samples" if near else "Walks between samples"
    return f'<h2>{title}</h2>\n<div class="two">{"".join(both)}</div>' if any(both) else ""


def _progress(found: Found) -> str:
    shown = evenly_spaced(found.pictures, PICTURES)
    figures = [figure(image(path, f"Samples in round {step}", side=480), f"round {step:,}") for step, path in shown]
    return f'<h2>As training went on</h2>\n<div class="strip">{"".join(figures)}</div>' if any(figures) else ""


def _curves(found: Found) -> str:
    log = found.log
    figures = [_panel(panel, log, number) for number, panel in enumerate(curves.panels(log))]
    if not figures:
        return ""
    long = any(len(series.values) > curves.BUCKETS for series in log.series.values())
    how = " Lines are medians, bands reach from the least to the greatest value." if long else ""
    about = f'<p class="muted">Over rounds; beside each name its value at the end.{how}</p>'
    return f'<h2>Curves</h2>\n{about}<div class="curves">{"".join(figures)}</div>'


def _panel(panel: curves.Panel, log: curves.Log, number: int) -> str:
    keys, said = [], []
    for i, name in enumerate(panel.names):
        term, last = name.rpartition("/")[2].replace("_", " "), short(log.series[name].last)
        term = f"{term} logits" if panel.player and term in ("real", "fake") else term
        keys.append(key(f"var(--curve-{i})", term, last))
        said.append(f"{term} from {short(float(log.series[name].values[0]))} to {last}")
    svg, note = curves.draw(
        panel, log, f"{panel.player} {'; '.join(said)} over {log.rounds} rounds".strip(), f"p{number}-"
    )
    aside = f"<br><small>cut off: {escape(note)}</small>" if note else ""
    player = f"<strong>{escape(panel.player or 'the run')}</strong>"
    return f"<figure><figcaption>{player}{''.join(keys)}{aside}</figcaption>{svg}</figure>"
