"""References to Kubernetes objects, and their parts in a manifest."""

from typing import Any, NamedTuple

Manifest = dict[str, Any]
"""One Kubernetes object as JSON: `apiVersion`, `kind`, `metadata`, …"""


class ObjectRef(NamedTuple):
    """Names one object, without the API version. `namespace` is empty for cluster-scoped kinds.

    A tuple, because a sync of thousands of objects sorts references and looks them up many times.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {path}"

    def to_json(self) -> dict[str, str]:
        """`group`, `kind`, `namespace` and `name`."""
        return {"group": self.group, "kind": self.kind, "namespace": self.namespace, "name": self.name}


def group_of(api_version: str) -> str:
    """`apps/v1` -> `apps`; `v1` -> `` (the core group)."""
    return api_version.rpartition("/")[0]


def ref_of(manifest: Manifest) -> ObjectRef:
    """The reference of a manifest that has `apiVersion`, `kind` and `metadata.name`."""
    metadata = manifest["metadata"]
    return ObjectRef(
        group_of(manifest["apiVersion"]),
        manifest["kind"],
        metadata.get("namespace") or "",
        metadata["name"],
    )
