"""`towpath wait`: its exit codes, and what it waits for."""

import json
import threading
import time

import pytest

from tests.unit.cli.running_app import RunningApp, configmap
from towpath.applyset.inventory import Inventory, Owner
from towpath.applyset.inventory_configmap import to_configmap


@pytest.fixture
def running(app: RunningApp) -> RunningApp:
    app.begin("dev").apply("dev")
    return app


def test_a_healthy_app_is_waited_for_no_longer_than_its_health_must_hold(running: RunningApp) -> None:
    done = running.run("wait", "hello", "dev", "--healthy", "--output", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["outcome"], told["healthy"], told["synced"]) == ("reached", True, None)
    assert told["seconds"] < 20
    assert {each["name"] for each in told["objects"]} == {"web", "settings"}


def test_one_that_is_not_there_in_time_exits_3(running: RunningApp) -> None:
    web = running.api.objects["/apis/apps/v1/namespaces/dev/deployments/web"]
    web["status"] |= {"availableReplicas": 0, "unavailableReplicas": 1}
    done = running.run("wait", "hello", "dev", "--timeout", "1s")
    assert done.exit_code == 3
    assert "did not become healthy in time" in done.stderr


def test_one_that_no_waiting_helps_exits_1_at_once(running: RunningApp) -> None:
    del running.api.objects["/api/v1/namespaces/dev/configmaps/settings"]
    begun = time.monotonic()
    done = running.run("wait", "hello", "dev", "--timeout", "10m", "--output", "json")
    assert done.exit_code == 1
    assert time.monotonic() - begun < 60
    told = json.loads(done.stdout)
    assert (told["outcome"], told["healthy"]) == ("hopeless", False)
    assert "ConfigMap dev/settings: Missing" in told["message"]


def test_what_git_has_is_waited_for_until_the_inventory_says_that_it_is_applied(running: RunningApp) -> None:
    done = running.run("wait", "hello", "dev", "--synced", "--timeout", "1s", "--output", "json")
    assert (done.exit_code, json.loads(done.stdout)["synced"]) == (3, False)
    from towpath.config import parse_config
    from towpath.engine.source.render import render_app

    checkout = running.world.checkout()
    config = parse_config((checkout.path / "towpath.yaml").read_text())
    digest = render_app(checkout.path, config, "hello", "dev").digest
    inventory = to_configmap(Inventory(Owner("hello", "dev", "dev"), checkout.commit, digest, ()))
    threading.Timer(1, running.api.add, [inventory]).start()
    done = running.run("wait", "hello", "dev", "--synced", "--healthy", "--output", "json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["synced"], told["healthy"]) == (0, True, True)


def test_names_and_wrong_usage(running: RunningApp) -> None:
    running.world.write(
        {"apps/hello/prod/x.yaml": json.dumps(configmap("prod"))}, "X\n\nMark: 3\n", ("Mark", "3")
    )
    for arguments, code, says in (
        (("helo", "dev"), 1, "Did you mean hello?"),
        (("hello", "dve"), 1, "Did you mean dev?"),
        (("hello", "prod"), 1, "hello is not released in prod"),
        (("hello", "dev", "--timeout", "soon"), 2, "must be a duration"),
    ):
        done = running.run("wait", *arguments)
        assert done.exit_code == code
        assert says in str(done.exception) + done.output
