"""The file of a classifier's weights: what was written is read, and all else is refused in one sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from zerosum.errors import ZerosumError
from zerosum.networks.pretrained import KEY, About, read, read_features, write
from zerosum.networks.vgg import Classifier

ABOUT = About(3, ("cat", "犬"), "photos", "0" * 16, 0.75, "a tenth of photos", 4, 10, 8, False, 0, "0.1.0")
TENSORS = dict[str, torch.Tensor]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "f.safetensors", Classifier(3, 2), ABOUT)
    return tmp_path / "f.safetensors"


def refused(path: Path) -> str:
    with pytest.raises(ZerosumError) as told:
        read(path)
    said = str(told.value)
    assert str(path) in said and "\n" not in said and told.value.exit_code == 2
    return said


def rewritten(path: Path, change: Callable[[TENSORS], None] = lambda _: None, **fields: object) -> str:
    """What is said of the file with other weights, or with other words on them."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        document = json.loads(file.metadata()[KEY])
    change(tensors)
    save_file(tensors, path, {KEY: json.dumps({k: v for k, v in (document | fields).items() if v is not None})})
    return refused(path)


def test_what_was_written_is_read(path: Path) -> None:
    network, about = read(path)
    assert about == ABOUT and not network.training
    assert all(torch.equal(value, load_file(path)[name]) for name, value in network.state_dict().items())
    state = read_features(path, 3)
    assert {f"features.{name}" for name in state} < network.state_dict().keys()
    assert read_features(path, 1)["blocks.0.convolutions.0.weight"].shape == (32, 1, 3, 3)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_refused(path: Path, channels: int) -> None:
    with pytest.raises(ZerosumError, match=rf"of images with 3 channels .photos., and these have {channels} channels"):
        read_features(path, channels)


def test_grey_features_do_not_serve_colour(path: Path) -> None:
    write(path, Classifier(1, 2), replace(ABOUT, channels=1))
    with pytest.raises(ZerosumError, match=r"with 1 channel .*and these have 3 channels; train some"):
        read_features(path, 3)


def test_what_is_no_such_file(path: Path, tmp_path: Path) -> None:
    assert "there is no file" in refused(tmp_path / "other.safetensors")
    assert "cannot be read" in refused(tmp_path)
    whole = path.read_bytes()
    for content in (b"", b"\x89PNG", os.urandom(300), whole[:-1], whole[: len(whole) // 2], whole[:100], whole + b"x"):
        path.write_bytes(content)
        assert "is no whole .safetensors file" in refused(path)
    save_file({"x": torch.zeros(2)}, path)
    assert "was not written by `zerosum features`" in refused(path)
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert "it is a pipe" in refused(tmp_path / "pipe.safetensors")


def test_what_the_header_says_is_checked(path: Path) -> None:
    whole = path.read_bytes()
    for fields, said in (
        ({"format": 99}, "newer zerosum"),
        ({"format": None}, "no format number"),
        ({"channels": 0}, "channels: "),
        ({"channels": "3"}, "channels: "),
        ({"channels": 10**9}, "not (32, 1000000000, 3, 3)"),
        ({"channels": 10**18}, "channels: "),
        ({"channels": 10**30}, "channels: "),
        ({"channels": True}, "channels: "),
        ({"classes": ["cat"]}, "classes: "),
        ({"classes": ["a", "b", "c"]}, "linear.weight is (2, 256)"),
        ({"accuracy": 1.5}, "accuracy: "),
        ({"seed": None}, "seed: "),
        ({"more": 1}, "more: "),
        ({"a\n\x1b[31m": 1}, "[31m: "),
    ):
        path.write_bytes(whole)
        assert said in rewritten(path, **fields), fields


@pytest.mark.parametrize("metadata", ["null", "{}", '{"other": "x"}', "[]", '"x"', "1", f'{{"{KEY}": null}}'])
def test_a_header_that_says_nothing(path: Path, metadata: str) -> None:
    header = b'{"__metadata__": %b, "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}' % metadata.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    said = refused(path)
    assert "its header says nothing of a classifier" in said or "is no whole .safetensors file" in said


@pytest.mark.parametrize("document", ["null", "[]", "1", '"x"', "{", "{}", "[" * 10**5, "9" * 5000, '{"format": 1}'])
def test_a_document_that_is_none(path: Path, document: str) -> None:
    save_file(load_file(path), path, {KEY: document})
    assert "holds no features that can be used (" in refused(path)


def test_weights_are_checked(path: Path) -> None:
    whole, name = path.read_bytes(), "features.blocks.1.convolutions.0.weight"

    def spoil(value: float) -> Callable[[TENSORS], None]:
        return lambda tensors: tensors[name].view(-1)[7].fill_(value)  # type: ignore[return-value]

    changes: list[tuple[Callable[[TENSORS], object], str]] = [
        (lambda tensors: tensors.pop(name), f"it lacks {name}"),
        (lambda tensors: tensors.update(more=torch.zeros(1)), "it has more, which"),
        (lambda tensors: tensors.update({"a\n\x1b[31m": torch.zeros(1)}), "[31m, which this network has not"),
        (lambda tensors: tensors.update({name: torch.zeros(64, 32, 1, 1)}), "is (64, 32, 1, 1) of float32, not"),
        (lambda tensors: tensors.update({name: tensors[name].half()}), "of float16, not"),
        (spoil(float("nan")), f"{name} holds numbers that are not finite"),
        (spoil(float("-inf")), f"{name} holds numbers that are not finite"),
        (lambda tensors: tensors["features.scales"].zero_(), "features.scales is not above 0"),
        (lambda tensors: tensors["features.deviation"].neg_(), "features.deviation is not above 0"),
    ]
    for change, said in changes:
        path.write_bytes(whole)
        assert said in rewritten(path, change)  # type: ignore[arg-type]
