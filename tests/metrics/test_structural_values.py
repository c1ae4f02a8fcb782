"""PSNR, SSIM and MS-SSIM where their values are known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.metrics import structural
from zerosum.metrics.structural import (
    C1,
    WEIGHTS,
    GradientEnergy,
    gradient_energy,
    ms_ssim,
    ms_ssim_diversity,
    psnr,
    scales_of,
    ssim,
)
from zerosum.modality import to_float


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape) * 2 - 1


def test_an_image_is_like_itself():
    x = noise(3, 3, 48, 40)
    assert torch.equal(psnr(x, x), torch.full((3,), math.inf, dtype=torch.float64))
    torch.testing.assert_close(ssim(x, x), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(ms_ssim(x, x), torch.ones(3, dtype=torch.float64))


def test_psnr_of_known_noise():
    """An error of e in [-1, 1] is one of 127.5 e in [0, 255]: 20 log10(2 / e) dB, whatever the picture."""
    x = noise(2, 3, 16, 16).double()
    signs = torch.randint(0, 2, x.shape) * 2 - 1
    for error in (0.5, 0.01):
        expected = torch.full((2,), 20 * math.log10(2 / error), dtype=torch.float64)
        torch.testing.assert_close(psnr(x, x + error * signs), expected)


def test_luma_has_the_weights_of_matlab():
    """White against black is 235 - 16 = 219 levels; each colour alone its own weight."""
    black = -torch.ones(1, 3, 8, 8)
    for colour, levels in (((1, 1, 1), 219.0), ((1, 0, 0), 65.481), ((0, 1, 0), 128.553), ((0, 0, 1), 24.966)):
        bright = black + 2 * torch.tensor(colour)[:, None, None]
        assert psnr(bright, black, luma=True).item() == pytest.approx(20 * math.log10(255 / levels), rel=1e-12)
    with pytest.raises(ValueError, match="colour"):
        psnr(black[:, :1], black[:, :1], luma=True)


def test_the_border_does_not_count():
    x, y = noise(1, 3, 30, 34), noise(1, 3, 30, 34)
    y[:, :, 4:-4, 4:-4] = x[:, :, 4:-4, 4:-4]
    assert psnr(x, y).isfinite() and psnr(x, y, border=3).isfinite()
    assert psnr(x, y, border=4).item() == math.inf
    assert ssim(x, y, border=3).item() < ssim(x, y, border=4).item() == pytest.approx(1)
    with pytest.raises(ValueError, match="15 pixels"):
        psnr(x, y, border=15)


def test_ssim_of_flat_images_is_their_luminance_alone():
    levels = torch.tensor([50.0, 200.0, 0.0]).double()
    x = (levels / 127.5 - 1)[:, None, None, None].expand(-1, 1, 20, 12)
    other = 100.0
    y = torch.full_like(x, other / 127.5 - 1)
    expected = (2 * levels * other + C1) / (levels**2 + other**2 + C1)
    torch.testing.assert_close(ssim(x, y), expected)
    torch.testing.assert_close(ssim(y, x), expected)


def test_ssim_of_an_inverted_image_is_negative():
    x = noise(4, 1, 32, 32)
    assert (ssim(x, -x) < -0.5).all()
    assert (ms_ssim(x, -x) == 0).all()


def test_one_scale_is_ssim_and_luminance_counts_at_the_coarsest_only():
    x, y = noise(2, 3, 47, 50), noise(2, 3, 47, 50)
    y = x + 0.3 * y
    torch.testing.assert_close(ms_ssim(x, y, scales=1), ssim(x, y))
    # Flat images differ in luminance alone: of M scales the last one's weight is its exponent.
    flat = torch.zeros(1, 1, 88, 88)
    factor = ssim(flat, flat + 0.5)
    for scales in (2, 4):
        exponent = WEIGHTS[scales - 1] / sum(WEIGHTS[:scales])
        torch.testing.assert_close(ms_ssim(flat, flat + 0.5, scales=scales), factor**exponent)


@pytest.mark.parametrize(("size", "scales"), [
    ((11, 300), 1), ((20, 20), 1), ((21, 21), 2), ((28, 28), 2), ((32, 32), 2), ((64, 64), 3), ((176, 176), 5),
    ((160, 400), 4), ((1000, 1000), 5),
])  # fmt: skip
def test_as_many_scales_as_the_window_fits_into(size: tuple[int, int], scales: int):
    assert scales_of(*size) == scales
    x = noise(1, 1, *size)
    torch.testing.assert_close(ms_ssim(x, x.flip(3)), ms_ssim(x, x.flip(3), scales=scales))
    with pytest.raises(ValueError, match=f"1 to {scales}" if scales < 5 else "1 to 5"):
        ms_ssim(x, x, scales=scales + 1)


def test_images_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="11x11"):
        ssim(noise(1, 1, 10, 30), noise(1, 1, 10, 30))
    with pytest.raises(ValueError, match="11x11"):
        ms_ssim(noise(1, 1, 10, 30), noise(1, 1, 10, 30))
    with pytest.raises(ValueError, match="one shape"):
        psnr(noise(1, 1, 10, 30), noise(2, 1, 10, 30))
    with pytest.raises(ValueError, match="uint8"):
        psnr(torch.zeros(1, 1, 9, 9, dtype=torch.uint8), noise(1, 1, 9, 9))


def test_many_images_are_compared_in_parts():
    x, y = noise(150, 1, 24, 24), noise(150, 1, 24, 24)
    y = x + 0.5 * y
    torch.testing.assert_close(ssim(x, y), torch.stack([ssim(x[[i]], y[[i]])[0] for i in range(150)]))
    torch.testing.assert_close(ms_ssim(x, y), torch.stack([ms_ssim(x[[i]], y[[i]])[0] for i in range(150)]))


def test_copies_are_not_diverse():
    one = noise(1, 1, 32, 32).expand(20, -1, -1, -1)
    assert ms_ssim_diversity(one, 50).mean == pytest.approx(1)
    varied = ms_ssim_diversity(noise(20, 1, 32, 32), 50)
    assert varied.mean < 0.3 and varied.scales == 2 and 0 < varied.error < 0.05
    assert ms_ssim_diversity(torch.cat([one, noise(20, 1, 32, 32)]), 50).mean > varied.mean


def test_pairs_are_of_different_images_and_follow_the_seed():
    x = noise(2, 1, 16, 16)
    expected = ms_ssim(x[[0]], x[[1]]).item()  # the only pair there is
    assert ms_ssim_diversity(x, 9).mean == pytest.approx(expected)
    many = noise(30, 1, 16, 16)
    assert (
        ms_ssim_diversity(many, 9, seed=1) == ms_ssim_diversity(many, 9, seed=1) != ms_ssim_diversity(many, 9, seed=2)
    )
    with pytest.raises(ValueError, match="two images"):
        ms_ssim_diversity(x[:1])


def test_gradient_energy_of_known_slopes():
    """A slope of 2 grey levels a pixel to the right and 4 downwards: (4 + 16) / 2."""
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(12.0), indexing="ij")
    x = ((2 * columns + 4 * rows) / 127.5 - 1)[None, None].repeat(2, 3, 1, 1)
    assert gradient_energy(x).tolist() == pytest.approx([10.0, 10.0], rel=1e-5)
    assert gradient_energy(x, border=2).tolist() == pytest.approx([10.0, 10.0], rel=1e-5)
    assert gradient_energy(torch.zeros(1, 1, 4, 4)).tolist() == [0.0]
    with pytest.raises(ValueError, match="no neighbours in both directions"):
        gradient_energy(torch.zeros(1, 1, 1, 4))


def test_a_blurred_image_has_less_gradient_energy_than_its_reference():
    x = torch.rand(1, 3, 16, 16) * 2 - 1
    assert GradientEnergy().measure(x, x) == 1
    assert GradientEnergy().measure(x / 2, x) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="its reference is flat"):
        GradientEnergy().measure(x, torch.zeros_like(x))


def test_each_pair_has_a_value_of_its_own():
    x = torch.zeros(2, 1, 16, 16)
    y = torch.stack([torch.full((1, 16, 16), 0.1), torch.full((1, 16, 16), 0.2)])
    assert psnr(x, y).tolist() == pytest.approx([20 * math.log10(2 / 0.1), 20 * math.log10(2 / 0.2)])
    torch.testing.assert_close(ssim(x, y), torch.cat([ssim(x[:1], y[:1]), ssim(x[1:], y[1:])]))


def test_what_steadies_the_structure_is_the_square_of_three_hundredths():
    """Chequered images of five and one levels: variances of 25 and 1, and a covariance of 5."""
    places = torch.arange(32)
    board = ((places[:, None] + places) % 2 * 2.0 - 1)[None, None] / 127.5
    steady = (0.03 * 255) ** 2
    assert float(ssim(5 * board, board)) == pytest.approx((2 * 5 + steady) / (25 + 1 + steady), rel=1e-3)


def test_the_window_is_a_gaussian_of_one_and_a_half_pixels():
    """Of flat images but for one white pixel, whose place in the only window says its weight."""
    weight = math.exp(-(2**2) / (2 * 1.5**2)) / sum(math.exp(-(d**2) / (2 * 1.5**2)) for d in range(-5, 6))
    centre = 1 / sum(math.exp(-(d**2) / (2 * 1.5**2)) for d in range(-5, 6))
    x, y = torch.full((1, 1, 11, 11), -1.0), torch.full((1, 1, 11, 11), -1.0)
    x[..., 5, 7] = 1.0
    mean = weight * centre * 255  # of x; y is black
    variance = weight * centre * 255**2 - mean**2
    steady = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    assert float(ssim(x, y)) == pytest.approx(steady[0] / (mean**2 + steady[0]) * steady[1] / (variance + steady[1]))


def test_diversity_has_the_standard_error_of_its_pairs(monkeypatch: pytest.MonkeyPatch):
    said = torch.tensor([0.1, 0.4, 0.5, 0.8], dtype=torch.float64)
    monkeypatch.setattr(structural, "ms_ssim", lambda x, y: said)
    found = ms_ssim_diversity(torch.zeros(9, 1, 16, 16), pairs=4)
    assert found.mean == pytest.approx(0.45) and found.error == pytest.approx(float(said.std()) / 2)


def test_no_sample_is_in_two_pairs(monkeypatch: pytest.MonkeyPatch):
    seen: list[Tensor] = []
    monkeypatch.setattr(structural, "ms_ssim", lambda x, y: seen.extend([x, y]) or torch.zeros(len(x)))
    x = torch.arange(20, dtype=torch.uint8).view(20, 1, 1, 1).expand(20, 1, 16, 16)
    fake: Any = SimpleNamespace(first=lambda count: to_float(x[:count]), count=20, shape=(1, 16, 16))
    structural.MsSsim(pairs=8).measure(SimpleNamespace(fake=fake, seed=0))  # type: ignore[arg-type]
    first, second = (side[:, 0, 0, 0] for side in seen)
    assert len(first) == len(second) == 8 and len(torch.cat([first, second]).unique()) == 16


def test_luma_reaches_from_16_to_235():
    levels = torch.tensor([0.0, 255.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    assert structural.luma_of(levels).flatten().tolist() == pytest.approx([16, 235])
