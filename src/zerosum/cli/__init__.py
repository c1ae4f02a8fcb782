"""The command line: each command is a module of `commands` that calls one library function."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Sequence

from zerosum import __version__
from zerosum.errors import ZerosumError, unknown
from zerosum.util.console import say, write_anything
from zerosum.util.memory import is_failure

COMMANDS = {
    "train": "train a GAN on a data set or a folder of images",
    "resume": "go on with a stopped run, exactly where it was",
    "sample": "draw pictures, arrays or interpolations from a run",
    "translate": "translate images, with a run of a translator",
    "synthesize": "make a labelled folder of images to train on",
    "classify": "predict the classes of images",
    "features": "train a classifier, whose features SRGAN compares",
    "export": "write a network as an ONNX file",
    "record": "demonstrate in an environment, for a policy to imitate",
    "play": "let a policy act: its returns, and a film",
    "audit": "attack a detector of binary vectors, and let it learn from that",
    "evaluate": "measure how good samples are against real data",
    "compare": "evaluations side by side, if they can be compared",
    "doctor": "say whether a run is healthy, and what to try if not",
    "list": "the recipes, and the runs below a folder",
    "show": "every option of a recipe, with its source and default",
    "check": "hold a game of your own to the contract, a line a rule",
    "data": "check what is in a folder or a known data set",
    "report": "write a run's report.html anew",
    "reproduce": "run a published protocol, and record what came out",
    "theory": "put claims of theory beside measurements, with pictures",
}
FEWER = "ask for less at once, or free some"
FITS = {  # what needs less memory, by command
    "train": "use a smaller --batch-size, a smaller --size, or smaller networks (`--dry-run` says what they need)",
    "resume": "free some: a run goes on with the sizes that it began with",
    "sample": "draw fewer at once (-n), or a run of smaller images",
    "translate": "translate fewer or smaller images at once",
    "synthesize": "make fewer of each class (--per-class)",
    "classify": "classify fewer or smaller images at once",
    "features": "use a smaller --batch-size or a smaller --size",
    "export": "export on a machine with more, or free some",
    "evaluate": "use fewer samples (-n, --real), or an --extractor with fewer features, such as random",
    "data": "choose a smaller --size, or check a part of the data",
}
SPINS = "3000"  # turns of a waiting thread before it sleeps; GNU's OpenMP has 300,000
BEGAN = time.monotonic()  # near enough to the start of the process
INTERRUPTED, WRONG = 130, 2  # exit codes; errors of our own bring theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for what the user can mend, 3 for diverged training, 130 for Ctrl-C.

    `doctor` has a code for each verdict.
    """
    spin_briefly()
    given = list(sys.argv[1:] if arguments is None else arguments)
    write_anything()
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        return _fail(str(error) or "stopped", INTERRUPTED)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ZerosumError as error:
        return _fail(str(error), error.exit_code)
    except Exception as error:
        if is_failure(error):
            return _fail(f"{given[0]}: there is not enough memory; {FITS.get(given[0], FEWER)}", WRONG)
        if not isinstance(error, OSError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", WRONG)
    return code


def spin_briefly() -> None:
    """Let OpenMP's threads wait for each other awake for a short time only, unless the user has said for how long.

    They wait at the end of each operation, and one that waits awake takes the processor from the one that it waits for
    where other programs run, too: small networks then stand still. It counts before PyTorch is imported, and in
    processes that this one begins (`python -m benchmarks.beside` measures it).
    """
    if not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        os.environ["GOMP_SPINCOUNT"] = SPINS


def _dispatch(given: list[str]) -> int:
    command, *rest = given or ["--help"]
    if command in ("-h", "--help", "help"):
        print(_help())
    elif command in ("-V", "--version"):
        print(f"zerosum {__version__}")
    elif command in COMMANDS:
        if "--dry-run" in rest:  # at once: PyTorch alone may take seconds to load
            print("a dry run: nothing is trained, nothing is written", file=sys.stderr, flush=True)
        return importlib.import_module(f"zerosum.cli.commands.{command}").run(rest) or 0
    else:
        raise ZerosumError(unknown("command", command, COMMANDS, "`zerosum --help` shows all"))
    return 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    return f"""zerosum {__version__}: generative adversarial networks

usage: zerosum COMMAND ...

{commands}

`zerosum COMMAND --help` shows a command's flags.

  zerosum train --data photos/            train the default on a folder of images
  zerosum train dcgan --data digits       another recipe, on 5,000 real digits that come along
  zerosum sample runs/RUN --out cats.png  64 samples in one picture"""


def _fail(message: str, code: int) -> int:
    """Print a sentence, once for all processes that stop with it."""
    name = "zerosum"
    if (process := os.environ.get("RANK", "0")) != "0":
        from zerosum.util import distributed

        if distributed.first_tells(message, sys.exception()):
            return code
        name = f"zerosum, process {process}"
    say(f"{name}: {message}", error=True)
    return code
