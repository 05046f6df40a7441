"""The same edits on every built-in kind: each found, attributed and healed, and nothing else touched."""

import json
from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World
from towpath.fields.canonical import without_server_fields
from towpath.objects import Manifest, ref_of

pytestmark = pytest.mark.integration

PODS = deployment()["spec"]["template"]
SELECTED = {"selector": {"matchLabels": {"app": "hello"}}, "template": PODS}
ONCE = {**PODS, "spec": {**PODS["spec"], "restartPolicy": "Never"}}
RBAC = "rbac.authorization.k8s.io/v1"
TARGET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "kind-statefulset"}
LOADED = "services.loadbalancers"
RULES = [
    {
        "http": {
            "paths": [
                {
                    "path": "/",
                    "pathType": "Prefix",
                    "backend": {"service": {"name": "x", "port": {"number": 80}}},
                }
            ]
        }
    }
]


def thing(api_version: str, kind: str, **fields: Any) -> Manifest:
    metadata = {"name": f"kind-{kind.lower()}", "labels": {"tier": "web"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def named(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {"name": f"kind-{manifest['kind'].lower()}", "labels": {"tier": "web"}}}


KINDS: dict[str, tuple[Manifest, str, Any]] = {
    # the object, and what an owned field is changed to
    "ConfigMap": (named(configmap("x", A="1")), "/data/A", "2"),
    "Secret": (named(secret("x", T="s3cret-value")), "/data/T", "b3RoZXI="),
    "Service": (named(service()), "/spec/ports/0/targetPort", 9090),
    "ServiceAccount": (
        thing("v1", "ServiceAccount", automountServiceAccountToken=False),
        "/automountServiceAccountToken",
        True,
    ),
    "Deployment": (named(deployment()), "/spec/replicas", 1),
    "StatefulSet": (
        thing("apps/v1", "StatefulSet", spec={"serviceName": "x", "replicas": 0, **SELECTED}),
        "/spec/replicas",
        1,
    ),
    "DaemonSet": (
        thing("apps/v1", "DaemonSet", spec={**SELECTED, "minReadySeconds": 5}),
        "/spec/minReadySeconds",
        9,
    ),
    "ReplicaSet": (thing("apps/v1", "ReplicaSet", spec={"replicas": 0, **SELECTED}), "/spec/replicas", 1),
    "Job": (
        thing("batch/v1", "Job", spec={"suspend": True, "backoffLimit": 2, "template": ONCE}),
        "/spec/backoffLimit",
        3,
    ),
    "CronJob": (
        thing(
            "batch/v1",
            "CronJob",
            spec={"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": ONCE}}},
        ),
        "/spec/schedule",
        "0 0 2 1 *",
    ),
    "Ingress": (
        thing("networking.k8s.io/v1", "Ingress", spec={"rules": RULES}),
        "/spec/rules/0/http/paths/0/path",
        "/x",
    ),
    "NetworkPolicy": (
        thing("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {"matchLabels": {"app": "a"}}}),
        "/spec/podSelector/matchLabels/app",
        "b",
    ),
    "Role": (named(role()), "/rules/0/verbs", ["get", "list"]),
    "RoleBinding": (
        thing(
            RBAC,
            "RoleBinding",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kind-role"},
            subjects=[{"kind": "ServiceAccount", "name": "kind-serviceaccount"}],
        ),
        "/subjects/0/name",
        "default",
    ),
    "PodDisruptionBudget": (
        thing(
            "policy/v1",
            "PodDisruptionBudget",
            spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "q"}}},
        ),
        "/spec/minAvailable",
        2,
    ),
    "HorizontalPodAutoscaler": (
        thing(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={"maxReplicas": 2, "scaleTargetRef": {**TARGET, "name": "none"}},
        ),
        "/spec/maxReplicas",
        3,
    ),
    "ResourceQuota": (
        thing("v1", "ResourceQuota", spec={"hard": {LOADED: "5"}}),
        f"/spec/hard/{LOADED}",
        "6",
    ),
    "LimitRange": (
        thing("v1", "LimitRange", spec={"limits": [{"type": "Container", "default": {"cpu": "1"}}]}),
        "/spec/limits/0/default/cpu",
        "2",
    ),
    "PersistentVolumeClaim": (
        thing(
            "v1",
            "PersistentVolumeClaim",
            spec={
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "none",
                "resources": {"requests": {"storage": "1Mi"}},
            },
        ),
        "",
        None,
    ),
}


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    module_world.objects = [manifest for manifest, _, _ in KINDS.values()]
    module_world.sync()
    assert module_world.drift().entries == ()
    return module_world


def edits(kind: str) -> dict[str, tuple[list[dict[str, Any]], str]]:
    """JSON patches, each with the pointer that must be told."""
    _, at, value = KINDS[kind]
    tier, x = "/metadata/labels/tier", "/metadata/annotations"
    found: dict[str, tuple[list[dict[str, Any]], str]] = {
        "label overwritten": ([{"op": "replace", "path": tier, "value": "db"}], tier),
        "label removed": ([{"op": "remove", "path": tier}], tier),
        "label added": ([{"op": "add", "path": "/metadata/labels/x", "value": "y"}], "/metadata/labels/x"),
        "annotation added": ([{"op": "add", "path": x, "value": {"x": "y"}}], f"{x}/x"),
    }
    if at:
        found["field changed"] = ([{"op": "replace", "path": at, "value": value}], at)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_edit_is_found_attributed_and_healed_and_nothing_else_is_touched(
    world: World, kind: str
) -> None:
    ref = next(ref_of(each) for each in world.rendered.objects if each["kind"] == kind)
    clean = world.cluster.get(ref)
    assert clean
    for edit, (patched, at) in edits(kind).items():
        operations = patched
        if edit == "annotation added" and clean["metadata"].get("annotations"):
            operations = [{"op": "add", "path": "/metadata/annotations/x", "value": "y"}]
        others = {name: version for name, version in world.versions().items() if kind not in name}
        world.cluster.json_patch(ref, operations, field_manager="kubectl-edit")
        [entry] = world.drift().entries
        assert (entry.ref, entry.kind) == (ref, "modified"), edit
        told = [each.pointer for each in entry.differences]
        assert any(each == at or at.startswith(f"{each}/") or each.startswith(f"{at}/") for each in told), (
            edit,
            told,
        )
        if edit != "label removed":  # nobody owns a field that is gone
            assert "kubectl-edit" in {each.manager for each in entry.managers}, edit
        assert [str(each.result) for each in world.sync().changes] == ["configured"], edit
        live = world.cluster.get(ref)
        assert live
        assert without_server_fields(live) == without_server_fields(clean), edit
        assert world.drift().entries == ()
        left = {name: version for name, version in world.versions().items() if kind not in name}
        left.pop("inventory"), others.pop("inventory")
        assert left == others, edit
    before = world.versions()
    world.sync()
    assert world.versions() == before


@pytest.mark.parametrize("kind", KINDS)
def test_wiped_owners_and_deletion_are_found_and_healed(world: World, kind: str) -> None:
    ref = next(ref_of(each) for each in world.rendered.objects if each["kind"] == kind)
    wiped = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    world.cluster.json_patch(ref, wiped, field_manager="kubectl-edit")
    [entry] = world.drift().entries
    assert (entry.ref, entry.kind) == (ref, "modified")
    world.sync()
    assert world.drift().entries == ()
    world.kubectl("delete", kind, ref.name, "--cascade=orphan", "--wait=true")
    [entry] = world.drift().entries
    assert (entry.ref, entry.kind) == (ref, "deleted")
    world.sync()
    assert world.drift().entries == ()
    before = world.versions()
    world.sync()
    assert world.versions() == before
    assert json.dumps(world.live(kind, ref.name))
