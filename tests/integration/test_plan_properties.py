"""Properties of a plan on the real API server: the same for every order of the input, complete, in order."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World
from towpath.kube.apply_order import deletion_stages, in_apply_order
from towpath.objects import Manifest, ref_of

pytestmark = pytest.mark.integration

POOL = ("Deployment", "Service", "ConfigMap", "Secret", "Role")
KEYS = [(kind, name) for kind in POOL for name in ("a", "b")]


def make(kind: str, name: str, *, changed: bool) -> Manifest:
    value = "2" if changed else "1"
    if kind == "Deployment":
        return deployment(name, replicas=0) | ({"spec": _spec(name)} if changed else {})
    if kind == "Service":
        made = service(name)
        made["spec"]["ports"][0]["port"] = 80 + int(changed)
        return made
    if kind == "Role":
        made = role(name)
        made["rules"][0]["verbs"] = ["get", "list"] if changed else ["get"]
        return made
    return secret(name, A=value) if kind == "Secret" else configmap(name, A=value)


def _spec(name: str) -> Manifest:
    spec: Manifest = deployment(name)["spec"]
    spec["minReadySeconds"] = 1
    return spec


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    """The first of each kind is live already."""
    module_world.settings["prune"] = {"limit": 100}
    module_world.objects = [make(kind, "a", changed=False) for kind in POOL]
    module_world.sync()
    return module_world


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.lists(
        st.tuples(st.sampled_from(KEYS), st.booleans()), min_size=1, unique_by=lambda each: each[0]
    ),
    random=st.randoms(),
)
def test_a_plan_is_stable_complete_and_ends_with_deletions_in_reverse(world: World, chosen, random) -> None:
    world.objects = [make(*key, changed=changed) for key, changed in chosen]
    plan = world.plan()
    random.shuffle(world.objects)
    again = world.plan()
    assert again == plan
    assert json.dumps(again.to_json()) == json.dumps(plan.to_json()), "byte for byte"
    assert again.to_text() == plan.to_text()

    kept = [entry.ref for entry in plan.entries if entry.action != "delete"]
    deleted = [entry.ref for entry in plan.entries if entry.action == "delete"]
    assert [entry.ref for entry in plan.entries] == kept + deleted, "deletions come last"
    assert kept == [ref_of(manifest) for manifest in in_apply_order(world.rendered.objects)]
    gone = {(kind, "a") for kind in POOL} - {key for key, _ in chosen}
    assert {(ref.kind, ref.name) for ref in deleted} == gone
    live = [make(ref.kind, ref.name, changed=False) for ref in deleted]
    for each in live:
        each["metadata"]["namespace"] = world.namespace
    assert deleted == [ref for stage in deletion_stages(live) for ref in stage]

    wanted = {
        key: "create" if key[1] == "b" else "configure" if changed else "unchanged" for key, changed in chosen
    }
    told = {(e.ref.kind, e.ref.name): e.action for e in plan.entries if e.action != "delete"}
    assert told == wanted
