"""Digests over secret values say nothing to who has not the namespace's key, and old ones still count."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest

from tests.integration.manifests import configmap, deployment
from tests.integration.world import World
from towpath.adapters.kubernetes.wire import Request, Wire
from towpath.applyset.apply_object import prepare_objects
from towpath.applyset.digest_key import KEY_NAME, key_ref
from towpath.applyset.inventory import Inventory
from towpath.applyset.inventory_configmap import from_configmap, to_configmap
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.digest_keys import read_key
from towpath.engine.reconcile.detect import inspect
from towpath.fields.canonical import digest
from towpath.objects import Manifest, ref_of

pytestmark = pytest.mark.integration


def secret(name: str, **texts: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}


@pytest.fixture
def objects() -> list[Manifest]:
    return [
        configmap("settings", colour="blue"),
        secret("own", size="short1"),
        secret("other", size="short2"),
    ]


def inventory_of(world: World) -> Inventory:
    return from_configmap(world.live("configmap", f"towpath-inventory-{world.app}"))


def plain(world: World) -> dict[str, str]:
    """What a former version records of each object, and of the whole."""
    former = {each.ref.name: each.plain_digest or each.applied_digest for each in prepared(world)}
    return {**former, "": world.rendered.digest}


def prepared(world: World) -> list:  # type: ignore[type-arg]
    rendered = world.rendered
    return list(prepare_objects(rendered.objects, owner_of(rendered)))


def as_of_a_former_version(world: World) -> None:
    """The inventory with plain digests, and no key."""
    inventory, digests = inventory_of(world), plain(world)
    objects = tuple(replace(each, applied_digest=digests[each.ref.name]) for each in inventory.objects)
    version = world.live("configmap", f"towpath-inventory-{world.app}")["metadata"]["resourceVersion"]
    world.cluster.replace(
        to_configmap(replace(inventory, objects=objects, desired_digest=digests[""]), version)
    )
    world.kubectl("delete", "secret", KEY_NAME)


def stored(world: World) -> str:
    """All that somebody reads who may read everything but Secrets."""
    kinds = "configmaps,deployments,jobs,events"
    return world.kubectl("get", kinds, "-o", "json", "--show-managed-fields") + json.dumps(
        world.plan().to_json()
    )


def test_no_digest_that_others_read_can_be_computed_without_the_key(world: World) -> None:
    job = deployment()
    job["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "DB_PASS", "value": "a-word-01"}]
    world.objects.append(job)
    world.sync()
    said, digests = stored(world), plain(world)
    for name in ("own", "other", ""):
        assert digests[name].removeprefix("sha256:")[:12] not in said
    assert inventory_of(world).desired_digest in said
    # Hashes of the values alone, or of the parts of a Secret.
    for manifest in world.rendered.objects[1:3]:
        data = {k: base64.b64encode(v.encode()).decode() for k, v in manifest["stringData"].items()}
        for each in (*data.values(), *manifest["stringData"].values()):
            assert hashlib.sha256(each.encode()).hexdigest()[:12] not in said
        for part in (data, manifest["stringData"], {**manifest, "data": data}, manifest):
            assert digest(part)[:12] not in said


def test_the_key_is_made_once_is_nobodys_and_no_extra(world: World) -> None:
    world.settings["extras"] = "prune"
    assert world.plan().desired_digest != world.rendered.digest
    assert read_key(world.cluster, world.namespace) is None, "a plan writes nothing"
    world.sync()
    key = world.live("secret", KEY_NAME)
    assert "applyset.kubernetes.io/part-of" not in key["metadata"]["labels"]
    other = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "second")
    other.objects = [secret("second", size="short3")]
    other.sync()
    assert world.live("secret", KEY_NAME)["metadata"]["uid"] == key["metadata"]["uid"]
    assert [entry.ref.name for entry in world.drift().extras if entry.ref.name == KEY_NAME] == []
    assert world.sync().changes == ()
    before = world.versions()
    world.sync()
    assert world.versions() == before


def test_an_app_without_secret_values_needs_no_key(world: World) -> None:
    del world.objects[1:]
    world.sync()
    assert world.cluster.get(key_ref(world.namespace)) is None
    assert inventory_of(world).desired_digest == world.rendered.digest


def test_an_inventory_of_a_former_version_is_as_good_and_rewritten_with_the_next_write(world: World) -> None:
    world.sync()
    as_of_a_former_version(world)
    assert plain(world)["own"] in stored(world)
    before = world.versions()
    assert world.drift().entries == ()
    assert world.plan().changes == ()
    assert world.versions() == before
    state = inspect(world.cluster, world.environment, [world.rendered]).state_of(owner_of(world.rendered))
    assert state
    assert not state.unsettled

    world.objects[0] = configmap("settings", colour="red")
    done = world.sync()
    assert [each.ref.name for each in done.changes] == ["settings"], "the Secrets are not applied again"
    for name in ("own", "other"):
        assert plain(world)[name] not in stored(world)
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def test_a_lost_key_costs_one_more_apply_and_no_write_of_secrets(world: World) -> None:
    world.sync()
    before = {name: world.live("secret", name)["metadata"]["resourceVersion"] for name in ("own", "other")}
    world.kubectl("delete", "secret", KEY_NAME)
    assert world.plan().changes == (), "the dry run tells that nothing differs"
    assert world.drift().drifted == ()
    assert world.sync().changes == ()
    after = {name: world.live("secret", name)["metadata"]["resourceVersion"] for name in ("own", "other")}
    assert after == before
    assert read_key(world.cluster, world.namespace)
    assert world.drift().entries == ()


@pytest.mark.parametrize("change", ["value", "key added", "key removed", "another Secret's value"])
def test_a_changed_secret_changes_the_recorded_digests(world: World, change: str) -> None:
    world.sync()
    seen, desired = inventory_of(world), world.plan().desired_digest
    texts = {
        "value": {"size": "short9"},
        "key added": {"size": "short1", "more": "short1"},
        "key removed": {"more": "short1"},
    }
    changed = "own" if change in texts else "other"
    world.objects[1 if changed == "own" else 2] = secret(changed, **texts.get(change, {"size": "another"}))
    assert world.plan().desired_digest != desired
    assert [each.ref.name for each in world.drift().unapplied] == [changed]
    world.sync()
    now = inventory_of(world)
    assert now.desired_digest != seen.desired_digest
    differ = [
        ref.name
        for ref, owned in now.by_ref.items()
        if owned.applied_digest != seen.by_ref[ref].applied_digest
    ]
    assert differ == [changed]


def test_a_key_that_may_not_be_made_stops_no_sync(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from towpath.adapters.kubernetes import ApiRefusedError

    send = Wire.send

    def refused(wire: Wire, request: Request):  # type: ignore[no-untyped-def]
        if request.method == "POST" and request.path.endswith("/secrets"):
            raise ApiRefusedError("create", status=403, reason="not allowed")
        return send(wire, request)

    monkeypatch.setattr(Wire, "send", refused)
    world.sync()
    assert world.sync().changes == ()
    assert world.drift().drifted == ()
    said = stored(world)
    assert not [name for name in ("own", "other", "") if plain(world)[name][-12:] in said]
    world.objects[1] = secret("own", size="short9")
    assert [each.ref.name for each in world.plan().changes] == ["own"]
    assert [each.ref.name for each in world.sync().changes] == ["own"]
    assert base64.b64decode(world.live("secret", "own")["data"]["size"]) == b"short9"


def test_a_check_asks_no_more_with_a_key_than_without(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    send = Wire.send
    monkeypatch.setattr(Wire, "send", lambda wire, request: asked.append(request.path) or send(wire, request))
    world.sync()
    world.drift()
    asked.clear()
    world.drift()
    with_key = sorted(asked)
    assert len([path for path in with_key if "/secrets" in path]) == 1
    assert ref_of(world.live("secret", "own")).name == "own"
