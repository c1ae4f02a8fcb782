"""Records what torch-fidelity, pytorch-fid and prdc make of the features below, into `metrics.json`.

    pip install torch-fidelity==0.4.0 pytorch-fid==0.3.0 prdc==0.2 && python tests/parity/record_metrics.py

The features are a formula, not a file: uniform numbers of NumPy's frozen Mersenne Twister, then elementwise sums and
products, so that every machine has the same to the last bit. They are in float64: on float32 features the packages
themselves sum in float32, which moves small kernel distances by 2e-5 of their value.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("metrics.json")
SIZES = {  # reals, fakes, features
    "plain": (600, 600, 48),
    "unequal": (500, 350, 20),
    "fewer rows than features": (90, 120, 160),
    "wide spectrum": (900, 800, 64),
    "repeated features": (300, 300, 30),
    "lattice": (400, 300, 6),
}
KERNEL = {"subsets": 20, "subset_size": 80, "seed": 2020}
SPLITS = 10
NEAREST = (3, 5)


def features(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Reals (N, F) and fakes (M, F), float64."""
    n, m, f = SIZES[name]
    draw = np.random.RandomState(sum(map(ord, name)))
    if name == "lattice":  # points that are equal, distances that are equal: in integers, where all sums are exact
        return draw.randint(0, 4, (n, f)).astype(float), draw.randint(1, 5, (m, f)).astype(float)
    real, fake = _cloud(draw, n, f), 0.9 * _cloud(draw, m, f) + 0.15
    if name == "wide spectrum":
        decay = np.array([2.0**-i for i in range(20)] + [2.0**-20] * (f - 20))
        real, fake = real * decay, fake * decay
    if name == "repeated features":
        real, fake = (np.concatenate([x[:, : f // 2]] * 2, axis=1) for x in (real, fake))
    return real, fake


def _cloud(draw: np.random.RandomState, n: int, f: int) -> np.ndarray:
    """Nearly normal numbers with a common part that ties the features together."""
    u = draw.random_sample((4, n, f))
    common = draw.random_sample((n, 1)) - 0.5
    return (u[0] + u[1] + u[2] + u[3] - 2.0) + common * draw.random_sample((1, f)) * 3.0


def logits(name: str) -> np.ndarray:
    """Class logits (N, K) of the reals: their first features, stretched."""
    return 4.0 * features(name)[0][:, :12]


def _record(name: str) -> dict[str, float | dict[str, float]]:
    import torch
    from prdc import compute_prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = features(name)
    moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in (real, fake)]
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)]
    distance = kid_features_to_metric(
        torch.from_numpy(real),
        torch.from_numpy(fake),
        kid_subsets=KERNEL["subsets"],
        kid_subset_size=KERNEL["subset_size"],
        rng_seed=KERNEL["seed"],
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1.0,
        verbose=False,
    )
    score = isc_features_to_metric(torch.from_numpy(logits(name)), splits=SPLITS, shuffle=False)
    return {
        "torch-fidelity fid": fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"],
        "pytorch-fid fid": float(calculate_frechet_distance(*moments[0], *moments[1])),
        "torch-fidelity kid": distance,
        "torch-fidelity isc": score,
        **{f"prdc {k}": {key: float(value) for key, value in compute_prdc(real, fake, k).items()} for k in NEAREST},
    }


if __name__ == "__main__":
    packages = ("torch-fidelity", "pytorch-fid", "prdc", "numpy", "scipy", "scikit-learn", "torch")
    recorded = {"versions": {package: version(package) for package in packages}}
    recorded |= {name: _record(name) for name in SIZES}
    RECORDED.write_text(json.dumps(recorded, indent=2) + "\n")
