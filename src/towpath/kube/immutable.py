"""Finds the immutable fields that a change touches where the API server names only a parent of them.

For a StatefulSet or a PersistentVolumeClaim it names `spec`, for a Job `spec.template`, which it quotes as a
whole.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towpath.fields import field_set as owned_fields
from towpath.fields.managed_fields import KNOWN_TOOLS, TakenBack, manager_entries, own_entry
from towpath.objects import Manifest

MAX_LISTED = 5
_LONG_VALUE = re.compile(r"(?P<head>Invalid value: ).{80,}?(?P<end>: [a-z` ]{5,80})(?=$|[,\]])", re.DOTALL)
_SERVERS_DIFF = re.compile(r"\n@@.*", re.DOTALL)
_ALLOWED = re.compile(r"(?:for fields other than|except)(?P<names>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z][A-Za-z]*(?:(?:\[\*\])?\.[A-Za-z]+)*")


def changed_fields(live: Manifest, desired: Manifest, refused: Iterable[str], reason: str) -> tuple[str, ...]:
    """Changed fields such as `spec.serviceName` below the `refused` fields, without those that may change.

    `refused` are fields as the server names them (none: the whole object), `reason` is the server's message.
    """
    paths = list(_changed(desired, live, "")) + list(_removed(live, desired))
    within = [name for name in refused if name and not name.startswith("<")]
    changed = sorted({path for path in paths if not within or any(_is_in(path, name) for name in within)})
    allowed = _may_change(reason)
    fixed = [path for path in changed if not any(_is_in(_plain(path), name) for name in allowed)]
    return tuple(fixed or changed)


def refusal_message(reason: str, changed: tuple[str, ...], refused: Iterable[str]) -> str:
    """The server's reason without long quoted values, with the changed fields that it does not name."""
    reason = _SERVERS_DIFF.sub("", reason).strip()
    reason = _LONG_VALUE.sub(lambda match: f"{match['head']}…{match['end']}", reason)
    unnamed = [path for path in changed if path not in set(refused)]
    if not unnamed:
        return reason
    more = f" and {len(unnamed) - MAX_LISTED} more" if len(unnamed) > MAX_LISTED else ""
    return f"{reason} (changed: {', '.join(unnamed[:MAX_LISTED])}{more})"


def with_fields_of_others(live: Manifest, wanted: Manifest, taken_back: TakenBack = KNOWN_TOOLS) -> Manifest:
    """`wanted` with what other controllers own beside it in the live object, as an apply leaves it.

    Without metadata and status. Fields that are taken back are not among them.
    """
    together = copy.deepcopy(wanted)
    ours = own_entry(live["metadata"])
    for entry in manager_entries(live["metadata"]):
        manager = entry["manager"]
        if entry is ours or entry.get("subresource"):
            continue
        if taken_back.is_person(manager) or taken_back.is_former(manager):
            continue
        for path in owned_fields.leaves(entry.get("fieldsV1") or {}):
            if path[0] not in ("f:metadata", "f:status"):
                _add(together, live, path)
    return together


def _add(target: Any, live: Any, path: owned_fields.Path) -> None:
    """Add the field of `live` to `target` where that has none."""
    kind, _, name = path[0].partition(":")
    if kind == "f" and isinstance(target, dict) and isinstance(live, dict) and name in live:
        if len(path) > 1 and isinstance(live[name], dict | list):
            _add(target.setdefault(name, type(live[name])()), live[name], path[1:])
        else:
            target.setdefault(name, copy.deepcopy(live[name]))
    elif kind in ("k", "v") and isinstance(target, list) and isinstance(live, list):
        key = json.loads(name)

        def find(items: list[Any]) -> list[Any]:
            return [
                each for each in items if (each == key if kind == "v" else owned_fields.has_keys(each, key))
            ]

        inside, there = find(target), find(live)
        if there and not inside:
            target.append(copy.deepcopy(there[0]))
        elif there and len(path) > 1:
            _add(inside[0], there[0], path[1:])


def _changed(desired: Any, live: Any, at: str) -> Iterator[str]:
    """Leaves of `desired` with another value in `live`.

    Fields of `live` only are defaults or of other managers.
    """
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        for key, value in desired.items():
            if at or key not in ("apiVersion", "kind", "metadata", "status"):
                yield from _changed(value, live.get(key), f"{at}.{key}" if at else key)
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, (desired_item, live_item) in enumerate(zip(desired, live, strict=True)):
            yield from _changed(desired_item, live_item, f"{at}[{index}]")
    elif desired != live:
        yield at


def _removed(live: Manifest, desired: Manifest) -> Iterator[str]:
    """Fields that Towpath owns and Git no longer has: an apply removes them."""
    for path in owned_fields.leaves((own_entry(live["metadata"]) or {}).get("fieldsV1") or {}):
        gone = owned_fields.pointer_of(path, desired) is None
        if gone and path[0] != "f:metadata" and owned_fields.pointer_of(path, live) is not None:
            yield owned_fields.display_path(path).removeprefix(".")


def _may_change(reason: str) -> set[str]:
    """`…for fields other than 'replicas' and 'template'…` -> {`spec.replicas`, `spec.template`}."""
    match = _ALLOWED.search(_SERVERS_DIFF.sub("", reason))
    names = {_plain(name).removeprefix("spec.") for name in _NAME.findall(match["names"])} if match else set()
    return {f"spec.{name}" for name in names - {"spec"}}


def _is_in(path: str, name: str) -> bool:
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _plain(path: str) -> str:
    """The path without the indexes and keys of list items."""
    return re.sub(r"\[[^\]]*\]", "", path)
