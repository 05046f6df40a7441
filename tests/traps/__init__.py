"""Traps by name, in groups: each is a repository that `towpath check` refuses with one finding."""

from tests.traps.checkout import CHECKOUT, MANY
from tests.traps.cost import COST
from tests.traps.helm import HELM
from tests.traps.helm_more import MORE as HELM_MORE
from tests.traps.kustomize import KUSTOMIZE
from tests.traps.kustomize_more import MORE as KUSTOMIZE_MORE
from tests.traps.objects import OBJECTS
from tests.traps.objects_more import MORE_OBJECTS, MORE_YAML
from tests.traps.releases import RELEASES
from tests.traps.repository import Trap
from tests.traps.text import YAML

GROUPS: dict[str, dict[str, Trap]] = {
    "yaml": {**YAML, **MORE_YAML, **COST["yaml"]},
    "objects": {**OBJECTS, **MORE_OBJECTS, **COST["objects"]},
    "kustomize": {**KUSTOMIZE, **KUSTOMIZE_MORE, **COST["kustomize"]},
    "helm": {**HELM, **HELM_MORE, **COST["helm"]},
    "checkout": {**CHECKOUT, **RELEASES, **COST["checkout"]},
}
"""Each gets one finding, but those of `MANY`: some, and a word on the rest."""
__all__ = ["GROUPS", "MANY", "Trap"]
