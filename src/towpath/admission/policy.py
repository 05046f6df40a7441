"""What an environment allows one app to contain."""

from dataclasses import dataclass

from towpath.kube.image_fields import ImageRule


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The policy for one app in one environment.

    `cluster_scoped` are the kinds of `allowClusterScoped`. `image` (a repository) and `digest` are those of
    the release; without a digest images are not judged.
    """

    namespace: str
    cluster_scoped: frozenset[str] = frozenset({"Namespace"})
    image: str | None = None
    digest: str | None = None
    image_rules: tuple[ImageRule, ...] = ()
    app: str | None = None
    environment: str | None = None
