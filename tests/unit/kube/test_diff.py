import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.characters import UNICODE
from towpath.kube.diff import Difference, declared_differences, differences, field_difference, format_value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(UNICODE, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(UNICODE, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


def manifest(kind: str = "ConfigMap", **content: object):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **content}


def test_fields_that_differ_by_pointer() -> None:
    found = differences(manifest(data={"a/b": "1", "c": "2"}), manifest(data={"a/b": "3", "d": "4"}))
    assert found == (
        Difference("/data/a~1b", "1", "3"),
        Difference("/data/c", "2", None),
        Difference("/data/d", None, "4"),
    )


def test_lists_are_compared_by_name() -> None:
    old = manifest(spec=[{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])
    new = manifest(spec=[{"name": "b", "image": "3"}])
    assert differences(old, new) == (
        Difference("/spec/0", {"name": "a", "image": "1"}, None),
        Difference("/spec/1/image", "2", "3"),
    )


def test_what_the_server_sets_is_no_difference() -> None:
    live = manifest(status={"ready": True})
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "1",
        "managedFields": [],
        "generation": 2,
        "labels": {},
    }
    assert differences(live, manifest()) == ()


def test_secret_values_are_masked_but_a_change_is_seen() -> None:
    [found] = differences(
        manifest("Secret", data={"a": "Y2FuYXJ5"}), manifest("Secret", data={"a": "b3RoZXI="})
    )
    assert found.pointer == "/data/a"
    assert found.live != found.desired
    assert "Y2FuYXJ5" not in json.dumps(found.to_json())


def test_long_values_are_cut() -> None:
    assert len(format_value("x" * 10_000)) < 300


@given(json_values, json_values)
def test_equal_is_no_difference_and_unequal_is_one(one, other) -> None:
    assert differences(manifest(spec=one), manifest(spec=one)) == ()
    found = differences(manifest(spec=one), manifest(spec=other))
    assert found == differences(manifest(spec=one), manifest(spec=other))
    assert bool(found) == bool(differences(manifest(spec=other), manifest(spec=one)))


PORT = {"name": "http", "port": 80, "targetPort": 8080}


@pytest.mark.parametrize(
    ("live", "declared", "told"),
    [
        (
            {"ports": [{**PORT, "port": 81, "protocol": "TCP"}]},
            {"ports": [PORT]},
            [("/spec/ports/0/port", 81, 80)],
        ),
        (
            {"type": "ClusterIP", "clusterIP": "10.0.0.1"},
            {"type": "NodePort"},
            [("/spec/type", "ClusterIP", "NodePort")],
        ),
        ({"ports": [PORT]}, {"ports": [PORT]}, []),
        ({"ports": [{"port": 81}]}, {"ports": [{"port": 80}]}, [("/spec/ports/0/port", 81, 80)]),
        ({}, {"selector": {"app": "a"}}, [("/spec/selector", None, {"app": "a"})]),
        ({"ports": [PORT, {"name": "more", "port": 1}]}, {"ports": [PORT]}, []),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 3}}}, [("/spec/a/b/c", 1, 3)]),
    ],
)
def test_what_git_names_and_is_otherwise_live(live: Any, declared: Any, told: list[Any]) -> None:
    found = declared_differences(manifest(spec=live), manifest(spec=declared))
    assert [(each.pointer, each.live, each.desired) for each in found] == told


def test_what_git_names_of_a_secret_is_masked() -> None:
    live, declared = (manifest(kind="Secret", data={"key": value}) for value in ("b2xk", "bmV3"))
    (found,) = declared_differences(live, declared)
    assert found.pointer == "/data/key"
    assert not {"b2xk", "bmV3"} & {str(found.live), str(found.desired)}


@pytest.mark.parametrize(
    ("live", "declared"),
    [
        (["a", "b"], ["a"]),
        (["a"], ["a", "b"]),
        ([], ["a"]),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}]),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, "plain"),
        ("plain", ["a"]),
    ],
)
def test_one_field_is_told_as_a_whole(live: Any, declared: Any) -> None:
    found = field_difference(manifest(spec={"x": live}), manifest(spec={"x": declared}), "/spec/x", "/spec/x")
    assert (found.pointer, found.live, found.desired) == ("/spec/x", live, declared)
    assert [line[0] for line in found.lines()] == ["-", "+"]


def test_one_field_of_a_secret_or_with_its_name_is_masked() -> None:
    for one, at in (
        (manifest("Secret", data={"key": "b2xk"}), "/data/key"),
        (manifest("Secret", data={"key": "b2xk"}), "/data"),
        (manifest(spec={"apiToken": "b2xk"}), "/spec/apiToken"),
        (manifest(spec={"env": [{"name": "DB_PASS", "value": "b2xk"}]}), "/spec/env"),
    ):
        found = field_difference(one, one, at, at)
        assert "b2xk" not in "".join(found.lines()) + str(found.to_json())


def _pod(name: str, value: str) -> dict[str, Any]:
    container = {"name": "c", "env": [{"name": name, "value": value}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}


def _config(name: str, value: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {name: value}}


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        (_pod("DB_PASS", "ab1"), _pod("DB_PASS", "cd2")),
        (_pod("API_TOKEN", "ab1"), _pod("API_TOKEN", "cd2")),
        (_config("password", "ab1"), _config("password", "cd2")),
        (_config("x", "1"), {**_config("x", "1"), "spec": [{"name": "DB_PASS", "value": "cd2"}]}),
        (_config("sentryDsn", "ab1"), _config("x", "1")),
        (_config("x", "password=ab1"), _config("x", "password=cd2")),
    ],
)
def test_short_values_are_masked_by_their_place(live: dict[str, Any], desired: dict[str, Any]) -> None:
    for found in (differences(live, desired), declared_differences(live, desired)):
        said = json.dumps([each.to_json() for each in found]) + "".join(
            line for each in found for line in each.lines()
        )
        assert "ab1" not in said
        assert "cd2" not in said


def test_other_values_are_shown_as_they_are() -> None:
    found = differences(_pod("LEVEL", "ab1"), _pod("LEVEL", "cd2"))
    assert [each.to_json()["desired"] for each in found] == ["cd2"]
    truth = differences({**_config("a", "1"), "automountServiceAccountToken": True}, _config("a", "1"))
    assert truth[0].to_json()["live"] is True
