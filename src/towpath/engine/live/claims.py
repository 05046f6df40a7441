"""Objects that Git has and somebody else owns: by their label `part-of`, unless it was only edited."""

import re
from collections.abc import Iterator

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import APP_LABEL, APPLYSET_ID_LABEL, PART_OF_LABEL
from towpath.applyset.inventory_configmap import from_configmap
from towpath.engine.live.app_state import AppState
from towpath.errors import TowpathError
from towpath.objects import Manifest, ObjectRef

_APPLYSET_ID = re.compile(r"applyset-[A-Za-z0-9_-]{43}-v1")


def foreign_claims(cluster: Cluster, state: AppState) -> list[tuple[ObjectRef, str]]:
    """The objects that belong to another ApplySet, each with that owner in words (`app shop`).

    An object that our inventory has with the very uid is ours, and its label was only edited, where the label
    names no ApplySet, or an app whose inventory does not have the object. Asks the cluster only about those.
    """
    return [
        (ref, _owner(labels, state))
        for ref, labels in _labelled_otherwise(state)
        if not _is_only_edited(cluster, state, ref, labels[PART_OF_LABEL])
    ]


def _labelled_otherwise(state: AppState) -> Iterator[tuple[ObjectRef, dict[str, str]]]:
    ours = state.owner.applyset
    for ref in state.desired:
        live = state.metadata(ref)
        labels = (live["metadata"].get("labels") or {}) if live else {}
        if labels.get(PART_OF_LABEL, ours) != ours:
            yield ref, labels


def _owner(labels: dict[str, str], state: AppState) -> str:
    app = labels.get(APP_LABEL)
    # With our own app in that label, it is the other one that says who has it.
    return f"app {app}" if app and app != state.owner.app else f"ApplySet {labels[PART_OF_LABEL]}"


def _is_only_edited(cluster: Cluster, state: AppState, ref: ObjectRef, applyset: str) -> bool:
    owned, live = state.owned.get(ref), state.metadata(ref)
    if owned is None or live is None or not owned.uid or owned.uid != live["metadata"]["uid"]:
        return False
    if not _APPLYSET_ID.fullmatch(applyset):
        return True
    # A parent of another kind, or in another namespace, may not be ours to read: it counts as there.
    parents = _parents(cluster, state, applyset)
    return bool(parents) and not any(_has(parent, ref) for parent in parents)


def _parents(cluster: Cluster, state: AppState, applyset: str) -> list[Manifest]:
    try:
        selector = f"{APPLYSET_ID_LABEL}={applyset}"
        return list(cluster.list("", "ConfigMap", state.owner.namespace, labels=selector))
    except TowpathError:
        return []


def _has(parent: Manifest, ref: ObjectRef) -> bool:
    """Whether an ApplySet has the object; one that is no inventory of ours may have it."""
    try:
        return ref in from_configmap(parent).by_ref
    except TowpathError:
        return True
