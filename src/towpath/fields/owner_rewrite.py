"""Rewrites `managedFields` so that the next apply removes what people added, but no ignored field.

Server-side apply removes only fields that its manager alone owns. So Towpath first takes over the fields that
people's tools added (as `kubectl apply --server-side` does with those of client-side apply) and gives up its
ignored fields. A field that Git has too stays with the person until the apply: without the apply the object
still says who changed it.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import (
    KNOWN_TOOLS,
    MANAGER,
    RESTART_RULE,
    Entry,
    IgnoredManagers,
    TakenBack,
    is_left_to_manager,
    manager_entries,
    own_entry,
    person_entries,
)
from towpath.objects import Manifest

_FIRST_ENTRY: Entry = {"manager": MANAGER, "operation": "Apply", "fieldsType": "FieldsV1"}


def take_over(
    live: Manifest,
    desired: Manifest,
    ignored: Iterable[str] = (),
    ignored_managers: IgnoredManagers = (),
    taken_back: TakenBack = KNOWN_TOOLS,
) -> list[dict[str, Any]] | None:
    """The `managedFields` that a live object needs before `desired` is applied; None: no change.

    Towpath's rewritten entry has a time that no apply has had, so it matches no recorded fingerprint. Entries
    of former managers end: their fields become Towpath's, and what is ignored becomes nobody's. So do entries
    of another API version than that of `desired`: their paths could not be compared with it.
    """
    ignored = tuple(ignored)
    metadata = live["metadata"]
    ours = own_entry(metadata)
    personal = list(person_entries(metadata, taken_back))
    owned = (ours or {}).get("fieldsV1") or {}
    _, fields = _split(owned, live, ignored)
    others: list[dict[str, Any]] = []
    taken = False
    for entry in manager_entries(metadata):
        if entry is ours:
            continue
        if entry not in personal:
            others.append(dict(entry))
            continue
        if taken_back.is_former(entry["manager"]) or _is_of_another_version(entry, desired):
            rest, all_else = _split(entry.get("fieldsV1") or {}, live, (), entry, ignored_managers)
            taken, fields = True, field_set.union(fields, _split(all_else, live, (*ignored, RESTART_RULE))[1])
            others += [{**entry, "fieldsV1": rest}] if any(field_set.leaves(rest)) else []
            continue
        left, taken_over = _split(
            entry.get("fieldsV1") or {}, live, (*ignored, RESTART_RULE), entry, ignored_managers
        )
        in_git, added = _split_by_git(taken_over, desired)
        rest = field_set.union(left, in_git)
        if any(field_set.leaves(added)):
            taken, fields = True, field_set.union(fields, added)
            rest = rest if any(field_set.leaves(rest)) else _shared(owned, desired)
            others += [{**entry, "fieldsV1": rest}] if rest else []
        else:
            others.append(dict(entry))
    if fields == owned and not taken:
        return None
    if not fields:
        return others
    base = ours or {**_FIRST_ENTRY, "apiVersion": live["apiVersion"]}
    return [{**base, "time": _time_of_no_apply(), "fieldsV1": fields}, *others]


def managed_fields_patch(live: Manifest, managed_fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A JSON patch for `managedFields`. The API server refuses it when the object was written meanwhile."""
    version = live["metadata"]["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _split(
    owned: field_set.Fields,
    live: Manifest,
    rules: tuple[str, ...],
    entry: Entry | None = None,
    ignored_managers: IgnoredManagers = (),
) -> tuple[field_set.Fields, field_set.Fields]:
    """(fields that the rules cover or leave to the entry's manager, the other fields)."""

    def covered(path: field_set.Path) -> bool:
        at = field_set.pointer_of(path, live) or field_set.pattern_of(path)
        return pointer.covers(rules, at) or (
            entry is not None and is_left_to_manager(entry, at, ignored_managers)
        )

    return field_set.split(owned, covered)


def _is_of_another_version(entry: Entry, desired: Manifest) -> bool:
    return bool(entry.get("apiVersion", "") != desired.get("apiVersion", entry.get("apiVersion", "")))


def _split_by_git(owned: field_set.Fields, desired: Manifest) -> tuple[field_set.Fields, field_set.Fields]:
    """(what `desired` has a value for, what it has not)."""
    in_git = {path for path in field_set.leaves(owned) if field_set.pointer_of(path, desired) is not None}
    return field_set.split(owned, lambda path: path in in_git)


def _shared(owned: field_set.Fields, desired: Manifest) -> field_set.Fields:
    """One field that is ours and stays in Git, for an entry to share.

    An entry without fields vanishes, and its manager's name with it.
    """
    staying = (path for path in field_set.leaves(owned) if field_set.pointer_of(path, desired) is not None)
    fields: field_set.Fields = {}
    for step in reversed(next(staying, ())):
        fields = {step: fields}
    return fields


def _time_of_no_apply() -> str:
    """A different second of the years from 1970 to 2003 at each call, RFC 3339."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=secrets.randbelow(1 << 30))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
