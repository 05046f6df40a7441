"""Where a watcher follows what apps hold in namespaces of their own: by namespace, or as a kind."""

from typing import Any

import pytest

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.engine.watch import comparison
from towpath.engine.watch.state import WatchState
from towpath.objects import Manifest, ObjectRef


def of_app(app: str, *objects: tuple[str, str]) -> Manifest:
    """The inventory of an app that has a ConfigMap and a Secret of these names in these namespaces."""
    refs = [ObjectRef("", kind, place, name) for place, name in objects for kind in ("ConfigMap", "Secret")]
    objects = tuple(OwnedObject(each, "u", "f", "h") for each in sorted(refs))
    return to_configmap(Inventory(Owner(app, "dev", "dev"), "c", "d", objects))


def watched(watch_state: WatchState) -> set[tuple[str, str]]:
    return {(each.kind, each.namespace) for each in watch_state.collections()}


def test_a_kind_in_several_namespaces_is_watched_as_a_kind_and_again_by_namespace_when_one_is_left() -> None:
    watch_state = WatchState("dev", "dev", lambda: None)
    watch_state.see_inventories([of_app("a", ("one", "x"), ("one", "y")), of_app("b", ("one", "x"))])
    assert watched(watch_state) == {("ConfigMap", "one"), ("Secret", "one")}
    watch_state.see_inventory(WatchEvent("ADDED", of_app("c", ("two", "x"))))
    assert watched(watch_state) == {("ConfigMap", ""), ("Secret", "")}
    watch_state.by_name_only(Collection("", "Secret", metadata_only=True))
    assert watched(watch_state) == {("ConfigMap", ""), ("Secret", "one"), ("Secret", "two")}
    watch_state.see_inventory(WatchEvent("DELETED", of_app("a", ("one", "x"))))
    assert watched(watch_state) == {("ConfigMap", ""), ("Secret", "one"), ("Secret", "two")}
    watch_state.see_inventory(WatchEvent("MODIFIED", of_app("b", ("two", "x"))))
    assert watched(watch_state) == {("ConfigMap", "two"), ("Secret", "two")}
    watch_state.see_inventory(WatchEvent("DELETED", of_app("b")))
    watch_state.see_inventory(WatchEvent("DELETED", of_app("c")))
    assert watch_state.collections() == frozenset()


def test_an_inventory_costs_no_look_at_what_the_other_apps_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    watch_state, made = WatchState("dev", "dev", lambda: None), 0

    def counted(*args: Any, **names: Any) -> Collection:
        nonlocal made
        made += 1
        return Collection(*args, **names)

    watch_state.see_inventories([of_app(f"app-{n}", (f"place-{n}", "x")) for n in range(50)])
    monkeypatch.setattr(comparison, "Collection", counted)
    watch_state.see_inventory(WatchEvent("ADDED", of_app("another", ("place", "x"))))
    assert len(watch_state.collections()) == 2
    assert made < 20
