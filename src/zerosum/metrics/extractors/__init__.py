"""Feature extractors. `find` gives one by name, or makes one of any callable.

Extractors take images (N, C, H, W) in [-1, 1] with one or three channels, "pixels" and callables points (N, D) too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load as load_safetensors
from torch import Tensor

from zerosum.errors import ZerosumError, unknown
from zerosum.metrics.extractors.digits import SIDE, Classifier
from zerosum.metrics.extractors.random import SMALLEST, RandomNetwork
from zerosum.util.luma import luma


class Features(NamedTuple):
    """What an extractor makes of N samples."""

    features: Tensor  # (N, F) float32
    logits: Tensor | None = None  # (N, K) of a classifier

    def map(self, function: Callable[[Tensor], Tensor]) -> Features:
        """What a function makes of each of the two."""
        return Features(function(self.features), None if self.logits is None else function(self.logits))


@dataclass(frozen=True)
class Extractor:
    """A map from samples to features. Results may be compared where name, identity and resizing are equal."""

    name: str  # "digits", "pixels", "random", "inception-v3", or the callable's own
    identity: str  # of the weights, see `digest`; "" where there are none, or nobody knows them
    resizing: str  # what happens to an image before the network sees it
    function: Callable[[Tensor], Features]
    chunk: int = 250  # samples that `function` sees at once
    rounds: bool = False  # whether it sees images in 8 bits only, so that smaller differences are lost

    def __call__(self, x: Tensor) -> Features:
        """Features of any number of samples x, on the extractor's device, without gradients.

        `ValueError` where x holds bytes, which nobody has scaled, or no samples; `ZerosumError` where the extractor is
        not for samples of this shape.
        """
        if x.dtype == torch.uint8 or len(x) == 0:
            raise ValueError(f"samples must be at least one, and images floats in [-1, 1], not {x.dtype} {len(x)}")
        with torch.no_grad():
            x = x.float() if x.is_floating_point() else x
            return joined([self.function(part) for part in x.split(self.chunk)])


def extract(extractor: Extractor, batches: Iterable[Tensor]) -> Features:
    """Features (N, F) and logits (N, K) of all batches, in order, on the CPU; `ZerosumError` where there are none."""
    parts = [extractor(batch).map(Tensor.cpu) for batch in batches]
    if not parts:
        raise ZerosumError("there are no samples to compute features of; give at least one")
    return joined(parts)


def find(wanted: str | Callable[[Tensor], Tensor], device: torch.device | str = "cpu") -> Extractor:
    """The extractor called `wanted`, or one of a callable from samples (N, *shape) to features (N, F).

    A callable gets float32 samples on `device` and must be there itself. `ZerosumError` where there is none of that
    name, or what it needs is missing.
    """
    device = torch.device(device)
    if callable(wanted):
        return _of_callable(wanted, device)
    if wanted not in EXTRACTORS:
        raise ZerosumError(unknown("extractor", wanted, EXTRACTORS))
    return EXTRACTORS[wanted](device)


def digest(state: Mapping[str, Tensor]) -> str:
    """16 hex digits of a SHA-256 over the names, types, shapes and values of the weights, whatever file they lay in."""
    content = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        content.update(tensor.detach().cpu().contiguous().numpy().data)
    return content.hexdigest()[:16]


def _pixels(device: torch.device) -> Extractor:
    """The samples themselves, flattened."""
    return Extractor("pixels", "", "none", lambda x: Features(x.to(device).flatten(1)))


def _digits(device: torch.device) -> Extractor:
    """The packaged digit network: 128 features and 10 logits; `tools/train_digit_network.py` trains it.

    It was trained on digits alone, and is as sure of pure noise as of a digit: read its probabilities together with a
    distance of features, which noise does not pass.
    """
    state = load_safetensors(
        resources.files("zerosum.metrics.extractors").joinpath("weights/digits.safetensors").read_bytes()
    )
    network = Classifier().eval()
    network.load_state_dict(state, strict=False)  # batch norm's counters, which are no floats, are left out
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub

    def function(x: Tensor) -> Features:
        x = _images(x, "digits").to(device).clamp(-1, 1)  # a generator may overshoot; a picture of its sample cannot
        if x.shape[1] == 3:
            x = luma(x)
        if x.shape[2:] != (SIDE, SIDE):
            x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
        return Features(*network(x.contiguous(memory_format=torch.channels_last)))

    resizing = "clamped to [-1, 1]; colour to BT.601 luma; to 28x28, bilinear with antialiasing"
    return Extractor("digits", digest(state), resizing, function)


def _random(device: torch.device) -> Extractor:
    """A network with random weights: 64 features."""
    network = RandomNetwork().to(device).eval()

    def function(x: Tensor) -> Features:
        x = _images(x, "random").to(device)
        if min(x.shape[2:]) < SMALLEST:
            raise ZerosumError(f"'random' features need images of {SMALLEST}x{SMALLEST} or more; use 'pixels'")
        return Features(network(x.expand(-1, 3, -1, -1)))

    return Extractor("random", digest(network.state_dict()), "grey to three equal channels", function)


def _inception(device: torch.device) -> Extractor:
    """The Inception-v3 of the Fréchet Inception distance: 2048 features and 1008 logits; an extra of the package."""
    from zerosum.metrics.extractors.inception import load  # only who asks for it waits for torch.fx

    network, weights = load()
    network.to(device)

    def function(x: Tensor) -> Features:
        return Features(*network(_images(x, "inception-v3").to(device).expand(-1, 3, -1, -1)))

    resizing = "rounded to 8 bits; grey to three equal channels; to 299x299, bilinear as in TensorFlow 1"
    chunk = 16 if device.type == "cpu" else 128  # what fits into a processor's cache is faster than more
    return Extractor("inception-v3", digest(weights), resizing, function, chunk, rounds=True)


EXTRACTORS: dict[str, Callable[[torch.device], Extractor]] = {
    "digits": _digits,
    "pixels": _pixels,
    "random": _random,
    "inception-v3": _inception,
}


def _of_callable(wanted: Callable[[Tensor], Tensor], device: torch.device) -> Extractor:
    name = str(getattr(wanted, "__name__", type(wanted).__name__))

    def function(x: Tensor) -> Features:
        features = wanted(x.to(device))
        if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != len(x):
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ZerosumError(
                f"the features of {name!r} must be a tensor (N, F) for N samples; for {len(x)} it returned {shape}"
            )
        return Features(features.float())

    return Extractor(name, "", "the callable's own", function)


def _images(x: Tensor, name: str) -> Tensor:
    if x.dim() != 4 or x.shape[1] not in (1, 3):
        raise ZerosumError(
            f"{name!r} features are of images with 1 or 3 channels, not of samples of shape {tuple(x.shape[1:])}; "
            f"use 'pixels'"
        )
    return x


def joined(parts: list[Features]) -> Features:
    """The parts below each other."""
    logits = [part.logits for part in parts if part.logits is not None]
    return Features(torch.cat([part.features for part in parts]), torch.cat(logits) if logits else None)
