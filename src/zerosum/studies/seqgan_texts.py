"""`zerosum reproduce seqgan-poems` and `seqgan-captions`: is it better than maximum likelihood that is as varied?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import DataError, Dataset
from zerosum.data.paths import find
from zerosum.metrics.bleu import References
from zerosum.metrics.n_grams import texts
from zerosum.networks.policy import Policy
from zerosum.studies.policies import TEMPERATURES, alikeness, beyond, likelihood, play_game, surprise, written
from zerosum.studies.study import Measurements, Study
from zerosum.util import rng

RECIPE = "seqgan/lines"
EPOCHS, ROUNDS, LOOK = 40, 100, 10
STOPPED_BY, MEASURED, WRITTEN = 1_000, 1_000, 1_000  # texts to stop by, to be measured on, and written
SPLIT = 0  # the seed by which texts are learnt from or not: one split for all seeds
GAME, CONSTANT = "SeqGAN", "constant reward"
PREPARED = "pretrain_discriminator"
ROWS: Mapping[str, Mapping[str, Any]] = {
    GAME: {PREPARED: 1_000},
    CONSTANT: {"reward": "constant", "baseline": False, PREPARED: 0, "d_steps": 0},
}


def parts_of(file: str) -> tuple[Dataset, Tensor, Tensor]:
    """Texts to learn from, to stop by and to measure on; `DataError` where the file is missing."""
    path = find(f"text/{file}", None)
    if path is None:
        raise DataError(f"text/{file} is not here: put it into the folder that $ZEROSUM_DATA names")
    whole = data.load(str(path))
    order = rng.shuffled(len(whole), SPLIT)
    test, stop, learnt = order.tensor_split([MEASURED, MEASURED + STOPPED_BY])
    fields = {name: field.at(learnt) for name, field in whole.fields.items()}
    return Dataset(whole.name, fields, whole.fingerprint), whole.x[stop], whole.x[test]


def run(file: str, part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Maximum likelihood, its early-stopped policy at several temperatures, and from there each row of the game."""
    learnt, held_out, test = parts_of(file)
    epochs = max(1, round(EPOCHS * fraction))
    points, _, best = likelihood(RECIPE, learnt, seed, {}, epochs, held_out, folder / "likelihood")
    curve = [{"temperature": t, **measured(best, seed, test, t)} for t in TEMPERATURES]
    rows = {}
    for name, options in ROWS.items():
        series = play_game(
            RECIPE,
            learnt,
            seed,
            {**options, PREPARED: round(options[PREPARED] * fraction)},
            max(1, round(ROUNDS * fraction)),
            best,
            lambda policy: measured(policy, seed, test),
            LOOK,
            folder / name.replace(" ", "-"),
        )
        rows[name] = {"series": series, "above": beyond(series[-1], curve, "self_bleu_2", "bleu_2", "higher")}
    best_epoch = min(points, key=lambda point: point["held_out"])["epoch"]
    real = {"real": scores(texts(best.tokens, held_out), texts(best.tokens, test))}
    lines = best.tokens.write(written(best, 3, seed))
    return {"part": part, "seed": seed, "stopped": best_epoch, "curve": curve, "rows": rows, **real, "lines": lines}


@torch.no_grad()
def measured(policy: Policy, seed: int, test: Tensor, temperature: float = 1.0) -> dict[str, float]:
    """BLEU-2 against held-out texts, how alike a policy's texts are, and how surprised it is by the held-out ones."""
    ids = written(policy, WRITTEN, seed, temperature)
    found = scores(texts(policy.tokens, ids), texts(policy.tokens, test))
    return {**found, "test": surprise(policy, test, temperature)}


def scores(own: Sequence[tuple[int, ...]], test: Sequence[tuple[int, ...]]) -> dict[str, float]:
    """Of texts beside real ones, as ids."""
    references = References(test, 2)
    return {"bleu_2": statistics.fmean(references.bleu(text)[1] for text in own), **alikeness(own)}


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """BLEU-2 over maximum likelihood's at equal self-BLEU, a value a seed; the same of the control."""
    last = [part["rows"][GAME]["series"][-1] for part in parts]
    plain = [next(point for point in part["curve"] if point["temperature"] == 1.0) for part in parts]
    return {
        "values": [part["rows"][GAME]["above"] for part in parts],
        "control": [part["rows"][CONSTANT]["above"] for part in parts],
        "bleu_2": [point["bleu_2"] for point in last],
        "mle_bleu_2": [point["bleu_2"] for point in plain],
        "self_bleu_2": [point["self_bleu_2"] for point in last],
        "mle_self_bleu_2": [point["self_bleu_2"] for point in plain],
        "runs": list(parts),
    }


def holds(result: Measurements) -> bool:
    """Whether SeqGAN is above the curve in every seed, and above what a constant reward reaches."""
    pairs = zip(result["values"], result["control"], strict=True)
    return all(value > max(0.0, control) for value, control in pairs)


def in_few_numbers(result: Measurements) -> str:
    told = ", ".join(f"{value:+.4f}" for value in result["values"])
    names = ("bleu_2", "self_bleu_2", "mle_bleu_2", "mle_self_bleu_2")
    ours, alike, theirs, theirs_alike = (f"{statistics.fmean(result[name]):.3f}" for name in names)
    both = f"BLEU-2 {ours} at self-BLEU-2 {alike}, maximum likelihood {theirs} at {theirs_alike}"
    return f"{told}; {both}; a constant reward {', '.join(f'{value:+.4f}' for value in result['control'])}"


def study_of(name: str, file: str, what: str) -> Study:
    """The study of the texts of a file in `text/` of the data."""
    return Study(
        name=name,
        protocol=(
            f"{what} One split: {MEASURED:,} texts to measure on, {STOPPED_BY} to stop by, all others to learn from. "
            f"{RECIPE}: maximum likelihood for {EPOCHS} epochs at most; the policy of the epoch that finds the texts "
            f"to stop by likeliest goes on with {ROWS[GAME][PREPARED]:,} steps of D and {ROUNDS} of the game. BLEU-2 "
            f"of {WRITTEN:,} written texts against the {MEASURED:,} real ones, and self-BLEU-2 among the written ones. "
            "The curve is maximum likelihood at temperatures from 1.3 to 0.7, BLEU-2 beside self-BLEU-2; the value is "
            "SeqGAN's BLEU-2 after its last step minus the most that the curve has at no more self-BLEU-2. Beside it a "
            "constant reward, which is to be below SeqGAN in every seed."
        ),
        published="no number of BLEU at equal self-BLEU",
        target=0.0,
        relation=">=",
        seeds=(0, 1, 2),
        parts=lambda seed: ("texts",),
        run=partial(run, file),
        summarise=summarise,
        extra_check=holds,
        differs="BLEU at equal self-BLEU; a wider policy, a smaller D, fewer steps of the game",
        measures="BLEU-2 of SeqGAN minus maximum likelihood's at equal self-BLEU-2, three seeds",
        goal="above 0, and above the constant reward, in every seed",
        ours=in_few_numbers,
    )


SEQGAN_POEMS = study_of("seqgan-poems", "poems_zh.txt", "16,394 Chinese poems of 24 characters and marks.")
SEQGAN_CAPTIONS = study_of("seqgan-captions", "image_coco.txt", "10,000 English captions of 7 to 35 words.")
