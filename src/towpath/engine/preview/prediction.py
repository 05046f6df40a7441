"""Predicts what a sync makes of a live object, where no single dry run can try it. Pure.

A sync takes over what people added, and then applies: the server removes what was taken over and is not in
Git. A dry run tries one request only, so the removal is worked out here. The server is then asked about the
result.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import Entry, manager_entries, own_entry
from towpath.objects import Manifest

_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


def removed_paths(managed_fields: Sequence[Entry], desired: Manifest) -> list[field_set.Path]:
    """The fields that an apply of `desired` removes: Towpath's, not in `desired`, and nobody else's."""
    metadata = {"managedFields": managed_fields}
    ours = own_entry(metadata) or {}
    others: field_set.Fields = {}
    for entry in manager_entries(metadata):
        if entry is not ours:
            others = field_set.union(others, entry.get("fieldsV1") or {})
    return list(_removed(ours.get("fieldsV1") or {}, others, desired))


def without_paths(manifest: Manifest, paths: Sequence[field_set.Path]) -> Manifest:
    """A copy without these fields, and without every item that repeats a removed one."""
    pointers = {at for path in paths for at in field_set.pointers_of(path, manifest)}
    # The last item of a list first: removing an item moves the items after it.
    order = sorted(pointers, key=lambda at: [step.zfill(9) for step in pointer.parse(at)], reverse=True)
    kept: Manifest = pointer.without(manifest, order)
    return kept


def merged(live: Manifest, desired: Manifest) -> Manifest:
    """`live` with the fields of `desired`. The paths of those who own items tell how a list is merged."""
    known: field_set.Fields = {}
    for entry in manager_entries(live["metadata"]):
        known = field_set.union(known, entry.get("fieldsV1") or {})
    result: Manifest = _merge(live, desired, known)
    return result


def patch_operations(live: Manifest, wanted: Manifest) -> list[dict[str, Any]]:
    """A JSON patch that makes `wanted` of `live`, but for the status and what the server sets itself."""
    operations = []
    top = sorted((live.keys() | wanted.keys()) - {"apiVersion", "kind", "metadata", "status"})
    for steps in [(key,) for key in top] + [("metadata", key) for key in _METADATA]:
        at = pointer.build(steps)
        old, new = pointer.read(live, at), pointer.read(wanted, at)
        if new is None and old is not None:
            operations.append({"op": "remove", "path": at})
        elif old != new:
            operations.append({"op": "add", "path": at, "value": new})
    return operations


def _removed(
    ours: Mapping[str, Any], others: Mapping[str, Any], desired: Manifest, prefix: field_set.Path = ()
) -> Iterator[field_set.Path]:
    for step, inner in ours.items():
        if step == ".":
            continue
        path = (*prefix, step)
        theirs = others.get(step)
        if field_set.pointer_of(path, desired) is None and theirs is None:
            yield path  # with all inside that nobody owns, as the server does
        else:
            yield from _removed(inner, theirs or {}, desired, path)


def _merge(old: Any, new: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {
            key: _merge(old.get(key), value, known.get(f"f:{key}", {})) for key, value in new.items()
        }
    if isinstance(old, list) and isinstance(new, list):
        items = {step: inner for step, inner in known.items() if step.startswith("k:")}
        if items:
            return _merge_items(old, new, items)
        if any(step.startswith("v:") for step in known):
            return old + [each for each in new if each not in old]
    return new


def _merge_items(old: list[Any], new: list[Any], known: Mapping[str, Any]) -> list[Any]:
    """Items with the same keys are one; those of `old` that repeat an item of `new` go."""
    names = tuple(json.loads(next(iter(known)).removeprefix("k:")))
    left, result = list(old), []
    for item in new:
        keys = {name: item.get(name, field_set.KEY_DEFAULTS.get(name)) for name in names}
        same = [each for each in left if field_set.has_keys(each, keys)]
        left = [each for each in left if each not in same]
        step = next((s for s in known if json.loads(s.removeprefix("k:")) == keys), "")
        result.append(_merge(same[0], item, known.get(step, {})) if same else item)
    return result + left
