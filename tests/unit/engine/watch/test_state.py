"""A watcher's picture, fed by hand: which app comes up, and which does not."""

import time
from typing import Any

import pytest

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.applyset.wanted_object import WantedObject
from towpath.drift import work_queue
from towpath.engine.watch.comparison import FEW
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.wanted import Wanted
from towpath.fields.managed_fields import fingerprint
from towpath.objects import Manifest, ObjectRef

OWNER = Owner("hello", "dev", "dev")
KIND = Collection("", "ConfigMap", "dev", metadata_only=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "BURST_QUIET", 0.0)
    monkeypatch.setattr(work_queue, "MAX_BURST", 0.0)


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "dev", name)


def live(name: str, *fields: str, time: str = "T1", uid: str = "u", **edits: str) -> Manifest:
    """Owned by us in `fields`; `edits` are fields by the name of their manager."""
    ours = {"manager": "towpath", "operation": "Apply", "time": time, "fieldsV1": _data(*fields)}
    others = [
        {"manager": f"kubectl-{who}", "operation": "Update", "time": "T2", "fieldsV1": _data(field)}
        for who, field in edits.items()
    ]
    labels = {PART_OF_LABEL: OWNER.applyset}
    metadata = {
        "name": name,
        "namespace": "dev",
        "uid": uid,
        "labels": labels,
        "managedFields": [ours, *others],
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def _data(*fields: str) -> dict[str, Any]:
    return {"f:data": {f"f:{field}": {} for field in fields}}


def owned(name: str, *fields: str, time: str = "T1", applied: str = "h") -> OwnedObject:
    return OwnedObject(ref(name), "u", fingerprint(live(name, *fields, time=time)["metadata"]), applied)


def inventory(*objects: OwnedObject, app: str = "hello", environment: str = "dev") -> Manifest:
    made = Inventory(Owner(app, environment, "dev"), "c", "d", tuple(sorted(objects, key=lambda o: o.ref)))
    return to_configmap(made)


def wanted(*objects: OwnedObject, **more: Any) -> Wanted:
    rules = more.pop("ignored", {})
    made = {each.ref: WantedObject(each.applied_digest, rules.get(each.ref, ())) for each in objects}
    return Wanted(made, **more)


def sight_of(*objects: OwnedObject, lives: list[Manifest]) -> WatchState:
    watch_state = WatchState("dev", "dev", lambda: None)
    watch_state.want({"hello": wanted(*objects)})
    watch_state.see_inventories([inventory(*objects)])
    assert watch_state.collections() <= {KIND}
    watch_state.see_all(KIND, lives)
    return watch_state


def due(watch_state: WatchState) -> list[str]:
    return [case.app for case in watch_state.due(lambda _: 2)]


def test_what_is_as_it_was_left_comes_never_up() -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x"), live("strangers", "x", uid="s")])
    assert watch_state.ready()
    assert due(watch_state) == []
    assert watch_state.drifted() == {"hello": 0}
    assert watch_state.unapplied() == frozenset()


def test_nothing_is_concluded_before_everything_was_read() -> None:
    watch_state = WatchState("dev", "dev", lambda: None)
    watch_state.see_inventories([inventory(owned("a", "x"))])
    assert not watch_state.ready()
    watch_state.want({"hello": wanted(owned("a", "x"))})
    assert not watch_state.ready()
    assert due(watch_state) == [], "the kind was not listed: nothing is gone"
    watch_state.see_all(KIND, [])
    assert watch_state.ready()
    assert due(watch_state) == ["hello"]


@pytest.mark.parametrize(
    "event",
    [
        WatchEvent("MODIFIED", live("a")),
        WatchEvent("MODIFIED", live("a", "x", edit="y")),
        WatchEvent("DELETED", live("a", "x")),
    ],
)
def test_an_edit_comes_up_at_once_and_is_over_when_it_was_healed(event: WatchEvent) -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x")])
    watch_state.see(KIND, event)
    cases = watch_state.due(lambda _: 2)
    assert [case.app for case in cases] == ["hello"]
    # The heal: an apply of ours, and then the inventory.
    watch_state.see(KIND, WatchEvent("MODIFIED", live("a", "x", time="T3")))
    watch_state.see_inventory(WatchEvent("MODIFIED", inventory(owned("a", "x", time="T3"))))
    watch_state.answered(cases)
    assert watch_state.drifted() == {"hello": 0}
    assert due(watch_state) == []


def test_a_sync_of_somebody_else_is_waited_for() -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x")])
    watch_state.see(KIND, WatchEvent("MODIFIED", live("a", "x", "y", time="T2")))
    assert due(watch_state) == []
    assert watch_state.next_due() == pytest.approx(time.monotonic() + work_queue.SETTLE, abs=1)


def test_status_updates_and_strangers_do_not_come_up() -> None:
    woken: list[int] = []
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x")])
    watch_state._wake = lambda: woken.append(1)
    status = live("a", "x")
    status["metadata"]["managedFields"].append({"manager": "controller", "fieldsV1": {"f:status": {}}})
    watch_state.see(KIND, WatchEvent("MODIFIED", status))
    watch_state.see(KIND, WatchEvent("ADDED", live("other", "x")))
    watch_state.see(KIND, WatchEvent("DELETED", live("other", "x")))
    assert due(watch_state) == []
    assert woken == []


def test_what_a_relist_no_longer_has_is_gone() -> None:
    watch_state = sight_of(owned("a", "x"), owned("b", "x"), lives=[live("a", "x"), live("b", "x")])
    watch_state.see_all(KIND, [live("a", "x")])
    (case,) = watch_state.due(lambda _: 2)
    assert [finding.ref.name for finding in case.findings] == ["b"]


def test_a_commit_comes_up_for_the_apps_that_it_changes() -> None:
    a = owned("a", "x")
    watch_state = sight_of(a, lives=[live("a", "x")])
    watch_state.want({"hello": wanted(a), "new": wanted(owned("n", "x"))})
    assert due(watch_state) == ["new"]
    watch_state.want({"hello": wanted(owned("a", "x", applied="other"))})
    assert due(watch_state) == ["hello"]
    assert watch_state.unapplied() == {"hello"}
    watch_state.want({})
    assert due(watch_state) == ["hello"], "an app that left Git, with objects"


def test_an_app_that_was_never_applied_comes_up_whatever_is_read_first() -> None:
    for first in (0, 1):
        watch_state = WatchState("dev", "dev", lambda: None)
        steps = [lambda s: s.want({"hello": wanted(owned("a", "x"))}), lambda s: s.see_inventories([])]
        for step in (steps[first], steps[1 - first]):
            assert due(watch_state) == []
            step(watch_state)
        assert due(watch_state) == ["hello"]


def test_an_app_that_does_not_render_is_told_once_for_each_reason() -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x")])
    watch_state.want({"hello": Wanted(broken="no such file")})
    cases = watch_state.due(lambda _: 1)
    assert [case.app for case in cases] == ["hello"]
    watch_state.answered(cases)
    watch_state.want({"hello": Wanted(broken="no such file")})
    assert watch_state.due(lambda _: 1) == ()
    watch_state.want({"hello": Wanted(broken="another reason")})
    assert [case.app for case in watch_state.due(lambda _: 1)] == ["hello"]


def test_ignore_rules_of_a_new_commit_hold_at_once() -> None:
    a = owned("a", "x")
    watch_state = sight_of(a, lives=[live("a", "x", edit="y")])
    assert due(watch_state) == ["hello"]
    watch_state.want({"hello": wanted(a, ignored={ref("a"): ("/data/y",)})})
    assert watch_state.drifted() == {"hello": 0}


def test_what_is_only_reported_comes_up_once() -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x", edit="y")])
    cases = watch_state.due(lambda _: 1)
    watch_state.answered(cases)
    watch_state.look_again()
    time.sleep(0.02)
    assert watch_state.due(lambda _: 1) == ()
    assert watch_state.drifted() == {"hello": 1}
    watch_state.forgive()
    time.sleep(0.02)
    assert [case.app for case in watch_state.due(lambda _: 1)] == ["hello"]


def test_a_lost_inventory_comes_up() -> None:
    a = owned("a", "x")
    watch_state = sight_of(a, lives=[live("a", "x")])
    watch_state.see_inventory(WatchEvent("DELETED", inventory(a)))
    assert due(watch_state) == ["hello"]
    assert watch_state.collections() == frozenset()


def test_an_inventory_that_cannot_be_read_is_told_and_the_last_one_holds() -> None:
    a = owned("a", "x")
    watch_state = sight_of(a, lives=[live("a", "x")])
    broken = inventory(a) | {"data": {"inventory": "{"}}
    assert "cannot be read" in watch_state.see_inventory(WatchEvent("MODIFIED", broken))[0]
    assert "cannot be read" in watch_state.see_inventories([broken])[0]
    watch_state.see(KIND, WatchEvent("DELETED", live("a", "x")))
    assert due(watch_state) == ["hello"]


def test_another_environment_in_the_same_namespace_is_not_ours() -> None:
    watch_state = sight_of(owned("a", "x"), lives=[live("a", "x")])
    watch_state.see_inventory(WatchEvent("ADDED", inventory(owned("b", "x"), app="x", environment="prod")))
    assert watch_state.drifted() == {"hello": 0}


def test_a_few_cluster_scoped_objects_are_watched_by_name_and_many_as_a_kind() -> None:
    def roles(count: int) -> list[OwnedObject]:
        group = "rbac.authorization.k8s.io"
        return [
            OwnedObject(ObjectRef(group, "ClusterRole", "", f"r{n}"), "u", "f", "h") for n in range(count)
        ]

    watch_state = WatchState("dev", "dev", lambda: None)
    watch_state.see_inventories([inventory(*roles(FEW))])
    assert {each.name for each in watch_state.collections()} == {"r0", "r1", "r2"}
    watch_state.see_inventories([inventory(*roles(FEW + 1))])
    (whole,) = watch_state.collections()
    assert whole.name == ""
    watch_state.by_name_only(whole)
    assert len(watch_state.collections()) == FEW + 1


def answer(watch_state: WatchState) -> list[str]:
    """The apps that come up, and a run that changes nothing."""
    cases = watch_state.due(lambda _: 1)
    watch_state.answered(cases)
    return [case.app for case in cases]


BEFORE, OTHER = owned("a", "x"), owned("a", "x", applied="other")


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ({"hello": Wanted(broken="x: 1: no YAML")}, "it does not render"),
        ({"hello": wanted(OTHER)}, "a change that the gate holds"),
        ({"hello": wanted(BEFORE, owned("b", "x"))}, "an object that is refused"),
        ({"hello": Wanted()}, "an empty folder"),
        ({}, "a folder or an app that is gone"),
    ],
)
def test_what_a_run_has_told_of_comes_up_once_more_when_it_is_mended(
    then: dict[str, Wanted], why: str
) -> None:
    watch_state = sight_of(BEFORE, lives=[live("a", "x")])
    watch_state.want(then)
    assert answer(watch_state) == ["hello"], why
    assert answer(watch_state) == [], "told once"
    watch_state.want({"hello": wanted(BEFORE)})
    assert watch_state.unapplied() == frozenset(), "nothing is to be carried out"
    assert answer(watch_state) == ["hello"], f"{why}: mended"
    assert answer(watch_state) == []
    watch_state.want({"hello": wanted(BEFORE)})
    assert answer(watch_state) == []


def test_a_mend_that_breaks_it_again_is_told_of_what_is_there_last() -> None:
    watch_state = sight_of(BEFORE, lives=[live("a", "x")])
    watch_state.want({"hello": Wanted(broken="one")})
    assert answer(watch_state) == ["hello"]
    watch_state.want({"hello": wanted(BEFORE)})
    watch_state.want({"hello": Wanted(broken="two")})
    assert answer(watch_state) == ["hello"]
    assert watch_state.unapplied() == {"hello"}
    watch_state.want({"hello": wanted(BEFORE)})
    assert answer(watch_state) == ["hello"]


def test_what_was_taken_back_before_any_run_told_of_it_is_no_news() -> None:
    watch_state = sight_of(BEFORE, lives=[live("a", "x")])
    watch_state.want({"hello": wanted(OTHER)})
    watch_state.want({"hello": wanted(BEFORE)})
    assert answer(watch_state) == []
