"""Objects of another deployment tool: refused before anything is written, or taken over where Git says so."""

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.manifests import configmap, deployment, role, service
from tests.integration.world import World, version_of
from towpath.engine.apply import server_side_apply
from towpath.errors import SyncError, TransientError
from towpath.objects import Manifest

pytestmark = pytest.mark.integration
ANNOTATION = "towpath.dev/take-over"


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


def claim() -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "hello"}, "spec": spec}


def account() -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "hello"}}


def opaque(**data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hello"}, "data": data}


NODE_PORT = {"spec": {"type": "NodePort"}}
MADE: dict[str, tuple[Manifest, Any, Any, str]] = {
    # what Git has; what the other tool has more; what Git then changes; what is gone after the take-over
    "Deployment": (
        deployment(),
        {"spec": {"minReadySeconds": 7}},
        {"spec": {"replicas": 0, "revisionHistoryLimit": 3}},
        "minReadySeconds",
    ),
    "Service": (service(), {"spec": {"sessionAffinity": "ClientIP"}}, NODE_PORT, "ClientIP"),
    "ConfigMap": (configmap("hello", A="1"), {"data": {"OLD": "x"}}, {"data": {"A": "2"}}, "OLD"),
    "Secret": (opaque(A="MQ=="), {"data": {"OLD": "eA=="}}, {"data": {"A": "Mg=="}}, "OLD"),
    "Role": (role(), {"metadata": {"labels": {"old": "x"}}}, {"rules": []}, '"old"'),
    "ServiceAccount": (
        account(),
        {"automountServiceAccountToken": False, "metadata": {"annotations": {"old": "x"}}},
        {"automountServiceAccountToken": True},
        '"old"',
    ),
    "PersistentVolumeClaim": (
        claim(),
        {"metadata": {"annotations": {"meta.helm.sh/release-name": "x"}}},
        {"metadata": {"annotations": {"meta.helm.sh/release-name": "y"}}},
        '"x"',
    ),
}  # fmt: skip
TOOLS = {
    "helm": ("create", "-f", "-", "--field-manager=helm"),
    "Helm": ("apply", "-f", "-", "--field-manager=Helm"),
    "argocd-controller": ("apply", "--server-side", "-f", "-", "--field-manager=argocd-controller"),
    "kustomize-controller": ("apply", "--server-side", "-f", "-", "--field-manager=kustomize-controller"),
    "helm-controller": ("create", "-f", "-", "--field-manager=helm-controller"),
}


def merge(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: merge(one.get(key), value) for key, value in other.items()}
    return deepcopy(other)


def made_by(world: World, tool: str, manifest: Manifest) -> None:
    world.kubectl(*TOOLS[tool], text=json.dumps(manifest))


def managers(live: Manifest) -> set[str]:
    return {e["manager"] for e in live["metadata"]["managedFields"] if not e.get("subresource")}


def start(world: World, name: str, *objects: Manifest) -> None:
    world.app, world.settings = name, {}
    world.objects = [deepcopy(each) for each in objects]
    for each in world.objects:
        each["metadata"]["name"] += f"-{name}"


def declare(world: World, *names: str, **more: Any) -> None:
    world.settings = {"apps": {world.app: {"takeOver": list(names), **more}}}


def settled(world: World) -> None:
    before = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == before
    assert [entry for entry in world.drift().entries if entry.app == world.app] == []
    assert {entry.action for entry in world.plan().entries} == {"unchanged"}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", MADE)
def test_refused_before_anything_is_written_and_taken_over_when_declared(
    world: World, kind: str, tool: str
) -> None:
    wanted, more, change, gone = MADE[kind]
    start(world, f"{kind.lower()}-{list(TOOLS).index(tool)}", wanted, configmap("new", A="1"))
    obj, name = world.objects[0], world.objects[0]["metadata"]["name"]
    made_by(world, tool, merge(obj, more))
    world.objects[0] = merge(obj, change)
    before = world.live(kind, name)
    conflicts = {entry.ref.kind: entry for entry in world.plan().entries if entry.action == "skip"}
    if conflicts:
        assert f"takeOver: [{tool}]" in conflicts[kind].reason
        with pytest.raises(SyncError) as caught:
            world.sync()
        assert f"({tool})" in caught.value.message
        assert f"takeOver: [{tool}]" in (caught.value.remedy or "")
        assert version_of(world.live(kind, name)) == version_of(before)
        assert world.kubectl("get", "configmap", "--ignore-not-found", f"new-{world.app}") == ""
        assert world.kubectl("get", "cm", "--ignore-not-found", f"towpath-inventory-{world.app}") == ""
    declare(world, tool.lower())
    [planned] = [entry for entry in world.plan().entries if entry.ref.kind == kind and entry.ref.name == name]
    assert (planned.action, planned.reason) == ("configure", f"taken over from {tool}")
    told = {each.ref.name: each for each in world.sync().results}[name]
    assert (told.result, told.message) == ("configured", f"taken over from {tool}")
    live = world.live(kind, name)
    assert managers(live) - {"kube-controller-manager", "kube-scheduler"} == {"towpath"}
    assert gone not in json.dumps({key: value for key, value in live.items() if key != "status"})
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    settled(world)


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap", "Service"])
def test_an_annotation_declares_it_for_one_object(world: World, kind: str) -> None:
    wanted, more, change, gone = MADE[kind]
    start(world, f"note-{kind.lower()}", wanted)
    made_by(world, "helm", merge(world.objects[0], more))
    world.objects[0] = merge(world.objects[0], change)
    world.objects[0]["metadata"]["annotations"] = {ANNOTATION: "argocd-controller, helm"}
    assert world.sync().results[0].message == "taken over from helm"
    live = world.live(kind, world.objects[0]["metadata"]["name"])
    assert gone not in json.dumps(live)
    assert "helm" not in managers(live)
    settled(world)


def test_nothing_differs_but_the_owner(world: World) -> None:
    start(world, "same", configmap("same", A="1"))
    made_by(world, "helm", world.objects[0])
    assert world.sync().results[0].message == ""
    assert managers(world.live("configmap", "same-same")) == {"helm", "towpath"}
    settled(world)
    declare(world, "helm")
    assert [entry.reason for entry in world.plan().entries] == ["taken over from helm"]
    assert [entry.kind for entry in world.drift().entries if entry.app == "same"] == ["unapplied"]
    assert [each.message for each in world.sync().changes] == ["taken over from helm"]
    assert managers(world.live("configmap", "same-same")) == {"towpath"}
    settled(world)


@pytest.mark.parametrize("mode", ["report", "adopt", "heal"])
def test_to_declare_it_is_a_change_in_git_whatever_the_drift_mode(world: World, mode: str) -> None:
    start(world, f"mode-{mode}", configmap("m", A="1"))
    made_by(world, "helm", merge(world.objects[0], {"data": {"OLD": "x"}}))
    world.settings = {"drift": mode}
    world.sync()
    assert world.live("configmap", f"m-mode-{mode}")["data"] == {"A": "1", "OLD": "x"}
    world.settings = {"drift": mode, "apps": {world.app: {"takeOver": ["helm"]}}}
    assert [each.message for each in world.sync().changes] == ["taken over from helm"]
    assert world.live("configmap", f"m-mode-{mode}")["data"] == {"A": "1"}
    settled(world)


def test_what_the_former_tool_writes_later_is_drift(world: World) -> None:
    start(world, "later", configmap("later", A="1"))
    made_by(world, "helm", world.objects[0])
    declare(world, "helm")
    world.sync()
    patch = ("patch", "configmap/later-later", "--field-manager=helm", "-p")
    world.kubectl(*patch, '{"data":{"A":"2","B":"3"}}')
    [entry] = [entry for entry in world.drift().entries if entry.app == "later"]
    assert (entry.kind, [who.manager for who in entry.managers]) == ("modified", ["helm"])
    assert {each.pointer for each in entry.differences} == {"/data/A", "/data/B"}
    world.sync()
    assert world.live("configmap", "later-later")["data"] == {"A": "1"}
    settled(world)


def test_other_controllers_and_ignored_fields_keep_what_is_theirs(world: World) -> None:
    start(world, "others", deployment("d"))
    name = "d-others"
    world.objects[0]["spec"]["replicas"] = 1
    made_by(world, "helm", merge(world.objects[0], {"spec": {"minReadySeconds": 7}}))
    world.kubectl("annotate", "deployment", name, "owner=ca", "--field-manager=cainjector")
    world.kubectl("label", "deployment", name, "by=hand")
    declare(world, "helm")
    world.settings["ignore"] = [{"kind": "Deployment", "pointer": "/spec/replicas"}]
    world.sync()
    live = world.live("deployment", name)
    assert managers(live) == {"towpath", "cainjector"}
    assert live["metadata"]["annotations"]["owner"] == "ca"
    assert "by" not in live["metadata"]["labels"]
    assert "minReadySeconds" not in live["spec"]
    assert live["spec"]["replicas"] == 1
    settled(world)
    world.kubectl("scale", "deployment", name, "--replicas=0")
    settled(world)


def test_a_take_over_that_dies_in_between_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start(world, "dies", configmap("dies", A="1"))
    made_by(world, "helm", merge(world.objects[0], {"data": {"OLD": "x", "A": "0"}}))
    declare(world, "helm")

    def dies(*_: object, **__: object) -> None:
        raise TransientError("power cut")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(server_side_apply, "_apply", dies)
            with pytest.raises(TransientError):
                world.sync()
    world.sync()
    live = world.live("configmap", "dies-dies")
    assert (live["data"], managers(live)) == ({"A": "1"}, {"towpath"})
    settled(world)


def test_several_former_tools_of_several_objects(world: World) -> None:
    start(world, "many", configmap("a", A="1"), configmap("b", A="1"), configmap("c", A="1"))
    for each, tool in zip(world.objects, ("helm", "argocd-controller", "kustomize-controller"), strict=True):
        made_by(world, tool, merge(each, {"data": {"A": "0"}}))
    declare(world, "helm", "kustomize-controller")
    with pytest.raises(SyncError) as caught:
        world.sync()
    assert "b-many" in caught.value.message
    assert "a-many" not in caught.value.message
    assert world.live("configmap", "a-many")["data"] == {"A": "0"}, "nothing is written"
    declare(world, "helm", "kustomize-controller", "argocd-controller")
    assert {each.message.rpartition(" ")[2] for each in world.sync().changes} == {
        *("helm", "kustomize-controller", "argocd-controller")
    }
    settled(world)


def test_any_manager_may_be_named(world: World) -> None:
    start(world, "any", configmap("any", A="1"))
    text = json.dumps(merge(world.objects[0], {"data": {"A": "0", "OLD": "x"}}))
    world.kubectl("create", "-f", "-", "--field-manager=OpenAPI-Generator", text=text)
    with pytest.raises(SyncError, match="OpenAPI-Generator") as caught:
        world.sync()
    assert "takeOver" in (caught.value.remedy or "")
    declare(world, "OpenAPI-Generator")
    world.sync()
    assert world.live("configmap", "any-any")["data"] == {"A": "1"}
    settled(world)


def autoscaler(version: str) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    spec: dict[str, Any] = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}
    if version == "v1":
        spec["targetCPUUtilizationPercentage"] = 50
    else:
        goal = {"type": "Utilization", "averageUtilization": 60}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}]
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": spec,
    }


@pytest.mark.parametrize("tool", ["helm", "argocd-controller", "kubectl"])
@pytest.mark.parametrize(("before", "after"), [("v1", "v2"), ("v2", "v1")])
def test_what_another_tool_made_in_another_version(world: World, before: str, after: str, tool: str) -> None:
    start(world, f"{tool[:4]}-{before}", autoscaler(after))
    made = merge(autoscaler(before), {"metadata": {"name": world.objects[0]["metadata"]["name"]}})
    made["metadata"]["annotations"] = {"old": "x"}
    if tool == "kubectl":
        world.kubectl("create", "-f", "-", text=json.dumps(made))
    else:
        made_by(world, tool, made)
        declare(world, tool)
    [result] = world.sync().changes
    assert result.result == "configured"
    live = world.live(f"horizontalpodautoscalers.{after}.autoscaling", made["metadata"]["name"])
    assert managers(live) == {"towpath"}
    assert "old" not in live["metadata"].get("annotations", {})
    assert live["spec"] == merge(live["spec"], autoscaler(after)["spec"])
    settled(world)


CHART = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}
spec:
  replicas: 0
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
        - name: a
          image: img:{{ .Values.tag }}
          env: {{ toJson .Values.env }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: a}, ports: [{name: web, port: 80}]}
"""


@pytest.mark.parametrize("way", ["--server-side=true", "--server-side=false"])
def test_a_release_of_the_real_helm_is_taken_over(world: World, way: str, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "all.yaml").write_text(CHART)
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: shop, version: 1.0.0}")
    name = f"shop{way[-5:].strip('=')}"

    def helm(*arguments: str, tag: str, **env: str) -> str:
        variables = [{"name": key, "value": value} for key, value in env.items()]
        values = ("--set-json", f"tag={json.dumps(tag)},env={json.dumps(variables)}")
        command = [
            world.kubectl_path.parent / "helm",
            "-n",
            world.namespace,
            "--kubeconfig",
            world.kubeconfig,
        ]
        done = subprocess.run([*command, *arguments, *values], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    helm("install", name, str(tmp_path), way, tag="one", OLD="x", KEPT="y")
    start(world, name)
    text = helm("template", name, str(tmp_path), tag="two", KEPT="y")
    world.objects = [each for each in yaml.safe_load_all(text) if each]
    with pytest.raises(SyncError, match=r"image \(helm\)"):
        world.sync()
    declare(world, "helm")
    assert {entry.reason for entry in world.plan().entries} == {"taken over from helm"}
    world.sync()
    for kind in ("deployment", "service"):
        live = world.live(kind, name)
        assert managers(live) - {"kube-controller-manager"} == {"towpath"}
        assert "meta.helm.sh" not in json.dumps(live["metadata"])
    [made] = world.live("deployment", name)["spec"]["template"]["spec"]["containers"]
    assert (made["image"], made["env"]) == ("img:two", [{"name": "KEPT", "value": "y"}])
    settled(world)
