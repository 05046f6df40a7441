"""Where apps run, on the real API server: environments that they leave, namespaces of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap, service
from tests.integration.rights import Recorder, kubeconfig_as
from towpath.adapters.kubernetes import cluster as adapter
from towpath.applyset.prune_file import dump_prune_file
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import look
from towpath.formats.versions import V2
from towpath.kube.rights import RBAC
from towpath.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    with a_fleet(stack.settings, tmp_path) as fleet:
        for name in ("one", "two"):
            fleet.add(name)
        yield fleet


def test_an_app_that_leaves_an_environment_is_told_and_stays_live(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.push()
    fleet.reconcile()
    before = fleet.resource_versions()
    whole = fleet.content()

    def without_two() -> dict[str, str]:
        files = {path: text for path, text in whole.items() if not path.startswith("apps/two/")}
        config = yaml.safe_load(whole["towpath.yaml"])
        config["environments"].append({"name": "other", "namespace": f"{fleet.namespace}-other"})
        config["apps"]["two"]["environments"] = ["other"]
        return files | {"towpath.yaml": yaml.safe_dump(config)}

    monkeypatch.setattr(fleet, "content", without_two)
    fleet.push("two runs elsewhere")
    done = fleet.reconcile()
    assert done.failures == {}
    assert [each.reason for each in done.plan.decisions if each.app == "two"] == ["left Git"]
    assert fleet.resource_versions() == before


@dataclass(frozen=True)
class Spread:
    """What towpath.yaml says of `one`, and further files."""

    config: dict[str, str]
    files: dict[str, str]


@pytest.fixture
def spread(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator["Spread"]:
    """`one` has a namespace of its own, which it declares, and a ConfigMap in a further namespace."""
    home, config = fleet.namespace, {"namespace": f"{fleet.namespace}-one"}
    confirmed: dict[str, str] = {}
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": config["namespace"]}}
    extra = configmap("one-there", A="1")
    extra["metadata"]["namespace"] = f"{home}-more"
    for name in ("one", "two"):  # without images: nothing here waits for a controller
        fleet.apps[name] = [service(name), configmap(f"{name}-settings", A="1")]
    fleet.apps["one"] += [own, extra]
    fleet.environment["namespaces"] = [f"{home}-m*"]
    whole = fleet.content

    def content() -> dict[str, str]:
        files = dict(whole())
        towpath = yaml.safe_load(files["towpath.yaml"])
        towpath["apps"] = {"one": {"renderer": "plain", **config}, "two": {"renderer": "plain"}}
        files = {path: text for path, text in files.items() if not path.endswith("release.yaml")}
        return files | confirmed | {"towpath.yaml": yaml.safe_dump(towpath)}

    monkeypatch.setattr(fleet, "content", content)
    fleet.world.kubectl("create", "namespace", f"{home}-more")
    yield Spread(config, confirmed)
    for name in ("one", "moved", "more"):
        fleet.world.kubectl("delete", "namespace", f"{home}-{name}", "--ignore-not-found", "--wait=false")


def names_in(fleet: Fleet, namespace: str) -> set[str]:
    """Objects of ours there."""
    kinds = "deployment,service,configmap"
    text = fleet.world.kubectl(
        *("-n", namespace, "get", kinds, "-l", "towpath.dev/environment=test", "-o", "json")
    )
    return {each["metadata"]["name"] for each in json.loads(text)["items"]}


def test_an_app_runs_in_its_own_namespace_and_in_one_that_it_names(fleet: Fleet, spread: Spread) -> None:
    home = fleet.namespace
    fleet.push()
    done = fleet.reconcile()
    assert done.failures == {}
    assert names_in(fleet, f"{home}-one") == {"one", "one-settings"}
    assert names_in(fleet, f"{home}-more") == {"one-there"}
    inventories = {"towpath-inventory-one", "towpath-inventory-two"}
    assert names_in(fleet, home) == {"two", "two-settings"} | inventories
    again = fleet.reconcile()
    assert (again.outcomes, again.plan.drift.entries, fleet.lines) == ((), (), [])


def test_drift_and_extras_of_its_namespaces_are_found(fleet: Fleet, spread: Spread) -> None:
    home = fleet.namespace
    fleet.push()
    fleet.reconcile()
    kubectl = fleet.world.kubectl
    for name in ("one", "more"):
        kubectl("-n", f"{home}-{name}", "create", "configmap", "by-hand")
    kubectl("-n", f"{home}-one", "delete", "service", "one")
    kubectl("-n", f"{home}-more", "patch", "configmap", "one-there", "-p", '{"data": {"A": "2"}}')
    found = fleet.look().drift
    assert {(each.kind, each.ref.namespace, each.ref.name) for each in found.entries} == {
        ("deleted", f"{home}-one", "one"),
        ("modified", f"{home}-more", "one-there"),
        ("extra", f"{home}-one", "by-hand"),  # the other namespace is not the environment's alone
    }
    assert fleet.reconcile().failures == {}
    assert {each.kind for each in fleet.look().drift.entries} == {"extra"}


def test_a_namespace_that_nobody_makes_is_told_before_anything_is_written(
    fleet: Fleet, spread: Spread
) -> None:
    fleet.apps["one"] = [each for each in fleet.apps["one"] if each["kind"] != "Namespace"]
    fleet.push()
    done = fleet.reconcile()
    assert f"namespace {fleet.namespace}-one does not exist" in done.failures["one"]
    assert names_in(fleet, f"{fleet.namespace}-more") == set()


def test_an_app_moves_to_another_namespace_without_a_deletion_unasked(fleet: Fleet, spread: Spread) -> None:
    home = fleet.namespace
    fleet.push()
    fleet.reconcile()
    fleet.apps["one"][2]["metadata"]["name"] = spread.config["namespace"] = f"{home}-moved"
    fleet.push("Move")
    done = fleet.reconcile()
    assert f"Namespace {home}-one" in done.failures["one"]
    assert names_in(fleet, f"{home}-one") == {"one", "one-settings"}
    owned = done.plan.inspection.inventories["one"].objects
    old = [(each.ref, each.uid) for each in owned if f"{home}-one" in (each.ref.namespace, each.ref.name)]
    namespace = [each for each in old if each[0].kind == "Namespace"]
    spread.files["apps/one/test/prune.yaml"] = dump_prune_file(namespace, V2, "it moves")
    fleet.push("Confirm the namespace alone")
    done = fleet.reconcile()
    assert f"ConfigMap {home}-one/one-settings (now in {home}-moved)" in done.failures["one"]
    assert names_in(fleet, f"{home}-one") == {"one", "one-settings"}
    spread.files["apps/one/test/prune.yaml"] = dump_prune_file(old, V2, "it moves")
    fleet.push("Confirm all of it")
    done = fleet.reconcile()
    assert done.failures == {}
    assert names_in(fleet, f"{home}-moved") == {"one", "one-settings"}
    live = fleet.world.find("namespace", f"{home}-one")
    assert live is None or "deletionTimestamp" in live["metadata"]


@pytest.fixture
def reader(fleet: Fleet) -> Iterator[Settings]:
    """The connection of an account that may read the whole cluster."""
    name = f"{fleet.namespace}-reader"
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name}}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": name}]
    objects = (
        {**head, "kind": "ClusterRole", "rules": rules},
        {**head, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": subjects},
    )
    fleet.world.kubectl("apply", "-f", "-", text="\n---\n".join(map(json.dumps, objects)))
    file = fleet.folder / "reader.json"
    file.write_text(kubeconfig_as(fleet.world, **{"as": name}))
    yield replace(fleet.settings, kubeconfig=str(file))
    fleet.world.kubectl("delete", "clusterrole,clusterrolebinding", name)


def test_an_account_of_the_whole_cluster_asks_once_for_each_kind(
    fleet: Fleet, spread: Spread, reader: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = fleet.namespace
    fleet.push()
    fleet.reconcile()
    fleet.world.kubectl("-n", f"{home}-one", "delete", "service", "one")
    recorder = Recorder()
    monkeypatch.setattr(adapter, "Wire", recorder.wire())
    found = look(open_context(reader, "test"), None)
    assert [str(each.ref) for each in found.drift.entries] == [f"Service {home}-one/one"]
    assert recorder.refused() == set()
    whole = [each for each in recorder.used if "labelSelector" not in each.request.query]
    lists = [right for each in whole for right in each.rights if right.verb == "list"]
    places: dict[str, list[str]] = {}
    for each in lists:
        places.setdefault(each.resource, []).append(each.namespace)
    secrets = places.pop("secrets")
    assert {"configmaps", "services", "deployments", "roles"} <= places.keys()
    assert {resource: each for resource, each in places.items() if each != [""]} == {}
    assert sorted(secrets) == [home, f"{home}-one"], "those of others are not read"
