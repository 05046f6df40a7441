"""Health of many apps at one moment, read once per kind: nothing is waited for, nothing is asked per app."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from towpath.adapters.kubernetes import Cluster
from towpath.config import Config
from towpath.engine.judge import Judgement, judge
from towpath.engine.observe import FEW, concurrently
from towpath.engine.pods import WORKLOADS
from towpath.engine.render import Rendered
from towpath.errors import TowpathError
from towpath.health import ObjectHealth, Status
from towpath.health.assess import never_changes
from towpath.health.expressions import judges_of
from towpath.objects import Manifest, ObjectRef, ref_of

Kind = tuple[str, str]
_POD: Kind = ("", "Pod")
_REPLICA_SET: Kind = ("apps", "ReplicaSet")
_WORST_FIRST = (Status.DEGRADED, Status.MISSING, Status.PROGRESSING)


@dataclass(frozen=True, slots=True)
class AppHealth:
    """One word and, where it is not Healthy, what a person can act on."""

    status: Status
    message: str = ""

    @property
    def good(self) -> bool:
        return self.status is Status.HEALTHY


def glance(
    cluster: Cluster, config: Config, rendered: Sequence[Rendered], digests: Mapping[str, str]
) -> dict[str, AppHealth]:
    """Health by app. `digests` are the releases that must run; what cannot be read makes its apps Unknown."""
    wanted = {each.app: [m for m in each.objects if _tells(m)] for each in rendered}
    try:
        live = _read(cluster, [m for manifests in wanted.values() for m in manifests])
    except TowpathError as error:
        return {each.app: AppHealth(Status.UNKNOWN, error.message) for each in rendered}
    children = _children(live)
    own = judges_of(config.health_check_exprs)
    found = {}
    for app, manifests in wanted.items():
        digest = digests.get(app) or None
        image = config.apps[app].image if digest and app in config.apps else None
        mine = _family((ref_of(manifest) for manifest in manifests), live, children)
        found[app] = health_of(judge(tuple(manifests), mine, image, digest, own))
    return found


def health_of(judgement: Judgement) -> AppHealth:
    """The worst of an app's objects; pods of another release are an app that is not there yet. Pure."""
    for status in _WORST_FIRST:
        for each in judgement.offenders:
            if each.health.status is status:
                return AppHealth(status, _line(each))
    if judgement.offenders:
        return AppHealth(judgement.offenders[0].health.status, _line(judgement.offenders[0]))
    if judgement.wrong_images:
        return AppHealth(Status.PROGRESSING, judgement.wrong_images[0])
    return AppHealth(Status.HEALTHY)


def _line(each: ObjectHealth) -> str:
    return f"{each.ref}: {each.health.message}"


def _tells(manifest: Manifest) -> bool:
    """Whether this object can be anything but there; that it is there, drift detection has seen."""
    ref = ref_of(manifest)
    return not never_changes(ref.group, ref.kind)


def _read(cluster: Cluster, manifests: Iterable[Manifest]) -> dict[ObjectRef, Manifest]:
    by_place: dict[tuple[Kind, str], list[ObjectRef]] = {}
    for ref in map(ref_of, manifests):
        by_place.setdefault(((ref.group, ref.kind), ref.namespace), []).append(ref)
        if (ref.group, ref.kind) in WORKLOADS:
            by_place.setdefault((_POD, ref.namespace), [])
        if (ref.group, ref.kind) == ("apps", "Deployment"):
            by_place.setdefault((_REPLICA_SET, ref.namespace), [])

    def read(item: tuple[tuple[Kind, str], list[ObjectRef]]) -> list[Manifest]:
        (kind, namespace), refs = item
        if kind not in cluster.discover():
            return []
        if not namespace and len(refs) <= FEW:
            return [live for ref in refs if (live := cluster.get(ref)) is not None]
        return list(cluster.list(*kind, namespace or None))

    return {ref_of(live): live for group in concurrently(read, by_place.items()) for live in group}


def _children(live: Mapping[ObjectRef, Manifest]) -> dict[str, list[Manifest]]:
    """Objects by the uid of whom they belong to."""
    found: dict[str, list[Manifest]] = {}
    for each in live.values():
        for owner in each["metadata"].get("ownerReferences") or ():
            found.setdefault(owner.get("uid", ""), []).append(each)
    return found


def _family(
    refs: Iterable[ObjectRef], live: Mapping[ObjectRef, Manifest], children: Mapping[str, list[Manifest]]
) -> dict[ObjectRef, Manifest]:
    """The objects and what their controllers made of them, so that judging one app reads no other."""
    pending = [live[ref] for ref in refs if ref in live]
    found: dict[ObjectRef, Manifest] = {}
    while pending:
        each = pending.pop()
        ref = ref_of(each)
        if ref not in found:
            found[ref] = each
            pending += children.get(each["metadata"].get("uid", ""), ())
    return found
