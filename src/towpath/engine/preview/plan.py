"""Plans one app: what a sync would change, found by dry runs of what is not settled. Writes nothing."""

from collections.abc import Iterable
from dataclasses import replace

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.hooks import hooks_for
from towpath.applyset.left_fields import left_message
from towpath.applyset.plan import NOT_DELETED, Action, Plan, PlanEntry
from towpath.applyset.prune import NOTHING_CONFIRMED
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.engine.apply.foreign_fields import (
    AppliedBefore,
    LastApply,
    last_apply,
    nothing_before,
    taken_over_message,
)
from towpath.engine.apply.former_managers import deployment_tools
from towpath.engine.apply.namespace import lost_bindings
from towpath.engine.apply.recreate import explain_refusal, may_recreate
from towpath.engine.apply.server_side_apply import apply_object
from towpath.engine.apply.sync import LEFT
from towpath.engine.live.app_state import AppState, read_app_state
from towpath.engine.live.claims import foreign_claims
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.context import EnvironmentContext, renders_before
from towpath.engine.live.lists import list_in, list_or_get
from towpath.engine.live.observe import FEW, namespace_state
from towpath.engine.preview.changes import IN_THE_WAY, changes_beside, edits_in_the_way, refused_changes
from towpath.engine.source.edits import Renderers, promote_edits
from towpath.engine.source.render import Rendered, render_app
from towpath.errors import RefusedError
from towpath.kube.apply_order import POST_SYNC, PRE_SYNC, deletion_stages, split_at_pre_sync
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import EnvironmentRelease, Release


def plan_app(
    cluster: Cluster,
    rendered: Rendered,
    environment: Environment,
    *,
    confirmed: ConfirmedDeletions = NOTHING_CONFIRMED,
    applied_before: AppliedBefore = nothing_before,
) -> Plan:
    """The changes in the order of a sync. What the sync would refuse is `skip`, with the reason."""
    state = namespace_state(cluster, rendered.namespace)
    if state != "present":
        return _from_nothing(rendered, f"namespace {rendered.namespace} is {state}")
    try:
        app_state = read_app_state(cluster, rendered, environment)
    except ApiRefusedError as error:
        if error.status != 403 or not lost_bindings(cluster, rendered.objects):
            raise
        return _from_nothing(rendered, "not readable until its RoleBinding is back")
    return plan_state(cluster, rendered, app_state, environment, confirmed, applied_before)


def plan_state(  # noqa: PLR0913, PLR0917
    cluster: Cluster,
    rendered: Rendered,
    app_state: AppState,
    environment: Environment,
    confirmed: ConfirmedDeletions,
    applied_before: AppliedBefore = nothing_before,
) -> Plan:
    """As `plan_app`, of an app state that was read already."""
    claims = dict(foreign_claims(cluster, app_state))
    todo = {ref_of(manifest) for manifest in app_state.unsettled} - claims.keys()
    left = set() if environment.drift_mode_of(rendered.app) == "heal" else set(app_state.drifted())
    full = read_full(cluster, [app_state.desired[ref] for ref in todo if app_state.metadata(ref)])

    last = last_apply(app_state, applied_before)

    def entry(manifest: Manifest) -> PlanEntry:
        ref = ref_of(manifest)
        if ref in claims:
            return PlanEntry(ref, "skip", reason=f"belongs to {claims[ref]}")
        if ref not in todo:
            return PlanEntry(ref, "unchanged")
        found = _entry(cluster, app_state.desired[ref], full.get(ref), app_state, last)
        if ref not in left or found.action == "unchanged":
            return found
        return replace(found, action="skip", reason=LEFT)

    before, rest = split_at_pre_sync(desired.initial for desired in app_state.desired.values())
    found = concurrently(entry, [*before, *rest])
    entries = [*found[: len(before)], *_hooks(rendered, app_state, PRE_SYNC)]
    entries += [*found[len(before) :], *_hooks(rendered, app_state, POST_SYNC)]
    entries += _deletions(app_state, environment, confirmed)
    digest = rendered.recorded_digest(app_state.live.digest_key)
    return Plan(rendered.app, rendered.environment, tuple(entries), digest)


def plan_promotion(context: EnvironmentContext, release: Release) -> Plan:
    """Render as if the promotion were committed, and plan that. Changes nothing.

    The plan's digest is that of all manifests that would be applied: approvals are bound to it.
    """
    repo, environment = context.repo, context.environment
    state = EnvironmentRelease(release, promoted_at="", promoted_by="")
    programs = Renderers(context.tools, context.renders)
    rendered = render_app(
        repo.root,
        repo.config,
        release.app,
        environment.name,
        tools=context.tools,
        cache=context.renders,
        edits=promote_edits(repo.root, repo.config, environment.name, state, programs),
    )
    confirmed = repo.confirmed(release.app, environment.name)
    before = renders_before(context, release.app)
    return plan_app(context.cluster, rendered, environment, confirmed=confirmed, applied_before=before)


def read_full(
    cluster: Cluster, wanted: Iterable[ApplyObject], *, few: int = FEW
) -> dict[ObjectRef, Manifest]:
    """Whole live objects in the versions that Git has: up to `few` of a kind one by one, more by one list."""
    by_kind: dict[tuple[str, str, str], list[ObjectRef]] = {}
    for each in wanted:
        version = each.manifest["apiVersion"].rpartition("/")[2]
        by_kind.setdefault((each.ref.group, each.ref.kind, version), []).append(each.ref)
    single = [(ref, key[2]) for key, refs in by_kind.items() if len(refs) <= few for ref in refs]
    read = concurrently(lambda item: cluster.get(item[0], version=item[1]), single)
    found = {ref: live for (ref, _), live in zip(single, read, strict=True) if live is not None}
    for (group, kind, version), refs in by_kind.items():
        if len(refs) > few:
            places = {ref.namespace for ref in refs if ref.namespace}
            if places:
                listed = list_in(cluster, (group, kind), places, version=version)
            else:
                listed = list_or_get(cluster, (group, kind), refs, version=version)
            found |= {ref_of(live): live for live in listed}
    return found


def _entry(
    cluster: Cluster, desired: ApplyObject, live: Manifest | None, app_state: AppState, last: LastApply
) -> PlanEntry:
    ref = desired.ref
    if (ref.group, ref.kind) not in cluster.discover():
        if _is_defined(ref, app_state):
            return PlanEntry(ref, "create", reason="its CustomResourceDefinition comes with this sync")
        others = cluster.discover().other_versions(ref.group, ref.kind)
        hint = f"; it serves {', '.join(others)}" if others else ""
        reason = f"{cluster.server} serves no {ref.kind} in {ref.group or 'v1'}{hint}"
        return PlanEntry(ref, "skip", reason=reason)
    try:
        if live is None:
            apply_object(cluster, desired, None, dry_run=True)
            return PlanEntry(ref, "create")
        changes, left = changes_beside(cluster, desired, live, last)
    except (ApiConflictError, ApiRefusedError) as error:
        return _refused(cluster, desired, live, error)
    former = app_state.former_managers(ref)
    action: Action = "configure" if changes or former else "skip" if left.owners else "unchanged"
    reason = "; ".join(filter(None, (taken_over_message(former), left_message(left.owners))))
    return PlanEntry(ref, action, (*changes, *left.differences), reason)


def _refused(
    cluster: Cluster, desired: ApplyObject, live: Manifest | None, error: ApiConflictError | ApiRefusedError
) -> PlanEntry:
    """The entry of an object whose dry run was refused."""
    changes = refused_changes(desired, live) if live is not None else ()
    if (
        live is not None
        and isinstance(error, ApiRefusedError)
        and edits_in_the_way(live, error, desired.taken_back)
    ):
        return PlanEntry(desired.ref, "configure", changes, IN_THE_WAY)
    reason = explain_refusal(cluster, desired, error).message
    if live is not None and isinstance(error, ApiConflictError):
        tools = deployment_tools(desired, live["metadata"])
        reason += f"; to take over, declare `takeOver: [{', '.join(tools)}]`" if tools else ""
    if live is not None and may_recreate(cluster, desired, error):
        return PlanEntry(desired.ref, "configure", changes, f"deleted and created anew: {reason}")
    return PlanEntry(desired.ref, "skip", changes, reason)


def _is_defined(ref: ObjectRef, app_state: AppState) -> bool:
    for desired in app_state.desired.values():
        spec = desired.manifest.get("spec") or {}
        if (
            desired.ref.kind == "CustomResourceDefinition"
            and spec.get("group") == ref.group
            and (spec.get("names") or {}).get("kind") == ref.kind
        ):
            return True
    return False


def _hooks(rendered: Rendered, app_state: AppState, when: str) -> list[PlanEntry]:
    """They run only when Git has changed since the last sync that succeeded."""
    inventory = app_state.inventory
    if inventory and rendered.is_recorded(inventory.desired_digest, app_state.live.digest_key):
        return []
    return [
        PlanEntry(ref_of(hook), "create", reason=f"{when} hook") for hook in hooks_for(rendered.hooks, when)
    ]


def _deletions(
    app_state: AppState, environment: Environment, confirmed: ConfirmedDeletions
) -> list[PlanEntry]:
    pruning = app_state.pruning()
    reason = "no longer in Git"
    try:
        app_state.check_pruning(pruning, environment, confirmed)
    except RefusedError as error:
        reason = f"no longer in Git, but {error.message}"
    uids = dict(pruning.delete)
    stages = deletion_stages(app_state.live.metadata[ref] for ref in uids)
    entries = [PlanEntry(ref, "delete", reason=reason, uid=uids[ref]) for stage in stages for ref in stage]
    return entries + [PlanEntry(ref, "skip", reason=f"{NOT_DELETED}: {why}") for ref, why in pruning.kept]


def _from_nothing(rendered: Rendered, reason: str) -> Plan:
    before, rest = split_at_pre_sync(rendered.objects)
    manifests = [*before, *hooks_for(rendered.hooks, PRE_SYNC), *rest, *hooks_for(rendered.hooks, POST_SYNC)]
    entries = [PlanEntry(ref_of(manifest), "create", reason=reason) for manifest in manifests]
    return Plan(rendered.app, rendered.environment, tuple(entries), rendered.recorded_digest(None))
