import json
from pathlib import Path

import pytest
import yaml

from towpath.adapters.kubernetes import connect, connect_environment
from towpath.config import Environment
from towpath.errors import MissingPartError, RefusedError


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


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


def test_exec_plugin_is_run_where_the_environment_allows_it(tmp_path) -> None:
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
    with pytest.raises(RefusedError, match="allowExec"):
        connect_environment(Environment(name="dev", namespace="dev"), path)
    assert not mark.exists()
    connect_environment(Environment(name="dev", namespace="dev", allow_exec=True), path)
    assert mark.exists()


def test_an_environment_names_its_own_kubeconfig(tmp_path) -> None:
    where = Environment(name="dev", namespace="dev", kubeconfig=kubeconfig(tmp_path))
    assert connect_environment(where, "/elsewhere").server == "https://k.example.com"


def test_in_cluster_outside_of_a_cluster_says_so(monkeypatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(MissingPartError, match="no service account"):
        connect_environment(Environment(name="dev", namespace="dev", kubeconfig="in-cluster"))
