"""`zerosum reproduce sr-bicubic`: do the kernel and the measures give the published row of bicubic interpolation?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from zerosum.data.images import benchmarks
from zerosum.metrics.structural import luma_of
from zerosum.studies.study import Measurements, Study
from zerosum.studies.super_resolution import FACTOR, bicubic, compared, means, whole_blocks
from zerosum.util.bicubic import enlarged, shrunk

PUBLISHED = {"Set5": 28.43, "Set14": 25.99}  # dB; Ledig et al., 2017, table 2
NEAR = 0.05  # dB


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """One set, by each convention."""
    return measure(part, benchmarks.images(part))


def measure(name: str, images: Sequence[benchmarks.Whole]) -> Measurements:
    """The means over a set's images, by the convention of the row and by others that papers have."""
    rows: dict[str, list[dict[str, float]]] = {key: [] for key in ("row", "y rounded", "y alone", "grey as colour")}
    for image in images:
        real = whole_blocks(image.pixels)
        made = bicubic(real)
        rows["row"].append(compared(made, real))
        rows["y rounded"].append(compared(_y(made).round(), _y(real).round()))
        y = _y(real).round()
        alone = enlarged(shrunk(y, FACTOR), FACTOR)
        rows["y alone"].append(compared(alone.round().clamp(0, 255), y))
        rows["grey as colour"].append(compared(made, real, grey_as_colour=True))
    return {"set": name, "images": len(images), **{key: means(own) for key, own in rows.items()}}


def _y(x: Tensor) -> Tensor:
    """(1, H, W) in float64: of colour its Y; grey as it is."""
    return luma_of(x.double()[None])[0] if len(x) == 3 else x.double()


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The PSNR of Set5 on Y, and everything else that was measured, by set."""
    sets = {part["set"]: part for part in parts}
    row = sets["Set5"]["row"]
    return {"values": [row["psnr"]], "ssim": row["ssim"], "ssim_daala": row["ssim_daala"], "sets": sets}


def is_near(result: Measurements) -> bool:
    """Whether the PSNR of both sets is the published one."""
    return all(abs(result["sets"][name]["row"]["psnr"] - known) <= NEAR for name, known in PUBLISHED.items())


def in_few_numbers(result: Measurements) -> str:
    return "; ".join(
        f"{name} {own['row']['psnr']:.2f} / {own['row']['ssim_daala']:.4f} (Wang's SSIM {own['row']['ssim']:.4f})"
        for name, own in result["sets"].items()
    )


SR_BICUBIC = Study(
    name="sr-bicubic",
    protocol=(
        "Bicubic interpolation x4 on Set5 and Set14, the anchor of papers on super-resolution. Images, 3 channels of 8 "
        "bits or 1 where they are stored as grey, are cut to multiples of 4, shrunk and enlarged by MATLAB's kernel "
        "(cubic, a = -0.5, antialiased when it shrinks, mirrored borders), and rounded to 8 bits after both. They are "
        "compared on Y of BT.601 (16 to 235), not rounded, without 4 pixels at each side; grey is its own Y. PSNR, and "
        "SSIM by the window of the paper's program (daala's, 1.5 pixels in 256 rows) and by that of Wang et al., 2004 "
        "(11x11 pixels, 1.5), which other papers have; means over the images. The value is the PSNR of Set5. Beside "
        'the row: Y rounded to 8 bits ("y rounded"); Y rounded before it is shrunk, without rounding between ("y '
        'alone", as of SRCNN\'s and VDSR\'s scripts); grey taken for three equal channels ("grey as colour").'
    ),
    published=(
        "Set5 28.43 / .8211, Set14 25.99 / .7486 (Ledig et al., 2017); 28.42 / .8104, 26.00 / .7027 (Kim et al., 2016)"
    ),
    target=PUBLISHED["Set5"] - NEAR,
    relation=">=",
    seeds=(0,),
    parts=lambda seed: ("Set5", "Set14"),
    run=run,
    summarise=summarise,
    extra_check=is_near,
    papers=True,
    differs="SSIM follows the source of the paper's program, which was not run itself",
    measures="PSNR in dB / SSIM on Y, no seed",
    goal="28.43 and 25.99, each within 0.05 dB",
    ours=in_few_numbers,
)
