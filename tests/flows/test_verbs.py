"""The verbs that talk to the Prefect server, as a person types them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType

from tests.flows.bench import TOWPATH as CONFIG
from tests.flows.bench import Bench
from tests.forks import towpath_command
from towpath.drift.model import DriftEntry, DriftReport
from towpath.objects import ObjectRef

TOWPATH = str(Path(sys.executable).with_name("towpath"))
POLL = 0.3
"""Seconds between two looks for runs; a busy server has better things to do than to answer more of them."""


def towpath(*args: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, without a terminal."""
    program = (TOWPATH,) if args[0] == "agent" else towpath_command()
    return subprocess.run(
        [*program, *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )


class Worker:
    """Does in this process what a worker does: runs whatever is scheduled."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> "Worker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _loop(self) -> None:
        with get_client(sync_client=True) as client:
            while not self._over.wait(POLL):
                for run_id in runs_in(client, StateType.SCHEDULED):
                    self._bench.work(run_id)


def runs_in(client: SyncPrefectClient, *states: StateType) -> list[UUID]:
    """The flow runs that are in one of these states."""
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))))
    return [run.id for run in client.read_flow_runs(flow_run_filter=wanted)]


@pytest.fixture
def desk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench with a worker, and the environment variables a person would have."""
    with get_client(sync_client=True) as client:
        monkeypatch.setenv("PREFECT_API_URL", str(client.api_url))
        # What earlier tests left undone is no concern of this one.
        for run_id in runs_in(client, StateType.SCHEDULED, StateType.PENDING, StateType.PAUSED):
            client.delete_flow_run(run_id)
    with Worker(bench):
        yield bench


def test_the_way_to_production_with_its_approvals(desk: Bench) -> None:
    sha = desk.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    done = towpath("deliver", "hello")
    assert done.returncode == 0, done.stderr
    assert "build hello" in done.stderr
    assert "verify hello in dev" in done.stderr
    assert f"promote hello {sha[:7]} to prod waits for approval" in done.stdout
    assert "towpath approve hello --environment prod --as NAME" in done.stdout
    again = towpath("deliver", "hello", "--revision", "main", "--output", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"] == "waiting"
    assert desk.calls.count("build") == 1

    status = json.loads(towpath("status", "--output", "json").stdout)
    dev, prod = status["apps"]
    assert (dev["commit"], dev["health"], dev["drift"]) == (sha, "Healthy", "in sync")
    assert prod["release"] == ""
    assert prod["waiting"][0]["for"] == "2 of alice, bob, carol, dana"
    assert f"promote hello {sha[:7]} to prod waits" in towpath("status").stdout

    waited = prod["waiting"][0]["run"]
    for verb, *more in (("approve",), ("reject", "--reason", "no")):
        for name, says in (("mallory", "May approve: alice"), ("alcie", "Did you mean alice?")):
            refused = towpath(verb, "hello", *more, "--as", name, "--yes")
            assert refused.returncode == 1
            assert f"'{name}' may not approve in prod\n{says}" in refused.stderr
        for silent in ((), ("--as", "alice"), ("--yes",), ("--as", "alice", "--output", "json")):
            refused = towpath(verb, "hello", *more, *silent)
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "Give both --yes and --as NAME" in refused.stderr
    with get_client(sync_client=True) as client:
        assert "Resuming" not in [state.name for state in client.read_flow_run_states(UUID(waited))]
    wrong = towpath("approve", "hello", "--as", "alice", "--yes", "--digest", "sha256:" + "f" * 64)
    assert wrong.returncode == 1
    first = towpath("approve", "hello", "--environment", "prod", "--as", "alice", "--yes")
    assert first.returncode == 0, first.stderr
    assert "Repeat the digest to answer: " in first.stdout
    assert "waits for approval" in first.stdout
    second = towpath("approve", "hello", "--environment", "prod", "--as", "bob", "--yes")
    assert second.returncode == 0, second.stderr
    assert "prod runs hello" in second.stdout
    nothing = towpath("approve", "hello", "--as", "carol", "--yes")
    assert nothing.returncode == 1
    assert "no promotion of hello waits" in nothing.stderr


def test_a_rejection_is_told_and_a_failed_delivery_exits_with_1(desk: Bench) -> None:
    desk.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    assert towpath("deliver", "hello").returncode == 0
    done = towpath("reject", "hello", "--as", "bob", "--yes", "--reason", "not today")
    assert done.returncode == 0, done.stderr
    assert "bob rejected hello" in done.stdout
    from towpath.errors import BuildError

    desk.build_fails = [BuildError("Dockerfile step 3 failed:\nno such file")]
    desk.push("hello", {"Dockerfile": "FROM nothing\n"}, "Break it")
    failed = towpath("deliver", "hello")
    assert failed.returncode == 1
    assert "Dockerfile step 3 failed" in failed.stderr
    assert "Traceback" not in failed.stderr + failed.stdout
    desk.build_fails = [BuildError("again")]
    assert "again" in towpath("deliver", "hello").stderr
    built = desk.calls.count("build")
    well = towpath("deliver", "hello")
    assert (well.returncode, desk.calls.count("build")) == (0, built + 1), well.stderr
    same = towpath("deliver", "hello", "--output", "json")
    assert (same.returncode, desk.calls.count("build")) == (0, built + 1)
    assert json.loads(same.stdout)["outcome"] == "waiting"


def test_the_same_promotion_is_followed_and_not_started_beside_the_one_that_waits(desk: Bench) -> None:
    release = desk.release(1)
    desk.promoted(release, "dev")
    for _ in range(2):
        done = towpath("promote", "hello", "--to", "prod", "--output", "json")
        assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "waiting")
    with get_client(sync_client=True) as client:
        assert len(runs_in(client, StateType.PAUSED)) == 1


def test_reconcile_and_rollback_say_what_they_did(desk: Bench) -> None:
    for number in (1, 2):
        assert desk.promoted(desk.release(number), "dev").state.is_completed()
    done = towpath("reconcile", "dev")
    assert (done.returncode, "1 app in sync" in done.stdout) == (0, True), done.stderr
    done = towpath("rollback", "hello", "dev")
    assert (done.returncode, "again, verified" in done.stdout) == (0, True), done.stderr


def test_status_tells_allowed_drift_and_a_pause_as_such_and_drift_has_a_history(desk: Bench) -> None:
    report = CONFIG.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, drift: report}")
    desk.push("environments", {"towpath.yaml": report}, "Report only")
    assert desk.promoted(desk.release(1), "dev").state.is_completed()
    hello = ObjectRef("apps", "Deployment", "dev", "hello")
    desk.drift = lambda _: DriftReport("dev", "", (DriftEntry("hello", hello, "modified"),))
    done = towpath("reconcile", "dev")
    assert done.returncode == 0, done.stderr
    dev = json.loads(towpath("status", "--output", "json").stdout)["apps"][0]
    assert (dev["health"], dev["drift"], dev["paused"]) == ("Healthy", "drift allowed: 1 object", "")
    paused = towpath("pause", "dev", "--until", "2h", "--reason", "migration")
    assert paused.returncode == 0, paused.stderr
    assert "hello in dev is paused until 20" in towpath("status").stdout
    [found] = json.loads(towpath("drift", "dev", "--history", "-n", "1", "--output", "json").stdout)
    assert found["summary"] == "dev: 1 modified"
    assert "Deployment dev/hello" in found["report"]
    assert "dev: 1 modified" in towpath("drift", "dev", "--history").stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("deliver", "helo"), "unknown app 'helo'"),
        (("deliver", "hello", "--revision", "nowhere"), "nowhere"),
        (("reconcile", "prd"), "unknown environment 'prd'"),
        (("rollback", "hello", "prd"), "unknown environment 'prd'"),
        (("promote", "hello", "--to", "dev"), "say which release"),
        (("promote", "hello", "--to", "prod"), "no release of hello is verified in dev"),
        (("status", "--environment", "prd"), "unknown environment 'prd'"),
        (
            ("promote", "hello", "--to", "dev", "--commit", "deadbeef"),
            "unknown commit 'deadbeef' in the source of hello\n`towpath history hello`",
        ),
        (("rollback", "hello", "dev", "--to", "1234567"), "hello is not released in dev"),
        (("agent", "prd", "--address", "127.0.0.1:0"), "Did you mean prod?"),
        (("approve", "helo", "--as", "alice", "--yes"), "Did you mean hello?"),
        (("approve", "hello", "-e", "prd", "--as", "alice", "--yes"), "Did you mean prod?"),
        (("reject", "helo", "--reason", "no", "--as", "alice", "--yes"), "Did you mean hello?"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_started(
    bench: Bench, args: tuple[str, ...], message: str
) -> None:
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    done = towpath(*args, environ={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


APPROVE = ("approve", "hello", "--as", "alice", "--yes")


def towpath_waited(*args: str, environ: dict[str, str]) -> tuple[str, int, float]:
    """What the command said, its exit code, and the seconds in which it neither ran nor asked to run.

    On a busy machine most of a command's time is spent in waiting for a processor.
    """
    begin = time.monotonic()
    with subprocess.Popen(
        [TOWPATH, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    ) as process:
        assert process.stderr
        said = process.stderr.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        took = time.monotonic() - begin
        ran, runnable, _ = map(int, Path(f"/proc/{process.pid}/schedstat").read_text().split())
    return said, process.returncode, took - (ran + runnable) / 1e9


def test_a_server_that_does_not_answer_is_said_at_once_with_the_way_out(tmp_path: Path) -> None:
    environ = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "TOWPATH_HOME": str(tmp_path)}
    said, code, waited = towpath_waited(*APPROVE, environ=environ)
    assert waited < 5
    assert code == 1
    assert "does not answer" in said
    assert "towpath local up" in said
    environ = {"PREFECT_API_URL": "", "TOWPATH_HOME": str(tmp_path)}
    assert "no Prefect server is known" in towpath(*APPROVE, environ=environ).stderr


def test_no_environment_repository_is_said_with_the_way_out(tmp_path: Path) -> None:
    environ = {"TOWPATH_HOME": str(tmp_path), "TOWPATH_ENVIRONMENTS": ""}
    done = towpath("status", environ=environ)
    assert done.returncode == 1
    assert "no environment repository is known" in done.stderr


def test_wrong_usage_exits_with_2() -> None:
    assert towpath("promote", "hello").returncode == 2
    assert towpath("deliver").returncode == 2


def status() -> tuple[int, dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Exit code, then what JSON tells of each app in dev, and of each environment."""
    done = towpath("status", "--output", "json")
    told = json.loads(done.stdout)
    apps = {each["app"]: each for each in told["apps"] if each["environment"] == "dev"}
    return done.returncode, apps, {each["name"]: each for each in told["environments"]}


def test_status_tells_what_does_not_render_before_any_reconcile_and_that_it_is_mended_at_once(
    desk: Bench,
) -> None:
    desk.promoted(desk.release(1), "dev")
    assert status()[0] == 0
    path = "apps/hello/dev/deployment.yaml"
    desk.push("environments", {"README.md": "x"}, "Fetch")
    good = (desk.folder / "work-environments" / path).read_text()
    for reconciled in (False, True):
        broken = desk.push("environments", {path: "a: [b"}, "Break it")
        if reconciled:
            assert towpath("reconcile", "dev").returncode == 1
        code, apps, environments = status()
        assert code == 1
        assert (apps["hello"]["health"], apps["hello"]["drift"]) == ("Unknown", "cannot be rendered")
        assert apps["hello"]["error"].startswith(f"{path}:2:")
        assert apps["hello"]["newer"] == ("" if reconciled else f"{broken[:7]} Break it")
        assert (f"dev at {broken[:7]}: " in environments["dev"]["failed"]) is reconciled
        text = towpath("status")
        assert text.returncode == 1
        assert f"hello in dev cannot be rendered: {path}:2:" in text.stdout
        mended = desk.push("environments", {path: good + f"# {reconciled}\n"}, "Mend it")
        code, apps, _ = status()
        assert (code, apps["hello"]["error"]) == (0, "")
        assert apps["hello"]["newer"] == f"{mended[:7]} Mend it"
        assert towpath("reconcile", "dev").returncode == 0
        code, apps, environments = status()
        assert (code, apps["hello"]["health"], apps["hello"]["newer"]) == (0, "Healthy", "")
        assert environments["dev"]["failed"] == ""


def test_status_tells_of_each_file_of_an_app_that_cannot_be_read_and_of_all_others(desk: Bench) -> None:
    desk.promoted(desk.release(1), "dev")
    for files in (
        {"apps/hello/dev/release.yaml": "digest: [\n"},
        {"pauses/dev.yaml": "- {until: tomorrow, reason: x}\n"},
    ):
        desk.push("environments", files, "Break it")
        done = towpath("status")
        assert done.returncode == 1
        assert next(iter(files)) in done.stdout
        assert "hello  prod" in done.stdout


def test_status_tells_the_newest_commit_of_a_source_that_was_not_delivered(desk: Bench) -> None:
    first = desk.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    assert status()[1]["hello"]["undelivered"] == first
    assert towpath("deliver", "hello").returncode == 0
    assert status()[1]["hello"]["undelivered"] == ""
    second = desk.push("hello", {"Dockerfile": "FROM scratch\n# more\n"}, "Say more")
    assert status()[1]["hello"]["undelivered"] == second
    text = towpath("status")
    assert f"hello: the newest commit {second[:7]} of its source is not in dev" in text.stdout
    assert status()[1]["hello"]["delivery"] == "its delivery was not asked for"
    assert text.returncode == 0
