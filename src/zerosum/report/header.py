"""The head of a report: what was trained on what, for how long, and how large it is."""

from __future__ import annotations

from html import escape

from zerosum.report.curves import SPEED, split
from zerosum.report.data import sample_shapes
from zerosum.report.html import tiles
from zerosum.report.run_files import RunFiles
from zerosum.report.svg import short
from zerosum.training.log_keys import FAKE_LOGITS, REAL_LOGITS
from zerosum.util.text import duration


def section(files: RunFiles) -> str:
    """Title, summary, facts, the progress of an incomplete run, and the most important numbers."""
    recipe, *name = (escape(part) for part in files.title)
    about, steps = files.record.get("summary"), files.steps
    bar = f'<progress value="{files.step}" max="{steps}">{files.step} of {steps}</progress>'
    lines = [
        f"<h1>{recipe}{f' <span>on</span> {name[0]}' if name else ''}</h1>",
        f'<p class="summary">{escape(str(about))}</p>' if about else "",
        f'<p class="facts">{escape(facts(files))}</p>',
        bar if steps is not None and not files.complete else "",
        tiles(_numbers(files)),
    ]
    return "\n".join(lines)


def facts(files: RunFiles) -> str:
    """How far the run is, on what, with which batches and seed, and D's logits at the end; in sentences."""
    if not files.record and not files.step:
        return "Nothing is recorded here yet."
    training, log = files.part("training"), files.log
    batch, seed = (training.get(name) for name in ("batch_size", "seed"))
    device, precision = files.record.get("device"), files.record.get("precision")
    steps = f"{files.step:,}{f' of {files.steps:,}' if files.steps is not None else ''} steps"
    parts = [
        steps + (f" in {duration(log.seconds)}" if log.seconds else ""),
        f" on {'the CPU' if device == 'cpu' else device}" if device else "",
        f" in {precision}" if precision else "",
        f", batches of {batch}" if batch else "",
        f", seed {seed}" if seed is not None else "",
        ".",
        _logits(files),
        "" if files.complete else " The run is incomplete: it was stopped, or is still in progress.",
    ]
    return "".join(parts)


def _logits(files: RunFiles) -> str:
    """How far the mean logit of real samples lies above that of fakes, of the player that logged both last; of several
    the first.
    """
    curves = files.log.curves
    both = [
        (player, real, fake)
        for name, real in curves.items()
        for player, term in [split(name)]
        if term == REAL_LOGITS and (fake := curves.get(f"{player}/{FAKE_LOGITS}"))
    ]
    if not both:
        return ""
    player, real, fake = max(both, key=lambda one: one[1].steps[-1])
    gap = real.last - fake.last
    size = f"{abs(gap):.2f}" if abs(gap) < 1000 else short(abs(gap))
    if size == "0.00":
        return f" At the end the {player}'s mean logit was the same for real and fake samples."
    side = "lower" if gap < 0 else "higher"
    return f" At the end the {player}'s mean logit was {size} {side} for real than for fake samples."


def _numbers(files: RunFiles) -> list[tuple[str, str]]:
    log, data, numbers = files.log, files.part("data"), list[tuple[str, str]]()
    if SPEED in log.curves and log.seconds:
        numbers.append((SPEED, short(log.last_step / log.seconds)))
    players = files.part("players").items()
    numbers += [(f"parameters, {player}", short(count)) for player, count in players if isinstance(count, int)]
    if isinstance(data.get("count"), int):
        numbers.append(("training samples", f"{data['count']:,}"))
    return numbers + [(heading, field.size_in_words) for heading, field in sample_shapes(files).items()]
