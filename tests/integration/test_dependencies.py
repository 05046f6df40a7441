"""Apps that depend on others, on the real API server: held until those are healthy, deleted before them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from towpath.applyset.prune_file import dump_prune_file, prune_path
from towpath.engine.reconcile.held import held_apps
from towpath.formats.versions import V2
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    """`web` depends on `db`, whose image there is not."""
    with a_fleet(stack.settings, tmp_path) as fleet:
        fleet.environment = {"timeout": "90s"}
        fleet.add("db")
        fleet.add("web")
        fleet.depends_on = {"web": ["db"]}
        yield fleet


def set_replicas(fleet: Fleet, number: int) -> None:
    """One replica never becomes ready, which need not take long; none is once the controller looks."""
    fleet.environment["timeout"] = "4s" if number else "90s"
    fleet.apps["db"][0]["spec"]["replicas"] = number
    fleet.push(f"{number} replicas")


def data_of_web(fleet: Fleet) -> Manifest:
    found: Manifest = fleet.world.live("configmap", "web-settings")["data"]
    return found


def test_who_depends_on_an_app_comes_in_after_it_and_waits_while_it_is_not_healthy(fleet: Fleet) -> None:
    set_replicas(fleet, 1)
    done = fleet.reconcile()
    assert set(done.failures) == {"db"}
    assert done.held["web"].startswith("waits for db, not healthy: app db in test did not become healthy")
    assert "web-settings" not in fleet.world.kubectl("get", "configmaps")

    done = fleet.reconcile()  # now db is as Git has it, and nothing is waited for
    assert done.failures == {}
    assert done.held["web"].startswith("waits for db, not healthy: Progressing: Deployment ")
    assert "web waits for db, not healthy" in done.summary()
    assert not done.health["web"].good
    assert held_apps(fleet.look())["web"] == done.held["web"]

    set_replicas(fleet, 0)
    done = fleet.reconcile()
    assert (done.failures, done.held) == ({}, {})
    assert data_of_web(fleet) == {"A": "1"}
    done = fleet.reconcile()
    assert (done.outcomes, done.held) == ((), {})


def test_an_edit_of_who_waits_is_healed_when_the_other_is_healthy_again(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    set_replicas(fleet, 1)
    fleet.reconcile(["db"])
    fleet.world.kubectl("patch", "configmap", "web-settings", "-p", '{"data":{"A":"by hand"}}')
    done = fleet.reconcile(["web"])
    assert done.failures == {}
    assert done.held["web"].startswith("waits for db")
    assert data_of_web(fleet) == {"A": "by hand"}
    set_replicas(fleet, 0)
    assert fleet.reconcile().failures == {}
    assert data_of_web(fleet) == {"A": "1"}


def test_apps_that_leave_together_go_in_the_reverse_order(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    objects = {
        app: {each.ref: each.uid for each in fleet.look().inspection.inventories[app].objects}
        for app in ("db", "web")
    }
    fleet.apps.clear()
    fleet.files = {
        prune_path(app, "test"): dump_prune_file(each.items(), V2) for app, each in objects.items()
    }
    fleet.push("Both leave")
    done = fleet.reconcile()
    assert done.failures == {}
    deleted = [line.partition(":")[0] for line in fleet.lines if " deleted" in line]
    assert deleted == ["web"] * 3 + ["db"] * 3
