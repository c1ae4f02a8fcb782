"""zerosum: generative adversarial networks, each verified against its paper.

    import zerosum
    run = zerosum.train("r3gan", data="photos/", steps=20_000)
    images = zerosum.load(run.path).sample(64, seed=0)  # (64, C, H, W) in [-1, 1]
    scores = zerosum.evaluate(run.path)

Parts are importable alone and take plain tensors: `zerosum.losses`, `zerosum.networks`, `zerosum.optim`,
`zerosum.latent`, `zerosum.data`, `zerosum.metrics`, `zerosum.augment`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zerosum.errors import ZerosumError

if TYPE_CHECKING:
    from zerosum.exporting.onnx import export
    from zerosum.health.verdicts import diagnose
    from zerosum.run.loaded import Run, load
    from zerosum.workflows.audit import audit
    from zerosum.workflows.classify import classify
    from zerosum.workflows.evaluate import evaluate
    from zerosum.workflows.features import train_features
    from zerosum.workflows.play import play
    from zerosum.workflows.record import record
    from zerosum.workflows.synthesize import synthesize
    from zerosum.workflows.train import resume, train
    from zerosum.workflows.translate import translate

__version__ = "0.1.0"
__all__ = [
    "Run",
    "ZerosumError",
    "__version__",
    "audit",
    "classify",
    "diagnose",
    "evaluate",
    "export",
    "load",
    "play",
    "record",
    "resume",
    "synthesize",
    "train",
    "train_features",
    "translate",
]

_PUBLIC = {
    "train": "workflows.train",
    "resume": "workflows.train",
    "load": "run.loaded",
    "Run": "run.loaded",
    "evaluate": "workflows.evaluate",
    "audit": "workflows.audit",
    "classify": "workflows.classify",
    "play": "workflows.play",
    "record": "workflows.record",
    "train_features": "workflows.features",
    "synthesize": "workflows.synthesize",
    "translate": "workflows.translate",
    "export": "exporting.onnx",
    "diagnose": "health.verdicts",
}
_PARTS = (
    "augment",
    "data",
    "games",
    "health",
    "latent",
    "metrics",
    "networks",
    "losses",
    "optim",
    "pictures",
    "recipe",
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
