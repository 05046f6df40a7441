"""Sync against the real API server: what it writes, what it leaves, what it refuses."""

import time

import pytest

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World, throw_away
from towpath.adapters.kubernetes import connect
from towpath.admission.shape import shape_problem
from towpath.applyset.inventory import Owner
from towpath.applyset.prune_file import dump_prune_file, parse_prune_file
from towpath.errors import RefusedError, SyncError, TransientError
from towpath.formats.versions import V2
from towpath.objects import Manifest, ObjectRef, ref_of

pytestmark = pytest.mark.integration


@pytest.fixture
def objects() -> list[Manifest]:
    return [
        deployment(),
        service(),
        configmap("settings", A="1"),
        secret("token", T="s3cret"),
        role(),
    ]


def results(result) -> dict[str, str]:
    return {f"{each.ref.kind}/{each.ref.name}": each.result for each in result.results}


def test_creates_then_changes_nothing_and_writes_nothing(world: World) -> None:
    assert [entry.action for entry in world.plan().entries] == ["create"] * 5
    assert set(results(world.sync()).values()) == {"created"}
    before = world.versions()
    assert world.plan().changes == ()
    assert set(results(world.sync()).values()) == {"unchanged"}
    assert world.versions() == before


@pytest.mark.parametrize(
    "text", ["🚀 shipped", "Grüße, 世界", "\u2028line\u2029", "\x85\x9f\x7f", "\\ud83d 𝄞"]
)
def test_any_text_arrives_as_it_is_in_git(world: World, text: str) -> None:
    note = configmap("note", text=text)
    note["metadata"]["annotations"] = {"note": text}
    world.objects.append(note)
    assert results(world.sync())["ConfigMap/note"] == "created"
    live = world.live("configmap", "note")
    assert live["data"] == {"text": text}
    assert live["metadata"]["annotations"]["note"] == text
    assert world.plan().changes == ()


@pytest.mark.parametrize("name", ["system:web reader", "Lese-Rolle für alle", "A_b.", "ci|cd@example.com"])
def test_a_role_may_have_any_name_that_is_one_step_of_a_path(world: World, name: str) -> None:
    kept = list(world.objects)
    world.objects.append(role(name))
    assert shape_problem(world.objects[-1]) is None
    assert results(world.sync())[f"Role/{name}"] == "created"
    assert world.plan().changes == ()
    world.objects[:] = kept
    assert results(world.sync())[f"Role/{name}"] == "deleted"


def test_objects_and_inventory_are_an_applyset(world: World) -> None:
    world.sync()
    owner = Owner("hello", "test", world.namespace)
    labels = world.live("service", "hello")["metadata"]["labels"]
    assert labels["applyset.kubernetes.io/part-of"] == owner.applyset
    assert labels["towpath.dev/app"] == "hello"
    inventory = world.live("configmap", "towpath-inventory-hello")["metadata"]
    assert inventory["labels"]["applyset.kubernetes.io/id"] == owner.applyset
    kinds = inventory["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert kinds == "ConfigMap,Deployment.apps,Role.rbac.authorization.k8s.io,Secret,Service"


def test_plan_shows_the_fields_and_masks_secrets(world: World) -> None:
    world.sync()
    world.objects[0]["spec"]["replicas"] = 2
    world.objects[3]["stringData"]["T"] = "another"
    plan = world.plan()
    assert [(str(entry.ref.kind), entry.action) for entry in plan.changes] == [
        ("Secret", "configure"),
        ("Deployment", "configure"),
    ]
    [replicas] = plan.changes[1].differences
    assert (replicas.pointer, replicas.live, replicas.desired) == ("/spec/replicas", 0, 2)
    text = str(plan.to_json()) + plan.to_markdown() + plan.to_text()
    assert "s3cret" not in text
    assert "another" not in text
    assert "YW5vdGhlcg" not in text
    assert plan == world.plan()
    assert results(world.sync())["Deployment/hello"] == "configured"


def test_prunes_last_and_only_what_is_ours(world: World) -> None:
    world.sync()
    world.kubectl("create", "configmap", "not-ours")
    del world.objects[2]
    assert [(e.ref.name, e.action) for e in world.plan().changes] == [("settings", "delete")]
    assert results(world.sync())["ConfigMap/settings"] == "deleted"
    assert world.live("configmap", "not-ours")
    before = world.versions()
    world.sync()
    assert world.versions() == before


def test_too_many_deletions_are_refused_before_any_change(world: World) -> None:
    world.sync()
    world.objects = [world.objects[0]]
    world.objects[0]["spec"]["replicas"] = 3
    with pytest.raises(RefusedError, match="4 of 5 objects, more than 3"):
        world.sync()
    assert world.live("deployment", "hello")["spec"]["replicas"] == 0
    with pytest.raises(RefusedError, match="empty result"):
        world.objects = []
        world.sync()


def test_a_volume_claim_is_deleted_only_when_confirmed(world: World) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    world.objects.append(claim)
    world.sync()
    world.objects.pop()
    with pytest.raises(RefusedError, match="PersistentVolumeClaim"):
        world.sync()
    ref = ObjectRef("", "PersistentVolumeClaim", world.namespace, "data")
    [entry] = world.plan().changes
    with pytest.raises(RefusedError, match="PersistentVolumeClaim"):
        world.sync(confirmed={ref: "another"})
    text = dump_prune_file([(entry.ref, entry.uid)], V2)
    world.sync(confirmed=parse_prune_file(text))
    assert world.cluster.get(ref) is None


def test_replaced_object_of_the_same_name_is_not_pruned(world: World) -> None:
    world.sync()
    world.kubectl("delete", "configmap", "settings")
    world.kubectl("create", "configmap", "settings")
    del world.objects[2]
    world.sync()
    assert world.live("configmap", "settings")


def test_partial_failure_is_told_per_object_and_the_next_run_goes_on(world: World) -> None:
    bad = service("bad")
    bad["spec"]["ports"][0]["port"] = 99999
    world.objects += [bad, configmap("early", A="1")]
    with pytest.raises(SyncError, match=r"Service .*/bad: .*99999|Service .*/bad: .*port"):
        world.sync()
    assert world.live("configmap", "early")
    assert "bad" in world.live("configmap", "towpath-inventory-hello")["data"]["inventory"]
    bad["spec"]["ports"][0]["port"] = 99
    assert results(world.sync())["Service/bad"] == "created"


def test_no_prune_after_a_failure(world: World) -> None:
    world.sync()
    bad = service("bad")
    bad["spec"]["ports"][0]["port"] = 99999
    world.objects = [*world.objects[:2], *world.objects[3:], bad]
    with pytest.raises(SyncError):
        world.sync()
    assert world.live("configmap", "settings")


def test_two_apps_cannot_have_one_object(world: World) -> None:
    world.sync()
    other = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "other")
    other.objects = [configmap("settings", A="2"), configmap("own", A="2")]
    assert other.plan().entries[1].reason == "belongs to app hello"
    with pytest.raises(SyncError, match="settings: belongs to app hello"):
        other.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "1"}


def test_other_controller_is_reported_not_forced(world: World) -> None:
    world.sync()
    ref = ObjectRef("", "ConfigMap", world.namespace, "settings")
    theirs = {**configmap("settings", A="theirs")}
    theirs["metadata"]["namespace"] = world.namespace
    world.cluster.server_side_apply(theirs, force=True, field_manager="config-operator")
    assert world.sync().summary().endswith("; 1 field left to config-operator")
    left = world.cluster.get(ref)
    assert left
    assert left["data"] == {"A": "theirs"}
    world.objects[2]["data"]["A"] = "changed in Git"
    with pytest.raises(SyncError, match=r"\.data\.A \(config-operator\)"):
        world.sync()
    live = world.cluster.get(ref)
    assert live
    assert live["data"] == {"A": "theirs"}
    assert "config-operator" in world.plan().entries[1].reason + world.plan().entries[2].reason


def test_ignored_fields_start_as_in_git_and_then_belong_to_others(world: World) -> None:
    world.settings["ignore"] = [{"kind": "ConfigMap", "name": "settings", "pointer": "/data/A"}]
    world.objects[2]["data"]["B"] = "1"
    world.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "1", "B": "1"}
    world.kubectl("patch", "configmap", "settings", "-p", '{"data":{"A":"2"}}')
    assert world.drift().entries == ()
    assert world.plan().changes == ()
    world.objects[2]["data"] = {"A": "3", "B": "2"}
    world.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "2", "B": "2"}


def test_an_autoscaler_keeps_the_replicas(world: World) -> None:
    world.objects[0]["spec"]["replicas"] = 2
    world.sync()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"}
    metadata = {"name": "hello"}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
    world.objects.append({**scaler, "spec": {"scaleTargetRef": target, "maxReplicas": 5}})
    world.sync()
    assert world.live("deployment", "hello")["spec"]["replicas"] == 2
    world.kubectl("scale", "deployment", "hello", "--replicas=4")
    assert world.drift().entries == ()
    before = world.versions()
    world.sync()
    assert world.live("deployment", "hello")["spec"]["replicas"] == 4
    assert world.versions() == before


def test_a_key_that_leaves_a_secret_goes(world: World) -> None:
    world.objects[3]["stringData"]["U"] = "u"
    world.sync()
    del world.objects[3]["stringData"]["U"]
    world.sync()
    assert set(world.live("secret", "token")["data"]) == {"T"}


def test_a_version_that_the_server_does_not_prefer_is_compared_with_itself(world: World) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"}
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "hello"},
    }
    spec = {"scaleTargetRef": target, "maxReplicas": 5, "targetCPUUtilizationPercentage": 50}
    world.objects.append({**scaler, "spec": spec})
    world.sync()
    spec["maxReplicas"] = 6
    [entry] = world.plan().changes
    assert [each.pointer for each in entry.differences] == ["/spec/maxReplicas"]
    world.sync()
    assert world.sync().changes == ()


def test_immutable_field_is_named(world: World) -> None:
    world.sync()
    world.objects[0]["spec"]["selector"] = {"matchLabels": {"app": "b"}}
    world.objects[0]["spec"]["template"]["metadata"]["labels"] = {"app": "b"}
    with pytest.raises(SyncError, match=r"Deployment .*/hello: .*spec\.selector.*immutable"):
        world.sync()


def test_immutable_field_is_recreated_only_where_allowed(world: World) -> None:
    world.objects = [configmap("settings", A="1"), configmap("fixed", A="1")]
    for each in world.objects:
        each["immutable"] = True
    world.sync()
    uid = world.live("configmap", "settings")["metadata"]["uid"]
    for each in world.objects:
        each["data"]["A"] = "2"
    world.objects[0]["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    assert [(e.ref.name, e.action) for e in world.plan().entries] == [
        ("fixed", "skip"),
        ("settings", "configure"),
    ]
    with pytest.raises(SyncError, match=r"fixed: .*immutable") as caught:
        world.sync()
    assert "towpath.dev/recreate: allowed" in (caught.value.remedy or "")
    live = world.live("configmap", "settings")
    assert live["data"] == {"A": "2"}
    assert live["metadata"]["uid"] != uid
    assert world.live("configmap", "fixed")["data"] == {"A": "1"}
    world.objects[1]["data"]["A"] = "1"
    world.sync()
    assert world.sync().changes == ()


def test_definition_and_its_resource_in_one_sync(world: World) -> None:
    group = f"{world.namespace}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "boats", "kind": "Boat", "singular": "boat", "listKind": "BoatList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    crd["metadata"] = {"name": f"boats.{group}"}
    boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "one"}, "spec": {"length": 7}}
    world.objects = [boat, crd]
    try:
        assert [e.action for e in world.plan().entries] == ["create", "create"]
        assert set(results(world.sync()).values()) == {"created"}
        assert set(results(world.sync()).values()) == {"unchanged"}
    finally:
        world.kubectl("delete", "crd", f"boats.{group}", "--ignore-not-found", "--wait=false")


def test_a_deleted_namespace_is_rebuilt(stack) -> None:
    with throw_away(stack.settings, create=False) as world:
        world.objects = [configmap("settings", A="1")]
        with pytest.raises(RefusedError, match="does not exist"):
            world.sync()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}}
        world.objects.append(namespace)
        assert "is missing" in world.plan().entries[0].reason
        assert set(results(world.sync()).values()) == {"created"}
        assert set(results(world.sync()).values()) == {"unchanged"}
        # A finalizer keeps the namespace terminating until it is taken away.
        world.kubectl("delete", "namespace", world.namespace, "--wait=false")
        assert {entry.kind for entry in world.drift().entries} == {"deleted"}
        assert set(results(world.sync()).values()) == {"created"}
        assert world.live("configmap", "settings")["data"] == {"A": "1"}


def test_crash_between_the_writes_is_recovered(world: World) -> None:
    """The inventory ahead was written, an apply went through, then the process died."""

    class KilledError(Exception):
        pass

    def die(_: object) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        world.sync(on_progress=die)
    assert "settings" in world.live("configmap", "towpath-inventory-hello")["data"]["inventory"]
    del world.objects[2]  # Git moves on meanwhile; what may exist is still known and ours
    world.sync()
    assert world.cluster.get(ObjectRef("", "ConfigMap", world.namespace, "settings")) is None
    assert set(results(world.sync()).values()) == {"unchanged"}


def test_two_hundred_objects_take_one_request_each_at_most(world: World) -> None:
    world.objects = [configmap(f"c{i:03}", N=str(i)) for i in range(200)]
    started = time.monotonic()
    world.sync()
    first = time.monotonic() - started
    started = time.monotonic()
    world.sync()
    assert time.monotonic() - started < max(0.5, first)


def test_unreachable_cluster_says_which_and_what_to_do(world: World, tmp_path) -> None:
    text = world.kubeconfig.read_text().replace(world.cluster.server, "https://127.0.0.1:9")
    (tmp_path / "kubeconfig").write_text(text)
    for authority in world.kubeconfig.parent.glob("*.crt"):
        (tmp_path / authority.name).write_bytes(authority.read_bytes())
    with pytest.raises(TransientError, match=r"https://127\.0\.0\.1:9 cannot be reached.*refused") as caught:
        connect(str(tmp_path / "kubeconfig")).get(ref_of({**configmap("a"), "metadata": {"name": "a"}}))
    assert "KUBECONFIG" in (caught.value.remedy or "")


def test_the_version_that_is_served_is_named(world: World) -> None:
    world.objects = [
        {
            "apiVersion": "autoscaling/v2beta2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "old"},
            "spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "v1", "kind": "X", "name": "x"}},
        }
    ]
    with pytest.raises(SyncError, match="in autoscaling/v2beta2; it serves autoscaling/v2, autoscaling/v1"):
        world.sync()
