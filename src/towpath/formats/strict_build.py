"""Makes dataclasses of plain JSON data, strictly, for what is sound: pydantic is slow to import.

What is not sound is for pydantic to tell: it names every problem and its place.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, cast

T = TypeVar("T")
_PLAIN = (str, int, bool, types.NoneType)


class NotSoundError(ValueError):
    """The data is not what the dataclass has, or of a type that is not known here."""


def build(cls: type[T], data: Any) -> T:
    """`data` as a dataclass, which may have others, collections and literals in it.

    NotSoundError for unknown or missing keys and for values of another type: none is converted, but a list
    to a tuple. ValueError as the dataclass itself raises it.
    """
    return cast("T", _build(cls, data))


def _build(kind: Any, data: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _instance(kind, data)
    if kind in _PLAIN and type(data) is kind:
        return _encodable(data) if kind is str else data
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _first(arguments, data)
    if origin is typing.Literal and type(data) is str and data in arguments:
        return data
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis and type(data) is list:
        return tuple(_build(arguments[0], item) for item in data)
    if origin is dict and type(data) is dict:
        return {_build(arguments[0], key): _build(arguments[1], value) for key, value in data.items()}
    raise NotSoundError(f"not {kind}: {type(data).__name__}")


def _instance(kind: type, data: Any) -> Any:
    required, hints = _fields(kind)
    if type(data) is not dict or not required <= data.keys() <= hints.keys():
        raise NotSoundError(f"not the keys of {kind.__name__}")
    return kind(**{key: _build(hints[key], value) for key, value in data.items()})


def _first(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and types.NoneType in kinds:
        return None
    (other, *more) = (each for each in kinds if each is not types.NoneType)
    if more:
        raise NotSoundError("one of several types")
    return _build(other, data)


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotSoundError("half of a character") from error
    return text


@functools.cache
def _fields(kind: type) -> tuple[frozenset[str], Mapping[str, Any]]:
    """The keys that must be there, and the type of each key."""
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    missing = dataclasses.MISSING
    required = (each.name for each in fields if each.default is missing and each.default_factory is missing)
    return frozenset(required), {each.name: hints[each.name] for each in fields}
