"""`zerosum audit DATA`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from zerosum.cli.flags import DataDir, Switch, flag, parse
from zerosum.cli.output import table
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    data: Annotated[
        Positional[str],
        flag("vectors of 0 and 1 with their classes: a .csv or .npz file, or bits, which are drawn", metavar="DATA"),
    ]
    detector: Annotated[
        Literal["forest", "logistic", "tree", "svm", "mlp", "vote"], flag("scikit-learn's, which learns from them")
    ] = "forest"
    malicious: Annotated[
        str | None, flag("the class that is to be detected", "the one called so, malware, bad, 1 ...")
    ] = None
    changeable: Annotated[
        Path | None, flag("a file with the names or numbers of the features that may be added, one a line", "all may")
    ] = None
    knows: Annotated[
        Literal["different", "same"], flag("MalGAN learns from other vectors than the detector, or from the same")
    ] = "different"
    steps: Annotated[int, flag("of MalGAN, in an attack")] = 3_000
    rounds: Annotated[int, flag("attacks, after each of which the detector learns from what it missed")] = 2
    paper: Annotated[Switch, flag("MalGAN as in the paper, without what zerosum adds", "")] = False
    seed: Annotated[int, flag("random seed")] = 0
    out: Annotated[Path, flag("a new folder, for audit.json, audit.png and the vectors of each attack")] = Path("audit")
    data_dir: DataDir = None


def run(arguments: Sequence[str]) -> None:
    given = parse(
        Arguments,
        arguments,
        "audit",
        "Attack a detector of binary vectors by MalGAN, let it learn from that, and attack again. Vectors alone are "
        "made, no programs.",
    )
    from zerosum.data.binary.table import names_in
    from zerosum.workflows.audit import OWN, PAPER, audit

    with progress() as update:
        found = audit(
            given.data,
            given.detector,
            out=given.out,
            malicious=given.malicious,
            changeable=None if given.changeable is None else names_in(given.changeable),
            knows=given.knows,
            steps=given.steps,
            rounds=given.rounds,
            seed=given.seed,
            config=PAPER if given.paper else OWN,
            data_dir=given.data_dir,
            progress=update,
        )
    console = output()
    attacks = [f"attack {k}" for k, _ in enumerate(found.rounds, 1)]
    shown = table("", *attacks, right=attacks)
    shares: dict[str, Sequence[float | None]] = {
        "detected (true-positive rate)": [one.detected for one in found.rounds],
        "under attack": [one.attacked for one in found.rounds],
        "as many features at random": [one.at_random for one in found.rounds],
        "under attack, after learning": [one.retrained for one in found.rounds],
        "false alarms": [one.false_alarms for one in found.rounds],
        "false alarms, after learning": [one.false_alarms_after for one in found.rounds],
    }
    for name, values in shares.items():
        shown.add_row(name, *("-" if value is None else f"{100 * value:.1f} %" for value in values))
    shown.add_row("features added", *(f"{one.added:.1f}" for one in found.rounds))
    shown.add_row("answers given", *(f"{one.queries:,}" for one in found.rounds))
    console.print(shown)
    for line in found.lines():
        console.print(line)
    say(given.out)
