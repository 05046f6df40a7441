"""A watcher's picture, fed by hand: which app comes up, and which does not."""

import time
from typing import Any

import pytest

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.inventory import Inventory, Owned, Owner, to_configmap
from towpath.drift import work_queue
from towpath.engine.watch.state import FEW, Sight, Wanted
from towpath.kube.managed_fields import fingerprint
from towpath.objects import Manifest, ObjectRef

KIND = Collection("", "ConfigMap", "dev", metadata_only=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "QUIET", 0.0)
    monkeypatch.setattr(work_queue, "LONGEST", 0.0)


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "dev", name)


def live(name: str, *fields: str, time: str = "T1", uid: str = "u", **edits: str) -> Manifest:
    """Owned by us in `fields`; `edits` are fields by the name of their manager."""
    ours = {"manager": "towpath", "operation": "Apply", "time": time, "fieldsV1": _data(*fields)}
    others = [
        {"manager": f"kubectl-{who}", "operation": "Update", "time": "T2", "fieldsV1": _data(field)}
        for who, field in edits.items()
    ]
    metadata = {"name": name, "namespace": "dev", "uid": uid, "managedFields": [ours, *others]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def _data(*fields: str) -> dict[str, Any]:
    return {"f:data": {f"f:{field}": {} for field in fields}}


def owned(name: str, *fields: str, time: str = "T1", applied: str = "h") -> Owned:
    return Owned(ref(name), "u", fingerprint(live(name, *fields, time=time)["metadata"]), applied)


def inventory(*objects: Owned, app: str = "hello", environment: str = "dev") -> Manifest:
    made = Inventory(Owner(app, environment, "dev"), "c", "d", tuple(sorted(objects, key=lambda o: o.ref)))
    return to_configmap(made)


def wanted(*objects: Owned, **more: Any) -> Wanted:
    return Wanted({each.ref: each.applied for each in objects}, **more)


def sight_of(*objects: Owned, lives: list[Manifest]) -> Sight:
    sight = Sight("dev", "dev", lambda: None)
    sight.want({"hello": wanted(*objects)})
    sight.see_inventories([inventory(*objects)])
    assert sight.collections() <= {KIND}
    sight.see_all(KIND, lives)
    return sight


def due(sight: Sight) -> list[str]:
    return [case.app for case in sight.due(lambda _: 2)]


def test_what_is_as_it_was_left_comes_never_up() -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x"), live("strangers", "x", uid="s")])
    assert sight.ready()
    assert due(sight) == []
    assert sight.drifted() == {"hello": 0}
    assert sight.unapplied() == frozenset()


def test_nothing_is_concluded_before_everything_was_read() -> None:
    sight = Sight("dev", "dev", lambda: None)
    sight.see_inventories([inventory(owned("a", "x"))])
    assert not sight.ready()
    sight.want({"hello": wanted(owned("a", "x"))})
    assert not sight.ready()
    assert due(sight) == [], "the kind was not listed: nothing is gone"
    sight.see_all(KIND, [])
    assert sight.ready()
    assert due(sight) == ["hello"]


@pytest.mark.parametrize(
    "event",
    [
        WatchEvent("MODIFIED", live("a")),
        WatchEvent("MODIFIED", live("a", "x", edit="y")),
        WatchEvent("DELETED", live("a", "x")),
    ],
)
def test_an_edit_comes_up_at_once_and_is_over_when_it_was_healed(event: WatchEvent) -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x")])
    sight.see(KIND, event)
    cases = sight.due(lambda _: 2)
    assert [case.app for case in cases] == ["hello"]
    # The heal: an apply of ours, and then the inventory.
    sight.see(KIND, WatchEvent("MODIFIED", live("a", "x", time="T3")))
    sight.see_inventory(WatchEvent("MODIFIED", inventory(owned("a", "x", time="T3"))))
    sight.answered(cases)
    assert sight.drifted() == {"hello": 0}
    assert due(sight) == []


def test_a_sync_of_somebody_else_is_waited_for() -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x")])
    sight.see(KIND, WatchEvent("MODIFIED", live("a", "x", "y", time="T2")))
    assert due(sight) == []
    assert sight.next_due() == pytest.approx(time.monotonic() + work_queue.SETTLE, abs=1)


def test_status_updates_and_strangers_do_not_come_up() -> None:
    woken: list[int] = []
    sight = sight_of(owned("a", "x"), lives=[live("a", "x")])
    sight._wake = lambda: woken.append(1)
    status = live("a", "x")
    status["metadata"]["managedFields"].append({"manager": "controller", "fieldsV1": {"f:status": {}}})
    sight.see(KIND, WatchEvent("MODIFIED", status))
    sight.see(KIND, WatchEvent("ADDED", live("other", "x")))
    sight.see(KIND, WatchEvent("DELETED", live("other", "x")))
    assert due(sight) == []
    assert woken == []


def test_what_a_relist_no_longer_has_is_gone() -> None:
    sight = sight_of(owned("a", "x"), owned("b", "x"), lives=[live("a", "x"), live("b", "x")])
    sight.see_all(KIND, [live("a", "x")])
    (case,) = sight.due(lambda _: 2)
    assert [finding.ref.name for finding in case.findings] == ["b"]


def test_a_commit_comes_up_for_the_apps_that_it_changes() -> None:
    a = owned("a", "x")
    sight = sight_of(a, lives=[live("a", "x")])
    sight.want({"hello": wanted(a), "new": wanted(owned("n", "x"))})
    assert due(sight) == ["new"]
    sight.want({"hello": wanted(owned("a", "x", applied="other"))})
    assert due(sight) == ["hello"]
    assert sight.unapplied() == {"hello"}
    sight.want({})
    assert due(sight) == ["hello"], "an app that left Git, with objects"


def test_an_app_that_was_never_applied_comes_up_whatever_is_read_first() -> None:
    for first in (0, 1):
        sight = Sight("dev", "dev", lambda: None)
        steps = [lambda s: s.want({"hello": wanted(owned("a", "x"))}), lambda s: s.see_inventories([])]
        for step in (steps[first], steps[1 - first]):
            assert due(sight) == []
            step(sight)
        assert due(sight) == ["hello"]


def test_an_app_that_does_not_render_is_told_once_for_each_reason() -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x")])
    sight.want({"hello": Wanted(broken="no such file")})
    cases = sight.due(lambda _: 1)
    assert [case.app for case in cases] == ["hello"]
    sight.answered(cases)
    sight.want({"hello": Wanted(broken="no such file")})
    assert sight.due(lambda _: 1) == ()
    sight.want({"hello": Wanted(broken="another reason")})
    assert [case.app for case in sight.due(lambda _: 1)] == ["hello"]


def test_ignore_rules_of_a_new_commit_hold_at_once() -> None:
    a = owned("a", "x")
    sight = sight_of(a, lives=[live("a", "x", edit="y")])
    assert due(sight) == ["hello"]
    sight.want({"hello": wanted(a, ignored={ref("a"): ("/data/y",)})})
    assert sight.drifted() == {"hello": 0}


def test_what_is_only_reported_comes_up_once() -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x", edit="y")])
    cases = sight.due(lambda _: 1)
    sight.answered(cases)
    sight.look_again()
    time.sleep(0.02)
    assert sight.due(lambda _: 1) == ()
    assert sight.drifted() == {"hello": 1}
    sight.forgive()
    time.sleep(0.02)
    assert [case.app for case in sight.due(lambda _: 1)] == ["hello"]


def test_a_lost_inventory_comes_up() -> None:
    a = owned("a", "x")
    sight = sight_of(a, lives=[live("a", "x")])
    sight.see_inventory(WatchEvent("DELETED", inventory(a)))
    assert due(sight) == ["hello"]
    assert sight.collections() == frozenset()


def test_an_inventory_that_cannot_be_read_is_told_and_the_last_one_holds() -> None:
    a = owned("a", "x")
    sight = sight_of(a, lives=[live("a", "x")])
    broken = inventory(a) | {"data": {"inventory": "{"}}
    assert "cannot be read" in sight.see_inventory(WatchEvent("MODIFIED", broken))[0]
    assert "cannot be read" in sight.see_inventories([broken])[0]
    sight.see(KIND, WatchEvent("DELETED", live("a", "x")))
    assert due(sight) == ["hello"]


def test_another_environment_in_the_same_namespace_is_not_ours() -> None:
    sight = sight_of(owned("a", "x"), lives=[live("a", "x")])
    sight.see_inventory(WatchEvent("ADDED", inventory(owned("b", "x"), app="x", environment="prod")))
    assert sight.drifted() == {"hello": 0}


def test_a_few_cluster_scoped_objects_are_watched_by_name_and_many_as_a_kind() -> None:
    def roles(count: int) -> list[Owned]:
        group = "rbac.authorization.k8s.io"
        return [Owned(ObjectRef(group, "ClusterRole", "", f"r{n}"), "u", "f", "h") for n in range(count)]

    sight = Sight("dev", "dev", lambda: None)
    sight.see_inventories([inventory(*roles(FEW))])
    assert {each.name for each in sight.collections()} == {"r0", "r1", "r2"}
    sight.see_inventories([inventory(*roles(FEW + 1))])
    (whole,) = sight.collections()
    assert whole.name == ""
    sight.by_name_only(whole)
    assert len(sight.collections()) == FEW + 1
