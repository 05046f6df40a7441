"""A Helm release becomes an app with its chart, or a clear error and no file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.api_server import ApiServer
from tests.unit.engine.imports.clusters import cluster_of, told
from tests.unit.foreign.helm_records import content, record
from towpath.adapters.kubernetes import Cluster
from towpath.config import parse_config
from towpath.engine.imports.release import import_release
from towpath.errors import ConfigError, RefusedError, TowpathError, UnknownNameError
from towpath.vendor.model import parse_vendor_file

PASSWORD = "hunter2-and-more"
Both = tuple[ApiServer, Cluster]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with cluster_of(tmp_path) as found:
        yield found


def test_a_release_becomes_an_app(both: Both) -> None:
    api, cluster = both
    managers = [{"manager": "helm-controller", "operation": "Apply", "fieldsV1": {"f:data": {}}}]
    live = {"name": "cache", "namespace": "shop", "managedFields": managers}
    api.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": live})
    api.add(record(content(config={"a": 1}), revision=2, status="superseded"))
    api.add(record(content(config={"a": 2, "auth": {"password": PASSWORD}})))
    api.add(record(content(), revision=4, status="failed"))
    made = import_release(cluster, "shop", "cache")
    assert (made.apps, made.environments, made.vendored) == (("cache",), ("shop",), ())
    values = yaml.safe_load(made.files["apps/cache/shop/values.yaml"])
    assert values["a"] == 2
    assert yaml.safe_load(made.files["apps/cache/base/Chart.yaml"])["name"] == "memory"
    config = parse_config(made.files["towpath.yaml"].decode())
    assert config.apps["cache"].renderer == "helm"
    assert config.environment("shop").apps["cache"].take_over == ("helm-controller",)
    assert "`auth.password` looks like a credential" in told(made, "apps/cache/shop/values.yaml")
    assert PASSWORD not in str(made.notes)


def test_hooks_and_what_is_beside_the_namespace_are_told(both: Both) -> None:
    api, cluster = both
    job = {"kind": "Job", "name": "migrate", "path": "m/j.yaml", "events": ["pre-install", "pre-upgrade"]}
    probe = {"kind": "Pod", "name": "try", "path": "m/t.yaml", "events": ["test"]}
    manifest = (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n---\n# nothing\n"
    )
    api.add(record(content(hooks=[job, probe], manifest=manifest)))
    made = import_release(cluster, "shop", "cache")
    notes = [each.message for each in made.notes if each.file == "Helm release cache"]
    always = "of each sync that changes something"
    assert notes == [
        f"the hook Job migrate (pre-install, pre-upgrade) is a pre-sync hook {always}",
        "the hook Pod try (test) has no part in a sync",
    ]
    environment = parse_config(made.files["towpath.yaml"].decode()).environment("shop")
    assert environment.allow_cluster_scoped == ("Namespace", "Namespace/extra")
    assert environment.namespaces == ("other",)
    assert environment.apps["cache"].take_over == ("helm",)
    said = " ".join(each.message for each in made.notes if each.file == "towpath.yaml")
    assert "Namespace/extra" in said
    assert "other namespaces: other" in said


def test_secrets_that_the_chart_names_and_does_not_make_are_no_extras(both: Both) -> None:
    api, cluster = both
    manifest = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: own}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  imagePullSecrets: [{name: registry}]\n"
        "  volumes: [{secret: {secretName: own}}, {secret: {secretName: 'd*'}}]\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: other}\n"
        "spec: {imagePullSecrets: [{name: far}]}\n"
    )
    api.add(record(content(manifest=manifest)))
    made = import_release(cluster, "shop", "cache")
    environment = parse_config(made.files["towpath.yaml"].decode()).environment("shop")
    assert environment.extras == {"Secret/registry": "ignore"}
    assert "is named by the chart, and not made by it" in told(made, "Secret shop/registry")


def test_subcharts_are_vendored(both: Both) -> None:
    api, cluster = both
    needs = [
        {"name": "db", "version": "^1", "repository": "https://charts.example.com", "enabled": True},
        {"name": "queue", "version": "2.0.0", "repository": "oci://r.example.com/charts"},
    ]
    metadata = {"apiVersion": "v2", "name": "memory", "version": "1.2.3", "dependencies": needs}
    shared: dict[str, Any] = {"db": {"password": PASSWORD}}
    lock = {"dependencies": [{"name": "db", "version": "1.0.0"}]}
    api.add(record(content(config=shared, chart={"metadata": metadata, "values": shared, "lock": lock})))
    made = import_release(cluster, "shop", "cache")
    entries = parse_vendor_file(made.files["vendor.yaml"].decode()).vendor
    assert [(each.name, each.path, each.version) for each in entries] == [
        ("cache-db", "apps/cache/base/charts/db", "1.0.0"),
        ("cache-queue", "apps/cache/base/charts/queue", "2.0.0"),
    ]
    assert entries[1].oci == "r.example.com/charts/queue"
    assert made.vendored == ("cache-db", "cache-queue")
    assert "enabled" not in made.files["apps/cache/base/Chart.yaml"].decode()
    assert "`db.password`" in told(made, "apps/cache/base/values.yaml")


@pytest.mark.parametrize(
    "need",
    [
        {"name": "db", "version": "1.0.0", "repository": "file://../db"},
        {"name": "db", "version": "1.0.0"},
        {"name": "db", "alias": "db", "version": "1.0.0", "repository": "https://charts.example.com"},
        {"name": "../db", "version": "1.0.0", "repository": "https://charts.example.com"},
        {"name": "db", "version": "1.0.0", "repository": "https://me:hunter2hunter2@charts.example.com"},
        {"name": "db", "version": "newest", "repository": "https://charts.example.com"},
    ],
)
def test_a_subchart_that_is_nowhere_to_be_had(both: Both, need: dict[str, str]) -> None:
    api, cluster = both
    metadata = {"apiVersion": "v2", "name": "memory", "version": "1.2.3", "dependencies": [need]}
    api.add(record(content(chart={"metadata": metadata})))
    with pytest.raises(ConfigError) as error:
        import_release(cluster, "shop", "cache")
    assert "hunter2" not in str(error.value)


def test_releases_that_are_not_there(both: Both) -> None:
    api, cluster = both
    api.add(record(content(), status="pending-upgrade"))
    with pytest.raises(UnknownNameError, match=r"unknown Helm release 'cach'.*\n?.*Did you mean cache"):
        import_release(cluster, "shop", "cach")
    with pytest.raises(RefusedError, match="3 is pending-upgrade"):
        import_release(cluster, "shop", "cache")
    for name in ("../x", "a,b", "", "A", "x" * 60):
        with pytest.raises(RefusedError, match="is no name of a Helm release"):
            import_release(cluster, "shop", name)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"config": nested(400)},
        {"chart": {"values": nested(400)}},
        {"config": {"a": "\ud800"}},
    ],
)
def test_a_record_that_cannot_be_written_is_an_error(both: Both, changes: dict[str, Any]) -> None:
    api, cluster = both
    api.add(record(content(**changes)))
    with pytest.raises(TowpathError):
        import_release(cluster, "shop", "cache")


@pytest.mark.parametrize("where", ["name: '*'", "name: 'a b/../x'", "name: a, namespace: '*'"])
def test_a_name_that_is_a_pattern_allows_nothing(both: Both, where: str) -> None:
    api, cluster = both
    kind = "ConfigMap" if "namespace" in where else "Namespace"
    api.add(record(content(manifest=f"apiVersion: v1\nkind: {kind}\nmetadata: {{{where}}}\n")))
    made = import_release(cluster, "shop", "cache")
    environment = parse_config(made.files["towpath.yaml"].decode()).environment("shop")
    assert (environment.allow_cluster_scoped, environment.namespaces) == (("Namespace",), ())
    assert [each for each in made.notes if "no API server gives" in each.message]


def test_a_manifest_that_is_no_yaml_is_told(both: Both) -> None:
    api, cluster = both
    api.add(record(content(manifest="{{")))
    made = import_release(cluster, "shop", "cache")
    assert made.apps == ("cache",)
    assert "cannot be read" in told(made, "the manifests of cache")


def test_a_name_that_no_app_may_have(both: Both) -> None:
    api, cluster = both
    api.add(record(content("my.cache"), name="my.cache"))
    made = import_release(cluster, "shop", "my.cache")
    assert made.apps == ("my-cache",)
    assert "names that the chart makes of it change" in told(made, "Helm release my.cache")
