"""Runs the hooks of a sync: one attempt per (commit, content), remembered in the inventory."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.hooks import find_attempt
from towpath.applyset.inventory import HookRun, Inventory, Owner
from towpath.engine.apply.failpoint import reach
from towpath.engine.live.jobs import find_run, start_run, wait_ended
from towpath.errors import SyncError
from towpath.fields.canonical import digest
from towpath.objects import Manifest, ObjectRef, ref_of


@dataclass(frozen=True, slots=True)
class Hooks:
    """What running them needs; `remember` writes one run into the inventory."""

    cluster: Cluster
    owner: Owner
    commit: str
    seconds: float
    remember: Callable[[HookRun], None]

    def run(self, inventory: Inventory | None, hook: Manifest) -> bool:
        """Whether it ran now; False when it has succeeded before. Crashed on the way, it goes on.

        Raises SyncError when it fails, or has failed at this commit before.
        """
        ref, content = ref_of(hook), digest(hook)
        known = find_attempt(inventory, hook, self.commit)
        if known and known.result == "succeeded":
            return False
        if known and known.result == "failed":
            raise self._failed(known, "failed at this commit before, and is not tried again")
        if known is None:
            known = HookRun(ref, self.commit, content, "running")
            self.remember(known)
            reach("hook-remembered")
        key = f"{self.commit}-{content}"
        live = find_run(self.cluster, ref, key)
        if live is None and not known.uid:
            live = start_run(self.cluster, hook, self.owner, key)
            reach("hook-created")
        if live and known.uid != live["metadata"]["uid"]:
            known = replace(known, uid=live["metadata"]["uid"])
            self.remember(known)
        ended = wait_ended(self.cluster, ref, known.uid, self.seconds)
        reach("hook-ended")
        known = replace(known, result="succeeded" if ended.succeeded else "failed", message=ended.message)
        self.remember(known)
        if not ended.succeeded:
            raise self._failed(known, "failed")
        return True

    def _failed(self, run: HookRun, how: str) -> SyncError:
        return SyncError(
            f"{run.ref}: hook {how}: {run.message}",
            remedy="Correct it by a commit: every commit gets one attempt.",
        )


def forget(cluster: Cluster, inventory: Inventory, kept: Collection[ObjectRef]) -> tuple[HookRun, ...]:
    """Delete the Jobs of hooks that are not in `kept`; the runs that stay."""
    for run in inventory.hooks:
        if run.ref not in kept and run.uid:
            live = cluster.get(run.ref, metadata_only=True)
            if live and live["metadata"]["uid"] == run.uid:
                cluster.delete(run.ref, uid=run.uid)
    return tuple(run for run in inventory.hooks if run.ref in kept)
