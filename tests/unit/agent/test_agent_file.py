"""agent.yaml: strict, with line and key of what is wrong; secrets are files."""

import socket
from pathlib import Path

import pytest

from towpath.agent.agent_file import AGENT_FILE, AgentFile
from towpath.agent.configuration import AgentConfiguration
from towpath.config.machine_file import (
    load_machine_file,
    machine_file_schema,
    parse_machine_file,
    read_secret,
)
from towpath.errors import ConfigError, MissingPartError
from towpath.redact import redact

HEAD = "apiVersion: towpath.dev/v1\n"
WHOLE = f"""{HEAD}environment: prod
name: towpath-prod
repository: {{url: https://git.example.com/environments.git, branch: live, poll: 1m}}
prefect: {{api: https://prefect.example.com/api, authFile: AUTH}}
cluster: {{kubeconfig: in-cluster}}
keys: {{signing: /etc/towpath/keys/prod, trusted: /etc/towpath/allowed_signers}}
runs: {{limit: 3, grace: 2m}}
listen: 0.0.0.0:9090
notifyTokenFile: TOKEN
"""


def parse_agent_file(text: str) -> AgentFile:
    return parse_machine_file(text, AGENT_FILE, AgentFile)


def test_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("user:pass-word-1\n")
    (tmp_path / "token").write_text(" token-word-2\n")
    text = WHOLE.replace("AUTH", str(tmp_path / "auth")).replace("TOKEN", str(tmp_path / "token"))
    file = parse_agent_file(text)
    assert dict(file.environ()) == {
        "TOWPATH_ENVIRONMENTS": "https://git.example.com/environments.git",
        "TOWPATH_ENVIRONMENTS_BRANCH": "live",
        "PREFECT_API_URL": "https://prefect.example.com/api",
        "PREFECT_API_AUTH_STRING": "user:pass-word-1",
        "KUBECONFIG": "in-cluster",
        "TOWPATH_CONTEXT": "",
        "TOWPATH_SIGNING_KEY": "/etc/towpath/keys/prod",
        "TOWPATH_TRUSTED_KEYS": "/etc/towpath/allowed_signers",
    }
    made = AgentConfiguration.from_file(file)
    assert made == AgentConfiguration(
        "prod", "towpath-prod", 60.0, "0.0.0.0:9090", 3, 120.0, notify_token="token-word-2"
    )
    assert (made.pool, made.worker_name) == ("towpath-prod", "towpath-prod")
    assert "word" not in redact("user:pass-word-1 token-word-2") + repr(made)


@pytest.mark.parametrize(
    ("cluster", "variables"),
    [
        ("", {}),
        ("context: a", {"TOWPATH_CONTEXT": "a"}),
        ("kubeconfig: /k", {"KUBECONFIG": "/k", "TOWPATH_CONTEXT": ""}),
        ("kubeconfig: /k, context: a", {"KUBECONFIG": "/k", "TOWPATH_CONTEXT": "a"}),
        ("allowExec: true", {"TOWPATH_ALLOW_EXEC": "1"}),
        ("allowExec: false", {}),
    ],
)
def test_the_connection_becomes_variables(cluster: str, variables: dict[str, str]) -> None:
    file = parse_agent_file(f"{HEAD}environment: prod\ncluster: {{{cluster}}}\n")
    assert dict(file.environ()) == variables


def test_the_least_file_and_the_agent_that_builds() -> None:
    made = AgentConfiguration.from_file(parse_agent_file(f"{HEAD}environment: build"))
    assert (made.environment, made.pool) == (None, "towpath-build")
    assert made.worker_name.startswith("towpath-build-")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("environment: prod\n", "agent.yaml:1: `apiVersion` is missing"),
        ("apiVersion: towpath.dev/v9\nenvironment: prod\n", "agent.yaml:1: apiVersion: must be"),
        (HEAD, "`environment` is missing"),
        (f"{HEAD}environment: Prod\n", "agent.yaml:2: environment: must be lower-case"),
        (f"{HEAD}environment: prod\nenviron: x\n", "agent.yaml:3: unknown key `environ`; did you mean"),
        (f"{HEAD}environment: prod\nrepository: {{poll: 5}}\n", "repository.poll: must be a duration"),
        (f"{HEAD}environment: prod\nruns: {{limit: '3'}}\n", "agent.yaml:3: runs.limit: must be"),
        (f"{HEAD}environment: prod\ncluster: {{kubeconfig: config}}\n", "cluster.kubeconfig: must match"),
        (
            f"{HEAD}environment: prod\ncluster: {{kubeconfig: in-cluster, context: a}}\n",
            "cluster: `in-cluster` has no contexts",
        ),
        (f"{HEAD}environment: prod\ncluster: {{allowExec: 'yes'}}\n", "cluster.allowExec: must be"),
        (f"{HEAD}environment: prod\nkeys: {{signing: prod}}\n", "agent.yaml:3: keys.signing: must match"),
        (f"{HEAD}environment: prod\nkeys: {{private: /k}}\n", "agent.yaml:3: unknown key `private` in keys"),
        (f"{HEAD}environment: prod\nlisten: '4210'\n", "agent.yaml:3: listen: '4210' is not HOST:PORT"),
        (f"{HEAD}environment: prod\nprefect: {{authFile: rel}}\n", "prefect.authFile: must match"),
        ("- a\n", "agent.yaml:1: must be a mapping"),
        ("a: [", "agent.yaml"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_agent_file(text)
    assert told in str(caught.value)


def test_a_file_or_secret_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_machine_file(tmp_path / "agent.yaml", AgentFile)
    with pytest.raises(MissingPartError, match="cannot be read: No such file"):
        read_secret(tmp_path / "token")
    (tmp_path / "token").write_text(" \n")
    with pytest.raises(MissingPartError, match="is empty"):
        read_secret(tmp_path / "token")
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(MissingPartError, match="is no text"):
        read_secret(tmp_path / "token")


def test_the_schema_has_every_key() -> None:
    assert set(machine_file_schema(AgentFile, AGENT_FILE)["properties"]) == {
        *("apiVersion", "buildkit", "cluster", "docker", "environment", "keys", "listen", "name"),
        *("leader", "notifyTokenFile", "prefect", "repository", "runs"),
    }


def test_publishing_can_be_turned_off(tmp_path: Path) -> None:
    for text, wanted in (("", True), ("repository: {publish: false}\n", False)):
        (tmp_path / "agent.yaml").write_text(f"{HEAD}environment: prod\n{text}")
        file = load_machine_file(tmp_path / "agent.yaml", AgentFile)
        assert AgentConfiguration.from_file(file).publish is wanted


def test_agents_that_share_a_lease_have_one_name_whatever_their_machine() -> None:
    file = parse_agent_file(f"{HEAD}environment: prod\nleader: {{namespace: towpath-system}}\n")
    made = AgentConfiguration.from_file(file)
    assert (made.lease_namespace, made.lease_name) == ("towpath-system", "towpath-agent-prod")
    assert made.worker_name == "towpath-agent-prod", "and not that of an agent that is alone"
    assert AgentConfiguration("prod", lease_namespace="a", name="mine").worker_name == "mine"
    assert made.lease_times.lasts == 15
    longer = parse_agent_file(f"{HEAD}environment: prod\nleader: {{namespace: a, leaseDuration: 1m}}\n")
    assert AgentConfiguration.from_file(longer).lease_times.deadline == 40
    alone = AgentConfiguration.from_file(parse_agent_file(f"{HEAD}environment: prod\n"))
    assert alone.lease_namespace == ""
    assert alone.worker_name == f"towpath-prod-{socket.gethostname()}"


@pytest.mark.parametrize(
    ("environment", "leader", "why"),
    [
        ("build", "{namespace: a}", "needs the cluster of an environment"),
        ("prod", "{}", "namespace"),
        ("prod", "{namespace: A}", "namespace"),
        ("prod", "{namespace: a, name: b}", "name"),
        ("prod", "{namespace: a, leaseDuration: 4s}", "leaseDuration: must be from 5s to 5m"),
        ("prod", "{namespace: a, leaseDuration: 1h}", "leaseDuration: must be from 5s to 5m"),
        ("prod", "true", "leader"),
    ],
)
def test_a_leader_that_cannot_be_is_refused(environment: str, leader: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_agent_file(f"{HEAD}environment: {environment}\nleader: {leader}\n")


def test_one_builder_is_named() -> None:
    head = f"{HEAD}environment: build\n"
    kit = "buildkit: {host: 'tcp://buildkit.example.com:1234', tls: /etc/towpath/buildkit}\n"
    assert dict(parse_agent_file(head + kit).environ()) == {
        "BUILDKIT_HOST": "tcp://buildkit.example.com:1234",
        "TOWPATH_BUILDKIT_TLS": "/etc/towpath/buildkit",
    }
    with pytest.raises(ConfigError, match="two builders"):
        parse_agent_file(f"{head}{kit}docker: {{host: 'unix:///docker.sock'}}\n")
