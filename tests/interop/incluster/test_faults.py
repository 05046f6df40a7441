"""What goes wrong in the middle of a promotion: it ends well all the same, and leaves nothing locked.

Each test promotes another version to dev while somebody deletes what is in staging, whose agent heals.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.chart import needs_helm
from tests.interop.incluster.certificates import distribute, replaced, withdraw
from tests.interop.incluster.clocks import another_clock
from tests.interop.incluster.faults import FAULTS, Fault, deletions, slow_api_server
from tests.interop.incluster.inception import AGENT_OF
from tests.interop.incluster.restored import restored
from tests.interop.pods.measures import ENDED, processes_of
from tests.interop.pods.site import APP, DOCTOR, ENVIRONMENTS, HOME, Site, Tell, is_ready
from towpath.local.common.stack import NODE
from towpath.orchestration import keys

pytestmark = [needs_helm, pytest.mark.timeout(3600)]

OFF = 140
"""Seconds. Twice of it is less than what signatures allow, and each more than what the server waits for signs
of life."""


@pytest.fixture(scope="module")
def busy(site: Site, tell: Tell) -> Site:
    """The first version runs in dev and staging."""
    site.seed(site.example())
    site.install(site.values())
    tell("towpath install is done")
    release = site.release(APP, "Hello v1", site.images["hello-v1"])
    site.must("promote", APP, "--to", "dev", "--release", release, **site.people)
    site.until(lambda: runs(site, "staging") == {release}, "staging runs it", 600)
    tell("v1 runs in dev and staging")
    return site


def runs(site: Site, environment: str) -> set[str]:
    """Digests that ready pods of the app run."""
    selector = f"--selector=app.kubernetes.io/name={APP}"
    found = site.cluster.get("pods", "--namespace", environment, selector)["items"]
    live = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    if not all(map(is_ready, live)):
        return set()
    return {each["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2] for each in live}


def asked(site: Site, environment: str) -> str:
    """The image that the app's Deployment asks for."""
    live = site.cluster.get("deployment", APP, "--namespace", environment)
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


def promotions(site: Site) -> list[dict[str, Any]]:
    """The newest first."""
    wanted = {"flows": {"name": {"any_": [keys.PROMOTE]}}, "sort": "EXPECTED_START_TIME_DESC"}
    found: list[dict[str, Any]] = site.prefect("/flow_runs/filter", wanted)
    return found


def promotion(site: Site, release: str) -> dict[str, Any]:
    """The newest run that promotes this release to dev."""
    parameters = {"environment": "dev", "digest": release}
    return next(each for each in promotions(site) if parameters.items() <= each["parameters"].items())


def answered(site: Site, path: str) -> dict[str, Any]:
    """What the Prefect server says, once it says something again."""

    def ask() -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = site.prefect(path)
        except AssertionError:
            return None
        return found

    found: dict[str, Any] = site.until(ask, f"the server answers {path}", 300)
    return found


def end_well(site: Site, tell: Tell, version: str, what: str, fault: Fault) -> None:
    """Promote a version; in the middle of that the fault begins."""
    image, begun = site.images[version], time.monotonic()
    with deletions(site, "staging", APP) as deleted:
        release = site.release(APP, f"Promote {version}", image)
        site.must("promote", APP, "--to", "dev", "--release", release, "--detach", **site.people)
        run = str(promotion(site, release)["id"])
        site.until(lambda: asked(site, "dev") == image.reference, "the new version is applied", 300)
        assert answered(site, f"/flow_runs/{run}")["state_type"] not in ENDED, "it is in the middle"
        with fault(site):
            tell(f"{what}, {time.monotonic() - begun:.0f} s after the promotion was asked for")
        ended = site.until(
            lambda: (found := answered(site, f"/flow_runs/{run}"))["state_type"] in ENDED and found,
            "the promotion has ended",
            900,
        )
        tell(f"it has ended after {time.monotonic() - begun:.0f} s, in {ended['run_count']} attempts")
        assert ended["state_type"] == "COMPLETED", f"{ended['state']}\n{site.told()}"
        assert runs(site, "dev") == {image.digest}
        site.until(lambda: runs(site, "staging") == {image.digest}, "staging follows", 900)
    assert deleted[0] > 0
    # What was healed too often in a short time is left alone: healing begins again.
    site.must("reconcile", "staging", "--reset-budget", **site.people)
    site.until(lambda: there(site), "what was deleted is back", 300)
    site.until(lambda: not held(site), "no lock is held", 300)
    site.until(lambda: all(map(is_ready, site.pods())), "all of Towpath is ready", 300)
    drift = ("drift", "dev", "--context=towpath")
    site.until(lambda: site.towpath(*drift).returncode == 0, "dev is as in Git", 300)


@pytest.mark.parametrize(("number", "fault"), [*enumerate(FAULTS, 2)], ids=FAULTS)
def test_a_promotion_ends_well(busy: Site, tell: Tell, number: int, fault: str) -> None:
    end_well(busy, tell, f"hello-v{number}", fault, FAULTS[fault])


def test_one_that_a_dump_has_in_its_middle_ends_well_once_it_is_restored(busy: Site, tell: Tell) -> None:
    """It has ended since, and staging has followed: the database knows neither any more."""
    site, version = busy, "hello-v8"

    def done() -> None:
        site.until(lambda: runs(site, "staging") == {site.images[version].digest}, "staging follows", 900)
        tell("what the dump has in its middle is done")

    end_well(site, tell, version, "PostgreSQL is restored", partial(restored, done=done))
    site.until(lambda: not under_way(site), "no run is left under way", 300)
    site.until(lambda: site.towpath(*DOCTOR).returncode == 0, "doctor finds nothing", 120)


def test_clocks_that_are_minutes_off_neither_hold_up_a_promotion_nor_crash_it(busy: Site, tell: Tell) -> None:
    """An agent's heartbeats go on for long enough to be looked at: its API server is slow."""
    site, begun = busy, time.monotonic()
    with another_clock(site, "dev", OFF), another_clock(site, "staging", -OFF):
        tell(f"dev's clock is {OFF} s ahead, staging's is behind, after {time.monotonic() - begun:.0f} s")
        leads = {name: leading(site, name) for name in ("dev", "staging")}
        end_well(site, tell, "hello-v9", "the API server is slow, too", slow_api_server)
        assert {name: leader(site, name) for name in leads} == leads, "nobody else has led meanwhile"
        began = [each for each in promotions(site) if each["start_time"]][:2]
        late = {each["name"]: each["estimated_start_time_delta"] for each in began}
        tell(f"seconds until they began: {late}")
        assert max(late.values()) < OFF / 2
        for agent, said in (("dev", "ahead of"), ("staging", "behind")):
            where = ("--namespace", HOME, f"deployment/towpath-agent-{agent}")
            assert f"s {said} that of the Prefect server" in site.cluster.kubectl("logs", *where)


def test_certificates_and_their_authority_are_replaced_under_agents_that_work(busy: Site, tell: Tell) -> None:
    site = busy
    before = started(site)
    distribute(site)
    tell("a second authority is trusted, too")
    end_well(site, tell, "hello-v10", "certificates are replaced", replaced)
    withdraw(site)
    tell("the first authority of Git and registry is trusted no longer")
    for environment in ("dev", "staging"):
        site.must("reconcile", environment, **site.people)
    assert started(site) == before, "no agent has begun again"


def test_the_agent_that_leads_is_lost_and_the_one_that_stands_by_ends_its_promotion(
    busy: Site, tell: Tell
) -> None:
    """Its node hangs: its pod gives nothing back, and no other pod is placed until it is deleted."""
    site = busy
    site.install(site.values(agents={name: {} for name in ENVIRONMENTS} | {"dev": {"replicas": 2}}))

    @contextmanager
    def lost(site: Site) -> Iterator[None]:
        holder, begun = leader(site, "dev")[0], time.monotonic()
        name = holder.partition("_")[0]
        site.cluster.kubectl("cordon", NODE)
        (pod,) = (each for each in site.pods("agent") if each["metadata"]["name"] == name)
        for process in processes_of(pod):
            os.kill(process, signal.SIGSTOP)
        try:
            site.until(lambda: leader(site, "dev")[0].partition("_")[0] != name, "the other one leads", 60)
            tell(f"the other one leads, {time.monotonic() - begun:.0f} s after it was lost")
            yield
        finally:
            site.cluster.kubectl("delete", "pod", name, "--namespace", HOME, "--force", "--grace-period=0")
            site.cluster.kubectl("uncordon", NODE)

    site.until(lambda: ready_agents(site, "dev") == 2, "one stands by", 300)
    end_well(site, tell, "hello-v11", "the agent that leads is lost", lost)
    site.until(lambda: ready_agents(site, "dev") == 2, "another one stands by", 300)


def ready_agents(site: Site, environment: str) -> int:
    mine = (each for each in site.pods("agent") if each["metadata"]["labels"][AGENT_OF] == environment)
    return sum(map(is_ready, mine))


def started(site: Site) -> dict[str, int]:
    """The agents' pods, and how often each was started again."""
    return {
        each["metadata"]["name"]: each["status"]["containerStatuses"][0]["restartCount"]
        for each in site.pods("agent")
    }


def leader(site: Site, agent: str) -> tuple[str, int]:
    """Who holds the Lease of an environment's agent, and how often it has changed hands."""
    leases = site.cluster.get("leases", "--namespace", HOME)["items"]
    (spec,) = (each["spec"] for each in leases if each["metadata"]["name"].endswith(f"agent-{agent}"))
    return spec["holderIdentity"], spec["leaseTransitions"]


def leading(site: Site, agent: str) -> tuple[str, int]:
    """The same, once somebody holds it."""
    found: tuple[str, int] = site.until(
        lambda: (found := leader(site, agent))[0] and found, f"an agent of {agent} leads", 60
    )
    return found


def under_way(site: Site) -> list[str]:
    kinds = {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}
    found = site.prefect("/flow_runs/filter", {"flow_runs": {"state": kinds}})
    return [each["name"] for each in found]


def there(site: Site) -> bool:
    service = ("service", APP, "--namespace", "staging", "--ignore-not-found", "--output=name")
    return bool(site.cluster.kubectl("get", *service))


def held(site: Site) -> list[str]:
    """Locks of environments that somebody has."""
    found = site.prefect("/v2/concurrency_limits/filter", {})
    return [each["name"] for each in found if each["active_slots"]]
