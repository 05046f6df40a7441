"""What people own in a namespace becomes a plain app; the rest is told, and no path leads out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.api_server import ApiServer
from tests.unit.engine.imports.clusters import cluster_of, told
from towpath.adapters.kubernetes import Cluster
from towpath.config import parse_config
from towpath.engine.imports import namespace as module
from towpath.engine.imports.namespace import import_namespace
from towpath.engine.imports.write import write_new
from towpath.errors import RefusedError, TooLargeError, UnknownNameError
from towpath.objects import Manifest

PASSWORD = "hunter2-and-more"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[ApiServer, Cluster]]:
    with cluster_of(tmp_path) as found:
        yield found


@pytest.fixture
def api(both: tuple[ApiServer, Cluster]) -> ApiServer:
    return both[0]


@pytest.fixture
def cluster(both: tuple[ApiServer, Cluster]) -> Cluster:
    return both[1]


def manifest(kind: str, name: str, api_version: str = "v1", **content: Any) -> Manifest:
    metadata = {"name": name, "namespace": "shop", **content.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def test_what_people_own_becomes_a_plain_app(api: ApiServer, cluster: Cluster) -> None:
    owner = {"ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "1"}]}
    helm = [{"manager": "helm", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}}]
    api.add(
        manifest("ConfigMap", "settings", data={"a": "1e3", "b": "x\ny\n"}, metadata={"managedFields": helm}),
        manifest("ConfigMap", "kube-root-ca.crt", data={"ca": "x"}),
        manifest("ReplicaSet", "web-1", "apps/v1", metadata=owner),
        manifest("Deployment", "web", "apps/v1", spec={"replicas": 2}, status={"replicas": 2}),
        manifest("Event", "web.1"),
    )
    made = import_namespace(cluster, "shop")
    assert (made.apps, made.environments, made.notes) == (("shop",), ("shop",), ())
    folder = "apps/shop/shop"
    assert sorted(made.files) == [
        f"{folder}/configmap-settings.yaml",
        f"{folder}/deployment-web.yaml",
        "towpath.yaml",
    ]
    assert yaml.safe_load(made.files[f"{folder}/configmap-settings.yaml"]) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"a": "1e3", "b": "x\ny\n"},
    }
    config = parse_config(made.files["towpath.yaml"].decode())
    assert config.apps["shop"].renderer == "plain"
    assert config.environment("shop").namespace == "shop"
    assert config.environment("shop").apps["shop"].take_over == ("helm",)


def test_secrets_are_told_and_never_written(api: ApiServer, cluster: Cluster) -> None:
    last = json.dumps({"kind": "Secret", "stringData": {"password": PASSWORD}})
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": last}
    api.add(
        manifest("Secret", "db", stringData={"password": PASSWORD}, metadata={"annotations": annotations}),
        manifest("ConfigMap", "settings", data={"DB_PASSWORD": PASSWORD}),
    )
    made = import_namespace(cluster, "shop")
    assert "never written to Git" in told(made, "Secret shop/db")
    assert "is no extra by `extras`" in told(made, "Secret shop/db")
    environment = parse_config(made.files["towpath.yaml"].decode()).environment("shop")
    assert environment.extras == {"Secret/db": "ignore"}
    assert environment.extras_mode_of("", "Secret", "other") == "report"
    assert not any("secret-db" in path for path in made.files)
    assert PASSWORD not in str(made.notes)
    assert "look like credentials" in told(made, "apps/shop/shop/configmap-settings.yaml")
    assert not [each for each in api.requests if each.startswith("GET") and each.endswith("/secrets/db")]


def test_what_is_left_out_is_told(api: ApiServer, cluster: Cluster) -> None:
    api.add(
        manifest("Pod", "shell"),
        manifest("Job", "once", "batch/v1", status={"conditions": [{"type": "Complete", "status": "True"}]}),
        manifest("ConfigMap", "ours", metadata={"labels": {"applyset.kubernetes.io/part-of": "applyset-x"}}),
        manifest("ConfigMap", "leaving", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        manifest("Secret", "sh.helm.release.v1.cache.v3"),
        manifest("ConfigMap", "cache", metadata={"annotations": {"meta.helm.sh/release-name": "cache"}}),
        manifest("ConfigMap", "gone", metadata={"annotations": {"meta.helm.sh/release-name": "gone"}}),
        manifest("PersistentVolumeClaim", "data-db-0"),
        manifest(
            "StatefulSet", "db", "apps/v1", spec={"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
        ),
    )
    api.forbidden.add("services")
    made = import_namespace(cluster, "shop")
    assert {each for each in made.files if each.startswith("apps/")} == {
        "apps/shop/shop/configmap-gone.yaml",
        "apps/shop/shop/statefulset-db.yaml",
    }
    assert "runs by itself" in told(made, "Pod shop/shell")
    assert "has ended" in told(made, "Job shop/once")
    environment = parse_config(made.files["towpath.yaml"].decode()).environment("shop")
    assert environment.extras == {"Job/once": "ignore"}
    assert "another ApplySet (applyset-x)" in told(made, "ConfigMap shop/ours")
    assert "being deleted" in told(made, "ConfigMap shop/leaving")
    assert "its 1 object is not carried over" in told(made, "Helm release cache")
    assert "may not be listed" in told(made, "Service (v1)")
    assert len(made.notes) == 6


def test_a_secret_whose_name_is_a_pattern_hides_no_other(api: ApiServer, cluster: Cluster) -> None:
    api.objects["/api/v1/namespaces/shop/secrets/x"] = manifest("Secret", "d*", metadata={"uid": "1"})
    api.add(manifest("ConfigMap", "settings", data={}))
    made = import_namespace(cluster, "shop")
    assert "never written to Git" in told(made, "Secret shop/d*")
    assert parse_config(made.files["towpath.yaml"].decode()).environment("shop").extras == {"*": "report"}


@pytest.mark.parametrize("name", ["../../outside", "..", "a/b", "x\x1b[2Jy", "a\nb", "%2e%2e"])
def test_a_name_that_leads_elsewhere_is_told(
    api: ApiServer, cluster: Cluster, tmp_path: Path, name: str
) -> None:
    api.objects["/api/v1/namespaces/shop/configmaps/x"] = manifest("ConfigMap", name, metadata={"uid": "1"})
    api.add(manifest("ConfigMap", "system:a", data={}), manifest("ConfigMap", "system.a", data={}))
    made = import_namespace(cluster, "shop")
    assert [each for each in made.notes if "no API server gives" in each.message]
    assert all(str(each).isprintable() for each in made.notes)
    write_new(tmp_path / "new", made.files)
    assert sorted(path.name for path in (tmp_path / "new").rglob("*.yaml")) == [
        "configmap-system-a-2.yaml",
        "configmap-system-a.yaml",
        "towpath.yaml",
    ]


def test_what_cannot_be_written_is_told(api: ApiServer, cluster: Cluster) -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    api.add(
        manifest("ConfigMap", "deep", data=deep),
        manifest("ConfigMap", "surrogate", data={"a": "\ud800"}),
        manifest("ConfigMap", "huge", data={"a": "x" * 9_000_000}),
        manifest("ConfigMap", "control", data={"a": "\x00\x1b]0;x\x07\u202e"}),
    )
    made = import_namespace(cluster, "shop")
    (path,) = (each for each in made.files if each.startswith("apps/"))
    assert path.endswith("configmap-control.yaml")
    assert made.files[path].decode().replace("\n", "").replace("\u202e", "").isprintable()
    for name in ("deep", "surrogate", "huge"):
        assert "cannot be written" in told(made, f"ConfigMap shop/{name}")


def test_wrong_namespaces_and_too_many_objects(
    api: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="unknown namespace 'other'"):
        import_namespace(cluster, "other")
    for name in ("../x", "Shop", "", "x" * 64):
        with pytest.raises(RefusedError, match="is no name of a namespace"):
            import_namespace(cluster, name)
    made = import_namespace(cluster, "shop")
    assert (made.files, made.apps) == ({}, ())
    monkeypatch.setattr(module, "MAX_OBJECTS", 2)
    api.add(*(manifest("ConfigMap", f"a{number}") for number in range(3)))
    with pytest.raises(TooLargeError, match="namespace shop: has more than 2 objects"):
        import_namespace(cluster, "shop")


def test_an_account_that_may_not_read_the_namespace_itself(api: ApiServer, cluster: Cluster) -> None:
    api.forbidden.add("namespaces")
    api.add(manifest("ConfigMap", "a"))
    assert import_namespace(cluster, "shop").apps == ("shop",)
