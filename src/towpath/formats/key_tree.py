"""The keys that a model knows, at every depth, and which keys of other data it does not know."""

import dataclasses
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

KeyTree = Mapping[str, Any]
"""Key -> what is below it, another KeyTree; `*` stands for any key or item. Empty: a plain value."""


def key_tree(model: Any) -> KeyTree:
    """The keys of a pydantic model, a dataclass, or a collection of these."""
    return _tree(model)


def unknown_keys(data: Any, tree: KeyTree, path: str = "") -> Iterator[str]:
    """The keys of `data` that are not in `tree`, as `environments[0].gate.budget`."""
    if not tree:
        return
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from unknown_keys(item, tree.get("*", {}), f"{path}[{index}]")
    elif isinstance(data, dict):
        for key, value in data.items():
            inner = f"{path}.{key}" if path else str(key)
            below = tree.get(key, tree.get("*"))
            if below is None:
                yield inner
            else:
                yield from unknown_keys(value, below, inner)


@functools.cache
def _tree(annotation: Any) -> KeyTree:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _tree(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return next((tree for each in arguments if (tree := _tree(each))), {})
    if origin in (tuple, list, dict) and arguments:
        return {"*": _tree(arguments[1 if origin is dict else 0])}
    if fields := getattr(annotation, "model_fields", None):
        return {field.alias or name: _tree(field.annotation) for name, field in fields.items()}
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        return {field.name: _tree(hints[field.name]) for field in dataclasses.fields(annotation)}
    return {}
