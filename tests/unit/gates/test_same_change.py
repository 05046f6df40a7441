"""What of a change was verified elsewhere: field by field, whatever else environments have otherwise."""

from copy import deepcopy
from typing import Any

import pytest

from towpath.gates.same_change import unverified_fields
from towpath.objects import Manifest


def deployment(
    namespace: str, *, image: str = "op:1", replicas: int = 1, args: list[str] | None = None, **spec: Any
) -> Manifest:
    container: dict[str, Any] = {"name": "op", "image": image}
    if args is not None:
        container["args"] = args
    template = {"spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "op", "namespace": namespace},
        "spec": {"replicas": replicas, "template": template, **spec},
    }


def role_binding(namespace: str) -> Manifest:
    subject = {"kind": "ServiceAccount", "name": "op", "namespace": namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "op"},
        "subjects": [subject],
    }


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def found(before: list[Manifest], now: list[Manifest], verified: list[Manifest]) -> list[str]:
    unchanged = deepcopy((before, now, verified))
    namespaces = {"dev": "prod", "op-dev": "op-prod"}
    told = [*unverified_fields(before, now, verified, namespaces=namespaces)]
    assert (before, now, verified) == unchanged
    return told


def test_a_change_of_the_base_is_the_same_where_overlays_differ() -> None:
    before, now = deployment("prod", replicas=3), deployment("prod", image="op:2", replicas=3)
    assert found([before], [now], [deployment("dev", image="op:2")]) == []


def test_what_was_verified_with_another_value_is_another_change() -> None:
    before, now = deployment("prod"), deployment("prod", image="op:2")
    assert found([before], [now], [deployment("dev", image="op:3")]) == [
        "Deployment prod/op /spec/template/spec/containers/op/image"
    ]


def test_a_change_of_the_own_overlay_alone_was_verified_nowhere() -> None:
    before, now = deployment("prod", replicas=3), deployment("prod", replicas=9)
    assert found([before], [now], [deployment("dev")]) == ["Deployment prod/op /spec/replicas"]


def test_an_own_value_that_becomes_that_of_the_other_environment_was_verified_there() -> None:
    assert found([deployment("prod", replicas=3)], [deployment("prod")], [deployment("dev")]) == []


@pytest.mark.parametrize(
    ("now", "verified", "told"),
    [
        ({"paused": True}, {"paused": True}, []),
        ({"paused": True}, {}, ["/spec/paused"]),
        ({"paused": True}, {"paused": 1}, ["/spec/paused"]),
        ({"strategy": {"type": "Recreate"}}, {"strategy": {"type": "Recreate", "x": 1}}, ["/spec/strategy"]),
        ({"args": ["--a", "--b"]}, {"args": ["--a", "--b"]}, []),
        ({"args": ["--b", "--a"]}, {"args": ["--a", "--b"]}, ["/spec/template/spec/containers/op/args"]),
    ],
)
def test_a_new_field_is_verified_with_its_value_only(
    now: dict[str, Any], verified: dict[str, Any], told: list[str]
) -> None:
    new, theirs = deployment("prod", **now), deployment("dev", **verified)
    assert found([deployment("prod")], [new], [theirs]) == [f"Deployment prod/op {each}" for each in told]


def test_a_field_that_is_removed_must_be_gone_there_too() -> None:
    before = deployment("prod", paused=True)
    assert found([before], [deployment("prod")], [deployment("dev")]) == []
    assert found([before], [deployment("prod")], [deployment("dev", paused=True)]) == [
        "Deployment prod/op /spec/paused"
    ]


def test_an_object_that_is_removed_must_be_gone_there_too() -> None:
    before = [deployment("prod"), role_binding("prod")]
    assert found(before, [deployment("prod")], [deployment("dev")]) == []
    assert found(before, [deployment("prod")], [deployment("dev"), role_binding("dev")]) == [
        "ClusterRoleBinding op is removed"
    ]


def test_a_new_object_must_be_there_and_may_have_values_of_its_own() -> None:
    now = [deployment("prod", replicas=3), role_binding("prod"), namespace("prod")]
    assert found([], now, [deployment("dev"), role_binding("dev"), namespace("dev")]) == []
    assert found([], now, [deployment("dev"), namespace("dev")]) == [
        "ClusterRoleBinding op is new, and is not there"
    ]


def test_the_namespaces_of_both_environments_are_taken_for_each_other() -> None:
    before = [{**role_binding("prod"), "subjects": []}]
    assert found(before, [role_binding("prod")], [role_binding("dev")]) == []
    assert found(before, [role_binding("prod")], [role_binding("other")]) == [
        "ClusterRoleBinding op /subjects/op"
    ]


def test_an_apps_own_namespace_and_the_environments_are_each_taken_for_its_like() -> None:
    before = [{**role_binding("op-prod"), "subjects": []}]
    own, general = (
        role_binding("op-prod")["subjects"][0],
        {**role_binding("prod")["subjects"][0], "name": "all"},
    )
    now = [{**role_binding("op-prod"), "subjects": [own, general]}]
    like = [{**own, "namespace": "op-dev"}, {**general, "namespace": "dev"}]
    assert found(before, now, [{**role_binding("op-dev"), "subjects": like}]) == []
    crossed = [{**own, "namespace": "dev"}, {**general, "namespace": "op-dev"}]
    assert found(before, now, [{**role_binding("op-dev"), "subjects": crossed}]) == [
        "ClusterRoleBinding op /subjects/op",
        "ClusterRoleBinding op /subjects/all",
    ]


def test_what_only_this_environment_has_may_stay_and_may_not_change() -> None:
    own = role_binding("prod")
    assert found([own], [own], []) == []
    assert found([own], [{**own, "subjects": []}], []) == [
        "ClusterRoleBinding op is changed, and is not there"
    ]


def test_an_item_is_known_by_its_name_wherever_it_stands() -> None:
    def with_sidecar(namespace: str, image: str, *, first: bool) -> Manifest:
        made = deployment(namespace)
        items = made["spec"]["template"]["spec"]["containers"]
        items.insert(0 if first else 1, {"name": "log", "image": image})
        return made

    before, now = with_sidecar("prod", "log:1", first=True), with_sidecar("prod", "log:2", first=True)
    assert found([before], [now], [with_sidecar("dev", "log:2", first=False)]) == []
    assert found([before], [now], [with_sidecar("dev", "log:3", first=False)]) == [
        "Deployment prod/op /spec/template/spec/containers/log/image"
    ]


@pytest.mark.parametrize(
    ("now", "verified", "differs"),
    [("ab", "ab", False), ("ba", "ba", False), ("ba", "ab", True), ("ab", "ba", False), ("bac", "abc", True)],
)
def test_items_that_change_places_must_have_done_so_there(now: str, verified: str, differs: bool) -> None:
    def ordered(namespace: str, names: str) -> Manifest:
        made = deployment(namespace)
        made["spec"]["template"]["spec"]["containers"] = [{"name": name, "image": name} for name in names]
        return made

    told = found(
        [ordered("prod", "ab" if len(now) == 2 else "abc")],
        [ordered("prod", now)],
        [ordered("dev", verified)],
    )
    assert told == (["Deployment prod/op /spec/template/spec/containers"] if differs else [])
