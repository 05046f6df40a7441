"""Finds drift: one LIST of inventories, one metadata-only LIST per kind, dry runs only of what drifted."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.inventory import Inventory, Owner
from towpath.config import Environment
from towpath.drift.comparison import NO_RULES, app_drift, object_drift
from towpath.drift.extras import EXTRA_KINDS, extra_entry, is_extra
from towpath.drift.model import DriftEntry, DriftReport, drift_report, explain_drift
from towpath.engine.apply.foreign_fields import unchanged_since_apply, with_left
from towpath.engine.apply.namespace import lost_bindings
from towpath.engine.live.app_state import AppState, app_state_from, owner_of
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.finished import with_finished
from towpath.engine.live.inventories import read_inventories_with_versions
from towpath.engine.live.observe import FEW, Live, NamespaceState, namespace_state, observe, secrets_of
from towpath.engine.live.recovery import rebuild_all
from towpath.engine.preview.changes import changes_beside, edits_in_the_way, refused_changes
from towpath.engine.preview.plan import read_full
from towpath.engine.source.render import Rendered, secret_places
from towpath.kube.diff import Difference
from towpath.objects import Manifest, ObjectRef, ref_of

LISTED_AT_ONCE = 40
"""One list of so many whole objects costs about as much as reading one of them by itself."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The report, and all that was read for it: who carries it out need not ask again.

    `live` is None where the namespace is missing or may not be read. `versions` are those of the inventories'
    ConfigMaps; an inventory in `rebuilt` was lost, and put together from labels. `unreadable` says of apps
    why their inventories cannot be read: nothing else is said about these.
    """

    report: DriftReport
    live: Live | None = None
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    rebuilt: Mapping[str, Inventory] = field(default_factory=dict)
    desired: Mapping[str, dict[ObjectRef, ApplyObject]] = field(default_factory=dict)
    suspects: frozenset[ObjectRef] = frozenset()
    """Found by a dry run only."""
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def state_of(self, owner: Owner) -> AppState | None:
        """What a sync of one app decides on; None when it has to look for itself.

        So it has when a custom kind was not served yet: its definition tells which fields are scaled.
        """
        if self.live is None or owner.app not in self.desired:
            return None
        if any((ref.group, ref.kind) in self.live.unserved for ref in self.desired[owner.app]):
            return None
        inventory = self.inventories.get(owner.app) or self.rebuilt.get(owner.app)
        version, rebuilt = self.versions.get(owner.app, ""), owner.app in self.rebuilt
        desired = self.desired[owner.app]
        return AppState(owner, inventory, version, desired, self.live, rebuilt, self.suspects)


def inspect(  # noqa: PLR0913
    cluster: Cluster,
    environment: Environment,
    rendered: Sequence[Rendered],
    *,
    commit: str = "",
    only: Collection[str] | None = None,
    deep: bool = False,
    unknown: Collection[str] = (),
) -> Inspection:
    """Compare what is live with what was applied, and that with what Git wants now. Writes nothing.

    One request for inventories and one per kind, whatever the number of apps. `rendered` are all that Git
    has in the environment. With `only` they are some of them, and nothing is said about other apps or about
    extras. `deep` asks the API server about every object by a dry run, too. `unknown` are apps whose objects
    Git has, but nobody can tell which (they do not render): they are not compared.
    """
    namespace = environment.namespace
    state = namespace_state(cluster, namespace)
    if state != "present":
        lost = _all_deleted(rendered, state)
        return Inspection(drift_report(environment.name, commit, lost))
    try:
        read, unreadable = read_inventories_with_versions(cluster, environment.name, namespace)
    except ApiRefusedError as error:
        return Inspection(drift_report(environment.name, commit, _lost_rights(cluster, rendered, error)))
    unreadable = {app: why for app, why in unreadable.items() if only is None or app in only}
    inventories = {app: inventory for app, (inventory, _) in read.items() if only is None or app in only}
    owners = {app.app: owner_of(app) for app in rendered}
    known = [app for app in rendered if app.app not in unreadable]
    lost_apps = [app for app in known if app.app not in inventories]
    rebuilt = rebuild_all(cluster, {owners[app.app]: map(ref_of, app.objects) for app in lost_apps})
    declared = {ref_of(manifest) for app in rendered for manifest in app.objects}
    declared |= {owned.ref for each in (*inventories.values(), *rebuilt.values()) for owned in each.objects}
    objects = [manifest for app in rendered for manifest in app.objects]
    beside = _kinds_beside(environment, rendered, extras=only is None)
    live = observe(cluster, declared | beside, namespace, scaled=objects)
    for app in rendered:
        if app.app in inventories:
            inventory = inventories[app.app]
            inventories[app.app] = with_finished(cluster, inventory, app.objects, live.metadata)
    desired = {app.app: app_state_from(app, environment, None, live).desired for app in known}
    compared = {app: inventory for app, inventory in inventories.items() if app not in unknown}
    entries = _explained(cluster, _by_metadata(known, desired, compared, live), desired)
    suspects = _deeper(cluster, desired, live, {e.ref for e in entries}) if deep else []
    entries += suspects
    if only is None:
        entries += _extras(environment, live, declared | _hooks(rendered, inventories))
    report = drift_report(environment.name, commit, entries)
    versions = {app: version for app, (_, version) in read.items()}
    refs = frozenset(entry.ref for entry in suspects)
    return Inspection(report, live, inventories, versions, rebuilt, desired, refs, unreadable)


def _kinds_beside(environment: Environment, rendered: Sequence[Rendered], *, extras: bool) -> set[ObjectRef]:
    """The kinds that are read as a whole: those of extras, and Secrets where an app's objects name some."""
    kinds = _extra_kinds(environment) if extras else set()
    if any(app.names_secrets for app in rendered):
        kinds |= {secrets_of(place) for app in rendered for place in secret_places(app)}
    return kinds


def _by_metadata(
    rendered: Sequence[Rendered],
    desired: Mapping[str, dict[ObjectRef, ApplyObject]],
    inventories: Mapping[str, Inventory],
    live: Live,
) -> list[DriftEntry]:
    """What differs of every app that Git or an inventory has; nothing is asked of the API server."""
    by_app = {each.app: each for each in rendered}
    entries: list[DriftEntry] = []
    for app in sorted(by_app.keys() | inventories.keys()):
        git, inventory = by_app.get(app), inventories.get(app)
        owner = owner_of(git) if git else inventories[app].owner
        wanted = {ref: each.wanted for ref, each in desired.get(app, {}).items()}
        # The digest of a whole app costs more than the question who needs it.
        waits = git is not None and inventory is not None and bool(inventory.deletions)
        applied = bool(
            waits and git and inventory and git.is_recorded(inventory.desired_digest, live.digest_key)
        )
        entries += app_drift(owner, wanted, inventory, live.metadata, applied=applied)
    return entries


def _lost_rights(
    cluster: Cluster, rendered: Sequence[Rendered], error: ApiRefusedError
) -> Iterator[DriftEntry]:
    """Deleted role bindings without which inventories may not be read; raises `error` for other causes."""
    lost = lost_bindings(cluster, (m for each in rendered for m in each.objects))
    if error.status != 403 or not lost:
        raise error
    for ref in lost:
        message = f"without it nothing in {rendered[0].namespace} may be read"
        yield DriftEntry("", ref, "deleted", message=message)


def _extra_kinds(environment: Environment) -> set[ObjectRef]:
    """References without a name, of the kinds among which extras are looked for."""
    return {
        ObjectRef(*kind, namespace, "")
        for namespace in environment.managed_namespaces
        for kind in (*EXTRA_KINDS, *environment.extra_kinds)
        if environment.searches_extras(*kind)
    }


def _extras(environment: Environment, live: Live, declared: Collection[ObjectRef]) -> list[DriftEntry]:
    """Live objects of the environment's and the apps' own namespaces that nobody declared."""
    managed = environment.managed_namespaces
    return [
        extra_entry(ref, metadata)
        for ref, metadata in live.metadata.items()
        if ref.namespace in managed
        and ref not in declared
        and environment.extras_mode_of(ref.group, ref.kind, ref.name) != "ignore"
        and is_extra(metadata)
    ]


def _hooks(rendered: Sequence[Rendered], inventories: Mapping[str, Inventory]) -> set[ObjectRef]:
    """The Jobs of hooks that Git has, and those that ran."""
    refs = {ref_of(hook) for app in rendered for hook in app.hooks}
    return refs | {run.ref for inventory in inventories.values() for run in inventory.hooks}


def _explained(
    cluster: Cluster,
    entries: list[DriftEntry],
    desired: dict[str, dict[ObjectRef, ApplyObject]],
) -> list[DriftEntry]:
    """Field by field, for the modified ones only."""
    modified = [desired[entry.app][entry.ref] for entry in entries if entry.kind == "modified"]
    # To list thousands for the sake of ten would make drift cost by what exists, not by what changed.
    few = max(FEW, sum(map(len, desired.values())) // LISTED_AT_ONCE)
    full = read_full(cluster, modified, few=few)

    def explained(entry: DriftEntry) -> DriftEntry | None:
        live = full.get(entry.ref)
        if entry.kind != "modified":
            return entry
        if live is None:
            return replace(entry, kind="deleted")
        wanted, is_left = desired[entry.app][entry.ref], bool(entry.left_to)
        entry = replace(entry, left_to="", message="" if is_left else entry.message)
        try:
            changes, left = changes_beside(cluster, wanted, live, unchanged_since_apply(wanted))
            if left.owners:
                return with_left(explain_drift(entry, live, (*changes, *left.differences)), changes, left)
            if is_left and not changes:
                return None  # another controller owns what is as in Git
        except (ApiConflictError, ApiRefusedError) as error:
            found = refused_changes(wanted, live)
            return replace(
                explain_drift(entry, live, found) or entry, message=_why(wanted, live, error, found)
            )
        return explain_drift(entry, live, changes)

    return [entry for entry in concurrently(explained, entries) if entry is not None]


def _deeper(
    cluster: Cluster,
    desired: dict[str, dict[ObjectRef, ApplyObject]],
    live: Live,
    known: Collection[ObjectRef],
) -> list[DriftEntry]:
    """What a dry run of everything else would change, though its metadata look as we left them."""
    rest = {
        ref: (app, each)
        for app, objects in desired.items()
        for ref, each in objects.items()
        if ref not in known and ref in live.metadata
    }
    full = read_full(cluster, [each for _, each in rest.values()])

    def check(item: tuple[ObjectRef, Manifest]) -> DriftEntry | None:
        ref, now = item
        app, each = rest[ref]
        try:
            changes, left = changes_beside(cluster, each, now, unchanged_since_apply(each))
        except (ApiConflictError, ApiRefusedError) as error:
            found = refused_changes(each, now)
            entry = DriftEntry(app, ref, "modified", desired_digest=each.applied_digest)
            return replace(explain_drift(entry, now, found) or entry, message=_why(each, now, error, found))
        entry = DriftEntry(app, ref, "modified", desired_digest=each.applied_digest)
        if left.owners:
            return with_left(explain_drift(entry, now, (*changes, *left.differences)), changes, left)
        return explain_drift(entry, now, changes) if changes else None

    read = [item for item in full.items() if item[0] in rest]
    return [entry for entry in concurrently(check, read) if entry is not None]


def _why(
    wanted: ApplyObject,
    live: Manifest,
    error: ApiConflictError | ApiRefusedError,
    found: Sequence[Difference],
) -> str:
    """Why no dry run tells what a sync would do; empty where what was found does, and the sync does it."""
    if found and isinstance(error, ApiRefusedError) and edits_in_the_way(live, error, wanted.taken_back):
        return ""
    return error.message


def _all_deleted(rendered: Sequence[Rendered], namespace: NamespaceState) -> Iterable[DriftEntry]:
    for each in rendered:
        for manifest in each.objects:
            entry = object_drift(owner_of(each), ref_of(manifest), NO_RULES, None, None, namespace=namespace)
            if entry:
                yield entry
