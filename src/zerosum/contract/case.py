"""A game with made-up data, small enough to play a round in milliseconds: what rules are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from zerosum import data
from zerosum.batches import CAPTIONED, PartlyLabelled, field_names, samples_of
from zerosum.data.dataset import DataError, Dataset, Field, Progress, dataset_of
from zerosum.data.stream import deal
from zerosum.game import Game
from zerosum.modality import Actions, Classes, Image, Lengths, Modality, Spec, Tokens
from zerosum.recipe import Recipe, Training
from zerosum.roles import Acts, Generates, Predicts, Translates, has_role, in_role
from zerosum.training.trainer import Trainer

BATCH, ROWS = 4, 11  # samples of a batch, and of the whole data
TOKENS = Tokens(("<unk>", "<eos>", "x", "y"), 5)
CLASSES = Classes(("a", "b", "c"))
PUBLISHED = {  # what sets hold that would have to be downloaded first
    "mnist": (Image(1, 28, 28), 10),
    "fashion-mnist": (Image(1, 28, 28), 10),
    "cifar10": (Image(3, 32, 32), 10),
    "stacked-mnist": (Image(3, 28, 28), 1000),
    "mnist-m": (Image(3, 28, 28), 10),
    "domains:mnist,mnist-m": (Image(3, 28, 28), 10),
}
OF_TEXT = ("wrong", "near")  # fields of a batch that are drawn from the captions
SIDE = 32  # pixels of images of which nothing is known
IMAGES = Image(3, SIDE, SIDE)
LENGTHS = Lengths(TOKENS.length)
EVERYTHING = Spec(  # for a function that does not say what it draws
    {"x": IMAGES, "y": CLASSES, "a": IMAGES, "b": IMAGES, "ids": TOKENS, "lengths": LENGTHS}, count=100
)


@dataclass(frozen=True)
class Case:
    """A recipe, the kinds of data that it is built for, and options over its own.

    Args:
        recipe: whose game is asked.
        spec: the modalities of the fields that it draws.
        options: plain values by parameter, as `Recipe.build` takes them.
        batch_size: samples of a batch, at most `ROWS`.
    """

    recipe: Recipe
    spec: Spec
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batch_size: int = BATCH

    def game(self) -> Game[Any]:
        return self.recipe.build(self.spec, self.options)

    def batch(self, device: str = "cpu") -> Any:
        """What a round draws: a tensor (B, *shape), or a named tuple of tensors."""
        seed = int(torch.randint(2**31, (), device="cpu"))
        drawn = rows(self.spec, self.batch_size, seed)
        if self.recipe.batch is PartlyLabelled:
            drawn["unlabelled"] = rows(self.spec, self.batch_size, seed + 1)["x"]
        if self.recipe.batch in CAPTIONED:
            drawn |= {name: rows(self.spec, self.batch_size, seed + 1)["text"] for name in OF_TEXT}
        fields = self.spec.fields
        modalities = {**fields, "unlabelled": fields.get("x"), **{name: fields.get("text") for name in OF_TEXT}}
        loaded = [_loaded(modalities[name], drawn[name]).to(device) for name in field_names(self.recipe.batch)]
        return loaded[0] if self.recipe.batch is Tensor else self.recipe.batch(*loaded)

    def z(self, game: Game[Any], device: str = "cpu") -> Tensor:
        """(B, dim) points of a game that generates."""
        return in_role(game, Generates).prior.draw(self.batch_size, device)

    def y(self, game: Game[Any], device: str = "cpu") -> Tensor | None:
        """(B,) classes, (B, K) vectors or (B, length) ids that its samples are asked for; None without a condition."""
        condition = in_role(game, Generates).condition
        if condition is None:
            return None
        if isinstance(condition, Classes):
            return torch.arange(self.batch_size, device=device) % condition.size
        if isinstance(condition, Tokens):
            ids = torch.arange(self.batch_size * condition.length, device=device) % condition.size
            return ids.view(self.batch_size, condition.length)
        return rows(Spec({"y": condition}), self.batch_size, 0)["y"].to(device)

    def samples(self, game: Game[Any], batch: Any, device: str = "cpu") -> Tensor:
        """What the game makes: of points drawn from its prior, of what it translates of a batch, of the first frames of
        its films, which are part of it, or by acting.
        """
        if has_role(game, Translates):
            translator = in_role(game, Translates)
            return translator.translate(samples_of(batch, translator.takes))
        if has_role(game, Predicts):
            role = in_role(game, Predicts)
            start = batch.x[:, : role.start]
            return torch.cat([start, role.predict(start, batch.actions[:, :-1])], 1)
        if has_role(game, Acts):
            return in_role(game, Acts).behave(self.batch_size, 0)
        return in_role(game, Generates).generate(self.z(game, device), self.y(game, device))

    def data(self) -> Dataset:
        """`ROWS` samples; where some may be unlabelled, two are."""
        stored = rows(self.spec, ROWS, 7)
        if self.recipe.batch is PartlyLabelled:
            stored["y"][[2, 5]] = -1  # the others are enough for the monitor, which looks at classes of four samples
        return dataset_of("eleven", {name: Field(self.spec.fields[name], x) for name, x in stored.items()})

    def trainer(self, game: Game[Any] | None = None, **training: Any) -> Trainer:
        """That of a new game, or of `game`, on the CPU; `training` are fields of `Training`."""
        stream = data.Stream(self.data(), self.batch_size, seed=1, batch=self.recipe.batch)
        settings = {"steps": 100, "batch_size": self.batch_size, "average": 0.9, "precision": "fp32", **training}
        return Trainer(game or self.game(), stream, Training(**settings))


def rows(spec: Spec, count: int, seed: int) -> dict[str, Tensor]:
    """Random rows of each field, as they are stored; classes take turns."""
    generator, made = torch.Generator().manual_seed(seed), dict[str, Tensor]()
    for name, modality in spec.fields.items():
        if isinstance(modality, Classes):
            made[name] = torch.arange(count) % modality.size
        elif isinstance(modality, Lengths):
            made[name] = next(kind.lengths(made[own]) for own, kind in spec.fields.items() if isinstance(kind, Tokens))
        else:
            box = torch.stack([-torch.ones(modality.shape), torch.ones(modality.shape)])
            made[name] = modality.noise(count, generator, box)
    return made


def spec_for(recipe: Recipe, chosen: str | None = None, progress: Progress | None = None) -> tuple[Spec, str]:
    """The kinds of data that a recipe draws, and in words what they are of.

    Args:
        chosen: data to read them from; by default the recipe's own, where it can be read without a download, else
            what is known of it, else images.
        progress: as for `data.load`.

    Raises:
        DataError: the chosen data cannot be read, or lacks a field that the recipe draws.
    """
    name = chosen or recipe.data
    first = name if name in PUBLISHED else name.partition(":")[0]
    if chosen or first not in PUBLISHED:
        try:
            whole = data.load(name, progress=progress)
        except DataError:
            if chosen:
                raise
        else:
            learnt = whole if recipe.labelled else whole.without_labels(field_names(recipe.batch))
            deal(learnt, recipe.batch, recipe.name)  # refuses data without a field that the game draws
            return learnt.spec, name
    side = recipe.side or SIDE
    samples, classes = PUBLISHED.get(first, (Image(3, side, side), 0))
    of_labels = Classes.numbered(classes) if classes else CLASSES
    return fields(recipe.batch, samples, of_labels), name if first in PUBLISHED else "made-up data"


def fields(batch: type, samples: Modality, classes: Classes = CLASSES) -> Spec:
    """The fields that a batch draws, by their names: classes, texts with their lengths, and else `samples`."""
    known: dict[str, Modality] = {"y": classes, "ids": TOKENS, "lengths": LENGTHS, "text": TOKENS}
    known |= {"question": TOKENS, "answer": TOKENS, "move": classes}
    known["actions"] = Actions(samples.shape[0], 2)  # of each frame
    drawn_of_others = ("unlabelled", *OF_TEXT)
    names = [name for name in field_names(batch) if name not in drawn_of_others]
    return Spec({name: known.get(name, samples) for name in names}, count=100)


def _loaded(modality: Modality | None, stored: Tensor) -> Tensor:
    assert modality is not None
    return modality.load(stored)
