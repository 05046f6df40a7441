"""Deletes what a sync found to be no longer in Git; called when the app was verified without it."""

from collections.abc import Iterable, Mapping

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import Inventory, Owner
from towpath.applyset.prune import (
    NOTHING_CONFIRMED,
    PruneCandidate,
    Pruning,
    check_protected,
    decide_pruning,
)
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.engine.apply.failpoint import reach
from towpath.engine.apply.run import Run
from towpath.engine.apply.server_side_apply import GONE_SECONDS
from towpath.engine.apply.sync_result import Progress, SyncResult
from towpath.engine.live.app_state import AppState, owner_of
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.observe import observe, read_inventory, secrets_of, wait_gone
from towpath.engine.source.render import Rendered, secret_places
from towpath.errors import TowpathError
from towpath.kube.apply_order import deletion_stages
from towpath.kube.finalizers import termination
from towpath.objects import Manifest, ObjectRef, ref_of


def prune_app(
    cluster: Cluster,
    rendered: Rendered,
    *,
    confirmed: ConfirmedDeletions = NOTHING_CONFIRMED,
    on_progress: Progress | None = None,
) -> SyncResult:
    """Delete the objects that the last sync of `rendered` wrote down; nothing when another one came since.

    Repeat it after a crash. The sync has counted them against the limit; whether each may be deleted at all
    is decided here once more, from the live object. Raises RefusedError, SyncError, TransientError.
    """
    owner = owner_of(rendered)
    inventory, version = read_inventory(cluster, owner)
    if inventory is None or not inventory.deletions:
        return SyncResult(rendered.app, rendered.environment, (), inventory)
    secrets = {*map(secrets_of, secret_places(rendered))}
    live = observe(cluster, {*inventory.deletions, *secrets}, rendered.namespace)
    if not rendered.is_recorded(inventory.desired_digest, live.digest_key):
        return SyncResult(rendered.app, rendered.environment, (), inventory)
    state = AppState(owner, inventory, version, {}, live)
    pruning = pending_deletions(inventory, owner, rendered.objects, live.metadata)
    check_protected(pruning, confirmed)
    run = Run(cluster, rendered, state, inventory.commit, on_progress)
    run.deletions = frozenset(inventory.deletions)
    delete_objects(run, pruning)
    return run.finish()


def pending_deletions(
    inventory: Inventory, owner: Owner, objects: Iterable[Manifest], live: Mapping[ObjectRef, Manifest]
) -> Pruning:
    """What waits to be deleted, judged by what is live now; never what `objects`, those of Git, have."""
    owned, wanted = inventory.by_ref, {ref_of(manifest) for manifest in objects}
    leaving = [ref for ref in inventory.deletions if ref in owned and ref not in wanted]
    return decide_pruning((PruneCandidate(owned[ref], live.get(ref)) for ref in leaving), owner)


def delete_objects(run: Run, pruning: Pruning, *, only: frozenset[ObjectRef] | None = None) -> None:
    """Delete in the reverse of the apply order, until something fails; `only` these, when given."""
    if only is None:
        for ref in pruning.gone:
            run.objects.pop(ref, None)
        for ref, reason in pruning.kept:
            run.done(ref, "skipped", reason)
    uids = {ref: uid for ref, uid in pruning.delete if only is None or ref in only}
    live = run.app_state.live.metadata
    reach("before-prune")

    def delete(ref: ObjectRef) -> None:
        if run.is_left_out():
            return
        try:
            _delete(run, ref, uids[ref], live[ref])
        except TowpathError as error:
            run.failed(ref, error)

    for stage in deletion_stages(live[ref] for ref in uids):
        concurrently(delete, stage)
        if run.failures:
            return


def _delete(run: Run, ref: ObjectRef, uid: str, seen: Manifest) -> None:
    waits = "deletionTimestamp" in seen["metadata"]
    if not waits:
        run.cluster.delete(ref, uid=uid)
        reach("deleted")
    if wait_gone(run.cluster, ref, 0.0 if waits else GONE_SECONDS):
        run.objects.pop(ref, None)
        if not waits:
            run.done(ref, "deleted")
        return
    now = run.cluster.get(ref, metadata_only=True) or seen
    # To have asked for it once is one write, not one in each round until its finalizers are done.
    run.done(ref, "skipped" if waits else "deleted", termination(now["metadata"]))
