"""The Fréchet distance of what a translator was given, beside that of what it made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import zerosum
from zerosum.data import load
from zerosum.data.images.fit import grey
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.modality import to_float
from zerosum.run.loaded import Run
from zerosum.util.bicubic import enlarged_bytes

QUICK: dict[str, Any] = {"steps": 1, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
NARROW: dict[str, Any] = {"network": {"width": 2}, "patch": {"width": 2}}
SMALL: dict[str, Any] = {"network": {"width": 4, "blocks": 1}}


def distance(real: Tensor, other: Tensor) -> float:
    sides = []
    for x in (real, other):
        moments = Moments(x[0].numel())
        moments.update(to_float(x).flatten(1))
        sides.append(moments)
    return frechet(*sides)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for name, channels in (("x", 3), ("y", 3), ("dim", 1)):
        np.save(f"{name}.npy", draw.integers(0, 256, (30, 16, 16, channels)).astype(np.uint8).squeeze())


@pytest.mark.parametrize(
    ("recipe", "data", "shown"),
    [
        ("pix2pix", "deblur:x.npy", lambda a: a),
        ("pix2pix", "colorize:x.npy", lambda a: a.repeat(1, 3, 1, 1)),
        ("pix2pix", "pairs:x.npy,dim.npy", grey),
        ("cyclegan", "unpaired:x.npy,y.npy", lambda a: a),
        ("srgan/pixels", "shrink@2:x.npy", lambda a: enlarged_bytes(a, 2)),
    ],
)
def test_they_are_in_the_place_of_their_translations(recipe: str, data: str, shown: Any) -> None:
    run = zerosum.train(recipe, data, "run", **(SMALL if recipe.startswith("srgan") else NARROW), **QUICK)
    fields = load(data).fields
    found = zerosum.evaluate(run, metrics="frechet", extractor="pixels", samples=30)
    scores = found["frechet"].scores
    assert [*scores] == ["distance", "of the inputs"] and scores["of the inputs"].better == "lower"
    expected = distance(fields["b"].stored, shown(fields["a"].stored))
    assert scores["of the inputs"].value == pytest.approx(expected, rel=1e-4)
    assert sum("enlarged by the bicubic kernel" in note for note in found.notes) == recipe.startswith("srgan")


def test_only_where_they_can_be() -> None:
    np.save("five.npy", np.zeros((12, 5, 24, 24), np.uint8))
    np.save("two.npy", np.random.default_rng(0).integers(0, 256, (12, 2, 24, 24)).astype(np.uint8))
    run = zerosum.train("pix2pix", "pairs:five.npy,two.npy", "run", **NARROW, **QUICK)
    assert [*zerosum.evaluate(run, metrics="frechet", samples=12)["frechet"].scores] == ["distance"]
    run = zerosum.train("pix2pix", "invert:x.npy", "other", **NARROW, **QUICK)
    assert "of the inputs" in zerosum.evaluate(run, "y.npy", ["frechet"], extractor="pixels")["frechet"].scores


def test_they_are_no_reference_scores_that_can_be_left_out() -> None:
    """All four metrics that have them keep them, and lose those of real data and noise."""
    run = zerosum.train("pix2pix", "invert:x.npy", "run", **NARROW, **QUICK)
    found = zerosum.evaluate(run, extractor="pixels", samples=12, references=False)
    for name in ("frechet", "psnr", "ssim", "gradient-energy"):
        assert "of the inputs" in found[name].scores, name
    assert not found.references and not any(s.references for r in found.results for s in r.scores.values())


@pytest.mark.parametrize(
    ("recipe", "data", "own"),
    [
        ("srgan/pixels", "shrink@2:x.npy", SMALL),  # no D at all
        ("pix2pix", "invert:x.npy", {"network": {"width": 2}, "adversarial": 0.0}),
        ("simgan/images", "unpaired:invert:x.npy", {"network": {"width": 4, "blocks": 1}}),  # D plays later
    ],
)
def test_what_no_discriminator_has_judged_is_measured_by_all_else(recipe: str, data: str, own: dict[str, Any]) -> None:
    run = zerosum.train(recipe, data, "run", **own, **QUICK)
    found = {result.protocol.metric for result in zerosum.evaluate(run, extractor="pixels", samples=10).results}
    assert "frechet" in found and "discriminator" not in found
    with pytest.raises(zerosum.ZerosumError, match="hands over no logits of real and fake samples"):
        zerosum.evaluate(run, metrics="discriminator", samples=10)


def test_usual_metrics_say_once_how_inputs_are_taken() -> None:
    run = zerosum.train("srgan/pixels", "shrink@2:x.npy", "run", **SMALL, **QUICK)
    found = zerosum.evaluate(run, extractor="pixels")
    assert {"psnr", "frechet"} <= {result.protocol.metric for result in found.results}
    assert sum("enlarged by the bicubic kernel" in note for note in found.notes) == 1
    assert torch.tensor([found[name].scores["of the inputs"].value for name in ("psnr", "frechet")]).isfinite().all()


def test_all_metrics_take_as_many_as_are_asked_for_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen, translate = (
        zerosum.train("pix2pix", "invert:x.npy", "run", **NARROW, **QUICK),
        list[Any](),
        Run.translate,
    )

    def told(self: Run, a: Tensor, *rest: Any, seed: int = 0, **other: Any) -> Tensor:
        seen.append((len(a), seed))
        return translate(self, a, *rest, seed=seed, **other)

    monkeypatch.setattr(Run, "translate", told)
    found = zerosum.evaluate(run, extractor="pixels", samples=5, seed=3, references=False)
    assert all(found[name].protocol.real == 5 for name in ("psnr", "ssim", "gradient-energy", "frechet"))
    assert {*seen} == {(5, 3)}
    assert zerosum.evaluate(run, metrics="psnr", samples=5, seed=3)["psnr"].value == found["psnr"].value
    assert zerosum.evaluate(run, metrics="psnr").results[0].protocol.real == len(np.load("x.npy"))
