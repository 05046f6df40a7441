"""The chart's objects: planned by dry runs, applied by server-side apply, recorded, and pruned.

The record is a ConfigMap, written before anything is applied (what may exist) and after it (what does). It is
no inventory of an app: an agent must not take the installation's objects for those of its environment.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.inventory import INSTALLED_LABEL
from towpath.applyset.plan import PlanEntry
from towpath.engine.live.concurrent import concurrently
from towpath.errors import ConfigError, TowpathError
from towpath.kube.apply_order import apply_stages, deletion_stages, in_apply_order
from towpath.kube.diff import differences
from towpath.kube.rights import RBAC
from towpath.objects import Manifest, ObjectRef, ref_of

MANAGER = "towpath-install"
"""Field manager of what `towpath install` writes, and the name of its record."""
GONE = "no longer in the chart"
ROLE_SECONDS, ROLE_PAUSE = 10.0, 0.1
"""How long a binding waits for its role, which was written before it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster and the namespace of the installation. `take_over`: objects of others are taken over."""

    cluster: Cluster
    namespace: str
    take_over: bool = False

    @property
    def record(self) -> ObjectRef:
        return ObjectRef("", "ConfigMap", self.namespace, MANAGER)

    def labelled(self, manifest: Manifest) -> Manifest:
        """The manifest as it is applied."""
        metadata = manifest["metadata"]
        labels = {**(metadata.get("labels") or {}), INSTALLED_LABEL: self.namespace}
        return {**manifest, "metadata": {**metadata, "labels": labels}}

    def owner_of(self, live: Manifest) -> str:
        """Whose a live object is; empty: this installation's."""
        owner = (live["metadata"].get("labels") or {}).get(INSTALLED_LABEL)
        if owner == self.namespace:
            return ""
        if owner:
            return f"the installation in namespace {owner}"
        entries = live["metadata"].get("managedFields") or ()
        managers = sorted({each["manager"] for each in entries if not each.get("subresource")})
        return f"somebody else (field managers: {', '.join(managers)})" if managers else "somebody else"


def read_record(target: Target) -> tuple[ObjectRef, ...]:
    """The objects that this installation has applied; none where it has not begun."""
    live = target.cluster.get(target.record)
    if live is None:
        return ()
    try:
        listed = json.loads(live["data"]["objects"])
        return tuple(sorted(ObjectRef(**each) for each in listed))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            "cannot be read: it is not as `towpath install` wrote it",
            file=str(target.record),
            remedy="Delete it: the next `towpath install` writes it anew, and deletes nothing.",
        ) from error


def plan_objects(
    target: Target, wanted: Iterable[Manifest], absent: frozenset[str] = frozenset()
) -> list[PlanEntry]:
    """One entry for each object in the order of an apply, then deletions. `absent` are missing namespaces.

    What the API server refuses, and what is somebody else's, is `skip` with the reason.
    """
    ordered = in_apply_order(map(target.labelled, wanted))
    refs = frozenset(map(ref_of, ordered))
    entries = concurrently(
        lambda manifest: _later(manifest, absent) or _planned(target, manifest, refs), ordered
    )
    if target.namespace in absent:
        return entries
    return entries + [PlanEntry(ref, "delete", reason=GONE, uid=uid) for ref, uid in _left(target, ordered)]


def apply_objects(target: Target, wanted: Iterable[Manifest], entries: Iterable[PlanEntry]) -> None:
    """Apply what the plan creates or configures, by stages. Raises the first error of a stage."""
    chosen = {entry.ref for entry in entries if entry.action in ("create", "configure")}
    objects = [target.labelled(each) for each in wanted]
    refs = {ref_of(each) for each in objects}
    before = set(read_record(target))
    if not refs <= before:
        _write_record(target, refs | before)
    for stage in apply_stages(each for each in objects if ref_of(each) in chosen):
        concurrently(lambda manifest: _apply(target, manifest), stage)


def prune_objects(target: Target, wanted: Iterable[Manifest]) -> list[ObjectRef]:
    """Delete what the record has and the chart has no more; gives what was deleted."""
    kept = {ref_of(each) for each in wanted}
    left = dict(_left(target, wanted))
    live = [each for ref in left if (each := target.cluster.get(ref, metadata_only=True))]
    for stage in deletion_stages(live):
        for ref in stage:
            target.cluster.delete(ref, uid=left[ref])
    if set(read_record(target)) != kept:
        _write_record(target, kept)
    return sorted(left)


def explained(error: TowpathError, what: str) -> TowpathError:
    """The error with the way out where an account lacks a right."""
    if isinstance(error, ApiRefusedError) and error.status == 403:
        error.remedy = f"{what} needs an account with more rights, as an administrator's; then run it again."
    return error


def _later(manifest: Manifest, absent: frozenset[str]) -> PlanEntry | None:
    """The entry of an object whose namespace has to be made first."""
    ref = ref_of(manifest)
    return (
        PlanEntry(ref, "create", reason=f"after namespace {ref.namespace}")
        if ref.namespace in absent
        else None
    )


def _planned(target: Target, manifest: Manifest, refs: frozenset[ObjectRef]) -> PlanEntry:
    ref, cluster = ref_of(manifest), target.cluster
    if (ref.group, ref.kind) not in cluster.discover():
        return PlanEntry(ref, "skip", reason=f"{cluster.server} serves no {ref.kind} in {ref.group or 'v1'}")
    live = None
    try:
        live = cluster.get(ref)
        if live is not None and (owner := target.owner_of(live)) and not target.take_over:
            return PlanEntry(ref, "skip", reason=f"belongs to {owner}; --take-over makes it ours")
        after = cluster.server_side_apply(
            manifest, dry_run=True, force=target.take_over, field_manager=MANAGER
        )
    except (ApiConflictError, ApiRefusedError) as error:
        if not (_lacks_role(manifest, error) and (role := _bound_role(manifest)) in refs):
            return PlanEntry(ref, "skip", reason=error.message)
        return PlanEntry(ref, "configure" if live else "create", reason=f"after {role}")
    if live is None:
        return PlanEntry(ref, "create")
    changes = differences(live, after)
    return PlanEntry(ref, "configure" if changes else "unchanged", changes)


def _apply(target: Target, manifest: Manifest) -> None:
    """Apply it. A binding waits until the authorizer, which follows what is written, knows its role."""
    deadline = time.monotonic() + ROLE_SECONDS
    while True:
        try:
            target.cluster.server_side_apply(manifest, force=target.take_over, field_manager=MANAGER)
        except ApiRefusedError as error:
            if not _lacks_role(manifest, error) or time.monotonic() >= deadline:
                raise
            time.sleep(ROLE_PAUSE)
        else:
            return


def _lacks_role(manifest: Manifest, error: TowpathError) -> bool:
    """Whether a binding is refused for want of its role, whose rights an account must have that binds it."""
    refused = isinstance(error, ApiRefusedError) and error.status == 404
    return refused and ref_of(manifest).group == RBAC and "roleRef" in manifest


def _bound_role(manifest: Manifest) -> ObjectRef:
    role = manifest["roleRef"]
    place = ref_of(manifest).namespace if role["kind"] == "Role" else ""
    return ObjectRef(RBAC, role["kind"], place, role["name"])


def _left(target: Target, wanted: Iterable[Manifest]) -> list[tuple[ObjectRef, str]]:
    """Objects of the record that the chart has no more and that are still ours, with their uids."""
    kept = {ref_of(each) for each in wanted}
    gone: Sequence[ObjectRef] = [ref for ref in read_record(target) if ref not in kept]
    known = [ref for ref in gone if (ref.group, ref.kind) in target.cluster.discover()]
    live = concurrently(lambda ref: target.cluster.get(ref, metadata_only=True), known)
    return [
        (ref, each["metadata"]["uid"])
        for ref, each in zip(known, live, strict=True)
        if each is not None and not target.owner_of(each)
    ]


def _write_record(target: Target, refs: Iterable[ObjectRef]) -> None:
    ref = target.record
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "data": {"objects": json.dumps([each.to_json() for each in sorted(refs)])},
    }
    target.cluster.server_side_apply(target.labelled(manifest), force=True, field_manager=MANAGER)
