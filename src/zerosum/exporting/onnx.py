"""A network of a run as an ONNX file, which other programs run without zerosum or PyTorch: `zerosum export`.

| network | inputs | output |
|---|---|---|
| generator | z (B, dim), and y where samples can be asked for | x (B, *shape), images in about [-1, 1] |
| discriminator | x, and y where it judges samples by it | score (B,), the higher the more real |
| classifier | x | logits (B, K); their softmax are probabilities |
| translator | a (B, *shape_a), and the seeds (B,) of its noise where it has any | b (B, *shape_b) |
| translator-back | b, and seeds | a |

y is int64 (B,), the number of a class, or float32 (B, K), a vector. B may be any number, and so may the height and the
width of images of a translator that takes any. The file's metadata tell the
recipe, the step and the names of the classes.
"""

from __future__ import annotations

import copy
import importlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from zerosum.errors import ZerosumError, unknown
from zerosum.game import Game
from zerosum.modality import Classes, Prompt, Tokens
from zerosum.roles import (
    Answers,
    Classifies,
    Completes,
    Discriminates,
    Generates,
    Translates,
    TranslatesBack,
    has_role,
    in_role,
    makes_samples,
)
from zerosum.run import sampling
from zerosum.run.loaded import Run, load
from zerosum.util import checks
from zerosum.util.files import atomic_path
from zerosum.util.packages import install

NetworkName = Literal["generator", "discriminator", "classifier", "translator", "translator-back"]
PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # the extra `onnx`
TRACED, COMPARED = 2, (1, 5)  # samples in the batch that is traced, and in those that are compared afterwards
TOLERANCE = 1e-3  # of the largest output, or of 1 where that is more: an eighth of a step of an 8-bit image
ONE = {0: torch.export.Dim("batch")}  # the dimension that is not fixed
FEWEST = 2  # pixels of a side that is not fixed, of networks that take one of 1, too: what is traced is not that
LARGER = (3, 5)  # pixels by which a side is longer where any size is compared


class Face(NamedTuple):
    """A network as it looks from outside."""

    module: nn.Module
    inputs: Mapping[str, Callable[[int], Tensor]]  # by the names of the arguments of `forward`: makes so many
    output: str
    any_size: str = ""  # the input whose images may have any height and width
    smallest: int = 1  # pixels of the sides of these

    def batch(self, count: int) -> dict[str, Tensor]:
        return {name: make(count) for name, make in self.inputs.items()}

    def compared(self) -> Iterator[dict[str, Tensor]]:
        """Inputs of which the outputs are compared."""
        for count in COMPARED:
            yield self.batch(count)
        if self.any_size:
            batch = self.batch(1)
            yield batch | {self.any_size: nn.functional.pad(batch[self.any_size], (0, LARGER[1], 0, LARGER[0]))}

    def dynamic(self) -> dict[str, dict[int, Any]]:
        """The dimensions of the inputs that are not fixed."""
        dims: dict[str, dict[int, Any]] = dict.fromkeys(self.inputs, ONE)
        if self.any_size:
            sides = [torch.export.Dim(name, min=max(FEWEST, self.smallest)) for name in ("height", "width")]
            dims[self.any_size] = {**ONE, 2: sides[0], 3: sides[1]}
        return dims


def export(run: Run | str | Path, out: str | Path, network: NetworkName | None = None) -> None:
    """Write one network of a run, and compare what onnxruntime makes of the file with what PyTorch makes.

    Args:
        run: a run directory, or what `zerosum.load` returned.
        out: an .onnx file; one that is there is overwritten.
        network: by default the one that makes the samples, or the classifier where none does.

    Raises:
        ZerosumError: the packages are missing, the game has no such network, or the file would compute something else.
    """
    out, run = checks.path("out", out), run if isinstance(run, Run) else load(run)
    network = network or usual(run)
    if network not in (names := get_args(NetworkName)):
        raise ZerosumError(unknown("network", str(network), names))
    if out.suffix != ".onnx" or out.is_dir():
        raise ZerosumError(f"--out {out}: a network is written to an .onnx file")
    if network == "generator" and (has_role(run.game, Completes) or has_role(run.game, Answers)):
        raise ZerosumError(
            f"the generator of {run.record.recipe} writes token by token, each after a choice, which is no one network "
            "to export; `zerosum sample RUN` writes texts"
        )
    runtime = _packages()[-1]
    game = copy.deepcopy(run.game).cpu()
    with sampling.eval_no_grad(game, 0), atomic_path(out) as partial:
        face = _face(network, run, game)
        program = _traced(face, f"the {network} of {run.record.recipe}")
        program.model.metadata_props.update(_metadata(run, network))
        program.save(partial, external_data=False)
        session = runtime.InferenceSession(partial.read_bytes(), providers=["CPUExecutionProvider"])
        for batch in face.compared():
            _compare(session, face, batch, f"the {network} of {run.path}")


def usual(run: Run) -> NetworkName:
    """The network that makes a run's samples; the classifier where there is nothing else."""
    if has_role(run.game, Classifies) and not makes_samples(run.game):
        return "classifier"
    return "translator" if has_role(run.game, Translates) else "generator"


class _Generator(nn.Module):
    def __init__(self, game: Game[Any]):
        super().__init__()
        self.game, self.role = game, in_role(game, Generates)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.role.generate(z, y)


class _Discriminator(nn.Module):
    def __init__(self, game: Game[Any]):
        super().__init__()
        self.game, self.role = game, in_role(game, Discriminates)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.role.score(x, y)


class _Classifier(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        return logits


class _Translator(nn.Module):
    def __init__(self, game: Game[Any], back: bool):
        super().__init__()
        self.game = game
        self.function = in_role(game, TranslatesBack).translate_back if back else in_role(game, Translates).translate

    def forward(self, x: Tensor, seeds: Tensor) -> Tensor:
        return self.function(x, seeds)


def _face(network: NetworkName, run: Run, game: Game[Any]) -> Face:
    if network in ("translator", "translator-back"):
        return _translator(run, game, network == "translator-back")
    shape = run.modality.shape
    labels = {} if run.condition is None else {"y": _labels(run.condition)}
    samples = {"x": lambda count: torch.rand(count, *shape) * 2 - 1}
    if network == "generator":
        prior = in_role(game, Generates).prior
        return Face(_Generator(game), {"z": prior.draw, **labels}, "x")
    if network == "classifier":
        run.classify(torch.empty(0, *shape))  # refuses where there is none
        return Face(_Classifier(in_role(game, Classifies).classifier()), samples, "logits")
    run.score(samples["x"](1), labels["y"](1) if labels else None)  # refuses where D judges no single samples
    return Face(_Discriminator(game), samples | labels, "score")


def _translator(run: Run, game: Game[Any], back: bool) -> Face:
    module, (source, _) = _Translator(game, back), run.direction(back)
    names = (in_role(game, Translates).takes, game.makes)
    given, made = names[::-1] if back else names
    made = made if made != given else "translation"
    inputs: dict[str, Callable[[int], Tensor]] = {
        given: lambda count: torch.rand(count, *source.shape) * 2 - 1,
        "seeds": lambda count: torch.arange(count),
    }
    role = run.translator(back)
    return Face(module, inputs, made, given if role.any_size else "", role.smallest)


def _labels(condition: Prompt) -> Callable[[int], Tensor]:
    if isinstance(condition, Classes):
        return lambda count: torch.arange(count) % condition.size
    if isinstance(condition, Tokens):
        return lambda count: torch.randint(condition.size, (count, condition.length))
    return lambda count: torch.rand(count, condition.size)


def _packages() -> list[Any]:
    try:
        return [importlib.import_module(name) for name in PACKAGES]
    except ImportError as error:
        raise ZerosumError(f"ONNX files need the package {error.name}: {install('onnx')}") from None


def _traced(face: Face, named: str) -> Any:
    """The `torch.onnx.ONNXProgram` of a network, without inputs that it does not use."""
    batch = face.batch(TRACED)
    try:
        with _patient():
            program = torch.onnx.export(
                face.module.eval(),
                tuple(batch.values()),
                input_names=list(batch),
                output_names=[face.output],
                dynamic_shapes=tuple(face.dynamic().values()),
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        why = str(error.__cause__ or error).strip().splitlines()[0]
        raise ZerosumError(f"PyTorch cannot write {named} as ONNX: {why}") from error
    assert program is not None
    inputs = program.model.graph.inputs
    for value in [value for value in inputs if not value.uses()]:
        inputs.remove(value)
    return program


@contextmanager
def _patient() -> Iterator[None]:
    """Leave out what PyTorch's exporter says of itself; what matters is compared afterwards."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _metadata(run: Run, network: NetworkName) -> dict[str, str]:
    return {
        "zerosum": run.record.versions["zerosum"],
        "recipe": run.record.recipe,
        "network": network,
        "step": str(run.step),
        "classes": json.dumps(run.record.data.classes, ensure_ascii=False),
    }


def _compare(session: Any, face: Face, batch: Mapping[str, Tensor], named: str) -> None:
    used, count = [value.name for value in session.get_inputs()], len(next(iter(batch.values())))
    wanted = face.module(*batch.values())
    try:
        (found,) = session.run([face.output], {name: batch[name].numpy() for name in used})
    except Exception as error:  # onnxruntime has no common class of its own
        why = str(error).splitlines()[0]
        raise ZerosumError(
            f"onnxruntime cannot run {named} on {count} samples, so no file was written: {why}"
        ) from error
    difference = float((torch.from_numpy(found) - wanted).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(wanted.abs().max())):
        raise ZerosumError(
            f"{named} as ONNX differs by {difference:.2g} from what PyTorch computes, so no file is written; "
            "does it draw random numbers, or has it diverged?"
        )
