"""`zerosum reproduce srgan-set5`: is SRGAN sharper than SRResNet by more than noise or sharpening would make it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.images import benchmarks
from zerosum.data.images.benchmarks import Whole
from zerosum.game import Game
from zerosum.games import find
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.recipe import Training
from zerosum.studies import sharpness, srresnet_set5
from zerosum.studies.sharpness import gradient_energy
from zerosum.studies.srresnet_set5 import SIDE, TESTED_ON, TRAINED_ON
from zerosum.studies.study import Measurements, Study
from zerosum.studies.super_resolution import (
    bicubic,
    compared,
    enlarged_by,
    means,
    pairs_of,
    whole_blocks,
    y_of,
)
from zerosum.studies.training import play, shortened, trainer_of
from zerosum.util.bicubic import to_bytes

STEPS, BATCH, CHECKPOINTS = 2_000, 8, 8
WARM_UP = 0.1  # of the steps
CONFIG = {"adversarial": 1e-3, "g_optimizer": {"lr": 1e-4}, "d_optimizer": {"lr": 1e-4}}
JUDGE = {"width": 32}
PATCH, STRIDE = 8, 4  # pixels of a patch's side, and between two
RADIUS = 3  # pixels of the blur of the unsharp mask
HALVINGS = 30  # of an interval in which a strength is sought
STRONGEST = {"noise": 64.0, "unsharp": 32.0}
HALF, MOST = 0.5, 1.2  # of the way from SRResNet's energy to the real one, and of the real one


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """SRGAN from the SRResNet of `srresnet-set5`, which is trained first where that study has not done it."""
    photographs, tests = benchmarks.images(TRAINED_ON), {name: benchmarks.images(name) for name in TESTED_ON}
    first = folder.with_name("srresnet")
    before = srresnet_set5.train(photographs, tests["Set5"], seed, fraction, first)[0].sampler
    after = train(photographs, before, seed, fraction, folder)
    sets = {name: measured(images, before, after, seed) for name, images in tests.items()}
    return {"part": part, "seed": seed, "sets": sets}


def train(
    photographs: Sequence[Whole],
    begun: Game[Any],
    seed: int,
    fraction: float,
    folder: Path,
    network: dict[str, Any] = srresnet_set5.NETWORK,
    judge: dict[str, Any] = JUDGE,
    side: int = SIDE,
) -> Game[Any]:
    """SRGAN that begins with the weights of an SRResNet, going on from what `folder` holds."""
    settings = shortened(Training(STEPS, BATCH, average=0.0, flip=True, log_every=50), seed, fraction, CHECKPOINTS)
    config = CONFIG | {"warm_up": round(WARM_UP * settings.steps)}
    options = {"config": config, "network": network, "judge": judge}
    pairs = pairs_of(photographs, side, seed)
    trainer = trainer_of(lambda spec: find("srgan/images").build(spec, options), pairs, settings)
    trainer.game.core.get_submodule("translator").load_state_dict(begun.core.get_submodule("translator").state_dict())
    play(trainer, folder)
    return trainer.sampler


def measured(images: Sequence[Whole], before: Game[Any], after: Game[Any], seed: int) -> dict[str, dict[str, float]]:
    """Of each way to enlarge a set's images: PSNR, SSIM, gradient energy, and the Fréchet distance of patches of Y."""
    made: dict[str, list[Tensor]] = {}
    reals = [whole_blocks(image.pixels) for image in images]
    for number, real in enumerate(reals):
        plain, sharp = enlarged_by(before, real), enlarged_by(after, real)
        energy = gradient_energy(y_of(sharp))
        noise = torch.randn(plain.shape, generator=torch.Generator().manual_seed((seed << 16) + number))
        detail = plain.float() - blurred(plain.float())
        ways = {
            "bicubic": bicubic(real),
            "srresnet": plain,
            "noise": of_energy(lambda k: to_bytes(plain + k * noise), energy, STRONGEST["noise"]),  # noqa: B023
            "unsharp": of_energy(lambda k: to_bytes(plain + k * detail), energy, STRONGEST["unsharp"]),  # noqa: B023
            "srgan": sharp,
        }
        for name, image in ways.items():
            made.setdefault(name, []).append(image)
    real_energy, real_patches = _energy(reals), patches(reals)
    figures = {
        name: means([compared(image, real) for image, real in zip(own, reals, strict=True)])
        | {"energy": _energy(own) / real_energy, "frechet": frechet(real_patches, patches(own))}
        for name, own in made.items()
    }
    return {name: {key: round(value, 5) for key, value in own.items()} for name, own in figures.items()}


def of_energy(strengthened: Callable[[float], Tensor], energy: float, strongest: float) -> Tensor:
    """The image of the least strength, up to the strongest, whose gradient energy is at least this; by bisection."""
    _, enough = sharpness.bounds(lambda k: gradient_energy(y_of(strengthened(k))), energy, strongest, HALVINGS)
    return strengthened(enough)


def blurred(x: Tensor) -> Tensor:
    """(C, H, W) by a Gaussian of deviation 1, edges repeated."""
    weights = torch.exp(-0.5 * torch.arange(-RADIUS, RADIUS + 1.0) ** 2)
    kernel = torch.outer(weights, weights)[None, None] / weights.sum() ** 2
    return F.conv2d(F.pad(x[:, None], [RADIUS] * 4, mode="replicate"), kernel)[:, 0]


def patches(images: Sequence[Tensor]) -> Moments:
    """Mean and covariance of the patches of Y of all images, in parts of 255."""
    return sharpness.patches((y_of(image)[None] for image in images), PATCH, STRIDE)


def _energy(images: Sequence[Tensor]) -> float:
    return sum(gradient_energy(y_of(image)) for image in images) / len(images)


def share_of_way(rows: Measurements) -> float:
    """How far SRGAN's gradient energy is on the way from SRResNet's to the real one: 1 is all of it."""
    before, after = rows["srresnet"]["energy"], rows["srgan"]["energy"]
    return float((after - before) / (1 - before))


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The share of the way on Set5, a value a seed; PSNR over bicubic; and everything that was measured."""
    on_5 = [part["sets"]["Set5"] for part in parts]
    return {
        "values": [round(share_of_way(rows), 4) for rows in on_5],
        "psnr_gain": [round(rows["srgan"]["psnr"] - rows["bicubic"]["psnr"], 4) for rows in on_5],
        "energy": [rows["srgan"]["energy"] for rows in on_5],
        "beats_noise": [beats(rows, "noise") for rows in on_5],
        "beats_unsharp": [beats(rows, "unsharp") for rows in on_5],
        "runs": list(parts),
    }


def beats(rows: Measurements, other: str) -> bool:
    """Whether SRGAN is nearer to the real images than another row, by PSNR and by its patches."""
    ours, theirs = rows["srgan"], rows[other]
    return bool(ours["psnr"] > theirs["psnr"] and ours["frechet"] < theirs["frechet"])


def holds(result: Measurements) -> bool:
    """What the goal asks beside the share of the way."""
    sharp_enough = min(result["values"]) >= HALF and max(result["energy"]) <= MOST
    return sharp_enough and min(result["psnr_gain"]) >= 0 and all(result["beats_noise"] + result["beats_unsharp"])


def in_few_numbers(result: Measurements) -> str:
    rows = result["runs"][0]["sets"]["Set5"]
    told = (f"{name} {own['psnr']:.2f} dB, {own['energy']:.2f}, {own['frechet']:.4f}" for name, own in rows.items())
    return f"{', '.join(f'{value:.2f}' for value in result['values'])} of the way; {'; '.join(told)}"


SRGAN_SET5 = Study(
    name="srgan-set5",
    protocol=(
        f"SRGAN x4 that begins with the SRResNet of srresnet-set5: {STEPS} steps of {BATCH} on the same crops by the "
        f"squared error of pixels and, after a tenth of them, in which D learns already, {CONFIG['adversarial']:g} "
        f"times the adversarial loss; D of {JUDGE['width']} channels without batch norm, Adam of 1e-4 for both. "
        "Measured on Set5 (and Set14) as in sr-bicubic, and on Y: the gradient energy (mean square of steps between "
        "neighbours) over that of the real images, and the Fréchet distance of patches of "
        f"{PATCH}x{PATCH} pixels, all images' together. Beside it SRResNet with white noise, and with an unsharp mask "
        "(Gaussian of deviation 1), each as strong, for each image, as makes its gradient energy SRGAN's. The value is "
        "the share of the way from SRResNet's energy to the real one; psnr_gain is over bicubic interpolation."
    ),
    published="SRGAN 29.40 dB on Set5, SRResNet 32.05 dB, bicubic 28.43 dB (Ledig et al., 2017); no energies",
    target=HALF,
    relation=">=",
    seeds=(0,),
    parts=lambda seed: ("srgan",),
    run=run,
    summarise=summarise,
    extra_check=holds,
    differs="a pixel loss in place of VGG's features, 100 photographs, few steps, no batch norm, a smaller D",
    measures="share of the way of gradient energy from SRResNet to real, one seed; PSNR, energy and Fréchet distance",
    goal="at least half, at most 1.2 of the real energy; PSNR not below bicubic; nearer than noise and unsharp mask",
    ours=in_few_numbers,
    parts_of="srresnet-set5",
)
