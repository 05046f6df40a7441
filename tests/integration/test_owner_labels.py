"""Labels by which Towpath knows its objects, changed by others: drift, where the object is certainly ours."""

import base64
import json
import secrets

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.applyset.inventory import APP_LABEL, ENVIRONMENT_LABEL, PART_OF_LABEL, Owner
from towpath.engine.live.app_state import owner_of
from towpath.engine.reconcile.detect import inspect
from towpath.errors import SyncError

pytestmark = pytest.mark.integration


def applyset_id() -> str:
    return f"applyset-{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}-v1"


@pytest.fixture
def synced(world: World) -> World:
    world.objects = [configmap("settings", A="1"), configmap("beside", A="1")]
    world.sync()
    return world


def label(world: World, name: str, value: str | None, manager: str = "kubectl-label") -> None:
    patch = json.dumps({"metadata": {"labels": {name: value}}})
    options = ("--type=merge", "-p", patch, f"--field-manager={manager}")
    world.kubectl("patch", "configmap", "settings", *options)


def labels(world: World) -> dict[str, str]:
    found: dict[str, str] = world.live("configmap", "settings")["metadata"]["labels"]
    return found


def heals(world: World) -> None:
    """A reconcile finds the change, and its sync takes it back."""
    found = inspect(world.cluster, world.environment, [world.rendered], commit="c" * 40)
    [entry] = [each for each in found.report.entries if each.app == world.app]
    assert (entry.kind, entry.left_to, entry.ref.name) == ("modified", "", "settings")
    actions = [(each.ref.name, each.action) for each in world.plan().entries]
    assert actions == [("beside", "unchanged"), ("settings", "configure")]
    owner = owner_of(world.rendered)
    done = world.apply(app_state=found.state_of(owner))
    assert [str(each.ref.name) for each in done.changes] == ["settings"]
    assert owner.labels.items() <= labels(world).items()
    assert [each for each in world.drift().entries if each.app == world.app] == []
    assert world.sync(commit="d" * 40).changes == ()


@pytest.mark.parametrize("name", [PART_OF_LABEL, APP_LABEL, ENVIRONMENT_LABEL])
@pytest.mark.parametrize("manager", ["kubectl-label", "kubectl-edit", "k9s", "some-controller", "kubectl"])
@pytest.mark.parametrize("value", ["other", ""])
def test_a_changed_label_of_an_object_of_ours_is_drift(
    synced: World, name: str, manager: str, value: str
) -> None:
    label(synced, name, value, manager)
    heals(synced)


@pytest.mark.parametrize("name", [PART_OF_LABEL, APP_LABEL, ENVIRONMENT_LABEL])
def test_a_removed_label_of_an_object_of_ours_is_drift(synced: World, name: str) -> None:
    label(synced, name, None)
    heals(synced)


def test_the_id_of_an_app_that_does_not_have_the_object_is_drift(synced: World) -> None:
    synced.app, objects = "other", synced.objects
    synced.objects = [configmap("others", A="1")]
    synced.sync()
    synced.app, synced.objects = "hello", objects
    label(synced, PART_OF_LABEL, Owner("other", "test", synced.namespace).applyset)
    heals(synced)


def refuses(world: World, owner: str) -> None:
    versions = world.versions()
    [planned] = [each for each in world.plan().entries if each.ref.name == "settings"]
    assert (planned.action, planned.reason.startswith(f"belongs to {owner}")) == ("skip", True)
    with pytest.raises(SyncError, match="settings: belongs to ") as refused:
        world.sync()
    assert owner in refused.value.message
    assert world.versions() == versions, "nothing was written"


@pytest.mark.parametrize("parent", ["", "configmap", "secret"])
def test_an_object_of_another_applyset_is_refused(synced: World, parent: str) -> None:
    """With a parent, as `kubectl apply --applyset` makes it; without, that may be where we cannot read."""
    other = applyset_id()
    if parent:
        metadata = {"name": "parent", "labels": {"applyset.kubernetes.io/id": other}}
        made = {"apiVersion": "v1", "kind": parent.capitalize().replace("map", "Map"), "metadata": metadata}
        synced.kubectl("create", "-f", "-", text=json.dumps(made))
    label(synced, PART_OF_LABEL, other, "kubectl")
    refuses(synced, f"ApplySet {other}")


def test_an_object_that_another_app_has_applied_meanwhile_is_refused(synced: World) -> None:
    label(synced, PART_OF_LABEL, None)  # somebody lets go of it for the other app
    objects, synced.app, synced.objects = synced.objects, "other", [configmap("settings", A="1")]
    synced.sync()
    synced.app, synced.objects = "hello", objects
    refuses(synced, "app other")


def test_an_object_of_another_environment_is_refused(synced: World) -> None:
    label(synced, PART_OF_LABEL, Owner("hello", "prod", "another-namespace").applyset)
    refuses(synced, "ApplySet ")


def test_without_our_inventory_nothing_proves_that_an_object_is_ours(synced: World) -> None:
    label(synced, PART_OF_LABEL, "other")
    synced.kubectl("delete", "configmap", "towpath-inventory-hello")
    with pytest.raises(SyncError, match="settings: belongs to ApplySet other"):
        synced.sync()


def test_another_object_of_the_same_name_is_not_ours(synced: World) -> None:
    synced.kubectl("delete", "configmap", "settings")
    made = configmap("settings", B="2")
    made["metadata"]["labels"] = {PART_OF_LABEL: "other"}
    synced.kubectl("create", "-f", "-", text=json.dumps(made))
    refuses(synced, "ApplySet other")
