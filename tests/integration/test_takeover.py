"""Drift that is taken back only half: it stays seen, with who made it, until Git's state is really live."""

import json

import pytest

from tests.integration.manifests import configmap, deployment, secret, service
from tests.integration.test_controllers_fields import volume, waited
from tests.integration.world import World
from towpath.drift.model import DriftEntry
from towpath.engine.apply import server_side_apply
from towpath.errors import SyncError, TransientError
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


SIDECAR = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "x"}]}}}}
EDITS: dict[str, tuple[Manifest, tuple[str, ...], str]] = {
    # what is done: (the object, kubectl's arguments, the manager)
    "a value": (configmap("value", A="1"), ("patch", "-p", '{"data":{"A":"2"}}'), "kubectl-patch"),
    "a value and a key": (
        configmap("both", A="1"),
        ("patch", "-p", '{"data":{"A":"2","B":"3"}}'),
        "kubectl-patch",
    ),
    "a key": (configmap("key", A="1"), ("patch", "-p", '{"data":{"B":"3"}}'), "kubectl-patch"),
    "a label": (service("labelled"), ("label", "x=y"), "kubectl-label"),
    "a container": (deployment("side"), ("patch", "-p", json.dumps(SIDECAR)), "kubectl-patch"),
    "an image": (deployment("image"), ("set", "image", "hello=other:1"), "kubectl-set"),
}


def edit(world: World, manifest: Manifest, arguments: tuple[str, ...]) -> None:
    target = f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
    words = 2 if arguments[0] == "set" else 1
    world.kubectl(*arguments[:words], target, *arguments[words:])


def drifted(world: World) -> list[DriftEntry]:
    return [entry for entry in world.drift().entries if entry.app == world.app]


@pytest.mark.parametrize("case", EDITS)
def test_a_sync_that_dies_between_ownership_and_apply_hides_nothing(
    world: World, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, arguments, manager = EDITS[case]
    world.app, world.objects = case.replace(" ", "-"), [manifest]
    world.sync()
    edit(world, manifest, arguments)

    def dies(*_: object, **__: object) -> None:
        raise TransientError("power cut")

    for _ in range(2):  # also when the next one dies, too
        with monkeypatch.context() as patch:
            patch.setattr(server_side_apply, "_apply", dies)
            with pytest.raises(TransientError):
                world.sync()
        [entry] = drifted(world)
        assert (entry.kind, [each.manager for each in entry.managers]) == ("modified", [manager])
        assert entry.differences
    assert [each.result for each in world.sync().changes] == ["configured"]
    assert drifted(world) == []
    before = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == before
    live, name = world.live(manifest["kind"], manifest["metadata"]["name"]), "data"
    assert live.get(name) == manifest.get(name)


def test_what_a_person_shares_with_git_goes_when_git_drops_it(world: World) -> None:
    world.app, world.objects = "shared", [configmap("shared", A="1", B="1")]
    world.sync()
    world.kubectl("patch", "configmap/shared", "-p", '{"data":{"A":"2","B":"1"}}')
    world.kubectl("patch", "configmap/shared", "-p", '{"data":{"A":"1"}}')
    world.sync()
    world.objects = [configmap("shared", B="1")]
    world.sync()
    assert world.live("configmap", "shared")["data"] == {"B": "1"}
    assert drifted(world) == []


def node_port() -> Manifest:
    made = service("ported")
    made["spec"]["type"] = "NodePort"
    return made


QUOTA = ("quota", "no-node-ports")
SEALED = '{"immutable":true}'
REFUSED: dict[str, tuple[Manifest, str, str]] = {
    # what the server does not let go back: (the object, the edit, a word of the refusal)
    "a sealed map": (configmap("sealed", A="1"), SEALED, "immutable"),
    "a sealed map with another value": (
        configmap("sealed-2", A="1"),
        '{"immutable":true,"data":{"A":"2"}}',
        "immutable",
    ),
    "a sealed map with another key": (
        configmap("sealed-3", A="1"),
        '{"immutable":true,"data":{"B":"2"},"metadata":{"labels":{"x":"y"}}}',
        "immutable",
    ),
    "a sealed Secret": (secret("sealed-4", A="1"), SEALED, "immutable"),
    "a port that a quota does not give again": (node_port(), '{"spec":{"type":"ClusterIP"}}', "quota"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_server_does_not_let_go_back_stays_seen_with_who_did_it(world: World, case: str) -> None:
    manifest, patch, reason = REFUSED[case]
    world.app, world.objects = f"refused-{list(REFUSED).index(case)}", [manifest]
    world.sync()
    edit(world, manifest, ("patch", "-p", patch))
    if reason == "quota":
        world.kubectl("create", *QUOTA, "--hard=services.nodeports=0")
        waited(lambda: "hard" in world.live("resourcequota", QUOTA[1]).get("status", {}))
    for _ in range(2):
        with pytest.raises(SyncError, match=reason):
            world.sync()
        [entry] = drifted(world)
        assert (entry.kind, [each.manager for each in entry.managers]) == ("modified", ["kubectl-patch"])
        assert entry.differences or reason in entry.message
        [planned] = world.plan().entries
        assert planned.action != "unchanged"
    if reason == "quota":
        world.kubectl("delete", *QUOTA)
        assert [each.result for each in world.sync().changes] == ["configured"]
        assert drifted(world) == []


def test_a_claim_that_a_person_has_grown_stays_seen_with_who_did_it(world: World) -> None:
    name = f"grown-{world.namespace}"
    spec = {
        "storageClassName": name,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    grown: Manifest = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    world.app, world.objects = "grown", [{"apiVersion": "v1", **grown}]
    kinds = volume(name, world.namespace)
    world.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": kinds}))
    try:
        world.sync()
        waited(lambda: world.live("persistentvolumeclaim", "data")["status"]["phase"] == "Bound")
        patch = '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}'
        world.kubectl("patch", "pvc/data", "-p", patch)
        for _ in range(2):
            with pytest.raises(SyncError, match=r"resources\.requests\.storage"):
                world.sync()
            [entry] = drifted(world)
            assert (entry.kind, [each.manager for each in entry.managers]) == ("modified", ["kubectl-patch"])
            assert [each.pointer for each in entry.differences] == ["/spec/resources/requests/storage"]
    finally:
        for kind in ("storageclass", "persistentvolume"):
            world.kubectl("delete", kind, name, "--wait=false")
