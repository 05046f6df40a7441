"""Carries out what Git wants for one app: inventory ahead, apply by stages, prune last, inventory after."""

import threading
from collections.abc import Mapping

from towpath.adapters.kubernetes import ApiAwayError, ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.hooks import hooks_for
from towpath.applyset.inventory import (
    HookRun,
    Inventory,
    OwnedObject,
    inventory_after_sync,
    is_same_inventory,
    to_configmap,
    with_hook_run,
    with_planned_objects,
)
from towpath.applyset.prune import NOTHING_CONFIRMED, Pruning
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.drift.heal_budget import WHOLE_OBJECT
from towpath.engine.apply.crd_wait import wait_established
from towpath.engine.apply.failpoint import reach
from towpath.engine.apply.hooks import Hooks, forget
from towpath.engine.apply.namespace import prepare_namespace
from towpath.engine.apply.recreate import explain_refusal, may_recreate, name_fields, recreate_object
from towpath.engine.apply.server_side_apply import GONE_SECONDS, apply_object, is_changed
from towpath.engine.apply.sync_result import ObjectResult, Progress, Result, SyncResult, failed
from towpath.engine.live.app_state import AppState, read_app_state
from towpath.engine.live.observe import concurrently, wait_gone
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError, TowpathError, TransientError
from towpath.kube.apply_order import (
    POST_SYNC,
    PRE_SYNC,
    apply_stages,
    deletion_stages,
    in_apply_order,
    split_at_pre_sync,
)
from towpath.kube.managed_fields import fingerprint
from towpath.objects import Manifest, ObjectRef, ref_of

CRD = "CustomResourceDefinition"
TOLERATED = 3
"""So many objects may get no answer; then the server is away, and the others are not tried."""
Leave = Mapping[ObjectRef, tuple[str, ...]]
"""Drift that is not taken back: object -> pointers of fields, or (WHOLE,) for all of it."""
NO_LEAVE: Leave = {}
LEFT = "somebody changed it, and that is left alone"


def sync_app(  # noqa: PLR0913
    cluster: Cluster,
    rendered: Rendered,
    environment: Environment,
    *,
    commit: str,
    on_progress: Progress | None = None,
    confirmed: ConfirmedDeletions = NOTHING_CONFIRMED,
    leave: Leave = NO_LEAVE,
    app_state: AppState | None = None,
) -> SyncResult:
    """Make live equal to `rendered`. Repeat it after a crash at any point; the second time writes nothing.

    A caller that has just read the cluster passes `app_state`; the namespace exists then.
    Drift in `leave` stays, and all of it where the app's mode is not `heal`: applied is what Git changed.

    Raises RefusedError before any change when it would delete too much, SyncError naming each object that the
    server refused, TransientError when only trying again is needed. The inventory is truthful in every case.
    """
    tell = on_progress or (lambda _: None)
    founded: frozenset[ObjectRef] = frozenset()
    if app_state is None:
        made = prepare_namespace(cluster, rendered, environment)
        if made is None:
            return SyncResult(rendered.app, rendered.environment, ())
        founded = made
        reach("namespace-ready")
        app_state = read_app_state(cluster, rendered, environment)
    claims = app_state.foreign_claims()
    if claims:
        raise failed(rendered, [(ref, SyncError(f"{ref}: belongs to app {owner}")) for ref, owner in claims])
    pruning = app_state.pruning()
    app_state.check_pruning(pruning, environment, confirmed)
    patience = environment.timeout.total_seconds()
    if environment.drift_mode_of(rendered.app) != "heal":
        leave = {**leave, **dict.fromkeys(app_state.drifted(), (WHOLE_OBJECT,))}
    return Run(cluster, rendered, app_state, commit, tell, founded, patience, leave).carry_out(pruning)


class Run:
    """One sync under way: what is known to exist, what went wrong."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        cluster: Cluster,
        rendered: Rendered,
        app_state: AppState,
        commit: str,
        tell: Progress,
        founded: frozenset[ObjectRef],
        patience: float = 0.0,
        leave: Leave = NO_LEAVE,
    ) -> None:
        self.cluster, self.rendered, self.app_state = cluster, rendered, app_state
        self.commit, self.tell, self.founded = commit, tell, founded
        self.patience, self.left_alone = patience, leave
        self.written, self.version = app_state.inventory, app_state.version
        self.objects: dict[ObjectRef, OwnedObject] = dict(app_state.owned)
        self.results: dict[ObjectRef, ObjectResult] = {}
        self.failures: list[tuple[ObjectRef, TowpathError]] = []
        self.unanswered = self.untried = 0
        self.lock = threading.Lock()

    def carry_out(self, pruning: Pruning) -> SyncResult:
        todo = self._not_left(self.app_state.unsettled())
        self._write_ahead([ref_of(manifest) for manifest in todo])
        before, rest = split_at_pre_sync(todo)
        self._apply_all(before)
        if not self.failures:
            self._run_hooks(PRE_SYNC)
        if not self.failures:
            self._apply_all(rest)
        if not self.failures:
            self._run_hooks(POST_SYNC)
        return self.only_prune(pruning)

    def _not_left(self, unsettled: list[Manifest]) -> list[Manifest]:
        whole = {ref for ref, pointers in self.left_alone.items() if WHOLE_OBJECT in pointers}
        for ref in sorted(whole & {ref_of(manifest) for manifest in unsettled}):
            self._done(ref, "skipped", LEFT)
        return [manifest for manifest in unsettled if ref_of(manifest) not in whole]

    def _run_hooks(self, when: str) -> None:
        """Only when Git has changed: to heal is no delivery."""
        before = self.app_state.inventory
        if before and before.desired == self.rendered.digest:
            return

        def remember(run: HookRun) -> None:
            self._write(with_hook_run(self.written, self.app_state.owner, run))

        hooks = Hooks(self.cluster, self.app_state.owner, self.commit, self.patience, remember)
        for hook in hooks_for(self.rendered.hooks, when):
            ref = ref_of(hook)
            try:
                if hooks.run(self.written, hook):
                    self._done(ref, "created", f"{when} hook succeeded")
                else:
                    self._done(ref, "skipped", f"{when} hook has succeeded at this commit before")
            except TowpathError as error:
                self.failures.append((ref, error))
                return

    def only_prune(self, pruning: Pruning) -> SyncResult:
        """Prune if nothing has failed, and write down what is."""
        if not self.failures:
            self._prune(pruning)
        try:
            self._write_after(complete=not self.failures)
        except TowpathError as error:
            self.failures.append((self.app_state.owner.ref, error))
        if self.failures:
            raise failed(self.rendered, self.failures, untried=self.untried)
        order = [ref_of(m) for m in in_apply_order(d.initial for d in self.app_state.desired.values())]
        results = [self.results.get(ref) or ObjectResult(ref, "unchanged") for ref in order]
        results += [each for ref, each in self.results.items() if ref not in self.app_state.desired]
        return SyncResult(self.rendered.app, self.rendered.environment, tuple(results), self.written)

    def _apply_all(self, todo: list[Manifest]) -> None:
        for stage in apply_stages(todo):
            concurrently(self._apply_one, [ref_of(manifest) for manifest in stage])
            for ref in (ref_of(manifest) for manifest in stage if manifest["kind"] == CRD):
                try:
                    wait_established(self.cluster, ref)
                except TowpathError as error:
                    self.failures.append((ref, error))
            if self.failures:
                return  # what comes later may need what failed

    def _apply_one(self, ref: ObjectRef) -> None:
        if self._is_left_out():
            return
        desired, before = self.app_state.desired[ref], self.app_state.metadata(ref)
        left = self.left_alone.get(ref, ())
        desired = desired.without(left) if left else desired
        try:
            if (
                before
                and "deletionTimestamp" in before["metadata"]
                and not wait_gone(self.cluster, ref, GONE_SECONDS)
            ):
                raise TransientError(f"{ref}: is being deleted, and waits for its finalizers")
            after_apply, message = self._apply_or_recreate(desired, before)
        except TowpathError as error:
            self._failed(ref, explain_refusal(self.cluster, desired, error))
            return
        reach("applied")
        metadata = after_apply["metadata"]
        if not left:  # what is left alone still differs, and is to be found again
            self.objects[ref] = OwnedObject(
                ref, metadata["uid"], fingerprint(metadata), desired.applied_digest
            )
        self._done(ref, self._verdict(ref, before, after_apply), message)

    def _apply_or_recreate(self, desired: ApplyObject, before: Manifest | None) -> tuple[Manifest, str]:
        try:
            return apply_object(self.cluster, desired, before), ""
        except ApiRefusedError as error:
            if before is None or not may_recreate(self.cluster, desired, error):
                raise
            reason = name_fields(self.cluster, desired, error).reason
            return recreate_object(self.cluster, desired, before), f"recreated: {reason}"

    def _verdict(self, ref: ObjectRef, before: Manifest | None, now: Manifest) -> Result:
        if before is None or before["metadata"]["uid"] != now["metadata"]["uid"] or ref in self.founded:
            return "created"
        owned, desired = self.app_state.owned.get(ref), self.app_state.desired[ref]
        return "configured" if is_changed(before, now, owned, desired) else "unchanged"

    def _prune(self, pruning: Pruning) -> None:
        for ref in pruning.gone:
            self.objects.pop(ref, None)
        for ref, reason in pruning.kept:
            self._done(ref, "skipped", reason)
        uids = dict(pruning.delete)
        reach("before-prune")

        def delete(ref: ObjectRef) -> None:
            if self._is_left_out():
                return
            try:
                self.cluster.delete(ref, uid=uids[ref])
                reach("deleted")
                if wait_gone(self.cluster, ref, GONE_SECONDS):
                    self.objects.pop(ref, None)
                    self._done(ref, "deleted")
                else:
                    self._done(ref, "deleted", "waits for its finalizers")
            except TowpathError as error:
                self._failed(ref, error)

        for stage in deletion_stages(self.app_state.live.metadata[ref] for ref in uids):
            concurrently(delete, stage)
            if self.failures:
                return

    def _is_left_out(self) -> bool:
        """Whether the next object is not tried, so that a server that is away costs a bounded time."""
        with self.lock:
            away = self.unanswered > TOLERATED
            self.untried += away
            return away

    def _failed(self, ref: ObjectRef, error: TowpathError) -> None:
        with self.lock:
            self.failures.append((ref, error))
            self.unanswered += isinstance(error, ApiAwayError)

    def _done(self, ref: ObjectRef, result: Result, message: str = "") -> None:
        self.results[ref] = ObjectResult(ref, result, message)
        self.tell(self.results[ref])

    def _write_ahead(self, refs: list[ObjectRef]) -> None:
        if self.app_state.rebuilt or any(ref not in self.objects for ref in refs):
            reach("inventory-ahead")
            inventory = with_planned_objects(self.written, self.app_state.owner, refs)
            self._write(inventory)
            reach("inventory-ahead-written")
            self.objects = inventory.by_ref

    def _write_after(self, *, complete: bool) -> None:
        """The whole truth; commit and digest only of a sync that succeeded."""
        old = self.written
        commit = self.commit if complete else old.commit if old else ""
        desired = self.rendered.digest if complete else old.desired if old else ""
        hooks = old.hooks if old else ()
        if complete and old and (self.rendered.objects or not self.objects):
            hooks = forget(self.cluster, old, {ref_of(hook) for hook in self.rendered.hooks})
        new = inventory_after_sync(self.app_state.owner, commit, desired, self.objects, hooks)
        if not is_same_inventory(old, new):
            reach("inventory-after")
            self._write(new)
            reach("inventory-after-written")

    def _write(self, inventory: Inventory) -> None:
        manifest = to_configmap(inventory, self.version)
        try:
            written = self.cluster.replace(manifest) if self.version else self.cluster.create(manifest)
        except ApiConflictError as error:
            raise TransientError(
                f"another sync of {self.rendered.app} in {self.rendered.environment} is under way"
            ) from error
        self.version = written["metadata"]["resourceVersion"]
        self.written = inventory
