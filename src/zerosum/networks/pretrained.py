"""The file of a trained `vgg.Classifier`: one .safetensors, whose header says what it was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.networks import vgg
from zerosum.util import files, formats
from zerosum.util.memory import OutOfMemoryError
from zerosum.util.text import abbreviate, legible

SUFFIX = ".safetensors"
KEY = "zerosum-features"  # in the header's metadata, where all values are strings
MIGRATIONS: formats.Migrations = {}
MADE_BY = "`zerosum features --data cifar10 --out FILE.safetensors` trains one"


@dataclass(frozen=True)
class About:
    """What is known of a trained classifier, beside its weights."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    channels: Annotated[int, Gt(0), Le(2**31 - 1)]  # of its images; PyTorch cannot count the weights of 10^18
    classes: Annotated[tuple[str, ...], MinLen(2)]
    data: str  # what it was trained on
    fingerprint: str  # of that
    accuracy: Annotated[float, Ge(0), Le(1)]  # on what it was not trained on
    tested_on: str  # what that was
    tested: Annotated[int, Gt(0)]  # images of it
    steps: Annotated[int, Gt(0)]
    batch_size: Annotated[int, Gt(0)]
    flip: bool
    seed: int
    version: str  # of zerosum


def write(path: Path, network: vgg.Classifier, about: About) -> None:
    """Write weights and what is known of them; to be called with a path that appears as a whole (`atomic_path`)."""
    document = json.dumps({"format": formats.newest(MIGRATIONS), **asdict(about)}, ensure_ascii=False)
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    path.write_bytes(save(tensors, {KEY: document}))


def read(path: Path) -> tuple[vgg.Classifier, About]:
    """The classifier in a file, in evaluation mode, and what is known of it.

    Raises:
        ZerosumError: there is no such file, it was not written by `zerosum features`, or it is damaged: names, shapes,
            types and finiteness of all weights are looked at.
    """
    about, tensors = _read(path)
    network = vgg.Classifier(about.channels, len(about.classes)).eval()
    network.load_state_dict(tensors)
    return network, about


def read_features(path: Path, channels: int) -> dict[str, Tensor]:
    """The weights of `vgg.Features` in a file, for images of so many channels. Raises as `read` does.

    Those of a colour network serve grey images, too, whose features are those of three equal channels.
    """
    about, tensors = _read(path)
    prefix = "features."
    state = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    if (about.channels, channels) == (3, 1):
        return vgg.in_grey(state)
    if about.channels != channels:
        raise ZerosumError(
            f"the features in {path} are of images with {_counted(about.channels)} ({legible(about.data)}), and these "
            f"have {_counted(channels)}; train some on such images with `zerosum features`"
        )
    return state


def _counted(channels: int) -> str:
    return f"{channels} channel{'' if channels == 1 else 's'}"


def _read(path: Path) -> tuple[About, dict[str, Tensor]]:
    try:
        content = files.read_bytes(path)
        tensors = load(content)  # raises for all whose header is not as the file is long
    except FileNotFoundError:
        raise ZerosumError(f"there is no file {path} with features; {MADE_BY}") from None
    except (OSError, ValueError) as error:  # a ValueError is of a path that can be none
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ZerosumError(f"{path} cannot be read: {why}; give a file that `zerosum features` wrote") from error
    except OutOfMemoryError as error:
        raise ZerosumError(f"{error}; give a file that `zerosum features` wrote") from error
    except (SafetensorError, KeyError) as error:  # a KeyError is of a type of numbers that PyTorch lacks
        raise ZerosumError(
            f"{path} is no whole {SUFFIX} file ({str(error).strip() or type(error).__name__}); {MADE_BY}"
        ) from error
    about = _about(path, content)
    with torch.device("meta"):  # sizes alone: a file may claim any
        expected = vgg.Classifier(about.channels, len(about.classes)).state_dict()
    _require_weights(path, expected, tensors)
    return about, tensors


def _about(path: Path, content: bytes) -> About:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])  # which safetensors has parsed already
    metadata = header.get("__metadata__")
    document = metadata.get(KEY) if isinstance(metadata, dict) else None
    if document is None:
        raise ZerosumError(f"{path} was not written by `zerosum features`: its header says nothing of a classifier")
    try:
        fields = formats.upgrade(json.loads(document), MIGRATIONS)
        return TypeAdapter(About).validate_json(json.dumps(fields), strict=True)
    except formats.NewerFormatError as error:
        raise ZerosumError(f"{path} {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(path, legible(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error) or "its header is nested too deeply") from error


def _require_weights(path: Path, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    if missing := [name for name in expected if name not in found]:
        raise _damaged(path, f"it lacks {', '.join(abbreviate(missing))}")
    if unknown := [name for name in found if name not in expected]:
        raise _damaged(path, f"it has {legible(', '.join(abbreviate(unknown)))}, which this network has not")
    for name, wanted in expected.items():  # in the network's order: that of the file is another at each reading
        value = found[name]
        if (value.shape, value.dtype) != (wanted.shape, wanted.dtype):
            said = f"{tuple(value.shape)} of {value.dtype}, not {tuple(wanted.shape)} of {wanted.dtype}"
            raise _damaged(path, f"{name} is {said}".replace("torch.", ""))
        if not bool(value.isfinite().all()):
            raise _damaged(path, f"{name} holds numbers that are not finite")
    for name in ("features.deviation", "features.scales"):
        if not bool((found[name] > 0).all()):
            raise _damaged(path, f"{name} is not above 0")


def _damaged(path: Path, why: str) -> ZerosumError:
    return ZerosumError(f"{path} holds no features that can be used ({why}); {MADE_BY}")
