"""Metrics equal torch-fidelity's, pytorch-fid's and prdc's on the same features: see `record_metrics.py`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from record_metrics import KERNEL, NEAREST, RECORDED, SIZES, SPLITS, features, logits
from torch import Tensor

from zerosum.metrics.frechet import frechet
from zerosum.metrics.inception_score import inception_score
from zerosum.metrics.kernel import kernel
from zerosum.metrics.manifold import density_coverage, precision_recall
from zerosum.metrics.statistics import Moments


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text())


@pytest.fixture(params=SIZES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def pair(name: str) -> tuple[Tensor, Tensor]:
    real, fake = features(name)
    return torch.from_numpy(real), torch.from_numpy(fake)


def moments(x: Tensor, batch: int = 37) -> Moments:
    seen = Moments(x.shape[1])
    for part in x.split(batch):
        seen.update(part)
    return seen


@pytest.mark.parametrize("package", ["torch-fidelity", "pytorch-fid"])
def test_frechet_distance(package: str, name: str, pair: tuple[Tensor, Tensor], recorded: dict[str, Any]):
    expected = recorded[name][f"{package} fid"]
    assert frechet(*map(moments, pair)) == pytest.approx(expected, rel=1e-6, abs=0)


def test_kernel_distance(name: str, pair: tuple[Tensor, Tensor], recorded: dict[str, Any]):
    """Subset by subset: the same seed draws the same rows."""
    expected = recorded[name]["torch-fidelity kid"]
    distance = kernel(*pair, **KERNEL)
    assert distance.mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-6, abs=0)
    assert distance.std == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-6, abs=0)


def test_inception_score(name: str, recorded: dict[str, Any]):
    expected = recorded[name]["torch-fidelity isc"]
    score = inception_score(torch.from_numpy(logits(name)).softmax(1), SPLITS)
    assert score.mean == pytest.approx(expected["inception_score_mean"], rel=1e-12)
    assert score.std == pytest.approx(expected["inception_score_std"], rel=1e-9)


@pytest.mark.parametrize("k", NEAREST)
def test_precision_recall_density_coverage(k: int, name: str, pair: tuple[Tensor, Tensor], recorded: dict[str, Any]):
    """Counts are equal to the last sample; shares of them to the last bit but one."""
    values = precision_recall(*pair, k)._asdict() | density_coverage(*pair, k)._asdict()
    assert values == pytest.approx(recorded[name][f"prdc {k}"], rel=1e-15)
