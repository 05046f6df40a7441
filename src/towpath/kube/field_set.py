"""Sets of fields as the API server keeps them (`managedFields[].fieldsV1`): leaves, union, difference.

A step is `f:NAME` (a field), `k:{"name":"x"}` (the list item with these keys), `v:VALUE` (an item of a set)
or `i:INDEX`; `.` says that the map or item itself is owned, too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from towpath.kube.pointer import build

Fields = dict[str, Any]
Path = tuple[str, ...]


def leaves(fields: Mapping[str, Any], prefix: Path = ()) -> Iterator[Path]:
    """Every owned field; a map of which only `.` is owned is none."""
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
    """Fields in `fields` that are not in `ours`; of a list item that is not ours at all only the item."""
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


def union(one: Mapping[str, Any], other: Mapping[str, Any]) -> Fields:
    """What is in either."""
    merged = {step: union(inner, other.get(step, {})) for step, inner in one.items()}
    return merged | {step: union(inner, {}) for step, inner in other.items() if step not in one}


def split(
    fields: Mapping[str, Any], chosen: Callable[[Path], bool], prefix: Path = ()
) -> tuple[Fields, Fields]:
    """(the fields that `chosen` says yes to, the others); a `.` goes where something of its map goes."""
    yes: Fields = {}
    no: Fields = {}
    for step, inner in fields.items():
        path = (*prefix, step)
        if step == ".":
            continue
        if chosen(path):
            yes[step] = inner
        elif set(inner) <= {"."}:
            no[step] = inner
        else:
            inside, outside = split(inner, chosen, path)
            yes |= {step: inside} if inside else {}
            no |= {step: outside} if outside else {}
    if "." in fields:
        # The map itself stays with the others, unless there are none.
        (no if no or not yes else yes)["."] = {}
    return yes, no


def pointer_of(path: Path, live: Any) -> str | None:
    """The JSON pointer of a path in a live object; None when it is not there (any more)."""
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
    """A pointer without a live object: list items read as `*`."""
    return build(step[2:] if step.startswith("f:") else "*" for step in path)


def display_path(path: Path) -> str:
    """For people: `.spec.template.spec.containers[hello].image`."""
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
        # Keys that were left to their default, as a port's protocol, may be absent from the item.
        if kind == "k" and isinstance(item, dict) and all(item.get(k, v) == v for k, v in wanted.items()):
            return index
    return None
