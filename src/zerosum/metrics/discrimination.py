"""Discrimination: does the discriminator tell real samples from fakes?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.batches import field_names
from zerosum.errors import ZerosumError
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.metrics.statistics import above
from zerosum.util import rng

if TYPE_CHECKING:
    from zerosum.game import Game


class Discrimination(NamedTuple):
    """How well logits tell real samples from fakes."""

    accuracy: float  # share of both sides classified correctly, D(x) > 1/2 for real; at the game's equilibrium 1/2
    real: float  # share of real samples classified as real
    fake: float  # share of fakes classified as fake
    order: float  # probability that a real sample's logit is above a fake's; needs no threshold, so it suits critics


def discrimination(real: Tensor, fake: Tensor) -> Discrimination:
    """From logits of any number of real and fake samples; each side weighs the same."""
    real, fake = real.flatten().double(), fake.flatten().double()
    if len(real) == 0 or len(fake) == 0:
        raise ValueError("there must be logits of both sides")
    on_real, on_fake = float((real > 0).double().mean()), float((fake <= 0).double().mean())
    return Discrimination((on_real + on_fake) / 2, on_real, on_fake, above(real, fake))


def own_logits(game: Game[Any], draw: Callable[[], Any], count: int, step: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """At least `count` logits of real samples, and of fakes, as the game itself logs them: (N,) and (M,).

    A copy of the game, in evaluation mode, plays the first moves of round `step` until there are enough; nothing is
    updated. So the discriminator sees what it was trained on: conditions, noise on its input, packs. `ZerosumError`
    where no move of a round hands over logits.
    """
    game = copy.deepcopy(game).eval()
    device = next(game.parameters()).device
    real: list[Tensor] = []
    fake: list[Tensor] = []
    with rng.fork_rng(device, seed):
        while sum(map(len, real)) < count:
            for move in game.round(draw, step):
                if move.logits:
                    real.append(move.logits.real.detach().flatten().float().cpu())
                    fake.append(move.logits.fake.detach().flatten().float().cpu())
                    break
            else:
                raise ZerosumError(
                    f"{game.name} hands over no logits of real and fake samples; leave out 'discriminator'"
                )
    return torch.cat(real), torch.cat(fake)


@dataclass(frozen=True)
class DiscriminatorAccuracy(Metric):
    """How well the run's own discriminator tells real samples from fakes: 1/2 if it cannot; Goodfellow et al., 2014.

    It says how the two players stand to each other, not how good the samples are. A critic without a threshold is to
    be read by `order`.
    """

    samples: Annotated[int, Gt(0), "of each side, at most"] = 2000

    name = "discriminator"
    needs = "none"
    has_references = False

    def why_not(self, context: Context) -> str:
        if context.run is None:
            return "it needs a run, with its discriminator"
        if context.classes not in ((), context.data.classes):
            return f"it needs real data with the run's classes, and {context.data.name} has others"
        if missing := set(field_names(context.run.game.batch)) - {"unlabelled", *context.data.fields}:
            return f"it needs real data with the field {min(missing)}, which {context.data.name} lacks"
        return ""

    def measure(self, context: Context) -> dict[str, Score]:
        from zerosum.data.stream import Stream  # the functions above take logits, and any source of batches

        run = context.run
        assert run is not None
        size, device = min(run.batch_size, len(context.data)), next(run.game.parameters()).device
        stream = Stream(context.data, size, seed=context.seed, device=device, batch=run.game.batch)
        real, fake = own_logits(run.game, stream, min(self.samples, context.fewest), run.step, context.seed)
        accuracy, on_real, on_fake, order = discrimination(real, fake)
        return {
            "accuracy": Score(accuracy, "none", intervals.of_share(accuracy, len(real) + len(fake)), "binomial"),
            "real": Score(on_real, "none", intervals.of_share(on_real, len(real)), "binomial"),
            "fake": Score(on_fake, "none", intervals.of_share(on_fake, len(fake)), "binomial"),
            "order": Score(order, "none", note="no interval: pairs are not independent"),
        }
