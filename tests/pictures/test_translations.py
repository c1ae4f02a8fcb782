"""Translations: below each input its output and, of aligned pairs, its target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zerosum.games import find
from zerosum.games.advgan import AdvGAN
from zerosum.modality import Classes, Image
from zerosum.pictures.translations import translations
from zerosum.recipe import Training
from zerosum.run.loaded import Run
from zerosum.run.record import DataRecord, Record

AffinePair: Any = find(f"{Path(__file__).parents[1] / 'support' / 'affine_pair.py'}:pairs").game


def negating(a: Image, b: Image) -> Run:
    """A run that translates each image to its negative."""
    game = AffinePair(1, paired=True)
    torch.nn.init.constant_(game.translator.scale, -1.0)
    data = DataRecord("pairs", {"a": a, "b": b}, 6, "abcdef", ())
    record = Record("affine", "", "", {}, Training(), data, {}, "cpu", "fp32", {}, "", "")
    return Run(Path("run"), record, game.eval(), 1)


@pytest.mark.parametrize("aligned", [False, True])
def test_outputs_lie_below_their_inputs_and_targets_below_both(aligned: bool) -> None:
    run, a = negating(Image(1, 48, 48), Image(1, 48, 48)), torch.arange(10, 70, 10, dtype=torch.uint8)
    a = a.view(6, 1, 1, 1).expand(6, 1, 48, 48)
    picture = translations(run, a, a + 100 if aligned else None)
    rows = 3 if aligned else 2
    assert picture.height == rows * 48 + (rows - 1) * 8
    x: Tensor = torch.tensor(np.asarray(picture)).float()[24::56, -298 + 24 :: 50]
    assert x.shape == (rows, 6)
    expected = [a[:, 0, 0, 0], 255 - a[:, 0, 0, 0], a[:, 0, 0, 0] + 100]
    assert torch.equal(x, torch.stack(expected[:rows]).float())
    assert picture.info["Title"].endswith("its target" if aligned else "an input and its output")


class Brighter(nn.Module):
    """Half of the largest change, everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.change.expand_as(x)


class Halves(nn.Module):
    """(B, 2) logits: whether an image is bright."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        return torch.stack([-mean, mean], 1)


def test_an_attack_shows_its_change_and_what_the_classifier_says() -> None:
    names = ("d", "b")
    game = AdvGAN(Brighter(), None, Halves(), Classes(names), AdvGAN.Config(epsilon=0.8, adversarial=0.0))
    data = DataRecord("levels", {"x": Image(1, 48, 48), "y": Classes(names)}, 6, "abcdef", names)
    record = Record("advgan", "", "", {}, Training(), data, {}, "cpu", "fp32", {}, "", "")
    levels = torch.tensor([10, 100, 200] * 3, dtype=torch.uint8)  # so few letters that the note below is no wider
    x = levels.view(9, 1, 1, 1).expand(9, 1, 48, 48)
    picture = translations(Run(Path("run"), record, game.eval(), 1), x)
    rows = torch.tensor(np.asarray(picture)).float()[24 : 24 + 3 * 56 : 56, -(9 * 50 - 2) + 24 :: 50]
    changed = (levels.float() + 51).clamp(max=255)
    assert (rows - torch.stack([levels.float(), torch.full((9,), 191.25), changed])).abs().max() <= 1
    assert "; taken for d, d, b, d, d, b, d, d, b; with the change for d, b, b, " in picture.info["Description"]
