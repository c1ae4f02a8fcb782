"""Flags from options: the dataclass of a command line is made from the annotations of option dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, is_dataclass, make_dataclass
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import tyro

from zerosum.options import help_of, hints

T = TypeVar("T")
QUIET = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff)


def flags(name: str, default: object) -> type:
    """A dataclass like that of `default`, for tyro: bounds dropped (options are validated later), help put in."""
    made: list[tuple[str, Any, Any]] = []
    for option, hint in hints(type(default)).items():
        value = getattr(default, option)
        if is_dataclass(value):
            nested = flags(option, value)
            made.append((option, nested, field(default_factory=nested)))
        elif option != "kind":
            made.append((option, Annotated[_bare(hint), tyro.conf.arg(help=_escaped(help_of(hint)))], _field(value)))
    return make_dataclass(name, made, frozen=True)


def changed(parsed: object, default: object) -> dict[str, Any]:
    """What differs from `default` in an instance that tyro made from `flags`: plain values, nested."""
    values: dict[str, Any] = {}
    for option in hints(type(default)):
        if option == "kind":
            continue
        given, usual = getattr(parsed, option), getattr(default, option)
        if is_dataclass(usual):
            if inner := changed(given, usual):
                values[option] = inner
        elif given != usual:
            values[option] = given
    return values


def parse(cls: type[T], arguments: Sequence[str], command: str, description: str) -> T:
    """An instance from flags; prints help, or what is wrong with a flag, and exits."""
    return tyro.cli(
        cls,
        args=arguments,
        prog=f"zerosum {command}",
        description=description,
        config=(tyro.conf.OmitSubcommandPrefixes,),
    )


def _field(value: object) -> Any:
    return field(default_factory=lambda: dict(value)) if isinstance(value, Mapping) else field(default=value)


def _bare(hint: Any) -> Any:
    """An annotation without metadata, at any depth."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) is None or not get_args(hint):
        return hint
    arguments = tuple(a if isinstance(a, str) else _bare(a) for a in get_args(hint))
    return cast(Any, hint).copy_with(arguments) if hasattr(hint, "copy_with") else _union_or_generic(hint, arguments)


def _union_or_generic(hint: Any, arguments: tuple[Any, ...]) -> Any:
    import types
    import typing

    if get_origin(hint) in (types.UnionType, typing.Union):
        return typing.Union[arguments]  # noqa: UP007  a tuple of members
    return get_origin(hint)[arguments]


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
