"""Health of many apps from one read per kind."""

from collections import Counter
from typing import Any

import pytest

from tests.unit.engine.described import CONFIG, app, deployment
from towpath.adapters.kubernetes import ApiRefusedError
from towpath.engine.live.lists import SPREAD
from towpath.engine.source.render import Rendered
from towpath.engine.verify.health_snapshot import AppHealth, health_of, health_snapshot
from towpath.engine.verify.rollout_status import RolloutStatus
from towpath.errors import TransientError
from towpath.health import Health, ObjectHealth, Status
from towpath.objects import Manifest, ref_of


def configmap(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "dev"}}


class Recorded:
    """Answers lists from `live`, and counts them."""

    def __init__(self, *live: Manifest) -> None:
        self.live = live
        self.lists: list[str] = []

    @property
    def asked(self) -> Counter[str]:
        return Counter(self.lists)

    def discover(self) -> Any:
        return {("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod"), ("", "ConfigMap")}

    def list(self, group: str, kind: str, namespace: str | None, *, managed_fields: bool) -> list[Manifest]:
        assert not managed_fields, "half of an object, and none of its health"
        self.lists.append(kind)
        return [each for each in self.live if (ref_of(each).group, ref_of(each).kind) == (group, kind)]


def test_each_kind_is_listed_once_for_all_apps_and_what_is_just_there_not_at_all() -> None:
    names = [f"app-{number}" for number in range(20)]
    cluster = Recorded(*(deployment(name) for name in names))
    rendered = [app(name, deployment(name), configmap(name)) for name in names]
    found = health_snapshot(cluster, CONFIG, rendered, {})
    assert found == {name: AppHealth(Status.HEALTHY) for name in names}
    assert cluster.asked == {"Deployment": 1, "ReplicaSet": 1, "Pod": 1}


def spread(number: int) -> list[Rendered]:
    """As many apps, each with a Deployment in a namespace of its own."""
    names = [f"app-{each}" for each in range(number)]
    return [app(name, in_namespace(deployment(name), name)) for name in names]


def in_namespace(manifest: Manifest, name: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": name}}


@pytest.mark.parametrize(("apps", "each"), [(SPREAD, SPREAD), (SPREAD + 1, 1)])
def test_a_kind_is_listed_once_for_apps_in_many_namespaces_and_by_namespace_for_a_few(
    apps: int, each: int
) -> None:
    rendered = spread(apps)
    live = [
        *(m for one in rendered for m in one.objects),
        in_namespace(deployment("x", ready=False), "other"),
    ]
    cluster = Recorded(*live)
    found = health_snapshot(cluster, CONFIG, rendered, {})
    assert found == {one.app: AppHealth(Status.HEALTHY) for one in rendered}
    assert cluster.asked == dict.fromkeys(("Deployment", "ReplicaSet", "Pod"), each)


def test_who_may_not_list_the_whole_cluster_lists_by_namespace() -> None:
    class Confined(Recorded):
        def list(self, group: str, kind: str, namespace: str | None, **rest: bool) -> list[Manifest]:
            if namespace is None:
                raise ApiRefusedError(f"list {kind}", status=403, reason="forbidden")
            return super().list(group, kind, namespace, **rest)

    rendered = spread(SPREAD + 1)
    cluster = Confined(*(m for one in rendered for m in one.objects))
    found = health_snapshot(cluster, CONFIG, rendered, {})
    assert found == {one.app: AppHealth(Status.HEALTHY) for one in rendered}
    assert cluster.asked == dict.fromkeys(("Deployment", "ReplicaSet", "Pod"), SPREAD + 1)


def test_an_app_is_as_bad_as_its_worst_object_and_says_which() -> None:
    cluster = Recorded(deployment("good"), deployment("slow", ready=False))
    rendered = [app("one", deployment("good"), deployment("slow")), app("two", deployment("gone"))]
    found = health_snapshot(cluster, CONFIG, rendered, {})
    assert found["one"].status is Status.PROGRESSING
    assert found["one"].message.startswith("Deployment dev/slow: ")
    assert found["two"].status is Status.MISSING


def test_a_cluster_that_cannot_be_read_leaves_health_unknown() -> None:
    class Away(Recorded):
        def list(self, *_: object, **__: object) -> list[Manifest]:
            raise TransientError("the API server is away")

    found = health_snapshot(Away(), CONFIG, [app("one", deployment("good"))], {})
    assert found == {"one": AppHealth(Status.UNKNOWN, "the API server is away")}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ((Status.PROGRESSING, Status.MISSING), Status.MISSING),
        ((Status.PROGRESSING, Status.DEGRADED), Status.DEGRADED),
        ((Status.MISSING, Status.DEGRADED), Status.DEGRADED),
        ((Status.UNKNOWN, Status.PROGRESSING), Status.PROGRESSING),
    ],
)
def test_the_worst_status_is_an_app_s(
    statuses: tuple[Status, Status], worst: Status, *, turned: bool
) -> None:
    offenders = tuple(
        ObjectHealth(ref_of(configmap(status.value.lower())), Health(status, status.value))
        for status in (reversed(statuses) if turned else statuses)
    )
    told = health_of(RolloutStatus(offenders, (), ()))
    assert told == AppHealth(worst, f"ConfigMap dev/{worst.value.lower()}: {worst.value}")
