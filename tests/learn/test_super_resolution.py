"""SRResNet beats bicubic interpolation within seconds, and SRGAN does not lose what SRResNet learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import zerosum
from zerosum import data
from zerosum.metrics.structural import psnr
from zerosum.modality import to_float
from zerosum.networks.srresnet import Bicubic

SMALL = {"network": {"width": 12, "blocks": 1}}


@pytest.mark.parametrize(("recipe", "options"), [
    ("srgan/pixels", SMALL | {"g_optimizer": {"lr": 3e-3}}),
    ("srgan/images", SMALL | {"g_optimizer": {"lr": 3e-3}, "judge": {"width": 4}, "warm_up": 60}),
])  # fmt: skip
def test_it_is_better_than_bicubic(recipe: str, options: dict[str, object], tmp_path: Path) -> None:
    run = zerosum.train(
        recipe, "shrink@2:digits", tmp_path / "run", steps=150, batch_size=16, health=False, quiet=True, **options
    )
    test = data.load("shrink@2:digits").fields
    a, b = test["a"].stored[-200:], to_float(test["b"].stored[-200:])
    made, begun = run.translate(a), Bicubic(2)(to_float(a))
    gain = psnr(made.clamp(-1, 1), b).mean() - psnr(begun.clamp(-1, 1), b).mean()
    assert made.shape == b.shape and bool(torch.isfinite(gain)) and float(gain) > 2
