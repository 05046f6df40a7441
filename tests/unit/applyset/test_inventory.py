import base64
import gzip
import hashlib
import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.applyset.inventory import (
    HookRun,
    Inventory,
    OwnedObject,
    Owner,
    inventory_after_sync,
    is_same_inventory,
    with_apply_commits,
    with_hook_run,
    with_planned_objects,
)
from towpath.applyset.inventory_configmap import from_configmap, to_configmap
from towpath.errors import RefusedError
from towpath.objects import ObjectRef

OWNER = Owner("hello", "dev", "dev-namespace")


def ref(name: str, kind: str = "ConfigMap") -> ObjectRef:
    return ObjectRef("", kind, "dev-namespace", name)


def test_applyset_id_is_that_of_the_specification() -> None:
    hashed = hashlib.sha256(b"towpath-inventory-hello.dev-namespace.ConfigMap.").digest()
    assert OWNER.applyset == f"applyset-{base64.urlsafe_b64encode(hashed).decode().rstrip('=')}-v1"


@given(st.lists(st.builds(ref, st.text("abc", min_size=1), st.sampled_from(["Secret", "Boat"])), unique=True))
def test_what_is_written_is_read_again(refs: list[ObjectRef]) -> None:
    inventory = inventory_after_sync(OWNER, "c", "d", {r: OwnedObject(r, "u", "f", "a") for r in refs})
    assert from_configmap(to_configmap(inventory)) == inventory


def test_what_will_be_deleted_is_written_ahead_with_its_uid_and_read_again() -> None:
    old = inventory_after_sync(OWNER, "c", "d", {ref(n): OwnedObject(ref(n), "", "f", "a") for n in "abc"})
    ahead = with_planned_objects(old, OWNER, [ref("new")], [(ref("b"), "u1"), (ref("a"), "u2")])
    assert ahead.deletions == (ref("a"), ref("b"))
    assert (ahead.by_ref[ref("a")].uid, ahead.by_ref[ref("c")].uid) == ("u2", "")
    assert from_configmap(to_configmap(ahead)) == ahead
    assert with_planned_objects(ahead, OWNER, []).deletions == ()
    content = json.loads(to_configmap(old)["data"]["inventory"])
    del content["deletions"]  # as the version before wrote it
    assert from_configmap({**to_configmap(old), "data": {"inventory": json.dumps(content)}}) == old


def test_ten_thousand_objects_fit_into_one_configmap() -> None:
    def random() -> str:
        return uuid.uuid4().hex

    objects = {
        ref(f"config-{i}"): OwnedObject(ref(f"config-{i}"), str(uuid.uuid4()), random(), random())
        for i in range(10_000)
    }
    inventory = inventory_after_sync(OWNER, "c", "d", objects)
    manifest = to_configmap(inventory)
    assert len(base64.b64decode(manifest["binaryData"]["inventory"])) < 1_000_000
    assert len(json.dumps(manifest)) < 1_500_000
    assert from_configmap(manifest) == inventory
    assert to_configmap(inventory) == manifest


def test_written_ahead_it_keeps_the_old_and_adds_the_new() -> None:
    old = inventory_after_sync(OWNER, "c", "d", {ref("a"): OwnedObject(ref("a"), "u", "f", "h")})
    new = with_planned_objects(old, OWNER, [ref("a"), ref("b")])
    assert new.objects == (OwnedObject(ref("a"), "u", "f", "h"), OwnedObject(ref("b")))
    assert (new.commit, new.desired_digest) == ("c", "d")


def test_another_commit_alone_is_no_reason_to_write() -> None:
    one = Inventory(OWNER, "c1", "d", ())
    assert is_same_inventory(one, Inventory(OWNER, "c2", "d", ()))
    assert not is_same_inventory(one, Inventory(OWNER, "c1", "d2", ()))
    assert not is_same_inventory(None, one)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"data": {}},
        {"data": {"inventory": "{"}},
        {"data": {"inventory": '{"format": 99}'}},
        {"binaryData": {"inventory": "AAAA"}},
    ],
)
def test_an_unreadable_inventory_is_not_an_empty_one(content) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        from_configmap({"metadata": {"name": "a", "namespace": "b"}, **content})


def _as_written(**changed) -> dict:
    """An inventory of an app with one object, as somebody else has changed it."""
    content = {"format": 2, "app": "a", "environment": "e", "commit": "c", "desired": "d"}
    content["objects"] = [["", "ConfigMap", "n", "x", "u", "f", "h"]]
    return {"data": {"inventory": json.dumps(content | changed)}}


def _packed(content: bytes) -> dict:
    return {"binaryData": {"inventory": base64.b64encode(content).decode()}}


@pytest.mark.parametrize(
    "odd",
    [
        {"data": {"inventory": "[" * 100_000}},
        {"data": {"inventory": "[" + "[]," * 200_000 + "[]]"}},
        {"data": ["inventory"]},
        {"binaryData": ["inventory"]},
        _packed(gzip.compress(b"{}" * 100)[:20] + b"\xff" * 30),
        _packed(gzip.compress(b" " * (64 << 20))),
        _as_written(app="b"),
        _as_written(app=["a"]),
        _as_written(environment=1),
        _as_written(commit={}),
        _as_written(desired=None),
        _as_written(objects=[["", "ConfigMap", "n", 5, "u", "f", "h"]]),
        _as_written(objects=[["", "ConfigMap", "n", "\ud800", "u", "f", "h"]]),
        _as_written(objects=[["", "ConfigMap", "n", "x", {}, "f", "h"]]),
        _as_written(commits=["c"]),
        _as_written(commits={"c": [7]}),
        _as_written(commits={"\ud800": [0]}),
        _as_written(finished=[["", "ConfigMap", "n", "y"]]),
        _as_written(deletions=[["", 1, "n", "x"]]),
        _as_written(hooks=[["batch", "Job", "n", "h", "c", "d", "won"]]),
        _as_written(hooks=[["batch", "Job", "n", "h", "c", [], "failed"]]),
    ],
)
def test_whatever_somebody_writes_into_the_configmap_it_is_unreadable_and_no_other_error(odd: dict) -> None:
    metadata = {"name": "towpath-inventory-a", "namespace": "n"}
    from_configmap({"metadata": metadata, **_as_written()})
    with pytest.raises(RefusedError, match="cannot be read"):
        from_configmap({"metadata": metadata, **odd})


@pytest.mark.parametrize("uid", ["u", "", str(uuid.UUID(int=0)), str(uuid.UUID(int=0xC2E6B98E)).upper(), "é"])
def test_unusual_values_survive_a_large_inventory(uid: str) -> None:
    objects = {ref(f"c{i}"): OwnedObject(ref(f"c{i}"), uid, "short", "a" * 40) for i in range(3000)}
    objects |= {ref("usual"): OwnedObject(ref("usual"), str(uuid.uuid4()), "0" * 32, "f" * 32)}
    inventory = inventory_after_sync(OWNER, "c", "d", objects)
    manifest = to_configmap(inventory)
    assert "binaryData" in manifest
    assert from_configmap(manifest) == inventory


def test_what_was_written_ahead_has_room_for_what_comes_after() -> None:
    refs = [ref(f"{uuid.uuid4()}-{i}") for i in range(10_000)]
    sizes = []
    full = {r: OwnedObject(r, str(uuid.uuid4()), uuid.uuid4().hex, uuid.uuid4().hex) for r in refs}
    for inventory in (with_planned_objects(None, OWNER, refs), inventory_after_sync(OWNER, "", "", full)):
        data = to_configmap(inventory)["binaryData"]
        sizes.append(sum(len(base64.b64decode(value)) for value in data.values()))
    assert abs(sizes[0] - sizes[1]) < 1000
    assert max(sizes) < 1_000_000


def test_too_large_an_inventory_is_refused_before_anything_is_applied() -> None:
    with pytest.raises(RefusedError, match=r"40000 objects.*larger than a ConfigMap"):
        to_configmap(with_planned_objects(None, OWNER, [ref(f"c{i}") for i in range(40_000)]))


def test_the_format_before_is_still_read() -> None:
    one = ["", "ConfigMap", "dev-namespace", "a", "u", "f", "h"]
    content = {"format": 1, "app": "hello", "environment": "dev", "commit": "c", "desired": "d"}
    text = json.dumps({**content, "objects": [one]})
    expected = inventory_after_sync(OWNER, "c", "d", {ref("a"): OwnedObject(ref("a"), "u", "f", "h")})
    metadata = {"name": OWNER.ref.name, "namespace": "dev-namespace"}
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    assert from_configmap({"metadata": metadata, "data": {"inventory": text}}) == expected
    assert from_configmap({"metadata": metadata, "binaryData": {"inventory": packed}}) == expected


def test_hooks_are_remembered_one_run_each() -> None:
    first = HookRun(ref("migrate", "Job"), "c1", "h", "failed", "u", "exit 1")
    second = HookRun(ref("migrate", "Job"), "c2", "h", "running")
    inventory = with_hook_run(with_hook_run(None, OWNER, first), OWNER, second)
    assert inventory.hooks == (second,)
    assert from_configmap(to_configmap(inventory)) == inventory


def owned(name: str, digest: str, commit: str = "") -> OwnedObject:
    return OwnedObject(ref(name), "u", "f", digest, commit=commit)


@pytest.mark.parametrize("count", [3, 4000])
def test_the_commits_of_a_failed_sync_are_written_and_read_again(count: int) -> None:
    objects = {ref(f"c{i}"): owned(f"c{i}", "a" * 32, "b" * 40 if i % 3 else "") for i in range(count)}
    inventory = inventory_after_sync(OWNER, "c", "d", objects)
    manifest = to_configmap(inventory)
    assert from_configmap(manifest) == inventory
    assert ("binaryData" in manifest) is (count > 3)


def test_commits_are_left_out_where_they_do_not_fit() -> None:
    names = [f"{uuid.uuid4()}-{i}" for i in range(12_500)]
    objects = {
        ref(n): OwnedObject(ref(n), str(uuid.uuid4()), *(uuid.uuid4().hex for _ in "ab")) for n in names
    }
    without = inventory_after_sync(OWNER, "c", "d", objects)
    some = {each: replace(one, commit=uuid.uuid4().hex) for each, one in objects.items()}
    manifest = to_configmap(inventory_after_sync(OWNER, "c", "d", some))
    assert from_configmap(manifest) == without


def test_a_sync_that_succeeded_is_the_commit_of_all_that_is_as_in_git() -> None:
    before = inventory_after_sync(OWNER, "c1", "d", {ref(n): owned(n, "1") for n in "abc"})
    applied = before.by_ref | {ref("a"): owned("a", "2")}
    failed = with_apply_commits(applied, before, "c2", complete=False, as_in_git=lambda _: True)
    assert [failed[ref(n)].commit for n in "abc"] == ["c2", "", ""]
    again = inventory_after_sync(OWNER, "c1", "d", failed)
    repeated = with_apply_commits(failed, again, "c3", complete=False, as_in_git=lambda _: True)
    assert repeated == failed, "the same content, whatever the commit"
    complete = with_apply_commits(failed, again, "c4", complete=True, as_in_git=lambda o: o.ref.name != "c")
    assert [complete[ref(n)].commit for n in "abc"] == ["", "", "c1"], "c was left as somebody made it"


def test_an_object_that_was_never_applied_has_no_commit() -> None:
    planned = with_planned_objects(None, OWNER, [ref("a")]).by_ref
    kept = with_apply_commits(planned, None, "c1", complete=False, as_in_git=lambda _: False)
    assert kept == planned
