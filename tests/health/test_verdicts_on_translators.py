"""Verdicts on translators: each on outputs that a broken translator would make, and none on those that are right."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum import data
from zerosum.health.history import History, Snapshot
from zerosum.health.signals import SampleMeter
from zerosum.health.translations import as_target, checkerboards
from zerosum.health.verdicts import OF_TRANSLATORS, diagnose
from zerosum.modality import to_float

PAIRS = ("denoise@40:digits", "denoise@5:digits", "invert:digits", "superres@2:digits", "shrink@2:digits")
UNPAIRED = ("unpaired:invert:digits", "unpaired:denoise@60:digits", "unpaired:edges:digits")


@pytest.fixture(scope="module")
def meters() -> dict[str, SampleMeter]:
    return {name: SampleMeter(data.load(name, size=(16, 16), seed=0), "b", 0) for name in PAIRS + UNPAIRED}


def _inputs(meter: SampleMeter) -> Tensor:
    assert meter.source is not None
    return as_target(meter.source[0].load(meter.source[1]), meter.space.modality.shape)


def _targets(name: str, meter: SampleMeter) -> Tensor:
    """What the inputs should become: by their rows, or as the task says."""
    if "invert" in name:
        return -_inputs(meter)
    loaded = data.load(name.removeprefix("unpaired:"), size=(16, 16), seed=0)
    a, b = loaded.fields["a"], loaded.fields["b"]
    assert meter.source is not None
    rows = [int((a.stored == one).flatten(1).all(1).nonzero()[0]) for one in meter.source[1]]
    return to_float(b.stored[rows])


def _verdict(meter: SampleMeter, outputs: Tensor) -> str:
    history, signals = History(1000), meter.of_translations(outputs, outputs[:64])
    for step in range(200, 1001, 200):
        history.add(Snapshot(step, 0.0, signals))
    return diagnose(history).name


@pytest.mark.parametrize("name", PAIRS + UNPAIRED)
def test_right_outputs_raise_no_alarm(name: str, meters: dict[str, SampleMeter]) -> None:
    right = _targets(name, meters[name])
    noise = 0.3 * torch.randn(right.shape, generator=torch.Generator().manual_seed(1))
    assert _verdict(meters[name], right) in ("healthy", "under-trained")
    assert _verdict(meters[name], (right + noise).clamp(-1, 1)) not in OF_TRANSLATORS, "noise has no peak"


@pytest.mark.parametrize("name", PAIRS + UNPAIRED)
def test_copies(name: str, meters: dict[str, SampleMeter]) -> None:
    meter = meters[name]
    asked = meter.translations is not None and meter.translations.signals(_inputs(meter), {"frechet": 1, "sight": 1})
    verdict = _verdict(meter, _inputs(meter))
    if asked and asked.get("asked", 1.0) <= 0.03:  # four of 255 levels: a copy is nearly right
        assert verdict not in OF_TRANSLATORS
    else:
        assert verdict == "copies its input"


@pytest.mark.parametrize("name", PAIRS + UNPAIRED)
@pytest.mark.parametrize("how", ["one", "mean", "others"])
def test_what_ignores_its_input(name: str, how: str, meters: dict[str, SampleMeter]) -> None:
    right = _targets(name, meters[name])
    made = {
        "one": right[:1].expand_as(right),
        "mean": right.mean(0, keepdim=True).expand_as(right),
        "others": right.roll(17, 0),
    }
    assert _verdict(meters[name], made[how]) == "ignores its input"


@pytest.mark.parametrize("name", ["denoise@40:digits", "superres@2:digits", "unpaired:denoise@60:digits"])
def test_inverted_colours(name: str, meters: dict[str, SampleMeter]) -> None:
    assert _verdict(meters[name], -_targets(name, meters[name])) == "inverts colours"


@pytest.mark.parametrize("name", PAIRS + UNPAIRED)
@pytest.mark.parametrize("rows", [True, False])
def test_checkerboards(name: str, rows: bool, meters: dict[str, SampleMeter]) -> None:
    right = _targets(name, meters[name])
    places = torch.arange(16)
    pattern = ((places[:, None] * rows + places) % 2 * 2 - 1).float()
    assert _verdict(meters[name], (right + 0.15 * pattern).clamp(-1, 1)) == "checkerboard"


def test_energy_at_the_nyquist_frequency_by_hand() -> None:
    """A pattern of amplitude A has A^2; a smooth image, white noise and an odd column more have next to nothing."""
    places = torch.arange(32)
    pattern = 0.5 * ((places[:, None] + places) % 2 * 2 - 1).float()[None, None]
    assert float(checkerboards(pattern)[0]) == pytest.approx(0.25, rel=1e-4)
    assert float(checkerboards(pattern[..., :31])[0]) == pytest.approx(0.25, rel=1e-4)
    assert float(checkerboards((places / 16 - 1).expand(1, 1, 32, 32).clone())[0]) < 1e-6
    energy, rest = checkerboards(torch.randn(200, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert float(energy.mean() / (3 * rest.mean())) == pytest.approx(1, abs=0.2), "noise has no peak"
    assert float(checkerboards(torch.zeros(2, 3, 2, 9))[0].sum()) == 0, "images of two pixels have no such detail"


@pytest.mark.parametrize(("channels", "shape"), [(3, (1, 8, 8)), (1, (3, 8, 8)), (2, (4, 4, 6))])
def test_inputs_in_the_form_of_targets(channels: int, shape: tuple[int, int, int]) -> None:
    x = torch.rand(5, channels, 8, 8) * 2 - 1
    made = as_target(x, shape)
    assert made.shape == (5, *shape) and made.abs().max() <= 1
    grey = as_target(torch.full((1, channels, 8, 8), 0.25), shape)
    assert torch.allclose(grey, torch.full_like(grey, 0.25), atol=1e-5)


def test_a_single_picture_has_nothing_to_follow() -> None:
    """Of inputs that are all alike, equal outputs are right."""
    loaded = data.load("denoise@40:digits", size=(16, 16), seed=0)
    fields = {
        key: type(field)(field.modality, field.stored[:1].expand(200, -1, -1, -1).contiguous(), field.deck)
        for key, field in loaded.fields.items()
    }
    meter = SampleMeter(type(loaded)("one", fields, "0" * 16), "b", 0)
    signals = meter.of_translations(torch.zeros(200, 1, 16, 16), torch.zeros(64, 1, 16, 16))
    assert not {"variation", "tie", "following"} & signals.keys()
