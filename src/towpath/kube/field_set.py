"""Sets of fields in the API server's form (`managedFields[].fieldsV1`): leaves, union, difference, pointers.

A step is `f:NAME` (a field), `k:{"name":"x"}` (the list item with these keys), `v:VALUE` (an item of a set)
or `i:INDEX`. The step `.` means that the map or item itself is owned too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from towpath.kube.pointer import build

Fields = dict[str, Any]
Path = tuple[str, ...]


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
    steps: list[str | int] = []
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            if not isinstance(live, dict) or name not in live:
                return None
            steps.append(name)
            live = live[name]
        else:
            index = _index(kind, name, live)
            if index is None:
                return None
            steps.append(index)
            live = live[index]
    return build(steps)


def pattern_of(path: Path) -> str:
    """A pointer for use without a live object: list items become `*`."""
    return build(step[2:] if step.startswith("f:") else "*" for step in path)


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


def _index(kind: str, name: str, live: Any) -> int | None:
    if not isinstance(live, list):
        return None
    wanted = json.loads(name)
    if kind == "i":
        return wanted if wanted < len(live) else None
    for index, item in enumerate(live):
        if kind == "v" and item == wanted:
            return index
        # An item may lack a key that has its default, such as the protocol of a port.
        if kind == "k" and isinstance(item, dict) and all(item.get(k, v) == v for k, v in wanted.items()):
            return index
    return None
