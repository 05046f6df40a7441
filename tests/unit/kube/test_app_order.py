"""Who comes before whom."""

from towpath.kube.app_order import order_apps
from towpath.objects import Manifest


def thing(kind: str, name: str = "x", namespace: str = "dev", group: str = "") -> Manifest:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": metadata}


def definition(kind: str, group: str) -> Manifest:
    spec = {"group": group, "names": {"kind": kind}}
    return thing("CustomResourceDefinition", f"{kind}.{group}", "", "apiextensions.k8s.io") | {"spec": spec}


def test_apps_that_need_nothing_of_each_other_come_at_once() -> None:
    assert order_apps({"b": [thing("Service")], "a": [thing("ConfigMap")]}) == [["a", "b"]]
    assert order_apps({}) == []


def test_namespace_then_definitions_then_what_uses_them() -> None:
    apps = {
        "a-uses": [thing("Widget", group="example.com")],
        "b-plain": [thing("ConfigMap")],
        "y-defines": [definition("Widget", "example.com"), thing("Deployment", group="apps")],
        "z-founds": [thing("Namespace", "dev", "")],
    }
    assert order_apps(apps) == [["z-founds"], ["b-plain", "y-defines"], ["a-uses"]]


def test_an_app_that_brings_all_it_needs_waits_for_nobody() -> None:
    own = [thing("Namespace", "dev", ""), definition("Widget", "a.b"), thing("Widget", group="a.b")]
    assert order_apps({"own": own}) == [["own"]]


def test_what_is_for_the_whole_cluster_comes_before_apps_that_have_nothing_such() -> None:
    apps = {
        "a": [thing("Deployment", group="apps")],
        "b": [thing("PriorityClass", "p", "", "scheduling.k8s.io")],
    }
    assert order_apps(apps) == [["b"], ["a"]]


def test_a_webhook_holds_nobody_up() -> None:
    hook = thing("ValidatingWebhookConfiguration", "h", "", "admissionregistration.k8s.io")
    assert order_apps({"a": [thing("ConfigMap")], "b": [hook]}) == [["a", "b"]]


def test_apps_that_need_each_other_share_a_group() -> None:
    apps = {
        "a": [definition("One", "a.b"), thing("Two", group="a.b")],
        "b": [definition("Two", "a.b"), thing("One", group="a.b")],
    }
    assert order_apps(apps) == [["a", "b"]]


def test_what_people_wrote_comes_before_what_objects_say() -> None:
    apps = {name: [thing("ConfigMap")] for name in ("a-web", "b-db", "c-other")}
    assert order_apps(apps, {"a-web": ["b-db"]}) == [["b-db", "c-other"], ["a-web"]]
    apps = {"defines": [definition("Widget", "a.b")], "uses": [thing("Widget", group="a.b")]}
    assert order_apps(apps, {"defines": ["uses"]}) == [["uses"], ["defines"]]


def test_an_app_that_is_not_there_holds_nobody_up() -> None:
    assert order_apps({"a": [thing("ConfigMap")]}, {"a": ["elsewhere"]}) == [["a"]]
