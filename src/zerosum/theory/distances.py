"""Divergences of densities against closed forms, and their estimates from samples against the densities'."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from zerosum.theory import divergence, estimate
from zerosum.theory.claim import Claim, Topic
from zerosum.theory.density import Grid, normal
from zerosum.theory.progress import tell

POINTS, ASSIGNED = 5000, 400  # samples of each side; of an assignment
SHIFT = 0.7


def experiment() -> dict[str, float]:
    """Each number by its name: integrals, and estimates from samples."""
    random = torch.Generator().manual_seed(0)
    line, plane = Grid.box((-16.0,), (16.0,), 3200), Grid.box((-12.0, -12.0), (12.0, 12.0), 240)
    p, q = normal(0.0, 1.0), normal(1.0, 2.0)
    p2, q2 = normal((0.0, 0.0), 1.0), normal((1.0, 0.0), 2.0)
    x, y = p.sample(POINTS, random), q.sample(POINTS, random)
    x2, y2 = p2.sample(POINTS, random), q2.sample(POINTS, random)
    moved = x2[:ASSIGNED] + torch.tensor([0.6, 0.8], dtype=torch.float64) * SHIFT
    wanted: dict[str, Callable[[], Any]] = {
        "kl": lambda: divergence.kl(p, q, line),
        "total_variation": lambda: divergence.total_variation(p, normal(1.0, 1.0), line),
        "wasserstein": lambda: divergence.wasserstein(p, normal(0.0, 2.0), line),
        "js": lambda: divergence.js(p, q, line),
        "js_plane": lambda: divergence.js(p2, q2, plane),
        "sampled_kl": lambda: estimate.kl(x, y),
        "sampled_kl_plane": lambda: estimate.kl(x2, y2),
        "sampled_js": lambda: estimate.js(x, y),
        "sampled_js_plane": lambda: estimate.js(x2, y2),
        "sampled_total_variation": lambda: estimate.total_variation(x, normal(1.0, 1.0).sample(POINTS, random)),
        "sampled_wasserstein": lambda: estimate.wasserstein(x, normal(0.0, 2.0).sample(POINTS, random)),
        "assigned": lambda: estimate.wasserstein(x2[:ASSIGNED], moved),
        "sliced": lambda: estimate.sliced_wasserstein(x2[:ASSIGNED], moved, 2000, random),
    }
    found = {}
    for done, (name, measure) in enumerate(wanted.items(), 1):
        found[name] = float(measure())
        tell("measuring distances", done, len(wanted))
    return found


_KL = math.log(2) + 2 / 8 - 0.5  # log(s2 / s1) + (s1^2 + d^2) / (2 s2^2) - 1/2
_KL_PLANE = 2 * math.log(2) + 3 / 8 - 1
_TV = math.erf(0.5 / math.sqrt(2))  # 2 Phi(d / 2) - 1
_W = math.sqrt(2 / math.pi)  # |s2 - s1| E |z|
_KNN = "Wang et al., 2009"
DISTANCES: Topic[dict[str, float]] = Topic(
    "distances",
    "divergences of densities and of samples, against closed forms",
    experiment,
    (
        Claim("KL(N(0, 1) || N(1, 2)) by integration", "closed form", _KL, lambda e: e["kl"], 1e-6),
        Claim("TV(N(0, 1), N(1, 1)) by integration", "closed form", _TV, lambda e: e["total_variation"], 1e-5),
        Claim("W1(N(0, 1), N(0, 2)) by integration", "closed form", _W, lambda e: e["wasserstein"], 1e-4),
        Claim("KL(N(0, 1) || N(1, 2)) from samples, 1-D", _KNN, _KL, lambda e: e["sampled_kl"], 0.05),
        Claim("KL of the same from samples, 2-D", _KNN, _KL_PLANE, lambda e: e["sampled_kl_plane"], 0.1),
        Claim("JS from samples, 1-D, less JS", _KNN, 0.0, lambda e: e["sampled_js"] - e["js"], 0.03),
        Claim("JS from samples, 2-D, less JS", _KNN, 0.0, lambda e: e["sampled_js_plane"] - e["js_plane"], 0.03),
        Claim("TV(N(0, 1), N(1, 1)) from histograms", "closed form", _TV, lambda e: e["sampled_total_variation"], 0.05),
        Claim("W1(N(0, 1), N(0, 2)) from sorted samples", "closed form", _W, lambda e: e["sampled_wasserstein"], 0.05),
        Claim("W1 of points moved by 0.7, 2-D", "all mass moves by 0.7", SHIFT, lambda e: e["assigned"], 1e-6),
        Claim("sliced W1 of the same", "the mean of |cos| is 2 / pi", SHIFT * 2 / math.pi, lambda e: e["sliced"], 0.02),
    ),
)
