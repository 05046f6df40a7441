"""Which fields of Git a sync would leave to others, by metadata and the packed outline of a manifest."""

import zlib

import pytest

from towpath.applyset.apply_object import prepare_objects
from towpath.applyset.inventory import OwnedObject, Owner
from towpath.config import IgnoreRule
from towpath.fields.managed_fields import TakenBack, fingerprint
from towpath.objects import Manifest

OWNER = Owner("hello", "dev", "dev")
IMAGE = {"f:image": {}}
CONTAINER = 'k:{"name":"web"}'
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'
GIT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "dev", "annotations": {"a/b": "1"}, "finalizers": ["x/y"]},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {"name": "log", "image": "l"},
                    {"name": "web", "image": "w", "ports": [{"containerPort": 80}]},
                ]
            }
        },
    },
}


def in_container(fields: Manifest) -> Manifest:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: fields}}}}}


ALL = {
    "f:metadata": {"f:annotations": {"f:a/b": {}}, "f:finalizers": {'v:"x/y"': {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"log"}': {".": {}, "f:image": {}, "f:name": {}},
                    CONTAINER: {
                        ".": {},
                        "f:image": {},
                        "f:name": {},
                        "f:ports": {PORT: {".": {}, "f:containerPort": {}}},
                    },
                }
            }
        },
    },
}


def without(fields: Manifest, taken: Manifest) -> Manifest:
    kept = {}
    for step, inner in fields.items():
        if step in taken and not taken[step]:
            continue
        rest = without(inner, taken.get(step, {}))
        if rest or not inner:
            kept[step] = rest
    return kept


def entry(manager: str, fields: Manifest, **more: str) -> Manifest:
    return {"manager": manager, "operation": "Update", "time": "T2", "fieldsV1": fields, **more}


def left(
    taken: Manifest, *entries: Manifest, rules: tuple[IgnoreRule, ...] = (), **options: object
) -> list[str]:
    ours = {"manager": "towpath", "operation": "Apply", "time": "T1"}
    [applied] = prepare_objects([GIT], OWNER, rules, **options)  # type: ignore[arg-type]
    before = fingerprint({"managedFields": [{**ours, "fieldsV1": ALL}]})
    owned = OwnedObject(applied.ref, "u", before, applied.applied_digest)
    now = {"managedFields": [{**ours, "fieldsV1": without(ALL, taken)}, *entries]}
    found = applied.wanted.packed().left_fields(owned, now)
    assert found == applied.wanted.left_fields(owned, now)
    return [f"{each.manager} {each.field}" for each in found]


@pytest.mark.parametrize(
    ("taken", "named"),
    [
        ({"f:spec": {"f:replicas": {}}}, ".spec.replicas"),
        ({"f:metadata": {"f:annotations": {"f:a/b": {}}}}, ".metadata.annotations[a/b]"),
        (in_container(IMAGE), ".spec.template.spec.containers[web].image"),
        (
            in_container({"f:ports": {PORT: {"f:containerPort": {}}}}),
            ".spec.template.spec.containers[web].ports[80,TCP].containerPort",
        ),
    ],
)
def test_a_field_is_left_wherever_it_is(taken: Manifest, named: str) -> None:
    assert left(taken, entry("operator", taken)) == [f"operator {named}"]


@pytest.mark.parametrize(
    ("taken", "entries", "why"),
    [
        ({"f:metadata": {"f:finalizers": {'v:"x/y"': {}}}}, None, "an item of a set"),
        ({"f:spec": {"f:replicas": {}}}, [], "nobody has it"),
        ({"f:spec": {"f:replicas": {}}}, [entry("operator", {"f:spec": {"f:paused": {}}})], "another field"),
        ({"f:spec": {"f:replicas": {}}}, [entry("k9s", {"f:spec": {"f:replicas": {}}})], "a person"),
        (
            {"f:spec": {"f:replicas": {}}},
            [entry("towpath", {"f:spec": {"f:replicas": {}}})],
            "an update under our name",
        ),
        (
            {"f:spec": {"f:replicas": {}}},
            [entry("operator", {"f:spec": {"f:replicas": {}}}, subresource="status")],
            "a status",
        ),
        (
            {"f:spec": {"f:replicas": {}}},
            [entry("operator", {"f:spec": {"f:replicas": {}}}), entry("lens", {"f:spec": {"f:paused": {}}})],
            "and somebody's edit",
        ),
    ],
)
def test_what_a_sync_would_not_leave_is_not_left(
    taken: Manifest, entries: list[Manifest] | None, why: str
) -> None:
    assert left(taken, *([entry("operator", taken)] if entries is None else entries)) == [], why


def test_managers_from_whom_the_environment_takes_back_are_left_nothing() -> None:
    taken = {"f:spec": {"f:replicas": {}}}
    for back in (TakenBack(people=("ours",)), TakenBack(former=("ours",))):
        assert left(taken, entry("ours", taken), taken_back=back) == []
    assert left(taken, entry("theirs", taken), taken_back=TakenBack(people=("ours",)))


def test_fields_of_ignored_managers_are_not_among_them() -> None:
    rule, taken = IgnoreRule(kind="Deployment", manager="filler"), in_container(IMAGE)
    both = {"f:spec": {**taken["f:spec"], "f:replicas": {}}}
    entries = entry("filler", taken), entry("operator", {"f:spec": {"f:replicas": {}}})
    assert left(both, *entries, rules=(rule,)) == ["operator .spec.replicas"]
    assert left(taken, entry("filler", taken), rules=(rule,)) == []


def test_an_outline_holds_no_value_outside_of_lists() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"T": "canary"}}
    [applied] = prepare_objects([secret], OWNER, key=b"k")
    packed = applied.wanted.packed()
    assert packed.declared is None
    assert zlib.decompress(packed.outline) == (
        b'{"apiVersion":0,"data":{"T":0},"kind":0,"metadata":{"labels":{"applyset.kubernetes.io/part-of":0,'
        b'"towpath.dev/app":0,"towpath.dev/environment":0},"name":0}}'
    )
    assert packed == applied.wanted
