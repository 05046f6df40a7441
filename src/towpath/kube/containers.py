"""The containers of a workload: under which keys they are listed, and where its pod specification is."""

from collections.abc import Iterator
from typing import Any

from towpath.objects import Manifest

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
"""Keys of a pod specification that list containers."""
CONTAINER_STATUS_LISTS = tuple(f"{key.removesuffix('s')}Statuses" for key in CONTAINER_LISTS)
"""Keys of a pod's status that list what became of them."""


def containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Every container of a workload, the initial and ephemeral ones included; nothing for other kinds."""
    spec = pod_spec(manifest)
    for key in CONTAINER_LISTS:
        listed = spec.get(key)
        yield from (item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict))


def pod_spec(manifest: Manifest) -> dict[str, Any]:
    """The pod specification inside a workload, whatever its kind; {} when it has none."""
    paths = {
        "Pod": ("spec",),
        "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
        "PodTemplate": ("template", "spec"),
    }
    value: Any = manifest
    for key in paths.get(manifest.get("kind", ""), ("spec", "template", "spec")):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
