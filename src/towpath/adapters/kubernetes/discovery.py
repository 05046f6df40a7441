"""Which kinds the API server serves, and under which path: two requests by aggregated discovery."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind in one version. `verbs` as in RBAC; `scalable`: it has a scale subresource."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    scalable: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """URL path; all namespaces when `namespace` is empty, the collection when `name` is None."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            base += f"/namespaces/{quote(namespace, safe='')}"
        base += f"/{self.plural}"
        if name is not None:
            base += f"/{quote(name, safe='')}"
        return f"{base}/{subresource}" if subresource else base


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds served; the first version listed of a group is the one the server prefers."""

    by_kind: dict[tuple[str, str], tuple[Resource, ...]] = field(default_factory=dict)

    def find(self, group: str, kind: str, version: str | None = None) -> Resource | None:
        """The kind in `version`, or in the preferred one; None when it is not served."""
        served = self.by_kind.get((group, kind), ())
        return next((r for r in served if version in (None, r.version)), None)

    def other_versions(self, group: str, kind: str) -> list[str]:
        """The API versions that serve the kind: in its group, or in the one that a built-in kind moved to."""
        served = list(self.by_kind.get((group, kind), ()))
        if not served and "." not in group:  # the group of a CustomResourceDefinition has a dot
            served = [each for (_, name), found in self.by_kind.items() if name == kind for each in found]
        return [each.api_version for each in served]

    def listable(self, *, namespaced: bool = True) -> list[Resource]:
        """Every namespaced (or else cluster-scoped) kind that can be listed and deleted, as preferred."""
        preferred = [served[0] for served in self.by_kind.values()]
        return [
            each for each in preferred if each.namespaced == namespaced and {"list", "delete"} <= each.verbs
        ]

    def __contains__(self, group_kind: tuple[str, str]) -> bool:
        return group_kind in self.by_kind


def discover(get: Callable[[str, str], dict[str, Any]]) -> Kinds:
    """`get(path, accept)` answers JSON. Falls back to one request per group for servers before 1.30."""
    by_kind: dict[tuple[str, str], list[Resource]] = {}
    for root in ("/api", "/apis"):
        answer = get(root, f"{AGGREGATED},application/json")
        resources = _aggregated(answer) if "items" in answer else _single(root, answer, get)
        for resource in resources:
            by_kind.setdefault((resource.group, resource.kind), []).append(resource)
    return Kinds({key: tuple(resources) for key, resources in by_kind.items()})


def _aggregated(answer: dict[str, Any]) -> Iterable[Resource]:
    for group in answer["items"]:
        for version in group.get("versions", ()):
            for found in version.get("resources", ()):
                yield Resource(
                    group=group.get("metadata", {}).get("name", ""),
                    version=version["version"],
                    kind=found["responseKind"]["kind"],
                    plural=found["resource"],
                    namespaced=found.get("scope") == "Namespaced",
                    verbs=frozenset(found.get("verbs", ())),
                    scalable=any(
                        each.get("subresource") == "scale" for each in found.get("subresources") or ()
                    ),
                )


def _single(
    root: str, answer: dict[str, Any], get: Callable[[str, str], dict[str, Any]]
) -> Iterable[Resource]:
    if root == "/api":
        listed = [("", version) for version in answer.get("versions", ())]
    else:
        listed = [
            (group["name"], version["version"])
            for group in answer.get("groups", ())
            for version in sorted(group["versions"], key=lambda v, g=group: v != g["preferredVersion"])  # type: ignore[misc]
        ]
    for group, version in listed:
        path = f"{root}/{group}/{version}" if group else f"{root}/{version}"
        resources = get(path, "application/json").get("resources", ())
        names = {found["name"] for found in resources}
        for found in resources:
            if "/" not in found["name"]:
                yield Resource(
                    group=group,
                    version=version,
                    kind=found["kind"],
                    plural=found["name"],
                    namespaced=found["namespaced"],
                    verbs=frozenset(found.get("verbs", ())),
                    scalable=f"{found['name']}/scale" in names,
                )
