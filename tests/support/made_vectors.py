"""Labelled binary vectors that a detector learns at once, and a table of them."""

from __future__ import annotations

from pathlib import Path

import torch

from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.modality import Binary, Classes


def vectors(count: int = 1200, features: int = 24, seed: int = 0) -> Dataset:
    """Malware has the first features, benign vectors the last ones, and both some of the others."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    p = torch.full((2, features), 0.3)
    p[1, :2], p[0, :2], p[0, -6:], p[1, -6:] = 0.8, 0.2, 0.8, 0.2
    x = torch.rand(count, features, generator=draw) < p[y]
    names = tuple(f"f{k}" for k in range(features))
    return dataset_of("vectors", {"x": Field(Binary(features, names), x), "y": Field(Classes(("clean", "bad")), y)})


def write(path: Path, given: Dataset) -> Path:
    kind = given.fields["x"].modality
    assert isinstance(kind, Binary) and given.y is not None
    rows = [",".join([*kind.names, "label"])]
    rows += [
        ",".join([*map(str, map(int, x)), given.classes[y]])
        for x, y in zip(given.x.tolist(), given.y.tolist(), strict=True)
    ]
    path.write_text("\n".join(rows))
    return path
