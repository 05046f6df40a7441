"""Fields that cannot change, kind by kind on the real API server: the error names object and field."""

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, secret, service
from tests.integration.world import World
from towpath.applyset.prune import PROTECTED_KINDS
from towpath.errors import SyncError
from towpath.objects import Manifest

pytestmark = pytest.mark.integration

RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    module_world.settings["allowClusterScoped"] = ["Namespace", "StorageClass", "CustomResourceDefinition"]
    return module_world


def statefulset(_: World) -> Manifest:
    spec = {**deployment("set")["spec"], "serviceName": "one"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set"}, "spec": spec}


def daemonset(_: World) -> Manifest:
    made = {**deployment("daemon"), "kind": "DaemonSet"}
    del made["spec"]["replicas"]
    made["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such-node"}
    return made


def job(_: World) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "127.0.0.1:5000/a:1"}]}
    spec = {"suspend": True, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec}


def claim(_: World) -> Manifest:
    resources = {"requests": {"storage": "1Mi"}}
    spec = {"storageClassName": "none", "accessModes": ["ReadWriteOnce"], "resources": resources}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}


def binding(_: World) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "binding"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "one"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "nobody"}],
    }


def storage_class(world: World) -> Manifest:
    about = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": world.namespace}}
    return {**about, "provisioner": "example.com/one", "parameters": {"a": "1"}}


def pod(_: World) -> Manifest:
    container = {"name": "c", "image": "127.0.0.1:5000/a:1", "env": [{"name": "A", "value": "1"}]}
    spec = {"nodeSelector": {"no": "such-node"}, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}


def fixed_configmap(_: World) -> Manifest:
    return {**configmap("fixed", A="1", B="1"), "immutable": True}


def fixed_secret(_: World) -> Manifest:
    return {**secret("fixed", TOKEN="canary-one"), "immutable": True}


Change = tuple[tuple[str | int, ...], Any]
IMMUTABLE: dict[str, tuple[Callable[[World], Manifest], list[Change], list[str]]] = {
    # kind: (manifest, what Git changes, the fields that the error names)
    "StatefulSet": (statefulset, [(("spec", "serviceName"), "two")], ["spec.serviceName"]),
    "StatefulSet, with a field that may change": (
        statefulset,
        [(("spec", "replicas"), 1), (("spec", "podManagementPolicy"), "Parallel")],
        ["spec.podManagementPolicy"],
    ),
    "Job template": (
        job,
        [(("spec", "template", "spec", "containers", 0, "image"), "127.0.0.1:5000/a:2")],
        ["spec.template.spec.containers[0].image"],
    ),
    "Service clusterIP": (
        lambda _: service("svc"),
        [(("spec", "clusterIP"), "None")],
        ["spec.clusterIPs"],
    ),
    "PersistentVolumeClaim": (claim, [(("spec", "storageClassName"), "two")], ["spec.storageClassName"]),
    "PersistentVolumeClaim that shrinks": (
        claim,
        [(("spec", "resources", "requests", "storage"), "500Ki")],
        ["spec.resources.requests.storage"],
    ),
    "Deployment selector": (
        lambda _: deployment(),
        [
            (("spec", "selector", "matchLabels"), {"app": "hello", "x": "y"}),
            (("spec", "template", "metadata", "labels"), {"app": "hello", "x": "y"}),
        ],
        ["spec.selector.matchLabels.x"],
    ),
    "DaemonSet selector": (
        daemonset,
        [
            (("spec", "selector", "matchLabels"), {"app": "two"}),
            (("spec", "template", "metadata", "labels"), {"app": "two"}),
        ],
        ["spec.selector.matchLabels.app"],
    ),
    "RoleBinding roleRef": (binding, [(("roleRef", "name"), "two")], ["roleRef.name"]),
    "StorageClass parameters": (storage_class, [(("parameters", "a"), "2")], ["parameters.a"]),
    "StorageClass provisioner": (storage_class, [(("provisioner",), "example.com/two")], ["provisioner"]),
    "StorageClass volumeBindingMode": (
        storage_class,
        [(("volumeBindingMode",), "WaitForFirstConsumer")],
        ["volumeBindingMode"],
    ),
    "Pod": (
        pod,
        [(("spec", "containers", 0, "env", 0, "value"), "2")],
        ["spec.containers[0].env[0].value"],
    ),
    "immutable ConfigMap": (fixed_configmap, [(("data", "A"), "2")], ["data.A"]),
    "immutable ConfigMap, key removed": (fixed_configmap, [(("data",), {"A": "1"})], ["data.B"]),
    "immutable Secret": (fixed_secret, [(("stringData", "TOKEN"), "canary-two")], ["data.TOKEN"]),
}


@pytest.mark.parametrize("case", IMMUTABLE)
def test_the_error_names_object_and_field(world: World, case: str) -> None:
    make, changes, fields = IMMUTABLE[case]
    world.app = "".join(c for c in case.lower() if c.isalnum())
    world.objects = [make(world)]
    kind, name = world.objects[0]["kind"], world.objects[0]["metadata"]["name"]
    try:
        world.sync()
        world.objects = [changed(world.objects[0], changes)]
        refused(world, kind, name, fields)
    finally:
        world.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


def refused(world: World, kind: str, name: str, fields: list[str]) -> None:
    with pytest.raises(SyncError) as caught:
        world.sync()
    message = caught.value.message
    assert f"{kind} " in message
    assert f"{name}: " in message
    for field in fields:
        assert field in message, message
    assert len(message) < 800, "no whole template or object"
    assert "canary" not in message
    advised = "towpath.dev/recreate: allowed" in (caught.value.remedy or "")
    assert advised is (kind not in PROTECTED_KINDS)
    assert "out of Git" in (caught.value.remedy or "")
    [entry] = [each for each in world.plan().entries if each.ref.kind == kind]
    assert entry.action == "skip"
    assert all(field in entry.reason for field in fields), entry.reason


def changed(manifest: Manifest, changes: list[Change]) -> Manifest:
    manifest = copy.deepcopy(manifest)
    for path, value in changes:
        at: Any = manifest
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    return manifest


RULES = {
    "engine": {"rule": "self == oldSelf"},
    "size": {"rule": "self == oldSelf", "message": "Value is immutable"},
    "zone": {"rule": "self == oldSelf", "message": "zone cannot be changed"},
}


def test_fields_that_a_definitions_rules_fix(world: World) -> None:
    group = f"{world.namespace}.example.com"
    fields = {name: {"type": "string", "x-kubernetes-validations": [rule]} for name, rule in RULES.items()}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "boats", "kind": "Boat", "singular": "boat", "listKind": "BoatList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    crd["metadata"] = {"name": f"boats.{group}"}
    boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "one"}}
    boat["spec"] = dict.fromkeys(RULES, "a")
    world.app, world.objects = "boats", [crd, boat]
    try:
        world.sync()
        for name in RULES:
            world.objects[1] = changed(boat, [(("spec", name), "b")])
            refused(world, "Boat", "one", [f"spec.{name}"])
        world.objects[1] = changed(boat, [(("spec", "engine"), "b")])
        world.objects[1]["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
        assert [each.message for each in world.sync().changes] == [
            f'recreated: Boat.{group} "one" is invalid: spec.engine: Invalid value: "b":'
            " failed rule: self == oldSelf"
        ]
        assert world.live(f"boats.{group}", "one")["spec"]["engine"] == "b"
    finally:
        world.kubectl("delete", "crd", f"boats.{group}", "--ignore-not-found", "--wait=false")


POLICIES: dict[str, tuple[Callable[[World], Manifest], Change, dict[str, Any]]] = {
    # what the policy says could be taken for the server's words about an immutable field
    "a limit on replicas": (
        lambda _: deployment(),
        (("spec", "replicas"), 9),
        {
            "expression": "object.spec.replicas <= 5",
            "message": "replicas must not be changed to more than 5 here",
        },
    ),
    "a value of a ConfigMap": (
        lambda _: configmap("plain", A="1"),
        (("data", "A"), "2"),
        {"expression": "!('A' in object.data) || object.data.A == '1'", "message": "field is immutable"},
    ),
    "a Service's port, refused as Invalid": (
        lambda _: service("svc"),
        (("spec", "ports", 0, "port"), 81),
        {
            "expression": "object.spec.ports[0].port == 80",
            "message": "spec.ports may not change once set",
            "reason": "Invalid",
        },
    ),
    "a StatefulSet's label, refused as Forbidden": (
        statefulset,
        (("metadata", "labels"), {"a": "b"}),
        {
            "expression": "!('a' in object.metadata.labels)",
            "message": "updates to labels are forbidden",
            "reason": "Forbidden",
        },
    ),
    "only updates of a Role's binding": (
        binding,
        (("subjects", 0, "name"), "somebody"),
        {
            "expression": "request.operation != 'UPDATE' || object.subjects[0].name == 'nobody'",
            "message": "cannot change subjects",
        },
    ),
}


@contextlib.contextmanager
def policy(world: World, kind: str, validation: dict[str, Any]) -> Iterator[None]:
    """A ValidatingAdmissionPolicy for one kind in the world's namespace, in force within."""
    group, name = "admissionregistration.k8s.io/v1", world.namespace
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
    own = {"kubernetes.io/metadata.name": world.namespace}
    inventory = "object.metadata.name.startsWith('towpath-inventory')"
    matched = f"object.metadata.name == 'probe' || (request.kind.kind == '{kind}' && !{inventory})"
    probe = {"expression": "object.metadata.name != 'probe'", "message": "in force"}
    objects = [
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [rule],
                    "namespaceSelector": {"matchLabels": own},
                },
                "matchConditions": [{"name": "kind", "expression": matched}],
                "validations": [probe, validation],
            },
        },
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
    world.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    try:
        _await(lambda: _is_in_force(world))
        yield
    finally:
        world.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", name)
        _await(lambda: not _is_in_force(world))


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _is_in_force(world: World) -> bool:
    probe = configmap("probe")
    probe["metadata"]["namespace"] = world.namespace
    try:
        world.cluster.create(probe, dry_run=True)
    except SyncError as error:
        return "in force" in error.message
    return False


@pytest.mark.parametrize("case", POLICIES)
def test_a_policys_words_delete_nothing(world: World, case: str) -> None:
    make, change, validation = POLICIES[case]
    manifest = make(world)
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.app, world.objects = "".join(c for c in case.lower() if c.isalnum()), [manifest]
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        world.sync()
        before = world.live(kind, name)["metadata"]["uid"]
        world.objects = [changed(manifest, [change])]
        with policy(world, kind, validation):
            assert [entry.action for entry in world.plan().entries] == ["skip"]
            with pytest.raises(SyncError, match="denied request"):
                world.sync()
        assert world.live(kind, name)["metadata"]["uid"] == before
    finally:
        world.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (lambda _: deployment("invalid"), [(("spec", "replicas"), -1)]),
        (lambda _: service("invalid"), [(("spec", "ports", 0, "port"), 0)]),
        (binding, [(("roleRef", "kind"), "Nobody")]),
    ],
)
def test_what_would_be_refused_as_a_new_object_is_not_deleted(
    world: World, make: Callable[[World], Manifest], changes: list[Change]
) -> None:
    manifest = make(world)
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.app, world.objects = f"invalid-{manifest['kind'].lower()}", [manifest]
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        world.sync()
        before = world.live(kind, name)["metadata"]["uid"]
        world.objects = [changed(manifest, changes)]
        with pytest.raises(SyncError):
            world.sync()
        assert world.live(kind, name)["metadata"]["uid"] == before
    finally:
        world.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize("case", ["StatefulSet", "Job template", "RoleBinding roleRef", "Service clusterIP"])
@pytest.mark.parametrize(
    "refused", ["object.metadata.name == '{}'", "!object.metadata.name.startsWith('towpath-')"]
)
def test_a_policy_about_names_deletes_nothing(world: World, case: str, refused: str) -> None:
    make, changes, _ = IMMUTABLE[case]
    manifest = make(world)
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.app, world.objects = f"named-{manifest['kind'].lower()}", [manifest]
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        world.sync()
        before = world.live(kind, name)["metadata"]["uid"]
        world.objects = [changed(manifest, [*changes, (("metadata", "labels"), {"new": "1"})])]
        only_old = f"!({refused.format(name)}) || !('new' in object.metadata.labels)"
        with policy(world, kind, {"expression": only_old, "message": "not this one"}):
            assert [entry.action for entry in world.plan().entries] == ["skip"]
            with pytest.raises(SyncError):
                world.sync()
        assert world.live(kind, name)["metadata"]["uid"] == before
        world.sync()
        assert world.live(kind, name)["metadata"]["uid"] != before
    finally:
        world.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize("case", ["StatefulSet", "Job template", "RoleBinding roleRef", "Service clusterIP"])
def test_the_former_object_is_put_back_when_the_new_one_is_refused(world: World, case: str) -> None:
    make, changes, _ = IMMUTABLE[case]
    manifest = make(world)
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.app, world.objects = f"back-{manifest['kind'].lower()}", [manifest]
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        world.sync()
        before = world.live(kind, name)
        world.objects = [changed(manifest, [*changes, (("metadata", "labels"), {"new": "1"})])]
        # In a dry run it is taken.
        only_old = f"request.dryRun || object.metadata.name != '{name}' || !('new' in object.metadata.labels)"
        with policy(world, kind, {"expression": only_old, "message": "not this one"}):
            with pytest.raises(SyncError, match="the former one was put back"):
                world.sync()
            now = world.live(kind, name)
            assert now["metadata"]["uid"] != before["metadata"]["uid"]
            path, _value = changes[0]
            for step in path:
                before, now = before[step], now[step]
            assert now == before
        world.sync()
        assert world.live(kind, name)["metadata"]["labels"]["new"] == "1"
    finally:
        world.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


def node_port(name: str, port: int | None = None) -> Manifest:
    made = service(name)
    made["spec"]["type"] = "NodePort"
    if port:
        made["spec"]["ports"][0]["nodePort"] = port
    return made


TAKEN = 31987


@pytest.mark.parametrize("wanted", [TAKEN, 80, 65535])
def test_a_node_port_that_a_service_cannot_have_deletes_none(world: World, wanted: int) -> None:
    world.app, world.objects = "node-ports", [node_port("has-port", TAKEN), node_port("wants-port")]
    assert_not_deleted(world, [(("spec", "ports", 0, "nodePort"), wanted)])


@pytest.mark.parametrize("wanted", ["of another", "outside"])
def test_an_address_that_a_service_cannot_have_deletes_none(world: World, wanted: str) -> None:
    world.app, world.objects = "addresses", [service("has-address"), service("wants-address")]
    world.sync()
    taken = world.live("Service", "has-address")["spec"]["clusterIP"]
    address = taken if wanted == "of another" else "192.0.2.77"
    assert_not_deleted(world, [(("spec", "clusterIP"), address)])


CONTAINERS = ("spec", "template", "spec", "containers")
BESIDE: dict[str, tuple[Manifest, dict[str, Any], Change]] = {
    # what another controller adds is not valid with what Git wants then
    "a limit below the request": (
        deployment("limited"),
        {"containers": [{"name": "hello", "resources": {"limits": {"cpu": "20m"}}}]},
        ((*CONTAINERS, 0, "resources", "requests", "cpu"), "50m"),
    ),
    "a volume of another kind": (
        deployment("volume"),
        {"volumes": [{"name": "v", "emptyDir": {}}]},
        (("spec", "template", "spec", "volumes"), [{"name": "v", "configMap": {"name": "x"}}]),
    ),
    "a variable from elsewhere": (
        deployment("variable"),
        {
            "containers": [
                {
                    "name": "hello",
                    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                }
            ]
        },
        ((*CONTAINERS, 0, "env"), [{"name": "A", "value": "1"}]),
    ),
    "a probe of another kind": (
        deployment("probe"),
        {"containers": [{"name": "hello", "readinessProbe": {"tcpSocket": {"port": 80}}}]},
        ((*CONTAINERS, 0, "readinessProbe"), {"httpGet": {"path": "/", "port": 80}}),
    ),
}


@pytest.mark.parametrize("case", BESIDE)
def test_what_is_not_valid_beside_another_controllers_fields_deletes_nothing(world: World, case: str) -> None:
    manifest, added, change = BESIDE[case]
    manifest = copy.deepcopy(manifest)
    world.app, world.objects = "".join(c for c in case if c.isalnum()), [manifest]
    world.sync()
    patch = json.dumps({"spec": {"template": {"spec": added}}})
    name = manifest["metadata"]["name"]
    world.kubectl(
        "patch", "deployment", name, "--type=strategic", "-p", patch, "--field-manager=some-controller"
    )
    assert_not_deleted(world, [change])


def test_an_immutable_field_beside_another_controllers_fields_is_told_all_the_same(world: World) -> None:
    manifest = deployment("beside")
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.app, world.objects = "beside", [manifest]
    world.sync()
    added = json.dumps({"spec": {"template": {"spec": BESIDE["a volume of another kind"][1]}}})
    world.kubectl("patch", "deployment", "beside", "-p", added, "--field-manager=some-controller")
    [selector] = [changes for make, changes, _ in [IMMUTABLE["Deployment selector"]]]
    world.objects = [changed(manifest, selector)]
    assert [each.message.split(":")[0] for each in world.sync().changes] == ["recreated"]


def assert_not_deleted(world: World, changes: list[Change]) -> None:
    """A sync of the last object with these changes is refused, and leaves the object that lives."""
    last = world.objects[-1]
    last["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    kind, name = last["kind"], last["metadata"]["name"]
    try:
        world.sync()
        before = world.live(kind, name)["metadata"]["uid"]
        world.objects = [*world.objects[:-1], changed(last, changes)]
        assert not any("anew" in entry.reason for entry in world.plan().entries)
        with pytest.raises(SyncError) as caught:
            world.sync()
        assert "deleted" not in caught.value.message
        assert world.live(kind, name)["metadata"]["uid"] == before
    finally:
        world.kubectl("delete", kind, *(each["metadata"]["name"] for each in world.objects))
