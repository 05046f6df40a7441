"""Deletes extras of the kinds for which an environment's `extras` says `prune`: few at a time, never data."""

import math
from collections.abc import Iterable

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import PART_OF_LABEL
from towpath.applyset.prune import PROTECTED_KINDS, PRUNE_ANNOTATION
from towpath.config import Environment
from towpath.drift.extras import is_extra
from towpath.drift.model import DriftEntry
from towpath.engine.live.observe import observe
from towpath.errors import RefusedError
from towpath.objects import Manifest, ObjectRef

HELM = "meta.helm.sh/release-name"


def prune_extras(
    cluster: Cluster, environment: Environment, entries: Iterable[DriftEntry], *, total: int
) -> tuple[ObjectRef, ...]:
    """Delete the extras among `entries` that still are extras; `total` objects are managed here.

    Raises RefusedError before any deletion when they are more than the environment's limit.
    """
    refs = to_prune(environment, entries)
    live = observe(cluster, refs, environment.namespace).metadata if refs else {}
    chosen = [ref for ref in sorted(refs) if ref in live and may_delete(live[ref])]
    allowed = max(environment.prune.limit, math.floor(total * environment.prune.share))
    if len(chosen) > allowed:
        named = ", ".join(map(str, chosen[:10])) + (", …" if len(chosen) > 10 else "")
        raise RefusedError(
            f"{environment.name} has {len(chosen)} extras, more than {allowed} are deleted at once: {named}",
            remedy="Delete them by hand, put them into Git, or raise `prune.limit` in towpath.yaml.",
        )
    return tuple(ref for ref in chosen if cluster.delete(ref, uid=live[ref]["metadata"]["uid"]))


def to_prune(environment: Environment, entries: Iterable[DriftEntry]) -> list[ObjectRef]:
    """Extras for whose kind and name the environment says `prune`."""
    refs = (entry.ref for entry in entries if entry.kind == "extra")
    return [ref for ref in refs if environment.extras_mode_of(ref.group, ref.kind, ref.name) == "prune"]


def may_delete(live: Manifest) -> bool:
    """Pure, by metadata: nobody declared it, no other tool owns it, and it holds no data."""
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    return (
        is_extra(live)
        and live["kind"] not in PROTECTED_KINDS
        and PART_OF_LABEL not in (metadata.get("labels") or {})
        and HELM not in annotations
        and annotations.get(PRUNE_ANNOTATION) != "disabled"
        and "deletionTimestamp" not in metadata
    )
