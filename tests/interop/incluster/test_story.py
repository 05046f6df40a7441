"""Towpath installed in a real cluster with pods, and a release's way in it: dev, staging, approval, prod.

The tests are one story, in their order: each begins with what the one before has left.
"""

import json
import statistics
import time
from typing import Any

import pytest

from tests.chart import needs_helm
from tests.interop.pods.measures import idle_memory, start_delay
from tests.interop.pods.site import APP, DOCTOR, ENVIRONMENTS, HOME, INSTALL, Site, Tell, is_ready
from towpath.install.objects import MANAGER

pytestmark = [needs_helm, pytest.mark.timeout(7200)]

MIB = 1 << 20


@pytest.fixture(scope="module")
def installed(site: Site, tell: Tell) -> Site:
    site.seed(site.example())
    begun = time.monotonic()
    site.install(site.values())
    tell(f"towpath install: {time.monotonic() - begun:.1f} s with images present")
    return site


def test_everything_becomes_healthy_and_doctor_finds_nothing(installed: Site) -> None:
    pods = installed.pods()
    assert len(pods) == 2 + 1 + 2 + len(ENVIRONMENTS)
    assert [each["metadata"]["name"] for each in pods if not is_ready(each)] == []
    installed.until(lambda: installed.towpath(*DOCTOR).returncode == 0, "doctor finds nothing", 120)
    checks = json.loads(installed.must(*DOCTOR, "--output=json"))
    assert [each for each in checks if each["status"] != "ok"] == []


def test_a_second_install_writes_nothing(installed: Site) -> None:
    before = written(installed)
    assert len(before) > 30
    installed.install(installed.values())
    assert written(installed) == before
    planned = json.loads(
        installed.must(*INSTALL, f"--values={installed.values()}", "--dry-run", "--output=json")
    )
    assert {each["action"] for each in planned["entries"]} == {"unchanged"}


def written(site: Site) -> dict[str, list[str]]:
    """When `towpath install` has written what, as the API server keeps it."""
    kinds = "all,secret,configmap,serviceaccount,networkpolicy,rolebinding,pdb,clusterrole"
    found = {}
    for each in site.cluster.get(kinds, "--all-namespaces", "--show-managed-fields")["items"]:
        name = f"{each['kind']} {each['metadata'].get('namespace')} {each['metadata']['name']}"
        entries = each["metadata"].get("managedFields") or ()
        if times := [entry["time"] for entry in entries if entry["manager"] == MANAGER]:
            found[name] = times
    return found


def test_an_idle_agent_is_small(installed: Site, tell: Tell) -> None:
    memory = {name: idle_memory(installed, f"agent-{name}") for name in ENVIRONMENTS}
    tell(
        "PSS of idle agents: "
        + ", ".join(f"{name} {bytes_ / MIB:.0f} MiB" for name, bytes_ in memory.items())
    )
    assert max(memory.values()) <= 140 * MIB


def test_a_run_begins_soon(installed: Site, tell: Tell) -> None:
    deployment, parameters = "reconcile/reconcile-dev", {"environment": "dev"}
    delays = [start_delay(installed, deployment, parameters) for _ in range(10)]
    tell(f"trigger to first step: p50 {statistics.median(delays):.2f} s, worst {max(delays):.2f} s")
    assert statistics.median(delays) < 60


@pytest.fixture(scope="module")
def waiting(installed: Site, tell: Tell) -> Site:
    """The first release runs in dev and staging, and waits for prod."""
    released(installed, "v1")
    tell("v1 runs in dev")
    installed.until(lambda: running(installed, "staging") == {digest(installed, "v1")}, "staging runs v1")
    tell("v1 runs in staging")
    installed.until(lambda: waits(installed), "prod waits for approval")
    return installed


def released(site: Site, version: str) -> None:
    """A release of that version is signed, and promoted to dev."""
    release = site.release(APP, f"Hello {version}", site.images[f"hello-{version}"])
    site.must("promote", APP, "--to", "dev", "--release", release, **site.people)


def digest(site: Site, version: str) -> str:
    return site.images[f"hello-{version}"].digest


def running(site: Site, environment: str) -> set[str]:
    """Digests that ready pods of the app run."""
    found = site.cluster.get("pods", "--namespace", environment, f"--selector=app.kubernetes.io/name={APP}")[
        "items"
    ]
    live = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    if not live or not all(map(is_ready, live)):
        return set()
    return {each["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2] for each in live}


def waits(site: Site) -> list[dict[str, Any]]:
    """Promotions that wait for people."""
    suspended = {"state": {"type": {"any_": ["PAUSED"]}}}
    found: list[dict[str, Any]] = site.prefect("/flow_runs/filter", {"flow_runs": suspended})
    return found


def test_a_release_goes_to_staging_and_waits_for_prod(waiting: Site) -> None:
    assert running(waiting, "dev") == running(waiting, "staging") == {digest(waiting, "v1")}
    assert running(waiting, "prod") == set()
    (run,) = waits(waiting)
    assert run["parameters"]["environment"] == "prod"


def history(site: Site) -> dict[str, str]:
    """Runs that ended, by their state."""
    ended = {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}}
    found = site.prefect("/flow_runs/filter", {"flow_runs": ended, "limit": 200})
    return {each["id"]: each["state_type"] for each in found}


def locks(site: Site) -> set[str]:
    return {each["name"] for each in site.prefect("/v2/concurrency_limits/filter", {})}


def test_what_waits_outlives_an_upgrade_and_lost_pods(waiting: Site, tell: Tell) -> None:
    site = waiting
    (run,), ended, held = waits(site), history(site), locks(site)
    site.install(site.values(version="-next"))
    tell("upgraded")
    site.until(
        lambda: agent_images(site) == {site.images["agent-next"].reference}, "the old agents ended", 120
    )
    lose(site, "server")
    lose(site, "database")
    lose(site, "redis")
    tell("one server, the database and Redis were killed and are back")
    site.until(lambda: answers(site), "the server answers")
    assert [each["id"] for each in waits(site)] == [run["id"]]
    assert ended.items() <= history(site).items()
    assert locks(site) == held
    assert {f"environment-{name}" for name in ENVIRONMENTS} <= held


def agent_images(site: Site) -> set[str]:
    return {each["spec"]["containers"][0]["image"] for each in site.pods("agent")}


def answers(site: Site) -> bool:
    try:
        return bool(site.prefect("/work_pools/filter", {}))
    except AssertionError:
        return False


def lose(site: Site, component: str) -> None:
    """Kill one pod as a lost node does, and wait until the others and its successor are ready."""
    name = site.pods(component)[0]["metadata"]["name"]
    uid = site.pods(component)[0]["metadata"]["uid"]
    site.cluster.kubectl("delete", "pod", name, "--namespace", HOME, "--grace-period=0", "--force")
    site.until(
        lambda: (
            uid not in {each["metadata"]["uid"] for each in site.pods(component)}
            and all(map(is_ready, site.pods()))
        ),
        f"{component} is back",
    )


def test_it_is_approved_and_finished_and_the_version_is_taken_back(waiting: Site, tell: Tell) -> None:
    site = waiting
    (run,) = waits(site)
    site.must("approve", APP, "--environment", "prod", "--as", "alice", "--yes", **site.people)
    tell("v1 is approved, and runs in prod")
    assert running(site, "prod") == {digest(site, "v1")}
    assert site.prefect(f"/flow_runs/{run['id']}")["state_type"] == "COMPLETED"
    site.install(site.values())
    tell("the former version is back")
    site.until(lambda: agent_images(site) == {site.images["agent"].reference}, "the old agents ended", 120)
    site.until(lambda: site.towpath(*DOCTOR).returncode == 0, "doctor finds nothing")


def test_drift_is_healed_by_the_agent_in_its_cluster(waiting: Site, tell: Tell) -> None:
    site, begun = waiting, time.monotonic()
    site.cluster.kubectl("scale", "deployment", APP, "--namespace", "prod", "--replicas=1")
    site.until(lambda: replicas(site, "prod") == 3, "prod has its replicas again", 300)
    tell(f"drift healed within {time.monotonic() - begun:.1f} s")
    site.cluster.kubectl("delete", "service", APP, "--namespace", "prod")
    there = ("get", "service", APP, "--namespace", "prod", "--ignore-not-found", "--output=name")
    site.until(lambda: site.cluster.kubectl(*there), "prod has its Service again", 300)


def replicas(site: Site, environment: str) -> int:
    return int(site.cluster.get("deployment", APP, "--namespace", environment)["spec"]["replicas"])


def test_a_release_is_rolled_back(waiting: Site, tell: Tell) -> None:
    site = waiting
    released(site, "v2")
    assert running(site, "dev") == {digest(site, "v2")}
    tell("v2 runs in dev")
    site.must("rollback", APP, "dev", **site.people)
    tell("dev is back at v1")
    assert running(site, "dev") == {digest(site, "v1")}
