"""The namespace and the autoscalers of an environment, fed by hand."""

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.engine.live.observe import NamespaceState
from towpath.engine.watch.surroundings import Surroundings
from towpath.kube.autoscaling import HPA, KEDA
from towpath.objects import Manifest

SCALERS = Collection(*HPA, "dev")
SCALED_OBJECTS = Collection(*KEDA, "dev")
WEB, API = ("apps", "Deployment", "web", "dev"), ("apps", "Deployment", "api", "dev")


def scaler(name: str, target: str = "web", **more: object) -> Manifest:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "dev"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}},
        **more,
    }


def scaled_object(name: str, target: str = "web") -> Manifest:
    return scaler(name) | {
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"scaleTargetRef": {"name": target}}
    }  # fmt: skip


def namespace(**metadata: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev", **metadata}}


def around() -> tuple[Surroundings, list[NamespaceState], list[int]]:
    states: list[NamespaceState] = []
    woken: list[int] = []
    made = Surroundings("dev", states.append, lambda: woken.append(1))
    return made, states, woken


def test_each_state_of_the_namespace_is_told_once() -> None:
    made, states, _ = around()
    assert not made.ready()
    made.see_all(made.namespace, [namespace()])
    assert made.ready()
    for event in (
        WatchEvent("MODIFIED", namespace(resourceVersion="2")),
        WatchEvent("MODIFIED", namespace(deletionTimestamp="T")),
        WatchEvent("MODIFIED", namespace(deletionTimestamp="T", resourceVersion="3")),
        WatchEvent("DELETED", namespace(deletionTimestamp="T")),
        WatchEvent("ADDED", namespace()),
    ):
        made.see(made.namespace, event)
    assert states == ["present", "terminating", "missing", "present"]
    made.see_all(made.namespace, [])
    assert states[-1] == "missing"


def test_what_is_scaled_is_known_when_every_kind_was_listed() -> None:
    made, _, woken = around()
    made.see_all(made.namespace, [namespace()])
    made.follow_autoscalers((HPA, KEDA))
    assert made.collections() == {made.namespace, SCALERS, SCALED_OBJECTS}
    made.see_all(SCALERS, [scaler("a")])
    assert (made.scaled(), made.ready()) == (None, False)
    made.see_all(SCALED_OBJECTS, [scaled_object("k", "api")])
    assert (made.scaled(), made.ready()) == ({WEB, API}, True)
    del woken[:]
    made.see(SCALERS, WatchEvent("MODIFIED", scaler("a", status={"currentReplicas": 3})))
    assert woken == [], "a status is no news"
    made.see(SCALERS, WatchEvent("ADDED", scaler("b", "api")))
    made.see(SCALED_OBJECTS, WatchEvent("DELETED", scaled_object("k", "api")))
    assert made.scaled() == {WEB, API}, "another one scales it still"
    made.see(SCALERS, WatchEvent("MODIFIED", scaler("b", "other")))
    assert made.scaled() == {WEB, ("apps", "Deployment", "other", "dev")}
    made.see(SCALERS, WatchEvent("DELETED", scaler("a")))
    made.see(SCALERS, WatchEvent("DELETED", scaler("b", "other")))
    assert made.scaled() == frozenset()
    assert len(woken) == 5


def test_autoscalers_matter_only_where_something_can_be_scaled() -> None:
    made, _, _ = around()
    assert made.scaled() == frozenset()
    made.see_all(SCALERS, [scaler("a")])
    made.see(SCALERS, WatchEvent("ADDED", scaler("a")))
    assert made.scaled() == frozenset()
    made.follow_autoscalers((HPA,))
    made.see_all(SCALERS, [scaler("a")])
    assert made.scaled() == {WEB}
    made.follow_autoscalers(())
    assert (made.scaled(), made.collections()) == (frozenset(), {made.namespace})


def test_what_may_not_be_read_holds_nothing_up() -> None:
    made, states, _ = around()
    made.follow_autoscalers((HPA,))
    assert made.refused(made.namespace)
    assert made.refused(SCALERS)
    assert (made.ready(), made.scaled(), states) == (True, frozenset(), ["present"])
    assert not made.refused(Collection("", "ConfigMap", "dev"))


def test_autoscalers_of_several_namespaces_are_one_collection_until_that_is_refused() -> None:
    made = Surroundings("dev", lambda _: None, lambda: None)
    made.follow_autoscalers((HPA,), ("dev", "shop"))
    whole = Collection(*HPA)
    assert made.collections() == {made.namespace, whole}
    assert made.refused(whole)
    assert made.collections() == {made.namespace, Collection(*HPA, "dev"), Collection(*HPA, "shop")}


def test_a_kind_of_autoscalers_that_is_not_served_is_asked_for_once_whatever_the_number_of_namespaces() -> (
    None
):
    made = Surroundings("dev", lambda _: None, lambda: None)
    made.follow_autoscalers((HPA,), ("dev", "shop"))
    assert made.refused(Collection(*HPA), served=False)
    assert made.collections() == {made.namespace, Collection(*HPA)}
    assert made.scaled() == frozenset()
