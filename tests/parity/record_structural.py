"""Records `structural.json`: PSNR and SSIM of scikit-image, MS-SSIM of pytorch-msssim.

In an environment with zerosum's dependencies: `pip install scikit-image pytorch-msssim`, then
`python tests/parity/record_structural.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RECORD = Path(__file__).with_name("structural.json")
SIZES = {"small": (3, 28, 33), "large": (3, 176, 192)}


def pair(channels: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture (C, H, W) of waves, and itself with noise and less contrast: equal on every machine."""
    c, i, j = np.meshgrid(np.arange(channels), np.arange(height), np.arange(width), indexing="ij")
    waves = np.sin(0.31 * i + 0.7 * c) * np.cos(0.17 * j - c) + 0.5 * np.sin(0.043 * (i + 2 * j) * (c + 1))
    noise = (np.random.PCG64(7).random_raw(waves.size) >> np.uint64(56)).reshape(waves.shape).astype(np.float64)
    first, second = 127.5 + 80 * waves, 120 + 60 * waves + 0.3 * (noise - 127.5)
    return tuple(np.clip(np.round(picture), 0, 255).astype(np.uint8) for picture in (first, second))  # type: ignore[return-value]


def main() -> None:
    import pytorch_msssim
    import skimage
    import torch
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    wang = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
        "channel_axis": 0,
    }
    record: dict[str, object] = {"scikit-image": skimage.__version__, "pytorch-msssim": "1.0.0"}
    for name, shape in SIZES.items():
        pictures = [picture.astype(np.float64) for picture in pair(*shape)]
        lumas = [rgb2ycbcr(picture / 255, channel_axis=0)[:1] for picture in pictures]
        for kind, (x, y) in (("colour", pictures), ("luma", lumas)):
            record[f"{name}/{kind}/psnr"] = peak_signal_noise_ratio(x, y, data_range=255)
            record[f"{name}/{kind}/ssim"] = structural_similarity(x, y, **wang)
            cut_x, cut_y = x[:, 4:-4, 4:-4], y[:, 4:-4, 4:-4]
            record[f"{name}/{kind}/psnr without border"] = peak_signal_noise_ratio(cut_x, cut_y, data_range=255)
            record[f"{name}/{kind}/ssim without border"] = structural_similarity(cut_x, cut_y, **wang)
    x, y = (torch.from_numpy(picture[None].astype(np.float64)) for picture in pair(*SIZES["large"]))
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    for scales in (5, 3, 1):
        own = weights[:scales] / (1 if scales == 5 else weights[:scales].sum())
        value = pytorch_msssim.ms_ssim(x, y, data_range=255, size_average=False, weights=own.tolist())
        record[f"large/ms-ssim of {scales}"] = value.item()
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
