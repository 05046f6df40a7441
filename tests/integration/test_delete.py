"""`towpath delete` and the reconciles after it, on the real API server: what stays and what goes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap
from tests.integration.verb import towpath

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:  # type: ignore[no-untyped-def]
    """Two apps that are synced."""
    with a_fleet(stack.settings, tmp_path) as fleet:
        fleet.add("leaves", configmap("keep", A="1"))
        fleet.apps["leaves"][-1]["metadata"]["annotations"] = {"towpath.dev/prune": "disabled"}
        fleet.add("stays")
        fleet.push()
        fleet.reconcile()
        yield fleet


def delete(fleet: Fleet, *options: str) -> str:
    code, said = towpath(
        fleet.world, fleet.folder / "environments.git", "delete", "leaves", "--yes", *options
    )
    assert code == 0, said
    return said


def live(fleet: Fleet) -> set[str]:
    """Deployments, Services and ConfigMaps of both apps, without inventories."""
    ours = "towpath.dev/app in (leaves,stays),!towpath.dev/inventory"
    names = fleet.world.kubectl("get", "deployment,service,configmap", "-l", ours, "-o", "name")
    return {name.partition("/")[2] for name in names.split()}


def test_without_a_confirmation_nothing_live_is_deleted(fleet: Fleet) -> None:
    before = live(fleet)
    said = delete(fleet)
    assert "deletes nothing, and reports as left behind, 3 objects" in said
    assert "! ConfigMap" in said
    fleet.reconcile()
    assert live(fleet) == before
    code, said = towpath(fleet.world, fleet.folder / "environments.git", "get", "leaves", "test")
    assert code == 0
    assert said.count("left Git") == 4


def test_what_was_shown_is_deleted_and_neither_what_is_kept_nor_another_app(fleet: Fleet) -> None:
    delete(fleet, "--prune")
    fleet.reconcile()
    assert live(fleet) == {"stays", "stays-settings", "keep"}


def test_an_object_that_was_made_anew_since_it_was_shown_stays(fleet: Fleet) -> None:
    labels = fleet.world.live("configmap", "leaves-settings")["metadata"]["labels"]
    delete(fleet, "--prune")
    fleet.world.kubectl("delete", "configmap", "leaves-settings")
    fleet.world.kubectl("create", "configmap", "leaves-settings")
    fleet.world.kubectl("label", "configmap", "leaves-settings", *(f"{k}={v}" for k, v in labels.items()))
    fleet.reconcile()
    assert live(fleet) == {"stays", "stays-settings", "keep", "leaves-settings"}
