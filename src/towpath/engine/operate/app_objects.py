"""An app as its cluster has it: what Git and its inventory say belongs to it, and what controllers made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.applyset.inventory import Inventory, Owner
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.live.finished import finished_refs
from towpath.engine.live.lists import SECRET
from towpath.engine.live.observe import NOT_HELM, read_inventory
from towpath.engine.source.render import Rendered
from towpath.engine.source.render_changed import render_released
from towpath.engine.verify.claims import CLAIM, read_classes
from towpath.errors import MissingPartError, TowpathError, TransientError, UnknownNameError
from towpath.health.assess import healthy_once_present
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import ReleaseRef

Kind = tuple[str, str]
CHILD_KINDS: tuple[Kind, ...] = (
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("", "Pod"),
    ("", "PersistentVolumeClaim"),
)
"""Kinds that controllers and operators make for the objects of an app."""


@dataclass(frozen=True, slots=True)
class AppObjects:
    """One app in one environment at one moment.

    `rendered` is what Git wants, None where it cannot be rendered (`broken` says why) or has nothing of it.
    `live` is whole, but for kinds that are healthy once they are there, and Secrets: their metadata only.
    `unread` are kinds that this account may not read.
    """

    owner: Owner
    rendered: Rendered | None
    release: ReleaseRef
    inventory: Inventory | None
    live: Mapping[ObjectRef, Manifest] = field(repr=False)
    finished: frozenset[ObjectRef] = frozenset()
    unread: tuple[str, ...] = ()
    broken: str = ""

    @property
    def wanted(self) -> set[ObjectRef]:
        """What Git wants, without hooks; nothing where it cannot be rendered."""
        return {ref_of(each) for each in self.rendered.objects} if self.rendered else set()

    @property
    def refs(self) -> list[ObjectRef]:
        """What Git wants or wanted, without hooks."""
        return sorted(self.wanted | (set(self.inventory.by_ref) if self.inventory else set()))

    @property
    def is_there(self) -> bool:
        """Whether Git or the cluster has anything of the app."""
        return bool(self.refs or self.broken or self.release.id)


def read_app_objects(context: EnvironmentContext, app: str) -> AppObjects:
    """Ask Git and the cluster: one request per kind and namespace. Writes nothing.

    Raises UnknownNameError for an app that neither Git nor the cluster has.
    """
    owner = owner_in(context, app)
    rendered, release, broken = _wanted(context, app)
    inventory, _ = read_inventory(context.cluster, owner)
    if app not in context.repo.config.apps and inventory is None:
        where = f"Git, and nothing of it is live in {context.environment.name}"
        raise UnknownNameError("app", app, context.repo.config.apps, where=where)
    refs = {ref_of(each) for each in (*rendered.objects, *rendered.hooks)} if rendered else set()
    refs |= set(inventory.by_ref) | {hook.ref for hook in inventory.hooks} if inventory else set()
    live, unread = read_live(context.cluster, refs)
    finished = finished_refs(context.cluster, owner, rendered.objects) if rendered else frozenset()
    return AppObjects(owner, rendered, release, inventory, live, frozenset(finished), unread, broken)


def owner_in(context: EnvironmentContext, app: str) -> Owner:
    """The owner of what the app has in the environment."""
    return Owner(app, context.environment.name, context.environment.namespace)


def read_live(
    cluster: Cluster, refs: Iterable[ObjectRef]
) -> tuple[dict[ObjectRef, Manifest], tuple[str, ...]]:
    """The live objects of the kinds and namespaces of `refs`, with what controllers make beside them.

    Secrets are read, so that their values are masked in whatever is shown later. Second: kinds that this
    account may not read.
    """
    places: dict[tuple[Kind, str], list[ObjectRef]] = {}
    for ref in refs:
        places.setdefault(((ref.group, ref.kind), ref.namespace), []).append(ref)
    for namespace in {ref.namespace for ref in refs if ref.namespace}:
        for kind in (*CHILD_KINDS, SECRET):
            places.setdefault((kind, namespace), [])
    if not all(kind in cluster.discover() for kind, _ in places):
        cluster.discover(refresh=True)

    def read(item: tuple[tuple[Kind, str], list[ObjectRef]]) -> tuple[list[Manifest], str]:
        (kind, namespace), wanted = item
        if kind not in cluster.discover():
            return [], ""
        try:
            return _read(cluster, kind, namespace, wanted), ""
        except ApiRefusedError as error:
            if error.status != 403:
                raise
            return [], f"{kind[1]} in {namespace}" if namespace else kind[1]

    read_places = concurrently(read, places.items())
    live = {ref_of(each): each for found, _ in read_places for each in found}
    unread = tuple(sorted({told for _, told in read_places if told}))
    claims = (each for ref, each in live.items() if (ref.group, ref.kind) == CLAIM)
    return live | read_classes(cluster, claims), unread


def _read(cluster: Cluster, kind: Kind, namespace: str, wanted: list[ObjectRef]) -> list[Manifest]:
    if not namespace:
        return [live for ref in wanted if (live := cluster.get(ref)) is not None]
    if kind == SECRET:
        whole = cluster.list(*kind, namespace, fields=NOT_HELM)
        listed = [{key: each[key] for key in ("apiVersion", "kind", "metadata")} for each in whole]
        others = set(wanted) - set(map(ref_of, listed))
        found = (cluster.get(ref, metadata_only=True) for ref in sorted(others))
        return [*listed, *(each for each in found if each is not None)]
    return list(cluster.list(*kind, namespace, metadata_only=healthy_once_present(*kind)))


def _wanted(context: EnvironmentContext, app: str) -> tuple[Rendered | None, ReleaseRef, str]:
    """What Git wants there, its release, and why it cannot be rendered."""
    repo, environment = context.repo, context.environment
    if app not in repo.config.apps:
        return None, ReleaseRef(), ""
    try:
        if app not in repo.released_apps(environment.name):
            return None, ReleaseRef(), ""
        result = render_released(repo, environment, app, tools=context.tools, cache=context.renders)
    except (MissingPartError, TransientError):
        raise
    except TowpathError as error:
        return None, ReleaseRef(), error.message
    return result.rendered, result.release, ""
