"""Towpath deploys itself: an installation is taken over by a promotion, and upgraded by the next one.

A version that does not work is rolled back by the one before.

The tests are one story, in their order: each begins with what the one before has left.
"""

import time

import pytest

from tests.chart import needs_helm
from tests.interop.incluster.inception import AGENT, AGENTS, APP, ENVIRONMENT, Inception, write_repository
from tests.interop.pods.site import DOCTOR, HOME, INSTALL, Site, Tell
from towpath.install.objects import MANAGER

pytestmark = [needs_helm, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def inception(site: Site, tell: Tell) -> Inception:
    site.seed(write_repository(site))
    site.install(site.values(agents=AGENTS))
    tell("towpath install is done")
    return Inception(site)


def identities(inception: Inception) -> dict[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in inception.site.pods()}


def name_of(pod: dict[str, dict[str, str]]) -> str:
    return pod["metadata"]["name"]


def test_an_installation_is_taken_over_by_a_promotion_and_no_pod_is_made_anew(
    inception: Inception, tell: Tell
) -> None:
    agents, before = {name_of(inception.agent(name)) for name in AGENTS}, identities(inception)
    done = inception.promote(inception.release("agent"))
    assert done.returncode == 0, done.stdout + done.stderr + inception.told()
    tell("the installation is an app of its own")
    assert identities(inception) == before
    assert agents <= inception.showed()
    live = inception.site.cluster.get("deployment", AGENT, "--namespace", HOME, "--show-managed-fields")
    managers = {each["manager"] for each in live["metadata"]["managedFields"]}
    assert MANAGER not in managers
    assert "towpath" in managers
    again = inception.site.towpath(*INSTALL, f"--values={inception.site.values(agents=AGENTS)}", "--dry-run")
    assert again.returncode == 1, "what is the app's now is refused"


def test_it_upgrades_itself_and_the_agent_that_did_ends_well(inception: Inception, tell: Tell) -> None:
    site, old = inception.site, name_of(inception.agent())
    begun = time.monotonic()
    with inception.followed(old) as log:
        done = inception.promote(inception.release("agent-next", "server-next"))
        assert done.returncode == 0, done.stdout + done.stderr + inception.told()
        tell(f"the next version runs, and works, after {time.monotonic() - begun:.0f} s")
        new = inception.agent()
        tell(f"the new agent is alone, and leads, after {time.monotonic() - begun:.0f} s")
        site.until(
            lambda: log and log[-1].endswith(" stopped\n"), f"the old agent ended by itself: {log[-5:]}", 60
        )
    assert name_of(new) != old
    assert inception.image() == site.images["agent-next"].reference
    assert {name_of(new), name_of(inception.agent("dev"))} <= inception.showed()
    (run, *_) = inception.runs("promote")
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 1), "no other agent had to go on with it"
    assert inception.runs("canary", "SCHEDULED") == []
    assert {each["spec"]["containers"][0]["image"] for each in site.pods("server")} >= {
        site.images["server-next"].reference
    }


def test_an_agent_that_is_killed_in_mid_upgrade_leaves_it_to_the_next_one(
    inception: Inception, tell: Tell
) -> None:
    site, old = inception.site, inception.agent()
    release, wanted = inception.release("agent-third", "server-next"), site.images["agent-third"].reference
    assert inception.promote(release, "--detach").returncode == 0
    site.until(lambda: inception.image() == wanted, "the new version is applied", 300)
    inception.kill(old)
    tell("the agent was killed")
    (run, *_) = inception.runs("promote")
    ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    site.until(
        lambda: site.prefect(f"/flow_runs/{run['id']}")["state_type"] in ended, "the run has ended", 600
    )
    run = site.prefect(f"/flow_runs/{run['id']}")
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["run_count"] > 1
    new = inception.agent()
    tell("another one went on, and the new version works")
    assert new["spec"]["containers"][0]["image"] == wanted
    assert name_of(new) in inception.showed()


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("crashes", "CrashLoopBackOff"),
        ("never-ready", "healthy"),
        ("idle", "its canary run was not taken"),
    ],
)
def test_a_version_that_does_not_work_is_rolled_back_by_the_one_before(
    inception: Inception, tell: Tell, version: str, why: str
) -> None:
    before = inception.agent()
    wanted, begun = inception.image(), time.monotonic()
    done = inception.promote(inception.release(f"agent-{version}", "server-next"))
    said = done.stdout + done.stderr
    tell(f"a version that is {version} was rolled back after {time.monotonic() - begun:.0f} s")
    assert done.returncode == 1, said + inception.told()
    assert f"{ENVIRONMENT} was rolled back to" in " ".join(said.split()), said + inception.told()
    assert why in said, said
    assert inception.image() == wanted
    after = inception.agent()
    assert after["spec"]["containers"][0]["image"] == wanted
    assert {name_of(after), name_of(inception.agent("dev"))} <= inception.showed()
    assert (name_of(after) == name_of(before)) == (version != "idle"), (
        "one that is not ready replaces nothing"
    )
    assert inception.runs("canary", "SCHEDULED") == []


def test_afterwards_it_goes_on_as_ever(inception: Inception, tell: Tell) -> None:
    site = inception.site
    drift = ("drift", ENVIRONMENT, "--app", APP, "--context=towpath")
    site.until(lambda: site.towpath(*drift).returncode == 0, "the app is as in Git", 180)
    done = inception.promote(inception.release("agent-next", "server-next"))
    assert done.returncode == 0, done.stdout + done.stderr + inception.told()
    tell("a version that works is promoted after those that do not")
    assert inception.agent()["spec"]["containers"][0]["image"] == site.images["agent-next"].reference
    site.until(lambda: site.towpath(*DOCTOR).returncode == 0, "doctor finds nothing", 120)
