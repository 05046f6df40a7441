"""What an environment allows one app to contain."""

from dataclasses import dataclass

from towpath.kube.image_fields import ImageRule
from towpath.release.model import Images


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The policy for one app in one environment.

    `cluster_scoped` are the kinds of `allowClusterScoped`. `images` are those of the release; without any, no
    image is judged.
    """

    namespace: str
    cluster_scoped: frozenset[str] = frozenset({"Namespace"})
    images: Images = ()
    image_rules: tuple[ImageRule, ...] = ()
    app: str | None = None
    environment: str | None = None
