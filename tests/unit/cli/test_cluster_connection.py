"""Who pushes to the environment repository chooses no kubeconfig, no context and no program that runs."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.forks import AGENTS, towpath_command

AWAY = "https://127.0.0.1:9"
REFUSED = "names the `kubeconfig` and `context` of dev, which is not obeyed"


def kubeconfig(server: str, user: dict) -> str:
    content = {
        "current-context": "c",
        "contexts": [{"name": name, "context": {"cluster": "k", "user": "u"}} for name in ("c", "theirs")],
        "clusters": [{"name": "k", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    return yaml.safe_dump(content)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def repository(tmp_path: Path, marker: Path) -> Path:
    """It brings a kubeconfig whose exec plugin leaves a marker, and names it by its absolute path."""
    folder = tmp_path / "environments"
    (folder / "apps/hello/dev").mkdir(parents=True)
    api = "client.authentication.k8s.io/v1"
    plugin = {"apiVersion": api, "command": "touch", "args": [str(marker)], "interactiveMode": "Never"}
    (folder / "config").write_text(kubeconfig("https://127.0.0.1:7", {"exec": plugin}))
    dev = {"name": "dev", "namespace": "dev", "context": "theirs", "allowExec": True}
    dev["kubeconfig"] = str(folder / "config")
    apps = {"hello": {"image": "127.0.0.1:5000/hello", "renderer": "plain"}}
    content = {"apiVersion": "towpath.dev/v1", "apps": apps, "environments": [dev]}
    (folder / "towpath.yaml").write_text(yaml.safe_dump(content))
    (folder / "apps/hello/dev/a.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    person = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*person, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    (tmp_path / "mine").write_text(kubeconfig(AWAY, {"token": "t0ken"}))
    return folder


def environ(repository: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(repository.parent),
        "KUBECONFIG": str(repository.parent / "mine"),
        "PATH": os.environ["PATH"],
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TOWPATH_ENVIRONMENTS": f"file://{repository}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        **more,
    }


VERBS = [
    ["plan", "hello", "dev"],
    ["diff", "hello", "dev"],
    ["diff", "dev"],
    ["diff"],
    ["drift", "dev"],
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_verb_reads_the_machines_cluster_or_none(repository: Path, marker: Path, verb: list[str]) -> None:
    def said(*options: str, **more: str) -> str:
        done = subprocess.run(
            [*towpath_command(), *verb, *options],
            env=environ(repository, **more),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert not marker.exists()
        return done.stdout + done.stderr

    assert REFUSED in said(TOWPATH_ALLOW_EXEC="1")
    assert "context 'none' of kubeconfig" in said("--context", "none", TOWPATH_CONTEXT="c")
    if verb[0] == "plan":  # the others wait as long until the server counts as away
        assert f"{AWAY} cannot be reached" in said(
            "--context", "c", TOWPATH_CONTEXT="x", TOWPATH_ALLOW_EXEC="1"
        )


@pytest.mark.parametrize(
    ("more", "told"),
    [({}, REFUSED), ({"TOWPATH_CONTEXT": "", "TOWPATH_ALLOW_EXEC": "1"}, f"{AWAY} cannot be reached")],
)
def test_an_agent_watches_the_machines_cluster_or_none(
    repository: Path, marker: Path, more: dict[str, str], told: str
) -> None:
    variables = environ(repository, **more)
    agent = subprocess.Popen(
        [*AGENTS.command(variables), "agent", "dev", "--address", "127.0.0.1:0"],
        env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert agent.stdout
    before = "".join(itertools.takewhile(lambda line: told not in line, agent.stdout))
    assert agent.poll() is None, before
    agent.terminate()
    agent.communicate(timeout=60)
    assert not marker.exists()


def test_agent_yaml_says_which_cluster(repository: Path, marker: Path) -> None:
    file = repository.parent / "agent.yaml"
    text = "apiVersion: towpath.dev/v1\nenvironment: dev\n"
    without = {key: value for key, value in environ(repository).items() if key != "KUBECONFIG"}
    command = [*AGENTS.command(without), "agent", "--config", str(file), "--check"]
    for cluster, told in (
        ("{}", REFUSED),
        (f"{{kubeconfig: {repository.parent}/mine}}", f"{AWAY} cannot be reached"),
        (f"{{kubeconfig: {repository.parent}/mine, context: none}}", "has no context 'none'"),
    ):
        file.write_text(f"{text}cluster: {cluster}\n")
        done = subprocess.run(command, env=without, capture_output=True, text=True, check=False)
        [line] = [line for line in done.stdout.splitlines() if "✗ cluster:" in line]
        assert told in line
        assert not marker.exists()


def test_check_notes_each_key_and_finds_nothing_wrong(repository: Path) -> None:
    done = subprocess.run(
        [*towpath_command(), "check", "--repo", str(repository)],
        env=environ(repository),
        capture_output=True,
        text=True,
        check=False,
    )
    for key in ("context", "kubeconfig", "allowExec"):
        assert f": `{key}` is not obeyed: only the machine says it: " in done.stdout
    assert done.returncode == 0 or "obeyed" not in done.stderr
