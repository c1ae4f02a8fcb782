"""What a translator's outputs say of it beside their inputs: copies, deafness, inverted colours, checkerboards.

Of pairs, outputs are compared with their own targets. Of two collections without pairs nobody knows what an output
should be, and what their distributions tell has to do: an input that is as it was is a failure only where inputs do
not look like targets, and an inverted one only where inverting inputs takes them away from the targets.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.dataset import Field
from zerosum.data.pairs.tasks import luminance
from zerosum.modality import Image, Shape

MOST, LEAST = 128, 32  # outputs that are looked at: fewer of images of more than SIDE x SIDE pixels
SIDE = 64
SHIFTS = 8  # other targets that an output is compared with
SHUFFLES = 20  # times that inputs and outputs are paired at random
CELLS = 8  # of the thumbnails by which images are alike
STILL = 1e-4  # variance of inputs, or of targets, below which they are all one image
NYQUIST = ((1, 1), (1, 0), (0, 1))  # frequencies, in halves of the sampling rate, down and across

OF_TRANSLATIONS = {
    "changed": "distance of outputs to inputs over that of targets to inputs: 0 are copies",
    "asked": "distance of targets to their inputs, in units of -1 to 1: what is to be changed",
    "gained": "Fréchet distance of outputs to the targets over that of the inputs as they are: 1 is no nearer",
    "gained_sight": "the same in edges, colours and detail",
    "input_frechet": "Fréchet distance of the inputs as they are to the targets",
    "input_sight": "the same in edges, colours and detail",
    "variation": "variance of the pixels over outputs of different inputs, over that over targets: 0 is one picture",
    "tie": "distance of outputs to their own targets over that to those of other inputs: 1 is as near to any",
    "following": "whether alike inputs have alike outputs: correlation of distances between inputs and between outputs",
    "following_chance": "the most that this is of outputs of other inputs (three deviations)",
    "agreement": "correlation of outputs with their targets, pixel by pixel: -1 is inverted",
    "likeness": "correlation of outputs with their inputs, pixel by pixel: -1 is inverted",
    "upright": "Fréchet distance of inverted inputs to the targets over that of the inputs: above 1, none is to be",
    "held": "1 where the game holds outputs near their inputs",
    "checkerboard": "energy at the Nyquist frequency (every other pixel), over that of targets",
    "checkerboard_high": "the most that it is of other targets",
    "checkerboard_size": "amplitude of these checkerboards, in units of -1 to 1",
    "checkerboard_peak": "their energy over that of other fine detail, over the same of targets: noise has no peak",
}


class Translations:
    """A fixed set of inputs, with their targets where pairs have some, and what is known of the targets.

    Args:
        source: the images that are translated, and `rows` those that are looked at.
        target: the images that they are to become; of pairs in the same rows.
        others: places of targets to compare with.
        distances: Fréchet distances to the targets, `frechet` and `sight`, of images (N, C, H, W) as players see them.
        seed: of the random pairings.
    """

    def __init__(
        self,
        source: Field,
        target: Field,
        rows: Tensor,
        others: Tensor,
        distances: Callable[[Tensor], Mapping[str, float]],
        seed: int = 0,
    ):
        shape, self.seed = target.modality.shape, seed
        pixels = math.prod(shape[1:])
        self.count = min(len(rows), max(LEAST, min(MOST, MOST * SIDE**2 // pixels)))
        inputs = as_target(source.modality.load(source.stored[rows]), shape)
        rows, others, self.inputs = rows[: self.count], others[: self.count], inputs[: self.count]
        reals = target.modality.load(target.stored[others])
        self.targets = target.modality.load(target.stored[rows]) if source.deck == target.deck else None
        self.reals = reals if len(reals) == len(self.inputs) else reals[torch.arange(len(self.inputs)) % len(reals)]
        self.varied = min(_variation(self.inputs), _variation(reals)) > STILL
        self.variation = max(_variation(reals), STILL)
        energies, peaks = checkerboards(reals)
        self.energy, self.peak = max(float(energies.mean()), 1e-12), max(_peak(energies, peaks), 1e-12)
        within = float(energies.std(correction=0)) / self.energy / math.sqrt(len(energies))
        self.known = {"checkerboard_high": 1 + 1.96 * within}
        if self.targets is None:
            own = distances(inputs)
            self.known |= {f"input_{name}": own[name] for name in ("frechet", "sight")}
            self.known["upright"] = distances(-inputs)["frechet"] / max(own["frechet"], 1e-12)

    def signals(self, outputs: Tensor, distances: Mapping[str, float], near_input: bool = False) -> dict[str, float]:
        """The signals of OF_TRANSLATIONS, of the outputs of the inputs, (N, C, H, W) in about [-1, 1], and of their
        Fréchet distances to the targets.

        Args:
            near_input: whether the game holds outputs near their inputs: without pairs that says which way round is
                right.
        """
        x = outputs[: self.count].clamp(-1, 1)
        energies, fine = checkerboards(x)
        signals = {
            **self.known,
            "changed": _rms(x - self.inputs) / max(_rms(self._wanted - self.inputs), 1e-6),
            "checkerboard": float(energies.mean()) / self.energy,
            "checkerboard_size": math.sqrt(float(energies.mean())),
            "checkerboard_peak": _peak(energies, fine) / self.peak,
        }
        if self.varied:
            signals["variation"] = _variation(x) / self.variation
        if self.targets is not None:
            return signals | self._of_pairs(x)
        return signals | self._without_pairs(x, distances) | {"held": float(near_input)}

    @property
    def _wanted(self) -> Tensor:
        return self.reals if self.targets is None else self.targets

    def _of_pairs(self, x: Tensor) -> dict[str, float]:
        assert self.targets is not None
        signals = {"asked": _rms(self.targets - self.inputs), "agreement": _correlation(x, self.targets)}
        if self.varied and len(x) > SHIFTS:
            others = [_rms(x - self.targets.roll(shift, 0)) for shift in range(1, SHIFTS + 1)]
            signals["tie"] = _rms(x - self.targets) / max(statistics.fmean(others), 1e-6)
            signals |= self._following(x)
        return signals

    def _without_pairs(self, x: Tensor, distances: Mapping[str, float]) -> dict[str, float]:
        signals = {"likeness": _correlation(x, self.inputs)}
        for gained, name in (("gained", "frechet"), ("gained_sight", "sight")):
            signals[gained] = distances[name] / max(self.known[f"input_{name}"], 1e-12)
        if self.varied and len(x) > SHIFTS:
            signals |= self._following(x)
        return signals

    def _following(self, x: Tensor) -> dict[str, float]:
        ours, own = _distances(self.inputs), _distances(x)
        generator = torch.Generator().manual_seed(self.seed)
        orders = [torch.randperm(len(x), generator=generator) for _ in range(SHUFFLES)]
        chance = [_matched(ours, own[order][:, order]) for order in orders]
        return {
            "following": _matched(ours, own),
            "following_chance": statistics.fmean(chance) + 3 * statistics.stdev(chance),
        }


def of_images(*fields: Field) -> bool:
    """Whether all of them are images."""
    return all(isinstance(field.modality, Image) for field in fields)


def as_target(x: Tensor, shape: Shape) -> Tensor:
    """Images (N, C, H, W) as they would be if nothing but their form had to change: size by bicubic interpolation, one
    channel by luminance, several by repeating it.
    """
    channels, height, width = shape
    if x.shape[2:] != (height, width):
        x = F.interpolate(x, (height, width), mode="bicubic", antialias=True).clamp(-1, 1)
    return x if x.shape[1] == channels else luminance(x).expand(-1, channels, -1, -1)


def checkerboards(x: Tensor) -> tuple[Tensor, Tensor]:
    """Energy at the frequencies of NYQUIST, (N,): that of x +- A on every other pixel, row or column is A^2; and the
    mean energy of a frequency beyond 3/4 of them, these left out. Of images (N, C, H, W), the mean of their channels.
    """
    height, width = (side - side % 2 for side in x.shape[2:])
    if min(height, width) < 4:
        return x.new_zeros(len(x)), x.new_ones(len(x))
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)  # edges are no wave that goes on
    spectrum = torch.fft.fft2(x[..., :height, :width] * (window / window.sum())).abs().square().mean(1)  # (N, H, W)
    down, across = (2 * torch.fft.fftfreq(side).abs() for side in (height, width))  # 1 is every other pixel
    fine = (down[:, None] > 0.75) | (across > 0.75)
    places = [(height // 2 * i, width // 2 * j) for i, j in NYQUIST]
    energy = torch.stack([spectrum[:, i, j] for i, j in places]).sum(0)
    for i, j in places:  # a window of Hann widens a line by one frequency to both sides
        for row in (i - 1, i, (i + 1) % height):
            for column in (j - 1, j, (j + 1) % width):
                fine[row, column] = False
    rest = spectrum[:, fine].mean(1) if bool(fine.any()) else energy
    return energy, rest


def _peak(energies: Tensor, rest: Tensor) -> float:
    return float(energies.mean()) / max(float(rest.mean()), 1e-12)


def _rms(x: Tensor) -> float:
    return math.sqrt(float(x.square().mean()))


def _variation(x: Tensor) -> float:
    """Variance of each pixel over the images, the mean of all."""
    return float(x.var(0, correction=0).mean())


def _correlation(x: Tensor, y: Tensor) -> float:
    """Of all pixels; each channel's mean taken away."""
    x, y = (part - part.mean((0, 2, 3), keepdim=True) for part in (x, y))
    return float((x * y).mean()) / max(_rms(x) * _rms(y), 1e-9)


def _distances(x: Tensor) -> Tensor:
    """(N, N) between thumbnails."""
    height, width = x.shape[2:]
    small = F.adaptive_avg_pool2d(x, (min(CELLS, height), min(CELLS, width))).flatten(1)
    return torch.cdist(small, small)


def _matched(one: Tensor, other: Tensor) -> float:
    """Correlation of distances (N, N), each pair once; Mantel, 1967."""
    upper = torch.ones_like(one, dtype=torch.bool).triu(1)
    x, y = (part[upper] - part[upper].mean() for part in (one, other))
    return float((x * y).mean()) / max(_rms(x) * _rms(y), 1e-12)
