"""What an environment allows one app to contain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from towpath.kube.image_fields import ImageRule
from towpath.release.model import Images


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The policy for one app in one environment.

    `namespace` is that of objects that name none, `namespaces` are patterns of others that the app may touch;
    `others` are apps' own, with that app. `cluster_scoped` is `allowClusterScoped`. `images` are those
    of the release; without any, no image is judged.
    """

    namespace: str
    namespaces: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    cluster_scoped: frozenset[str] = frozenset({"Namespace"})
    images: Images = ()
    image_rules: tuple[ImageRule, ...] = ()
    app: str | None = None
    environment: str | None = None

    def allows(self, group: str, kind: str, name: str = "") -> bool:
        """Whether a cluster-scoped object may be here; without a name, whether any of the kind may."""
        for allowed in self.cluster_scoped:
            of_kind, _, pattern = allowed.partition("/")
            named = not (name and pattern) or fnmatchcase(name, pattern)
            if named and of_kind in (kind, f"{kind}.{group}"):
                return True
        return False

    def may_touch(self, namespace: str) -> bool:
        """Whether the app may have objects in a namespace, or the Namespace itself."""
        if namespace == self.namespace:
            return True
        return namespace not in self.others and any(fnmatchcase(namespace, each) for each in self.namespaces)
