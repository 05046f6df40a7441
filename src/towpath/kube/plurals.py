"""The plural names of kinds, by which the API server and RBAC call them, without a cluster. Pure."""

from collections.abc import Iterable

from towpath.kube.kinds import Kind, is_built_in
from towpath.objects import Manifest

_IRREGULAR: dict[Kind, str] = {("", "Endpoints"): "endpoints"}


def crd_plurals(manifests: Iterable[Manifest]) -> dict[Kind, str]:
    """(group, kind) -> plural, for every CustomResourceDefinition in `manifests`."""
    found: dict[Kind, str] = {}
    for manifest in manifests:
        spec = manifest.get("spec")
        if manifest.get("kind") != "CustomResourceDefinition" or not isinstance(spec, dict):
            continue
        names = spec.get("names")
        if isinstance(names, dict) and names.get("plural"):
            found[str(spec.get("group", "")), str(names.get("kind", ""))] = str(names["plural"])
    return found


def plural(group: str, kind: str) -> tuple[str, bool]:
    """(the plural by the rules of English, whether it is known to be that: of a built-in kind it is)."""
    return _IRREGULAR.get((group, kind)) or _regular(kind.lower()), is_built_in(group, kind)


def _regular(word: str) -> str:
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}s"
