"""The Inception-v3 of the Fréchet Inception distance: torch-fidelity's network and weights, rewritten to run faster.

The network of 2015 that TensorFlow published differs from torchvision's, and so do its weights: scores computed with
any other are not comparable. The rewriting changes rounding alone, and loading checks that.
"""

from __future__ import annotations

import functools
import importlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from zerosum.errors import ZerosumError
from zerosum.util.packages import install

SIDE = 299
TOLERANCE = 1e-4  # largest relative difference to the features of the original network
WEIGHTS = "ZEROSUM_INCEPTION"  # the environment variable that names a file of weights


class Inception(nn.Module):
    """Colour images (B, 3, H, W) in [-1, 1] to features (B, 2048) and logits without their bias (B, 1008).

    The convention is one of 8-bit images: values are rounded to them first. `network` is torch-fidelity's
    FeatureExtractorInceptionV3, whose convolutions are copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        blocks = {name: block for name, block in network.named_children() if name != "fc"}  # in the order they run
        self.body = accelerated(nn.Sequential(*blocks.values())).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classes = nn.Parameter(network.get_submodule("fc").get_parameter("weight"), requires_grad=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = ((x.clamp(-1, 1) + 1) * 127.5).round()  # as stored in a file
        down, right = (_interpolation(side).to(x.device) for side in x.shape[2:])  # (299, H), (299, W)
        x = down @ ((x - 128) / 128 @ right.T)  # (B, 3, 299, 299)
        features = self.body(x.contiguous(memory_format=torch.channels_last)).flatten(1)  # (B, 2048)
        return features, features @ self.classes.T


def load(weights: Path | None = None) -> tuple[Inception, Mapping[str, Tensor]]:
    """The network, and its weights; `ZerosumError` where torch-fidelity or the weights are missing or do not fit.

    The file of weights, .pth or .safetensors, has torch-fidelity's layout. By default it is the one that
    $ZEROSUM_INCEPTION names, else torch-fidelity's own, downloaded once (91 MB).
    """
    module = _torch_fidelity()
    if weights is None and (named := os.environ.get(WEIGHTS)):
        weights = Path(named)
    state = _fetched(module.URL_INCEPTION_V3) if weights is None else _read(weights)
    # torch-fidelity unpickles a file without limits; this one is in memory, and we wrote it.
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    buffer.seek(0)
    try:
        network = module.FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=buffer
        )
    except RuntimeError as error:
        raise ZerosumError(f"{weights} has other weights than torch-fidelity's Inception-v3: {error}") from error
    inception = Inception(network).eval()
    _check(inception, network)
    return inception, {name: t for name, t in network.state_dict().items() if t.is_floating_point()}


def accelerated(network: nn.Module) -> fx.GraphModule:
    """The same function in fewer operations, for a network in evaluation mode that `torch.fx` can trace.

    Batch norm becomes part of the convolution before it. An average pooling before a 1x1 convolution goes behind it,
    where there are fewer channels: both are linear, one over places, the other over channels.
    """
    traced = fx.symbolic_trace(network)
    for node in list(traced.graph.nodes):
        norm, convolution = _module(traced, node), _module(traced, *node.all_input_nodes[:1])
        if isinstance(norm, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d) and len(node.args[0].users) == 1:
            traced.set_submodule(node.args[0].target, fuse_conv_bn_eval(convolution, norm))
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    for node in list(traced.graph.nodes):
        pool, convolution = (node.all_input_nodes or [None])[0], _module(traced, node)
        if isinstance(convolution, nn.Conv2d) and convolution.kernel_size == (1, 1) and _averages(pool):
            node.replace_all_uses_with(pool)
            node.args, pool.args = pool.args[:1], (node, *pool.args[1:])
            node.append(pool)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _module(traced: fx.GraphModule, node: fx.Node | None = None) -> nn.Module | None:
    """What a node calls, if it is a module."""
    return traced.get_submodule(str(node.target)) if node is not None and node.op == "call_module" else None


def _averages(node: fx.Node | None) -> bool:
    """Whether it is a mean over places, which keeps a constant (the bias), and serves one reader only."""
    if node is None or node.target is not F.avg_pool2d or len(node.users) != 1:
        return False
    return node.kwargs.get("count_include_pad") is False


@functools.lru_cache(maxsize=8)
def _interpolation(side: int) -> Tensor:
    """TensorFlow 1's bilinear resizing, (299, side): row i weighs the two pixels around place i * side / 299."""
    place = torch.arange(SIDE, dtype=torch.float32) * torch.tensor(side / SIDE, dtype=torch.float32)
    before = place.long()
    after = (before + 1).clamp_max(side - 1)
    share = place - before
    matrix = torch.zeros(SIDE, side)
    matrix.scatter_add_(1, before[:, None], 1 - share[:, None])
    return matrix.scatter_add_(1, after[:, None], share[:, None])


def _torch_fidelity() -> Any:
    try:
        return importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except Exception as error:  # torchvision may fail to import in its own ways
        if isinstance(error, ModuleNotFoundError) and error.name == "torch_fidelity":
            raise ZerosumError(
                f"Inception features need torch-fidelity, which is not installed; `{install('inception')}`"
            ) from None
        raise ZerosumError(f"torch-fidelity is installed but does not import: {error}") from error


def _fetched(url: str) -> Mapping[str, Tensor]:
    """The published weights, from the cache of `torch.hub` or from the network; the file's name has its checksum."""
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise ZerosumError(f"cannot fetch {url}: {error}; get it otherwise and set {WEIGHTS} to its path") from error


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        safe = path.suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # torch's advice is to load it all the same
        raise ZerosumError(f"{path} holds more than weights, which could run code; set {WEIGHTS} to another") from None
    except (OSError, EOFError, RuntimeError, SafetensorError) as error:
        raise ZerosumError(f"cannot read the Inception weights {path}: {error}; set {WEIGHTS} to another") from error
    if not isinstance(state, Mapping):
        raise ZerosumError(f"{path} holds no table of weights; set {WEIGHTS} to another file")
    return state


@torch.no_grad()
def _check(inception: Inception, network: nn.Module) -> None:
    """Both give the same features of a picture of noise."""
    picture = torch.randint(256, (1, 3, 64, 48), generator=torch.Generator().manual_seed(0))
    ours, theirs = inception(picture / 127.5 - 1), network(picture.to(torch.uint8))
    for own, original in zip(ours, theirs, strict=True):
        difference = float((own - original).norm() / original.norm())
        if not difference <= TOLERANCE:
            raise ZerosumError(
                f"this torch-fidelity has another Inception-v3 than zerosum knows (features differ by {difference:.1g} "
                f"relatively); install torch-fidelity 0.4"
            )
