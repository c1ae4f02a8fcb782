"""The rewritten Inception-v3 against torch-fidelity's own, on the same weights.

The published weights cannot be had everywhere, so these are random ones of the right shapes, with batch statistics far
from 0 and 1. Runs where torch-fidelity and torchvision import.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.metrics import extractors
from zerosum.metrics.extractors import inception

try:
    from torch_fidelity import feature_extractor_inceptionv3 as reference
except Exception as error:  # torchvision raises what it likes where it does not fit to torch
    pytest.skip(f"torch-fidelity does not import here: {type(error).__name__}: {error}", allow_module_level=True)


def randomised() -> Any:
    """torch-fidelity's network; each layer keeps the scale of what passes it."""

    class Blank(reference.FeatureExtractorInceptionV3):  # type: ignore[misc]
        def load_state_dict(self, *_: object, **__: object) -> None:
            """Keep what the constructor drew."""

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = Blank("inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=nothing)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            module.running_mean.normal_(std=0.5)
            module.running_var.uniform_(0.5, 2.0)
    return network


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(0)
    return randomised()


@pytest.fixture(scope="module")
def weights(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def extractor(weights: Path) -> extractors.Extractor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZEROSUM_INCEPTION", str(weights))
        return extractors.find("inception-v3")


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest relative one of a row."""
    return float(((ours - theirs).norm(dim=1) / theirs.norm(dim=1)).max())


@pytest.mark.parametrize("size", [(32, 32), (299, 299), (17, 301), (1, 5)])
def test_features_and_logits_are_the_references(extractor: extractors.Extractor, network: Any, size: tuple[int, int]):
    pictures = torch.randint(256, (3, 3, *size), dtype=torch.uint8)
    theirs, their_logits = network(pictures)
    ours, logits = extractor(pictures / 127.5 - 1)
    assert ours.shape == (3, 2048) and logits is not None and logits.shape == (3, 1008)
    assert difference(ours, theirs) < 1e-5  # the target is 1e-4
    assert difference(logits, their_logits) < 1e-5


def test_every_one_of_the_256_levels_is_kept(extractor: extractors.Extractor, network: Any):
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    theirs, _ = network(levels.expand(-1, 3, -1, -1))
    jitter = (torch.rand(1, 1, 16, 16) - 0.5) * 0.9 / 127.5  # less than half a level: rounding undoes it
    assert difference(extractor(levels / 127.5 - 1 + jitter).features, theirs) < 1e-5
    bright = torch.full((1, 3, 16, 16), 255, dtype=torch.uint8)
    assert difference(extractor(torch.full((1, 3, 16, 16), 1.7)).features, network(bright)[0]) < 1e-5


def test_the_rewriting_leaves_no_batch_norm_and_pools_fewer_channels(network: Any):
    body = inception.Inception(network).body
    assert not any(isinstance(module, nn.BatchNorm2d) for module in body.modules())
    convolutions = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == sum(isinstance(m, nn.Conv2d) for m in network.modules())
    averaged: list[int] = []
    pool = torch.nn.functional.avg_pool2d
    nodes = [node for node in body.graph.nodes if node.target is pool]
    for node in nodes:
        averaged.append(body.get_submodule(node.args[0].target).out_channels)
    assert averaged == [32, 64, 64, 192, 192, 192, 192, 192]  # of 192 to 1280 channels before


def test_a_pooling_that_would_not_keep_the_bias_stays_where_it_is():
    """Zeros counted in at the border would thin out the bias."""

    class Block(nn.Module):
        def __init__(self, counted: bool) -> None:
            super().__init__()
            self.conv, self.counted = nn.Conv2d(3, 2, kernel_size=1), counted

        def forward(self, x: Tensor) -> Tensor:
            y = torch.nn.functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=self.counted)
            return self.conv(y)

    x = torch.randn(2, 3, 6, 6)
    for counted, order in ((True, ["avg_pool2d", "conv"]), (False, ["conv", "avg_pool2d"])):
        block = Block(counted).eval()
        rewritten = inception.accelerated(block)
        assert [node.name for node in rewritten.graph.nodes if node.op.startswith("call")] == order
        torch.testing.assert_close(rewritten(x), block(x))


def test_equal_weights_have_equal_identities_whatever_the_file(
    extractor: extractors.Extractor, network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save_file(network.state_dict(), tmp_path / "inception.safetensors")
    monkeypatch.setenv("ZEROSUM_INCEPTION", str(tmp_path / "inception.safetensors"))
    again = extractors.find("inception-v3")
    assert again.identity == extractor.identity and len(again.identity) == 16
    x = torch.rand(1, 1, 40, 40) * 2 - 1
    assert torch.equal(again(x).features, extractor(x).features)


def test_a_file_of_something_else_is_refused_and_no_code_in_it_runs(tmp_path: Path):
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    other, alone, empty, bomb = (tmp_path / f"{name}.pth" for name in ("other", "alone", "empty", "bomb"))
    torch.save(nn.Linear(2, 2).state_dict(), other)
    torch.save(torch.ones(3), alone)
    empty.write_bytes(b"")
    torch.save(Bomb(), bomb)
    with pytest.raises(ZerosumError, match=r"other weights than torch-fidelity's"):
        inception.load(other)
    with pytest.raises(ZerosumError, match="no table"):
        inception.load(alone)
    with pytest.raises(ZerosumError, match="more than weights"):
        inception.load(bomb)
    for path in (empty, tmp_path / "missing.pth", tmp_path / "missing.safetensors"):
        with pytest.raises(ZerosumError, match=r"cannot read the Inception weights.*ZEROSUM_INCEPTION"):
            inception.load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_network_that_differs_is_noticed(weights: Path, monkeypatch: pytest.MonkeyPatch):
    """Were torch-fidelity's network to change so that rewriting breaks it, loading says so."""
    forward = reference.FeatureExtractorInceptionV3.forward
    monkeypatch.setattr(reference.FeatureExtractorInceptionV3, "forward", lambda self, x: forward(self, x // 2))
    with pytest.raises(ZerosumError, match="another Inception-v3"):
        inception.load(weights)


def test_without_a_file_the_published_weights_are_fetched_with_their_checksum(
    network: Any, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[str, dict[str, Any]]] = []

    def fetch(url: str, **options: Any) -> Any:
        asked.append((url, options))
        return network.state_dict()

    monkeypatch.delenv("ZEROSUM_INCEPTION", raising=False)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    inception.load()
    ((url, options),) = asked
    assert url.endswith("weights-inception-2015-12-05-6726825d.pth")
    assert options == {"map_location": "cpu", "check_hash": True, "weights_only": True}

    def fail(url: str, **_: object) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    with pytest.raises(ZerosumError, match=r"no route to host.*ZEROSUM_INCEPTION"):
        inception.load()
