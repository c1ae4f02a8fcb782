"""A generator that paints its class, and runs of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from zerosum.game import Condition, Game, Labelled
from zerosum.latent import Normal, Prior
from zerosum.recipe import Training
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record

FLAT = (1, 48, 48)


class Painter(Game[Labelled]):
    """Images of one brightness: a tenth of the class, or of the vector's first number, plus a little of z and noise."""

    name = "painter"

    def __init__(self, prior: Prior, condition: Condition | None):
        super().__init__()
        self.prior, self.condition, self.shift = prior, condition, nn.Parameter(torch.zeros(()))

    def players(self):
        raise NotImplementedError

    def round(self, draw, step):
        raise NotImplementedError

    def sample(self, like, z=None):
        x, y = (like.x, like.y) if isinstance(like, Labelled) else (like, torch.zeros(len(like)))
        z = self.prior.draw(x) if z is None else z
        asked = y if y.dim() == 1 else y[:, 0]
        chance = torch.rand(len(x)) / 50
        value = asked / 10 - 0.5 + z.tanh() @ torch.linspace(0.01, 0.04, self.prior.dim) + chance + self.shift
        return value.view(-1, *[1] * (x.dim() - 1)).expand(x.shape)


def painted(
    condition: Condition | None = None,
    *,
    names: tuple[str, ...] = (),
    vectors: tuple[tuple[float, ...], ...] = (),
    prior: Prior = Normal(4),  # noqa: B008  frozen
    shape: tuple[int, ...] = FLAT,
) -> Run:
    data = DataRecord("made", shape, names, 100, "abcdef", (), conditions=vectors)
    record = Record(1, "painter", "", "", {}, Training(), data, {}, "cpu", "fp32", {}, "", "")
    return Run(Path("run"), record, Painter(prior, condition).eval(), 1)


def classes(count: int, **more) -> Run:
    return painted(Condition(count), names=tuple(f"class {i}" for i in range(count)), **more)
