"""`zerosum reproduce music-seqgan`: do SeqGAN's melodies keep to a key, and are they nearer to the data than maximum
likelihood's?"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zerosum import data
from zerosum.metrics.music import durations, share_in_key, steps, total_variation
from zerosum.metrics.n_grams import texts
from zerosum.modality import Notes
from zerosum.networks.policy import Policy
from zerosum.pictures import png
from zerosum.pictures.render import renderer
from zerosum.studies.policies import alikeness, likelihood, play_game, surprise, written
from zerosum.studies.study import Measurements, Study
from zerosum.util.notes import Note

RECIPE = "seqgan/melodies"
EPOCHS, ROUNDS, LOOK = 90, 60, 20
STOPPED_BY, MEASURED, WRITTEN, ALIKE = 1_000, 5_000, 5_000, 1_000  # melodies; of ALIKE self-BLEU
HELD_OUT, OTHER = 1_000, 2_000  # added to the seed of the melodies that are drawn to be held out, and of others
TEMPERATURES = (1.1, 1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
GAME, CONSTANT = "SeqGAN", "constant reward"
PREPARED = "pretrain_discriminator"
SHOWN = 24
OF_GAME: Mapping[str, Any] = {"g_optimizer": {"lr": 3e-4}}
ROWS: Mapping[str, Mapping[str, Any]] = {
    GAME: {PREPARED: 500, **OF_GAME},
    CONSTANT: {"reward": "constant", "baseline": False, PREPARED: 0, "d_steps": 0, **OF_GAME},
}
DISTANCES = ("intervals", "durations")
KEYS = ("in_key", *DISTANCES, "self_bleu_2", "distinct_2", "test")


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Maximum likelihood, its early-stopped policy at several temperatures, and from there each row of the game."""
    learnt = data.load("melodies", seed=seed)
    held_out = data.load("melodies", seed=seed + HELD_OUT).x
    stop, test = held_out[:STOPPED_BY], held_out[STOPPED_BY : STOPPED_BY + MEASURED]
    epochs = max(1, round(EPOCHS * fraction))
    points, _, best = likelihood(RECIPE, learnt, seed, {}, epochs, stop, folder / "likelihood")
    curve = [{"temperature": t, **measured(best, seed, test, t)} for t in TEMPERATURES]
    rows = {}
    for name, options in ROWS.items():
        rows[name] = play_game(
            RECIPE,
            learnt,
            seed,
            {**options, PREPARED: round(options[PREPARED] * fraction)},
            max(1, round(ROUNDS * fraction)),
            best,
            lambda policy: _drawn(policy, seed, test, folder),
            LOOK,
            folder / name.replace(" ", "-"),
        )
    notes = _notes(best)
    other = data.load("melodies", seed=seed + OTHER).x[:WRITTEN]
    noise = notes.noise(WRITTEN, torch.Generator().manual_seed(seed), learnt.x)
    real = _near(notes.melodies(test))
    return {
        "seed": seed,
        "stopped": min(points, key=lambda point: point["held_out"])["epoch"],
        "curve": curve,
        "rows": rows,
        "real": scores(notes.melodies(other), real),
        "noise": scores(notes.melodies(noise), real),
    }


@torch.no_grad()
def measured(policy: Policy, seed: int, test: Tensor, temperature: float = 1.0) -> dict[str, float]:
    """How near a policy's melodies are to held-out ones, how alike, and how surprised it is by the held-out ones."""
    notes, ids = _notes(policy), written(policy, WRITTEN, seed, temperature)
    found = scores(notes.melodies(ids), _near(notes.melodies(test)))
    return {**found, **alikeness(texts(notes, ids[:ALIKE])), "test": surprise(policy, test, temperature)}


def scores(melodies: Sequence[Sequence[Note]], real: Mapping[str, Mapping[Any, float]]) -> dict[str, float]:
    """The share of notes in key, and the distances to the histograms of real melodies."""
    own = _near(melodies)
    return {"in_key": share_in_key(melodies), **{name: total_variation(own[name], real[name]) for name in DISTANCES}}


def _near(melodies: Sequence[Sequence[Note]]) -> dict[str, Mapping[Any, float]]:
    """Their histograms."""
    return {"intervals": steps(melodies), "durations": durations(melodies)}


def _notes(policy: Policy) -> Notes:
    assert isinstance(policy.tokens, Notes)
    return policy.tokens


def _drawn(policy: Policy, seed: int, test: Tensor, folder: Path) -> dict[str, float]:
    """What is measured, and a picture of the policy's melodies."""
    picture = renderer(policy.tokens).picture(written(policy, SHOWN, seed), None)
    png.save(picture, folder / "melodies.png")
    return measured(policy, seed, test)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The share of SeqGAN's notes in key, a value a seed; all scores of it, of maximum likelihood at temperature 1, of
    the constant reward, and of other real melodies; the temperatures between which maximum likelihood does as well.
    """
    last = {name: [part["rows"][name][-1] for part in parts] for name in ROWS}
    plain = [next(point for point in part["curve"] if point["temperature"] == 1.0) for part in parts]
    return {
        "values": [point["in_key"] for point in last[GAME]],
        "seqgan": _by_key(last[GAME], KEYS),
        "mle": _by_key(plain, KEYS),
        "control": _by_key(last[CONSTANT], KEYS),
        "real": _by_key([part["real"] for part in parts], KEYS[:3]),
        "matched": [
            [
                [a["temperature"], b["temperature"]]
                for a, b in itertools.pairwise(part["curve"])
                if between_as_good(a, b, own)
            ]
            for part, own in zip(parts, last[GAME], strict=True)
        ],
        "runs": list(parts),
    }


def _by_key(points: Sequence[Mapping[str, float]], keys: Sequence[str]) -> dict[str, list[float]]:
    return {key: [round(point[key], 4) for point in points] for key in keys}


def as_good(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether it has as many notes in key as another, and is as near by both histograms."""
    return one["in_key"] >= other["in_key"] and all(one[name] <= other[name] for name in DISTANCES)


def better(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether it has more notes in key than another, and is nearer by both histograms."""
    return one["in_key"] > other["in_key"] and all(one[name] < other[name] for name in DISTANCES)


def between_as_good(a: Mapping[str, float], b: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether some place of the line from one point to the next, its ends too, is as good as another point by all three
    scores at once, which `policies.beyond` asks of two.

    Who writes some melodies as one and the others as the other reaches the line or better: total variation is convex.
    """
    first, last = 0.0, 1.0  # the places that no score rules out yet
    for name in KEYS[:3]:
        sign = 1 if name == "in_key" else -1
        begun, ended = sign * (a[name] - other[name]), sign * (b[name] - other[name])  # >= 0: as good
        if begun < 0 and ended < 0:
            return False
        if begun < 0:
            first = max(first, begun / (begun - ended))
        elif ended < 0:
            last = min(last, begun / (begun - ended))
    return first <= last


def holds(result: Measurements) -> bool:
    """Whether in every seed SeqGAN is better than maximum likelihood by each of the three scores, and neither a
    temperature, nor a line between two of them, nor a constant reward does as well by all three.
    """

    def row(name: str, seed: int) -> dict[str, float]:
        return {key: result[name][key][seed] for key in KEYS[:3]}

    return not any(result["matched"]) and all(
        better(row("seqgan", i), row("mle", i)) and not as_good(row("control", i), row("seqgan", i))
        for i in range(len(result["values"]))
    )


def in_few_numbers(result: Measurements) -> str:
    told = []
    for name, title in (("seqgan", "SeqGAN"), ("mle", "maximum likelihood"), ("control", "a constant reward")):
        share, *apart = (statistics.fmean(result[name][key]) for key in KEYS[:3])
        told.append(f"{title} {share:.3f} in key, intervals {apart[0]:.3f} and durations {apart[1]:.3f} from the data")
    return "; ".join(told)


MUSIC_SEQGAN = Study(
    name="music-seqgan",
    protocol=(
        f"10,000 melodies of `melodies`, drawn by the seed, to learn from; {STOPPED_BY:,} to stop by and {MEASURED:,} "
        f"to measure on, drawn by another. {RECIPE}: maximum likelihood for {EPOCHS} epochs at most; the policy of the "
        f"epoch that finds the melodies to stop by likeliest goes on with {ROWS[GAME][PREPARED]:,} steps of D and "
        f"{ROUNDS} of the game, whose moves of the policy have a rate of {OF_GAME['g_optimizer']['lr']:g} and the "
        f"likelihood of real melodies in them, as the recipe has it. Of {WRITTEN:,} written melodies: the share of "
        "notes in key (of each the major scale that most of its notes are of), and the total variation between their "
        f"intervals and durations and those of the melodies to measure on; of {ALIKE:,} self-BLEU-2 and distinct-2. "
        "Beside it maximum likelihood at temperatures from 1.1 to 0.7, with lines between neighbours, the same game "
        "with a constant reward instead of D's, and other real melodies. The value is the share of notes in key after "
        "the last step. Settings are from seed 100."
    ),
    published="",
    target=0.95,
    relation=">=",
    seeds=(0, 1, 2),
    parts=lambda seed: ("melodies",),
    run=run,
    summarise=summarise,
    extra_check=holds,
    measures="share of notes in key, three seeds",
    goal=(
        "at least 0.95; by all three scores better than maximum likelihood in every seed, and reached in all three by "
        "none of its temperatures, nor the lines between them, nor a constant reward"
    ),
    ours=in_few_numbers,
)
