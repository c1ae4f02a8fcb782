"""`zerosum export RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from zerosum.cli.flags import NEWEST, RunPath, WithRunFlags, flag, parse
from zerosum.exporting.onnx import NetworkName, export, usual
from zerosum.util.console import say


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    network: Annotated[
        NetworkName | None, flag("which network", "the one that makes the samples, or the classifier")
    ] = None
    out: Annotated[Path | None, flag("FILE.onnx", "RUN/NETWORK.onnx")] = None
    weights: WithRunFlags = NEWEST


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "export", "Write a network of a run as an ONNX file, and check it.")
    loaded = given.weights.load(given.run)
    network = given.network or usual(loaded)
    out = given.out or given.run / f"{network}.onnx"
    export(loaded, out, network)
    say(out)
