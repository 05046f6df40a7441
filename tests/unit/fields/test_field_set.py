from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.fields.field_set import (
    declared_path,
    display_path,
    leaves,
    paths_beyond,
    pattern_of,
    pointer_of,
    pointers_of,
    split,
    union,
)

OURS = {
    "f:spec": {"f:replicas": {}, "f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:image": {}}}}
}
THEIRS = {
    "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:containers": {
            'k:{"name":"a"}': {"f:tty": {}},
            'k:{"name":"b"}': {".": {}, "f:name": {}, "f:image": {}},
        },
    },
}
LIVE = {
    "metadata": {"labels": {"x": "1"}},
    "spec": {
        "replicas": 1,
        "containers": [{"name": "b", "image": "i"}, {"name": "a", "image": "i", "tty": True}],
    },
}
steps = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1"])
trees = st.recursive(st.just({}), lambda inner: st.dictionaries(steps, inner, max_size=3), max_leaves=8)


def test_only_what_is_not_ours_is_added_and_a_new_item_counts_once() -> None:
    assert [display_path(path) for path in paths_beyond(THEIRS, OURS)] == [
        ".metadata.labels.x",
        ".spec.containers[a].tty",
        ".spec.containers[b]",
    ]


def test_pointers_into_a_live_object() -> None:
    paths = list(paths_beyond(THEIRS, OURS))
    assert [pointer_of(path, LIVE) for path in paths] == [
        "/metadata/labels/x",
        "/spec/containers/1/tty",
        "/spec/containers/0",
    ]
    assert pointer_of(paths[0], {}) is None
    assert pattern_of(paths[1]) == "/spec/containers/*/tty"


def test_a_port_without_its_default_protocol_is_found() -> None:
    path = ("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}')
    assert pointer_of(path, {"ports": [{"containerPort": 80}]}) == "/ports/0"


def test_a_port_without_a_protocol_is_none_of_another_protocol() -> None:
    path = ("f:ports", 'k:{"containerPort":80,"protocol":"UDP"}')
    assert pointer_of(path, {"ports": [{"containerPort": 80}]}) is None
    assert pointer_of(path, {"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]}) == (
        "/ports/1"
    )


def test_every_item_that_repeats_a_key_has_a_pointer() -> None:
    env = {"env": [{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A"}]}
    assert list(pointers_of(("f:env", 'k:{"name":"A"}'), env)) == ["/env/0", "/env/2"]
    assert list(pointers_of(("f:env", 'k:{"name":"A"}', "f:value"), env)) == ["/env/0/value"]
    assert list(pointers_of(("f:env", "i:1"), env)) == ["/env/1"]
    assert list(pointers_of(("f:set", 'v:"x"'), {"set": ["y", "x"]})) == ["/set/1"]


@given(trees, trees)
def test_union_has_the_leaves_of_both(one, other) -> None:
    both = union(one, other)
    assert union(other, one) == both
    assert union(both, one) == both
    assert not list(paths_beyond(one, both))


@given(trees, st.sets(steps))
def test_split_loses_nothing(tree, chosen) -> None:
    yes, no = split(tree, lambda path: path[-1] in chosen)
    assert set(leaves(union(yes, no))) == set(leaves(tree))
    assert all(any(step in chosen for step in path) for path in leaves(yes))
    assert not any(step in chosen for path in leaves(no) for step in path)


ITEM = 'k:{"name":"a"}'


@pytest.mark.parametrize(
    ("fields", "owned"),
    [
        ({"f:a": {".": {}, "f:b": {}}}, [("f:a", "f:b")]),
        ({"f:a": {".": {}}}, []),
        ({"f:a": {ITEM: {".": {}}}}, [("f:a", ITEM)]),
        ({"f:a": {ITEM: {".": {}, "f:name": {}}}}, [("f:a", ITEM, "f:name")]),
        ({"f:a": {"v:1": {}}}, [("f:a", "v:1")]),
        ({".": {}, "f:a": {}}, [("f:a",)]),
    ],
)
def test_the_step_of_the_map_itself_is_no_field(fields: dict[str, Any], owned: list[tuple[str, ...]]) -> None:
    assert list(leaves(fields)) == owned
    assert list(paths_beyond({"f:a": {".": {}}}, fields)) == []


def test_an_item_that_is_owned_as_a_whole_counts_though_none_of_its_fields_is() -> None:
    assert list(paths_beyond({"f:a": {ITEM: {".": {}}}}, {"f:a": {}})) == [("f:a", ITEM)]
    assert list(paths_beyond({"f:a": {ITEM: {".": {}}}}, {"f:a": {ITEM: {"f:name": {}}}})) == []


def test_a_map_is_selected_itself_only_with_all_of_its_fields() -> None:
    fields = {"f:a": {".": {}, "f:b": {}, "f:c": {}}}
    assert split(fields, lambda path: path[-1] == "f:b") == (
        {"f:a": {"f:b": {}}},
        {"f:a": {".": {}, "f:c": {}}},
    )
    assert split(fields, lambda path: path[-1] in ("f:b", "f:c")) == (fields, {})
    assert split(fields, lambda path: path[-1] == "f:d") == ({}, fields)
    assert union({"f:a": {".": {}}}, {"f:a": {"f:b": {}}}) == {"f:a": {".": {}, "f:b": {}}}


@pytest.mark.parametrize(
    ("path", "declared"),
    [
        (("f:spec", "f:size"), ("f:spec", "f:size")),
        (("f:spec", "f:size", "f:a"), ("f:spec", "f:size")),
        (("f:spec", "f:size", "f:a", "f:b"), ("f:spec", "f:size")),
        (
            ("f:spec", "f:list", 'k:{"name":"x"}', "f:value", "f:deep"),
            ("f:spec", "f:list", 'k:{"name":"x"}', "f:value"),
        ),
        (("f:spec", "f:map", "f:other"), None),
        (("f:spec", "f:nothing", "f:other"), None),
        (("f:spec", "f:list", 'k:{"name":"y"}', "f:value"), None),
        (("f:spec", "f:texts", 'v:"a"', "f:deep"), None),
        (("f:other", "f:size"), None),
    ],
)
def test_a_field_in_what_git_has_as_a_plain_value_stands_for_that_value(
    path: tuple[str, ...], declared: tuple[str, ...] | None
) -> None:
    spec = {
        "size": "small",
        "map": {"a": 1},
        "nothing": None,
        "list": [{"name": "x", "value": 1}],
        "texts": ["a"],
    }
    assert declared_path(path, {"spec": spec}) == declared
