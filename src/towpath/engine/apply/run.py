"""One run of writes to an app's objects: what is known to exist, what was done, what went wrong."""

import threading
from dataclasses import replace

from towpath.adapters.kubernetes import ApiAwayError, ApiConflictError, Cluster, FieldOwner
from towpath.applyset.apply_object import with_recorded_digests
from towpath.applyset.inventory import (
    Inventory,
    OwnedObject,
    inventory_after_sync,
    is_same_inventory,
    with_apply_commits,
)
from towpath.applyset.inventory_configmap import to_configmap
from towpath.engine.apply.failpoint import reach
from towpath.engine.apply.hooks import forget
from towpath.engine.apply.sync_result import ObjectResult, Progress, Result, SyncResult, failed
from towpath.engine.live.app_state import AppState
from towpath.engine.live.observe import read_inventory
from towpath.engine.source.render import Rendered
from towpath.errors import TowpathError, TransientError
from towpath.kube.apply_order import in_apply_order
from towpath.objects import ObjectRef, ref_of

TOLERATED = 3
"""So many objects may get no answer; then the server is away, and the others are not tried."""


class Run:
    """`objects` and `deletions` become the inventory's at the end; `failures` end the run."""

    def __init__(
        self, cluster: Cluster, rendered: Rendered, app_state: AppState, commit: str, tell: Progress | None
    ) -> None:
        self.cluster, self.rendered, self.app_state, self.commit = cluster, rendered, app_state, commit
        self.tell = tell or (lambda _: None)
        self.written, self.version = app_state.inventory, app_state.version
        self.objects: dict[ObjectRef, OwnedObject] = dict(app_state.owned)
        self.deletions: frozenset[ObjectRef] = frozenset()
        self.results: dict[ObjectRef, ObjectResult] = {}
        self.failures: list[tuple[ObjectRef, TowpathError]] = []
        self._unanswered = self._untried = 0
        self._lock = threading.Lock()

    def is_left_out(self) -> bool:
        """Whether the next object is not tried, so that a server that is away costs a bounded time."""
        with self._lock:
            away = self._unanswered > TOLERATED
            self._untried += away
            return away

    def failed(self, ref: ObjectRef, error: TowpathError) -> None:
        with self._lock:
            self.failures.append((ref, error))
            self._unanswered += isinstance(error, ApiAwayError)

    def done(
        self, ref: ObjectRef, result: Result, message: str = "", left_fields: tuple[FieldOwner, ...] = ()
    ) -> None:
        self.results[ref] = ObjectResult(ref, result, message, left_fields)
        self.tell(self.results[ref])

    def finish(self, *, complete: bool = True) -> SyncResult:
        """Write the inventory as it is now. Raises one error for all failures.

        `complete`: all that Git wants is applied, so that commit and digest are written down, too.
        """
        try:
            self._write_after(complete=complete and not self.failures)
        except TowpathError as error:
            self.failures.append((self.app_state.owner.ref, error))
        if self.failures:
            raise failed(self.rendered, self.failures, untried=self._untried)
        order = [ref_of(m) for m in in_apply_order(d.initial for d in self.app_state.desired.values())]
        results = [self.results.get(ref) or ObjectResult(ref, "unchanged") for ref in order]
        results += [each for ref, each in self.results.items() if ref not in self.app_state.desired]
        return SyncResult(self.rendered.app, self.rendered.environment, tuple(results), self.written)

    def _write_after(self, *, complete: bool) -> None:
        old = self.written
        commit = self.commit if complete else old.commit if old else ""
        digest = self.rendered.recorded_digest(self.app_state.live.digest_key)
        desired = digest if complete else old.desired_digest if old else ""
        hooks = old.hooks if old else ()
        if complete and old and (self.rendered.objects or not self.objects):
            hooks = forget(self.cluster, old, {ref_of(hook) for hook in self.rendered.hooks})
        unsettled = {ref_of(manifest) for manifest in self.app_state.unsettled}

        def as_in_git(owned: OwnedObject) -> bool:
            desired = self.app_state.desired.get(owned.ref)
            return desired is not None and (
                owned.ref not in unsettled or desired.is_recorded(owned.applied_digest)
            )

        objects = with_apply_commits(
            self.objects, self.app_state.inventory, self.commit, complete=complete, as_in_git=as_in_git
        )
        objects = with_recorded_digests(objects, self.app_state.desired)
        new = inventory_after_sync(self.app_state.owner, commit, desired, objects, hooks)
        new = replace(new, deletions=tuple(sorted(self.deletions & self.objects.keys())))
        if not is_same_inventory(old, new):
            reach("inventory-after")
            self.write(new)
            reach("inventory-after-written")

    def write(self, inventory: Inventory) -> None:
        """Replace the inventory that was read or written last; TransientError when somebody else did.

        RefusedError when it is another environment's.
        """
        manifest = to_configmap(inventory, self.version)
        try:
            written = self.cluster.replace(manifest) if self.version else self.cluster.create(manifest)
        except ApiConflictError as error:
            if not self.version:  # there is one that was not seen
                read_inventory(self.cluster, self.app_state.owner)
            raise TransientError(
                f"another sync of {self.rendered.app} in {self.rendered.environment} is under way"
            ) from error
        self.version = written["metadata"]["resourceVersion"]
        self.written = inventory
