"""What a sync makes of a live object, worked out; that the server does the same is an integration test."""

from typing import Any

import pytest

from towpath.engine.preview.prediction import merged, patch_operations, removed_paths, without_paths
from towpath.fields.field_set import display_path
from towpath.objects import Manifest

UDP = {"containerPort": 80, "protocol": "UDP"}
PORT = {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:name": {}}}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def manifest(spec: dict[str, Any], *entries: dict[str, Any]) -> Manifest:
    return {"apiVersion": "v1", "kind": "X", "metadata": {"managedFields": list(entries)}, "spec": spec}


@pytest.mark.parametrize(
    ("ours", "others", "desired", "removed"),
    [
        ({"f:a": {}}, {}, {"a": 1}, []),
        ({"f:a": {}}, {}, {}, [".spec.a"]),
        ({"f:a": {}}, {"f:a": {}}, {}, []),
        ({"f:a": {".": {}, "f:b": {}}}, {}, {}, [".spec.a"]),
        ({"f:a": {"f:b": {"f:c": {}}}}, {}, {}, [".spec.a"]),
        ({"f:a": {"f:b": {}, "f:c": {}}}, {"f:a": {"f:b": {}}}, {}, [".spec.a.c"]),
        ({"f:a": {"f:b": {}, "f:c": {}}}, {}, {"a": {"b": 1}}, [".spec.a.c"]),
        ({"f:ports": PORT}, {}, {"ports": [{"containerPort": 80, "name": "x"}]}, []),
        ({"f:ports": PORT}, {}, {"ports": [UDP]}, [".spec.ports[80,TCP]"]),
        ({"f:set": {'v:"a"': {}, 'v:"b"': {}}}, {}, {"set": ["a"]}, [".spec.set[b]"]),
    ],
)  # fmt: skip
def test_what_is_ours_alone_and_not_in_git_goes(
    ours: dict[str, Any], others: dict[str, Any], desired: dict[str, Any], removed: list[str]
) -> None:
    entries = [entry("towpath", {"f:spec": ours}, "Apply"), entry("x", {"f:spec": others})]
    found = removed_paths(entries, {**manifest(desired), "spec": desired})
    assert [display_path(path) for path in found] == removed


def test_every_item_that_repeats_a_removed_one_goes() -> None:
    live = manifest({"env": [{"name": "A"}, {"name": "B", "v": 1}, {"name": "A"}, {"name": "B"}]})
    after = without_paths(live, [("f:spec", "f:env", 'k:{"name":"A"}'), ("f:metadata", "f:none")])
    assert after["spec"]["env"] == [{"name": "B", "v": 1}, {"name": "B"}]


ENV = {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}}}}


@pytest.mark.parametrize(
    ("known", "live", "desired", "expected"),
    [
        ({}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({}, {"list": [1, 2]}, {"list": [3]}, {"list": [3]}),
        ({"f:list": {"v:1": {}}}, {"list": [1, 2]}, {"list": [3, 2]}, {"list": [1, 2, 3]}),
        (
            ENV,
            {"env": [{"name": "A", "v": "1"}, {"name": "B"}, {"name": "A", "v": "2"}]},
            {"env": [{"name": "A", "v": "3"}]},
            {"env": [{"name": "A", "v": "3"}, {"name": "B"}]},
        ),
        (
            {"f:ports": PORT},
            {"ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]},
            {"ports": [{"containerPort": 80, "name": "x"}]},
            {
                "ports": [
                    {"containerPort": 80, "protocol": "TCP", "name": "x"},
                    {"containerPort": 80, "protocol": "UDP"},
                ]
            },
        ),
        (
            {"f:cs": {'k:{"name":"a"}': {".": {}, **ENV}}},
            {"cs": [{"name": "a", "image": "i", "env": [{"name": "A", "v": 1}, {"name": "A", "v": 2}]}]},
            {"cs": [{"name": "a", "env": [{"name": "A", "v": 3}]}]},
            {"cs": [{"name": "a", "image": "i", "env": [{"name": "A", "v": 3}]}]},
        ),
    ],
)
def test_lists_are_merged_as_their_owners_fields_say(
    known: dict[str, Any], live: dict[str, Any], desired: dict[str, Any], expected: dict[str, Any]
) -> None:
    now = manifest(live, entry("x", {"f:spec": known}))
    assert merged(now, {"spec": desired})["spec"] == expected
    assert now["spec"] == live


def test_a_patch_has_all_but_the_status_and_what_the_server_sets() -> None:
    live = manifest({"a": 1}) | {"status": {"x": 1}, "data": {"k": "v"}}
    live["metadata"] |= {"uid": "u", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    wanted: Manifest = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"labels": {"a": "c"}},
        "spec": {"a": 1},
        "rules": [],
    }
    assert patch_operations(live, wanted) == [
        {"op": "remove", "path": "/data"},
        {"op": "add", "path": "/rules", "value": []},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "c"}},
        {"op": "remove", "path": "/metadata/annotations"},
    ]
