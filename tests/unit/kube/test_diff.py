import json

from hypothesis import given
from hypothesis import strategies as st

from towpath.kube.diff import Difference, differences, format_value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
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
