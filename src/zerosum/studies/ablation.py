"""`zerosum reproduce improved-techniques`: what each of the Improved Techniques does to one GAN on 25 Gaussians."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zerosum.game import Game
from zerosum.games.gan import GAN
from zerosum.losses.adversarial import HARD, LabelSmoothing
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.studies.grid import train_on_grid
from zerosum.studies.study import Measurements, Study, by_part
from zerosum.techniques import Techniques
from zerosum.techniques.apply import with_techniques

ROUNDS, BATCH, HIDDEN, Z = 6_000, 64, (128, 128, 128), 2
ADAM = Adam(1e-3, (0.5, 0.99), decay=Decay("linear"))
SMOOTH = LabelSmoothing(real=0.9)
PLAIN, AGAINST_COLLAPSE = "none", "minibatch discrimination"


def _game(targets: LabelSmoothing = HARD, **techniques: Any) -> Callable[[Spec], Game[Any]]:
    config = GAN.Config(Z, targets=targets, g_optimizer=ADAM, d_optimizer=ADAM)

    def build(spec: Spec) -> Game[Any]:
        shape = spec.x.shape
        generator, discriminator = mlp.Generator(Z, shape, HIDDEN, "batch"), mlp.Discriminator(shape, HIDDEN)
        return with_techniques(GAN(generator, discriminator, config), Techniques(**techniques), spec.x)

    return build


ALONE: dict[str, tuple[str, Any]] = {
    "feature matching": ("feature_matching", True),
    AGAINST_COLLAPSE: ("minibatch_discrimination", 16),
    "historical averaging": ("historical_averaging", 0.001),
    "virtual batch norm": ("virtual_batch_norm", BATCH),
}
GAMES: dict[str, Callable[[Spec], Game[Any]]] = {
    PLAIN: _game(),
    **{name: _game(**{option: value}) for name, (option, value) in ALONE.items()},
    "one-sided label smoothing": _game(SMOOTH),
    "all": _game(SMOOTH, **dict(ALONE.values())),
    "all but feature matching": _game(SMOOTH, **dict(ALONE.values()) | {"feature_matching": False}),
}


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train the GAN with one choice of techniques, and measure its coverage as it learns."""
    settings = Training(ROUNDS, BATCH, average=0.0, precision="fp32")
    return train_on_grid(part, GAMES[part], settings, seed, fraction, folder)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """Modes that minibatch discrimination gains, one value a seed, and a table of all choices."""
    found = by_part(parts, ("seed", "modes", "high_quality", "kl"))
    gained = zip(found[AGAINST_COLLAPSE]["modes"], found[PLAIN]["modes"], strict=True)
    return {
        "values": [own - plain for own, plain in gained],
        "rounds": parts[0]["rounds"],
        "mean_modes": {name: round(statistics.fmean(row["modes"]), 2) for name, row in found.items()},
        "mean_high_quality": {name: round(statistics.fmean(row["high_quality"]), 4) for name, row in found.items()},
        "techniques": found,
    }


ABLATION = Study(
    name="improved-techniques",
    protocol=(
        "The data and measures of grid-25-own. A non-saturating GAN of perceptrons small enough for one core (three "
        "hidden layers of 128 in each, batch norm in G, z normal in 2 dimensions), Adam 1e-3 with beta1 0.5 falling "
        "linearly to 0, 6,000 rounds of batches of 64: without techniques, with each of Salimans et al., 2016, alone, "
        "with all of them, and with all but feature matching, which takes the place of the adversarial loss. "
        "Minibatch discrimination has 16 kernels of 5 dimensions, historical averaging a weight of 0.001, label "
        "smoothing a target of 0.9, virtual batch norm, in G, a reference batch of 64. The paper gives no numbers for "
        "this. The value is the number of modes that minibatch discrimination, the technique meant against collapse, "
        "reaches beyond those of the GAN without techniques at the same seed. Settings and target were chosen on a "
        "pilot of 4,000 rounds with seed 0, which is not among the seeds."
    ),
    published="",
    target=0,
    relation=">=",
    seeds=(1, 2, 3),
    parts=lambda seed: tuple(GAMES),
    run=run,
    summarise=summarise,
    differs="points in place of images; the paper has no such number",
    measures="modes of 25 that minibatch discrimination gains, three seeds",
    goal="no mode fewer",
)
