"""`bits`: binary vectors of two classes, drawn from mixtures of Bernoulli distributions. They describe no programs."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from zerosum.data.dataset import Dataset, dataset, fingerprint_of
from zerosum.data.request import Request, no_option

COUNT = 6_000  # vectors of a class
FEATURES = 128
COMPONENTS = 4  # of a class
OWN = 0.4  # share of a component's features whose probability is its own, not that of all
CLASSES = ("benign", "malicious")


def bits(request: Request) -> Dataset:
    """6,000 vectors of 128 features of each class, drawn from the seed, and so are the probabilities of features.

    Each feature has a probability for all, the square of a uniform number. Each class has four components, equally
    likely, in which features are independent; of a component two features in five have a probability of their own,
    drawn alike. Nothing tells both classes apart but these.
    """
    no_option(request)
    draw = Generator().manual_seed(request.seed)
    common = _probabilities(draw, FEATURES)
    x = torch.cat([_vectors(draw, common) for _ in CLASSES])
    y = torch.arange(len(CLASSES)).repeat_interleave(COUNT)
    mark = fingerprint_of(f"bits {COUNT} {FEATURES} {COMPONENTS} {OWN} {request.seed}")
    return dataset(request.name, x, y, CLASSES, fingerprint=mark)


def _vectors(draw: Generator, common: Tensor) -> Tensor:
    """(COUNT, FEATURES) of a class."""
    own = torch.rand(COMPONENTS, FEATURES, generator=draw) < OWN
    probabilities = torch.where(own, _probabilities(draw, COMPONENTS, FEATURES), common)
    component = torch.randint(COMPONENTS, (COUNT,), generator=draw)
    return torch.rand(COUNT, FEATURES, generator=draw) < probabilities[component]


def _probabilities(draw: Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=draw).square()
