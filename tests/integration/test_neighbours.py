"""What else lives beside an app: other controllers, options of an object, a namespace that cannot end."""

import copy
import time

import pytest

from tests.integration.manifests import configmap, deployment
from tests.integration.world import World
from towpath.errors import TransientError
from towpath.objects import Manifest, ObjectRef

pytestmark = pytest.mark.integration


@pytest.fixture
def objects() -> list[Manifest]:
    return [deployment(), configmap("settings", A="1", B="1")]


def scaler() -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"}
    made = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "hello"}}
    return {**made, "spec": {"scaleTargetRef": target, "maxReplicas": 5}}


def test_an_autoscaler_and_a_controller_keep_their_fields_side_by_side(world: World) -> None:
    world.objects.append(scaler())
    world.sync()
    world.kubectl("scale", "deployment", "hello", "--replicas=3")
    theirs: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hello", "namespace": world.namespace, "annotations": {"mesh/sidecar": "1"}},
        "spec": {"template": {"metadata": {"annotations": {"mesh/injected": "yes"}}}},
    }
    for value in ("1", "2", "3"):
        theirs["metadata"]["annotations"]["mesh/sidecar"] = value
        world.cluster.server_side_apply(theirs, field_manager="mesh-controller")
        assert world.drift().entries == ()
        before = world.versions()
        assert world.sync().changes == ()
        assert world.versions() == before
    world.kubectl("set", "image", "deployment/hello", "hello=other:1")
    assert [entry.ref.name for entry in world.drift().entries] == ["hello"]
    world.sync()
    live = world.live("deployment", "hello")
    assert live["spec"]["replicas"] == 3, "the autoscaler's"
    assert live["metadata"]["annotations"]["mesh/sidecar"] == "3", "the controller's"
    assert live["spec"]["template"]["metadata"]["annotations"]["mesh/injected"] == "yes"
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].startswith("127.0.0.1:5000/none@")


def test_the_first_app_keeps_an_object_until_it_lets_go(world: World) -> None:
    world.sync()
    other = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "other")
    other.objects = [configmap("settings", A="2")]
    with pytest.raises(Exception, match="settings: belongs to app hello"):
        other.sync()
    assert world.sync().changes == ()
    world.objects.pop()
    assert [each.result for each in world.sync().changes] == ["deleted"]
    assert [each.result for each in other.sync().changes] == ["created"]
    assert world.sync().changes == ()
    assert other.sync().changes == ()


def test_the_ignore_annotation_leaves_fields_to_others(world: World) -> None:
    world.objects[1]["metadata"]["annotations"] = {"towpath.dev/ignore": "/data/A, /data/C"}
    world.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "1", "B": "1"}
    world.kubectl("patch", "configmap", "settings", "-p", '{"data":{"A":"2","C":"2"}}')
    assert world.drift().entries == ()
    assert world.plan().changes == ()
    world.kubectl("patch", "configmap", "settings", "-p", '{"data":{"B":"2"}}')
    [entry] = world.drift().entries
    assert [each.pointer for each in entry.differences] == ["/data/B"]
    world.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "2", "B": "1", "C": "2"}
    before = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == before


def test_prune_disabled_keeps_an_object_that_left_git(world: World) -> None:
    kept = configmap("kept", A="1")
    kept["metadata"]["annotations"] = {"towpath.dev/prune": "disabled"}
    full = [*world.objects, kept]
    world.objects = copy.deepcopy(full)
    world.sync()
    world.objects.pop()
    [entry] = [each for each in world.plan().entries if each.ref.name == "kept"]
    assert (entry.action, "towpath.dev/prune: disabled" in entry.reason) == ("skip", True)
    assert not world.plan().differs
    for _ in range(2):
        results = {each.ref.name: each.result for each in world.sync().results}
        assert results["kept"] == "skipped"
        assert world.live("configmap", "kept")
    world.objects = full
    assert world.sync().changes == (), "known all the time, it is taken up again"
    world.objects = full[:-1]
    world.kubectl("annotate", "configmap", "kept", "towpath.dev/prune-")
    assert {each.ref.name: each.result for each in world.sync().results}["kept"] == "deleted"


def test_a_namespace_that_cannot_end_is_told_and_goes_on_when_it_can(world: World) -> None:
    """A finalizer that nobody takes away keeps the namespace terminating."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}}
    world.objects.append(namespace)
    world.sync()
    stuck = configmap("stuck")
    stuck["metadata"] |= {"namespace": world.namespace, "finalizers": ["example.com/nobody"]}
    world.cluster.server_side_apply(stuck, field_manager="somebody")
    world.kubectl("delete", "namespace", world.namespace, "--wait=false")
    ref = ObjectRef("", "ConfigMap", world.namespace, "settings")
    deadline = time.monotonic() + 60
    while world.cluster.get(ref) and time.monotonic() < deadline:
        time.sleep(0.2)
    world.settings["timeout"] = "3s"
    started = time.monotonic()
    with pytest.raises(TransientError, match=f"namespace {world.namespace} is still being deleted") as caught:
        world.sync()
    assert 3.0 <= time.monotonic() - started < 30
    assert f"kubectl get namespace {world.namespace}" in (caught.value.remedy or "")
    assert {entry.kind for entry in world.drift().entries} == {"deleted"}
    assert {entry.action for entry in world.plan().entries} == {"create"}
    assert "is terminating" in world.plan().entries[0].reason
    world.kubectl("patch", "configmap", "stuck", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    world.settings["timeout"] = "60s"
    world.sync()
    assert world.sync().changes == ()
    assert world.drift().entries == ()
