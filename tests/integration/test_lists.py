"""Lists of the real API server, in as many answers as it takes."""

from typing import Any
from unittest.mock import patch

import pytest

from tests.integration.world import World
from towpath.adapters.kubernetes import Cluster, Collection
from towpath.adapters.kubernetes import cluster as module
from towpath.engine.live.watch_cache import LivePicture
from towpath.objects import Manifest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
NAMES = [f"listed-{number}" for number in range(7)]
LABEL = {"towpath.dev/test": "lists"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
LABELS = "towpath.dev/test=lists"


@pytest.fixture
def cluster(world: World) -> Cluster:
    for name in NAMES:
        metadata = {"name": name, "namespace": world.namespace, "labels": LABEL}
        world.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}
        )
    return world.cluster


def listed(cluster: Cluster, namespace: str, page: int, **which: Any) -> list[Manifest]:
    with patch.object(module, "PAGE", page):
        return list(cluster.list("", "ConfigMap", namespace, labels=LABELS, **which))


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8])
def test_pages_make_one_list(world: World, cluster: Cluster, page: int) -> None:
    whole = listed(cluster, world.namespace, 500)
    assert [each["metadata"]["name"] for each in whole] == NAMES
    assert listed(cluster, world.namespace, page) == whole
    assert listed(cluster, world.namespace, page, metadata_only=True) == [
        {key: each[key] for key in ("apiVersion", "kind", "metadata")} for each in whole
    ]


@pytest.mark.parametrize("page", [3, 500])
def test_who_owns_which_field_is_left_out_where_nobody_asks(
    world: World, cluster: Cluster, page: int
) -> None:
    whole = listed(cluster, world.namespace, page)
    assert all(each["metadata"].pop("managedFields") for each in whole)
    assert listed(cluster, world.namespace, page, managed_fields=False) == whole
    collection = Collection("", "ConfigMap", world.namespace, labels=LABELS)
    with LivePicture(cluster, [collection]) as picture:
        version, seen = picture.snapshot()
        while seen is None:
            picture.wait(version, 10)
            version, seen = picture.snapshot()
        assert list(seen.values()) == whole
        changed = {**whole[0], "data": {"a": "2"}}
        cluster.replace(changed)
        while seen is None or [each["data"] for each in seen.values()].count({"a": "2"}) == 0:
            picture.wait(version, 10)
            version, seen = picture.snapshot()
        assert not [each for each in seen.values() if "managedFields" in each["metadata"]]
