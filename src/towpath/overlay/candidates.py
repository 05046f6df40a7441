"""Candidate edits of an overlay for a change, by renderer; a rendering proves which one fits. Pure.

kustomize   `replicas:`; a file of the overlay that has the whole object; a patch that is there; a new patch
helm        each value of values.yaml (the environment's, or the chart's default) that is what Git has now
plain       the object's own file in the environment's folder
"""

from collections.abc import Callable, Iterator

from towpath.drift.adoption import AdoptableChange
from towpath.errors import ConfigError
from towpath.objects import Manifest
from towpath.overlay import drift_in_helm, drift_in_kustomize, drift_in_plain
from towpath.overlay.texts import Edit, Edits, Overlay, find_object_texts

FINDERS: dict[str, Callable[[Overlay, AdoptableChange, Manifest], Iterator[Edit]]] = {
    "kustomize": drift_in_kustomize.edits,
    "helm": drift_in_helm.edits,
    "plain": drift_in_plain.edits,
}


def candidates(overlay: Overlay, change: AdoptableChange, rendered: Manifest) -> Iterator[Edits]:
    """Edits that may give the change, the most natural first. `rendered` is the object as rendered now."""
    for edit in FINDERS[overlay.renderer](overlay, change, rendered):
        try:
            edits = edit()
        except (ConfigError, LookupError, TypeError, AttributeError):
            continue  # the file has no place for the change
        yield edits


def explain_no_candidate(overlay: Overlay, change: AdoptableChange, fitting: int) -> str:
    """Why not exactly one candidate gives the change; `fitting` is the number of those that do."""
    if overlay.renderer == "helm":
        return (
            "more than one value of values.yaml gives it"
            if fitting > 1
            else "no value of values.yaml gives exactly this field"
        )
    if overlay.renderer == "plain":
        if next(find_object_texts(overlay, overlay.base, change.ref), None):
            return f"it is in {overlay.base}, which other environments share"
        return "it cannot be changed alone in its file"
    return "no patch of the overlay gives exactly this"
