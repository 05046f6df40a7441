"""Applies one object: takes back what people changed, leaves alone what others own, says what happened."""

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.annotations import RECREATE
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.inventory import Owned
from towpath.applyset.prune import PROTECTED
from towpath.engine.apply.failpoint import reach
from towpath.engine.live.observe import wait_gone
from towpath.errors import TowpathError, TransientError
from towpath.kube.immutable import changed_fields, told
from towpath.kube.managed_fields import (
    fingerprint,
    foreign_edits,
    is_nobody,
    is_ours,
    is_person,
    personal_entries,
)
from towpath.kube.ownership import patch, take_over
from towpath.objects import Manifest

TRIES = 5
GONE_SECONDS = 10.0


def apply_object(
    cluster: Cluster, desired: ApplyObject, known: Manifest | None, *, dry_run: bool = False
) -> Manifest:
    """The object after the apply; `known` is its live metadata, None when it is new.

    Raises ApiConflictError when a field that differs is another controller's: it is never forced.
    """
    if known is None:
        created = _apply(cluster, desired.initial, dry_run=dry_run)
        if desired.initial == desired.manifest or dry_run:
            return created
        # What others will decide got its first value from Git, and from now on belongs to nobody.
        return _rewrite_owners(cluster, desired, created)
    if not dry_run and _needs_rewrite(known, desired):
        live = cluster.get(desired.ref)
        if live is None:
            return _apply(cluster, desired.initial)
        _rewrite_owners(cluster, desired, live)
        reach("owners-rewritten")
    return _apply(cluster, desired.manifest, dry_run=dry_run)


def may_recreate(desired: ApplyObject, error: TowpathError) -> bool:
    """Whether a new object may take the place of the one that cannot be changed so."""
    metadata = desired.manifest["metadata"]
    return (
        isinstance(error, ApiRefusedError)
        and error.is_immutable
        and desired.ref.kind not in PROTECTED
        and (metadata.get("annotations") or {}).get(RECREATE) == "allowed"
    )


def recreate_object(cluster: Cluster, desired: ApplyObject, known: Manifest) -> Manifest:
    """Delete exactly the object that was seen, and make it anew."""
    cluster.delete(desired.ref, uid=known["metadata"]["uid"])
    reach("recreate-deleted")
    if not wait_gone(cluster, desired.ref, GONE_SECONDS):
        raise TransientError(f"{desired.ref}: is being recreated, and waits for its finalizers")
    return apply_object(cluster, desired, None)


def told_to_recreate(cluster: Cluster, desired: ApplyObject, error: TowpathError) -> TowpathError:
    """A refusal because of an immutable field names it, and says what would help."""
    if not isinstance(error, ApiRefusedError) or not error.is_immutable:
        return error
    named = name_fields(cluster, desired, error)
    named.remedy = error.remedy or (
        f"Take the change out of Git, or annotate the object with `{RECREATE}: allowed`: it is then"
        " deleted and created anew."
    )
    return named


def name_fields(cluster: Cluster, desired: ApplyObject, error: ApiRefusedError) -> ApiRefusedError:
    """The refusal of a change to an immutable field, with the very fields that Git has changed."""
    try:
        live = cluster.get(desired.ref, version=desired.manifest["apiVersion"].rpartition("/")[2])
    except TowpathError:
        live = None
    changed = changed_fields(live, desired.manifest, error.fields, error.reason) if live else ()
    reason = told(error.reason, changed, error.fields)
    return ApiRefusedError(error.what, status=error.status, reason=reason, fields=error.fields)


def is_changed(before: Manifest, after: Manifest, owned: Owned | None, desired: ApplyObject) -> bool:
    """Whether our apply wrote: status updates of others raise the resourceVersion, too, and do not count."""
    old, new = before["metadata"], after["metadata"]
    if old["resourceVersion"] == new["resourceVersion"]:
        return False
    if old.get("generation") != new.get("generation") or "generation" not in new:
        return True
    if owned is None or owned.applied != desired.applied:
        return True
    return fingerprint(old) != fingerprint(new) or bool(foreign_edits(old, desired.ignored, desired.yielded))


def _apply(cluster: Cluster, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
    force = False
    for _ in range(TRIES - 1):
        try:
            return cluster.server_side_apply(manifest, dry_run=dry_run, force=force)
        except ApiConflictError as conflict:
            if not all(
                is_person(o.manager) or is_ours(o.manager) or is_nobody(o.manager) for o in conflict.owners
            ):
                raise
            # Without owners somebody wrote at the same moment: the server reads it again.
            force = force or bool(conflict.owners)
    return cluster.server_side_apply(manifest, dry_run=dry_run, force=force)


def _needs_rewrite(known: Manifest, desired: ApplyObject) -> bool:
    """Whether the owners might have to be rewritten: fields are ignored, or somebody's tool was here."""
    return bool(desired.ignored) or any(True for _ in personal_entries(known["metadata"]))


def _rewrite_owners(cluster: Cluster, desired: ApplyObject, live: Manifest) -> Manifest:
    for _ in range(TRIES):
        managed_fields = take_over(live, desired.ignored, desired.yielded)
        if managed_fields is None:
            return live
        try:
            return cluster.json_patch(desired.ref, patch(live, managed_fields))
        except ApiConflictError:
            again = cluster.get(desired.ref)  # its controller wrote the status meanwhile
            if again is None:
                break
            live = again
    raise TransientError(f"{desired.ref} changes faster than it can be taken over")
