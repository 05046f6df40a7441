"""Rewrites `managedFields` so that the next server-side apply removes what people added, and nothing ignored.

Server-side apply removes only fields that its manager owns. So the fields of persons' tools become ours first
(as `kubectl apply --server-side` does with those of client-side apply), and ours lose what others may decide.
"""

from collections.abc import Iterable
from typing import Any

from towpath.kube import field_set, pointer
from towpath.kube.managed_fields import (
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
    taken: field_set.Fields = {}
    for entry in entries(metadata):
        if entry is ours:
            continue
        if entry not in personal:
            others.append(dict(entry))
            continue
        left, mine = _split(entry.get("fieldsV1") or {}, live, (*ignored, RESTART_RULE), entry, yielded)
        taken = field_set.union(taken, mine) if any(field_set.leaves(mine)) else taken
        if any(field_set.leaves(left)):
            others.append({**entry, "fieldsV1": left})
    wanted = field_set.union(kept_ours, taken)
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
    owned: field_set.Fields,
    live: Manifest,
    rules: tuple[str, ...],
    entry: Entry | None = None,
    yielded: Yielded = (),
) -> tuple[field_set.Fields, field_set.Fields]:
    """(covered by the rules, or left to the entry's manager; not covered)."""

    def covered(path: field_set.Path) -> bool:
        at = field_set.pointer_of(path, live) or field_set.pattern_of(path)
        return pointer.covers(rules, at) or (entry is not None and is_yielded(entry, at, yielded))

    return field_set.split(owned, covered)
