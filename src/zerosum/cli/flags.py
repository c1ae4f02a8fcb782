"""Flags from options: the dataclass of a command line is made from the annotations of option dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, is_dataclass, make_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import tyro

from zerosum.options import help_of, hints

T = TypeVar("T")


def flags(name: str, default: object) -> type:
    """A dataclass like that of `default`, for tyro: bounds dropped (options are validated later), help put in."""
    made: list[tuple[str, Any, Any]] = []
    for option, hint in hints(type(default)).items():
        value = getattr(default, option)
        if is_dataclass(value):
            nested = flags(option, value)
            made.append((option, nested, field(default_factory=nested)))
        elif option != "kind":
            made.append((option, Annotated[_bare(hint), tyro.conf.arg(help=help_of(hint))], _field(value)))
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
    return tyro.cli(cls, args=arguments, prog=f"zerosum {command}", description=description)


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
