"""PSNR and SSIM against scikit-image, MS-SSIM against pytorch-msssim, as `record_structural.py` recorded them."""

from __future__ import annotations

import json

import pytest
import torch
from record_structural import RECORD, SIZES, pair
from torch import Tensor

from zerosum.metrics.structural import ms_ssim, psnr, ssim

VALUES = json.loads(RECORD.read_text())


def pictures(size: str) -> tuple[Tensor, Tensor]:
    """(1, 3, H, W) each, in [-1, 1]."""
    x, y = (torch.from_numpy(picture)[None].double() / 127.5 - 1 for picture in pair(*SIZES[size]))
    return x, y


@pytest.mark.parametrize("border", [0, 4])
@pytest.mark.parametrize("kind", ["colour", "luma"])
@pytest.mark.parametrize("size", list(SIZES))
def test_psnr_and_ssim_are_those_of_scikit_image(size: str, kind: str, border: int):
    x, y = pictures(size)
    cut = " without border" if border else ""
    value = psnr(x, y, luma=kind == "luma", border=border).item()
    assert value == pytest.approx(VALUES[f"{size}/{kind}/psnr{cut}"], rel=1e-9)
    value = ssim(x, y, luma=kind == "luma", border=border).item()
    assert value == pytest.approx(VALUES[f"{size}/{kind}/ssim{cut}"], rel=1e-9)


@pytest.mark.parametrize("scales", [5, 3, 1])
def test_ms_ssim_is_that_of_pytorch_msssim(scales: int):
    value = ms_ssim(*pictures("large"), scales=scales).item()
    assert value == pytest.approx(VALUES[f"large/ms-ssim of {scales}"], rel=5e-6)  # its window has float32 weights
