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
from zerosum.game import Logits, all_moves
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric, NotMeasurable
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
    """From logits of any number of real and fake samples; each side weighs the same.

    ValueError where a side has no logits, or one is NaN.
    """
    real, fake = real.flatten().double(), fake.flatten().double()
    if len(real) == 0 or len(fake) == 0:
        raise ValueError("there must be logits of both sides")
    if bool(real.isnan().any()) or bool(fake.isnan().any()):
        raise ValueError("some logits are NaN: the discriminator has diverged")
    on_real, on_fake = float((real > 0).double().mean()), float((fake <= 0).double().mean())
    return Discrimination((on_real + on_fake) / 2, on_real, on_fake, above(real, fake))


def own_logits(game: Game[Any], draw: Callable[[], Any], count: int, step: int, seed: int = 0) -> dict[str, Logits]:
    """By discriminator, at least `count` logits of real samples, and of fakes, as the game logs them: (N,) and (M,).

    A copy of the game, in evaluation mode, plays step `step` until there are enough; nothing is updated. So a
    discriminator sees what it was trained on: conditions, noise on its input, packs. Of its moves in a step the first
    counts. `NotMeasurable` where no move hands over logits, as of a game without a discriminator, or before it plays.
    """
    game = copy.deepcopy(game).eval()
    device = next(game.parameters()).device
    found: dict[str, list[Logits]] = {}
    times = 0
    with rng.fork_rng(device, seed):
        while not times or min(sum(len(part.real) for part in parts) for parts in found.values()) < count:
            times += 1
            for move in all_moves(game.round(draw, step)):
                if move.logits and len(parts := found.setdefault(move.player, [])) < times:
                    parts.append(Logits(*(side.detach().flatten().float().cpu() for side in move.logits)))
                if times > 1 and all(len(parts) == times for parts in found.values()):
                    break  # the first time has shown who hands over logits
            if not found:
                raise NotMeasurable(
                    f"{game.name} hands over no logits of real and fake samples; leave out 'discriminator'"
                )
    return {player: Logits(*map(torch.cat, zip(*parts, strict=True))) for player, parts in found.items()}


@dataclass(frozen=True)
class DiscriminatorAccuracy(Metric):
    """How well the run's own discriminator tells real samples from fakes: 1/2 if it cannot; Goodfellow et al., 2014.

    Of several discriminators each has its scores, whose names end in the player's: "accuracy, d_b".

    It says how the two players stand to each other, not how good the samples are. A critic without a threshold is to
    be read by `order`.
    """

    samples: Annotated[int, Gt(0), "of each side, at most"] = 2000

    name = "discriminator"
    needs = "none"
    needs_distinct = False
    has_references = False
    truncates = False  # D is asked of what it plays against

    def why_not(self, context: Context) -> str:
        if context.run is None:
            return "it needs a run, with its discriminator"
        if context.classes not in ((), context.data.classes):
            return f"it needs real data with the run's classes, and {context.data.name} has others"
        if missing := set(field_names(context.run.game.batch)) - {"unlabelled", *context.data.fields}:
            return f"it needs real data with the field {min(missing)}, which {context.data.name} lacks"
        return ""

    def fakes(self, context: Context) -> int:
        return min(self.samples, context.fewest)

    def measure(self, context: Context) -> dict[str, Score]:
        from zerosum.data.stream import Stream  # the functions above take logits, and any source of batches

        run = context.run
        assert run is not None
        size, device = min(run.batch_size, len(context.data)), next(run.game.parameters()).device
        stream = Stream(context.data, size, seed=context.seed, device=device, batch=run.game.batch)
        players = own_logits(run.game, stream, self.fakes(context), run.step, context.seed)
        return {
            f"{name}, {player}" if len(players) > 1 else name: score
            for player, logits in players.items()
            for name, score in scores_of(*logits).items()
        }


def scores_of(real: Tensor, fake: Tensor) -> dict[str, Score]:
    """Of logits (N,) and (M,), with intervals."""
    accuracy, on_real, on_fake, order = discrimination(real, fake)
    of_both = intervals.of_shares((on_real, on_fake), (len(real), len(fake)))
    return {
        "accuracy": Score(accuracy, "none", of_both, "binomial, of both sides"),
        "real": Score(on_real, "none", intervals.of_share(on_real, len(real)), "binomial"),
        "fake": Score(on_fake, "none", intervals.of_share(on_fake, len(fake)), "binomial"),
        "order": Score(order, "none", note="no interval: pairs are not independent"),
    }
