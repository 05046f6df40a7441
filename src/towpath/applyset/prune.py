"""Which objects a sync may delete: those that inventory, label and uid claim, up to the prune limit."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towpath.applyset.inventory import PART_OF_LABEL, OwnedObject, Owner
from towpath.errors import RefusedError
from towpath.objects import Manifest, ObjectRef

PRUNE_ANNOTATION = "towpath.dev/prune"
NOTHING_CONFIRMED: Mapping[ObjectRef, str] = {}
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


def decide_pruning(candidates: Iterable[PruneCandidate], owner: Owner) -> Pruning:
    """Decide for each candidate whether it is deleted, kept, or gone already."""
    delete: list[tuple[ObjectRef, str]] = []
    kept: list[tuple[ObjectRef, str]] = []
    gone: list[ObjectRef] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.owned.ref):
        ref, live = candidate.owned.ref, candidate.live
        if live is None:
            gone.append(ref)
            continue
        metadata = live["metadata"]
        if candidate.owned.uid not in ("", metadata["uid"]):
            gone.append(ref)  # another object has its name now
        elif (metadata.get("labels") or {}).get(PART_OF_LABEL) != owner.applyset:
            kept.append((ref, f"its label {PART_OF_LABEL} does not say that it is {owner.app}'s"))
        elif (metadata.get("annotations") or {}).get(PRUNE_ANNOTATION) == "disabled":
            kept.append((ref, f"annotation {PRUNE_ANNOTATION}: disabled"))
        else:
            delete.append((ref, metadata["uid"]))
    return Pruning(tuple(delete), tuple(kept), tuple(gone))


def check_prune_limit(
    pruning: Pruning,
    *,
    total: int,
    limit: int,
    share: float,
    confirmed: Mapping[ObjectRef, str] = NOTHING_CONFIRMED,
) -> None:
    """Raise RefusedError for more deletions than max(`limit`, `share` of `total`), or a protected kind.

    Deletions that `confirmed` has with the same uid do not count.
    """
    unconfirmed = [ref for ref, uid in pruning.delete if confirmed.get(ref) != uid]
    protected = [ref for ref in unconfirmed if ref.kind in PROTECTED_KINDS]
    remedy = "Nothing was changed. If this is meant, confirm these deletions by a commit: "
    remedy += "`towpath plan APP ENVIRONMENT --confirm` prints the prune.yaml to commit."
    if protected:
        named = ", ".join(str(ref) for ref in protected)
        raise RefusedError(f"this sync would delete {named}, and data with it", remedy=remedy)
    allowed = max(limit, math.floor(total * share))
    if len(unconfirmed) > allowed:
        named = ", ".join(str(ref) for ref in unconfirmed[:10]) + (", …" if len(unconfirmed) > 10 else "")
        raise RefusedError(
            f"this sync would delete {len(unconfirmed)} of {total} objects, more than {allowed}: {named}",
            remedy=remedy,
        )
