"""A trained GAN, loaded from its run directory: what `zerosum.load` returns."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zerosum.data.text.captions import encoded
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.latent import ROWS, Code
from zerosum.modality import Classes, Modality, Prompt, Tokens, Vector, Video
from zerosum.networks.discriminate import BatchDependent
from zerosum.recipe import RECIPES
from zerosum.roles import (
    Answers,
    Classifies,
    Completes,
    Discriminates,
    Drafts,
    Generates,
    Illustrates,
    Predicts,
    Translates,
    TranslatesBack,
    has_role,
    in_role,
)
from zerosum.run import commands, sampling
from zerosum.run.directory import RunDirectory
from zerosum.run.passage import Passage
from zerosum.run.record import Record, recipe_of
from zerosum.training import checkpoint, hardware
from zerosum.util import checks, memory
from zerosum.util.text import abbreviate, composed

Asked = int | str | Sequence[int | str] | np.ndarray[Any, Any] | Tensor | None  # classes, by name or number
STORED = {"bool": torch.bool, "8-bit": torch.uint8, "int64": torch.int64}  # what of integers a store holds
LONG = 20  # digits of what is no number of a class: Python reads no number of thousands
PART = 2**24  # numbers of a part of many samples: 64 MB
MOST = 32 * ROWS  # samples in a part: who asks for very many texts sees the first of them soon


@dataclass(frozen=True)
class Run:
    """A run and its game, with averaged weights unless it was loaded otherwise.

    `run.game` is an ordinary `nn.Module` with its players' networks as attributes (`run.game.generator`,
    `run.game.discriminator`): fine-tune from there.
    """

    path: Path
    record: Record
    game: Game[Any]
    step: int  # steps played
    average: bool = True  # with averaged weights, where they were kept

    def command(self, name: str, flags: str = "") -> str:
        """A command on this run, to copy."""
        return commands.command(name, self.path, self.record.recipe, flags)

    @property
    def batch_size(self) -> int:
        """Of its training."""
        return self.record.training.batch_size

    def sample(
        self,
        count: int,
        seed: int = 0,
        *,
        truncation: float | None = None,
        classes: Asked = None,
        conditions: Sequence[float] | Sequence[Sequence[float]] | Tensor | None = None,
        texts: str | Sequence[str] | None = None,
    ) -> Tensor:
        """(count, *shape) float32 on the CPU; images in about [-1, 1]; equal seeds give equal samples.

        Sample i is the same however many are drawn, up to rounding; not in runs of older versions, which go on drawing
        as they did.

        Args:
            truncation: > 0; z is kept within this many standard deviations: less variety, more typical samples. By
                default the recipe's own, which for most is none.
            classes: what to draw, by name or number, one or several that take turns, for a GAN that was trained
                with labels; by default all in turn.
            conditions: a vector, or several that take turns, for a GAN that was trained with vectors; by default some
                of its data's.
            texts: what to show, one text or several that take turns, for a GAN that was trained with captions; by
                default some of its data's.

        Raises:
            ZerosumError: a count below 1, a seed that PyTorch does not take, a class that there is none of ...
        """
        count = checks.integer("count", count, 1)
        self._require(count)
        return sampling.sample(
            self.game,
            count,
            seed=checks.seed(seed),
            labels=self.labels_for(count, classes, conditions, texts),
            truncation=self._truncation(truncation),
            draw=self.record.draw,
        )

    def drafts(
        self,
        count: int,
        seed: int = 0,
        *,
        truncation: float | None = None,
        texts: str | Sequence[str] | None = None,
    ) -> Tensor:
        """(count, *smaller) float32 on the CPU: what `sample`, asked for the same, makes its samples of.

        Raises:
            ZerosumError: the GAN has one stage alone; or as `sample`.
        """
        in_role(self.game, Drafts)
        count = checks.integer("count", count, 1)
        self._require(count)
        return sampling.draft(
            self.game,
            count,
            seed=checks.seed(seed),
            labels=self.labels_for(count, texts=texts),
            truncation=self._truncation(truncation),
        )

    def parts(
        self,
        count: int,
        seed: int = 0,
        *,
        truncation: float | None = None,
        classes: int | str | None = None,
        conditions: Sequence[float] | None = None,
        texts: str | None = None,
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """What `sample` gives, and its classes, vectors or ids of texts, part by part: (B, *shape), and (B,), (B, K),
        (B, length) or None.

        So that all need not fit into memory. A run of an older version, whose samples depend on how many are drawn,
        gives them in one part.
        """
        count, seed = checks.integer("count", count, 1), checks.seed(seed)
        labels = self.labels_for(count, classes, conditions, texts)
        if self.record.draw == "batches":
            x = self.sample(count, seed, truncation=truncation, classes=classes, conditions=conditions, texts=texts)
            yield x, labels
            return
        fitting = PART // max(1, math.prod(self.modality.shape)) // ROWS * ROWS  # z are drawn by so many
        step = min(max(ROWS, fitting), MOST)
        for start in range(0, count, step):
            own = None if labels is None else labels[start : start + step]
            x = sampling.sample(
                self.game,
                min(step, count - start),
                seed=seed,
                start=start,
                labels=own,
                truncation=self._truncation(truncation),
            )
            yield x, own

    def complete(self, start: str, count: int = 1, seed: int = 0, *, truncation: float | None = None) -> list[str]:
        """`count` texts that begin with `start`, as `completed` gives them, in words."""
        ids = self.completed(start, count, seed, truncation=truncation)
        return self.record.data.spec.texts.write(ids)

    def completed(self, start: str, count: int = 1, seed: int = 0, *, truncation: float | None = None) -> Tensor:
        """Ids (count, length) of texts that begin with `start`, which may be empty; equal seeds give equal texts.

        Args:
            start: words, characters or notes, as texts are made of these, all of which the run has learnt.
            truncation: as for `sample`: of a policy, p < 1 chooses among the likeliest tokens alone, which make up p.

        Raises:
            ZerosumError: the GAN completes no texts, or it does not know a token of the start, or the
                start leaves no room.
        """
        in_role(self.game, Completes)
        tokens = self.record.data.spec.texts
        given = tokens.split(checks.text("start", start))
        for token in given:
            if token not in tokens.known:
                close = difflib.get_close_matches(token, tokens.known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else "`zerosum data check` shows what its data holds"
                raise ZerosumError(f"{self.path} has not learnt the {tokens.unit} {token!r}; {hint}")
        most = tokens.length - (tokens.end is not None)
        if len(given) >= most:
            raise ZerosumError(
                f"the start has {len(given)} tokens, and {tokens.plural} of {self.path} have at most {most}; give fewer"
            )
        ids = torch.tensor(tokens.ids(given)[: len(given)], dtype=torch.long)
        count, seed = checks.integer("count", count, 1), checks.seed(seed)
        self._require(count)
        return sampling.complete(self.game, ids, count, seed=seed, truncation=self._truncation(truncation))

    def answer(self, question: str, count: int = 1, seed: int = 0, *, truncation: float | None = None) -> list[str]:
        """`count` answers to a question; equal seeds give equal ones.

        Args:
            question: of words that the run has learnt.
            truncation: as for `complete`.

        Raises:
            ZerosumError: the GAN answers no questions, or it does not know a word of this one, which may be too long.
        """
        in_role(self.game, Answers)
        return self.texts(self.sample(count, seed, truncation=truncation, texts=checks.text("question", question)))

    def texts(self, ids: Tensor) -> list[str]:
        """The samples of a GAN of texts, ids (N, length), as lines.

        Raises:
            ZerosumError: its samples are no texts, or these are no ids of its vocabulary.
        """
        if not isinstance(tokens := self.modality, Tokens):
            raise ZerosumError(f"samples of {self.path} are {tokens.plural}, and no texts")
        return tokens.write(_ids("ids", ids, tokens))

    def interpolate(
        self,
        count: int,
        frames: int,
        seeds: tuple[int, int] = (0, 1),
        *,
        truncation: float | None = None,
        classes: int | str | None = None,
        conditions: Sequence[float] | None = None,
        texts: str | None = None,
    ) -> Tensor:
        """(frames, count, *shape): `count` walks from the samples of one seed to those of the other."""
        count, frames = checks.integer("count", count, 1), checks.integer("frames", frames, 1)
        if not isinstance(seeds, Sequence) or len(seeds) != 2:
            raise ZerosumError(f"seeds must be two, that of the start and that of the end, not {seeds!r}")
        seeds = (checks.seed(seeds[0]), checks.seed(seeds[1]))
        self._require(frames * count)
        return sampling.interpolate(
            self.game,
            count,
            frames,
            seeds,
            labels=self.labels_for(count, classes, conditions, texts),
            truncation=self._truncation(truncation),
            draw=self.record.draw,
        )

    def between_texts(
        self, start: str, end: str, count: int = 1, frames: int = 8, seed: int = 0, *, truncation: float | None = None
    ) -> Tensor:
        """(frames, count, *shape): `count` walks from what one text says to what the other does; along each, z stays.

        Raises:
            ZerosumError: the GAN was not trained with captions; or as `sample`.
        """
        count, frames = checks.integer("count", count, 1), checks.integer("frames", frames, 1)
        self._require(frames * count)
        in_role(self.game, Illustrates)
        ends = (self._ids_of(start), self._ids_of(end))
        return sampling.between_texts(
            self.game, count, frames, ends, seed=checks.seed(seed), truncation=self._truncation(truncation)
        )

    def traverse(
        self,
        codes: Sequence[str] | None = None,
        steps: int = 10,
        seed: int = 0,
        rows: int = 1,
        *,
        truncation: float | None = None,
        classes: int | str | None = None,
    ) -> dict[str, Tensor]:
        """What each code of z changes: by its name, the samples of `rows` points z as it takes its T values in turn,
        (rows, T, *shape).

        Nothing else of z moves. A code of categories takes each of them; one that is a number takes `steps` values from
        -1 to 1. `run.game.prior.codes` describes them.

        Args:
            codes: which, by name; by default all.
            classes: of all samples, as in `sample`.

        Raises:
            ZerosumError: the GAN's z has no codes, or none of that name; fewer than 2 steps or 1 row.
        """
        known = {code.name: code for code in self.codes}
        if not known:
            raise ZerosumError(
                f"the z of {self.record.recipe} has no codes to move; interpolate between two seeds instead"
            )
        steps, rows, seed = checks.integer("steps", steps), checks.integer("rows", rows), checks.seed(seed)
        if steps < 2 or rows < 1:
            raise ZerosumError(f"a traversal needs at least 2 steps and 1 row, not {steps} and {rows}")
        codes = [codes] if isinstance(codes, str) else codes
        if codes is not None and len(codes) == 0:
            raise ZerosumError("codes is empty: name one at least, or leave it out for all")
        if unknown := [name for name in codes or () if name not in known]:
            raise ZerosumError(
                f"the z of {self.record.recipe} has no code {unknown[0]!r}; its codes are {', '.join(known)}"
            )
        chosen = [known[name] for name in codes or known]
        self._require(rows * sum(code.size if code.size > 1 else steps for code in chosen))
        return sampling.traverse(
            self.game,
            chosen,
            steps,
            rows,
            seed=seed,
            labels=self.labels_for(rows, classes),
            truncation=self._truncation(truncation),
            draw=self.record.draw,
        )

    @property
    def modality(self) -> Modality:
        """Of the samples that the game makes."""
        return self.record.data.spec.fields[self.game.makes]

    @property
    def source(self) -> Modality:
        """Of what a translator translates.

        Raises:
            ZerosumError: the game is no translator.
        """
        return self.record.data.spec.fields[in_role(self.game, Translates).takes]

    def translate(self, a: Tensor, batch_size: int = 64, *, back: bool = False, seed: int = 0) -> Tensor:
        """(N, *shape_b) on the CPU, from samples a, (N, *shape_a): floats, images in [-1, 1], or as they are stored.

        Each on its own. Images may have any height and width, where the GAN takes them so, and keep it; large ones go
        through it in tiles, but through a U-Net, and no more at once than there is room for.

        Args:
            batch_size: of samples that go through the GAN together, at most.
            back: from samples of b to some of a, by a GAN that learnt both directions.
            seed: of the noise of each, where the GAN has any.

        Raises:
            ZerosumError: the GAN is not an image-to-image model, or not in that direction, or a has another shape, or
                smaller images than the GAN takes, or an image that has to go through it whole does not fit into memory.
        """
        checks.switch("back", back)
        role, passage, (source, target) = self.translator(back), self.passage(back), self.direction(back)
        batch_size = checks.integer("batch_size", batch_size, 1)
        a, takes = checks.tensor("a", a), f"{self.path} translates {source}"
        if role.any_size:
            takes += " or of any other height and width"
            source, target = source.at(a.shape[2:]), target.at([role.factor * side for side in a.shape[2:]])
        a = _samples("a", a, source, takes)
        if role.any_size and min(a.shape[2:]) < role.smallest:
            raise ZerosumError(
                f"{self.path} translates images whose sides have {role.smallest} pixels and more, not "
                f"{'x'.join(map(str, a.shape[2:]))}"
            )
        seeds = torch.full((len(a),), _signed(checks.seed(seed)))
        if role.any_size and len(a):
            height, width = a.shape[2:]
            passage.require(height, width)
            needed = 2 * 4 * len(a) * math.prod(target.shape)
            memory.require(needed, f"{len(a):,} translations by {self.path} at once", "translate fewer", count=len(a))
            if passage.in_parts(height, width):
                made = torch.empty(len(a), *target.shape)
                for image, own in zip(a, made, strict=True):
                    own.copy_(passage.tiled(image, source.load, lambda part: part.float().cpu()))
                return made
            batch_size = min(batch_size, passage.at_once(height, width))
        function = passage.function
        return self._in_batches(lambda a, seeds: function(source.load(a), seeds), [a, seeds], batch_size, target.shape)

    def passage(self, back: bool = False) -> Passage:
        """The way of images of any size through the translator; a `ZerosumError` where there is none, or not back."""
        if back not in self._passages:
            self._passages[back] = Passage(self.game, back, self.direction(back)[0].shape)
        return self._passages[back]

    @cached_property
    def _passages(self) -> dict[bool, Passage]:
        """Those that were asked for, which measure the translator once."""
        return {}

    def translator(self, back: bool = False) -> Translates:
        """The game as what translates; a `ZerosumError` where it does not, or not back."""
        return in_role(self.game, TranslatesBack if back else Translates)

    def direction(self, back: bool = False) -> tuple[Modality, Modality]:
        """The kinds of what is translated, and of what it becomes."""
        ends = (self.source, self.modality)
        return ends[::-1] if back else ends

    def predict(self, frames: Tensor, actions: Tensor, batch_size: int = 16) -> Tensor:
        """How videos go on, (N, L - start + 1, C, H, W) on the CPU, from their first frames, under actions (N, L, K).

        Args:
            frames: (N, T, C, H, W), of which the first `run.game.core.start` are looked at: floats in [-1, 1], or
                bytes as they are stored.
            actions: action t leads from frame t to frame t + 1.

        Raises:
            ZerosumError: the GAN makes no films, or frames or actions have another shape, or are too few.
        """
        role, (_, *frame) = in_role(self.game, Predicts), self.modality.shape
        frames, actions = checks.tensor("frames", frames), checks.finite("actions", checks.tensor("actions", actions))
        size = self.record.data.spec.actions.shape[-1]
        if frames.shape[1:2] < (role.start,) or [*frames.shape[2:]] != frame:
            raise ZerosumError(
                f"{self.path} foresees frames of {'x'.join(map(str, frame))} from the first {role.start}, not from "
                f"videos of {tuple(frames.shape[1:])}"
            )
        given = tuple(actions.shape)
        if given[:1] + given[2:] != (len(frames), size) or given[1] < role.start:
            raise ZerosumError(
                f"actions must be ({len(frames)}, L, {size}), with L of at least {role.start}, not {given}"
            )
        channels, height, width = frame
        seen = Video(role.start, channels, height, width)
        frames = _samples("frames", frames[:, : role.start], seen, f"{self.path} is shown {seen}")
        count = actions.shape[1] - role.start + 1
        return self._in_batches(
            lambda x, actions: role.predict(seen.load(x), actions),
            [frames, actions.float()],
            batch_size,
            (count, *frame),
        )

    def classify(self, x: Tensor, batch_size: int = 256) -> Tensor:
        """How likely each class is, (N, K) float32 on the CPU, by the classifier that the game learnt.

        Args:
            x: samples (N, *shape): floats, images in [-1, 1], or as they are stored: uint8 images, ids of tokens.

        Raises:
            ZerosumError: the GAN learns no classifier, it has diverged, or x has another shape.
        """
        if not has_role(self.game, Classifies):
            learners = ", ".join(name for name, recipe in RECIPES.items() if issubclass(recipe.game, Classifies))
            raise ZerosumError(f"{self.record.recipe} learns no classifier; train one of these recipes: {learners}")
        modality = self.modality
        x = _samples("x", x, modality, f"{self.path} classifies samples of shape {modality.shape}")
        network, classes = in_role(self.game, Classifies).classifier(), len(self.record.data.classes)
        p = self._in_batches(lambda x: network(modality.load(x)).float().softmax(1), [x], batch_size, (classes,))
        return self.assert_finite(p, "class probabilities")

    def score(self, x: Tensor, y: Tensor | None = None, batch_size: int = 256) -> Tensor:
        """How real the discriminator finds samples, (N,) float32 on the CPU: its logits; the higher, the more real.

        Args:
            x: samples (N, *shape): floats, images in [-1, 1], or as they are stored: uint8 images, ids of tokens.
            y: their classes or vectors, as `labels_for` has them, or texts, for a conditional GAN.

        Raises:
            ZerosumError: the discriminator judges no single samples, or y is missing.
        """
        if (y is None) != (self.condition is None):
            cure = "give the class, vector or text of each sample" if y is None else "leave y out"
            raise ZerosumError(f"{self.record.recipe} is {'' if y is None else 'not '}conditional; {cure}")
        if any(isinstance(module, BatchDependent) for module in self.game.modules()):
            raise ZerosumError(
                f"the discriminator of {self.path} compares the samples of a batch with each other "
                "(--techniques.minibatch-discrimination), so it scores no single ones; use a run without it"
            )
        role = in_role(self.game, Discriminates)
        x = _samples("x", x, self.modality, f"{self.path} scores samples of shape {self.modality.shape}")
        y = None if y is None else self._labels_of(x, y)
        try:
            rows, load = [x] if y is None else [x, y], self.modality.load
            return self._in_batches(lambda x, y=None: role.score(load(x), y), rows, batch_size, ())
        except ValueError as error:
            raise ZerosumError(f"{self.record.recipe}: {error}") from error

    def _in_batches(
        self, function: Callable[..., Tensor], rows: Sequence[Tensor], batch_size: int, shape: tuple[int, ...]
    ) -> Tensor:
        """(N, *shape) float32 on the CPU, by `function` of batches of all `rows`, on the device of the game."""
        batch_size = checks.integer("batch_size", batch_size, 1)
        with sampling.eval_no_grad(self.game, 0):  # every row with the same noise, if there is any
            parts = list(sampling.row_by_row(self.game, function, rows, batch_size, lambda number: 0))
        return torch.cat([torch.empty(0, *shape), *(part.float() for part in parts)])

    def _require(self, count: int) -> None:
        """`OutOfMemoryError` where `count` samples, in parts and put together, would not fit."""
        latent = in_role(self.game, Generates).prior.dim if has_role(self.game, Generates) else 0
        needed = 2 * 4 * (math.prod(self.modality.shape) + latent) * count
        memory.require(needed, f"{count:,} samples of {self.path} at once", "draw fewer (-n)", count=count)

    def assert_finite(self, x: Tensor, what: str) -> Tensor:
        """x itself; `ZerosumError` where it is not finite, because training has diverged."""
        if not bool(x.isfinite().all()):
            raise ZerosumError(f"{self.path} has diverged: not all {what} are finite; use an earlier --checkpoint")
        return x

    @property
    def condition(self) -> Prompt | None:
        """What samples can be asked to be or to show: classes, vectors or texts; None for a GAN that takes none."""
        return in_role(self.game, Generates).condition if has_role(self.game, Generates) else None

    @property
    def codes(self) -> tuple[Code, ...]:
        """The parts of z that have a meaning of their own."""
        return in_role(self.game, Generates).prior.codes if has_role(self.game, Generates) else ()

    def _truncation(self, asked: float | None) -> float | None:
        return self.truncated(self.record.training.truncation if asked is None else asked)

    def truncated(self, asked: float | None) -> float | None:
        """A truncation that samples can have, or None; else a `ZerosumError`."""
        return None if asked is None else sampling.truncation_of(self.game, asked)

    def _labels_of(self, x: Tensor, y: Any) -> Tensor:
        """The classes (N,), vectors (N, K) or ids of texts (N, length) of samples x, each in range."""
        condition = self.condition
        if isinstance(condition, Tokens):
            texts = [y] if isinstance(y, str) else y
            if isinstance(texts, Sequence) and texts and all(isinstance(text, str) for text in texts):
                ids = torch.stack([self._ids_of(text) for text in texts])
                y = ids.expand(len(x), -1) if isinstance(y, str) else ids  # one text for all
            y = checks.tensor("y", y)
            if not _are_ids(y, condition):
                raise ZerosumError(f"y must be texts, or int64 ids from 0 to {condition.size - 1}")
        if isinstance(condition, Classes):
            found = torch.tensor([_numbered(one, condition.names) for one in _classes("y", y)], dtype=torch.int64)
        else:
            found = checks.finite("y", checks.tensor("y", y))
            found = found if isinstance(condition, Tokens) else found.float()
        shape = (len(x),) if condition is None else (len(x), *condition.shape)
        if tuple(found.shape) != shape:
            raise ZerosumError(f"y must have the shape {shape}, one row for each sample, not {tuple(found.shape)}")
        return found

    def _ids_of(self, text: str) -> Tensor:
        """(length,) int64, of a text; a `ZerosumError` where nothing is made of this one."""
        condition = self.condition
        assert isinstance(condition, Tokens)
        return torch.tensor(encoded(condition, checks.text("text", text)))

    def labels_for(
        self,
        count: int,
        classes: Asked = None,
        conditions: Sequence[float] | Sequence[Sequence[float]] | Tensor | None = None,
        texts: str | Sequence[str] | None = None,
    ) -> Tensor | None:
        """(count,) the classes that `sample` draws, (count, K) the vectors or (count, length) the ids of the texts;
        None for a GAN that takes none.
        """
        count = checks.integer("count", count, 0)
        condition, names = self.condition, self.record.data.classes
        if classes is not None and not isinstance(condition, Classes):
            cure = f"`{self.command('synthesize')}` sorts its samples by class" if names else "leave the class out"
            raise ZerosumError(f"the generator of {self.record.recipe} takes no class; {cure}")
        if conditions is not None and not isinstance(condition, Vector):
            raise ZerosumError(f"the generator of {self.record.recipe} takes no vector; leave the condition out")
        if texts is not None and not isinstance(condition, Tokens):
            raise ZerosumError(f"the generator of {self.record.recipe} takes no text; leave the text out")
        if condition is None:
            return None
        if isinstance(condition, Tokens):
            given = self.record.data.captions if texts is None else texts
            if not isinstance(given, Iterable):
                raise ZerosumError(f"texts must be a text, or several, not {given!r:.60}")
            wanted = [given] if isinstance(given, str) else list(given)
            if not wanted:
                raise ZerosumError("texts is empty: name one at least, or leave it out for some of the data's")
            return sampling.default_labels(condition, count, torch.stack([self._ids_of(text) for text in wanted]))
        if classes is not None:
            asked = _classes("classes", classes)
            if not asked:
                raise ZerosumError("classes is empty: name one at least, or leave it out for all in turn")
            return sampling.balanced_labels(count, len(names), [_number(name, names) for name in asked])
        known = self.record.data.vectors if conditions is None else conditions
        try:
            rows = torch.atleast_2d(torch.as_tensor(known, dtype=torch.float32))
        except (TypeError, ValueError, RuntimeError):
            raise ZerosumError(
                f"conditions must be a vector of {condition.size} numbers, or several, not {conditions!r:.60}"
            ) from None
        if conditions is not None and (tuple(rows.shape[1:]) != (condition.size,) or not len(rows)):
            given = f"of shape {tuple(rows.shape[1:])}" if len(rows.shape[1:]) > 1 else f"{rows.shape[1]}"
            raise ZerosumError(f"a condition of {self.record.recipe} has {condition.size} numbers, not {given}")
        checks.finite("conditions", rows)
        return sampling.default_labels(condition, count, rows)


def load(
    run: str | Path,
    *,
    average: bool = True,
    checkpoint_step: int | None = None,
    recipe: str | None = None,
    device: str = "cpu",
) -> Run:
    """Load a run to sample, study or fine-tune its game. Runs no code but zerosum's.

    Args:
        run: the run directory.
        average: with averaged weights, where they were kept; else the last ones.
        checkpoint_step: which checkpoint; by default the newest.
        recipe: FILE.py:FUNCTION for a run of a recipe from outside the package: its file is then run.

    Raises:
        ZerosumError: no run or no checkpoint there, or a damaged one; the recipe does not fit the data of run.json.
    """
    place, directory = hardware.find(device), RunDirectory(checks.path("run", run))
    checks.switch("average", average)
    record = directory.read()
    if (chosen := checkpoint.newest(directory.checkpoints)) is None:
        cure = f"train it on with `{directory.command('resume')}`"
        if directory.was_trained:
            cure = f"it had some: put a copy of one back into {directory.checkpoints}, or train again"
        raise ZerosumError(f"{run} has no checkpoint{'' if directory.was_trained else ' yet'}; {cure}")
    if checkpoint_step is not None:
        checkpoint_step = checks.integer("checkpoint_step", checkpoint_step)
        steps = {checkpoint.number_of(path): path for path in checkpoint.find(directory.checkpoints)}
        if checkpoint_step not in steps:
            saved = ", ".join(abbreviate([f"{step}" for step in steps]))
            raise ZerosumError(f"{run} has no checkpoint of step {checkpoint_step}; it has those of {saved}")
        chosen = steps[checkpoint_step]
    known = recipe_of(record, None if recipe is None else checks.text("recipe", recipe))
    try:
        game = known.rebuild(record.data.spec, record.options)
    except ValueError as error:
        raise ZerosumError(f"{known.name} does not fit the data in {directory.record_path}: {error}") from error
    checkpoint.load(game, chosen, average)
    return Run(directory.path, record, game.to(place).eval(), checkpoint.step_of(chosen), average)


def _signed(seed: int) -> int:
    """A seed as int64 has it: those from 2^63 on are the negative ones, as PyTorch takes them."""
    return seed - 2**64 if seed >= 2**63 else seed


def _number(asked: object, names: tuple[str, ...]) -> int:
    """The number of a class that is asked for by name or number."""
    if isinstance(asked, int | str) and not isinstance(asked, bool):
        name = str(asked)
        if name not in names:  # perhaps in another spelling of accents
            name = {composed(known): known for known in names}.get(composed(name), name)
        if name in names:
            return names.index(name)
        if str(asked).isdecimal() and len(str(asked)) < LONG and int(asked) < len(names):
            return int(asked)
    raise ZerosumError(f"there is no class {asked!r}; the classes are {', '.join(abbreviate(names))}")


def _numbered(given: object, names: tuple[str, ...]) -> int:
    """The number of a class that is given by it, as labels are, or by name."""
    if isinstance(given, str):
        return _number(given, names)
    if not 0 <= (k := checks.integer("a class of y", given)) < len(names):
        raise ZerosumError(f"y must be classes from 0 to {len(names) - 1}, not {k}")
    return k


def _classes(name: str, given: Any) -> list[object]:
    """The classes that are asked for, one or several, as Python's numbers and strings."""
    if isinstance(given, Tensor | np.ndarray | np.generic):
        if isinstance(given, Tensor) and given.device.type == "meta":
            raise ZerosumError(f"{name} is on the device meta, where tensors hold no numbers")
        given = given.tolist()
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return [given]
    return [
        one.item() if isinstance(one, np.generic) or (isinstance(one, Tensor) and not one.shape) else one
        for one in given
    ]


def _are_ids(x: Tensor, tokens: Tokens) -> bool:
    """Whether all numbers are ids of a vocabulary."""
    return x.dtype == torch.int64 and bool(((x >= 0) & (x < tokens.size)).all())


def _ids(name: str, x: Any, tokens: Tokens) -> Tensor:
    """x as ids (N, length) of texts; else a `ZerosumError`."""
    x = checks.tensor(name, x)
    if x.dtype != torch.int64 or not x.shape or tuple(x.shape[1:]) != tokens.shape:
        raise ZerosumError(
            f"{name} must be ids of {tokens.plural}, int64 (N, {tokens.length}), not {x.dtype} {tuple(x.shape)}"
        )
    if not _are_ids(x, tokens):
        raise ZerosumError(f"{name} must be ids from 0 to {tokens.size - 1}, of the {tokens.size} in the vocabulary")
    return x


def _samples(name: str, x: Any, modality: Modality, takes: str) -> Tensor:
    """x as a tensor (N, *shape) of numbers as players see them, or as they are stored; else a `ZerosumError`."""
    x = checks.tensor(name, x)
    if not x.shape or tuple(x.shape[1:]) != modality.shape:
        given = tuple(x.shape[1:]) if x.shape else "a single number"
        raise ZerosumError(f"{takes}, not {given}: give a batch, (N, {', '.join(map(str, modality.shape))})")
    if isinstance(modality, Tokens):
        return _ids(name, x, modality)
    stored = STORED.get(modality.stored_as)
    if stored is not None and not x.is_floating_point() and x.dtype != stored:
        raise ZerosumError(f"{name} is {x.dtype}: {modality.plural} are {stored} as they are stored, else floats")
    return checks.finite(name, x)
