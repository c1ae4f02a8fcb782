"""Flags: one help line and one default each, refusals in one line, and those of a recipe read from its options."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field, is_dataclass, make_dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import tyro
from tyro.conf import DisallowNone, FlagCreatePairsOff, Positional

from zerosum.errors import ZerosumError, unknown
from zerosum.options import KIND, help_of, hints, kind_of, kinds, rows

if TYPE_CHECKING:
    from zerosum.run.loaded import Run

T = TypeVar("T")


def _default(label: str) -> str:
    return f"(default: {'none' if label in ('None', '') else label})"


def flag(meaning: str, default: str | None = None, **other: Any) -> Any:
    """A flag's line of help, for `Annotated`.

    Args:
        default: in words, where it is computed; "" for a flag that need not say it. By default the field's own.
        other: more of what `tyro.conf.arg` takes.
    """
    hint = _default if default is None else f"(default: {default})" if default else ""
    return tyro.conf.arg(help=meaning, help_behavior_hint=hint, **other)


Switch = FlagCreatePairsOff[bool]  # --last, without --no-last
RunPath = Annotated[Positional[Path], flag("the run directory", metavar="RUN")]
DataDir = Annotated[
    Path | None, flag("a folder to look for published data sets in first", "$ZEROSUM_DATA, else the cache")
]
Size = tuple[int] | tuple[int, int] | None
READ_AS = "of image files, the values that become black and white, as 0 4095 of 12 bits stored in 16"
FRAMES = "of image files with several pages or frames: the first, or all, each a sample with its file's label"
ValueRange = Annotated[tuple[float, float] | None, flag(READ_AS, "all of the files' type, or what they say")]
LikeValueRange = Annotated[tuple[float, float] | None, flag(READ_AS, "as the run's data, or all of the type")]
LikeFrames = Annotated[Literal["first", "all"] | None, flag(FRAMES, "as the run's data, or first")]
ALPHA = "of image files, what is transparent: laid over white, or kept, so that all are images of 4 channels, RGBA"
LikeAlpha = Annotated[Literal["white", "keep"] | None, flag(ALPHA, "as the run's data, or white")]
AnyAlpha = Annotated[Literal["white", "keep"], flag(ALPHA)]
AnyFrames = Annotated[Literal["first", "all"], flag(FRAMES)]
AnyTask = Annotated[
    Literal["denoise", "inpaint", "colorize", "superres", "deblur", "edges", "invert"] | None,
    flag("make pairs of any images: each is the target, and spoiled by this task the input", ""),
]
Strength = Annotated[
    float | None,
    flag("of the task: deviation of noise (of 255) or blur (pixels), side of the hole, factor, height of edges", ""),
]
AnyDevice = Annotated[str | None, flag("cpu, cuda, cuda:1 ...", "a GPU where there is one")]
Truncation = Annotated[
    float | None,
    flag(
        "truncation: of z, in standard deviations; of texts, the probability of the likeliest tokens. Less is more "
        "typical, and less varied",
        "the recipe's",
    ),
]
RecipeFile = Annotated[str | None, flag("FILE.py:FUNCTION, for a run of a recipe from outside zerosum", "")]


@dataclass(frozen=True)
class RunFlags:
    """Which weights of a run are loaded, and where."""

    last: Annotated[Switch, flag("the weights of the last step, not their EMA", "")] = False
    checkpoint: Annotated[int | None, flag("training step of the checkpoint", "the newest")] = None
    recipe: RecipeFile = None
    device: Annotated[str, flag("cpu, cuda, cuda:1 ...")] = "cpu"

    def load(self, run: Path) -> Run:
        """The run in a directory, as the flags say."""
        from zerosum.run.loaded import load

        return load(run, average=not self.last, checkpoint_step=self.checkpoint, recipe=self.recipe, device=self.device)


NEWEST = RunFlags()
WithRunFlags = Annotated[RunFlags, tyro.conf.arg(name="")]  # the type of a field whose flags have no prefix


def sides(size: Size) -> tuple[int, int] | None:
    """(H, W) of what a flag of a size was given: a side, or both."""
    return (size[0], size[-1]) if size else None


def parse(
    cls: type[T],
    arguments: Sequence[str],
    command: str,
    description: str,
    *,
    elsewhere: Mapping[str, str] | None = None,
    config: Sequence[Any] = (DisallowNone,),
) -> T:
    """An instance from flags; `--help` prints and exits.

    Args:
        elsewhere: flags that only another choice has, each with what has it and how to choose that.

    Raises:
        ZerosumError: a flag that does not exist, a value that a flag does not take, an empty or a missing one.
    """
    if empty := [before for before, word in pairwise(["", *arguments]) if word == ""]:
        name = empty[0] if empty[0].startswith("-") else "an argument"
        raise ZerosumError(f"{name} is empty, as a variable that is not set is: give it a value, or leave it out")
    try:
        with redirect_stderr(io.StringIO()):
            return tyro.cli(cls, args=arguments, prog=f"zerosum {command}", description=description, config=config)
    except SystemExit as stop:
        if not stop.code:
            raise
    usage = _usage(_printed(cls, ["--help"], config))
    for name in map(_name, arguments):
        if elsewhere and name in elsewhere and name not in usage:
            raise ZerosumError(f"{name} is an option of {elsewhere[name]}")
        if name[:2] == "--" < name and name not in usage:
            raise ZerosumError(unknown("flag", name, usage, f"`zerosum {command} --help` shows all"))
    raise ZerosumError(_refusal(_printed(cls, arguments, config), arguments, usage))


def flags(name: str, default: object, members: Mapping[str, Any] | None = None) -> type:
    """A dataclass like that of `default`, for tyro: bounds dropped (options are validated later), help put in.

    Args:
        members: the kinds that there are, where `default` is one of several.
    """
    own: list[tuple[str, Any, Any]] = []
    if members:
        own.append(("kind", Annotated[Literal[tuple(members)], flag(KIND)], field(default=kind_of(default))))
    for option, hint in hints(type(default)).items():
        value = getattr(default, option)
        if is_dataclass(value):
            nested = flags(option, value, kinds(hint))
            own.append((option, nested, field(default_factory=nested)))
        elif option != "kind":
            own.append((option, Annotated[_bare(hint), flag(help_of(hint))], _field(value)))
    return make_dataclass(name, own, frozen=True)


def changed(parsed: Any, default: object) -> dict[str, Any]:
    """What differs from `default` in an instance that tyro made from `flags`: plain values, nested."""
    values: dict[str, Any] = {}
    for option, hint in hints(type(default)).items():
        if option == "kind":
            continue
        given, usual = getattr(parsed, option), getattr(default, option)
        if is_dataclass(usual):
            own = {}
            if (members := kinds(hint)) and given.kind != kind_of(usual):
                own, usual = {"kind": given.kind}, members[given.kind]()
            if own := own | changed(given, usual):
                values[option] = own
        elif given != usual:
            values[option] = given
    return values


def with_kinds(default: Any, arguments: Sequence[str], prefix: str = "") -> Any:
    """`default` with the kinds that flags such as `--optimizer.kind sgd` choose, each with its own defaults."""
    other: dict[str, Any] = {}
    for option, hint in hints(type(default)).items():
        value, name = getattr(default, option), f"{prefix}{option}."
        if is_dataclass(value):
            cls = kinds(hint).get(values_of(arguments, [_name(f"--{name}kind")]))
            other[option] = with_kinds(cls() if cls and not isinstance(value, cls) else value, arguments, name)
    return replace(default, **other)


def of_other_kinds(default: object, prefix: str = "") -> dict[str, str]:
    """The flags of every kind there is: "--optimizer.momentum", an option of "sgd; add --optimizer.kind sgd"."""
    found: dict[str, str] = {}
    for option, hint in hints(type(default)).items():
        for kind, cls in kinds(hint).items():
            name = f"--{prefix}{option}.".replace("_", "-")
            for row in rows(cls()):
                found.setdefault(f"{name}{row.name.replace('_', '-')}", f"{kind}; add {name}kind {kind}")
    return found


def _printed(cls: Any, arguments: Sequence[str], config: Sequence[Any]) -> str:
    """What tyro prints, in plain letters and one column, which it chooses by standard output and its width."""
    text, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        with redirect_stdout(text), redirect_stderr(text), suppress(SystemExit):
            tyro.cli(cls, args=arguments, config=config)
    finally:
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
    return text.getvalue()


def _usage(page: str) -> dict[str, str]:
    """Each flag of a page of help, and what it takes."""
    whole = re.sub(r" *\n  (?=[^\s-])", " ", page)  # flags whose values are many go on in the next line
    entries = re.findall(r"^  (-.*?)(?: {2,}.*| *)$", whole, re.MULTILINE)
    return {name: takes for entry in entries for name, takes in re.findall(r"(--?[a-z][\w.-]*)((?: (?!-)\S+)*)", entry)}


def _refusal(box: str, arguments: Sequence[str], usage: Mapping[str, str]) -> str:
    """What tyro refuses in its box, as one sentence."""
    *_, rows = re.split("-{9,}", box)[:2]  # below the title, above the hints
    words = " ".join(rows.split())
    if "Missing from" in rows:
        names = re.findall(r"^ {6}(\S.*?) *$", rows, re.MULTILINE)
        return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
    if choice := re.search(r"invalid choice '(.*?)' for argument '(.*?)'\. Expected one of \((.*?),?\)", words):
        *others, last = choice[3].replace("'", "").split(", ")
        known = f"{', '.join(others)} or {last}" if others else f"{last} alone"
        return f"{choice[2]} takes {known}, not {choice[1]!r}"
    if wrong := re.search(r"(?:Error parsing |argument ')([^\s:']+)", words):
        *_, name = names = wrong[1].split("/")  # -n/--samples
        takes = usage.get(name, "").strip().replace("{None}|", "None or ")
        values = values_of(arguments, names)
        return f"{name} takes {takes}, not {values!r}" if values else f"{name} needs a value: {takes}"
    return words.replace("Unrecognized options", "unexpected arguments")


def _name(argument: str) -> str:
    return argument.partition("=")[0].replace("_", "-")


def values_of(arguments: Sequence[str], names: Sequence[str]) -> str:
    """What follows the last of `names` on a command line, up to the next flag."""
    values: list[str] = []
    for argument in reversed(arguments):
        if _name(argument) in names:
            return " ".join([*argument.partition("=")[2:], *values]).strip()
        values = [] if argument.startswith("--") else [argument, *values]
    return ""


def _field(value: object) -> Any:
    return field(default_factory=lambda: dict(value)) if isinstance(value, Mapping) else field(default=value)


def _bare(hint: Any) -> Any:
    """An annotation without metadata, at any depth."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bare(arguments[0])
    if origin is None or origin is Literal:
        return hint
    bare = tuple(_bare(argument) for argument in arguments)
    return Union[bare] if origin in (UnionType, Union) else origin[bare]  # noqa: UP007  a tuple of members
