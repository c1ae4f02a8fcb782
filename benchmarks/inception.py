"""Inception-v3 features, images/s, beside torch-fidelity's own forward: `python -m benchmarks.inception`.

Both have the same weights: random ones, since speed does not depend on them. torch-fidelity runs in batches of 64, its
default, zerosum in its own of 16; in batches of 16 torch-fidelity is about a quarter faster than by default. Needs the
extra `zerosum[inception]`.
"""

import copy
import io
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import nn

from zerosum.metrics.extractors.inception import TOLERANCE, Inception

IMAGES, REPEATS = 64, 5
OURS, THEIRS = 16, 64  # images in a batch


def reference() -> Any:
    """torch-fidelity's network, with random weights that keep the scale of what passes them."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):  # type: ignore[misc]
        def load_state_dict(self, *_: object, **__: object) -> None:
            """Keep what the constructor drew."""

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = Blank("inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=nothing)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network


def seconds(function: Callable[[], object]) -> float:
    began = perf_counter()
    function()
    return perf_counter() - began


@torch.inference_mode()
def rows() -> list[dict[str, float | str]]:
    """One row: images/s of zerosum and of torch-fidelity, in turn in one process, the best of each; none without it."""
    torch.manual_seed(0)
    try:
        theirs = reference()
    except Exception as error:  # torchvision raises what it likes where it does not fit to torch
        print(f"Inception-v3 features: left out, since torch-fidelity does not import ({error})")
        return []
    ours = Inception(copy.deepcopy(theirs)).eval()
    pictures = torch.randint(256, (IMAGES, 3, 64, 64), dtype=torch.uint8)
    x = pictures / 127.5 - 1
    few = slice(0, 4)
    for own, given in zip(ours(x[few]), theirs(pictures[few]), strict=True):
        assert ((own - given).norm(dim=1) <= TOLERANCE * given.norm(dim=1)).all()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        times[0].append(seconds(lambda: [ours(part) for part in x.split(OURS)]))
        times[1].append(seconds(lambda: [theirs(part) for part in pictures.split(THEIRS)]))
    own, given = (IMAGES / min(t) for t in times)
    name = "Inception-v3 features, images/s, against torch-fidelity"
    return [{"name": name, "ours": own, "baseline": given, "ratio": own / given, "target": 2.0}]


if __name__ == "__main__":
    for row in rows():
        print("{name}: {ours:.1f} against {baseline:.1f}, ratio {ratio:.2f} (target {target})".format(**row))
