"""List items that repeat the key of another one, which server-side apply refuses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from towpath.schemas.problem import FieldPath, FieldProblem, shown_path
from towpath.schemas.versions import Schema


def repeated_keys(
    value: Any, schema: Schema, definitions: Mapping[str, Schema], path: FieldPath = ()
) -> Iterator[FieldProblem]:
    """A problem for each item of a list of type `map` or `set` that repeats an earlier one."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, each in value.items():
            inner = properties.get(key, others)
            if isinstance(inner, dict) and isinstance(each, (dict, list)):
                yield from repeated_keys(each, inner, definitions, (*path, key))
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        if (keys := _keys_of(schema)) is not None:
            yield from _repeated(value, keys, items, definitions, path)
        for index, each in enumerate(value):
            if isinstance(each, (dict, list)):
                yield from repeated_keys(each, items, definitions, (*path, index))


def _keys_of(schema: Schema) -> list[str] | None:
    """The fields that tell items apart; none of them for a set; None for another list."""
    match schema.get("x-kubernetes-list-type"):
        case "map":
            return list(schema.get("x-kubernetes-list-map-keys", ()))
        case "set":
            return []
    return None


def _repeated(
    values: list[Any], keys: list[str], items: Schema, definitions: Mapping[str, Schema], path: FieldPath
) -> Iterator[FieldProblem]:
    if "$ref" in items:
        items = definitions[items["$ref"].removeprefix("#/$defs/")]
    defaults = {key: items.get("properties", {}).get(key, {}).get("default") for key in keys}
    first: dict[str, int] = {}
    for index, each in enumerate(values):
        if keys and not isinstance(each, dict):
            continue
        parts = [defaults[key] if each.get(key) is None else each[key] for key in keys] if keys else each
        earlier = first.setdefault(json.dumps(parts, sort_keys=True), index)
        if earlier != index:
            place = shown_path((*path, index))
            same = " and ".join(f"`{key}`" for key in keys) or "value"
            yield FieldProblem(
                (*path, index), f"`{place}` has the same {same} as `{shown_path((*path, earlier))}`"
            )
