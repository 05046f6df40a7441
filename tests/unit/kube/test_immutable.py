"""What an API server's refusal leaves unsaid: which field was changed."""

import copy
import json
from typing import Any

import pytest

from towpath.kube.immutable import changed_fields, refusal_message, with_fields_of_others

SET = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' and"
    " 'minReadySeconds' are forbidden"
)
CLAIM = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound"
    ' claims\n@@ -1,2 +1,2 @@\n- "StorageClassName": "a"'
)


def live(**spec: object):
    return {"metadata": {}, "spec": {"defaulted": True, **spec}}


@pytest.mark.parametrize(
    ("before", "after", "fields", "reason", "expected"),
    [
        ({"serviceName": "a"}, {"serviceName": "b"}, ["spec"], SET, ("spec.serviceName",)),
        (
            {"serviceName": "a", "template": {"x": 1}},
            {"serviceName": "b", "template": {"x": 2}},
            ["spec"],
            SET,
            ("spec.serviceName",),
        ),
        (
            {"resources": {"requests": {"storage": "1"}}, "accessModes": ["a"]},
            {"resources": {"requests": {"storage": "2"}}, "accessModes": ["b"]},
            ["spec"],
            CLAIM,
            ("spec.accessModes[0]",),
        ),
        (
            {"resources": {"requests": {"storage": "2"}}},
            {"resources": {"requests": {"storage": "1"}}},
            ["spec"],
            CLAIM,
            ("spec.resources.requests.storage",),
        ),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["spec.a"], "field is immutable", ("spec.a",)),
        ({"a": 1, "ab": 1}, {"a": 2, "ab": 2}, ["spec.a"], "field is immutable", ("spec.a",)),
        ({"a": 1}, {"a": 2}, ["<nil>"], "failed rule: self == oldSelf", ("spec.a",)),
        ({"a": [1]}, {"a": [1, 2]}, [], "field is immutable", ("spec.a",)),
        ({"a": 1}, {"a": 1}, ["spec"], SET, ()),
    ],
)
def test_what_git_changed_is_found_and_what_may_change_is_left_out(
    before, after, fields, reason, expected
) -> None:
    desired = {"apiVersion": "v2", "metadata": {"labels": {"x": "y"}}, "spec": after}
    assert changed_fields(live(**before), desired, fields, reason) == expected


def test_a_field_that_left_git_counts() -> None:
    owned = {"f:metadata": {"f:labels": {"f:x": {}}}, "f:data": {"f:A": {}, "f:B": {}}}
    entry = {"manager": "towpath", "operation": "Apply", "fieldsV1": owned}
    metadata = {"labels": {"x": "y"}, "managedFields": [entry]}
    now = {"metadata": metadata, "data": {"A": "1", "B": "1"}}
    assert changed_fields(now, {"metadata": {}, "data": {"A": "1"}}, ["data"], "") == ("data.B",)


def test_the_servers_words_stay_its_long_values_go() -> None:
    template = json.dumps({"Spec": {"Containers": [{"Name": "c", "Image": "a: b"}] * 9}})
    reason = f'Job "j" is invalid: spec.template: Invalid value: {template}: field is immutable'
    assert refusal_message(reason, ("spec.template.spec.x",), ("spec.template",)) == (
        'Job "j" is invalid: spec.template: Invalid value: …: field is immutable'
        " (changed: spec.template.spec.x)"
    )
    two = f"[spec.a: Invalid value: {template}: field is immutable, spec.b: Invalid value: 3: no]"
    assert refusal_message(two, ("spec.a",), ("spec.a", "spec.b")) == (
        "[spec.a: Invalid value: …: field is immutable, spec.b: Invalid value: 3: no]"
    )
    assert refusal_message(CLAIM, (), ("spec",)) == CLAIM.partition("\n")[0]


def test_many_fields_are_counted() -> None:
    names = tuple(f"spec.{name}" for name in "abcdefg")
    assert refusal_message("why", names, ()).endswith(
        "(changed: spec.a, spec.b, spec.c, spec.d, spec.e and 2 more)"
    )


def owned_by(manager: str, fields: dict[str, Any], **spec: object) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": fields}}
    return {"metadata": {"name": "a", "managedFields": [entry]}, "spec": spec}


@pytest.mark.parametrize(
    ("fields", "lives", "wanted", "expected"),
    [
        ({"f:a": {}}, {"a": 1}, {"b": 2}, {"b": 2, "a": 1}),
        ({"f:a": {}}, {"a": 1}, {"a": 2}, {"a": 2}),
        ({"f:m": {"f:a": {}}}, {"m": {"a": 1, "b": 1}}, {"m": {"c": 1}}, {"m": {"c": 1, "a": 1}}),
        ({"f:m": {"f:a": {}}}, {"m": {"a": 1, "b": 1}}, {}, {"m": {"a": 1}}),
        ({"f:m": {"f:a": {}}}, {"m": {"a": 1}}, {"m": "text"}, {"m": "text"}),
        (
            {"f:l": {'k:{"n":"x"}': {".": {}, "f:v": {}}}},
            {"l": [{"n": "w"}, {"n": "x", "v": 1}]},
            {"l": [{"n": "x", "z": 2}]},
            {"l": [{"n": "x", "z": 2, "v": 1}]},
        ),
        (
            {"f:l": {'k:{"n":"x"}': {".": {}, "f:v": {}}}},
            {"l": [{"n": "x", "v": 1}]},
            {"l": [{"n": "w"}]},
            {"l": [{"n": "w"}, {"n": "x", "v": 1}]},
        ),
        ({"f:l": {'v:"b"': {}}}, {"l": ["a", "b"]}, {"l": ["c"]}, {"l": ["c", "b"]}),
        ({"f:gone": {}}, {}, {"b": 2}, {"b": 2}),
    ],
)
def test_what_others_own_stands_beside_what_git_wants(
    fields: dict[str, Any], lives: dict[str, Any], wanted: dict[str, Any], expected: dict[str, Any]
) -> None:
    manifest = {"metadata": {"name": "a"}, "spec": wanted}
    before = copy.deepcopy(manifest)
    together = with_fields_of_others(owned_by("some-controller", fields, **lives), manifest)
    assert together == {"metadata": {"name": "a"}, "spec": expected}
    assert manifest == before


@pytest.mark.parametrize("manager", ["kubectl-patch", "k9s", "headlamp", "kubectl1.31"])
def test_what_people_own_is_taken_back(manager: str) -> None:
    manifest = {"metadata": {"name": "a"}, "spec": {"b": 2}}
    assert with_fields_of_others(owned_by(manager, {"f:a": {}}, a=1), manifest) == manifest
