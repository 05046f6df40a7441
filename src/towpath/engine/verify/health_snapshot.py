"""Health of many apps at one moment, read once per kind: nothing is waited for, nothing is asked per app."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from towpath.adapters.kubernetes import Cluster
from towpath.config import Config
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.finished import finished_refs
from towpath.engine.live.lists import SPREAD, list_in, list_or_get
from towpath.engine.live.observe import FEW
from towpath.engine.live.pods import WORKLOADS
from towpath.engine.source.render import Rendered
from towpath.engine.verify.claims import CLAIM, read_classes, unconsumed
from towpath.engine.verify.rollout_status import RolloutStatus, rollout_status
from towpath.errors import TowpathError
from towpath.health import ObjectHealth, Status
from towpath.health.assess import Judges, healthy_once_present
from towpath.health.expressions import judges_of
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import Images

Kind = tuple[str, str]
_POD: Kind = ("", "Pod")
_REPLICA_SET: Kind = ("apps", "ReplicaSet")
NOTHING_KNOWN: Mapping[ObjectRef, Manifest] = MappingProxyType({})
_WORST_FIRST = (Status.DEGRADED, Status.MISSING, Status.PROGRESSING)


@dataclass(frozen=True, slots=True)
class AppHealth:
    """One word and, where it is not Healthy, what a person can act on."""

    status: Status
    message: str = ""

    @property
    def good(self) -> bool:
        return self.status is Status.HEALTHY


class HealthPicture:
    """Live objects at one moment, and who belongs to whom."""

    def __init__(
        self, live: Mapping[ObjectRef, Manifest], finished: frozenset[ObjectRef] = frozenset()
    ) -> None:
        self._live, self._finished = live, finished
        self._children: dict[str, list[Manifest]] = {}
        for each in live.values():
            for owner in each["metadata"].get("ownerReferences") or ():
                self._children.setdefault(owner.get("uid", ""), []).append(each)

    def judge(self, rendered: Rendered, images: Images, own: Judges, *, whole: bool = False) -> RolloutStatus:
        """One app. Only with `whole` also objects that are healthy once they are present.

        Whether those are there, drift detection tells.
        """
        objects = rendered.objects if whole else tuple(filter(_tells, rendered.objects))
        idle = unconsumed(map(ref_of, objects), self._live)
        return rollout_status(
            objects, self.family(rendered), images, own, finished=self._finished, unconsumed=idle
        )

    def family(self, rendered: Rendered) -> dict[ObjectRef, Manifest]:
        """The app's objects and what controllers made of them, so that judging one app reads no other."""
        refs = map(ref_of, rendered.objects)
        pending = [self._live[ref] for ref in refs if ref in self._live]
        found: dict[ObjectRef, Manifest] = {}
        while pending:
            each = pending.pop()
            ref = ref_of(each)
            if ref not in found:
                found[ref] = each
                pending += self._children.get(each["metadata"].get("uid", ""), ())
        return found


def read_picture(
    cluster: Cluster,
    rendered: Iterable[Rendered],
    known: Mapping[ObjectRef, Manifest] = NOTHING_KNOWN,
    ended: frozenset[ObjectRef] = frozenset(),
) -> HealthPicture:
    """Everything that tells the health of these apps: one request per kind, beside what is `known`.

    In a few namespaces there is one for each of them, and where the whole cluster may not be listed.

    `ended` was seen to end well; what inventories and events tell of that is read here.
    """
    apps = tuple(rendered)
    manifests = (m for each in apps for m in each.objects if _tells(m))
    finished = (finished_refs(cluster, owner_of(each), each.objects) for each in apps)
    live = _read(cluster, manifests)
    claims = (each for ref, each in live.items() if (ref.group, ref.kind) == CLAIM)
    return HealthPicture({**known, **live, **read_classes(cluster, claims)}, ended.union(*finished))


def health_snapshot(
    cluster: Cluster, config: Config, rendered: Sequence[Rendered], images: Mapping[str, Images]
) -> dict[str, AppHealth]:
    """Health by app. `images` are what must run, by app; what cannot be read makes its apps Unknown."""
    try:
        picture = read_picture(cluster, rendered)
    except TowpathError as error:
        return {each.app: AppHealth(Status.UNKNOWN, error.message) for each in rendered}
    own = judges_of(config.health_check_exprs)

    def health(app: Rendered) -> AppHealth:
        return health_of(picture.judge(app, images.get(app.app, ()) if app.app in config.apps else (), own))

    return {app.app: health(app) for app in rendered}


def health_of(rollout: RolloutStatus) -> AppHealth:
    """The worst of an app's objects; pods of another release are an app that is not there yet. Pure."""
    for status in _WORST_FIRST:
        for each in rollout.offenders:
            if each.health.status is status:
                return AppHealth(status, _line(each))
    if rollout.offenders:
        return AppHealth(rollout.offenders[0].health.status, _line(rollout.offenders[0]))
    if rollout.wrong_images:
        return AppHealth(Status.PROGRESSING, rollout.wrong_images[0])
    return AppHealth(Status.HEALTHY)


def _line(each: ObjectHealth) -> str:
    return f"{each.ref}: {each.health.message}"


def _tells(manifest: Manifest) -> bool:
    """Whether this object can be anything but there; that it is there, drift detection has seen."""
    ref = ref_of(manifest)
    return not healthy_once_present(ref.group, ref.kind)


def _read(cluster: Cluster, manifests: Iterable[Manifest]) -> dict[ObjectRef, Manifest]:
    by_kind: dict[Kind, dict[str, list[ObjectRef]]] = {}
    for ref in map(ref_of, manifests):
        by_kind.setdefault((ref.group, ref.kind), {}).setdefault(ref.namespace, []).append(ref)
        if (ref.group, ref.kind) in WORKLOADS or (ref.group, ref.kind) == CLAIM:
            by_kind.setdefault(_POD, {}).setdefault(ref.namespace, [])
        if (ref.group, ref.kind) == ("apps", "Deployment"):
            by_kind.setdefault(_REPLICA_SET, {}).setdefault(ref.namespace, [])

    def read(item: tuple[Kind, dict[str, list[ObjectRef]]]) -> list[Manifest]:
        kind, places = item
        if kind not in cluster.discover():
            return []
        if "" not in places:
            return list_in(cluster, kind, places, managed_fields=False)
        refs = places[""]
        if len(refs) <= FEW:
            return [live for ref in refs if (live := cluster.get(ref)) is not None]
        return list_or_get(cluster, kind, refs, managed_fields=False)

    lists = [part for kind, places in by_kind.items() for part in _parts(kind, places)]
    return {ref_of(live): live for group in concurrently(read, lists) for live in group}


def _parts(
    kind: Kind, places: dict[str, list[ObjectRef]]
) -> Iterator[tuple[Kind, dict[str, list[ObjectRef]]]]:
    """What is asked together: a kind in many namespaces, else in one."""
    if len(places) > SPREAD:
        yield kind, places
    else:
        yield from ((kind, {name: refs}) for name, refs in places.items())
