"""A local stack: up from nothing, again at once, a death told and mended, down without a trace."""

import grp
import json
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import RunningStack, free_ports
from tests.integration.shared_stack import TEST_HOME
from towpath.local.common.http import request
from towpath.local.lifecycle.processes import cgroup_folders, container_processes, marked_processes
from towpath.local.lifecycle.supervisor import Supervisor
from towpath.local.parts.network import exists, mounts_below
from towpath.local.programs.tools import require
from towpath.local.users.passwd import users

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.alone]


@pytest.fixture(scope="module")
def own(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The stack of this run, begun from nothing: these are the last tests that use it.

    A person's stack is left alone: then it is one beside it, with its own home, ports and network.
    """
    if stack.home == TEST_HOME:
        stack.up()  # starts what the tests before have stopped
        yield stack
        return
    chosen = RunningStack(tmp_path_factory.mktemp("home"))
    chosen.up(*free_ports())
    yield chosen
    chosen.down("--purge")


def kubectl(own: RunningStack, who: str, *arguments: str) -> tuple[int, str]:
    from towpath.adapters.process import run

    command = [require("kubectl", own.settings), "--kubeconfig", own.layout.kubeconfig(who), *arguments]
    done = run(command, codes=range(256), timeout=90)
    return done.code, done.stdout + done.stderr


def traces(own: RunningStack) -> dict[str, object]:
    """Everything of this stack that is outside of its folder, and what is mounted below it."""
    return {
        "processes": sorted(marked_processes(own.layout) | container_processes(own.layout)),
        "mounts": mounts_below(own.home),
        "interfaces": [own.layout.bridge] if exists(own.layout.bridge) else [],
        "cgroups": [str(folder) for folder in cgroup_folders(own.layout)],
        "links": [
            str(link)
            for link in Path("/var/log/containers").glob("*")
            if link.readlink().is_relative_to(own.home)
        ],
    }


NOTHING = {"processes": [], "mounts": [], "interfaces": [], "cgroups": [], "links": []}


def run_pod(own: RunningStack) -> None:
    image = f"{own.registry}/base/busybox:1"
    code, text = kubectl(own, "dev", "create", "deployment", "idle", "--image", image, "--", "sleep", "1000")
    assert code == 0, text
    code, text = kubectl(own, "dev", "rollout", "status", "deployment/idle", "--timeout=60s")
    assert code == 0, text


def test_every_component_is_ready(own: RunningStack) -> None:
    done = own.towpath("status", "--output", "json")
    components = json.loads(done.stdout)
    assert {one["name"] for one in components if not one["ready"]} == set()
    assert done.returncode == 0
    assert all(one["memory"] > 2**20 for one in components)


def test_a_second_up_does_nothing_in_seconds(own: RunningStack) -> None:
    before = {name: one.pid for name, one in Supervisor(own.stack).processes().items()}
    begin = time.monotonic()
    assert "already up" in own.up()
    assert time.monotonic() - begin < 5
    assert {name: one.pid for name, one in Supervisor(own.stack).processes().items()} == before


def test_other_options_for_a_running_stack_are_refused(own: RunningStack) -> None:
    done = own.towpath("up", "--port", "registry=5999")
    assert done.returncode == 1
    assert "towpath local down" in done.stderr


def test_no_credential_is_readable_by_others(own: RunningStack) -> None:
    public = {own.layout.trusted_keys, *own.layout.keys.rglob("*.pub"), *own.layout.keys.rglob(".lock")}
    files = [path for path in own.layout.credentials.rglob("*") if path.is_file() and path not in public]
    assert len(files) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_an_environment_s_account_is_confined_to_its_namespace(own: RunningStack) -> None:
    assert kubectl(own, "dev", "create", "configmap", "mine", "-n", "dev")[0] == 0
    forbidden = [
        ("create", "configmap", "theirs", "-n", "prod"),
        ("get", "secrets", "-n", "prod"),
        ("create", "namespace", "elsewhere"),
        ("label", "namespace", "prod", "towpath=was-here"),
        ("create", "rolebinding", "x", "--clusterrole=towpath-environment", "--user=me", "-n", "prod"),
        ("create", "clusterrolebinding", "x", "--clusterrole=cluster-admin", "--user=me"),
        ("get", "nodes"),
    ]
    for arguments in forbidden:
        code, text = kubectl(own, "dev", *arguments)
        assert code == 1, arguments
        assert "orbidden" in text


def test_an_agent_holds_its_own_credentials_only(own: RunningStack) -> None:
    for name, process in Supervisor(own.stack).processes().items():
        if name.startswith("agent-"):
            environ = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
            pool = name.removeprefix("agent-")
            kubeconfigs = [one for one in environ if one.startswith("KUBECONFIG=")]
            engines = [one for one in environ if one.startswith("DOCKER_HOST=")]
            signing = own.layout.signing_key(pool)
            assert [one for one in environ if "SIGNING_KEY" in one] == [f"TOWPATH_SIGNING_KEY={signing}"]
            assert stat.S_IMODE(signing.stat().st_mode) == 0o600
            if pool == "build":
                assert not kubeconfigs
                assert engines
            else:
                assert kubeconfigs == [f"KUBECONFIG={own.layout.kubeconfig(pool)}"]
                assert not engines


def test_the_prefect_server_holds_pools_locks_and_the_watch(own: RunningStack) -> None:
    api = own.stack.prefect_api
    pools = request("POST", f"{api}/work_pools/filter", {}).json()
    assert {one["name"] for one in pools} >= {
        "towpath-build",
        "towpath-dev",
        "towpath-staging",
        "towpath-prod",
    }
    locks = request("POST", f"{api}/v2/concurrency_limits/filter", {}).json()
    # Environments of the tests before, t and six hex digits, have locks there, too.
    limits = {
        one["name"]: one["limit"]
        for one in locks
        if one["name"].startswith("environment-")
        and not re.fullmatch(r"environment-t[0-9a-f]{6}", one["name"])
    }
    assert limits == {"environment-dev": 1, "environment-staging": 1, "environment-prod": 1}
    automations = request("POST", f"{api}/automations/filter", {}).json()
    assert "Runs without a heartbeat are crashed" in {one["name"] for one in automations}
    deployments = request("POST", f"{api}/deployments/filter", {}).json()
    assert {one["name"] for one in deployments} >= {
        "deliver",
        "promote-dev",
        "reconcile-staging",
        "rollback-prod",
    }


def test_a_component_that_dies_is_reported_with_its_log_and_started_again(own: RunningStack) -> None:
    victim = own.component("kube-scheduler")
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not (again := own.component("kube-scheduler")).ready or again.pid == victim.pid:
        assert time.monotonic() < deadline, again
        time.sleep(0.5)
    told = own.towpath("status").stderr
    assert "kube-scheduler ended by itself" in told
    assert "SIGKILL" in told
    assert "the last lines of its log:" in told


def test_logs_shows_the_end_of_a_component_s_log(own: RunningStack) -> None:
    done = own.towpath("logs", "registry", "-n", "3")
    assert len(done.stdout.splitlines()) == 3
    missing = own.towpath("logs", "registri")
    assert missing.returncode == 1
    assert "Did you mean registry?" in missing.stderr


def test_env_prints_what_a_shell_needs(own: RunningStack) -> None:
    lines = own.towpath("env").stdout.splitlines()
    assert f"export KUBECONFIG={own.layout.kubeconfig('admin')}" in lines
    assert f"export PREFECT_API_URL={own.stack.prefect_api}" in lines


def test_down_leaves_nothing_behind_and_up_goes_on_with_the_data(own: RunningStack) -> None:
    run_pod(own)
    assert all(traces(own)[name] for name in ("processes", "mounts", "interfaces", "cgroups"))
    own.down()
    assert traces(own) == NOTHING
    assert not own.layout.settings.exists()
    own.down()  # a second time is as good
    own.up()
    code, text = kubectl(own, "dev", "rollout", "status", "deployment/idle", "--timeout=60s")
    assert code == 0, text


def test_a_killed_supervisor_s_stack_is_taken_away_by_down(own: RunningStack) -> None:
    assert own.kill_supervisor()
    own.down()
    assert traces(own) == NOTHING


def test_purge_removes_the_data(own: RunningStack) -> None:
    own.down("--purge")
    assert traces(own) == NOTHING
    assert [path.name for path in own.layout.root.iterdir()] == ["lock"]
    assert users(own.layout) == {}
    assert not [entry.gr_name for entry in grp.getgrall() if entry.gr_name.startswith(own.layout.user(""))]


def test_a_busy_port_is_named_with_its_holder_before_anything_starts(own: RunningStack) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        options = free_ports()
        done = own.towpath("up", *options, "--port", f"prefect={number}")
    assert done.returncode == 1
    assert f"port {number} (prefect) is in use by" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "--port prefect=N" in done.stderr
    assert traces(own) == NOTHING
