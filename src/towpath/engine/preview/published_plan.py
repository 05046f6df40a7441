"""Plans one app without its cluster: Git against what its agent last published. Nothing is asked but Git.

What a sync would change is what Git says otherwise than at the commit that was applied last, and the drift
that the agent has published. What only the API server knows (defaults, immutable fields, who owns a field)
is not in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.hooks import hooks_for
from towpath.applyset.inventory import OwnedObject, Owner
from towpath.applyset.plan import NOT_DELETED, Action, Plan, PlanEntry
from towpath.applyset.prune import PruneCandidate, check_protected, check_prune_limit, decide_pruning
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.drift.model import DriftEntry
from towpath.drift.published import PublishedApp
from towpath.engine.apply.sync import LEFT
from towpath.engine.live.app_state import owner_of
from towpath.engine.source.render import EarlierApp, Rendered
from towpath.errors import RefusedError, UnknownNameError
from towpath.fields import pointer
from towpath.kube.apply_order import POST_SYNC, PRE_SYNC, deletion_stages, split_at_pre_sync
from towpath.kube.diff import Difference, differences
from towpath.objects import Manifest, ObjectRef, ref_of

Before = Callable[[str], EarlierApp | None]
_UNKNOWN_UID = "published"
"""In the place of an object's uid, which is not published."""


@dataclass(frozen=True, slots=True)
class Base:
    """What was applied last, by object, and the app as it was then; `note` says what is odd about it."""

    objects: Mapping[ObjectRef, Manifest] = field(default_factory=dict)
    note: str = ""


def plan_from_published(
    rendered: Rendered,
    environment: Environment,
    app: PublishedApp,
    before: Before,
    confirmed: ConfirmedDeletions,
) -> tuple[Plan, str]:
    """The changes in the order of a sync, and what a reader must know about how they were found.

    `before` renders the app at an earlier commit. Raises TowpathError where nobody has the commit.
    """
    owner, drift = owner_of(rendered), {each.ref: each for each in app.entries}
    base = _base(app, owner, before)
    autoscalers = tuple(base.objects.values())
    desired = {
        each.ref: each
        for each in prepare_objects(
            rendered.objects,
            owner,
            environment.ignore,
            autoscalers,
            taken_back=environment.taken_back(rendered.app),
        )
    }
    heals = environment.drift_mode_of(rendered.app) == "heal"

    def entry(manifest: Manifest) -> PlanEntry:
        ref = ref_of(manifest)
        return _entry(desired[ref], base.objects.get(ref), drift.get(ref), heals=heals)

    first, rest = split_at_pre_sync(each.initial for each in desired.values())
    runs_hooks = rendered.recorded_digest(None) != app.manifests
    hooks = {when: _hooks(rendered, when) if runs_hooks else [] for when in (PRE_SYNC, POST_SYNC)}
    entries = [*map(entry, first), *hooks[PRE_SYNC], *map(entry, rest), *hooks[POST_SYNC]]
    left = {ref: each for ref, each in base.objects.items() if ref not in desired}
    entries += _deletions(left, drift, owner, environment, confirmed, total=len(base.objects))
    plan = Plan(rendered.app, rendered.environment, tuple(entries), rendered.recorded_digest(None))
    return plan, base.note


def plan_leaving_from_published(
    name: str,
    environment: Environment,
    app: PublishedApp | None,
    before: Before,
    confirmed: ConfirmedDeletions,
) -> tuple[Plan, str]:
    """As plan_from_published, of an app that Git does not have; UnknownNameError for one never published."""
    if app is None or not app.is_live:
        where = f"Git, and nothing of it was published of {environment.name}"
        raise UnknownNameError("app", name, where=where)
    base = _base(app, Owner(name, environment.name, environment.namespace), before)
    known = base.objects.keys() | {entry.ref for entry in app.entries}
    entries = []
    for ref in sorted(known):
        reason = "its app is no longer in Git"
        reason += "" if ref in confirmed else ", and prune.yaml does not confirm it"
        entries.append(PlanEntry(ref, "delete", reason=reason))
    return Plan(name, environment.name, tuple(entries), ""), base.note


def _base(app: PublishedApp, owner: Owner, before: Before) -> Base:
    """What the app's agent applied last, with the labels of its owner."""
    objects: dict[ObjectRef, Manifest] = {}
    note = ""
    if app.commit:
        earlier = before(app.commit)
        if earlier is None:
            raise UnknownNameError("commit", app.commit, where="the environment repository")
        objects = _prepared(earlier, owner)
        if app.manifests and earlier.rendered.recorded_digest(None) != app.manifests:
            note = (
                f"{owner.app}: commit {app.commit[:7]} renders here to something else than what"
                f" {owner.environment}'s agent applied: another version of the renderer, or of Towpath"
            )
    for commit in dict.fromkeys(commit for _, commit in app.elsewhere):
        refs = [ref for ref, at in app.elsewhere if at == commit]
        earlier = before(commit)
        there = _prepared(earlier, owner) if earlier else {}
        objects |= {ref: there[ref] for ref in refs if ref in there}
    return Base(objects, note)


def _prepared(earlier: EarlierApp, owner: Owner) -> dict[ObjectRef, Manifest]:
    return {each.ref: each.initial for each in prepare_objects(earlier.rendered.objects, owner)}


def _entry(
    desired: ApplyObject, base: Manifest | None, drift: DriftEntry | None, *, heals: bool
) -> PlanEntry:
    ref = desired.ref
    edited = drift is not None and drift.kind == "modified"
    if drift is not None and drift.kind == "deleted":
        return PlanEntry(ref, "create" if heals else "skip", reason=drift.message or "deleted live")
    if base is None:
        return PlanEntry(ref, "create")
    changes = {
        each.pointer: each
        for each in differences(base, desired.initial)
        if not pointer.covers(desired.ignored, each.pointer)
    }
    live = {each.pointer: each for each in drift.differences} if drift and edited else {}
    found = tuple(_both(at, changes.get(at), live.get(at)) for at in sorted(changes.keys() | live.keys()))
    if changes:
        return PlanEntry(ref, "configure", found, "changed live, too" if edited else "")
    if drift is None or not edited:
        return PlanEntry(ref, "unchanged")
    if drift.left_to:
        return PlanEntry(ref, "skip", found, drift.left_to)
    action: Action = "configure" if heals else "skip"
    return PlanEntry(ref, action, found, "changed live" if heals else LEFT)


def _both(at: str, change: Difference | None, live: Difference | None) -> Difference:
    """What is live, if it was published, against what Git wants."""
    if change is None or live is None:
        found = change or live
        assert found is not None  # noqa: S101 - one of them has the pointer
        return found
    return Difference(at, live.live, change.desired, change.secret)


def _hooks(rendered: Rendered, when: str) -> list[PlanEntry]:
    return [
        PlanEntry(ref_of(hook), "create", reason=f"{when} hook") for hook in hooks_for(rendered.hooks, when)
    ]


def _deletions(  # noqa: PLR0913
    left: Mapping[ObjectRef, Manifest],
    drift: Mapping[ObjectRef, DriftEntry],
    owner: Owner,
    environment: Environment,
    confirmed: ConfirmedDeletions,
    *,
    total: int,
) -> list[PlanEntry]:
    """By the annotations that were applied; a confirmation counts whatever uid it names."""
    kept = {ref: each.message for ref, each in drift.items() if each.kind == "kept"}
    known = {ref: confirmed[ref] for ref in left if ref in confirmed}
    candidates = []
    for ref, manifest in left.items():
        uid = known.get(ref, _UNKNOWN_UID)
        metadata = {**manifest["metadata"], "uid": uid}
        candidates.append(PruneCandidate(OwnedObject(ref, uid), {**manifest, "metadata": metadata}))
    pruning = decide_pruning((each for each in candidates if each.owned.ref not in kept), owner)
    reason = "no longer in Git"
    try:
        check_protected(pruning, known)
        limit = environment.prune
        check_prune_limit(pruning, total=total, limit=limit.limit, share=limit.share, confirmed=known)
    except RefusedError as error:
        reason = f"no longer in Git, but {error.message}"
    stages = deletion_stages(left[ref] for ref, _ in pruning.delete)
    entries = [PlanEntry(ref, "delete", reason=reason) for stage in stages for ref in stage]
    stay = {**dict(pruning.kept), **{ref: why for ref, why in kept.items() if ref in left}}
    return entries + [PlanEntry(ref, "skip", reason=f"{NOT_DELETED}: {why}") for ref, why in stay.items()]
