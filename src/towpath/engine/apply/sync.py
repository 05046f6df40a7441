"""Applies what Git wants of one app: inventory ahead, apply by stages, inventory after.

What Git no longer has stays until the app is verified without it (engine/apply/prune.py). Which objects that
are, with their uids, is decided and counted before the first write, and written down.
"""

from collections.abc import Iterable, Mapping

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.hooks import hooks_for
from towpath.applyset.inventory import HookRun, OwnedObject, with_hook_run, with_planned_objects
from towpath.applyset.left_fields import left_message
from towpath.applyset.prune import NOTHING_CONFIRMED, Pruning
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.drift.heal_budget import WHOLE_OBJECT
from towpath.engine.apply.clash import explain_clash
from towpath.engine.apply.crd_wait import wait_established
from towpath.engine.apply.failpoint import reach
from towpath.engine.apply.foreign_fields import (
    AppliedBefore,
    LastApply,
    independent,
    last_apply,
    nothing_before,
    taken_over_message,
)
from towpath.engine.apply.former_managers import check_former_managers
from towpath.engine.apply.hooks import Hooks
from towpath.engine.apply.namespace import await_others, prepare_namespace
from towpath.engine.apply.prune import delete_objects
from towpath.engine.apply.recreate import apply_or_recreate, explain_refusal
from towpath.engine.apply.run import Run
from towpath.engine.apply.server_side_apply import GONE_SECONDS, is_changed
from towpath.engine.apply.sync_result import Progress, Result, SyncResult, failed
from towpath.engine.live.app_state import AppState, read_app_state
from towpath.engine.live.claims import foreign_claims
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.observe import wait_gone
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError, TowpathError, TransientError
from towpath.kube.apply_order import (
    POST_SYNC,
    PRE_SYNC,
    apply_stages,
    split_at_pre_sync,
)
from towpath.kube.finalizers import termination
from towpath.objects import Manifest, ObjectRef, ref_of

CRD = "CustomResourceDefinition"
Leave = Mapping[ObjectRef, tuple[str, ...]]
"""Drift that is not taken back: object -> pointers of fields, or (WHOLE,) for all of it."""
NO_LEAVE: Leave = {}
LEFT = "somebody changed it, and that is left alone"
WAITS = "no longer in Git; deleted when the app is verified"


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
    applied_before: AppliedBefore = nothing_before,
) -> SyncResult:
    """Apply `rendered`. Repeat it after a crash at any point; the second time writes nothing.

    What Git no longer has is not deleted yet, but for objects that say `towpath.dev/prune: first`.

    A caller that has just read the cluster passes `app_state`; the namespace exists then. `applied_before`
    renders an earlier commit: fields that Git has not changed since are left to other controllers. Drift in
    `leave` stays, and all of it where the app's mode is not `heal`: applied is what Git changed.

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
    else:
        await_others(cluster, rendered, environment)
    if claims := foreign_claims(cluster, app_state):
        raise failed(rendered, [(ref, SyncError(f"{ref}: belongs to {owner}")) for ref, owner in claims])
    pruning = app_state.pruning()
    app_state.check_pruning(pruning, environment, confirmed)
    app_state = app_state.with_key(cluster, rendered, environment)
    patience = environment.timeout.total_seconds()
    if environment.drift_mode_of(rendered.app) != "heal":
        leave = {**leave, **dict.fromkeys(app_state.drifted(), (WHOLE_OBJECT,))}
    last = last_apply(app_state, applied_before)
    check_former_managers(cluster, rendered, app_state, last)
    sync = Sync(cluster, rendered, app_state, commit, tell, founded, patience, leave, last)
    return sync.carry_out(pruning)


class Sync(Run):
    """One sync under way."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        cluster: Cluster,
        rendered: Rendered,
        app_state: AppState,
        commit: str,
        tell: Progress,
        founded: frozenset[ObjectRef],
        patience: float,
        leave: Leave,
        last: LastApply,
    ) -> None:
        super().__init__(cluster, rendered, app_state, commit, tell)
        self.founded, self.patience, self.left_alone, self.last = founded, patience, leave, last

    def carry_out(self, pruning: Pruning) -> SyncResult:
        todo = self._not_left(self.app_state.unsettled)
        self._write_ahead([ref_of(manifest) for manifest in todo], pruning)
        delete_objects(self, pruning, only=pruning.first)
        before, rest = split_at_pre_sync(todo)
        if not self.failures:
            self._apply_all(before)
        if not self.failures:
            self._run_hooks(PRE_SYNC)
        if not self.failures:
            self._apply_all(rest)
        if not self.failures:
            self._run_hooks(POST_SYNC)
        if not self.failures:
            self._leave_behind(pruning)
        return self.finish()

    def _leave_behind(self, pruning: Pruning) -> None:
        """What Git no longer has: gone already, kept for good, or deleted when the app is verified."""
        for ref in pruning.gone:
            self.objects.pop(ref, None)
        for ref, reason in pruning.kept:
            self.done(ref, "skipped", reason)
        for ref in (ref for ref, _ in pruning.delete if ref not in pruning.first):
            self.done(ref, "waiting", WAITS)

    def _not_left(self, unsettled: Iterable[Manifest]) -> list[Manifest]:
        whole = {ref for ref, pointers in self.left_alone.items() if WHOLE_OBJECT in pointers}
        for ref in sorted(whole & {ref_of(manifest) for manifest in unsettled}):
            self.done(ref, "skipped", LEFT)
        return [manifest for manifest in unsettled if ref_of(manifest) not in whole]

    def _run_hooks(self, when: str) -> None:
        """Only when Git has changed: to heal is no delivery."""
        before = self.app_state.inventory
        if before and self.rendered.is_recorded(before.desired_digest, self.app_state.live.digest_key):
            return

        def remember(run: HookRun) -> None:
            self.write(with_hook_run(self.written, self.app_state.owner, run))

        hooks = Hooks(self.cluster, self.app_state.owner, self.commit, self.patience, remember)
        for hook in hooks_for(self.rendered.hooks, when):
            ref = ref_of(hook)
            try:
                if hooks.run(self.written, hook):
                    self.done(ref, "created", f"{when} hook succeeded")
                else:
                    self.done(ref, "skipped", f"{when} hook has succeeded at this commit before")
            except TowpathError as error:
                self.failures.append((ref, error))
                return

    def _apply_all(self, todo: list[Manifest]) -> None:
        for whole_stage in apply_stages(todo):
            stage = independent(whole_stage, self.failures, self.app_state.desired)
            concurrently(self._apply_one, [ref_of(manifest) for manifest in stage])
            for ref in (ref_of(manifest) for manifest in stage if manifest["kind"] == CRD):
                try:
                    wait_established(self.cluster, ref)
                except TowpathError as error:
                    self.failures.append((ref, error))

    def _apply_one(self, ref: ObjectRef) -> None:
        if self.is_left_out():
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
                raise TransientError(f"{ref}: {termination(before['metadata'])}")
            applied, message = apply_or_recreate(self.cluster, desired, before, self.last)
        except TowpathError as error:
            self.failed(ref, self._explained(desired, before, error))
            return
        reach("applied")
        metadata = applied.manifest["metadata"]
        if not left:  # what is left alone still differs, and is to be found again
            wanted = desired.wanted
            seen = (
                wanted.fingerprint_beside(metadata) if applied.left_fields else wanted.fingerprint(metadata)
            )
            self.objects[ref] = OwnedObject(ref, metadata["uid"], seen, desired.applied_digest)
        former = taken_over_message(self.app_state.former_managers(ref))
        message = "; ".join(filter(None, (message, former, left_message(applied.left_fields))))
        self.done(ref, self._verdict(ref, before, applied.manifest), message, applied.left_fields)

    def _explained(self, desired: ApplyObject, before: Manifest | None, error: TowpathError) -> TowpathError:
        if clash := explain_clash(self.cluster, desired, error, self.deletions):
            return clash
        # A new object has no field that could not be changed.
        return explain_refusal(self.cluster, desired, error) if before else error

    def _verdict(self, ref: ObjectRef, before: Manifest | None, now: Manifest) -> Result:
        if before is None or before["metadata"]["uid"] != now["metadata"]["uid"] or ref in self.founded:
            return "created"
        owned, desired = self.app_state.owned.get(ref), self.app_state.desired[ref]
        return "configured" if is_changed(before, now, owned, desired) else "unchanged"

    def _write_ahead(self, refs: list[ObjectRef], pruning: Pruning) -> None:
        """What will be applied, and what will be deleted, with the uid of the very object that was seen."""
        self.deletions = frozenset(ref for ref, _ in pruning.delete)
        old = self.written
        is_new = self.deletions != frozenset(old.deletions if old else ())
        if self.app_state.rebuilt or is_new or any(ref not in self.objects for ref in refs):
            reach("inventory-ahead")
            inventory = with_planned_objects(old, self.app_state.owner, refs, pruning.delete)
            self.write(inventory)
            reach("inventory-ahead-written")
            self.objects = inventory.by_ref
