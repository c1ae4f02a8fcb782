"""The head of a report: what was trained on what, for how long, and how large it is."""

from __future__ import annotations

from html import escape

from zerosum.report.contents import Contents
from zerosum.report.curves import SPEED, split
from zerosum.report.html import sides, tiles
from zerosum.report.svg import short
from zerosum.training.log_keys import FAKE_LOGITS, REAL_LOGITS
from zerosum.util.text import duration


def section(contents: Contents) -> str:
    """Title, summary, facts, the progress of an incomplete run, and the most important numbers."""
    recipe, *name = (escape(part) for part in contents.title)
    about, steps = contents.record.get("summary"), contents.steps
    bar = f'<progress value="{contents.rounds}" max="{steps}">{contents.rounds} of {steps}</progress>'
    lines = [
        f"<h1>{recipe}{f' <span>on</span> {name[0]}' if name else ''}</h1>",
        f'<p class="summary">{escape(str(about))}</p>' if about else "",
        f'<p class="facts">{escape(facts(contents))}</p>',
        bar if steps is not None and not contents.complete else "",
        tiles(_numbers(contents)),
    ]
    return "\n".join(lines)


def facts(contents: Contents) -> str:
    """How far the run is, on what, with which batches and seed, and D's logits at the end; in sentences."""
    if not contents.record and not contents.rounds:
        return "Nothing is recorded here yet."
    training, log = contents.part("training"), contents.log
    batch, seed = (training.get(name) for name in ("batch_size", "seed"))
    device, precision = contents.record.get("device"), contents.record.get("precision")
    rounds = f"{contents.rounds:,}{f' of {contents.steps:,}' if contents.steps is not None else ''} rounds"
    parts = [
        rounds + (f" in {duration(log.seconds)}" if log.seconds else ""),
        f" on {'the CPU' if device == 'cpu' else device}" if device else "",
        f" in {precision}" if precision else "",
        f", batches of {batch}" if batch else "",
        f", seed {seed}" if seed is not None else "",
        ".",
        _logits(contents),
        "" if contents.complete else " The run is incomplete: it was stopped, or is still in progress.",
    ]
    return "".join(parts)


def _logits(contents: Contents) -> str:
    """How far the mean logit of real samples lies above that of fakes, of the first player that logs both."""
    curves = contents.log.curves
    for name, real in curves.items():
        player, term = split(name)
        fake = curves.get(f"{player}/{FAKE_LOGITS}")
        if term == REAL_LOGITS and fake:
            gap = real.last - fake.last
            size = f"{abs(gap):.2f}" if abs(gap) < 1000 else short(abs(gap))
            side = "lower" if gap < 0 else "higher"
            return f" At the end the {player}'s mean logit was {size} {side} for real samples than for fakes."
    return ""


def _numbers(contents: Contents) -> list[tuple[str, str]]:
    log, data, numbers = contents.log, contents.part("data"), list[tuple[str, str]]()
    if SPEED in log.curves and log.seconds:
        numbers.append(("rounds per second", short(log.rounds / log.seconds)))
    players = contents.part("players").items()
    numbers += [(f"parameters, {player}", short(count)) for player, count in players if isinstance(count, int)]
    if isinstance(data.get("count"), int):
        numbers.append(("training samples", f"{data['count']:,}"))
    samples = next((contents.fields[name] for name in ("x", "b") if name in contents.fields), None)
    if samples:
        numbers.append(("sample shape", sides(samples.shape)))
    return numbers
