"""Translators for tests: an affine map of each channel, learnt from aligned pairs or from two unaligned collections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from zerosum.batches import Draw, Paired, Unpaired
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import non_saturating, penalties
from zerosum.modality import Spec
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe
from zerosum.roles import Translates


class Affine(nn.Module):
    """Images (B, C, H, W) to scale * x + shift, by channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift


class AffinePair(Game[Paired | Unpaired], Translates):
    """pix2pix's game on the smallest of translators: D sees b, and of pairs a as well; L1 holds pairs together."""

    name = "affine-pair"
    makes = "b"

    @dataclass(frozen=True)
    class Config:
        l1: Annotated[float, Ge(0), "weight of the L1 distance to b, of pairs"] = 10.0
        optimizer: Annotated[Optimizer, "of both players"] = Adam(2e-2, (0.5, 0.9), decay=Decay("linear"))

    def __init__(self, channels: int, paired: bool, config: Config = Config()):
        super().__init__()
        self.config, self.batch = config, Paired if paired else Unpaired
        self.translator = Affine(channels)
        inputs = channels * (2 if paired else 1)
        self.discriminator = nn.Sequential(
            nn.Conv2d(inputs, 16, 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(2),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(16, 1),
        )

    def players(self) -> dict[str, Player]:
        return {
            "translator": Player(self.config.optimizer, (self.translator,), averaged=True),
            "discriminator": Player(self.config.optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Paired | Unpaired], step: int) -> Iterator[Move]:
        a, b = draw()  # (B, C, H, W) each
        with torch.no_grad():
            fake = self.translate(a)
        real_seen, fake_seen = self._seen(a, b), self._seen(a, fake)
        logits = Logits(self.discriminator(real_seen), self.discriminator(fake_seen))
        r1 = penalties.r1(self.discriminator, real_seen)
        yield Move("discriminator", adversarial=non_saturating.d(*logits), r1=r1, logits=logits)
        fake = self.translate(a)
        terms = {"adversarial": non_saturating.g(self.discriminator(self._seen(a, fake)))}
        if isinstance(self.batch, type) and self.batch is Paired:
            terms["l1"] = self.config.l1 * (fake - b).abs().mean()
        yield Move("translator", **terms)

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.translator(a)

    def _seen(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1) if self.batch is Paired else b


@recipe(data="pairs:photos", batch_size=8, steps=300, average=0.9)
def pairs(data: Spec, config: AffinePair.Config = AffinePair.Config()) -> AffinePair:
    """Aligned pairs of images of one size and as many channels."""
    return AffinePair(data.a.shape[0], True, config)


@recipe(data="unpaired:photos", batch=Unpaired, batch_size=8, steps=400, average=0.9)
def collections(data: Spec, config: AffinePair.Config = AffinePair.Config()) -> AffinePair:
    """Two unaligned collections of images."""
    return AffinePair(data.a.shape[0], False, config)
