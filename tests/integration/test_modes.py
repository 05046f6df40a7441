"""Modes, pauses and the heal budget on the real API server: what is written, and above all what is not."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.forks import towpath_command
from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap, secret
from towpath.drift.decision import drift_status
from towpath.engine.apply.sync import sync_app
from towpath.engine.live.context import open_context
from towpath.engine.live.heal_store import forget_heals
from towpath.engine.source.render import render_app
from towpath.engine.verify.verify import Verification, verify_app
from towpath.formats.versions import V2
from towpath.gates.pause import Pause, dump_pauses
from towpath.health import Status

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    with a_fleet(stack.settings, tmp_path) as fleet:
        fleet.add("one", secret("token", T="s3cret"), configmap("more", B="1"))
        fleet.add("two")
        yield fleet


def everything(fleet: Fleet) -> str:
    """Each object of the namespace with its resourceVersion: any write of anybody changes it."""
    kinds = "deployment,service,configmap,secret,role,serviceaccount"
    form = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}"
    return fleet.world.kubectl("get", kinds, "-o", form)


def edit(fleet: Fleet) -> None:
    fleet.world.kubectl("set", "env", "deployment/one", "A=1")
    fleet.world.kubectl("delete", "configmap", "one-settings")
    fleet.world.kubectl("patch", "secret", "token", "-p", '{"stringData":{"T":"canary-value"}}')


def drift_of(fleet: Fleet, app: str = "one") -> str:
    return drift_status(next(each for each in fleet.look().decisions if each.app == app))


@pytest.mark.parametrize("mode", ["report", "off"])
def test_report_and_off_never_write_and_tell_it_as_allowed(fleet: Fleet, mode: str) -> None:
    fleet.push()
    assert fleet.reconcile().failures == {}
    fleet.environment["drift"] = mode
    fleet.push("Allow drift")
    edit(fleet)
    before = everything(fleet)
    for _ in range(2):
        done = fleet.reconcile()
        assert (done.failures, done.outcomes) == ({}, ())
        assert done.health["one"].status is Status.HEALTHY, "what may be is no illness"
    assert everything(fleet) == before
    assert drift_of(fleet) == "drift allowed: 3 objects"
    assert drift_of(fleet, "two") == "in sync"
    told = done.plan.drift.to_markdown() + str(done.plan.drift.to_json())
    assert "canary" not in told
    assert "kubectl-set" in told


def test_a_commit_is_carried_out_beside_allowed_drift(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    fleet.environment["drift"] = "report"
    edit(fleet)
    fleet.apps["one"][4]["data"]["B"] = "2"
    fleet.push("Change one object")
    done = fleet.reconcile()
    assert done.failures == {}
    assert [ref.name for each in done.outcomes for ref in each.changed] == ["more"]
    assert fleet.world.live("configmap", "more")["data"] == {"B": "2"}
    assert fleet.world.live("deployment", "one")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert fleet.look().drift.summary() == "test: 1 deleted, 2 modified"
    fleet.environment["drift"] = "heal"
    fleet.push("Heal again")
    assert fleet.reconcile().failures == {}
    assert fleet.look().drift.entries == ()


def promoted(fleet: Fleet, app: str) -> Verification:
    """What a promotion does with the newest commit; no pod runs here, so there is no image to ask for."""
    context = open_context(fleet.settings, "test")
    where, config = context.environment, context.repo.config
    rendered = render_app(context.repo.root, config, app, "test", tools=context.tools)
    sync_app(context.cluster, rendered, where, commit=context.repo.commit)
    deadline = timedelta(seconds=20)
    return verify_app(context.cluster, rendered, config.app(app), where, (), deadline=deadline)


def test_a_promotion_does_not_miss_what_somebody_deleted_where_that_is_allowed(fleet: Fleet) -> None:
    fleet.environment["drift"] = "report"
    fleet.push()
    fleet.reconcile()
    for name in ("one-settings", "more"):
        fleet.world.kubectl("delete", "configmap", name)
    fleet.apps["one"][0]["metadata"]["labels"]["tier"] = "new"
    fleet.apps["one"][4]["data"]["B"] = "2"
    fleet.push("Something new")
    verified = promoted(fleet, "one")
    assert fleet.world.live("deployment", "one")["metadata"]["labels"]["tier"] == "new"
    assert fleet.world.live("configmap", "more")["data"] == {"B": "2"}, "Git has changed it since"
    told = {verdict.ref.name for verdict in verified.verdicts}
    assert ("more" in told, "one-settings" in told) == (True, False)
    fleet.environment["drift"] = "heal"
    fleet.push("Heal again")
    verified = promoted(fleet, "one")
    assert "one-settings" in {verdict.ref.name for verdict in verified.verdicts}


def test_after_a_lost_inventory_git_wins_once_where_drift_is_allowed(fleet: Fleet) -> None:
    """Without it nobody can tell an edit from a commit that was not carried out yet."""
    fleet.environment["drift"] = "report"
    fleet.push()
    fleet.reconcile()
    fleet.world.kubectl("label", "--overwrite", "deployment", "one", "tier=db")
    assert fleet.reconcile().outcomes == ()
    fleet.world.kubectl("delete", "configmap", "towpath-inventory-one")
    done = fleet.reconcile()
    assert [(each.app, each.failure) for each in done.outcomes] == [("one", "")]
    assert fleet.world.live("deployment", "one")["metadata"]["labels"]["tier"] == "web"
    fleet.world.kubectl("label", "--overwrite", "deployment", "one", "tier=db")
    assert fleet.reconcile().outcomes == (), "from then on an edit is an edit again"


def test_one_app_is_an_exception(fleet: Fleet) -> None:
    fleet.environment |= {"drift": "report", "apps": {"two": {"drift": "heal"}}}
    fleet.push()
    fleet.reconcile()
    for app in ("one", "two"):
        fleet.world.kubectl("label", "--overwrite", "deployment", app, "tier=db")
    done = fleet.reconcile()
    assert [each.app for each in done.outcomes] == ["two"]
    assert fleet.world.live("deployment", "one")["metadata"]["labels"]["tier"] == "db"
    assert fleet.world.live("deployment", "two")["metadata"]["labels"]["tier"] == "web"


def pause(fleet: Fleet, app: str, until: datetime) -> None:
    """Beside what the fleet pushes: a file that only `towpath pause` writes."""
    work = fleet.folder / "work"
    text = dump_pauses([Pause(app, until.isoformat(timespec="seconds"), "migration", "alice")], V2)
    (work / "pauses").mkdir(exist_ok=True)
    (work / "pauses/test.yaml").write_text(text or "")
    fleet.git(work, "add", "-A")
    fleet.git(work, "commit", "-q", "-m", "Pause")
    fleet.git(work, "push", "-q", "origin", "main")


def test_a_pause_holds_healing_commits_and_extras_and_ends_by_itself(fleet: Fleet) -> None:
    fleet.environment["extras"] = "prune"
    fleet.push()
    fleet.reconcile()
    fleet.apps["two"][2]["data"]["A"] = "2"
    fleet.push("A commit that waits")
    soon = datetime.now(UTC) + timedelta(hours=1)
    pause(fleet, "", soon)
    edit(fleet)
    fleet.world.kubectl("create", "configmap", "stray")
    before = everything(fleet)
    done = fleet.reconcile()
    assert (done.failures, done.outcomes) == ({}, ())
    assert everything(fleet) == before
    assert f"paused until {soon.isoformat(timespec='seconds')} by alice: migration" in done.summary()
    assert drift_of(fleet) == "paused, drifted: 3 objects"
    pause(fleet, "", datetime.now(UTC) - timedelta(seconds=1))
    done = fleet.reconcile()
    assert done.failures == {}
    assert {each.app for each in done.outcomes} == {"one", "two", "extras"}
    assert fleet.look().drift.entries == ()


def test_a_pause_of_one_app_holds_no_other(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    pause(fleet, "one", datetime.now(UTC) + timedelta(hours=1))
    for app in ("one", "two"):
        fleet.world.kubectl("label", "--overwrite", "deployment", app, "tier=db")
    assert [each.app for each in fleet.reconcile().outcomes] == ["two"]


def test_the_third_heal_is_the_last_until_a_commit_or_a_person_says_so(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    for _ in range(3):
        fleet.world.kubectl("scale", "deployment", "one", "--replicas=1")
        assert fleet.reconcile().failures == {}
        assert fleet.world.live("deployment", "one")["spec"]["replicas"] == 0
    fleet.world.kubectl("scale", "deployment", "one", "--replicas=1")
    fleet.world.kubectl("label", "--overwrite", "deployment", "one", "tier=db")
    fleet.world.kubectl("delete", "configmap", "one-settings")
    done = fleet.reconcile()
    live = fleet.world.live("deployment", "one")
    assert (live["spec"]["replicas"], live["metadata"]["labels"]["tier"]) == (1, "web")
    assert fleet.world.live("configmap", "one-settings")["data"] == {"A": "1"}
    assert "healing stopped one" in done.summary()
    assert drift_of(fleet) == "healing stopped: 1 object"
    before = everything(fleet)
    assert fleet.reconcile().outcomes == ()
    assert everything(fleet) == before, "what is not healed is not written about either"
    where = fleet.world
    assert forget_heals(where.cluster, "test", where.namespace, ["two"]) == ()
    assert forget_heals(where.cluster, "test", where.namespace) == ("one",)
    fleet.reconcile()
    assert fleet.world.live("deployment", "one")["spec"]["replicas"] == 0


def test_a_commit_that_changes_the_object_begins_the_budget_anew(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    for _ in range(4):
        fleet.world.kubectl("scale", "deployment", "one", "--replicas=1")
        fleet.reconcile()
    assert fleet.world.live("deployment", "one")["spec"]["replicas"] == 1
    fleet.apps["one"][0]["metadata"]["labels"]["tier"] = "front"
    fleet.push("Something new for this object")
    fleet.reconcile()
    assert fleet.world.live("deployment", "one")["spec"]["replicas"] == 0
    fleet.world.kubectl("scale", "deployment", "one", "--replicas=1")
    fleet.reconcile()
    assert fleet.world.live("deployment", "one")["spec"]["replicas"] == 0


def test_what_a_manager_owns_is_left_to_it_and_nothing_is_written(fleet: Fleet) -> None:
    fleet.environment["ignore"] = [{"kind": "Deployment", "manager": "tuner"}]
    fleet.push()
    fleet.reconcile()
    patch = '{"metadata":{"labels":{"tier":"tuned"}},"spec":{"minReadySeconds":5}}'
    fleet.world.kubectl("patch", "deployment", "one", "--field-manager=tuner", "-p", patch)
    before = everything(fleet)
    done = fleet.reconcile()
    assert done.summary().endswith("2 apps in sync")
    assert everything(fleet) == before
    fleet.world.kubectl("label", "--overwrite", "deployment", "one", "x=y")
    assert fleet.reconcile().failures == {}
    live = fleet.world.live("deployment", "one")
    assert (live["spec"]["minReadySeconds"], live["metadata"]["labels"]["tier"]) == (5, "tuned")
    assert "x" not in live["metadata"]["labels"]
    fleet.world.kubectl("patch", "deployment", "two", "--field-manager=other", "-p", patch)
    assert fleet.look().drift.apps() == ("two",)


def test_extras_by_kind(fleet: Fleet) -> None:
    fleet.environment["extras"] = {"*": "report", "ConfigMap": "prune", "Role": "ignore"}
    fleet.push()
    fleet.reconcile()
    fleet.world.kubectl("create", "configmap", "stray")
    fleet.world.kubectl("create", "role", "stray", "--verb=get", "--resource=pods")
    fleet.world.kubectl("create", "serviceaccount", "stray")
    found = fleet.look().drift
    assert {entry.ref.kind for entry in found.extras} == {"ConfigMap", "ServiceAccount"}
    assert fleet.reconcile().failures == {}
    assert [entry.ref.kind for entry in fleet.look().drift.extras] == ["ServiceAccount"]


def towpath(fleet: Fleet, *args: str) -> subprocess.CompletedProcess[str]:
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    own = {"HOME": str(fleet.folder), "TOWPATH_CACHE": str(fleet.settings.cache)}
    environ = {**known, **fleet.settings.variables, **own}
    command = [*towpath_command(), *args]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_the_verb_says_who_changed_what_and_writes_nothing(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    done = towpath(fleet, "drift", "test")
    assert (done.returncode, done.stdout) == (0, "test: as in Git\n"), done.stderr
    edit(fleet)
    before = everything(fleet)
    done = towpath(fleet, "drift", "test")
    assert done.returncode == 2, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["APP", "OBJECT", "FIELD", "IN", "GIT", "LIVE", "WHO", "WHEN"]
    [env] = [line for line in lines if "/env" in line]
    assert "kubectl-set (Update)" in env
    assert "one: the next reconcile makes it as Git wants it" in lines
    assert lines[-1] == "test: 1 deleted, 2 modified"
    found = json.loads(towpath(fleet, "drift", "test", "--app", "one", "--output", "json").stdout)
    fields = {each["pointer"]: each for entry in found["entries"] for each in entry["differences"]}
    assert fields["/data/T"]["manager"] == "kubectl-patch"
    assert fields["/data/T"]["live"].startswith("***")
    assert "canary" not in done.stdout + json.dumps(found)
    assert everything(fleet) == before
    done = towpath(fleet, "drift", "tst")
    assert (done.returncode, "Did you mean test?" in done.stderr) == (1, True)
    assert towpath(fleet, "drift").returncode == 1, "2 says that something differs"
