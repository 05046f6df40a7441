"""Which objects a sync may delete: those that inventory, label and uid claim, up to the prune limit."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towpath.applyset.inventory import PART_OF_LABEL, OwnedObject, Owner
from towpath.errors import RefusedError
from towpath.objects import Manifest, ObjectRef

PRUNE_ANNOTATION = "towpath.dev/prune"
NOTHING_CONFIRMED: Mapping[ObjectRef, str] = {}
REMEDY = (
    "Nothing was changed. If this is meant, confirm these deletions by a commit: "
    "`towpath plan APP ENVIRONMENT --confirm` prints the prune.yaml to commit."
)
PROTECTED_KINDS = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume")


@dataclass(frozen=True, slots=True)
class PruneCandidate:
    """An object of the inventory that Git does not have. `live` needs metadata only; None: it is gone."""

    owned: OwnedObject
    live: Manifest | None


@dataclass(frozen=True, slots=True)
class Pruning:
    """The candidates, sorted. `gone` leave the inventory; `kept` are (object, reason) and stay in it."""

    delete: tuple[tuple[ObjectRef, str], ...]
    """(object, uid)"""
    kept: tuple[tuple[ObjectRef, str], ...]
    gone: tuple[ObjectRef, ...]
    first: frozenset[ObjectRef] = frozenset()
    """Those of `delete` that go before anything is applied, because what comes needs their place."""


def decide_pruning(candidates: Iterable[PruneCandidate], owner: Owner) -> Pruning:
    """Decide for each candidate whether it is deleted, kept, or gone already."""
    delete: list[tuple[ObjectRef, str]] = []
    kept: list[tuple[ObjectRef, str]] = []
    gone: list[ObjectRef] = []
    first: set[ObjectRef] = set()
    for candidate in sorted(candidates, key=lambda candidate: candidate.owned.ref):
        ref, live = candidate.owned.ref, candidate.live
        if live is None:
            gone.append(ref)
            continue
        metadata = live["metadata"]
        annotation = (metadata.get("annotations") or {}).get(PRUNE_ANNOTATION)
        if candidate.owned.uid not in ("", metadata["uid"]):
            gone.append(ref)  # another object has its name now
        elif (metadata.get("labels") or {}).get(PART_OF_LABEL) != owner.applyset:
            kept.append((ref, f"its label {PART_OF_LABEL} does not say that it is {owner.app}'s"))
        elif annotation == "disabled":
            kept.append((ref, f"annotation {PRUNE_ANNOTATION}: disabled"))
        else:
            delete.append((ref, metadata["uid"]))
            first |= {ref} if annotation == "first" else set()
    return Pruning(tuple(delete), tuple(kept), tuple(gone), frozenset(first))


def check_prune_limit(
    pruning: Pruning,
    *,
    total: int,
    limit: int,
    share: float,
    confirmed: Mapping[ObjectRef, str] = NOTHING_CONFIRMED,
) -> None:
    """Raise RefusedError for more deletions than max(`limit`, `share` of `total`).

    Deletions that `confirmed` has with the same uid do not count.
    """
    new = [ref for ref, uid in pruning.delete if confirmed.get(ref) != uid]
    allowed = max(limit, math.floor(total * share))
    if len(new) > allowed:
        named = ", ".join(str(ref) for ref in new[:10]) + (", …" if len(new) > 10 else "")
        raise RefusedError(
            f"this sync would delete {len(new)} of {total} objects, more than {allowed}: {named}",
            remedy=REMEDY,
        )


def check_moved(
    pruning: Pruning, wanted: Iterable[ObjectRef], confirmed: Mapping[ObjectRef, str] = NOTHING_CONFIRMED
) -> None:
    """Raise RefusedError when what Git has in another namespace now would be deleted unconfirmed."""
    places = {(ref.group, ref.kind, ref.name): ref.namespace for ref in wanted if ref.namespace}
    moved = [
        ref
        for ref, uid in pruning.delete
        if ref.namespace and confirmed.get(ref) != uid and (ref.group, ref.kind, ref.name) in places
    ]
    if moved:
        named = ", ".join(f"{ref} (now in {places[ref.group, ref.kind, ref.name]})" for ref in moved[:10])
        more = ", …" if len(moved) > 10 else ""
        raise RefusedError(
            f"this sync would move objects, and delete the old ones: {named}{more}", remedy=REMEDY
        )


def check_protected(pruning: Pruning, confirmed: Mapping[ObjectRef, str] = NOTHING_CONFIRMED) -> None:
    """Raise RefusedError when an object that holds others, or data, would be deleted unconfirmed."""
    unconfirmed = [ref for ref, uid in pruning.delete if confirmed.get(ref) != uid]
    if protected := [ref for ref in unconfirmed if ref.kind in PROTECTED_KINDS]:
        named = ", ".join(str(ref) for ref in protected)
        raise RefusedError(f"this sync would delete {named}, and data with it", remedy=REMEDY)
