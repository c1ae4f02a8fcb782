"""The oldest measures: does the discriminator tell the sides apart, and how far off is the nearest real sample?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.metrics.neighbours import k_nearest
from zerosum.metrics.ranks import above
from zerosum.util import rng


class Discrimination(NamedTuple):
    """How well logits tell real samples from fakes."""

    accuracy: float  # share of both sides judged right, D(x) > 1/2 for real; at the game's equilibrium 1/2
    real: float  # share of real samples judged real
    fake: float  # share of fakes judged fake
    order: float  # probability that a real sample's logit is above a fake's; needs no threshold, so it suits critics


def discrimination(real: Tensor, fake: Tensor) -> Discrimination:
    """From logits of any number of real and fake samples; each side weighs the same."""
    real, fake = real.flatten().double(), fake.flatten().double()
    if len(real) == 0 or len(fake) == 0:
        raise ValueError("there must be logits of both sides")
    on_real, on_fake = float((real > 0).double().mean()), float((fake <= 0).double().mean())
    return Discrimination((on_real + on_fake) / 2, on_real, on_fake, above(real, fake))


def own_logits(game: Game[Any], draw: Callable[[], Any], count: int, step: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """At least `count` logits of real samples, and of fakes, as the game itself judges them: (N,) and (M,).

    The game is asked for the first move of round `step` until it has judged enough; nothing is updated, and a copy
    plays, in evaluation mode. So the discriminator sees what it is used to: conditions, noise on its input, packs.

    Raises:
        ZerosumError: the game logs no "real" and "fake" logits in its first moves.
    """
    game = copy.deepcopy(game).eval()
    device = next(game.parameters()).device
    real: list[Tensor] = []
    fake: list[Tensor] = []
    with rng.fork_rng(device, seed):
        while sum(map(len, real)) < count:
            for move in game.round(draw, step):
                if "real" in move.log and "fake" in move.log:
                    real.append(move.log["real"].detach().flatten().float().cpu())
                    fake.append(move.log["fake"].detach().flatten().float().cpu())
                    break
            else:
                raise ZerosumError(f"{game.name} logs no logits of real and fake samples; leave out 'discriminator'")
    return torch.cat(real), torch.cat(fake)


def nearest_distance(fake: Tensor, real: Tensor) -> Tensor:
    """(M,) mean squared differences between each fake (M, *shape) and the real sample (N, *shape) nearest to it.

    0 for a copy: the measure rewards memory, and blur. Read it beside what held-out real samples score.
    """
    fake, real = fake.flatten(1), real.flatten(1)
    return k_nearest(fake, real, 1)[0][:, 0].square() / fake.shape[1]
