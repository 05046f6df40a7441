"""Fields of Git that an ignored manager takes: the fingerprint stays, and only then."""

import pytest

from towpath.applyset.inventory import OwnedObject
from towpath.applyset.wanted_object import WantedObject
from towpath.fields.managed_fields import fingerprint
from towpath.objects import ObjectRef

GIT = {
    "data": {"a": "1", "b": "1"},
    "spec": {"containers": [{"name": "web", "image": "x", "env": []}], "replicas": 1},
}
ITEM = 'k:{"name":"web"}'
ALL = {
    "f:data": {"f:a": {}, "f:b": {}},
    "f:spec": {"f:replicas": {}, "f:containers": {ITEM: {".": {}, "f:name": {}, "f:image": {}}}},
}


def metadata(ours: object, theirs: object = None, *, manager: str = "filler", time: str = "T1", **more: str):
    entries = [{"manager": "towpath", "operation": "Apply", "time": time, "fieldsV1": ours}]
    if theirs:
        entries.append({"manager": manager, "operation": "Update", "time": "T2", "fieldsV1": theirs, **more})
    return {"managedFields": entries}


def without(*path: str) -> dict[str, object]:
    def cut(fields, steps):
        head, *rest = steps
        inner = {**fields}
        if rest:
            inner[head] = cut(fields[head], rest)
            if not inner[head]:
                del inner[head]
        else:
            del inner[head]
        return inner

    return cut(ALL, path)


OWNED = OwnedObject(ObjectRef("", "Pod", "ns", "p"), "u", fingerprint(metadata(ALL)), "h")
IMAGE = {"f:spec": {"f:containers": {ITEM: {"f:image": {}}}}}


@pytest.mark.parametrize(
    ("rule", "now", "same"),
    [
        (("filler", ""), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}}), True),
        (("filler", "/data"), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}}), True),
        (("filler", "/data/b"), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}}), False),
        (("other", ""), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}}), False),
        (("filler", ""), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}, "f:new": {}}}), True),
        (("filler", ""), metadata(without("f:data"), {"f:data": {".": {}, "f:a": {}, "f:b": {}}}), True),
        (("filler", ""), metadata(without("f:data"), {"f:data": {"f:a": {}}}), False),
        (("filler", ""), metadata(without("f:spec", "f:containers", ITEM, "f:image"), IMAGE), True),
        (
            ("scaler", "/spec/replicas"),
            metadata(
                without("f:spec", "f:replicas"),
                {"f:spec": {"f:replicas": {}}},
                manager="scaler",
                subresource="scale",
            ),
            True,
        ),
        (("filler", ""), metadata(ALL), True),
        (("filler", ""), metadata(ALL, {"f:data": {"f:new": {}}}), True),
        (("filler", ""), metadata(without("f:data", "f:a")), False),
        (("filler", ""), metadata(ALL, {"f:data": {"f:new": {}}}, time="T3"), False),
        (("filler", ""), metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}}, time="T3"), False),
    ],
)
def test_only_what_an_ignored_manager_took_leaves_the_fingerprint(rule, now, same: bool) -> None:
    wanted = WantedObject("h", ignored_managers=(rule,), declared=GIT)
    assert wanted.is_as_applied(OWNED, now) is same


def test_what_it_had_at_the_apply_is_counted_then_and_later() -> None:
    wanted = WantedObject("h", ignored_managers=(("filler", ""),), declared=GIT)
    then = metadata(without("f:data", "f:a"), {"f:data": {"f:a": {}}})
    owned = OwnedObject(OWNED.ref, "u", wanted.fingerprint(then), "h")
    assert wanted.is_as_applied(owned, then)
    both = metadata(without("f:data"), {"f:data": {"f:a": {}, "f:b": {}}})
    assert wanted.is_as_applied(owned, both), "it takes another field"
    assert not wanted.is_as_applied(owned, metadata(without("f:data", "f:a"))), "it gave the field up"


def test_without_a_known_fingerprint_nothing_is_as_applied() -> None:
    unknown = OwnedObject(OWNED.ref, "u", "", "h")
    assert not WantedObject("h").is_as_applied(unknown, {"managedFields": []})
