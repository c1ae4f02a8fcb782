"""`zerosum check FILE.py:FUNCTION`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.util.console import output, progress

ABOUT = """Hold a game of your own to the contract that every recipe keeps.

Each rule is a line: pass, FAIL with what was found and the cure, or skip. The exit code is 1 if a rule is broken, and
2 if there is no game to check. The file is run; nothing is written."""
STYLES = {"pass": "green", "FAIL": "bold red", "skip": "yellow"}


@dataclass(frozen=True)
class Arguments:
    game: Annotated[
        Positional[str],
        flag("FILE.py:FUNCTION; the function takes a Spec and gives a game", metavar="FILE.py:FUNCTION"),
    ]
    data: Annotated[str | None, flag("data whose kind and size the game is built for", "the recipe's")] = None
    batch_size: Annotated[int, flag("samples in a batch")] = 4


def run(arguments: Sequence[str]) -> int:
    options = parse(Arguments, arguments, "check", ABOUT)
    from zerosum.workflows.check import check

    with progress() as update:
        checked = check(options.game, options.data, options.batch_size, update)
    console, game = output(), checked.game
    made = checked.case.spec.fields[game.makes]
    console.print(
        f"{options.game}: {type(game.core).__name__}, {made} ({checked.data}), players {' and '.join(game.players())}",
        markup=False,
    )
    tally = {"pass": 0, "FAIL": 0, "skip": 0}
    for found in checked.findings():
        tally[found.verdict] += 1
        mark = Text(found.verdict, STYLES[found.verdict])
        console.print(mark.append(f"  {found.rule.name}: {found.why or found.rule.promise}", "default not bold"))
    left_out = f"{tally['skip']} {'does' if tally['skip'] == 1 else 'do'} not apply"
    console.print(f"{tally['pass']} of {tally['pass'] + tally['FAIL']} rules hold, {left_out}")
    return 1 if tally["FAIL"] else 0
