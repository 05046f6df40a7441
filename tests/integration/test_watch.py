"""`towpath watch` on the real parts: what it heals, what it leaves alone, and what it survives."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.integration.manifests import configmap, definition, deployment
from tests.integration.running import RunningStack
from tests.integration.watched import POLL, Watched, watched
from tests.integration.world import World, throw_away
from towpath.adapters.kubernetes import Cluster, Collection, WatchEvent, follow
from towpath.errors import TransientError
from towpath.objects import Manifest, ref_of
from towpath.orchestration import keys

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CPU = {"type": "Utilization", "averageUtilization": 50}


@pytest.fixture
def here(stack: RunningStack) -> Iterator[Watched]:
    with watched(stack) as made:
        yield made


def test_an_edit_is_healed_and_is_a_flow_run_of_its_deployment(here: Watched) -> None:
    before = len(here.runs())
    here.edit("c0")
    here.until(lambda: here.value("c0") == "1", "the value of Git is back")
    here.until(here.quiet, "the run has ended")
    run = here.runs()[0]
    assert len(here.runs()) == before + 1
    assert run["state_type"] == "COMPLETED"
    assert run["name"] == keys.reconcile_name(here.environment)
    assert run["deployment_id"]
    assert run["parameters"]["apps"] == ["app"]
    assert "1 modified; synced app" in run["state"]["message"]
    assert here.metrics("towpath_heals_total") == 1
    assert 'manager="kubectl"' in here.get("/metrics").text


def test_a_deleted_object_comes_back_and_a_stranger_s_is_not_touched(here: Watched) -> None:
    here.world.kubectl("create", "configmap", "stranger", "--from-literal=a=1")
    here.world.kubectl("delete", "configmap", "c1")
    here.until(lambda: here.value("c1") == "1", "it is back")
    before = len(here.runs())
    here.world.kubectl("delete", "configmap", "stranger")
    here.edit("c2", "1")  # nothing changes by that
    time.sleep(2)
    assert len(here.runs()) == before


def test_a_commit_is_carried_out_for_the_app_that_it_changes(here: Watched) -> None:
    other = [configmap("other", a="1")]
    here.push({"app": [configmap(f"c{number}", a="1", b="2") for number in range(3)], "other": other})
    here.until(lambda: here.value("other") == "1", "the new app is there")
    here.until(here.quiet, "the run has ended")
    assert here.runs()[0]["parameters"]["apps"] == ["other"]
    assert here.metrics("towpath_app_in_sync") == 2


def test_two_hundred_edits_in_a_burst_are_a_few_runs(stack: RunningStack) -> None:
    names = [f"c{number}" for number in range(20)]
    with watched(
        stack, {"app": [configmap(name, **{f"k{n}": "1" for n in range(10)}) for name in names]}
    ) as here:
        before = len(here.runs())
        for key in range(10):
            patch = json.dumps({"data": {f"k{key}": "by hand"}})
            here.world.kubectl(
                "patch", "configmap", *names, "--type=merge", "-p", patch
            )  # 20 edits by one process
        here.until(
            lambda: all(here.value(name, f"k{key}") == "1" for name in names[::7] for key in range(10)),
            "everything is as in Git",
        )
        here.until(here.quiet, "the runs have ended")
        live = json.loads(here.world.kubectl("get", "configmap", "-o", "json"))["items"]
        values = {
            value for each in live if each["metadata"]["name"] in names for value in each["data"].values()
        }
        assert values == {"1"}
        # Ten rounds of edits, and on a busy machine one of them may take as long as two runs.
        assert len(here.runs()) - before < 40
        bad = here.runs("FAILED", "CRASHED", "CANCELLED")
        assert [run["state"]["message"] for run in bad] == [], here.log


def test_edits_that_follow_one_another_share_runs_and_let_another_run_of_the_agent_through(
    stack: RunningStack,
) -> None:
    names, keys_of_each = [f"c{number}" for number in range(40)], [f"k{number}" for number in range(40)]
    edited, enough = [], threading.Event()
    with watched(
        stack, {"app": [configmap(name, **dict.fromkeys(keys_of_each, "1")) for name in names]}
    ) as here:
        before = len(here.runs())

        def go_on_editing() -> None:
            for key in keys_of_each:  # each field once, so none uses up its heal budget
                if enough.is_set():
                    return
                patch = json.dumps({"data": {key: "by hand"}})
                # One process, so they follow one another more closely than runs do, on a busy machine too.
                here.world.kubectl("patch", "configmap", *names, "--type=merge", "-p", patch)
                edited.append(key)

        editing = threading.Thread(target=go_on_editing)
        editing.start()
        here.until(lambda: edited, "one edit follows the other")
        asked = here.reconcile()
        here.until(
            lambda: here.api.get(f"/flow_runs/{asked}").json()["state_type"] == "COMPLETED",
            "who waits for the lock gets it meanwhile",
        )
        assert editing.is_alive()
        enough.set()
        editing.join()

        def values() -> set[str]:
            live = json.loads(here.world.kubectl("get", "configmap", *names, "-o", "json"))["items"]
            return {value for each in live for value in each["data"].values()}

        here.until(lambda: values() == {"1"}, "everything is as in Git")
        here.until(here.quiet, "the runs have ended")
        made = [run for run in here.runs() if keys.WATCH_TAG in run["tags"]][: len(here.runs()) - before]
        assert {run["state_type"] for run in made} == {"COMPLETED"}
        assert max(len(run["state"]["message"].splitlines()) for run in made) > 1, "a line for each round"


def test_an_edit_while_the_watcher_is_away_is_found_when_it_is_back(here: Watched) -> None:
    assert here.stop() == 0
    assert "stopped" in here.log
    here.edit("c0")
    here.world.kubectl("delete", "configmap", "c1")
    here.start(wait=False)
    here.until(lambda: here.value("c0") == "1" and here.value("c1") == "1", "both are back")


def test_it_can_be_killed_at_any_time(here: Watched) -> None:
    here.edit("c0")
    here.stop(signal.SIGKILL)
    here.start(wait=False)
    here.until(lambda: here.value("c0") == "1", "it is back")


@pytest.mark.alone
def test_the_api_server_is_killed_and_the_watch_goes_on(here: Watched, stack: RunningStack) -> None:
    pid = stack.component("kube-apiserver").pid
    assert pid
    subprocess.run(["kill", "-9", str(pid)], check=True)
    here.until(lambda: here.metrics("towpath_watch_restarts_total") > 0, "the break was noticed")
    here.until(lambda: stack.component("kube-apiserver").ready, "the API server is back")
    here.edit("c0")
    here.until(lambda: here.value("c0") == "1", "it is healed")
    here.until(lambda: here.get("/readyz").status_code == 200, "it is ready again")


def test_git_away_heals_what_was_applied_last_and_records_it(here: Watched) -> None:
    away = here.repository.with_name("away.git")
    here.repository.rename(away)
    here.until(lambda: here.metrics("towpath_git_reachable") == 0 or _notify(here), "it is noticed")
    before = len(here.runs("COMPLETED"))
    here.edit("c0")
    here.until(lambda: here.value("c0") == "1", "it is healed all the same")
    here.until(lambda: len(here.runs("COMPLETED")) > before, "it is recorded")
    assert "While the Prefect server or Git was away" in here.runs("COMPLETED")[0]["state"]["message"]
    away.rename(here.repository)
    here.push({"app": [configmap("c0", a="2", b="2"), *(configmap(f"c{n}", a="1", b="2") for n in (1, 2))]})
    here.until(lambda: here.value("c0") == "2", "what was merged meanwhile is carried out")


def _notify(here: Watched) -> bool:
    assert here.process
    here.process.send_signal(signal.SIGHUP)
    return False


@pytest.mark.alone
def test_the_prefect_server_away_heals_and_records_later(here: Watched, stack: RunningStack) -> None:
    stack.stop("prefect-server")
    try:
        here.edit("c0")
        here.until(lambda: here.value("c0") == "1", "it is healed without a server")
        here.until(lambda: here.metrics("towpath_pending_records") == 1, "it is remembered")
        assert here.get("/readyz").status_code == 200
    finally:
        stack.start("prefect-server")
    here.until(lambda: here.metrics("towpath_pending_records") == 0, "it is recorded")
    run = here.runs()[0]
    assert run["state_type"] == "COMPLETED"
    assert "1 modified; synced app" in run["state"]["message"]
    here.edit("c1")
    here.until(lambda: here.value("c1") == "1", "the next one is healed")
    here.until(here.quiet, "and recorded")
    assert here.metrics("towpath_prefect_reachable") == 1


def post(here: Watched, path: str, body: dict[str, object]) -> None:
    """Ask the server, again while it is too busy: on SQLite it answers 503 then."""
    for _ in range(10):
        if (answer := here.api.post(path, json=body)).status_code != 503:
            break
        time.sleep(1)
    answer.raise_for_status()


def test_a_promotion_under_way_is_not_fought(here: Watched) -> None:
    held = {"names": [keys.lock_name(here.environment)], "slots": 1, "mode": "concurrency"}
    post(here, "/v2/concurrency_limits/increment", held)
    here.edit("c0")
    time.sleep(3)
    assert here.value("c0") == "by hand"
    assert not here.runs("RUNNING")
    release = {"names": held["names"], "slots": 1, "occupancy_seconds": 1}
    post(here, "/v2/concurrency_limits/decrement", release)
    here.until(lambda: here.value("c0") == "1", "it is healed when the lock is free")


def runs_of_the_mode(here: Watched, apps: dict[str, list[Manifest]], drift: str) -> int:
    """Push another drift mode; how many runs there are when everything was reconciled for it."""
    commit = here.push(apps, drift=drift)
    here.until(
        lambda: any(f" at {commit[:7]}" in run["state"]["message"] for run in here.runs("COMPLETED")),
        "another mode is reconciled, too",
    )
    here.until(lambda: len(here.runs()) == len(here.runs("COMPLETED")), "the runs have ended")
    return len(here.runs())


def test_report_tells_once_and_writes_nothing_and_off_does_nothing(here: Watched) -> None:
    apps = {"app": [configmap(f"c{number}", a="1", b="2") for number in range(3)]}
    before = runs_of_the_mode(here, apps, "report")
    here.edit("c0")
    here.until(lambda: len(here.runs("COMPLETED")) == before + 1, "it is told")
    here.edit("c0", "again", key="zzz")
    time.sleep(6)
    assert here.value("c0") == "by hand"
    assert len(here.runs()) <= before + 2
    told = len(here.runs())
    off = runs_of_the_mode(here, apps, "off")
    assert told + 1 <= off <= before + 3  # where all is slow, it was told of the second edit only now
    here.edit("c1")
    time.sleep(3)
    assert here.value("c1") == "by hand"
    assert len(here.runs()) == off
    here.push(apps)
    here.until(lambda: here.value("c0") == here.value("c1") == "1", "healing is on again")


def test_an_autoscaler_and_a_restless_controller_are_left_alone(stack: RunningStack) -> None:
    scaled = deployment()
    hpa = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "hello"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        },
    }
    with watched(stack, {"app": [configmap("c0", a="1"), scaled, hpa]}) as here:
        before = len(here.runs())
        here.world.kubectl("scale", "deployment", "hello", "--replicas=0", "--current-replicas=0")
        for number in range(10):
            manifest = configmap("c0", busy=str(number))
            here.world.kubectl(
                "apply", "--server-side", "--field-manager=restless", "-f", "-", text=json.dumps(manifest)
            )
            here.world.kubectl(
                "annotate", "hpa", "hello", f"seen={number}", "--overwrite", "--field-manager=restless"
            )
        time.sleep(5)
        assert len(here.runs()) == before
        here.edit("c0")
        here.until(lambda: here.value("c0") == "1", "an edit beside it is healed")
        assert here.value("c0", "busy") == "9"


def test_a_controller_that_takes_an_owned_field_is_reported_and_not_fought_for_ever(here: Watched) -> None:
    def take(value: str) -> None:
        manifest = configmap("c0", a=value)
        here.world.kubectl(
            *("apply", "--server-side", "--force-conflicts", "--field-manager=restless", "-f", "-"),
            text=json.dumps(manifest),
        )

    before = len(here.runs())
    for number in range(15):
        take(str(number + 100))
        time.sleep(0.3)
    here.until(lambda: not here.runs("RUNNING"), "the runs have ended")
    time.sleep(5)
    assert here.value("c0") == "114", "never blindly forced"
    assert len(here.runs()) - before < 8
    assert not here.runs("FAILED"), "a field that Git has not changed is left to its owner"


def test_two_watchers_at_once_do_no_harm(here: Watched) -> None:
    with (here.folder / "second").open("wb") as log:
        second = subprocess.Popen(here.process.args, env=here.variables, stdout=log, stderr=log)
    try:
        here.until(lambda: "watching" in (here.folder / "second").read_text(), "the second watches")
        for name in ("c0", "c1", "c2"):
            here.edit(name)
            here.until(lambda name=name: here.value(name) == "1", "it is healed")
        here.until(here.quiet, "the runs have ended")
        bad = here.runs("FAILED", "CRASHED")
        assert [run["state"]["message"] for run in bad] == [], here.log + (here.folder / "second").read_text()
    finally:
        second.terminate()
        assert second.wait(60) == 0


def test_a_notice_makes_git_be_asked_at_once(stack: RunningStack) -> None:
    with watched(stack) as here:
        here.stop()
        here.variables["TOWPATH_NOTIFY_TOKEN"] = "s3cret-token"
        here.start("--interval=3600")
        here.push({"app": [configmap("c0", a="7")]})
        address = f"http://127.0.0.1:{here.port}/notify"
        assert httpx.post(address, headers={"Authorization": "Bearer guess"}).status_code == 401
        time.sleep(1)
        assert here.value("c0") == "1"
        assert httpx.post(address, headers={"Authorization": "Bearer s3cret-token"}).status_code == 202
        here.until(lambda: here.value("c0") == "7", "it is carried out")
        assert "s3cret-token" not in here.log


def test_sigterm_in_the_middle_of_a_heal_leaves_no_run_behind(here: Watched) -> None:
    threading.Thread(target=lambda: here.edit("c0")).start()
    here.until(lambda: here.runs("RUNNING") or here.value("c0") == "by hand", "a heal is near", seldom=POLL)
    assert here.stop() == 0
    assert not here.runs("RUNNING")


class Forgetful:
    """A cluster whose first list tells a place in history that the API server has forgotten long ago."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.lists = 0

    def list_with_version(self, *kind: str | None, **selectors: str) -> tuple[list[Manifest], str]:
        self.lists += 1
        found, version = self.cluster.list_with_version(*kind, **selectors)
        return found, version if self.lists > 1 else "1"

    def watch(self, *kind: str | None, **options: str) -> Iterator[WatchEvent]:
        return self.cluster.watch(*kind, **options)


class Told:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def listed(self, _: Collection, objects: list[Manifest]) -> None:
        self.seen.append(f"{len(objects)} objects")

    def changed(self, _: Collection, event: WatchEvent) -> None:
        self.seen.append(f"{event.type} {ref_of(event.object)}")

    def resumed(self, _: Collection) -> None:
        self.seen.append("resumed")

    def interrupted(self, _: Collection, error: TransientError) -> None:
        self.seen.append(type(error).__name__)


@contextmanager
def young_kind(world: World) -> Iterator[str]:
    """The group of a kind of the test's own. A young API server may know the history of older ones whole."""
    group = f"{world.namespace}.example.com"
    world.kubectl("create", "-f", "-", text=json.dumps(definition(group)))
    world.kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}")
    try:
        yield group
    finally:
        world.kubectl("delete", "crd", f"widgets.{group}", "--wait=false")


def test_a_place_in_history_that_the_api_server_forgot_is_listed_anew(stack: RunningStack) -> None:
    with throw_away(stack.settings) as world, young_kind(world) as group:
        cluster, told, closed = Forgetful(world.cluster), Told(), threading.Event()
        here = Collection(group, "Widget", world.namespace, metadata_only=True)
        thread = threading.Thread(target=follow, args=(cluster, here, told, closed), kwargs={"window": 5})
        thread.start()
        new = f"ADDED Widget {world.namespace}/new"
        end = time.monotonic() + 30
        while "resumed" not in told.seen and time.monotonic() < end:
            time.sleep(0.05)
        widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "new"}}
        world.kubectl("create", "-f", "-", text=json.dumps(widget))
        while new not in told.seen and time.monotonic() < end:
            time.sleep(0.05)
        closed.set()
        thread.join(15)
        assert told.seen[1:3] == ["WatchExpiredError", told.seen[0]]
        assert new in told.seen, "its kind is its own, not that of the metadata"
        assert cluster.lists == 2
