"""The long form of the torture tests: `python -m tests.torture COMMAND [numbers]`; each prints what it counted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from tests.torture import disks, flips, fuzz, kills, memory

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "kills": kills.main,
    "flips": flips.main,
    "disks": disks.main,
    "fuzz": fuzz.main,
    "memory": memory.main,
}


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m tests.torture {{{','.join(COMMANDS)}}} [arguments; --help shows them]")
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
