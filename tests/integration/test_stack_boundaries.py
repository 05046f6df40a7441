"""Boundaries of the local stack: what an environment's account, its pods and a web page cannot do."""

import json
import os
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.running import RunningStack
from towpath.local.common.stack import SYSTEM_PATH
from towpath.local.lifecycle.processes import children_by_parent, forked_agents
from towpath.local.lifecycle.supervisor import Supervisor
from towpath.local.programs.tools import require
from towpath.local.users.passwd import users

pytestmark = pytest.mark.integration


def kubectl(stack: RunningStack, who: str, *arguments: str) -> tuple[int, str]:
    from towpath.adapters.process import run

    command = [require("kubectl", stack.settings), "--kubeconfig", stack.layout.kubeconfig(who), *arguments]
    done = run(command, codes=range(256), timeout=90)
    return done.code, done.stdout + done.stderr


def pod(namespace: str, **spec: object) -> str:
    """A pod as JSON; `spec` holds what it asks of its node."""
    container = {"name": "c", "image": "registry.example.com/none", **spec.pop("container", {})}  # type: ignore[dict-item]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "harmless-", "namespace": namespace},
            "spec": {"containers": [container], **spec},
        }
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"hostNetwork": True},
        {"hostPID": True},
        {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
        {"container": {"securityContext": {"privileged": True}}},
        {"container": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}},
        {"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}},
    ],
)
def test_a_pod_of_an_environment_gets_nothing_of_its_node(
    stack: RunningStack, tmp_path: Path, asked: dict[str, object]
) -> None:
    file = tmp_path / "pod.json"
    file.write_text(pod("dev", **asked))
    code, text = kubectl(stack, "dev", "create", "--dry-run=server", "-f", str(file))
    assert (code, "violates PodSecurity" in text) == (1, True), text
    file.write_text(pod("dev"))
    assert kubectl(stack, "dev", "create", "--dry-run=server", "-f", str(file))[0] == 0


@pytest.mark.parametrize(
    "label", ["enforce=privileged", "enforce-version=v1.20", "enforce=", "enforce=Privileged"]
)
def test_an_account_cannot_loosen_the_pod_security_of_its_namespace(stack: RunningStack, label: str) -> None:
    name = f"pod-security.kubernetes.io/{label}"
    code, text = kubectl(stack, "dev", "label", "namespace", "dev", name, "--overwrite", "--dry-run=server")
    assert (code, "orbidden" in text or "nvalid" in text) == (1, True), text
    stricter = "pod-security.kubernetes.io/enforce=restricted"
    assert kubectl(stack, "dev", "label", "namespace", "dev", stricter, "--dry-run=server")[0] == 0


@pytest.mark.parametrize(
    "header",
    [("Origin", "https://attacker.example.com"), ("Origin", "null"), ("Host", "attacker.example.com")],
)
def test_a_page_of_another_site_does_not_reach_the_prefect_api(
    stack: RunningStack, header: tuple[str, str]
) -> None:
    url = f"{stack.stack.prefect_api}/flow_runs/filter"
    assert httpx.post(url, json={}, headers=dict([header])).status_code == 403
    asked = {"Origin": f"http://localhost:{stack.stack.port('prefect')}"}
    answer = httpx.post(url, json={}, headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, asked["Origin"])


MARKER = "harmless-marker"
AGENTS = ("build", "dev", "staging", "prod")
needs_users = pytest.mark.skipif(os.geteuid() != 0, reason="only root's stack has users")


def as_agent(stack: RunningStack, role: str, *command: str | Path) -> tuple[int, str]:
    """Run a program as the user of an agent, with all its groups."""
    from towpath.adapters.process import run

    user = users(stack.layout)[role]
    prefix = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--init-groups", "--"]
    environment = {"PATH": SYSTEM_PATH, "HOME": str(stack.layout.home_of(f"agent-{role}")), "LANG": "C.UTF-8"}
    environment |= {"GIT_CONFIG_GLOBAL": str(stack.layout.git_config), "GIT_CONFIG_NOSYSTEM": "1"}
    done = run([*prefix, *command], env=environment, cwd=Path("/"), codes=range(256))
    return done.code, done.stdout + done.stderr


def own_files(stack: RunningStack, role: str) -> list[Path]:
    """What only this agent may read: key, kubeconfig, a file in its cache."""
    kept = stack.layout.home_of(f"agent-{role}") / "cache" / MARKER
    if not kept.exists():
        code, text = as_agent(stack, role, "/bin/sh", "-c", 'mkdir -p "${0%/*}" && echo marker > "$0"', kept)
        assert code == 0, text
    kubeconfig = [] if role == "build" else [stack.layout.kubeconfig(role)]
    return [stack.layout.signing_key(role), *kubeconfig, kept]


@needs_users
@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_reads_its_own_credentials_and_nobody_else_s(stack: RunningStack, role: str) -> None:
    for other in AGENTS:
        for path in own_files(stack, other):
            code, text = as_agent(stack, role, "/bin/cat", path)
            assert (code == 0) == (other == role), f"{role} reads {path}: {text}"
    for path in (
        stack.layout.kubeconfig("admin"),
        stack.layout.credentials / "pki" / "ca.key",
        stack.layout.data / "prefect" / "prefect.db",
        stack.layout.run / "supervisord.conf",
    ):
        assert path.exists()
        assert as_agent(stack, role, "/bin/cat", path)[0] != 0, path
        assert as_agent(stack, role, "/bin/sh", "-c", ': >> "$0"', path)[0] != 0, path
    code, text = as_agent(stack, role, "/bin/cat", stack.layout.trusted_keys)
    assert (code, "ssh-ed25519" in text) == (0, True), text


@needs_users
@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_cannot_exchange_credentials_or_what_others_run(stack: RunningStack, role: str) -> None:
    repository = stack.layout.git / "environments.git"
    for place in (
        stack.layout.signing_key(role).parent,
        stack.layout.keys,
        stack.layout.credentials,
        stack.layout.run,
        stack.layout.root,
        repository,
        repository / "hooks",
    ):
        assert as_agent(stack, role, "/bin/sh", "-c", ': > "$0"', place / MARKER)[0] != 0, place
        assert not (place / MARKER).exists()
    for file in (repository / "config", repository / "HEAD", stack.layout.git_config):
        assert as_agent(stack, role, "/bin/sh", "-c", ': >> "$0"', file)[0] != 0, file
    code, text = as_agent(stack, role, "git", "--git-dir", repository, "rev-parse", "main")
    assert code == 0, text
    source = stack.layout.git / "hello.git"
    reads = as_agent(stack, role, "git", "--git-dir", source, "rev-parse", "main")[0] == 0
    assert reads == (role == "build")


@needs_users
def test_only_the_agent_that_builds_reaches_the_docker_engine(stack: RunningStack) -> None:
    if not stack.stack.own_engine:
        pytest.skip("the engine is given")
    ask = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    path = stack.stack.docker_host.removeprefix("unix://")
    for role in AGENTS:
        code, text = as_agent(stack, role, sys.executable, "-I", "-c", ask, path)
        assert (code == 0) == (role == "build"), text


@needs_users
def test_an_agent_reaches_no_process_of_another(stack: RunningStack) -> None:
    processes = Supervisor(stack.stack).processes()
    agents = forked_agents(processes["fork-server"].pid, children_by_parent())
    assert set(agents) == {f"agent-{role}" for role in AGENTS}
    others = {name: process.pid for name, process in processes.items() if name != "agent-dev"}
    others |= {f"forked {name}": pid for name, pid in agents.items() if name != "agent-dev"}
    for name, pid in others.items():
        assert as_agent(stack, "dev", "/bin/kill", "-0", str(pid))[0] != 0, name
        assert as_agent(stack, "dev", "/bin/cat", f"/proc/{pid}/environ")[0] != 0, name
        assert as_agent(stack, "dev", "/bin/ls", f"/proc/{pid}/fd/")[0] != 0, name
    assert as_agent(stack, "dev", "/bin/kill", "-0", str(agents["agent-dev"]))[0] == 0


@needs_users
def test_what_needs_no_root_has_a_user_and_no_way_back(stack: RunningStack) -> None:
    processes = Supervisor(stack.stack).processes()
    made = users(stack.layout)
    agents = forked_agents(processes["fork-server"].pid, children_by_parent())
    wanted = {f"agent-{role}": role for role in AGENTS} | {"prefect-server": "prefect"}
    wanted |= dict.fromkeys(
        ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"), "cluster"
    )
    wanted |= {"registry": "registry"}
    for name, role in wanted.items():
        if name in processes:
            for pid in {processes[name].pid, agents.get(name, processes[name].pid)}:
                status = dict(
                    line.split(":\t", 1)
                    for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                    if ":\t" in line
                )
                assert set(status["Uid"].split()) == {str(made[role].uid)}, name
                assert set(status["Gid"].split()) == {str(made[role].gid)}, name
                assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0, name
    for name, pid in agents.items():
        assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text(), name
