"""Rewrites `managedFields` so that the next server-side apply removes what people added, and nothing ignored.

Server-side apply removes only fields that its manager owns. So the fields of persons' tools become ours first
(as `kubectl apply --server-side` does with those of client-side apply), and ours lose what others may decide.
"""

from collections.abc import Iterable
from typing import Any

from towpath import fields, pointer
from towpath.fingerprint import (
    MANAGER,
    RESTART_RULE,
    Entry,
    Yielded,
    entries,
    is_yielded,
    own_entry,
    personal_entries,
)
from towpath.objects import Manifest


def take_over(
    live: Manifest, ignored: Iterable[str] = (), yielded: Yielded = ()
) -> list[dict[str, Any]] | None:
    """The new `managedFields` of a live object; None when they are right already."""
    ignored = tuple(ignored)
    metadata = live["metadata"]
    ours = own_entry(metadata)
    personal = list(personal_entries(metadata))
    owned = (ours or {}).get("fieldsV1") or {}
    _, kept_ours = _split(owned, live, ignored)
    others: list[dict[str, Any]] = []
    taken: fields.Fields = {}
    for entry in entries(metadata):
        if entry is ours:
            continue
        if entry not in personal:
            others.append(dict(entry))
            continue
        left, mine = _split(entry.get("fieldsV1") or {}, live, (*ignored, RESTART_RULE), entry, yielded)
        taken = fields.union(taken, mine) if any(fields.leaves(mine)) else taken
        if any(fields.leaves(left)):
            others.append({**entry, "fieldsV1": left})
    wanted = fields.union(kept_ours, taken)
    if wanted == owned and len(others) == len(entries(metadata)) - (ours is not None):
        return None
    if not wanted:
        return others
    base: Entry = ours or {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "time": personal[-1].get("time") if personal else metadata.get("creationTimestamp"),
        "fieldsType": "FieldsV1",
    }
    return [{**base, "fieldsV1": wanted}, *others]


def patch(live: Manifest, managed_fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """JSON patch that sets `managedFields`, and only if nobody wrote the object meanwhile."""
    version = live["metadata"]["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _split(
    owned: fields.Fields,
    live: Manifest,
    rules: tuple[str, ...],
    entry: Entry | None = None,
    yielded: Yielded = (),
) -> tuple[fields.Fields, fields.Fields]:
    """(covered by the rules, or left to the entry's manager; not covered)."""

    def covered(path: fields.Path) -> bool:
        at = fields.pointer_of(path, live) or fields.pattern_of(path)
        return pointer.covers(rules, at) or (entry is not None and is_yielded(entry, at, yielded))

    return fields.split(owned, covered)
