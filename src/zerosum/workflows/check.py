"""Hold a game of a user's to the contract: what `zerosum check` calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

import torch

from zerosum.contract.case import BATCH, EVERYTHING, IMAGES, ROWS, Case, fields, spec_for
from zerosum.contract.rules import PARTITION, RULES
from zerosum.contract.rules.rule import Broken, DoesNotApply, Rule
from zerosum.data.dataset import Progress
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.games import run_file
from zerosum.modality import Image, Modality, Points, Spec
from zerosum.recipe import TECHNIQUES, Recipe, Training
from zerosum.techniques import NONE
from zerosum.util import blame, rng

Verdict = Literal["pass", "FAIL", "skip"]
GUESSES: tuple[Modality, ...] = (IMAGES, Image(1, 28, 28), Points(2))  # where no data is named, the first that fits


@dataclass(frozen=True)
class Finding:
    """What came of one rule."""

    rule: Rule
    verdict: Verdict
    why: str = ""  # what was found and the cure, or why the rule does not apply


@dataclass(frozen=True)
class Checked:
    """A game that can be built and played, and what it was built for."""

    case: Case
    game: Game[Any]
    data: str  # in words

    def findings(self) -> Iterator[Finding]:
        """Each rule in turn, as it has been looked at."""
        broken = False
        for rule in RULES:
            if broken:  # a trainer takes no such game
                yield Finding(rule, "skip", f"it needs what {PARTITION.name} asks")
                continue
            found = ask(rule, self.case)
            broken = rule is PARTITION and found.verdict == "FAIL"
            yield found


def ask(rule: Rule, case: Case) -> Finding:
    """One rule, from random numbers of its own."""
    rng.seed(0)
    try:
        rule.check(case)
    except Broken as error:
        return Finding(rule, "FAIL", str(error))
    except DoesNotApply as error:
        return Finding(rule, "skip", str(error))
    except (Exception, SystemExit) as error:  # of the user's code, or of what it called
        return Finding(rule, "FAIL", blame.sentence(error))
    return Finding(rule, "pass")


def check(where: str, data: str | None = None, batch_size: int = BATCH, progress: Progress | None = None) -> Checked:
    """Build a game, and play a round of it.

    Args:
        where: FILE.py:FUNCTION; the function takes a `Spec`, and options with defaults, and gives a game. A recipe or
            not: `zerosum train` needs the decorator, the rules do not.
        data: whose kinds of data it is built for; by default the recipe's.
        batch_size: samples of a batch, at most 11.
        progress: called as data is read, as for `data.load`.

    Raises:
        ZerosumError: no such file or function, it gives no game, or the user's code fails, with its file and line.
    """
    file, colon, name = where.rpartition(":")
    if not colon or not file.endswith(".py") or not name:
        raise ZerosumError(f"{where!r} names no game; give FILE.py:FUNCTION, as in my_gan.py:images")
    if not 1 <= batch_size <= ROWS:
        raise ZerosumError(f"a batch of {batch_size} cannot be drawn from {ROWS} made-up samples; take 1 to {ROWS}")
    recipe = _recipe(Path(file), name)
    if recipe.data or data:
        return _playable(where, recipe, *spec_for(recipe, data, progress), batch_size)
    failures = []
    for samples in GUESSES:
        try:
            return _playable(where, recipe, fields(recipe.batch, samples), "made-up data", batch_size)
        except ZerosumError as error:
            failures.append(error)
    raise failures[0]


def _playable(where: str, recipe: Recipe, spec: Spec, what: str, batch_size: int) -> Checked:
    """A game for data of these kinds, once it was built and a round was computed."""
    case = Case(recipe, spec, batch_size=batch_size)
    of = " and ".join(dict.fromkeys(map(str, spec.fields.values())))
    rng.seed(0)
    with _blamed(f"{where} cannot be built for {of} ({what})"):
        game = case.game()
    _require_game(where, game)
    if game.batch is not recipe.batch:
        raise ZerosumError(
            f"{where} builds a game that draws {game.batch.__name__}, and its recipe says {recipe.batch.__name__}; "
            f"write @recipe(batch={game.batch.__name__}, ...)"
        )
    with _blamed(f"{where} cannot play a round with {of} ({what})"):
        for _ in game.train().round(case.batch, 0):
            pass
    with _blamed(f"{where} has players() that cannot be used"):
        if not isinstance(players := game.players(), Mapping) or not players:
            raise ZerosumError(
                f"it gives {players!r:.40}; return each player by its name: {{'generator': Player(...)}}"
            )
    return Checked(case, case.game(), what)


def _require_game(where: str, built: object) -> None:
    if not isinstance(built, Game):
        raise ZerosumError(
            f"{where} gives {built!r:.40}, which is no game; return an instance of what inherits zerosum.game.Game"
        )


class _blamed:  # noqa: N801  used as a word of a `with`
    """Exceptions within become a `ZerosumError` with the user's file and line."""

    def __init__(self, begin: str):
        self.begin = begin

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, ZerosumError) and not blame.line(error):
            raise ZerosumError(f"{self.begin}: {error}") from error
        if isinstance(error, Exception | SystemExit):
            raise ZerosumError(f"{self.begin}: {blame.sentence(error)}") from error


def _recipe(path: Path, name: str) -> Recipe:
    """That of the function, or one made of a function without a decorator."""
    module, recipes, source = run_file(path)
    if name in recipes:
        return recipes[name]
    function = vars(module).get(name)
    if not inspect.isfunction(function):
        own = [key for key, value in vars(module).items() if inspect.isfunction(value) and _is_own(value, module)]
        names = ", ".join(dict.fromkeys([*recipes, *own])) or "none"
        raise ZerosumError(f"{path} has no function {name!r} that gives a game; its functions: {names}")
    parameters = list(inspect.signature(function).parameters.values())
    others = parameters[1:]
    if not parameters or any(not is_dataclass(p.default) or isinstance(p.default, type) for p in others):
        raise ZerosumError(
            f"{path}:{name} must take (data: Spec, ...), and after that options with dataclasses as defaults"
        )
    options = {p.name: p.default for p in others} | {TECHNIQUES: NONE}
    batch = _batch(f"{path}:{name}", function)
    summary = (inspect.getdoc(function) or "").split("\n")[0]
    return Recipe(f"{path}:{name}", summary, "", batch, Training(), options, function, source)


def _is_own(function: Callable[..., Any], module: Any) -> bool:
    return function.__module__ == module.__name__


def _batch(where: str, function: Callable[..., Any]) -> type:
    """What the game of a function without a decorator draws: as its annotation says, else as a game that it builds."""
    with _blamed(f"{where} has annotations that cannot be read"):
        game = get_type_hints(function).get("return")
    if isinstance(game, type) and issubclass(game, Game) and game is not Game:
        return game.batch
    with _blamed(f"{where} cannot be built"), torch.random.fork_rng():
        built = function(EVERYTHING)
    _require_game(where, built)
    return built.batch
