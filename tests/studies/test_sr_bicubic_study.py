"""`zerosum reproduce sr-bicubic`: its code on small images; its result is in reproductions/results."""

from __future__ import annotations

import pytest
import torch

from zerosum.data.images.benchmarks import Whole
from zerosum.metrics.structural import psnr, ssim
from zerosum.modality import to_float
from zerosum.studies import STUDIES, super_resolution
from zerosum.studies.sr_bicubic import SR_BICUBIC, measure
from zerosum.util.bicubic import enlarged, enlarged_bytes, shrunk, shrunk_bytes, to_bytes


def photo(channels: int, height: int, width: int) -> torch.Tensor:
    """Smooth, with some noise."""
    generator = torch.Generator().manual_seed(channels)
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    waves = 120 + 60 * torch.sin(rows / 5) + 40 * torch.cos(columns / 4)
    noise = 8 * torch.randn(channels, height, width, generator=generator)
    return (waves + noise).round().clamp(0, 255).to(torch.uint8)


def test_it_is_known():
    assert STUDIES["sr-bicubic"] is SR_BICUBIC and SR_BICUBIC.papers


def test_a_comparison_is_of_y_without_the_border():
    real = photo(3, 40, 48)
    made = super_resolution.bicubic(real)
    found = super_resolution.compared(made, real)
    pair = to_float(made)[None], to_float(real)[None]
    assert found["psnr"] == pytest.approx(float(psnr(*pair, luma=True, border=4)), abs=1e-4)
    assert found["ssim"] == pytest.approx(float(ssim(*pair, luma=True, border=4)), abs=1e-5)
    assert 20 < found["psnr"] < 60 and 0 < found["ssim_daala"] < 1


def test_grey_is_its_own_y():
    real = photo(1, 40, 48)
    made = super_resolution.bicubic(real)
    own, as_colour = (super_resolution.compared(made, real, grey_as_colour=taken) for taken in (False, True))
    assert own["psnr"] == pytest.approx(float(psnr(to_float(made)[None], to_float(real)[None], border=4)), abs=1e-4)
    assert as_colour["psnr"] - own["psnr"] == pytest.approx(1.321, abs=1e-3)  # 20 lg (255 / 219)


def test_an_image_is_rounded_both_when_it_is_small_and_when_it_is_large():
    real = photo(3, 40, 48)
    made = super_resolution.bicubic(real)
    assert torch.equal(made, enlarged_bytes(shrunk_bytes(real, 4), 4))
    assert not torch.equal(made, to_bytes(enlarged(shrunk(real.double(), 4), 4)))


def test_sides_are_cut_to_multiples():
    assert super_resolution.whole_blocks(torch.zeros(3, 43, 50)).shape == (3, 40, 48)


def test_the_summary_and_what_is_near():
    parts = [measure(name, [Whole("a", photo(3, 43, 50)), Whole("b", photo(1, 40, 40))]) for name in ("Set5", "Set14")]
    summary = SR_BICUBIC.summarise(parts)
    assert summary["values"] == [parts[0]["row"]["psnr"]] and summary["sets"]["Set14"]["images"] == 2
    assert parts[0]["grey as colour"]["psnr"] > parts[0]["row"]["psnr"]
    assert not SR_BICUBIC.extra_check(summary) and "Set14" in SR_BICUBIC.ours(summary)
    near = {"Set5": {"row": {"psnr": 28.44}}, "Set14": {"row": {"psnr": 25.95}}}
    assert SR_BICUBIC.extra_check({"sets": near})
    near["Set14"]["row"]["psnr"] = 26.05
    assert not SR_BICUBIC.extra_check({"sets": near})
