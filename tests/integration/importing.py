"""What tests of imports from a cluster share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.integration.world import World
from towpath.cli.main import main
from towpath.fields.canonical import without_server_fields
from towpath.objects import Manifest, ref_of


def towpath(world: World, tools: Path, *arguments: str | Path) -> Result:
    environ = {"KUBECONFIG": str(world.kubeconfig), "TOWPATH_CACHE": str(tools.parents[1])}
    return CliRunner(env=environ).invoke(main, [*map(str, arguments)])


def content(world: World, objects: Iterable[Manifest]) -> dict[str, Any]:
    """What is live in the world's namespace, without what says whose it is."""
    found = {}
    for each in objects:
        ref = ref_of(each)
        if world.cluster.resource(ref.group, ref.kind).namespaced:
            ref = ref._replace(namespace=world.namespace)
        live = without_server_fields(world.cluster.get(ref) or {"metadata": {}})
        live["metadata"] = {k: v for k, v in live["metadata"].items() if k not in ("annotations", "labels")}
        live.pop("status", None)
        found[str(ref)] = live
    return found
