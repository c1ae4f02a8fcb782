"""`zerosum record ENVIRONMENT`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.util.console import output, progress, say


@dataclass(frozen=True)
class Arguments:
    environment: Annotated[
        Positional[str], flag("as Gymnasium calls it: CartPole-v1, PACKAGE:NAME ...", metavar="ENVIRONMENT")
    ]
    out: Annotated[Path, flag("a new .npz file, for `zerosum train gail --data`")] = Path("demonstrations.npz")
    expert: Annotated[
        str | None,
        flag(
            "who demonstrates: rule, which is written down for classic environments; learnt, by the environment's own "
            "rewards, now; random; a run directory; or FILE.py:FUNCTION of states (N, S) to actions",
            "rule, else learnt",
        ),
    ] = None
    episodes: Annotated[int, flag("how many are demonstrated", aliases=["-n"])] = 10
    every: Annotated[int, flag("keep of each episode every so-many-th step, from a random one on")] = 1
    rounds: Annotated[int, flag("of learning, of 5,000 steps each, where the expert learns")] = 100
    seed: Annotated[int, flag("random seed")] = 0


def run(arguments: Sequence[str]) -> None:
    given = parse(
        Arguments, arguments, "record", "Record what an expert does in an environment, for others to imitate."
    )
    from zerosum.workflows.record import record

    with progress() as update:
        found = record(
            given.environment,
            given.out,
            expert=given.expert,
            episodes=given.episodes,
            every=given.every,
            rounds=given.rounds,
            seed=given.seed,
            progress=update,
        )
    console = output()
    for line in found.lines():
        console.print(line)
    say(found.path)
