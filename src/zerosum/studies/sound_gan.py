"""`zerosum reproduce sound-gan`: how many sounds of a GAN have a pitch of its data, and are all pitches drawn?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.sounds import tones
from zerosum.games import find
from zerosum.metrics.pitch import fundamental, matches
from zerosum.pictures import png
from zerosum.pictures.render import renderer
from zerosum.run.sampling import sample
from zerosum.studies.study import Measurements, Study, each_value
from zerosum.studies.training import play, shortened, trainer_of

RECIPE = "r3gan/sounds"
COUNT = 2_000  # sounds that are counted
SHOWN = 40
CENTS, PERIODICITY = 50.0, 0.8  # a quarter tone; below it a sound has no pitch
OTHER = 1  # added to the seed of real tones that are compared with


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train the recipe on tones, without its monitor; the pitches of its sounds, of other real tones, and of noise."""
    recipe = find(RECIPE)
    training = shortened(recipe.training, seed, fraction, 10)
    learnt = data.load("sounds:tones", seed=seed).without_labels()
    trainer = trainer_of(recipe.build, learnt, training)
    play(trainer, folder)
    x = sample(trainer.sampler, COUNT, seed=seed)
    png.save(renderer(tones.SOUND).picture(x[:SHOWN], None), folder / "sounds.png")
    generator = torch.Generator().manual_seed(seed + OTHER)
    real = tones.draw(COUNT, generator).x
    noise = tones.SOUND.load(tones.SOUND.noise(COUNT, generator, learnt.x))
    found = {name: heard(own) for name, own in (("fake", x), ("real", real), ("noise", noise))}
    of_each = torch.bincount(found["fake"][found["fake"] >= 0], minlength=len(tones.PITCHES))
    return {
        "seed": seed,
        "steps": training.steps,
        "right": right(found["fake"]),
        "real": right(found["real"]),
        "noise": right(found["noise"]),
        "drawn": int((of_each > 0).sum()),
        "least": round(float(of_each.min()) / COUNT, 4),
    }


def heard(x: Tensor) -> Tensor:
    """(N,) the number of the tones' pitch that each sound (N, C, T) has, -1 where it has none of them."""
    stored = tones.SOUND.load(tones.SOUND.store(x))  # as a file would have it
    return matches(*fundamental(stored, tones.RATE), torch.tensor(tones.PITCHES), CENTS, PERIODICITY)


def right(found: Tensor) -> float:
    """The share of sounds with one of the pitches."""
    return round(float((found >= 0).double().mean()), 4)


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The share of sounds with a right pitch, one a seed; how many pitches are drawn, and the share of the rarest."""
    keys = ("real", "noise", "drawn", "least")
    return {"values": [part["right"] for part in parts], **{key: [part[key] for part in parts] for key in keys}}


SOUND_GAN = Study(
    name="sound-gan",
    protocol=(
        f"The recipe {RECIPE} learns 4,000 tones of `sounds:tones`, drawn by the seed, without their labels. "
        f"The value is the share of {COUNT:,} sounds of its averaged weights whose pitch, by the peak of the "
        f"normalised autocorrelation, is within {CENTS:g} cents of one of the ten pitches, in sounds whose "
        f"autocorrelation there is {PERIODICITY:g} at least. Beside it stand how many pitches are drawn, the share of "
        "the sounds that the rarest has, and the value of as many other real tones and of uniform noise. Networks and "
        "settings were chosen on seeds 100 and 101."
    ),
    published="",
    target=0.9,
    relation=">=",
    seeds=(0, 1, 2),
    parts=lambda seed: ("tones",),
    run=run,
    summarise=summarise,
    extra_check=lambda result: min(result["drawn"]) == len(tones.PITCHES),
    measures="share of sounds within a quarter tone of a pitch of the data, three seeds",
    goal=f"at least 0.9, and all {len(tones.PITCHES)} pitches drawn",
    ours=lambda result: f"{each_value(result)}; pitches drawn: {', '.join(map(str, result['drawn']))}",
)
