"""A namespace belongs to one environment: another one that is led there writes nothing."""

import json
from collections.abc import Callable

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.applyset.inventory_configmap import from_configmap
from towpath.config import Environment
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.uninstall import plan_leaving
from towpath.engine.live.app_state import owner_of
from towpath.engine.preview.plan import plan_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import Rendered
from towpath.errors import RefusedError
from towpath.objects import Manifest

pytestmark = [pytest.mark.integration]


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap("a", A="1")]


def other(world: World, app: str = "hello") -> tuple[Rendered, Environment]:
    """An app of the environment `other`, which has the same namespace."""
    objects = (configmap("a", A="2"), configmap("b", A="2"))
    placed = tuple(
        {**each, "metadata": {**each["metadata"], "namespace": world.namespace}} for each in objects
    )
    rendered = Rendered(app, "other", world.namespace, placed, "d")
    return rendered, Environment(name="other", namespace=world.namespace)


def state(world: World) -> dict[str, str]:
    """Everything in the namespace, by its versions."""
    found = json.loads(world.kubectl("get", "configmap,secret", "-o", "json"))["items"]
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


def sync(world: World, app: str) -> object:
    rendered, environment = other(world, app)
    return sync_app(world.cluster, rendered, environment, commit="c")


def plan(world: World, app: str) -> object:
    rendered, environment = other(world, app)
    return plan_app(world.cluster, rendered, environment)


def look(world: World, app: str) -> object:
    rendered, environment = other(world, app)
    return inspect(world.cluster, environment, [rendered])


def leave(world: World, app: str) -> object:
    return plan_leaving(world.cluster, app, other(world)[1], {})


@pytest.mark.parametrize("app", ["hello", "another"])
@pytest.mark.parametrize("work", [sync, plan, look, leave])
def test_another_environment_is_refused_before_anything_is_written(
    world: World, work: Callable[[World, str], object], app: str
) -> None:
    world.sync()
    before = state(world)
    with pytest.raises(RefusedError, match="is that of environment test; nothing is written for other"):
        work(world, app)
    assert state(world) == before
    assert world.sync().changes == ()


def test_a_renamed_environment_goes_on_when_it_is_given_the_inventories(world: World) -> None:
    world.sync()
    with pytest.raises(RefusedError) as caught:
        sync(world, "hello")
    assert caught.value.remedy
    command = caught.value.remedy.partition("`kubectl ")[2].partition("`")[0].split()
    world.kubectl(*command)
    rendered, environment = other(world)
    assert len(sync_app(world.cluster, rendered, environment, commit="c").changes) == 2
    inventory = from_configmap(world.live("configmap", "towpath-inventory-hello"))
    assert inventory.owner.environment == "other"
    assert inspect(world.cluster, environment, [rendered]).report.entries == ()


def test_an_odd_inventory_holds_up_its_own_app_only(world: World) -> None:
    world.sync()
    world.kubectl(
        "label", "configmap", "towpath-inventory-hello", "towpath.dev/environment=odd", "--overwrite"
    )
    second = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "second")
    second.objects = [configmap("s", A="1")]
    with pytest.raises(RefusedError, match="is that of environment odd"):
        second.sync()  # nothing says yet that the namespace is this environment's
    labels = ("towpath.dev/environment=test", "--overwrite")
    world.kubectl("label", "configmap", "towpath-inventory-hello", *labels)
    assert len(second.sync().changes) == 1
    world.kubectl(
        "label", "configmap", "towpath-inventory-hello", "towpath.dev/environment=odd", "--overwrite"
    )
    with pytest.raises(
        RefusedError, match=r"the inventory of hello in namespace .* is that of environment odd"
    ):
        world.sync()
    second.objects = [configmap("s", A="2")]
    assert len(second.sync().changes) == 1
    found = inspect(world.cluster, world.environment, [world.rendered, second.rendered])
    assert found.desired.keys() - found.inventories.keys() == {"hello"}


def test_an_inventory_that_is_another_environments_is_not_written_over(world: World) -> None:
    """A reconcile that has looked at all inventories at once asks for none again."""
    world.sync()
    second = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "second")
    second.objects = [configmap("s", A="1")]
    second.sync()
    world.kubectl(
        "label", "configmap", "towpath-inventory-hello", "towpath.dev/environment=odd", "--overwrite"
    )
    world.objects = [configmap("a", A="3")]
    found = inspect(world.cluster, world.environment, [world.rendered])
    app_state = found.state_of(owner_of(world.rendered))
    before = state(world)
    with pytest.raises(RefusedError, match="is that of environment odd"):
        sync_app(world.cluster, world.rendered, world.environment, commit="c", app_state=app_state)
    assert state(world) == before


def test_an_inventory_without_the_label_is_that_of_the_environment_that_wrote_it(world: World) -> None:
    world.sync()
    world.kubectl("label", "configmap", "towpath-inventory-hello", "towpath.dev/environment-")
    assert world.sync().changes == ()
    with pytest.raises(RefusedError, match="is that of environment test"):
        sync(world, "hello")
