"""A plan and a drift report tell exactly what the sync then does, also where people's tools own fields."""

import json
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import REVISION, World
from towpath.kube.diff import differences
from towpath.objects import Manifest

pytestmark = pytest.mark.integration
NUMBERED = "/metadata/annotations/deployment.kubernetes.io~1revision"
"""Written by the Deployment controller after a sync."""
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


def full() -> Manifest:
    """A Deployment with a list of each kind."""
    made = deployment()
    pod = made["spec"]["template"]["spec"]
    pod |= {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "a"}],
        "tolerations": [{"key": "x", "operator": "Exists"}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
        "initContainers": [{"name": "first", "image": "x", "env": [{"name": "A", "value": "1"}]}],
    }
    pod["containers"][0] |= {
        "ports": [{"name": "web", "containerPort": 8080}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    return made


def stateful() -> Manifest:
    made = deployment()
    made["spec"]["serviceName"] = "hello"
    return made | {"kind": "StatefulSet"}


def daemon() -> Manifest:
    made = deployment()
    del made["spec"]["replicas"]
    made["spec"]["template"]["spec"]["nodeSelector"] = {"none": "here"}
    return made | {"kind": "DaemonSet"}


def cron() -> Manifest:
    template = deployment()["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "hello"}, "spec": spec}


def ingress() -> Manifest:
    backend = {"service": {"name": "hello", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "hello"},
        "spec": {"rules": [{"host": "a.example.com", "http": {"paths": [path]}}]},
    }


def pod_spec(live: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = live["spec"]["template"]["spec"]
    return spec


def container(live: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod_spec(live)["containers"][0]
    return found


MADE: dict[str, tuple[Manifest, Edit]] = {
    # what Git has, and what somebody's tool made before: with fields that Git has not
    "a strategy": (deployment(), lambda o: o["spec"].update(strategy={"type": "RollingUpdate"})),
    "another strategy": (deployment(), lambda o: o["spec"].update(strategy={"type": "Recreate"})),
    "a grace period": (deployment(), lambda o: pod_spec(o).update(terminationGracePeriodSeconds=60)),
    "a pull policy": (deployment(), lambda o: container(o).update(imagePullPolicy="Always")),
    "probes and a variable": (
        deployment(),
        lambda o: container(o).update(
            readinessProbe={"httpGet": {"path": "/", "port": 80}}, env=[{"name": "OLD", "value": "1"}]
        ),
    ),
    "a sidecar": (deployment(), lambda o: pod_spec(o)["containers"].append({"name": "s", "image": "x"})),
    "a security context": (deployment(), lambda o: pod_spec(o).update(securityContext={"runAsUser": 1})),
    "a history limit": (deployment(), lambda o: o["spec"].update(revisionHistoryLimit=3)),
    "a stateful set": (stateful(), lambda o: o["spec"].update(updateStrategy={"type": "OnDelete"})),
    "a daemon set": (daemon(), lambda o: o["spec"].update(updateStrategy={"type": "OnDelete"})),
    "a cron job": (cron(), lambda o: o["spec"].update(concurrencyPolicy="Forbid", suspend=True)),
    "a service's affinity": (service(), lambda o: o["spec"].update(sessionAffinity="ClientIP")),
    "a service's port": (service(), lambda o: o["spec"]["ports"].append({"name": "b", "port": 81})),
    "an ingress": (ingress(), lambda o: o["spec"].update(ingressClassName="x")),
    "a key": (configmap("hello", A="1"), lambda o: o["data"].update(B="2")),
    "a secret's type": (secret("hello", A="1"), lambda o: o["metadata"].update(annotations={"x": "y"})),
    "a role": (role(), lambda o: o["metadata"].update(labels={"x": "y"})),
}
TOOLS = {
    "create": ("create", "-f", "-"),
    "apply": ("apply", "-f", "-"),
    "server-side apply": ("apply", "--server-side", "-f", "-"),
}


def settled(world: World, kind: str, name: str) -> Manifest:
    """As it is when the controller has numbered it: on a busy server, seconds after it was made."""
    deadline = time.monotonic() + 60
    while True:
        live = world.live(kind, name)
        if kind != "Deployment" or REVISION in live["metadata"].get("annotations", {}):
            return live
        assert time.monotonic() < deadline, f"{kind} {name} has no revision"
        time.sleep(0.1)


def tells_what_it_does(world: World, *, synced: bool) -> None:
    [wanted] = world.objects
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    before = settled(world, kind, name)
    [planned] = [entry for entry in world.plan().entries if entry.action != "unchanged"]
    drift = [entry for entry in world.drift().entries if entry.app == world.app]
    world.sync()
    done = [
        each
        for each in differences(before, world.live(kind, name))
        if each.pointer != NUMBERED and (synced or each.pointer != "/metadata/labels")
    ]
    told = [each for each in planned.differences if synced or each.pointer != "/metadata/labels"]
    assert told == done
    assert planned.action == "configure"
    if synced:
        assert [list(entry.differences) for entry in drift] == [done]
        assert drift[0].message == ""
    after = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == after


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", MADE)
def test_of_what_a_tool_made_only_real_changes_are_planned(world: World, case: str, tool: str) -> None:
    wanted, edit = MADE[case]
    name = f"{list(TOOLS).index(tool)}-{list(MADE).index(case)}"
    world.app, world.objects = f"made-{name}", [deepcopy(wanted)]
    world.objects[0]["metadata"]["name"] = f"m{name}"
    made = deepcopy(world.objects[0])
    edit(made)
    world.kubectl(*TOOLS[tool], text=json.dumps(made))
    tells_what_it_does(world, synced=False)


EDITED: dict[str, Edit] = {
    "a variable twice": lambda o: container(o)["env"].append({"name": "GREETING", "value": "two"}),
    "a new variable twice": lambda o: container(o)["env"].extend([{"name": "X", "value": "1"}] * 2),
    "three times, and another": lambda o: container(o)["env"].extend(
        [{"name": "GREETING", "value": "2"}, {"name": "GREETING", "value": "3"}, {"name": "Y", "value": "1"}]
    ),
    "a variable twice, before": lambda o: container(o)["env"].insert(0, {"name": "GREETING", "value": "0"}),
    "of a first container": lambda o: pod_spec(o)["initContainers"][0]["env"].append({"name": "A"}),
    "a port's number twice": lambda o: container(o)["ports"].append({"name": "b", "containerPort": 8080}),
    "a port's number for UDP": lambda o: container(o)["ports"].append(
        {"name": "b", "containerPort": 8080, "protocol": "UDP"}
    ),
    "another number": lambda o: container(o).update(ports=[{"name": "web", "containerPort": 9090}]),
    "the name at another number": lambda o: container(o).update(
        ports=[{"name": "old", "containerPort": 8080}, {"name": "web", "containerPort": 9090}]
    ),
    "names that moved": lambda o: container(o).update(
        ports=[{"name": "web", "containerPort": 1}, {"name": "x", "containerPort": 2}]
    ),
    "a pull secret twice": lambda o: pod_spec(o)["imagePullSecrets"].append({"name": "a"}),
    "a toleration twice": lambda o: pod_spec(o)["tolerations"].append({"key": "x", "operator": "Exists"}),
    "another toleration": lambda o: pod_spec(o)["tolerations"].append({"key": "y", "operator": "Exists"}),
    "a host twice": lambda o: pod_spec(o)["hostAliases"].append({"ip": "10.0.0.1", "hostnames": ["b"]}),
    "a volume and its mount": lambda o: (
        pod_spec(o)["volumes"].append({"name": "w", "emptyDir": {}}),
        container(o)["volumeMounts"].append({"name": "w", "mountPath": "/w"}),
    ),
    "another volume for the mount": lambda o: (
        pod_spec(o).update(volumes=[{"name": "w", "emptyDir": {}}]),
        container(o).update(volumeMounts=[{"name": "w", "mountPath": "/v"}]),
    ),
    "a strategy": lambda o: o["spec"].update(strategy={"type": "Recreate"}),
    "a deadline": lambda o: o["spec"].update(progressDeadlineSeconds=30),
    "a field that was taken out": lambda o: container(o).pop("resources"),
}


@pytest.mark.parametrize("case", EDITED)
def test_an_edited_object_is_planned_and_reported_as_it_is_healed(world: World, case: str) -> None:
    index = list(EDITED).index(case)
    world.app, world.objects = f"edited-{index}", [full()]
    world.objects[0]["metadata"]["name"] = f"e{index}"
    world.sync()
    live = settled(world, "Deployment", f"e{index}")
    EDITED[case](live)
    del live["metadata"]["managedFields"]
    del live["metadata"]["resourceVersion"]  # its controllers write a status meanwhile
    world.kubectl("replace", "-f", "-", text=json.dumps(live))
    tells_what_it_does(world, synced=True)


def test_service_ports_whose_names_moved(world: World) -> None:
    world.app, world.objects = "moved", [service("moved")]
    world.objects[0]["spec"]["ports"].append({"name": "admin", "port": 81})
    world.sync()
    ports = [{"name": "admin", "port": 80}, {"name": "http", "port": 82}]
    world.kubectl("patch", "service/moved", "--type=merge", "-p", json.dumps({"spec": {"ports": ports}}))
    tells_what_it_does(world, synced=True)
