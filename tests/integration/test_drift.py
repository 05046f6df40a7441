"""The table of edits, row by row: each found, attributed and healed, and nothing else touched."""

import json
from collections.abc import Callable

import pytest

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World
from towpath.fields.pointer import read
from towpath.objects import Manifest

pytestmark = pytest.mark.integration

PATCH = ("patch", "deployment", "hello", "--type=strategic", "-p")
NAME = "/spec/template/spec/containers/0"
SIDECAR = {"spec": {"template": {"spec": {"containers": [{"name": "sidecar", "image": "x"}]}}}}
GRACE = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 60}}}}
NO_ENV = {
    "spec": {
        "template": {
            "spec": {"containers": [{"name": "hello", "env": [{"name": "GREETING", "$patch": "delete"}]}]}
        }
    }
}

EDITS = {
    # what is done: (kubectl's arguments, the pointer that differs, the manager)
    "scale": (("scale", "deployment", "hello", "--replicas=1"), "/spec/replicas", "kubectl"),
    "set image": (("set", "image", "deployment/hello", "hello=other:1"), f"{NAME}/image", "kubectl-set"),
    "label overwritten": (
        ("label", "--overwrite", "deployment", "hello", "tier=db"),
        "/metadata/labels/tier",
        "kubectl-label",
    ),
    "env changed": (("set", "env", "deployment/hello", "GREETING=bye"), f"{NAME}/env/0/value", "kubectl-set"),
    "env removed": ((*PATCH, json.dumps(NO_ENV)), f"{NAME}/env", None),
    "sidecar added": (
        (*PATCH, json.dumps(SIDECAR)),
        "/spec/template/spec/containers/0",
        "kubectl-patch",
    ),
    "env added": (("set", "env", "deployment/hello", "NEW=1"), f"{NAME}/env/1", "kubectl-set"),
    "label added": (("label", "deployment", "hello", "x=y"), "/metadata/labels/x", "kubectl-label"),
    "default overridden": (
        (*PATCH, json.dumps(GRACE)),
        "/spec/template/spec/terminationGracePeriodSeconds",
        "kubectl-patch",
    ),
}


@pytest.fixture
def objects() -> list[Manifest]:
    return [
        deployment(),
        service(),
        configmap("settings", A="1"),
        secret("token", T="s3cret"),
        role(),
    ]


@pytest.fixture
def world(world: World) -> World:
    world.sync()
    return world


def spec_of(live: Manifest) -> Manifest:
    kept = {k: v for k, v in live["metadata"].items() if k in ("labels", "name")}
    return {"spec": live["spec"], "metadata": kept}


def test_nothing_changed_is_nothing_found(world: World) -> None:
    report = world.drift()
    assert report.entries == ()
    assert report.summary() == "test: as in Git"


@pytest.mark.parametrize("edit", EDITS)
def test_edit_is_found_attributed_and_healed(world: World, edit: str) -> None:
    arguments, at, manager = EDITS[edit]
    clean = spec_of(world.live("deployment", "hello"))
    others = {name: version for name, version in world.versions().items() if "Deployment" not in name}
    world.kubectl(*arguments)
    [entry] = world.drift().entries
    assert (entry.app, entry.kind, entry.ref.kind) == ("hello", "modified", "Deployment")
    assert [each.pointer for each in entry.differences] == [at]
    if manager:
        assert [each.manager for each in entry.managers if each.manager == manager]
        # The API server records no time for the scale subresource.
        assert all(each.time or edit == "scale" for each in entry.managers)
    assert [result.result for result in world.sync().changes] == ["configured"]
    assert spec_of(world.live("deployment", "hello")) == clean
    assert world.drift().entries == ()
    left = {name: version for name, version in world.versions().items() if "Deployment" not in name}
    left.pop("inventory"), others.pop("inventory")
    assert left == others
    before = world.versions()
    world.sync()
    assert world.versions() == before


PORTS = {
    "another number": '[{"op":"replace","path":"/spec/ports/0/port","value":81}]',
    "another protocol": '[{"op":"replace","path":"/spec/ports/0/protocol","value":"UDP"}]',
    "number and name": '[{"op":"replace","path":"/spec/ports/0","value":{"name":"web","port":81}}]',
    "a second port": '[{"op":"add","path":"/spec/ports/-","value":{"name":"web","port":81}}]',
    "both numbers": '[{"op":"replace","path":"/spec/ports/0","value":{"name":"http","port":8}}]',
}


@pytest.mark.parametrize("edit", PORTS)
def test_ports_that_were_edited_are_told_field_by_field_and_healed(world: World, edit: str) -> None:
    """A dry run of some of them is refused (two ports of one name), though a sync takes them back."""
    clean = spec_of(world.live("service", "hello"))
    world.kubectl("patch", "service", "hello", "--type=json", "-p", PORTS[edit])
    [entry] = world.drift().entries
    assert entry.differences or entry.message
    assert all(each.pointer.startswith("/spec/ports") for each in entry.differences)
    assert [each.manager for each in entry.managers] == ["kubectl-patch"]
    [planned] = world.plan().changes
    assert (planned.action, planned.ref.kind) == ("configure", "Service")
    assert planned.differences or planned.reason
    assert [result.result for result in world.sync().changes] == ["configured"]
    assert spec_of(world.live("service", "hello")) == clean
    assert world.drift().entries == ()


def test_wiped_managed_fields_are_noticed_and_owned_again(world: World) -> None:
    world.kubectl(
        "patch",
        "deployment",
        "hello",
        "--type=json",
        "-p",
        '[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]',
    )
    [entry] = world.drift().entries
    assert entry.kind == "modified"
    world.sync()
    assert world.drift().entries == ()
    before = world.versions()
    world.sync()
    assert world.versions() == before


def test_rollout_restart_is_left_alone(world: World) -> None:
    world.kubectl("rollout", "restart", "deployment", "hello")
    assert world.drift().entries == ()
    world.objects[0]["spec"]["replicas"] = 1
    world.sync()
    at = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
    assert read(world.live("deployment", "hello"), at)


def test_rollout_pause_is_an_edit(world: World) -> None:
    world.kubectl("rollout", "pause", "deployment", "hello")
    [entry] = world.drift().entries
    assert [each.pointer for each in entry.differences] == ["/spec/paused"]
    world.sync()
    assert "paused" not in world.live("deployment", "hello")["spec"]


def test_somebody_under_our_name_is_noticed(world: World) -> None:
    text = json.dumps(configmap("settings", A="2"))
    world.kubectl("apply", "--server-side", "--field-manager=towpath", "-f", "-", text=text)
    entry = world.drift().entries[0]
    assert entry.ref.name == "settings"
    world.sync()
    assert world.live("configmap", "settings")["data"] == {"A": "1"}
    assert world.drift().entries == ()


@pytest.mark.parametrize(
    "patch", ['{"spec":{"replicas":0}}', '{"metadata":{"labels":{"tier":"web"}}}'], ids=["spec", "label"]
)
def test_a_patch_that_changes_nothing_is_no_drift(world: World, patch: str) -> None:
    world.kubectl("patch", "deployment", "hello", "-p", patch)
    assert world.drift().entries == ()


def test_status_is_no_drift(world: World) -> None:
    world.kubectl("patch", "deployment", "hello", "--subresource=status", "-p", '{"status":{"replicas":3}}')
    assert world.drift().entries == ()


def test_deleted_and_replaced_objects(world: World) -> None:
    world.kubectl("delete", "configmap", "settings")
    world.kubectl("delete", "service", "hello")
    world.kubectl("create", "service", "clusterip", "hello", "--tcp=80")
    report = world.drift()
    assert [(e.kind, e.ref.kind) for e in report.entries] == [
        ("deleted", "ConfigMap"),
        ("deleted", "Service"),
    ]
    assert report.entries[1].managers[0].manager == "kubectl-create"
    world.sync()
    assert world.drift().entries == ()
    assert world.live("service", "hello")["spec"]["ports"][0]["targetPort"] == 8080


def test_extras_are_named_with_their_maker(world: World) -> None:
    world.kubectl("create", "role", "backdoor", "--verb=get", "--resource=secrets")
    world.kubectl("create", "configmap", "stray", "--from-literal=a=b")
    report = world.drift()
    assert [(e.kind, e.ref.name) for e in report.entries] == [("extra", "stray"), ("extra", "backdoor")]
    assert {e.managers[0].manager for e in report.entries} == {"kubectl-create"}
    assert report.drifted == ()
    assert "backdoor" in report.to_markdown()
    world.settings["extras"] = "ignore"
    assert world.drift().entries == ()


def test_new_commit_is_unapplied_not_drift(world: World) -> None:
    world.objects[0]["spec"]["replicas"] = 2
    world.objects.append(configmap("new"))
    assert {(e.kind, e.ref.name) for e in world.drift().entries} == {
        ("unapplied", "hello"),
        ("unapplied", "new"),
    }


def test_secret_values_are_never_told(world: World) -> None:
    world.kubectl("patch", "secret", "token", "-p", '{"stringData":{"T":"canary-value"}}')
    report = world.drift()
    assert [d.pointer for d in report.entries[0].differences] == ["/data/T"]
    text = report.to_markdown() + json.dumps(report.to_json())
    assert "canary" not in text
    assert "s3cret" not in text
    assert "Y2FuYXJ5LXZhbHVl" not in text


def test_several_people_at_once(world: World) -> None:
    world.kubectl("label", "deployment", "hello", "x=y")
    world.kubectl("annotate", "deployment", "hello", "note=mine")
    world.kubectl("set", "image", "deployment/hello", "hello=other:1")
    [entry] = world.drift().entries
    assert {m.manager for m in entry.managers} == {"kubectl-label", "kubectl-annotate", "kubectl-set"}
    world.sync()
    assert world.drift().entries == ()


def test_report_writes_nothing(world: World) -> None:
    world.kubectl("label", "deployment", "hello", "x=y")
    before = world.versions()
    world.drift()
    world.plan()
    assert world.versions() == before


CREATED: dict[str, Callable[[], Manifest]] = {
    "configmap": lambda: configmap("mine", A="1"),
    "service": lambda: service("mine"),
}


@pytest.mark.parametrize("kind", CREATED)
def test_what_kubectl_made_is_taken_over(world: World, kind: str) -> None:
    manifest = CREATED[kind]()
    manifest["metadata"]["annotations"] = {"note": "by hand"}
    world.kubectl("apply", "-f", "-", text=json.dumps(manifest))
    world.objects.append(CREATED[kind]())
    world.sync()
    assert not world.live(kind, "mine")["metadata"].get("annotations")
    assert world.drift().entries == ()
    before = world.versions()
    world.sync()
    assert world.versions() == before
