"""What others write into one ConfigMap says nothing about another app."""

from typing import Any

import pytest

from towpath.applyset.inventory import Owner, inventory_after_sync
from towpath.applyset.inventory_configmap import to_configmap
from towpath.engine.live.inventories import read_inventories
from towpath.errors import RefusedError


class Listing:
    """An API server with ConfigMaps, which tells a resourceVersion of each."""

    def __init__(self, *configmaps: dict[str, Any]) -> None:
        self.configmaps = configmaps
        for each in configmaps:
            each["metadata"]["resourceVersion"] = "1"

    def list(self, _group: str, kind: str, namespace: str, *, labels: str) -> list[dict[str, Any]]:
        assert (kind, namespace, labels) == ("ConfigMap", "n", "towpath.dev/inventory")
        return list(self.configmaps)


def written(app: str, environment: str = "dev", *, name: str = "", text: str = "") -> dict[str, Any]:
    manifest = to_configmap(inventory_after_sync(Owner(app, environment, "n"), "c", "d", {}))
    manifest["metadata"]["name"] = name or manifest["metadata"]["name"]
    return manifest | ({"data": {"inventory": text}} if text else {})


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"format": 3}'])
def test_an_unreadable_inventory_is_told_of_its_own_app(text: str) -> None:
    found, unreadable = read_inventories(Listing(written("one"), written("two", text=text)), "dev", "n")
    assert set(found) == {"one"}
    assert set(unreadable) == {"two"}
    assert "towpath-inventory-two cannot be read" in unreadable["two"]


def test_a_configmap_of_another_name_is_nobodys_inventory() -> None:
    real, forged = written("one"), written("one", name="zzz", environment="dev")
    found, unreadable = read_inventories(Listing(real, forged), "dev", "n")
    assert (set(found), unreadable) == ({"one"}, {})


def test_an_inventory_that_names_another_app_is_none_of_that_app() -> None:
    forged = written("one", name="towpath-inventory-two")
    found, unreadable = read_inventories(Listing(written("one"), forged), "dev", "n")
    assert (set(found), set(unreadable)) == ({"one"}, {"two"})


def test_a_namespace_of_another_environment_is_refused() -> None:
    with pytest.raises(RefusedError, match="is that of environment prod"):
        read_inventories(Listing(written("one", "prod"), written("two", text="{")), "dev", "n")
