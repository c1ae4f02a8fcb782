"""What a detector can be made to miss: MalGAN against it, and as many additions at random."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from zerosum import latent
from zerosum.data.dataset import Field, dataset_of
from zerosum.data.stream import Stream
from zerosum.games import malgan
from zerosum.games.malgan import BothClasses, Detector, MalGAN
from zerosum.modality import Binary
from zerosum.recipe import Training
from zerosum.training.trainer import Hook, Trainer
from zerosum.util import rng

LOOKS = 10  # times that the generator is tried on vectors to choose by
TRIED = 1_000  # of these, at most
BATCH = 64
AT_A_TIME = 10_000  # vectors that are changed at once


@dataclass(frozen=True)
class Attack:
    """A generator that has learnt what a detector misses: the one of several moments that was detected least."""

    game: MalGAN
    seed: int

    @property
    def queries(self) -> int:
        """Answers that the detector has given."""
        return int(self.game.queries)

    def __call__(self, malware: Tensor) -> Tensor:
        """Malware, bool (N, D), with the features that are added to it."""
        z = latent.draw_rows(self.game.prior, len(malware), self.seed)
        parts = zip(malware.split(AT_A_TIME), z.split(AT_A_TIME), strict=True)
        return torch.cat([self.game.evade(x.float(), own).bool() for x, own in parts])


def attack(
    detector: Detector,
    malware: Tensor,
    benign: Tensor,
    chosen_by: Tensor,
    changeable: Tensor,
    *,
    steps: int,
    seed: int,
    config: MalGAN.Config,
    progress: Callable[[int], object] | None = None,
) -> Attack:
    """Train MalGAN against a detector; Hu and Tan, 2017.

    As in the paper the generator is chosen whose vectors are detected least, here of ten moments; of several, the one
    that adds least. What the detector is asked to choose by is counted, too.

    Args:
        malware, benign: bool (N, D) and (M, D), to learn from.
        chosen_by: bool (K, D), malware that the generator is chosen by.
        changeable: (D,) bool, the features that may be added.
        progress: called with the steps done so far.
    """
    kind = Binary(malware.shape[1])
    sides = {"malware": Field(kind, malware, "malware"), "benign": Field(kind, benign, "benign")}
    learnt = dataset_of("vectors of both classes", sides)
    batch = min(BATCH, len(malware), len(benign))
    training = Training(steps=steps, batch_size=batch, seed=seed, average=0.0, precision="fp32")
    chosen_by = chosen_by[:TRIED]
    with rng.fork_rng(torch.device("cpu"), seed):
        game = malgan.small(detector, changeable, config)
        trainer = Trainer(game, Stream(learnt, batch, seed=seed, batch=BothClasses), training)
        best = _Best(game, chosen_by, seed, {math.ceil(steps * k / LOOKS) for k in range(1, LOOKS + 1)})
        trainer.train([best, _telling(progress)] if progress else [best])
        trainer.pop_metrics()  # raises Diverged where a loss was not finite
    game.generator.load_state_dict(best.weights)
    return Attack(game.eval(), seed)


def at_random(malware: Tensor, evading: Tensor, changeable: Tensor, seed: int) -> Tensor:
    """Malware, bool (N, D), with as many features added to each as `evading` has more, by chance."""
    draw, made = Generator().manual_seed(seed), []
    for x, other in zip(malware.split(AT_A_TIME), evading.split(AT_A_TIME), strict=True):
        chance = torch.rand(x.shape, generator=draw).masked_fill(x | ~changeable, 2.0)
        rank = chance.argsort(1).argsort(1)  # (B, D), those that may be added first
        made.append(x | (rank < (other & ~x).sum(1, keepdim=True)))
    return torch.cat(made)


def _telling(progress: Callable[[int], object]) -> Hook:
    def hook(trainer: Trainer) -> None:
        progress(trainer.step)

    return hook


class _Best:
    """A hook that keeps the generator's weights of the moment when its vectors are detected least."""

    def __init__(self, game: MalGAN, malware: Tensor, seed: int, looks: set[int]):
        self.game, self.malware, self.looks = game, malware.float(), looks
        self.z = latent.draw_rows(game.prior, len(malware), seed)
        self.found = (float("inf"), float("inf"))
        self.weights = copy.deepcopy(game.generator.state_dict())

    def __call__(self, trainer: Trainer) -> None:
        if trainer.step not in self.looks:
            return
        made = self.game.evade(self.malware, self.z)
        found = float(self.game.ask(made).mean()), float((made - self.malware).sum(1).mean())
        if found < self.found:
            self.found, self.weights = found, copy.deepcopy(self.game.generator.state_dict())
