"""`zerosum show RECIPE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, cast

from rich.text import Text
from tyro.conf import Positional

from zerosum.cli.flags import flag, parse
from zerosum.cli.output import table
from zerosum.games import find
from zerosum.optim import Cosine, Optimizer, scheduled
from zerosum.options import Option, hints, rows
from zerosum.recipe import Recipe
from zerosum.util.console import output


@dataclass(frozen=True)
class Arguments:
    recipe: Annotated[
        Positional[str], flag("a recipe, as `zerosum list` names it, or FILE.py:FUNCTION", metavar="RECIPE")
    ]


def run(arguments: Sequence[str]) -> None:
    given = parse(Arguments, arguments, "show", "Every option of a recipe, with its source and default.")
    recipe = find(given.recipe)
    console = output()
    head = Text.assemble((recipe.name, "bold"), f"  {recipe.summary}\nTrains on {recipe.data} by default.\n")
    console.print(head)
    shown = table("flag", "default", "meaning")
    shown.columns[0].no_wrap = True
    for option in options(recipe):
        default = "none" if option.default is None else str(option.default)
        name, source = f"--{option.name.replace('_', '-')}", f" ({option.type}; {option.source})"
        shown.add_row(name, Text(default), Text(option.help).append(source, style="dim"))
    console.print(shown)
    if lines := list(schedules(recipe)):
        console.print("\nAs training goes, at its start, in its middle and at its end:")
        console.print("\n".join(lines))


def schedules(recipe: Recipe) -> Iterator[str]:
    """A line for each number that changes in a training of the recipe's length."""
    training, batch = recipe.training, recipe.training.batch_size
    steps = (0, training.steps // 2, training.steps)
    for name, value in _values({"training": training, **recipe.options}, next(iter(recipe.options))):
        changing: dict[str, list[float]] = {}
        if isinstance(value, Cosine):
            changing[name] = [value(step * batch) for step in steps]
        elif is_dataclass(value) and "decay" in hints(type(value)):
            for step in steps:
                for key, number in scheduled(cast(Optimizer, value), step, training.steps, batch).items():
                    changing.setdefault(f"{name}.{key}", []).append(number)
        for flag_name, numbers in changing.items():
            if len({*numbers}) > 1:
                yield f"{flag_name.replace('_', '-')}: {', '.join(f'{number:.4g}' for number in numbers)}"


def _values(options: Mapping[str, Any], first: str) -> Iterator[tuple[str, object]]:
    """Every value of the options that is made of several numbers, by the name that its flags begin with."""
    for parameter, instance in options.items():
        prefix = "" if parameter in ("training", first) else f"{parameter}."
        for name in hints(type(instance)):
            if is_dataclass(value := getattr(instance, name)):
                yield f"--{prefix}{name}", value


def options(recipe: Recipe) -> list[Option]:
    """All options of a recipe, as flags name them."""
    first, *others = recipe.options
    found = [*rows(recipe.options[first]), *(o for name in others for o in rows(recipe.options[name], f"{name}."))]
    return [*found, *rows(recipe.training)]
