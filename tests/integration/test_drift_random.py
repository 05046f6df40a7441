"""Any edits by people, with other controllers as neighbours: one sync, and every owned field is as in Git."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.manifests import configmap, deployment, service
from tests.integration.world import World
from towpath.fields import pointer
from towpath.objects import Manifest, ObjectRef, ref_of

pytestmark = pytest.mark.integration

KEYS = ("A", "B", "C", "new")
WORDS = st.sampled_from(["", "1", "2", "other"])
OTHER = "neighbour-controller"


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    module_world.objects = [
        deployment(),
        service(),
        configmap("one", A="1", B="2", C="3"),
        configmap("two", A="1"),
    ]
    module_world.sync()
    return module_world


def edits() -> st.SearchStrategy[tuple[str, Any]]:
    names = st.sampled_from(["one", "two"])
    return st.one_of(
        st.tuples(st.just("set"), st.tuples(names, st.sampled_from(KEYS), WORDS)),
        st.tuples(st.just("clear"), names),
        st.tuples(st.just("delete"), names),
        st.tuples(st.just("label"), st.tuples(names, st.sampled_from(["x", "towpath.dev/app"]), WORDS)),
        st.tuples(st.just("scale"), st.integers(0, 2)),
        st.tuples(st.just("image"), st.sampled_from(["other:1", "other:2"])),
        st.tuples(st.just("port"), st.integers(1, 9)),
        st.tuples(st.just("neighbour"), st.tuples(names, WORDS)),
    )


def edit(world: World, what: str, value: Any) -> None:
    config = lambda name: ObjectRef("", "ConfigMap", world.namespace, name)  # noqa: E731
    hello = ObjectRef("apps", "Deployment", world.namespace, "hello")

    def patch(ref: ObjectRef, path: str, new: Any, op: str = "add") -> None:
        if world.cluster.get(ref, metadata_only=True):
            operation = {"op": op, "path": path, "value": new}
            world.cluster.json_patch(ref, [operation], field_manager="kubectl-edit")

    match what:
        case "set":
            name, key, word = value
            if (world.cluster.get(config(name)) or {}).get("data"):
                patch(config(name), f"/data/{key}", word)
        case "clear":
            patch(config(value), "/data", {})
        case "delete":
            world.cluster.delete(config(value))
        case "label":
            name, key, word = value
            patch(config(name), "/metadata/labels/" + key.replace("/", "~1"), word)
        case "scale":
            patch(hello, "/spec/replicas", value, "replace")
        case "image":
            patch(hello, "/spec/template/spec/containers/0/image", value, "replace")
        case "port":
            patch(
                ObjectRef("", "Service", world.namespace, "hello"),
                "/spec/ports/0/targetPort",
                value,
                "replace",
            )
        case "neighbour":
            name, word = value
            if world.cluster.get(config(name), metadata_only=True):
                metadata = {
                    "name": name,
                    "namespace": world.namespace,
                    "annotations": {"neighbour.example.com/note": word},
                }
                manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
                world.cluster.server_side_apply(manifest, field_manager=OTHER, force=True)


def neighbours(world: World) -> dict[str, tuple[str, str]]:
    """What the other controller owns, by object: its uid and the value."""
    found = {}
    for name in ("one", "two"):
        live = world.cluster.get(ObjectRef("", "ConfigMap", world.namespace, name))
        note = ((live or {}).get("metadata", {}).get("annotations") or {}).get("neighbour.example.com/note")
        if live and note is not None:
            found[name] = (live["metadata"]["uid"], note)
    return found


def owned_as_in_git(live: Any, wanted: Any) -> bool:
    """Every leaf of `wanted` is in `live`, and a map of data has nothing else."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(owned_as_in_git(live.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(live, list) and len(live) == len(wanted)
        return same and all(owned_as_in_git(a, b) for a, b in zip(live, wanted, strict=True))
    return bool(live == wanted)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(edits(), min_size=1, max_size=8))
def test_one_sync_restores_every_owned_field_and_leaves_neighbours_alone(
    world: World, steps: list[tuple[str, Any]]
) -> None:
    for what, value in steps:
        edit(world, what, value)
    before = neighbours(world)
    world.sync()
    for manifest in world.rendered.objects:
        live: Manifest | None = world.cluster.get(ref_of(manifest))
        assert live
        assert owned_as_in_git(live, manifest)
        if manifest["kind"] == "ConfigMap":
            assert live["data"] == manifest["data"]
            assert pointer.read(live, "/metadata/labels/x") is None
    assert neighbours(world) == before
    assert world.drift().entries == ()
    versions = world.versions()
    world.sync()
    assert world.versions() == versions
