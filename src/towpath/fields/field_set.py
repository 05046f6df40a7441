"""Sets of fields in the API server's form (`managedFields[].fieldsV1`): leaves, union, difference, pointers.

A step is `f:NAME` (a field), `k:{"name":"x"}` (the list item with these keys), `v:VALUE` (an item of a set)
or `i:INDEX`. The step `.` means that the map or item itself is owned too.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from towpath.fields.pointer import build, read

Fields = dict[str, Any]
Path = tuple[str, ...]
MAX_KEY = 512
"""Characters; longer values are no keys of items."""
KEY_DEFAULTS = {"protocol": "TCP"}
"""The keys of lists that items may lack."""


def leaves(fields: Mapping[str, Any], prefix: Path = ()) -> Iterator[Path]:
    """Every owned field. A map with only `.` is left out."""
    for step, inner in fields.items():
        path = (*prefix, step)
        if step == ".":
            continue
        if set(inner) <= {"."}:
            if not inner or not step.startswith("f:"):
                yield path
        else:
            yield from leaves(inner, path)


def paths_beyond(fields: Mapping[str, Any], ours: Mapping[str, Any], prefix: Path = ()) -> Iterator[Path]:
    """Fields in `fields` that are not in `ours`. A list item that is not in `ours` is one path."""
    for step, inner in fields.items():
        if step == ".":
            continue
        path = (*prefix, step)
        if step not in ours and not step.startswith("f:"):
            yield path
        elif set(inner) <= {"."}:
            if step not in ours and not inner:
                yield path
        else:
            yield from paths_beyond(inner, ours.get(step, {}), path)


def union(left: Mapping[str, Any], right: Mapping[str, Any]) -> Fields:
    """The fields of both sets."""
    merged = {step: union(inner, right.get(step, {})) for step, inner in left.items()}
    return merged | {step: union(inner, {}) for step, inner in right.items() if step not in left}


def from_paths(paths: Iterable[Path]) -> Fields:
    """The set of exactly these fields."""
    fields: Fields = {}
    for path in paths:
        inner = fields
        for step in path:
            inner = inner.setdefault(step, {})
    return fields


def split(
    fields: Mapping[str, Any], selects: Callable[[Path], bool], prefix: Path = ()
) -> tuple[Fields, Fields]:
    """(the fields that `selects` accepts, the other fields). A `.` stays with the other fields of its map."""
    selected: Fields = {}
    others: Fields = {}
    for step, inner in fields.items():
        path = (*prefix, step)
        if step == ".":
            continue
        if selects(path):
            selected[step] = inner
        elif set(inner) <= {"."}:
            others[step] = inner
        else:
            inside, outside = split(inner, selects, path)
            selected |= {step: inside} if inside else {}
            others |= {step: outside} if outside else {}
    if "." in fields:
        # The map itself is selected only when all of its fields are.
        (others if others or not selected else selected)["."] = {}
    return selected, others


def pointer_of(path: Path, live: Any) -> str | None:
    """The JSON pointer of a path in a live object; None when the object does not have it."""
    return next(pointers_of(path, live), None)


def pointers_of(path: Path, live: Any) -> Iterator[str]:
    """As `pointer_of`; more than one where items of a list repeat a key."""
    for steps in _places(path, live):
        yield build(steps)


def declared_path(path: Path, manifest: Any) -> Path | None:
    """The field of the manifest that a live field stands for: itself, or a plain value that became a map.

    None when the manifest has neither.
    """
    if pointer_of(path, manifest) is not None:
        return path
    for end in range(len(path) - 1, 0, -1):
        if (at := pointer_of(path[:end], manifest)) is not None:
            is_plain = not isinstance(read(manifest, at), dict | list | None)
            return path[:end] if is_plain and path[end - 1].startswith("f:") else None
    return None


def pattern_of(path: Path) -> str:
    """A pointer for use without a live object: list items become `*`."""
    return build(step[2:] if step.startswith("f:") else "*" for step in path)


def outline(value: Any, *, listed: bool = False) -> Any:
    """What `pointer_of` needs of a manifest: its shape, and the values in lists, by which items are found."""
    if isinstance(value, dict):
        return {key: outline(inner, listed=listed) for key, inner in value.items()}
    if isinstance(value, list):
        return [outline(inner, listed=True) for inner in value]
    return value if listed and len(str(value)) <= MAX_KEY else 0


def display_path(path: Path) -> str:
    """The path for people: `.spec.template.spec.containers[hello].image`."""
    words = []
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            words.append(f".{name}" if "." not in name and "/" not in name else f"[{name}]")
        else:
            key = json.loads(name)
            words.append(f"[{','.join(str(v) for v in key.values()) if isinstance(key, dict) else key}]")
    return "".join(words)


def has_keys(item: Any, keys: Mapping[str, Any]) -> bool:
    """Whether the item of a list has these keys, or lacks one whose default it is."""
    return isinstance(item, dict) and all(item.get(k, KEY_DEFAULTS.get(k, v)) == v for k, v in keys.items())


def _places(path: Path, live: Any) -> Iterator[tuple[str | int, ...]]:
    if not path:
        yield ()
        return
    kind, _, name = path[0].partition(":")
    steps: Iterable[str | int]
    if kind == "f":
        steps = (name,) if isinstance(live, dict) and name in live else ()
    else:
        steps = _indexes(kind, json.loads(name), live) if isinstance(live, list) else ()
    for step in steps:
        for rest in _places(path[1:], live[step]):
            yield (step, *rest)


def _indexes(kind: str, wanted: Any, live: list[Any]) -> Iterator[int]:
    if kind == "i":
        yield from (wanted,) if wanted < len(live) else ()
        return
    for index, item in enumerate(live):
        if item == wanted if kind == "v" else has_keys(item, wanted):
            yield index
