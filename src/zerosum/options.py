"""Options: a hyper-parameter exists once, as an annotated field of a frozen dataclass.

Flags, JSON, validation and the tables of `zerosum show` are all read from that field: its type, its bounds
(`annotated_types`), the sentence in its annotation, its default. A field `kind` tells the members of a union apart.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from os import PathLike, fspath
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt
from pydantic import BeforeValidator, ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError

from zerosum.errors import ZerosumError, unknown
from zerosum.util.files import named
from zerosum.util.switches import With
from zerosum.util.text import encodable

T = TypeVar("T")
KIND = "which kind; another starts from its own defaults"


class OptionError(ZerosumError):
    """An option that does not exist, or whose value is out of range."""


class Checked:
    """A base of options: as an instance is made its values are held to their fields' types and bounds, as flags are.

    Numbers of NumPy, and tensors of one number, become Python's.

    Raises:
        OptionError: a value is of another kind, out of range, NaN or infinite; the message names its field.
    """

    def __post_init__(self) -> None:
        cls: Any = type(self)
        values = vars(self)
        if cls in _making or all(_fits(values[name], hint) for name, hint in hints(cls).items()):
            return  # what is plainly right needs no pydantic, which takes long to begin
        if wrong := [name for name, hint in hints(cls).items() if _no_number(values[name], hint)]:
            raise OptionError(f"{cls.__name__}.{wrong[0]}: should be a number, got {values[wrong[0]]}")
        _making.append(cls)
        try:
            made = _adapter(cls).validate_python(dict(values))
        except ValidationError as error:
            known = [*hints(cls)]
            raise OptionError(
                "; ".join(f"{cls.__name__}.{_sentence(dict(e), known)}" for e in error.errors())
            ) from None
        finally:
            _making.remove(cls)
        for name, value in vars(made).items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Among:
    """Of an annotation: a name that somebody has added to a table is one of the choices, too."""

    table: Callable[[], Mapping[str, object]]


class NamesFile:
    """Of an annotation: the option is the path of a file, from the folder in which training is begun."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        def text(value: Any) -> Any:
            return encodable(fspath(value)) if isinstance(value, PathLike) else value

        return BeforeValidator(text).__get_pydantic_core_schema__(source, handler)


_making: list[type] = []  # classes whose values pydantic looks at, which makes a further instance


@dataclass(frozen=True)
class Option:
    """One option, as tables show it."""

    name: str  # "optimizer.lr"
    type: str  # "float > 0"
    default: object
    help: str
    source: str  # the class that defines the default, or "recipe" where the recipe chose another


def parse(default: T, values: Mapping[str, Any]) -> T:
    """`default`, a dataclass instance, with some fields replaced by plain (JSON) or dataclass values.

    Raises `OptionError` that names every unknown field and every value out of range.
    """
    cls: Any = type(default)
    for name, hint in hints(cls).items():
        if _no_number(values.get(name), hint):
            raise OptionError(f"{name}: should be a number, got {values[name]}")
    try:
        parsed: T = _adapter(cls).validate_python(_merged(default, values))
        return parsed
    except ValidationError as error:
        known = [option.name for option in rows(default)]
        raise OptionError("; ".join(_sentence(dict(e), known) for e in error.errors())) from None


def to_json(instance: object) -> dict[str, Any]:
    """Plain values that `parse` turns back into an equal instance."""
    cls: Any = type(instance)
    dumped: dict[str, Any] = _adapter(cls).dump_python(instance, mode="json")
    return dumped


def with_absolute_paths(instance: T) -> T:
    """The same options, of which those that name a file (`NamesFile`) do so from any folder."""
    made: Any = instance
    metadata = {name: getattr(hint, "__metadata__", ()) for name, hint in hints(type(made)).items()}
    own = {name: getattr(made, name) for name, marks in metadata.items() if NamesFile in marks}
    paths = {name: encodable(str(named(value).absolute())) for name, value in own.items() if value is not None}
    changed: T = replace(made, **paths) if paths else instance
    return changed


def rows(instance: object, prefix: str = "") -> Iterator[Option]:
    """Every option of a dataclass instance, nested ones with dotted names."""
    cls = type(instance)
    for name, hint in hints(cls).items():
        value, default = getattr(instance, name), cls.__dataclass_fields__[name].default  # type: ignore[attr-defined]
        if is_dataclass(value):
            if members := kinds(hint):
                kind, source = kind_of(value), "recipe" if kind_of(value) != kind_of(default) else cls.__qualname__
                yield Option(f"{prefix}{name}.kind", " | ".join(members), kind, KIND, source)
            yield from rows(value, f"{prefix}{name}.")
        elif name != "kind":
            source = cls.__qualname__ if value == default else "recipe"
            yield Option(prefix + name, type_name(hint), value, help_of(hint), source)


def idle(chosen: object, default: object, prefix: str = "", above: object = None) -> Iterator[str]:
    """Every option that was chosen otherwise than the default and has no effect, by its annotation: one sentence each.

    What a recipe has by default may be idle: a switch that is turned off asks for nothing else.
    """
    default = default if type(default) is type(chosen) else type(chosen)()  # of another kind of optimiser
    for name, hint in hints(type(chosen)).items():
        value, usual = getattr(chosen, name), getattr(default, name)
        if value == usual:
            continue
        off = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, With) and not m.holds(chosen, above)]
        if off:
            switch = prefix + off[0].switch
            own, now = prefix + name, getattr(chosen, off[0].switch)
            yield f"{own} has no effect while {switch} is {_plain(now)}: change {switch}, too, or leave {own} out"
        elif is_dataclass(value):
            yield from idle(value, usual, f"{prefix}{name}.", chosen)


def _plain(value: object) -> str:
    """A value as a flag takes it."""
    return "none" if value in (None, {}, ()) else str(value).lower() if isinstance(value, bool) else f"{value}"


def hints(cls: type) -> dict[str, Any]:
    """The annotations of a dataclass's fields, in order, with their metadata."""
    known: Any = cls
    return _hints(known)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    found = get_type_hints(cls, include_extras=True)
    return {f.name: found[f.name] for f in fields(cls)}


def help_of(hint: Any) -> str:
    """The sentence among an annotation's metadata."""
    return next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, str)), "")


def kinds(hint: Any) -> dict[str, Any]:
    """The dataclasses of an annotation that a field `kind` tells apart, by kind; empty for all other annotations."""
    if isinstance(hint, type) and is_dataclass(hint):
        return {kind: hint for name, own in hints(hint).items() if name == "kind" for kind in get_args(own)}
    return {kind: cls for argument in get_args(hint) for kind, cls in kinds(argument).items()}


def kind_of(value: object) -> object:
    """The kind of an instance of one of those; None of another."""
    return getattr(value, "kind", None)


def type_name(hint: Any) -> str:
    """An annotation as people write it: `float > 0`, `int or none`, `'linear' | 'cosine'`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = [_bound(m) for m in arguments[1:] if isinstance(m, BaseMetadata)]
        return " ".join([type_name(arguments[0]), ", ".join(bounds)]).strip()
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(a) for a in arguments).replace("NoneType", "none")
    if origin is not None:
        return f"{origin.__name__}[{', '.join(type_name(a) for a in arguments)}]"
    return str(getattr(hint, "__name__", hint))


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is plainly what an annotation says; False where only pydantic can tell."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if any(isinstance(m, Among) and isinstance(value, str) and value in m.table() for m in arguments[1:]):
            return True
        bounds = [m for m in arguments[1:] if isinstance(m, BaseMetadata)]
        return _fits(value, arguments[0]) and (value is None or all(_within(value, bound) for bound in bounds))
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in arguments)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple and isinstance(value, tuple):
        each = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        return len(each) == len(value) and all(map(_fits, value, each))
    if origin is dict and isinstance(value, dict):
        return all(_fits(key, arguments[0]) and _fits(inner, arguments[1]) for key, inner in value.items())
    if hint is float:
        return type(value) is float and math.isfinite(value)
    if hint in (int, str, bool, type(None)) or is_dataclass(hint):
        return type(value) is hint
    return False


def _no_number(value: object, hint: Any) -> bool:
    """Whether a value is True or False where a number is wanted, for which pydantic would take 1 or 0."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    choices = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return isinstance(value, bool) and bool not in choices and bool({int, float} & set(choices))


def _within(value: Any, bound: Any) -> bool:
    """Whether a number keeps a bound of `annotated_types`."""
    if isinstance(bound, Gt):
        return bool(value > bound.gt)
    if isinstance(bound, Ge):
        return bool(value >= bound.ge)
    if isinstance(bound, Lt):
        return bool(value < bound.lt)
    return isinstance(bound, Le) and bool(value <= bound.le)


def _bound(metadata: BaseMetadata) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    limits = ((sign, getattr(metadata, name, None)) for name, sign in signs.items())
    return ", ".join(f"{sign} {limit}" for sign, limit in limits if limit is not None)


def _merged(default: object, values: Mapping[str, Any]) -> dict[str, Any]:
    merged = to_json(default)
    for name, value in values.items():
        plain = to_json(value) if is_dataclass(value) and not isinstance(value, type) else value
        old = getattr(default, name, None)
        # Nested options are merged too, but another kind of optimiser starts from its own defaults.
        same_kind = is_dataclass(old) and isinstance(plain, Mapping) and _kind(old, plain) == _kind(old, {})
        merged[name] = _merged(old, plain) if same_kind else plain
    return merged


def _kind(old: object, values: Mapping[str, Any]) -> object:
    return values.get("kind", kind_of(old))


def _sentence(error: dict[str, Any], known: list[str]) -> str:
    parts = {part for name in known for part in name.split(".")}
    path = [str(p) for p in error["loc"] if isinstance(p, int) or p in parts]  # without the tags of unions
    if error["type"] == "unexpected_keyword_argument":
        name = ".".join([*path, str(error["loc"][-1])])
        return unknown("option", name, known)
    message = error["msg"].replace("Input should", "should").replace("Field required", "should have a value")
    return f"{'.'.join(path)}: {message}, got {error['input']!r}"


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    for inner in _dataclasses(cls):
        # pydantic takes no other word for dataclasses
        inner.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
    return TypeAdapter(cls)


def _dataclasses(hint: Any) -> Iterator[Any]:
    """Every dataclass that an annotation reaches."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
        for inner in hints(hint).values():
            yield from _dataclasses(inner)
    for argument in get_args(hint):
        yield from _dataclasses(argument)
