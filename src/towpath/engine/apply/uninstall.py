"""An app that has left Git: nothing of it is deleted but what a commit confirms, object by object."""

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.plan import NOT_DELETED, Plan, PlanEntry
from towpath.applyset.prune import Pruning
from towpath.applyset.prune_file import PRUNE_FILE, ConfirmedDeletions, prune_path
from towpath.config import Environment
from towpath.engine.apply.prune import delete_objects
from towpath.engine.apply.run import Run
from towpath.engine.apply.sync_result import Progress, SyncResult
from towpath.engine.live.app_state import AppState, read_app_state
from towpath.engine.live.heal_store import forget_heals
from towpath.engine.source.render import Rendered
from towpath.errors import UnknownNameError
from towpath.kube.apply_order import deletion_stages


def plan_leaving(cluster: Cluster, app: str, environment: Environment, confirmed: ConfirmedDeletions) -> Plan:
    """What is live of an app that Git does not have; UnknownNameError when nothing is."""
    app_state = _survey(cluster, app, environment)
    pruning = app_state.pruning()
    uids = dict(pruning.delete)
    entries = []
    stages = deletion_stages(app_state.live.metadata[ref] for ref in uids)
    for ref in (ref for stage in stages for ref in stage):
        reason = "its app is no longer in Git"
        if confirmed.get(ref) != uids[ref]:
            reason += f", but {prune_path(app, environment.name)} does not confirm it"
        entries.append(PlanEntry(ref, "delete", reason=reason, uid=uids[ref]))
    entries += [PlanEntry(ref, "skip", reason=f"{NOT_DELETED}: {why}") for ref, why in pruning.kept]
    return Plan(app, environment.name, tuple(entries), "")


def remove_app(  # noqa: PLR0913
    cluster: Cluster,
    app: str,
    environment: Environment,
    confirmed: ConfirmedDeletions,
    *,
    commit: str,
    on_progress: Progress | None = None,
) -> SyncResult:
    """Delete exactly what is confirmed; when nothing is left, the inventory and the history of heals, too.

    Repeat it after a crash.
    """
    app_state = _survey(cluster, app, environment)
    pruning = app_state.pruning()
    chosen = tuple((ref, uid) for ref, uid in pruning.delete if confirmed.get(ref) == uid)
    waiting = tuple((ref, f"not in {PRUNE_FILE}") for ref, uid in pruning.delete if confirmed.get(ref) != uid)
    run = Run(cluster, _nothing(app, environment), app_state, commit, on_progress)
    delete_objects(run, Pruning(chosen, (*pruning.kept, *waiting), pruning.gone))
    result = run.finish()
    if result.inventory and not result.inventory.objects:
        # Before the inventory: without that nobody would come back for them.
        forget_heals(cluster, environment.name, environment.namespace, [app])
        # The Jobs of its hooks went with the last write.
        live = cluster.get(app_state.owner.ref, metadata_only=True)
        if live:
            cluster.delete(app_state.owner.ref, uid=live["metadata"]["uid"])
    return result


def _survey(cluster: Cluster, app: str, environment: Environment) -> AppState:
    app_state = read_app_state(cluster, _nothing(app, environment), environment)
    if app_state.inventory is None:
        raise UnknownNameError("app", app, where=f"Git, and nothing of it is live in {environment.name}")
    return app_state


def _nothing(app: str, environment: Environment) -> Rendered:
    return Rendered(app, environment.name, environment.namespace, (), "")
