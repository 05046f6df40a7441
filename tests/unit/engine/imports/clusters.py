"""A cluster in memory for tests of imports."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.cli.api_server import ApiServer, api_server
from towpath.adapters.kubernetes import Cluster, connect
from towpath.engine.imports.assemble import Imported


@contextmanager
def cluster_of(folder: Path) -> Iterator[tuple[ApiServer, Cluster]]:
    """With the namespace `shop`."""
    with api_server() as api:
        api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": api.url}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        (folder / "kubeconfig").write_text(json.dumps(config))
        yield api, connect(str(folder / "kubeconfig"))


def told(made: Imported, what: str) -> str:
    """What a note says of an object of the cluster."""
    (note,) = (each for each in made.notes if each.file == what)
    assert note.line == 0
    return note.message
