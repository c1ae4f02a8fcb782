"""Features in which the monitor compares samples with real ones: one class for each kind of data, in `FEATURES`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from zerosum.errors import ZerosumError
from zerosum.health.sight import sight, specks, surface
from zerosum.metrics import extractors
from zerosum.metrics.extractors.digits import CLASSES
from zerosum.metrics.extractors.random import SMALLEST
from zerosum.metrics.extractors.sounds import loudest, mel_spectra
from zerosum.modality import Behaviour, Binary, Image, Modality, Notes, Points, Sound, Tokens, Video
from zerosum.pictures.neighbours import thumbnails
from zerosum.util import rng

CHUNK = 256  # samples whose features are computed at once
WAVES = 64  # features of points beside their coordinates
WIDTH = 64  # features that token counts are projected to; the counts of pairs as well
AXES = 32  # principal axes of what is seen of images
RECOGNISED = 1024  # reals that tell whether they are digits
SURE, MOST = 0.95, 0.5  # images are digits if the likeliest is as likely on average, and none has a larger share
WAVE_STEP = 4  # samples of a sound of which copies are told by their mean
CODE = 8  # numbers that stand for a token when copies are looked for


class FeatureSpace(ABC):
    """Features of one kind of data, fitted to real samples."""

    modality: Modality
    sees = False  # whether `seen` tells more than the features do
    fewest = 2  # samples of which copies mean something
    discrete = False  # whether two samples may be equal by chance

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """(N, F) of samples as players see them, (N, *shape)."""

    def position(self, features: Tensor) -> Tensor:
        """The part of features (N, F) by which neighbours are found."""
        return features

    def seen(self, x: Tensor) -> Tensor:
        """(N, S) of samples (N, *shape): features whose clusters are what a person would call kinds of samples."""
        return self.position(self(x))

    def surface(self, x: Tensor) -> Tensor:
        """(N, D) of samples (N, *shape): what else a person sees of them, such as colours; D may be 0."""
        return x.new_empty(len(x), 0)

    def specks(self, x: Tensor) -> Tensor:
        """(N, D) of samples (N, *shape): share of their pixels that stand out of all around them; D is 1, or 0."""
        return x.new_empty(len(x), 0)

    def place(self, centre: Tensor) -> str:
        """How a cluster of `seen` is called that lies at (S,); "" where a number says as much."""
        return ""

    def recognise(self, stored: Tensor) -> tuple[Tensor, tuple[str, ...]] | None:
        """What stored reals are, (N,), and the names of these classes, where something knows them without labels."""
        return None

    def pairs(self, x: Tensor) -> Tensor | None:
        """(M,) numbers of all pairs of neighbours in samples (N, *shape), where these are made of tokens.

        They are in the order of samples; the ends of one are neighbours of its first token and its last.
        """
        return None

    @abstractmethod
    def thumbnail(self, x: Tensor) -> Tensor:
        """(N, P) of samples (N, *shape): copies of a sample are near to it here, and to nothing else."""

    def of_stored(self, stored: Tensor, function: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Features of stored samples, or what else `function` makes of samples."""
        return torch.cat([(function or self)(self.modality.load(part)) for part in stored.split(CHUNK)])


class ImageSpace(FeatureSpace):
    """Images by a small network of random weights, and by what is seen of them (`sight`).

    Reals that the packaged digit network is sure of, and finds several digits in, are digits. Fakes it is not asked of:
    what is no digit it takes for an 8.
    """

    sees = True

    def __init__(self, modality: Image, real: Tensor, generator: Generator):
        self.modality, self.image = modality, modality
        with rng.fork_rng(torch.device("cpu")):  # a new network draws global random numbers
            self.extractor, self.digits = extractors.find("random"), extractors.find("digits")
        self.colors = 3 if modality.channels > 2 else 1
        self.scale = SMALLEST if min(modality.size) < SMALLEST else 1
        seen = self.of_stored(real[:RECOGNISED], sight)
        self.centre = seen.mean(0)
        _, _, axes = torch.linalg.svd((seen - self.centre).double(), full_matrices=False)
        self.axes = axes[:AXES].T.float()  # (S, AXES)

    def recognise(self, stored: Tensor) -> tuple[Tensor, tuple[str, ...]] | None:
        if self.image.channels not in (1, 3) or min(self.image.size) < SMALLEST:
            return None
        likely, y = self.of_stored(stored, self._digits).max(1)
        shares = torch.bincount(y) / len(y)
        if float(likely.mean()) < SURE or float(shares.max()) > MOST:
            return None
        return y, tuple(map(str, range(CLASSES)))

    def _digits(self, x: Tensor) -> Tensor:
        logits = self.digits(x).logits
        assert logits is not None
        return logits.softmax(1)

    def __call__(self, x: Tensor) -> Tensor:
        x = x[:, : self.colors]
        return self.extractor(F.interpolate(x, scale_factor=self.scale) if self.scale > 1 else x).features

    def seen(self, x: Tensor) -> Tensor:
        return (sight(x) - self.centre) @ self.axes

    def surface(self, x: Tensor) -> Tensor:
        return surface(x)

    def specks(self, x: Tensor) -> Tensor:
        return specks(x)[:, None]

    def thumbnail(self, x: Tensor) -> Tensor:
        return thumbnails(x)


class VideoSpace(FeatureSpace):
    """Videos by the features of two frames as images: in the middle, and the last."""

    sees = True

    def __init__(self, modality: Video, real: Tensor, generator: Generator):
        self.modality, self.places = modality, [modality.frames // 2, modality.frames - 1]
        self.images = ImageSpace(modality.image, self._frames(real), generator)

    def __call__(self, x: Tensor) -> Tensor:
        return self._of_frames(self.images, x)

    def seen(self, x: Tensor) -> Tensor:
        return self._of_frames(self.images.seen, x)

    def specks(self, x: Tensor) -> Tensor:
        return self._of_frames(self.images.specks, x).mean(1, keepdim=True)

    def thumbnail(self, x: Tensor) -> Tensor:
        return self._of_frames(self.images.thumbnail, x)

    def _frames(self, x: Tensor) -> Tensor:
        """(2 N, C, H, W)."""
        return x[:, self.places].flatten(0, 1)

    def _of_frames(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return function(self._frames(x)).reshape(len(x), -1)


class SoundSpace(FeatureSpace):
    """Sounds by how loud each band of the mel scale is in each part of them: what ears tell apart."""

    def __init__(self, modality: Sound, real: Tensor, generator: Generator):
        self.modality = self.sound = modality
        self.extractor = mel_spectra(modality, torch.device("cpu"))

    def __call__(self, x: Tensor) -> Tensor:
        return self.extractor(x).features

    def place(self, centre: Tensor) -> str:
        """About the frequency at which it is loudest."""
        return f"loudest around {loudest(self.sound, centre):,.0f} Hz"

    def thumbnail(self, x: Tensor) -> Tensor:
        """The wave itself, every WAVE_STEP samples one: two sounds that are alike to ears differ in their phases."""
        return F.avg_pool1d(x, WAVE_STEP, ceil_mode=True).flatten(1)


class PointSpace(FeatureSpace):
    """Points in units of their deviation, and waves of several lengths: more than their mean and covariance count."""

    least = 1e-6  # deviation that counts as one

    def __init__(self, modality: Points | Binary | Behaviour, real: Tensor, generator: Generator):
        self.modality = modality
        x = modality.load(real)
        self.centre, self.scale = x.mean(0), x.std(0).clamp_min(self.least)
        lengths = torch.tensor([1.0, 0.5, 0.25, 0.125]).repeat_interleave(WAVES // 4)
        self.waves = torch.randn(modality.dim, WAVES, generator=generator) / lengths
        self.phases = 2 * math.pi * torch.rand(WAVES, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        scaled = (x - self.centre) / self.scale
        return torch.cat([scaled, (scaled @ self.waves + self.phases).cos()], 1)

    def position(self, features: Tensor) -> Tensor:
        return features[:, : len(self.centre)]

    def place(self, centre: Tensor) -> str:
        """Its coordinates, of up to three."""
        if len(centre) > 3:
            return ""
        decimals = 1 - math.floor(math.log10(float(self.scale.max())))
        return f"({', '.join(f'{round(v, decimals) + 0.0:g}' for v in (centre * self.scale + self.centre).tolist())})"

    def thumbnail(self, x: Tensor) -> Tensor:
        return x


class BinarySpace(PointSpace):
    """Binary vectors as points, of which features that nearly all or nearly none of the reals have weigh no more."""

    discrete = True
    least = 0.05  # as where one in 400 has a feature


class BehaviourSpace(PointSpace):
    """States with their actions as points; a choice that nearly nobody takes weighs no more."""

    least = 0.05


class TokenSpace(FeatureSpace):
    """Texts by how often they hold each token and each pair of neighbours, and by their lengths.

    Random signs project the counts to WIDTH features each, whatever the size of the vocabulary: the sign of a pair is
    the product of two signs of its tokens. Each kind of feature is in units of its deviation over the reals.
    """

    fewest = 128
    discrete = True

    def __init__(self, modality: Tokens, real: Tensor, generator: Generator):
        self.modality = self.tokens = modality
        signs = 2 * torch.randint(2, (3, modality.size, WIDTH), generator=generator) - 1.0
        self.single, self.left, self.right = signs  # (V, WIDTH) each
        self.codes = torch.randn(modality.size, CODE, generator=generator)
        self.scale = torch.ones(())
        deviations = self.of_stored(real).var(0).split([WIDTH, WIDTH, 1])
        self.scale = torch.cat([v.mean().sqrt().clamp_min(0.1).expand(len(v)) for v in deviations])  # (2 WIDTH + 1,)

    def __call__(self, x: Tensor) -> Tensor:
        within = self._within(x)  # (N, L, 1)
        tokens = (self.single[x] * within).sum(1)
        pairs = (self.left[x[:, :-1]] * self.right[x[:, 1:]] * within[:, 1:]).sum(1)
        return torch.cat([tokens, pairs, within.sum(1)], 1) / self.scale

    def thumbnail(self, x: Tensor) -> Tensor:
        return (self.codes[x] * self._within(x)).flatten(1)

    def pairs(self, x: Tensor) -> Tensor:
        end = self.tokens.size
        x = F.pad(x.masked_fill(~self.tokens.within(x), end), (1, 1), value=end)
        left, right = x[:, :-1], x[:, 1:]
        both_ends = (left == end) & (right == end)
        both_ends[:, 0] = False  # an empty text has one pair
        return (left * (end + 1) + right)[~both_ends]

    def _within(self, x: Tensor) -> Tensor:
        """(N, L, 1): 1 at the tokens of each text, 0 behind them."""
        return self.tokens.within(x).float()[..., None]


FEATURES: dict[type[Modality], Callable[[Any, Tensor, Generator], FeatureSpace]] = {
    Image: ImageSpace,
    Video: VideoSpace,
    Sound: SoundSpace,
    Points: PointSpace,
    Binary: BinarySpace,
    Behaviour: BehaviourSpace,
    Tokens: TokenSpace,
    Notes: TokenSpace,
}


def feature_space(modality: Modality, real: Tensor, generator: Generator) -> FeatureSpace:
    """That of one kind of data, fitted to stored samples; `ZerosumError` where there is none."""
    if type(modality) not in FEATURES:
        known = ", ".join(kind.plural for kind in FEATURES)
        raise ZerosumError(f"health signals are of {known}, not of {modality}; train with --no-health")
    return FEATURES[type(modality)](modality, real, generator)
