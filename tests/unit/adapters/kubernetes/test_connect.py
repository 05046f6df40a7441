import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from towpath.adapters.kubernetes import connect, connect_environment, shared_connection
from towpath.adapters.kubernetes.connect import is_named
from towpath.config import Environment
from towpath.errors import MissingPartError, RefusedError
from towpath.settings import ClusterConnection


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def kubeconfig(folder: Path, cluster=None, user=None) -> str:
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster or {"server": "https://k.example.com"}}],
        "users": [{"name": "u", "user": user or {"token": "t0ken"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_server_of_the_context(tmp_path) -> None:
    assert connect(kubeconfig(tmp_path)).server == "https://k.example.com"
    assert connect(kubeconfig(tmp_path), "c").server == "https://k.example.com"


def test_a_kubeconfig_is_obeyed_without_the_official_client_which_is_slow_to_import(tmp_path) -> None:
    code = (
        "import sys; from towpath.adapters.kubernetes import connect\n"
        "print(connect(sys.argv[1]).server, 'kubernetes' in sys.modules)"
    )
    command = [sys.executable, "-c", code, kubeconfig(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["https://k.example.com", "False"]


def test_missing_file_says_what_to_do(tmp_path) -> None:
    with pytest.raises(MissingPartError, match=r"no kubeconfig at .*\.kube/config") as caught:
        connect()
    assert "towpath local up" in (caught.value.remedy or "")


def test_unknown_context(tmp_path) -> None:
    with pytest.raises(MissingPartError, match="context 'd' of kubeconfig"):
        connect(kubeconfig(tmp_path), "d")


@pytest.mark.parametrize("content", ["", "[]", "a: b", "{"])
def test_broken_file(tmp_path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    with pytest.raises(MissingPartError, match="cannot be used"):
        connect(str(tmp_path / "kubeconfig"))


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"server": "https://k.example.com", "insecure-skip-tls-verify": True}, "turns off TLS verification"),
        ({"server": "http://k.example.com"}, "not https"),
    ],
)
def test_unverified_connections_are_refused(tmp_path, cluster, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        connect(kubeconfig(tmp_path, cluster))


def test_exec_plugin_is_not_run(tmp_path) -> None:
    mark = tmp_path / "ran"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(mark)]}
    with pytest.raises(RefusedError, match="runs a program"):
        connect(kubeconfig(tmp_path, user={"exec": plugin}))
    provider = {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": str(mark)}}
    with pytest.raises(RefusedError, match="auth-provider 'gcp', which is not supported"):
        connect(kubeconfig(tmp_path, user={"auth-provider": provider}), allow_exec=True)
    assert not mark.exists()


def test_exec_plugin_is_run_where_the_machine_allows_it(tmp_path) -> None:
    mark = tmp_path / "ran"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    said = json.dumps({**credential, "status": {"token": "t"}})
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", f"touch {mark}; echo '{said}'"],
        "interactiveMode": "Never",
    }
    path = kubeconfig(tmp_path, user={"exec": plugin})
    for allow_exec in (False, True):  # what towpath.yaml says of it changes nothing
        environment = Environment(name="dev", namespace="dev", allow_exec=allow_exec)
        with pytest.raises(RefusedError, match=r"TOWPATH_ALLOW_EXEC=1.*allowExec"):
            connect_environment(environment, ClusterConnection(path))
    assert not mark.exists()
    connect_environment(Environment(name="dev", namespace="dev"), ClusterConnection(path, allow_exec=True))
    assert mark.exists()


NAMED = [
    {"kubeconfig": "/elsewhere"},
    {"kubeconfig": "~/elsewhere"},
    {"kubeconfig": "in-cluster"},
    {"context": "d"},
    {"context": "c"},
    {"kubeconfig": "/elsewhere", "context": "d"},
]


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("connection", [connect_environment, shared_connection])
def test_a_cluster_that_towpath_yaml_names_is_refused_until_the_machine_says_which(
    tmp_path, named: dict[str, str], connection
) -> None:
    where, path = Environment(name="dev", namespace="dev", **named), kubeconfig(tmp_path)
    with pytest.raises(RefusedError, match=f"names the `{next(iter(named))}`.* of dev") as caught:
        connection(where, ClusterConnection(path))
    for word in ("TOWPATH_CONTEXT", "--context", "agent.yaml", *(f"`{key}`" for key in named)):
        assert word in caught.value.remedy
    for context in ("", "c"):
        assert connection(where, ClusterConnection(path, context)).server == "https://k.example.com"


def test_the_machines_context_is_the_one_that_counts(tmp_path) -> None:
    where = Environment(name="dev", namespace="dev", context="c")
    with pytest.raises(MissingPartError, match=r"context 'other' of kubeconfig .* has no context 'other'"):
        connect_environment(where, ClusterConnection(kubeconfig(tmp_path), "other"))


def test_in_cluster_outside_of_a_cluster_says_so(monkeypatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(MissingPartError, match="no service account"):
        connect_environment(Environment(name="dev", namespace="dev"), ClusterConnection("in-cluster"))
    with pytest.raises(MissingPartError, match=r"'c' of the pod's service account .*: it has no contexts"):
        connect_environment(Environment(name="dev", namespace="dev"), ClusterConnection("in-cluster", "c"))


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"token": ""}, "no credentials.* would be anonymous"),
        ({"as": "system:admin"}, "no credentials.* would be anonymous"),
        ({"client-key": "key"}, "no credentials.* would be anonymous"),
        ({"username": "me", "password": "s3cr3t"}, "username or password"),
        ({"token": "t0ken", "password": "s3cr3t"}, "username or password"),
    ],
)
def test_nothing_is_asked_as_anonymous(tmp_path, user, message: str) -> None:
    with pytest.raises(RefusedError, match=message) as caught:
        connect(kubeconfig(tmp_path, user=user), allow_exec=True)
    assert "s3cr3t" not in str(caught.value)


def test_a_user_that_no_file_knows_would_be_anonymous(tmp_path) -> None:
    path = Path(kubeconfig(tmp_path))
    path.write_text(path.read_text().replace("user: u", "user: v"))
    with pytest.raises(RefusedError, match="user 'v' has neither token"):
        connect(str(path))


def test_credentials_are_never_sent_by_http(tmp_path) -> None:
    here = {"server": "http://127.0.0.1:8001"}
    with pytest.raises(RefusedError, match="never sent to an http address"):
        connect(kubeconfig(tmp_path, here))
    assert connect(kubeconfig(tmp_path, here, {"token": ""})).server == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    "server",
    [
        "k.example.com",
        "k.example.com:6443",
        "https://",
        "ftp://k",
        "me:s3cr3t@k",
        "https://me:s3cr3t@k",
        "https://k:x",
        "https://k ",
    ],
)
def test_a_server_that_is_no_plain_address(tmp_path, server: str) -> None:
    with pytest.raises(MissingPartError, match="cannot be used") as caught:
        connect(kubeconfig(tmp_path, {"server": server}))
    assert "s3cr3t" not in str(caught.value)


def test_a_servers_path_stays_and_what_comes_after_it_goes(tmp_path) -> None:
    assert connect(kubeconfig(tmp_path, {"server": "https://k/a/b/?c#d"})).server == "https://k/a/b"


def test_a_program_that_is_not_run_needs_no_permission(tmp_path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "x", "interactiveMode": "Never"}
    user = {"token": "t0ken", "exec": plugin}
    assert connect(kubeconfig(tmp_path, user=user)).server == "https://k.example.com"


def test_of_several_files_the_first_wins_and_those_missing_are_passed_over(tmp_path, monkeypatch) -> None:
    (tmp_path / "other").mkdir()
    first, second = kubeconfig(tmp_path), kubeconfig(tmp_path / "other", {"server": "https://other"})
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/missing::{first}:{second}:{first}")
    assert connect().server == "https://k.example.com"
    monkeypatch.setenv("KUBECONFIG", f"{second}:{first}")
    assert connect().server == "https://other"


def test_the_file_in_the_home_folder_is_the_default_and_read_anew_when_it_changes(tmp_path) -> None:
    (tmp_path / ".kube").mkdir()
    path = Path(kubeconfig(tmp_path)).rename(tmp_path / ".kube/config")
    where = Environment(name="dev", namespace="dev")
    machine = ClusterConnection()
    assert shared_connection(where, machine) is shared_connection(where, machine)
    path.write_text(path.read_text().replace("k.example.com", "elsewhere"))
    assert shared_connection(where, machine).server == "https://elsewhere"


def test_the_environments_proxy_is_told_in_our_words(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:s3cr3t@proxy")
    with pytest.raises(MissingPartError, match="HTTPS_PROXY is no URL of a proxy") as caught:
        connect(kubeconfig(tmp_path))
    assert "s3cr3t" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "k.example.com")
    assert connect(kubeconfig(tmp_path)).server == "https://k.example.com"


def test_a_machine_without_anything_names_no_cluster() -> None:
    assert not is_named(ClusterConnection())
    assert not is_named(ClusterConnection(context="", allow_exec=True))


@pytest.mark.parametrize(
    ("connection", "variable"),
    [
        (ClusterConnection("/no/such/file"), ""),
        (ClusterConnection("in-cluster"), ""),
        (ClusterConnection(context="prod"), ""),
        (ClusterConnection(), "KUBECONFIG=/no/such/file"),
        (ClusterConnection(), "KUBECONFIG=/no/such/file:/nor/this"),
        (ClusterConnection(), "KUBERNETES_SERVICE_HOST=10.0.0.1"),
    ],
)
def test_whatever_is_said_of_a_cluster_counts_also_where_it_cannot_be_used(
    monkeypatch, connection, variable
) -> None:
    name, _, value = variable.partition("=")
    if name:
        monkeypatch.setenv(name, value)
    assert is_named(connection)


@pytest.mark.parametrize("content", ["", "{", "apiVersion: v1\nkind: Config\n"])
def test_a_file_at_the_default_place_counts_whatever_is_in_it(tmp_path, content) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(content)
    assert is_named(ClusterConnection())
