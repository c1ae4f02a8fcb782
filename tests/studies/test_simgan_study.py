"""The study of SimGAN's gauges in small: its estimator of angles, its regressor, and that a stopped part goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from zerosum.data.images import gauges
from zerosum.modality import to_float
from zerosum.studies import STUDIES, simgan_gauges
from zerosum.studies.simgan_gauges import SIMGAN_GAUGES, drift, errors, fitted, moved, regressor, turned


@pytest.fixture(scope="module")
def drawn() -> gauges.Gauges:
    return gauges.draw("synthetic", 100, 60)


def test_it_is_known():
    assert STUDIES["simgan-gauges"] is SIMGAN_GAUGES and len(SIMGAN_GAUGES.seeds) == 3
    assert SIMGAN_GAUGES.parts(0) == ("raw", "refined", "real")


@pytest.mark.parametrize(("part", "most"), [("synthetic", 0.5), ("real", 2.0)])
def test_the_template_reads_angles(part: str, most: float):
    few = gauges.draw(part, 100, 60)
    wrong = turned(fitted(few.images, few.centres, few.radii) - few.tenths / 10)
    assert wrong.abs().mean() < most and abs(wrong.mean()) < most / 2


def test_shades_do_not_matter_to_the_template(drawn: gauges.Gauges):
    pale = (drawn.images.float() * 0.3 + 100).to(torch.uint8)
    assert drift(drawn, pale)["drift"] < 0.5


def test_drift_is_what_a_needle_turns(drawn: gauges.Gauges):
    """Images in which it stands five degrees further, of the same dials, drift by five degrees."""
    further = _turned_by(drawn, 50)
    assert drift(drawn, further)["drift"] == pytest.approx(5, abs=0.4)
    assert drift(drawn, drawn.images)["drift"] == 0


def test_images_that_are_moved_keep_their_angles(drawn: gauges.Gauges):
    """A pixel to the right and one up: a needle read where the dial was would be wrong by degrees."""
    elsewhere = drawn.images.roll((1, -1), (3, 2))
    assert moved(elsewhere, drawn.centres, drawn.radii).tolist() == pytest.approx([1, -1], abs=0.05)
    assert moved(drawn.images, drawn.centres, drawn.radii).tolist() == pytest.approx([0, 0], abs=0.05)
    assert drift(drawn, elsewhere)["drift"] < 0.2
    there = turned(fitted(elsewhere, drawn.centres, drawn.radii) - drawn.tenths / 10)
    assert there.abs().mean() > 3


def test_a_needle_that_is_gone_drifts(drawn: gauges.Gauges):
    noise = torch.randint(256, drawn.images.shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert drift(drawn, noise)["drift"] > 30


def _turned_by(drawn: gauges.Gauges, tenths: int) -> Tensor:
    dials = gauges._Dials(len(drawn.tenths), torch.Generator().manual_seed(0))
    dials.centres, dials.radii = drawn.centres, drawn.radii
    dials.tenths = (drawn.tenths + tenths) % gauges.TENTHS
    pixels = torch.arange(gauges.SIDE, dtype=torch.float64)
    dials.right = pixels[None, None, :] - dials.centres[:, 0, None, None]
    dials.up = dials.centres[:, 1, None, None] - pixels[None, :, None]
    dials.distance = torch.hypot(dials.right, dials.up)
    dials.inside = gauges._cover(dials.radii[:, None, None] - dials.distance)
    return (dials.clean().clamp(0, 1) * 255).round().to(torch.uint8)[:, None]


def test_errors_are_in_degrees_the_short_way_round(drawn: gauges.Gauges):
    class Says(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            angle = torch.deg2rad(drawn.tenths / 10 + 350)
            return torch.stack([angle.cos(), angle.sin()], 1) * 3

    torch.testing.assert_close(errors(Says(), drawn), torch.full((60,), 10.0), atol=1e-3, rtol=0)


def test_the_regressor_learns_directions_and_equal_seeds_agree():
    few = gauges.draw("synthetic", 100, 200)
    network = regressor(few.images, few.directions, 60, 0)
    assert errors(network, few).mean() < 30
    same, other = (regressor(few.images, few.directions, 3, seed) for seed in (1, 2))
    again = regressor(few.images, few.directions, 3, 1)
    x = to_float(few.images[:5])
    assert torch.equal(same(x), again(x)) and not torch.equal(same(x), other(x))


def test_the_value_is_the_error_of_refined_over_that_of_raw():
    parts = [
        {"part": part, "seed": seed, "error": error, "median": error / 2}
        | ({"drift": 1.5 + seed, "template": 0.9, "template_before": 0.1} if part == "refined" else {})
        for seed in (0, 1)
        for part, error in (("raw", 20.0), ("refined", 10.0 + seed), ("real", 5.0))
    ]
    summary = SIMGAN_GAUGES.summarise(parts)
    assert summary["values"] == [0.5, 0.55] and summary["drift"] == [1.5, 2.5]
    assert not SIMGAN_GAUGES.reached(summary)  # the labels of one seed drift too far
    assert SIMGAN_GAUGES.reached(SIMGAN_GAUGES.summarise(parts[:3]))
    assert not SIMGAN_GAUGES.reached({**summary, "values": [0.9, 0.9], "drift": [0.1, 0.1]})


def test_a_part_is_run_and_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gauges, "COUNT", 40)
    monkeypatch.setattr(gauges, "HELD_OUT", 20)
    recipe = simgan_gauges.find("simgan/gauges")
    short = replace(recipe, training=replace(recipe.training, steps=1_000, batch_size=2))
    monkeypatch.setattr(simgan_gauges, "find", lambda name: short)
    found = {part: simgan_gauges.run(part, 100, 0.004, tmp_path / part) for part in SIMGAN_GAUGES.parts(100)}
    assert all(0 <= part["error"] <= 180 for part in found.values()) and found["refined"]["steps"] == 4
    assert found["refined"]["drift"] >= 0 and (tmp_path / "refined" / "gauges.png").exists()
    before = sorted(path.name for path in (tmp_path / "refined").iterdir())
    assert simgan_gauges.run("refined", 100, 0.004, tmp_path / "refined") == found["refined"]  # from its checkpoint
    assert sorted(path.name for path in (tmp_path / "refined").iterdir()) == before


def test_each_regressor_learns_what_its_part_says_and_is_tested_on_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Refined gauges are inverted here; all are drawn by the seed."""
    drawings: dict[Tensor, str] = {}
    asked: list[str] = []
    draw = gauges.draw

    def drawn_of(part: str, seed: int, count: int = 20) -> gauges.Gauges:
        asked.append(f"{part} {seed}")
        drawings[(made := draw(part, seed, count)).images] = part
        return made

    learnt: list[Tensor] = []
    tested: list[str] = []
    monkeypatch.setattr(gauges, "draw", drawn_of)
    for name in ("trainer_of", "play"):
        monkeypatch.setattr(simgan_gauges, name, lambda *_: None)
    monkeypatch.setattr(simgan_gauges.data, "load", lambda *_, **__: None)
    monkeypatch.setattr(simgan_gauges, "translated", lambda trainer, images, at_a_time: 255 - images)
    monkeypatch.setattr(simgan_gauges, "drift", lambda *_: {})
    monkeypatch.setattr(simgan_gauges, "regressor", lambda x, y, steps, seed: learnt.append(x))
    monkeypatch.setattr(
        simgan_gauges, "errors", lambda network, on: tested.append(drawings[on.images]) or torch.tensor([1.0, 3.0])
    )
    for part in SIMGAN_GAUGES.parts(7):
        (tmp_path / part).mkdir()
        assert simgan_gauges.run(part, 7, 1.0, tmp_path / part)["error"] == 2
    raw, refined, real = learnt
    assert torch.equal(raw, draw("synthetic", 7, 20).images) and torch.equal(refined, 255 - raw)
    assert torch.equal(real, draw("real", 7, 20).images)
    assert tested == ["test"] * 3 and {name.split()[1] for name in asked} == {"7"}
