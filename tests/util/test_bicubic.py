"""The bicubic kernel of papers on super-resolution, beside its definition and beside Pillow's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zerosum.util.bicubic import enlarged, enlarged_bytes, kernel, shrunk, shrunk_bytes


def cubic(d: float) -> float:
    """Keys, 1981, eq. 4 with a = -0.5."""
    a, d = -0.5, abs(d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def by_hand(row: list[float], up: int, down: int) -> list[float]:
    """A row of pixels by the definition: every pixel of the endlessly mirrored row, weighed by its distance."""
    scale, mirrored = max(1.0, down / up), [*row, *reversed(row)]
    made = []
    for k in range(-(-len(row) * up // down)):
        centre = (k + 0.5) * down / up - 0.5
        pairs = [(cubic((centre - i) / scale), mirrored[i % len(mirrored)]) for i in range(-80, 80)]
        made.append(sum(w * x for w, x in pairs) / sum(w for w, _ in pairs))
    return made


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("length", [1, 2, 7, 24])
def test_a_row_is_what_the_definition_says(length: int, factor: int):
    row = torch.rand(length, dtype=torch.float64, generator=torch.Generator().manual_seed(length))
    image = row.view(1, length)
    assert shrunk(image, factor)[0].tolist() == pytest.approx(by_hand(row.tolist(), 1, factor), abs=1e-12)
    assert enlarged(image, factor)[0].tolist() == pytest.approx(by_hand(row.tolist(), factor, 1), abs=1e-12)
    torch.testing.assert_close(shrunk(image.T, factor).T, shrunk(image, factor))  # columns are as rows


def test_it_is_pillows_away_from_the_border():
    """Pillow cuts the kernel off at the border, where MATLAB mirrors the image."""
    x = torch.rand(48, 60, generator=torch.Generator().manual_seed(1))
    image = Image.fromarray(x.numpy(), mode="F")

    def pillow(size: tuple[int, int]) -> Tensor:
        return torch.from_numpy(np.array(image.resize(size[::-1], Image.Resampling.BICUBIC)))

    torch.testing.assert_close(shrunk(x, 4)[2:-2, 2:-2], pillow((12, 15))[2:-2, 2:-2], rtol=0, atol=2e-6)
    torch.testing.assert_close(enlarged(x, 3)[6:-6, 6:-6], pillow((144, 180))[6:-6, 6:-6], rtol=0, atol=2e-6)
    assert float((shrunk(x, 4) - pillow((12, 15))).abs().max()) > 1e-3


def test_shapes_types_and_what_is_kept():
    x = torch.full((2, 3, 13, 10), 7.0)
    assert shrunk(x, 4).shape == (2, 3, 4, 3) and enlarged(x, 3).shape == (2, 3, 39, 30)
    torch.testing.assert_close(shrunk(x, 4), torch.full((2, 3, 4, 3), 7.0))
    assert shrunk(x.double(), 2).dtype == torch.float64
    ramp = torch.arange(40.0, dtype=torch.float64).expand(8, 40)
    assert enlarged(ramp, 2)[0, 20:60].diff().tolist() == pytest.approx([0.5] * 39)  # a line stays a line


def test_bytes_are_rounded_and_cut_off():
    step = torch.zeros(1, 8, 40, dtype=torch.uint8)
    step[..., 20:] = 255
    made = enlarged_bytes(step, 4)
    values = enlarged(step.double(), 4)
    assert made.dtype == torch.uint8 and float(values.max()) > 255 and float(values.min()) < 0
    assert torch.equal(made, values.round().clamp(0, 255).to(torch.uint8))
    assert torch.equal(shrunk_bytes(made, 4)[..., :4], step[..., :4])


def test_the_kernel():
    places = torch.tensor([0.0, 1.0, -1.0, 2.0, 2.5, 0.5, 1.5])
    assert kernel(places).tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.5625, -0.0625]
