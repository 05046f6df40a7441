"""Fields that Kubernetes' own controllers fill: they are left, while all else of the app goes on."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest

from tests.integration.manifests import configmap, service
from tests.integration.world import World
from towpath.engine.apply.foreign_fields import AppliedBefore
from towpath.engine.live.app_state import owner_of
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import EarlierApp
from towpath.errors import SyncError
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


def before(world: World) -> AppliedBefore:
    old = EarlierApp(world.rendered, world.environment)
    return lambda commit: old if commit == "c" * 40 else None


def waited(made: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not made() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert made()


@pytest.fixture
def name(world: World) -> Iterator[str]:
    """A name that nothing else of the cluster has; cluster-scoped objects of this name are deleted."""
    name = f"towpath-{uuid.uuid4().hex[:8]}"
    world.settings["allowClusterScoped"] = ["ClusterRole"]
    yield name
    for kind in ("clusterrole", "storageclass", "persistentvolume"):
        world.kubectl("delete", kind, name, f"{name}-part", "--ignore-not-found", "--wait=false")


def role(name: str, rules: list[Manifest] | None, **more: object) -> Manifest:
    metadata = {"name": name}
    made = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, **more}
    return made if rules is None else {**made, "rules": rules}


RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}


@pytest.mark.parametrize("rules", [None, [], [RULE]], ids=["none", "empty", "a placeholder"])
def test_rules_of_an_aggregated_role_are_the_controllers(
    world: World, name: str, rules: list[Manifest] | None
) -> None:
    labels = {f"{name}/aggregate": "yes"}
    whole = role(name, rules, aggregationRule={"clusterRoleSelectors": [{"matchLabels": labels}]})
    world.objects = [whole, configmap("beside", A="1")]
    world.sync()
    part = role(f"{name}-part", [{**RULE, "verbs": ["list"]}])
    part["metadata"]["labels"] = labels
    world.kubectl("create", "-f", "-", text=json.dumps(part))
    waited(lambda: "list" in json.dumps(world.live("clusterrole", name).get("rules")))
    assert world.drift().entries == ()
    earlier = before(world)
    whole["metadata"]["labels"] = {"new": "yes"}
    world.objects[1]["data"]["A"] = "2"
    assert [each.action for each in world.plan(applied_before=earlier).entries] == ["configure", "configure"]
    assert len(world.sync(applied_before=earlier).changes) == 2
    live = world.live("clusterrole", name)
    assert (live["metadata"]["labels"]["new"], "list" in json.dumps(live["rules"])) == ("yes", True)
    assert world.sync(commit="d" * 40).changes == ()


def volume(name: str, namespace: str) -> list[Manifest]:
    """A class whose claims may grow, and a volume for the claim `data` of the namespace."""
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "example.com/none",
            "allowVolumeExpansion": True,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "storageClassName": name,
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/nonexistent"},
                "claimRef": {"namespace": namespace, "name": "data"},
            },
        },
    ]


def claim(name: str, storage: str = "1Gi") -> Manifest:
    spec = {
        "storageClassName": name,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}


@pytest.fixture
def grown(world: World, name: str) -> World:
    """An app with a claim of 1Gi in Git, which a resizer has made 2Gi."""
    manifests = {"apiVersion": "v1", "kind": "List", "items": volume(name, world.namespace)}
    world.kubectl("create", "-f", "-", text=json.dumps(manifests))
    world.objects = [claim(name), configmap("beside", A="1")]
    world.sync()
    waited(lambda: world.live("pvc", "data")["status"]["phase"] == "Bound")
    patch = json.dumps({"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    world.kubectl("patch", "pvc", "data", "--type=merge", "-p", patch, "--field-manager=pvc-resizer")
    return world


def storage(world: World) -> str:
    requested: str = world.live("pvc", "data")["spec"]["resources"]["requests"]["storage"]
    return requested


LEFT = "1 field left to pvc-resizer"


def test_a_claim_that_a_resizer_has_grown_stays_and_the_rest_goes_on(grown: World) -> None:
    [entry] = grown.drift().entries
    assert (entry.left_to, [each.pointer for each in entry.differences]) == (
        LEFT,
        ["/spec/resources/requests/storage"],
    )
    earlier = before(grown)
    grown.objects[0]["metadata"]["labels"] = {"new": "yes"}
    grown.objects[1]["data"]["A"] = "2"
    assert grown.sync(applied_before=earlier).summary().endswith(f"; {LEFT}")
    assert (storage(grown), grown.live("pvc", "data")["metadata"]["labels"]["new"]) == ("2Gi", "yes")
    assert grown.live("configmap", "beside")["data"] == {"A": "2"}


def test_a_claim_that_git_grows_beside_a_resizer_fails_alone(grown: World) -> None:
    earlier = before(grown)
    grown.objects[0]["spec"]["resources"]["requests"]["storage"] = "3Gi"
    grown.objects[1]["data"]["A"] = "2"
    with pytest.raises(SyncError, match=r"Git changes fields .*storage \(pvc-resizer\)"):
        grown.sync(applied_before=earlier)
    assert (storage(grown), grown.live("configmap", "beside")["data"]) == ("2Gi", {"A": "2"})


def test_the_deep_check_tells_a_left_field_as_the_usual_one_does(grown: World) -> None:
    """The hourly dry run of every object, also of those whose metadata look as after the last apply."""
    usual, deep = (
        inspect(grown.cluster, grown.environment, [grown.rendered], commit="c" * 40, deep=deep).report
        for deep in (False, True)
    )
    assert deep == usual
    grown.sync()
    found = inspect(grown.cluster, grown.environment, [grown.rendered], deep=True)
    [entry] = found.report.entries
    assert (entry.left_to, storage(grown)) == (LEFT, "2Gi")
    versions = grown.versions()
    done = grown.apply(app_state=found.state_of(owner_of(grown.rendered)))
    assert (done.changes, done.summary()) == ((), f"hello in test: 2 unchanged; {LEFT}")
    assert grown.versions() == versions, "neither the claim nor the inventory was written"


def test_the_deep_check_finds_an_edit_beside_a_left_field(grown: World) -> None:
    patch = json.dumps({"metadata": {"labels": {"towpath.dev/app": grown.app, "added": "by-hand"}}})
    grown.kubectl("patch", "pvc", "data", "--type=merge", "-p", patch, "--field-manager=kubectl-edit")
    found = inspect(grown.cluster, grown.environment, [grown.rendered], deep=True)
    [entry] = found.report.entries
    assert (entry.left_to, "/metadata/labels/added" in [each.pointer for each in entry.differences]) == (
        "",
        True,
    )
    done = grown.apply(app_state=found.state_of(owner_of(grown.rendered)))
    assert done.summary().endswith(f"; {LEFT}")
    assert "added" not in grown.live("pvc", "data")["metadata"]["labels"]
    assert storage(grown) == "2Gi"


def test_what_the_server_and_its_controllers_give_a_service_is_nobodys_conflict(world: World) -> None:
    made = service("web")
    made["spec"]["type"] = "LoadBalancer"
    world.objects = [made]
    world.sync()
    status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}})
    manager = "--field-manager=cloud-controller-manager"
    world.kubectl("patch", "svc", "web", "--subresource=status", "--type=merge", "-p", status, manager)
    finalizer = json.dumps(
        {"metadata": {"finalizers": ["example.com/load-balancer"], "annotations": {"lb": "7"}}}
    )
    world.kubectl("patch", "svc", "web", "--type=merge", "-p", finalizer, manager)
    address = world.live("svc", "web")["spec"]["clusterIP"]
    assert world.drift().entries == ()
    made["metadata"]["labels"] = {"new": "yes"}
    later = deepcopy(made)
    assert world.sync().summary().endswith("1 configured")
    live = world.live("svc", "web")
    assert (live["spec"]["clusterIP"], live["metadata"]["annotations"]["lb"]) == (address, "7")
    world.objects = [later]
    assert world.sync().changes == ()
    world.kubectl("patch", "svc", "web", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
