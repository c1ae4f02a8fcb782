"""zerosum: generative adversarial networks, each verified against its paper.

    import zerosum
    run = zerosum.train("r3gan", data="photos/", steps=20_000)
    images = zerosum.load(run.path).sample(64, seed=0)  # (64, C, H, W) in [-1, 1]
    scores = zerosum.evaluate(run.path)

Parts are importable alone and take plain tensors: `zerosum.objectives`, `zerosum.penalties`, `zerosum.networks`,
`zerosum.optim`, `zerosum.latent`, `zerosum.data`, `zerosum.metrics`, `zerosum.techniques`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zerosum.errors import ZerosumError

if TYPE_CHECKING:
    from zerosum.classification import classify
    from zerosum.evaluation import evaluate
    from zerosum.health import diagnose
    from zerosum.synthesis import synthesize
    from zerosum.trained import Run, load
    from zerosum.training import resume, train

__version__ = "0.1.0"
__all__ = [
    "Run",
    "ZerosumError",
    "__version__",
    "classify",
    "diagnose",
    "evaluate",
    "load",
    "resume",
    "synthesize",
    "train",
]

_PUBLIC = {
    "train": "training",
    "resume": "training",
    "load": "trained",
    "Run": "trained",
    "evaluate": "evaluation",
    "classify": "classification",
    "synthesize": "synthesis",
    "diagnose": "health",
}
_PARTS = (
    "augment",
    "data",
    "games",
    "health",
    "latent",
    "metrics",
    "networks",
    "objectives",
    "optim",
    "penalties",
    "recipe",
    "sheets",
    "techniques",
)


def __getattr__(name: str) -> Any:
    """Import on first use: `import zerosum` alone does not wait for PyTorch."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"zerosum.{_PUBLIC[name]}"), name)
    if name in _PARTS:
        return importlib.import_module(f"zerosum.{name}")
    raise AttributeError(f"module 'zerosum' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_PARTS})
