"""References to Kubernetes objects, and what can be read off a manifest without a cluster."""

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
"""One Kubernetes object as JSON: `apiVersion`, `kind`, `metadata`, …"""


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Names one object; the version is no part of it. `namespace` is empty for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}"


def group_of(api_version: str) -> str:
    """`apps/v1` -> `apps`; `v1` -> `` (the core group)."""
    return api_version.rpartition("/")[0]


def ref_of(manifest: Manifest) -> ObjectRef:
    """The reference of a manifest that has `apiVersion`, `kind` and `metadata.name`."""
    metadata = manifest["metadata"]
    return ObjectRef(
        group=group_of(manifest["apiVersion"]),
        kind=manifest["kind"],
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
    )
