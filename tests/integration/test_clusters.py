"""Environments on several clusters: each goes to its own, over verified connections, with its own account."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.integration.manifests import configmap, deployment
from tests.integration.second_cluster import SecondCluster
from tests.integration.verb import towpath
from tests.integration.world import World
from towpath.adapters.kubernetes import Cluster, connect_environment, in_cluster
from towpath.adapters.registries.registry import read_manifest
from towpath.config import Config, Environment, load_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.reconcile.diff import compare_environment
from towpath.engine.source.render import render_app
from towpath.errors import RefusedError, SyncError, TransientError
from towpath.formats.versions import V2
from towpath.objects import Manifest, ObjectRef
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file
from towpath.settings import ClusterConnection

pytestmark = [pytest.mark.integration]

DIGEST = "sha256:" + "a" * 64
IMAGE = "127.0.0.1:5000/hello"


def repository(folder: Path, world: World) -> tuple[Path, Config]:
    """One app in `here` (the stack's cluster) and in `there` (the second cluster), of one namespace name."""
    app = {"image": IMAGE, "renderer": "plain"}
    there = {"name": "there", "namespace": world.namespace}
    here = {"name": "here", "namespace": world.namespace}
    content = {"apiVersion": "towpath.dev/v2", "apps": {"hello": app}, "environments": [here, there]}
    root = folder / "environments"
    root.mkdir()
    (root / "towpath.yaml").write_text(yaml.safe_dump(content))
    for name in ("here", "there"):
        made = Release(
            "hello", one_image("hello", IMAGE, DIGEST), "", "", "", "", "", ScanSummary("passed"), ""
        )
        target = root / "apps/hello" / name
        target.mkdir(parents=True)
        (target / "release.yaml").write_text(dump_release_file(EnvironmentRelease(made, "", ""), V2))
        workload = deployment()
        workload["spec"]["template"]["spec"]["containers"][0]["image"] = f"{IMAGE}@{DIGEST}"
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}}
        objects: list[Manifest] = [workload, configmap("where", environment=name), namespace]
        (target / "all.yaml").write_text(yaml.safe_dump_all(objects))
    return root, load_config(root)


def connections(
    world: World, second: SecondCluster, file: Path | None = None
) -> dict[str, ClusterConnection]:
    """What the machine of each environment says: `there` by file and context."""
    return {
        "here": ClusterConnection(str(world.kubeconfig)),
        "there": ClusterConnection(str(file or second.kubeconfig), "second"),
    }


def where(cluster: Cluster, world: World) -> str | None:
    live = cluster.get(ObjectRef("", "ConfigMap", world.namespace, "where"))
    return live["data"]["environment"] if live else None


def test_each_environment_goes_to_its_own_cluster(
    world: World, second: SecondCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, config = repository(tmp_path, world)
    machine = connections(world, second)
    clusters = {name: connect_environment(config.environment(name), machine[name]) for name in machine}
    assert clusters["here"].server != clusters["there"].server == second.server
    tools = world.kubectl_path.parent

    def sync(name: str) -> int:
        rendered = render_app(root, config, "hello", name, tools=tools)
        return len(sync_app(clusters[name], rendered, config.environment(name), commit="c").changes)

    assert sync("there") == 3
    assert (where(clusters["here"], world), where(clusters["there"], world)) == (None, "there")
    assert sync("here") == 3
    assert (where(clusters["here"], world), where(clusters["there"], world)) == ("here", "there")
    assert (sync("here"), sync("there")) == (0, 0)

    clusters["there"].delete(ObjectRef("", "ConfigMap", world.namespace, "where"))
    for name, expected in (("here", []), ("there", ["where"])):
        rendered = [render_app(root, config, "hello", name, tools=tools)]
        found = inspect(clusters[name], config.environment(name), rendered).report
        assert [entry.ref.name for entry in found.entries] == expected
    monkeypatch.setenv("TOWPATH_CONTEXT", "none")
    told, codes = {}, []
    for name, file, context in (("here", world.kubeconfig, ""), ("there", second.kubeconfig, "second")):
        options = ("--repo", str(root), "--context", context, "--output", "json")
        code, said = towpath(replace(world, kubeconfig=file), root, "diff", name, *options)
        told |= {each["environment"]: each["differs"] for each in json.loads(said)["environments"]}
        codes.append(code)
    assert (max(codes), told) == (2, {"here": False, "there": True})


def test_a_cluster_that_is_away_stops_no_other(world: World, second: SecondCluster, tmp_path: Path) -> None:
    away = second.write_kubeconfig("away", {**second.trusted, "server": "https://127.0.0.1:9"}, second.admin)
    root, config = repository(tmp_path, world)
    machine = connections(world, second, away)
    found = {
        name: compare_environment(
            root, config, config.environment(name), lambda each: connect_environment(each, machine[each.name])
        )
        for name in ("here", "there")
    }
    assert [plan.app for plan in found["here"].plans] == ["hello"]
    assert "https://127.0.0.1:9 cannot be reached" in found["there"].problems[""]


def get_namespaces(cluster: Cluster) -> int:
    return len(cluster.list("", "Namespace"))


def test_a_certificate_of_another_authority_is_refused(world: World, second: SecondCluster) -> None:
    """The right address with the stack's authority: somebody in between would look the same."""
    config = yaml.safe_load(world.kubectl("config", "view", "--raw", "--flatten"))
    other = config["clusters"][0]["cluster"]["certificate-authority-data"]
    path = second.write_kubeconfig(
        "other-authority", {**second.trusted, "certificate-authority-data": other}, second.admin
    )
    with pytest.raises(TransientError, match=r"(?i)cannot be reached: .*certificate"):
        get_namespaces(connect_file(path))


def test_a_name_that_the_certificate_does_not_have_is_refused(second: SecondCluster) -> None:
    cluster = {**second.trusted, "tls-server-name": "elsewhere.example.com"}
    with pytest.raises(TransientError, match=r"(?i)cannot be reached: .*(certificate|hostname|match)"):
        get_namespaces(connect_file(second.write_kubeconfig("other-name", cluster, second.admin)))


def test_no_authority_means_the_systems_and_never_none(second: SecondCluster) -> None:
    path = second.write_kubeconfig("no-authority", {"server": second.server}, second.admin)
    with pytest.raises(TransientError, match=r"(?i)cannot be reached: .*certificate"):
        get_namespaces(connect_file(path))
    skip = {"server": second.server, "insecure-skip-tls-verify": True}
    with pytest.raises(RefusedError, match="turns off TLS verification"):
        connect_file(second.write_kubeconfig("insecure", skip, second.admin))


def test_another_accounts_rights_are_the_servers_to_say(second: SecondCluster) -> None:
    path = second.write_kubeconfig("nobody", second.trusted, {"token": "no-such-token"})
    with pytest.raises(SyncError, match="does not know these credentials"):
        get_namespaces(connect_file(path))


def test_an_exec_plugin_gives_credentials_only_where_the_machine_allows_it(
    second: SecondCluster, tmp_path: Path
) -> None:
    status = {
        "clientCertificateData": (second.folder / "admin.crt").read_text(),
        "clientKeyData": (second.folder / "admin.key").read_text(),
    }
    api = "client.authentication.k8s.io/v1"
    answer = tmp_path / "credential.json"
    answer.write_text(json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": status}))
    plugin = {"apiVersion": api, "command": "cat", "args": [str(answer)], "interactiveMode": "Never"}
    path = second.write_kubeconfig("exec", second.trusted, {"exec": plugin})
    there = Environment(name="there", namespace="there", allow_exec=True)
    with pytest.raises(RefusedError, match="runs a program to get its credentials"):
        connect_environment(there, ClusterConnection(str(path), "second"))
    there = Environment(name="there", namespace="there")
    connection = ClusterConnection(str(path), "second", allow_exec=True)
    assert get_namespaces(connect_environment(there, connection)) >= 1


def connect_file(path: Path) -> Cluster:
    from towpath.adapters.kubernetes import connect as connect_to

    return connect_to(str(path))


def test_the_account_of_a_pod_is_what_in_cluster_means(
    stack, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The token and authority that the kubelet put into a real pod, used as the pod would."""
    image = f"{stack.registry}/base/busybox"
    digest = read_manifest(f"{image}:1").digest
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    script = f"cat {folder}/token; echo; echo ====; cat {folder}/ca.crt; echo ====; exec sleep 1000"
    container = {"name": "c", "image": f"{image}@{digest}", "command": ["sh", "-c", script]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "inside"}}
    pod["spec"] = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    world.kubectl("apply", "-f", "-", text=json.dumps(pod))
    world.kubectl("wait", "--for=condition=Ready", "pod/inside", "--timeout=90s")
    token, authority, _ = world.kubectl("logs", "inside").split("====")
    (tmp_path / "token").write_text(token.strip())
    (tmp_path / "ca.crt").write_text(authority.strip() + "\n")
    host, _, port = world.cluster.server.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(in_cluster, "SERVICE_ACCOUNT", str(tmp_path))
    environment = Environment(name="in", namespace=world.namespace)
    inside = connect_environment(environment, ClusterConnection("in-cluster"))
    assert inside.server == world.cluster.server
    ref = ObjectRef("", "ConfigMap", world.namespace, "kube-root-ca.crt")
    with pytest.raises(SyncError, match=f"serviceaccount:{world.namespace}:default.* cannot get"):
        inside.get(ref)
    world.kubectl(
        "create", "rolebinding", "v", "--clusterrole=view", f"--serviceaccount={world.namespace}:default"
    )
    assert inside.get(ref)
