"""Towpath and kubectl read the same kubeconfigs: the API server sees the same somebody, or nobody at all."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.connect_proxy import proxy
from tests.integration.kubeconfig_files import CLUSTERS_AND_FILES
from tests.integration.kubeconfig_plugins import PLUGINS
from tests.integration.kubeconfig_users import USERS
from tests.integration.kubeconfigs import ANONYMOUS, ONE, REFUSED, TWO, V1, Case, Site, config
from tests.integration.second_cluster import second_cluster
from towpath.adapters.kubernetes import Cluster, Collection, WatchEvent, connect, follow
from towpath.adapters.kubernetes.wire import Request
from towpath.errors import SyncError, TowpathError, TransientError
from towpath.settings import Settings

pytestmark = pytest.mark.integration

CASES = (*USERS, *PLUGINS, *CLUSTERS_AND_FILES)
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


@pytest.fixture(scope="module")
def site(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tools = Settings.load(os.environ).tools
    if not (tools / "kube-apiserver").exists():
        tools = request.getfixturevalue("stack").settings.tools  # which builds it
    folder = tmp_path_factory.mktemp("kubeconfig")
    with second_cluster(tools, folder / "cluster") as second, proxy() as port:
        made = Site(second, tools / "kubectl", {}, folder, port)
        # So that who comes without credentials is told who he is, and not only refused.
        admin(
            made,
            "create",
            "clusterrole",
            "look",
            "--verb=create",
            "--resource=selfsubjectreviews.authentication.k8s.io",
        )
        admin(
            made,
            "create",
            "clusterrolebinding",
            "look",
            "--clusterrole=look",
            "--group=system:unauthenticated",
        )
        yield replace(made, tokens={name: account(made, name) for name in ("one", "two")})


@pytest.fixture
def here(site: Site, tmp_path: Path) -> Site:
    return replace(site, folder=tmp_path, environ={})


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_server_sees_whom_kubectl_shows_it(here: Site, case: Case, monkeypatch) -> None:
    kubeconfig = case.build(here)
    for name, value in here.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(here.folder)
    by_kubectl = here.kubectl_sees(kubeconfig, case.context)
    by_towpath = towpath_sees(kubeconfig, case.context)
    assert name_of(by_kubectl) == (case.kubectl or case.seen), by_kubectl
    assert name_of(by_towpath) == case.seen, by_towpath
    if case.kubectl is None and case.seen != REFUSED:
        assert by_towpath == by_kubectl  # groups, uid and extra as well
    if case.seen == REFUSED:
        assert here.tokens["one"] not in str(by_towpath)
        assert "unexpected" not in str(by_towpath)


def test_most_cases_are_answered_as_by_kubectl() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 100
    assert sum(case.kubectl is None for case in CASES) >= 100
    assert all(case.seen == REFUSED for case in CASES if case.kubectl is not None)
    assert not [case for case in CASES if case.seen == ANONYMOUS]


def test_a_plugin_is_told_what_kubectl_tells_it(here: Site) -> None:
    told = here.folder / "told"
    code = f"printf '%s' \"$KUBERNETES_EXEC_INFO\" > {told}"
    user = here.plugin({"token": here.tokens["one"]}, code=code, provideClusterInfo=True)
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": ["a", 1, None]}}
    cluster = {**here.second.trusted, "tls-server-name": "localhost", "extensions": [extension]}
    here.file("ca.crt", here.pem("ca.crt"))
    cluster |= {
        "certificate-authority": "ca.crt",
        "certificate-authority-data": "",
        "disable-compression": True,
    }
    cluster["proxy-url"] = f"http://127.0.0.1:{here.proxy}"
    kubeconfig = here.file("config", json.dumps(config(cluster, user)))
    assert name_of(here.kubectl_sees(kubeconfig, None)) == ONE
    by_kubectl = json.loads(told.read_text())
    told.unlink()
    assert name_of(towpath_sees(kubeconfig, None)) == ONE
    assert json.loads(told.read_text()) == by_kubectl
    assert by_kubectl["spec"]["cluster"]["config"] == {"audience": ["a", 1, None]}


def test_a_plugin_is_run_again_when_its_credentials_have_expired_or_are_refused(here: Site) -> None:
    """The first answer is good for a few seconds, the second until its account is gone."""
    lost = account(here, "lost")
    end = time.time() + 8
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    statuses = (
        {"token": here.tokens["one"], "expirationTimestamp": soon},
        {"token": lost},
        {"token": here.tokens["two"]},
    )
    answers = [
        json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status}) for status in statuses
    ]
    for index, answer in enumerate(answers):
        here.file(f"answer{index}", answer)
    runs = here.folder / "runs"
    script = f"#!/bin/sh\necho run >> {runs}\ncat {here.folder}/answer$(($(wc -l < {runs}) - 1))\n"
    plugin = {
        "apiVersion": V1,
        "command": here.file("plugin", script, executable=True),
        "interactiveMode": "Never",
    }
    kubeconfig = here.file("config", json.dumps(config(here.second.trusted, {"exec": plugin})))
    cluster = connect(kubeconfig, allow_exec=True)
    assert seen_by(cluster)["username"] == ONE
    assert seen_by(connect(kubeconfig, allow_exec=True))["username"] == ONE
    assert runs.read_text().count("run") == 1
    time.sleep(max(0, end - time.time()) + 0.5)
    assert seen_by(cluster)["username"] == "system:serviceaccount:default:lost"
    assert seen_by(cluster)["username"] == "system:serviceaccount:default:lost"
    assert runs.read_text().count("run") == 2
    admin(here, "delete", "serviceaccount", "lost")
    wait_until_unknown(here, lost)
    assert seen_by(cluster)["username"] == TWO
    assert runs.read_text().count("run") == 3


def test_a_token_file_rotates_while_a_watch_runs(here: Site) -> None:
    """The first token's account goes away; the watch goes on by the second, which the file then holds."""
    leaving = account(here, "leaving")
    token = Path(here.file("token", leaving + "\n"))
    kubeconfig = here.file("config", json.dumps(config(here.second.trusted, {"tokenFile": "token"})))
    admin(here, "create", "clusterrole", "read", "--verb=list,watch", "--resource=configmaps")
    for name in ("leaving", "two"):
        whose = f"--serviceaccount=default:{name}"
        admin(here, "create", "clusterrolebinding", name, "--clusterrole=read", whose)
    cluster = connect(kubeconfig)
    wait_for_right(cluster)
    followed = Followed()
    thread = threading.Thread(
        target=follow,
        args=(cluster, Collection("", "ConfigMap", "default"), followed, followed.closed),
        kwargs={"window": 2.0},
        daemon=True,
    )
    thread.start()
    admin(here, "create", "configmap", "before")
    followed.wait_for("before")
    token.write_text(here.tokens["two"])
    admin(here, "delete", "serviceaccount", "leaving")
    wait_until_unknown(here, leaving)
    admin(here, "create", "configmap", "after")
    followed.wait_for("after")
    followed.closed.set()
    thread.join(10)
    assert not thread.is_alive() and not followed.interruptions and followed.lists == 1
    assert seen_by(cluster)["username"] == TWO


def test_certificate_files_rotate(here: Site) -> None:
    for name in ("crt", "key"):
        here.file(name, here.pem(f"admin.{name}"))
    user = {"client-certificate": "crt", "client-key": "key"}
    cluster = connect(here.file("config", json.dumps(config(here.second.trusted, user))))
    assert seen_by(cluster)["username"] == "second-admin"
    here.file("crt", here.pem("etcd-client.crt"))  # of which the key is not there yet
    assert seen_by(cluster)["username"] == "second-admin"
    here.file("key", here.pem("etcd-client.key"))
    assert seen_by(cluster)["username"] == "kube-apiserver"


def name_of(seen: dict[str, Any] | str) -> str:
    return REFUSED if isinstance(seen, str) else seen["username"]


def towpath_sees(kubeconfig: str, context: str | None) -> dict[str, Any] | str:
    """Who the API server sees, or why Towpath does not get that far."""
    try:
        return seen_by(connect(kubeconfig, context, allow_exec=True, read_timeout=10))
    except TowpathError as error:
        return str(error)


def seen_by(cluster: Cluster) -> dict[str, Any]:
    """What `kubectl auth whoami` asks."""
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = cluster._wire.json(Request(method="POST", path=path, content=REVIEW, what="ask who this is"))
    return dict(answer["status"]["userInfo"])


def admin(site: Site, *args: str) -> str:
    command = [str(site.kubectl), "--kubeconfig", str(site.second.kubeconfig), *args]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def account(site: Site, name: str) -> str:
    """A new service account's token."""
    admin(site, "create", "serviceaccount", name)
    return admin(site, "create", "token", name, "--duration=1h").strip()


def wait_until_unknown(site: Site, token: str) -> None:
    """The API server remembers for 10 s whose a token was."""
    kubeconfig = site.file("unknown", json.dumps(config(site.second.trusted, {"token": token})))
    deadline = time.monotonic() + 60
    while name_of(towpath_sees(kubeconfig, None)) != REFUSED:
        assert time.monotonic() < deadline, "the deleted account's token is still good"
        time.sleep(0.5)


def wait_for_right(cluster: Cluster) -> None:
    """The API server learns of new roles by a watch of its own."""
    deadline = time.monotonic() + 30
    while True:
        try:
            cluster.list("", "ConfigMap", "default")
        except SyncError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return


class Followed:
    """Notes what a watch tells."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.names: list[str] = []
        self.interruptions: list[str] = []
        self.lists = 0

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + 30
        while name not in self.names:
            assert time.monotonic() < deadline, (name, self.names, self.interruptions)
            time.sleep(0.05)

    def listed(self, _: Collection, objects: list[dict[str, Any]]) -> None:
        self.lists += 1
        self.names += [each["metadata"]["name"] for each in objects]

    def changed(self, _: Collection, event: WatchEvent) -> None:
        self.names.append(event.object["metadata"]["name"])

    def resumed(self, _: Collection) -> None:
        pass

    def interrupted(self, _: Collection, error: TransientError) -> None:
        self.interruptions.append(str(error))
