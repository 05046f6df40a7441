"""An environment, its apps and its context, described for tests that need no cluster."""

from pathlib import Path
from typing import Any, cast

from towpath.adapters.git import Checkout
from towpath.config import parse_config
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.render import Rendered
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import TransientError
from towpath.objects import Manifest

CONFIG = parse_config(
    "apiVersion: towpath.dev/v2\napps: {hello: {image: example.com/hello}}\n"
    "environments: [{name: dev, namespace: dev}]\n"
)


def deployment(name: str, *, ready: bool = True) -> Manifest:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "conditions": []}
    status |= {"availableReplicas": 1, "readyReplicas": 1} if ready else {"unavailableReplicas": 1}
    metadata = {"name": name, "namespace": "dev", "uid": name, "generation": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": 1},
        "status": status,
    }


def app(name: str, *objects: Manifest) -> Rendered:
    return Rendered(name, "dev", "dev", objects, "")


class Away:
    """A cluster that does not answer."""

    def discover(self) -> Any:
        raise TransientError("away")


def context_at(root: Path) -> EnvironmentContext:
    checkout = Checkout(root, "https://127.0.0.1/env.git", "c" * 40, "main", root)
    return EnvironmentContext(cast(Any, Away()), EnvironmentRepo(checkout, CONFIG), CONFIG.environment("dev"))
