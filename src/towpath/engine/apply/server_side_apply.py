"""Applies one object: takes back what people changed, leaves alone what others own, says what happened."""

from towpath.adapters.kubernetes import ApiConflictError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.inventory import OwnedObject
from towpath.applyset.left_fields import is_taken_back
from towpath.engine.apply.failpoint import reach
from towpath.errors import TransientError
from towpath.fields.managed_fields import fingerprint, person_entries
from towpath.fields.owner_rewrite import managed_fields_patch, take_over
from towpath.objects import Manifest

TRIES = 5
GONE_SECONDS = 10.0


def apply_object(
    cluster: Cluster,
    desired: ApplyObject,
    known: Manifest | None,
    *,
    dry_run: bool = False,
    force: bool = False,
) -> Manifest:
    """The object after the apply; `known` is its live metadata, None when it is new.

    `force`: who calls has seen that the conflicts are about nothing but labels of our own.

    Raises ApiConflictError when a field that differs is another controller's: it is never forced.
    """
    if known is None:
        created = _apply(cluster, desired, desired.initial, dry_run=dry_run)
        if desired.initial == desired.manifest or dry_run:
            return created
        # What others will decide got its first value from Git, and from now on belongs to nobody.
        return _rewrite_owners(cluster, desired, created)
    if not dry_run and _needs_rewrite(known, desired):
        live = cluster.get(desired.ref)
        if live is None:
            return _apply(cluster, desired, desired.initial)
        _rewrite_owners(cluster, desired, live)
        reach("owners-rewritten")
    return _apply(cluster, desired, desired.manifest, dry_run=dry_run, force=force)


def is_changed(before: Manifest, after: Manifest, owned: OwnedObject | None, desired: ApplyObject) -> bool:
    """Whether our apply wrote: status updates of others raise the resourceVersion, too, and do not count."""
    old, new = before["metadata"], after["metadata"]
    if old["resourceVersion"] == new["resourceVersion"]:
        return False
    if old.get("generation") != new.get("generation") or "generation" not in new:
        return True
    if owned is None or not desired.is_recorded(owned.applied_digest):
        return True
    return fingerprint(old) != fingerprint(new) or bool(desired.edits(old))


def _apply(
    cluster: Cluster,
    desired: ApplyObject,
    manifest: Manifest,
    *,
    dry_run: bool = False,
    force: bool = False,
) -> Manifest:
    for _ in range(TRIES - 1):
        try:
            return cluster.server_side_apply(manifest, dry_run=dry_run, force=force)
        except ApiConflictError as conflict:
            if not all(is_taken_back(owner.manager, desired.taken_back) for owner in conflict.owners):
                raise
            # Without owners somebody wrote at the same moment: the server reads it again.
            force = force or bool(conflict.owners)
    return cluster.server_side_apply(manifest, dry_run=dry_run, force=force)


def _needs_rewrite(known: Manifest, desired: ApplyObject) -> bool:
    """Whether the owners might have to be rewritten: fields are ignored, or somebody's tool was here."""
    return bool(desired.ignored) or any(True for _ in person_entries(known["metadata"], desired.taken_back))


def _rewrite_owners(cluster: Cluster, desired: ApplyObject, live: Manifest) -> Manifest:
    for _ in range(TRIES):
        managed_fields = take_over(
            live, desired.manifest, desired.ignored, desired.ignored_managers, desired.taken_back
        )
        if managed_fields is None:
            return live
        try:
            return cluster.json_patch(desired.ref, managed_fields_patch(live, managed_fields))
        except ApiConflictError:
            again = cluster.get(desired.ref)  # its controller wrote the status meanwhile
            if again is None:
                break
            live = again
    raise TransientError(f"{desired.ref} changes faster than it can be taken over")
