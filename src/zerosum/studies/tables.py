"""Recorded results as tables of text, for `zerosum reproduce --table` and for the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zerosum.studies import STUDIES, ablation, grid
from zerosum.studies import semi_supervised as few_labels
from zerosum.studies.changes import CHANGES, missing
from zerosum.studies.study import DIRTY, IN_CHECKOUT
from zerosum.studies.tricks import BASES, CLASSIFIER, WITHOUT

Result = Mapping[str, Any]
Rows = list[list[str]]
PAPERS = ("protocol", "ours", "published", "goal", "", "what is other than published", "recorded")
OWN = ("study", "ours", "its own goal", "", "what is other than in the paper", "published there", "recorded")


def protocols(results: Iterable[Result], papers: bool) -> Rows:
    """A row for each result of a paper's protocol, or of zerosum's own ways, under the columns `PAPERS` or `OWN`."""
    rows = []
    for result in results:
        study = STUDIES[result["name"]]
        if study.papers != papers:
            continue
        # In the words of then: a study may have another protocol by now.
        now = {"measures": study.measures, "goal": study.stated_goal, "differs": study.differs}
        measures, goal, differs = (result.get(key, words) for key, words in now.items())
        name = f"{study.name}, {measures}" if measures else study.name
        ours = result.get("ours") or study.ours(result)
        verdict, published = result["verdict"], result["published"] or "nothing"
        rows.append(
            [name, ours, published, goal, verdict, differs, recorded(result)]
            if papers
            else [name, ours, goal, verdict, differs or "no paper's protocol", published, recorded(result)]
        )
    return rows


def recorded(result: Result) -> str:
    """The commits of a result, and what has changed since: "17a6290; before: draws"."""
    dirty = f"; {DIRTY}: with changes that no commit has" if DIRTY in result["commit"] else ""
    stale = f"; before: {', '.join(missing(result))}" if missing(result) else ""
    return f"{result['commit']}{dirty}{stale}"


def stale(results: Iterable[Result]) -> Rows:
    """The changes that any result was measured before: name, what it is, and the results."""
    of = [(result["name"], missing(result)) for result in results]
    lacking = {name: [study for study, before in of if name in before] for name in CHANGES}
    return [[name, CHANGES[name].what, ", ".join(names)] for name, names in lacking.items() if names]


def games(result: Result) -> Rows:
    """What each game of a grid study reached: modes of 25, high quality in %, KL; one number a seed."""
    return [[of, *_coverage(row)] for of, row in result["games"].items()]


def techniques(result: Result) -> str:
    """Modes that each technique of `improved-techniques` reached on each data, and high quality in %; one a seed."""
    of = result["techniques"]
    if ablation.PLAIN in of:  # recorded on the grid alone
        of = {"grid": of}
    modes = {name: f"modes of {ablation.PROBLEMS[name].modes:,}" for name in of}
    columns = [f"{name}, {kind}" for name in of for kind in (modes[name], "high quality, %")]
    rows = [
        [choice, *(cell for row in of.values() for cell in _coverage(row[choice])[:2])] for choice in ablation.CHOICES
    ]
    return markdown(("", *columns), rows)


def _coverage(row: Mapping[str, Sequence[float | None]]) -> list[str]:
    kl = [f"{value:.2f}" if value is not None else "diverged" for value in row["kl"]]
    quality = [f"{100 * value:.0f}" for value in row["high_quality"] if value is not None]
    return [", ".join(map(str, row["modes"])), ", ".join(quality), ", ".join(kl)]


def counted(results: Sequence[Result]) -> str:
    """How many protocols of papers were met: a sentence."""
    own = [STUDIES[r["name"]] for r in results]
    met = sum(result["verdict"] == "met" for result in results)
    reach = sum(result["verdict"] == "reaches it" for result in results)
    papers = sum(study.papers for study in own)
    return (
        f"Of {papers} protocols of papers {met or 'none'} {'is' if met < 2 else 'are'} met; of {len(own) - papers} "
        f"studies in zerosum's own way {reach} reach their own goal."
    )


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]], code: bool = False) -> str:
    """A table; with `code` the first word of each row is a name to type."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for first, *others in rows:
        name, comma, rest = first.partition(", ")
        cells = [f"`{name}`{comma}{rest}" if code else first, *others]
        lines.append("| " + " | ".join("**missed**" if cell == "missed" else cell for cell in cells) + " |")
    return "\n".join(lines)


def blocks(results: Sequence[Result]) -> dict[str, str]:
    """Every table that the documentation has of recorded results, by name."""
    of = {result["name"]: result for result in results}
    own, paper = of[grid.GRID_OWN.name], of[grid.GRID.name]
    of_games = ("game", "modes of 25", "high quality, %", "KL")
    return {
        "count": counted(results),
        "papers": markdown(PAPERS, protocols(results, papers=True), code=True),
        "own": markdown(OWN, protocols(results, papers=False), code=True),
        "stale": markdown(("change", "since then", "measured before it"), stale(results)),
        "grid-25": markdown(of_games, games(paper)),
        "grid-25-own": markdown(of_games, games(own)),
        "improved-techniques": techniques(of["improved-techniques"]),
        "sgan": semi_supervised(of["sgan-mnist-100-own"]),
        "tricks": tricks(of["tricks"]) if "tricks" in of else "Not recorded yet.",
        "wgan-picture": picture("wgan-without-batch-norm", "samples of the three games, a row for each seed"),
    }


def picture(name: str, what: str) -> str:
    """The picture that a study wrote beside its result; results that are older than its picture have none."""
    path = f"reproductions/results/{name}.png"
    if not (IN_CHECKOUT / f"{name}.png").exists():
        return f"*{what[0].upper()}{what[1:]}: a picture that is written with the next recorded result.*"
    return f"![{what}](../{path})"


def semi_supervised(result: Result) -> str:
    """The errors of every setting of `sgan-mnist-100-own`, one a set of labels."""
    first = next(name for name in result["rounds"] if name not in result["others"])
    rows = [[first, *_errors(result["values"])], *([name, *_errors(found)] for name, found in result["others"].items())]
    return markdown(("", "errors of 10,000", "mean"), rows) + f"\n\n{bought(result)}"


def bought(result: Result) -> str:
    """What the GAN adds to the views, and they to it: errors on the sets of labels that both were measured on."""
    others = result["others"]
    if not all(name in others for name in few_labels.ANCHORS):
        return "What the GAN buys beside the views was not measured yet when this was recorded."
    own = dict(zip(result["seeds"], result["values"], strict=True))
    both = statistics.fmean(own[seed] for seed in few_labels.ANCHORED)
    views, gan, neither = (statistics.fmean(others[name]) for name in few_labels.ANCHORS)
    saved = 100 * (1 - both / views)
    change = f"{saved:.0f} % fewer" if saved >= 0 else f"{-saved:.0f} % more"
    return (
        f"Means on the same {len(few_labels.ANCHORED)} sets of labels: {both:.0f} errors with both, {views:.0f} of "
        f"views without GAN, {gan:.0f} of the GAN without views, {neither:.0f} with neither. Beside the views the GAN "
        f"buys {change} errors."
    )


def _errors(errors: Sequence[float]) -> tuple[str, str]:
    return ", ".join(f"{value:.0f}" for value in errors), f"{statistics.fmean(errors):.0f}"


def tricks(result: Result) -> str:
    """Both problems of `tricks`: each choice's mean and range, and how it differs from its base."""
    images = {name: row["frechet"] for name, row in result["digits"].items()}
    rows = []
    for name, found in images.items():
        base = images[BASES.get(name, "base")]
        verdict = "its own base" if name == CLASSIFIER else "" if name == "base" else _nearer(found, base)
        rows.append([f"{name}{' (a trick taken away)' if name in WITHOUT else ''}", _range(found), verdict])
    of_images = ("digits", "Fréchet distance, mean (range)", "against its base, at the same seeds")
    points = [
        [name, _range(row["modes"]), _range([100 * share for share in row["high_quality"]])]
        for name, row in result["points"].items()
    ]
    of_points = ("25 Gaussians", "modes of 25, mean (range)", "high quality, %, mean (range)")
    did = ", ".join(f"{100 * value:.0f}" for value in result["values"])
    errors = "; ".join(f"{name}: {', '.join(map(str, wrong))}" for name, wrong in result["errors"].items())
    return "\n\n".join(
        [
            markdown(of_images, rows),
            markdown(of_points, points),
            f"Of the {len(images) - 2} choices on digits {did} % did what is said of them, by seed.",
            f"Errors of the 5,000 digits. {errors}.",
        ]
    )


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "diverged"
    diverged = f", {len(values) - len(known)} diverged" if len(known) < len(values) else ""
    return f"{statistics.fmean(known):.1f} ({min(known):.1f} to {max(known):.1f}{diverged})"


def _nearer(values: Sequence[float | None], base: Sequence[float | None]) -> str:
    """In how many seeds the samples are nearer to the data than the base's."""
    nearer = [v is not None and (b is None or v < b) for v, b in zip(values, base, strict=True)]
    word = {0: "further", len(nearer): "nearer"}.get(sum(nearer), "no clear effect: nearer")
    return f"{word} on {sum(nearer) or len(nearer)} of {len(nearer)}"
