"""`zerosum play RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from zerosum.cli.flags import NEWEST, RunPath, Switch, WithRunFlags, flag, parse
from zerosum.errors import ZerosumError
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    run: RunPath
    weights: WithRunFlags = NEWEST
    episodes: Annotated[int, flag("of each policy, whose returns are measured", aliases=["-n"])] = 50
    policy: Annotated[Literal["policy", "clone"], flag("which to film: that of the game, or the clone")] = "policy"
    no_film: Annotated[Switch, flag("measure returns alone", "")] = False
    out: Annotated[Path | None, flag("the film", "RUN/play-seed-N.gif, or RUN/play-clone-seed-N.gif")] = None
    seed: Annotated[int, flag("random seed of the episodes")] = 0


def run(arguments: Sequence[str]) -> None:
    given = parse(
        Arguments, arguments, "play", "Let a run act in its environment: the returns of its policies, and a film."
    )
    from zerosum.workflows.play import play

    if given.no_film and given.out is not None:
        raise ZerosumError(f"--no-film makes no film for --out {given.out}: leave one of them out")
    name = "play" if given.policy == "policy" else f"play-{given.policy}"
    out = given.out or given.run / f"{name}-seed-{given.seed}.gif"
    with progress() as update:
        found = play(
            given.weights.load(given.run),
            episodes=given.episodes,
            policy=given.policy,
            out=None if given.no_film else out,
            seed=given.seed,
            progress=update,
        )
    console = output()
    for line in found.lines():
        console.print(line)
    if found.film is not None:
        say(found.film)
