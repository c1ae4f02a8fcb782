"""The health signals of a GAN in training: cheap numbers about its samples, its discriminators and its gradients.

A `SignalMeter` measures them between two steps without disturbing any random number of the training. `verdicts` says
what they mean.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from zerosum.data.dataset import Dataset, Field
from zerosum.game import Game
from zerosum.health.features import RECOGNISED, FeatureSpace, feature_space
from zerosum.health.history import Snapshot, of_player
from zerosum.health.modes import ByLabel, Cells, Clusters, Modes, OrRegions
from zerosum.health.translations import OF_TRANSLATIONS, Translations, of_images
from zerosum.metrics.frechet import frechet
from zerosum.metrics.intervals import of_share
from zerosum.metrics.statistics import Moments, above
from zerosum.modality import Classes, Modality, Prompt
from zerosum.roles import Acts, Generates, Predicts, Translates, has_role, in_role
from zerosum.run.sampling import default_labels, device_of, eval_no_grad, sample
from zerosum.training.log_keys import Key, Kind
from zerosum.training.trainer import Trainer, Value

SAMPLES = 256  # fakes, and reals that they are compared with
COUNTED = 512  # fakes whose modes are counted, and that may lie where no reals do
KNOWN = 2048  # reals that say where reals lie, and what other reals reach
REFERENCES = 20  # times that other reals are compared like fakes
ENOUGH = 128  # reals without which nothing is known of what other reals would reach
ORIGINAL = 0.2  # of distance to the nearest over that to the second: reals below it are near-copies themselves
TWINS = 0.1  # share of reals with an equal beyond which copies mean nothing
OUTLYING = 0.01  # share of reals that lie as far from others as a stray
SEARCHED = 4096  # reals among which copies are looked for
COPIES = 128  # fakes of which the median says whether they are copies
CHANCE = 1024  # reals that say how often one is as near to another as a copy
MOVING = 64  # fakes of fixed z, whose centre is followed
AXES = 4  # principal axes of the reals along which it is followed
CLASSES = 16  # classes that are measured
NAMED = 50  # classes that may be missing: of rarer ones so few fakes are expected that nothing is known of each alone
FEWEST = 4  # samples of a class that is measured
OTHERS = "all other classes"  # what these are called together
REPEATED = 0.1  # of the distance of reals to each other, below which two fakes are next to equal
NEAREST = 3  # neighbours that make a ball
TRANSLATED = 64  # samples translated at once
PREDICTED = 16  # videos foreseen at once

OF_SAMPLES = {
    "frechet": "Fréchet distance of fakes to reals; 1 is that of one average sample, repeated",
    "frechet_real": "the same of other reals, as many as there are fakes: what is within reach",
    "sight": "Fréchet distance in edges, colours and detail: what a person sees of an image",
    "surface": "Fréchet distance in how channels differ, and in detail that is lost at 32 pixels",
    "specks": "share of the pixels of fakes that stand out of all around them, as salt and pepper does",
    "stray": "share of fakes further from the nearest real than 99 % of reals are",
    "spread": "variance of the fakes over that of the reals",
    "recall": "share of reals among fakes' neighbours, over the same share for fresh reals",
    "precision": "share of fakes among reals' neighbours, over the same share for fresh reals",
    "lifelike": "the same share, of what is seen of images",
    "distinct": "distance of a fake to the nearest other fake over the same for reals",
    "repeated": "share of fakes that another fake is next to equal to",
    "variety": "different pairs of neighbouring tokens in fakes, over those among as many pairs in reals",
    "kept": "share of texts of fixed z that are what they were a third of the steps ago",
    "novel": "share of pairs of neighbouring tokens that known reals do not have",
    "copying": "distance of fakes to the nearest training sample over that to the second nearest, over the reals' own",
    "copied": "share of fakes that are copies of a training sample, beyond chance; scaled up where few are searched",
    "class_spread": "variance within a class of fakes over that of reals, of the median class",
    "class_spread_least": "the same of the class with the least",
    "class_accuracy": "share of fakes that are of the requested class",
    "class_accuracy_real": "the same for reals: how well the labels can be told apart",
    "class_chance": "the accuracy that chance may reach (three deviations above its mean)",
    "modes": "modes of the data: its classes, its clusters, or regions of about equal weight",
    "modes_missing": "modes of which the fakes have less than a quarter of the share that reals have, beyond chance",
    "unreached": "share of reals in small regions of which the fakes have less than a quarter of the reals' share",
    "mode": "share of the fakes in a mode over that of the reals",
    "broken": "share of fakes that are not finite",
    "begun": "step after which the run was watched, in its first snapshot, where that is not 0",
    "reals": "how many real samples there are to compare with, where they are too few",
    "centre": "where the fakes' centre lies along the reals' principal axes, in deviations",
}
OF_LOGITS = {  # of each player that hands over logits
    "real_accuracy": "share of real samples with a logit above 0",
    "fake_accuracy": "share of fakes with a logit below 0",
    "separation": "how often D scores a real sample above a fake: 0.5 is a coin, 1 is always",
    "gap": "mean logit of reals minus that of fakes",
    "gap_spread": "the gap in standard deviations of the logits within reals and within fakes",
}
OF_MOVES = {  # of each player
    "gradient": "mean norm of the player's gradient",
    "loss": "mean of the first term of the player's moves: its objective, without regularisers",
}
REFERENCE = {  # of the interval that holds 95 % of what other reals reach, in place of the fakes: the end that counts
    "frechet_high": "the most that the Fréchet distance of other reals is",
    "sight_high": "the most that it is in edges, colours and detail",
    "surface_high": "the most that it is in colours and fine detail",
    "specks_high": "the largest share of such pixels in other reals",
    "specks_most": "the share of such pixels that 99 of 100 reals are below",
    "repeated_high": "the largest share of other reals that are next to equal to another",
    "copied_high": "what that may be by chance",
    "recall_low": "the least that the recall of other reals is",
    "precision_low": "the least that the precision of other reals is",
    "lifelike_low": "the least that it is, of what is seen of images",
    "distinct_low": "the least distance of other reals to each other",
    "spread_low": "the least variance of other reals",
    "spread_high": "the most variance of other reals",
    "novel_high": "the most that other reals have of such pairs",
    "unreached_high": "the largest such share of as many other reals",
    "stray_high": "the largest share of other reals that stray",
}
SIGNALS = {**OF_SAMPLES, **REFERENCE, **OF_TRANSLATIONS, **OF_LOGITS, **OF_MOVES}


class SignalMeter:
    """Measures a trainer's game against a fixed part of its data, in the field that the game `makes` samples of.

    `seed` is that of the choice of the part, and of the noise of every measurement. `ZerosumError` where there are no
    features of samples of that kind.
    """

    def __init__(self, dataset: Dataset, makes: str, seed: int = 0):
        self.samples = SampleMeter(dataset, makes, seed) if makes in dataset.fields else None

    def measure(self, trainer: Trainer, seconds: float) -> Snapshot:
        """The signals now, after a step of the trainer."""
        signals = {**of_players(trainer.interval), **(self.samples.measure(trainer) if self.samples else {})}
        return Snapshot(trainer.step, seconds, signals)


class SampleMeter:
    """The part of it that compares samples with real ones; of games that neither generate nor translate, nothing."""

    def __init__(self, dataset: Dataset, makes: str, seed: int = 0):
        # The order of these steps is that of the generator's draws: another one would choose other reals.
        generator, field = torch.Generator().manual_seed(seed), dataset.fields[makes]
        searched = _rows(len(field), SEARCHED, generator)
        x = field.stored[searched]
        self.seed, self.space, self.asked = seed, feature_space(field.modality, x, generator), _asked(dataset)
        self._find_copies_of_reals(x, len(field))
        real = self.space.of_stored(x[:KNOWN])  # (N, F)
        self._measure_reals(real)
        self.seen = self.space.of_stored(x[:KNOWN], self.space.seen)  # (N, S)
        self.nearby, self.surface = _Nearby(self.seen), _Surface(self.space.of_stored(x[:KNOWN], self.space.surface))
        self.specks = self.space.of_stored(x[:KNOWN], self.space.specks)  # (N, D); D is 1 of what has pixels, else 0
        self.looks = list[tuple[int, Tensor]]()  # texts of fixed z, after the steps that were looked at
        self.pairs = None if self.space.pairs(x[:1]) is None else _Pairs(self.space, x[:KNOWN])
        self.reference, self.alike = {"reals": float(len(field))}, SAMPLES
        if len(field) >= ENOUGH:
            self.reference = self._reference(real, generator)
            self.reference |= {"novel_high": self.pairs.novel_high} if self.pairs else {}
            if "repeated_high" in self.reference:
                self.reference["repeated_high"] += _drawn_twice(self.alike, len(field))
        self.labels: _Labels | None = None
        self.chosen: Tensor | None = None  # (N,) the classes that fakes are requested of; None: all in turn
        self.modes: Modes | None = None
        if dataset.y is not None and dataset.fields["y"].deck == field.deck:
            self._learn_labels(dataset, dataset.y, field, searched, generator)
        if len(field) >= ENOUGH and not self._knows_modes():
            self.modes = self._modes_without_labels(field, searched, generator)
        self.cells = None
        if len(field) >= ENOUGH:
            self.cells = Cells(self.seen, COUNTED, torch.Generator().manual_seed(seed))
            self.reference["unreached_high"] = self.cells.high
        self.source = None  # what is translated: the modality and stored samples
        self.translations: Translations | None = None
        if source := dataset.fields.get("a"):
            rows = _rows(len(source), SAMPLES, generator)
            self.source = source.modality, source.stored[rows]
            if of_images(source, field):
                self.translations = Translations(source, field, rows, searched, self._distances, seed)
        self.films = None  # what is foreseen: the modality of videos, and some as stored, with their actions
        if actions := dataset.fields.get("actions"):
            rows = _rows(len(field), SAMPLES, generator)
            self.films = field.modality, field.stored[rows], actions.stored[rows]

    def _find_copies_of_reals(self, x: Tensor, count: int) -> None:
        """How near reals lie to each other, of `count` in all: whether a fake that is as near to one would be a copy.

        `x` are stored reals (N, *shape).
        """
        self.thumbnails = self.space.of_stored(x, self.space.thumbnail)  # (M, P)
        self.for_one = count / len(x)  # reals that there are for one that is searched
        ratios = _copy_ratios(self.thumbnails[:CHANCE], self.thumbnails, own=True)
        self.copying_real, self.by_chance = _middle(ratios[:COPIES]), float((ratios < ORIGINAL).float().mean())
        twins = _twins(self.thumbnails[:COPIES], self.thumbnails)
        self.original = self.copying_real > ORIGINAL and twins < TWINS and count >= self.space.fewest

    def _measure_reals(self, real: Tensor) -> None:
        """What fakes are compared with: the first of the features (N, F), and what others of them reach."""
        self.real = real[:SAMPLES]
        self.moments = Moments.of(self.real)
        self.variance = max(float(self.moments.covariance.trace()), 1e-12)
        self.distance_real = _middle(_nearest_distances(self.space.position(self.real)))
        self.axes = _axes(self.real)  # (F, AXES)
        one, other = real[: 2 * SAMPLES].chunk(2) if len(real) > 2 * NEAREST else (real, real)
        self.recall_real = _ball_recall(self.space.position(one), self.space.position(other))
        self.precision_real = _ball_recall(self.space.position(other), self.space.position(one))
        self.frechet_real = frechet(Moments.of(one), Moments.of(other)) / self.variance

    def _learn_labels(
        self, dataset: Dataset, labels: Tensor, field: Field, searched: Tensor, generator: Generator
    ) -> None:
        """A classifier of the frequent classes, and all classes as modes, of labelled reals: of the rows that are
        searched, where all have labels, else of others.
        """
        known, rows = (labels >= 0).nonzero()[:, 0], searched
        if len(known) < len(field):
            rows = known[torch.randperm(len(known), generator=generator)[:SEARCHED]]
        most = SEARCHED * 32 * 32 * 3 // math.prod(field.modality.shape) // 2  # fewer of large images
        rows = rows[: max(2 * SAMPLES, most)]
        y = labels[rows]
        chosen = _frequent(y, len(dataset.classes))
        if len(chosen) < 2 or not bool(torch.isin(y[len(y) // 2 :], chosen).any()):
            return  # nothing would be tested
        features = self.space.of_stored(field.stored[rows])
        self.chosen, self.labels = y[torch.isin(y, chosen)], _Labels(features, y, chosen)
        if len(rows) >= ENOUGH:
            self.modes = classes = self._modes_of(field, rows[:KNOWN], y[:KNOWN], dataset.classes, generator)
            if self._knows_modes() and len(classes.testable) < len(classes.expected):
                self.modes = OrRegions(classes, Clusters(self.seen, COUNTED, generator, self.space.place))

    def _knows_modes(self) -> bool:
        """Whether a mode with a name of its own can be tested."""
        return self.modes is not None and any(n.name != OTHERS for n in self.modes.testable.values())

    def _modes_without_labels(self, field: Field, searched: Tensor, generator: Generator) -> Modes:
        """Classes, where reals are recognised without labels; else clusters of what is seen of them."""
        rows = searched[:RECOGNISED]
        if recognised := self.space.recognise(field.stored[rows]):
            y, names = recognised
            return self._modes_of(field, rows, y, names, generator)
        return Clusters(self.seen, COUNTED, generator, self.space.place)

    def measure(self, trainer: Trainer) -> dict[str, float]:
        """The signals of OF_SAMPLES and REFERENCE; `broken` alone where a sample is not finite."""
        labels = self._labels_for(trainer.game)
        fakes, moving = self.draw(trainer.sampler, COUNTED, labels), self.draw(trainer.game, MOVING, labels)
        if fakes is None or moving is None:
            return {}
        if not has_role(trainer.game, Generates):
            near_input = has_role(trainer.game, Translates) and in_role(trainer.game, Translates).near_input
            return self.of_translations(fakes, moving, near_input)
        return self.compare(fakes, moving, labels) | self._kept(trainer.step, moving)

    def _kept(self, step: int, moving: Tensor) -> dict[str, float]:
        """How many texts of fixed z, (N, length), are as they were at the last look in the first two thirds so far."""
        if self.pairs is None:
            return {}
        self.looks.append((step, moving))
        before = [look for look in self.looks if look[0] <= step * 2 / 3]
        self.looks = self.looks[max(0, len(before) - 1) :]  # older ones are asked for no more
        return {"kept": float((before[-1][1] == moving).all(1).float().mean())} if before else {}

    def of_translations(self, fakes: Tensor, moving: Tensor, near_input: bool = False) -> dict[str, float]:
        """The signals of outputs (N, *shape) for the first of the inputs, which the game may hold them near, or of what
        is foreseen.
        """
        signals = self.compare(fakes, moving, None)
        for name in ("copying", "copied", "copied_high"):
            signals.pop(name, None)  # a translation is near its own target, as it should be
        if self.translations and "broken" not in signals:
            signals |= self.translations.signals(fakes, signals, near_input)
        return signals

    def compare(self, fakes: Tensor, moving: Tensor, labels: Tensor | None) -> dict[str, float]:
        """The signals of samples (N, *shape), of those whose centre is followed, and of the classes asked for."""
        finite = torch.cat([part.isfinite().flatten(1).all(1) for part in (fakes, moving)])
        if not bool(finite.all()):
            return {"broken": 1 - float(finite.float().mean())}
        few, both = fakes[:SAMPLES], self.features_of_modes(fakes)
        seen, features = both[:, : self.seen.shape[1]], both[:, self.seen.shape[1] :]
        fake = features[:SAMPLES]
        centre = (self.space(moving).mean(0) - self.real.mean(0)) @ self.axes
        signals = {
            **self._compared(fake, seen[:SAMPLES], self.space.surface(few)),
            "frechet_real": self.frechet_real,
            **self.reference,
            "stray": self.nearby.strays(seen),
            **{f"centre/{i}": value for i, value in enumerate(centre.tolist())},
        }
        if self.specks.shape[1]:
            signals["specks"] = float(self.space.specks(few).mean())
        if self.cells:
            signals["unreached"] = self.cells.unreached(seen)
        if self.original:
            ratios = _copy_ratios(self.space.thumbnail(few), self.thumbnails)
            signals["copying"] = _middle(ratios[:COPIES]) / self.copying_real
            if not self.space.discrete:
                found = float((ratios < ORIGINAL).float().mean()) - self.by_chance
                signals["copied"] = min(1.0, max(0.0, self.for_one * found))
        if self.pairs:
            signals |= self.pairs.signals(few)
        if self.modes:
            signals |= self.modes.signals(both)
        return signals | (self.labels.signals(fake, labels[: len(fake)]) if self.labels and labels is not None else {})

    def _distances(self, x: Tensor) -> dict[str, float]:
        """What is measured of fakes, of samples (N, *shape)."""
        return self._compared(self.space(x), self.space.seen(x), self.space.surface(x))

    def features_of_modes(self, x: Tensor) -> Tensor:
        """(N, S + F) of samples (N, *shape): what is seen of them, and their features."""
        parts = x.split(SAMPLES)
        return torch.cat([torch.cat([self.space.seen(part), self.space(part)], 1) for part in parts])

    def _compared(self, fake: Tensor, seen: Tensor, surface: Tensor) -> dict[str, float]:
        """What is measured of other reals as well: of features (N, F), of what is seen, (N, S), of surfaces, (N, D)."""
        moments, position = Moments.of(fake), self.space.position(fake)
        apart = _nearest_distances(position[: self.alike])  # of fewer samples each is further from the next
        signals = {
            "frechet": frechet(self.moments, moments) / self.variance,
            "spread": float(moments.covariance.trace()) / self.variance,
            "recall": _ball_recall(self.space.position(self.real), position) / max(self.recall_real, 1e-6),
            "precision": _ball_recall(position, self.space.position(self.real)) / max(self.precision_real, 1e-6),
            "lifelike": _ball_recall(seen, self.seen[:SAMPLES]),
            "distinct": _middle(apart) / self.distance_real,
        }
        if not self.pairs:  # real texts repeat each other by chance
            signals["repeated"] = float((apart < REPEATED * self.distance_real).float().mean())
        signals |= self.surface.signals(surface)
        if self.space.sees:
            one = Moments.of(self.seen[:SAMPLES])
            signals["sight"] = frechet(one, Moments.of(seen)) / max(float(one.covariance.trace()), 1e-12)
        return signals

    def _reference(self, real: Tensor, generator: Generator) -> dict[str, float]:
        """The ends that count of the intervals that hold 95 % of what other reals reach."""
        others = torch.arange(SAMPLES if len(real) >= 2 * SAMPLES else len(real) // 2, len(real))
        self.alike = size = min(SAMPLES, max(2, 3 * len(others) // 4))
        found: dict[str, list[float]] = {}
        for _ in range(REFERENCES):
            rows = others[torch.randperm(len(others), generator=generator)[:size]]
            for name, value in self._compared(real[rows], self.seen[rows], self.surface.real[rows]).items():
                found.setdefault(name, []).append(value)
        reference = {"stray_high": self.nearby.strays_high(COUNTED)}
        if self.original and not self.space.discrete:
            most = of_share(self.by_chance, min(CHANCE, len(self.thumbnails)))[1]
            high = most - self.by_chance + 1.96 * math.sqrt(most * (1 - most) / SAMPLES)
            reference["copied_high"] = self.for_one * high
        if self.specks.shape[1]:
            within = 1.96 * float(self.specks.std()) * math.sqrt(1 / SAMPLES + 1 / len(self.specks))
            reference["specks_high"] = float(self.specks.mean()) + within
            reference["specks_most"] = float(self.specks.quantile(1 - OUTLYING))
        for name, values in found.items():
            mean, within = statistics.fmean(values), 1.96 * statistics.stdev(values)
            reference |= {f"{name}_low": mean - within, f"{name}_high": mean + within}
        return {name: value for name, value in reference.items() if name in REFERENCE}

    def _modes_of(self, field: Field, rows: Tensor, y: Tensor, names: Sequence[str], generator: Generator) -> ByLabel:
        """The most frequent classes as modes, and all others as one."""
        seen = torch.cat([self.space.of_stored(field.stored[rows], f) for f in (self.space.seen, self.space)], 1)
        chosen = _frequent(y, len(names), NAMED)
        index = torch.full((len(names),), len(chosen))
        index[chosen] = torch.arange(len(chosen))
        own = index[y]
        called = [names[c] for c in chosen.tolist()] + [OTHERS] * (not bool(torch.isin(y, chosen).all()))
        expected = torch.bincount(own, minlength=len(called)) / len(own)
        return ByLabel(seen, own, called, expected, COUNTED, generator)

    def draw(self, game: Game[Any], count: int, labels: Tensor | None = None) -> Tensor | None:
        """(N, *shape) on the CPU; None of a game that makes no samples."""
        if has_role(game, Generates):
            return sample(game, count, seed=self.seed, labels=None if labels is None else labels[:count])
        if has_role(game, Acts):
            return in_role(game, Acts).behave(count, self.seed)
        if has_role(game, Predicts) and self.films is not None:
            return self._foreseen(game, count, *self.films)
        if not has_role(game, Translates) or self.source is None:
            return None
        modality, stored = self.source
        role, device = in_role(game, Translates), device_of(game)
        with eval_no_grad(game, self.seed):
            parts = [role.translate(modality.load(a.to(device))) for a in stored[:count].split(TRANSLATED)]
            return torch.cat([part.float() if part.is_floating_point() else part for part in parts]).cpu()

    def _foreseen(self, game: Game[Any], count: int, modality: Modality, videos: Tensor, actions: Tensor) -> Tensor:
        """Videos (N, *shape) of which the first frames are real, and the others foreseen."""
        role, device = in_role(game, Predicts), device_of(game)
        parts = zip(videos[:count].split(PREDICTED), actions[:count, :-1].split(PREDICTED), strict=True)
        made = []
        with eval_no_grad(game, self.seed):
            for x, own in parts:
                start = modality.load(x[:, : role.start].to(device))
                made.append(torch.cat([start, role.predict(start, own.to(device)).float()], 1).cpu())
        return torch.cat(made)

    def condition_of(self, game: Game[Any]) -> Prompt | None:
        """What the game's samples are asked for; None of a G of z alone."""
        return in_role(game, Generates).condition if has_role(game, Generates) else None

    def _labels_for(self, game: Game[Any]) -> Tensor | None:
        """(COUNTED,) classes, in the shares that reals have, or vectors (COUNTED, K), or ids of texts
        (COUNTED, length), that fakes are requested of; None for a G of z alone.
        """
        condition = self.condition_of(game)
        if isinstance(condition, Classes) and self.chosen is not None:
            return self.chosen[torch.arange(COUNTED) % len(self.chosen)]
        return default_labels(condition, COUNTED, self.asked)


def _asked(dataset: Dataset) -> Tensor | None:
    """What fakes are asked for, in turn: the vectors of the data, or some of its captions, spread over it."""
    if dataset.captions is None:
        return dataset.vectors
    captions = dataset.captions.stored
    return captions[torch.linspace(0, len(captions) - 1, COUNTED).long()]


def of_players(values: Iterable[Value]) -> dict[str, float]:
    """The signals of OF_MOVES and OF_LOGITS, for each player, of the values that its moves logged."""
    by_key: dict[Key, list[Tensor]] = {}
    for _, key, value in values:
        by_key.setdefault(key, []).append(value)
    first: dict[tuple[str, Kind], list[Tensor]] = {}  # of a player's terms, the first: its objective
    for key, found in by_key.items():
        first.setdefault((key.player, key.kind), found)
    signals: dict[str, float] = {}
    for (player, kind), found in first.items():
        if kind == "gradient norm":
            signals[of_player("gradient", player)] = _mean(found)
        elif kind == "term":
            signals[of_player("loss", player)] = _mean(found)
        elif kind == "real logits":
            separations = of_logits(_joined(found), _joined(first[player, "fake logits"]))
            signals |= {of_player(name, player): value for name, value in separations.items()}
    return {name: value for name, value in signals.items() if math.isfinite(value)}


def of_logits(real: Tensor, fake: Tensor) -> dict[str, float]:
    """The signals of OF_LOGITS, of logits on reals, (N,), and on fakes, (M,)."""
    gap = float(real.mean() - fake.mean())
    within = math.sqrt(float(real.var(correction=0) + fake.var(correction=0)) / 2)
    return {
        "real_accuracy": float((real > 0).float().mean()),
        "fake_accuracy": float((fake < 0).float().mean()),
        "separation": above(real, fake),
        "gap": gap,
        "gap_spread": gap / max(within, 1e-12),
    }


class _Nearby:
    """Where reals lie: one half of them, and how far the others are from it."""

    def __init__(self, real: Tensor):
        self.real = real[: -(-len(real) // 2)]
        self.others = self._distances(real[len(self.real) :])
        self.far = float(self.others.quantile(1 - OUTLYING))

    def strays(self, x: Tensor) -> float:
        """Share of samples (N, S) that lie further off than 99 % of reals."""
        return float((self._distances(x) > self.far).float().mean())

    def strays_high(self, count: int) -> float:
        """What that is, at most, of `count` reals, in 95 % of draws."""
        return OUTLYING + 1.96 * math.sqrt(OUTLYING / min(count, len(self.others)))

    def _distances(self, x: Tensor) -> Tensor:
        return torch.cdist(x, self.real).amin(1)


class _Surface:
    """What is measured of the surfaces of reals, (N, D), in their deviations."""

    def __init__(self, real: Tensor):
        self.real, self.moments = real, None
        if real.shape[1]:
            self.scale = real.std(0).clamp_min(1e-3)
            self.moments = Moments.of(real[:SAMPLES] / self.scale)

    def signals(self, x: Tensor) -> dict[str, float]:
        """Of fakes (N, D); nothing where they have no surface."""
        if self.moments is None:
            return {}
        return {"surface": frechet(self.moments, Moments.of(x / self.scale)) / x.shape[1]}


class _Pairs:
    """Pairs of neighbouring tokens in stored reals: of the first, whom fakes are like, and of all others, the known."""

    def __init__(self, space: FeatureSpace, real: Tensor):
        self.space = space
        compared, self.known = real[:SAMPLES], self._of(real[SAMPLES:] if len(real) >= 2 * SAMPLES else real).unique()
        self.real = self._of(compared)
        share = self._novel(self.real) if len(real) >= 2 * SAMPLES else 0.0
        self.novel_high = share + 1.96 * math.sqrt(share * (1 - share) / len(compared))  # as if each text had one

    def signals(self, x: Tensor) -> dict[str, float]:
        """Of fakes (N, length)."""
        own = self._of(x)
        count = min(len(own), len(self.real))  # among more pairs there are more repetitions
        return {"variety": len(own[:count].unique()) / len(self.real[:count].unique()), "novel": self._novel(own)}

    def _novel(self, pairs: Tensor) -> float:
        return 1 - float(torch.isin(pairs, self.known).float().mean())

    def _of(self, x: Tensor) -> Tensor:
        pairs = self.space.pairs(x)
        assert pairs is not None
        return pairs


class _Labels:
    """The classes of labelled reals, and a linear classifier that tells them apart."""

    def __init__(self, real: Tensor, y: Tensor, classes: Tensor):
        self.classes = classes
        half = len(real) // 2
        self.mean, self.std = real[:half].mean(0), real[:half].std(0).clamp_min(1e-6)
        target = (y[:half, None] == self.classes).float()  # (half, K)
        a = self._design(real[:half])
        self.weights = torch.linalg.solve(a.T @ a + 0.01 * half * torch.eye(a.shape[1]), a.T @ target)
        tested = torch.isin(y[half:], self.classes)
        self.accuracy_real = self._accuracy(real[half:][tested], y[half:][tested])
        share = 1 / len(self.classes)
        self.chance = share + 3 * math.sqrt(share * (1 - share) / max(int(tested.sum()), 1))
        self.spread_real = torch.stack([real[y == c].var(0).sum() for c in self.classes])

    def signals(self, fake: Tensor, requested: Tensor) -> dict[str, float]:
        """Of features of fakes (N, F), and the class that each was requested of, (N,)."""
        within = [(fake[requested == c], real) for c, real in zip(self.classes, self.spread_real, strict=True)]
        spread = [(len(own), own.var(0).sum() / real) for own, real in within if len(own) >= FEWEST]
        of_many = [value for count, value in spread if count >= 2 * FEWEST]
        return {
            **({"class_spread": float(torch.stack([value for _, value in spread]).median())} if spread else {}),
            **({"class_spread_least": float(torch.stack(of_many).min())} if of_many else {}),
            "class_accuracy": self._accuracy(fake, requested),
            "class_accuracy_real": self.accuracy_real,
            "class_chance": self.chance,
        }

    def _accuracy(self, f: Tensor, y: Tensor) -> float:
        return float((self.classes[(self._design(f) @ self.weights).argmax(1)] == y).float().mean())

    def _design(self, f: Tensor) -> Tensor:
        return F.pad((f - self.mean) / self.std, (0, 1), value=1.0)


def _rows(count: int, most: int, generator: Generator) -> Tensor:
    """Up to `most` random rows of `count`; that of one sample twice, since one alone has no variance."""
    rows = torch.randperm(count, generator=generator)[:most]
    return rows.repeat(-(-2 // len(rows)))


def _frequent(y: Tensor, classes: int, most: int = CLASSES) -> Tensor:
    """The most frequent classes, `most` at most, that have a few samples each."""
    present = torch.bincount(y[y >= 0], minlength=classes)
    chosen = present.argsort(descending=True, stable=True)[:most]
    return chosen[present[chosen] >= FEWEST]


def _mean(values: list[Tensor]) -> float:
    return float(torch.stack(values).float().mean())


def _joined(values: list[Tensor]) -> Tensor:
    return torch.cat([value.flatten() for value in values]).float().cpu()


def _axes(f: Tensor) -> Tensor:
    """(F, AXES): the leading principal axes, scaled so that the reals have a deviation of 1 along each."""
    _, deviation, axes = torch.linalg.svd((f - f.mean(0)).double(), full_matrices=False)
    count = min(AXES, len(deviation))
    return (axes[:count] / (deviation[:count, None] / math.sqrt(len(f) - 1)).clamp_min(1e-9)).T.float()


def _ball_recall(real: Tensor, fake: Tensor) -> float:
    """Share of reals inside a ball around a fake that holds its NEAREST fakes; Kynkäänniemi et al., 2019. The other way
    round it is their precision.
    """
    nearest = torch.cdist(fake, fake).topk(min(NEAREST + 1, len(fake)), largest=False).values  # the first is itself
    return float((torch.cdist(real, fake) <= nearest[:, -1]).any(1).float().mean())


def _nearest_distances(f: Tensor) -> Tensor:
    """(N,) the distance of each sample, (N, F), to the nearest other one."""
    return torch.cdist(f, f).topk(2, largest=False).values[:, 1]


def _drawn_twice(count: int, data: int) -> float:
    """The largest share, in 95 % of tries, of `count` draws from so much data that are drawn more than once."""
    share = 1 - math.exp(-count / data)
    return share + 1.96 * math.sqrt(2 * share * (1 - share) / count)


def _middle(distances: Tensor) -> float:
    return max(float(distances.median()), 1e-9)


def _twins(queries: Tensor, searched: Tensor) -> float:
    """Share of samples with an equal among the others; `queries` are the first of `searched`."""
    if len(searched) < 2:
        return 0.0
    distances = torch.cdist(queries.double(), searched.double()).fill_diagonal_(math.inf)
    return float((distances.amin(1) < 1e-5 * searched.std(0).norm()).float().mean())


def _copy_ratios(queries: Tensor, searched: Tensor, own: bool = False) -> Tensor:
    """(N,) distance to the nearest over that to the second nearest of `searched`, itself left out if `own`."""
    count = min(2 + own, len(searched))
    distances = torch.cdist(queries.double(), searched.double())  # single precision loses what dense points lie apart
    nearest = distances.topk(count, largest=False).values[:, -2:]  # (N, 2)
    return nearest[:, 0] / nearest[:, 1].clamp_min(1e-9)
