"""A generator that paints its class, and runs of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from zerosum.batches import Labelled
from zerosum.game import Game
from zerosum.latent import Normal, Prior
from zerosum.modality import AnyModality, Classes, Condition, Image, Points
from zerosum.recipe import Training
from zerosum.roles import Generates
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record

FLAT = (1, 48, 48)


class Painter(Game[Labelled], Generates):
    """Images of one brightness: a tenth of the class, or of the vector's first number, plus a little of z and noise."""

    name = "painter"

    def __init__(self, prior: Prior, condition: Condition | None, shape: tuple[int, ...]):
        super().__init__()
        self.prior, self.condition, self.shape = prior, condition, shape
        self.shift = nn.Parameter(torch.zeros(()))

    def players(self):
        raise NotImplementedError

    def round(self, draw, step):
        raise NotImplementedError

    def generate(self, z, y=None):
        y = torch.zeros(len(z)) if y is None else y
        asked = y if y.dim() == 1 else y[:, 0]
        chance = torch.rand(len(z)) / 50
        value = asked / 10 - 0.5 + z.tanh() @ torch.linspace(0.01, 0.04, self.prior.dim) + chance + self.shift
        return value.view(-1, *[1] * len(self.shape)).expand(-1, *self.shape)


def painted(
    condition: Condition | None = None,
    *,
    vectors: tuple[tuple[float, ...], ...] = (),
    prior: Prior = Normal(4),  # noqa: B008  frozen
    shape: tuple[int, ...] = FLAT,
) -> Run:
    fields: dict[str, AnyModality] = {"x": Image(*shape) if len(shape) == 3 else Points(*shape)}
    if condition is not None:
        fields["y"] = condition
    data = DataRecord("made", fields, 100, "abcdef", (), vectors=vectors)
    record = Record("painter", "", "", {}, Training(), data, {}, "cpu", "fp32", {}, "", "")
    return Run(Path("run"), record, Painter(prior, condition, shape).eval(), 1)


def classes(count: int, **more) -> Run:
    return painted(Classes(tuple(f"class {i}" for i in range(count))), **more)
