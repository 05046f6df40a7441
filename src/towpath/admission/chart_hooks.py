"""Maps the hook annotations of Helm charts to Towpath's: install and upgrade hooks become sync hooks.

`pre-install` and `pre-upgrade` are `pre-sync`, `post-install` and `post-upgrade` are `post-sync`; the weight
is the wave. A Job can run only once in a sync; any other object that is a hook both before and after is there
before. Hooks of deletions, rollbacks and tests have no part in a sync and are left out. What Helm would keep
at an uninstall is never deleted. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from towpath.applyset.hooks import JOB
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.errors import ConfigError
from towpath.kube.apply_order import HOOK_ANNOTATION, POST_SYNC, PRE_SYNC, WAVE_ANNOTATION
from towpath.objects import group_of
from towpath.yamltext.manifest_reader import ManifestDocument

_HELM_HOOK = "helm.sh/hook"
_HELM_WEIGHT = "helm.sh/hook-weight"
_HELM_POLICY = "helm.sh/resource-policy"
_PHASE = {
    "pre-install": PRE_SYNC,
    "pre-upgrade": PRE_SYNC,
    "post-install": POST_SYNC,
    "post-upgrade": POST_SYNC,
    "crd-install": "",  # of Helm 2: a CRD like any other
}
_NOT_OURS = frozenset({"pre-delete", "post-delete", "pre-rollback", "post-rollback", "test", "test-success"})


def map_helm_hooks(documents: Iterable[ManifestDocument]) -> Iterator[ManifestDocument]:
    """The documents with Towpath's annotations. Raises ConfigError for a hook that Helm does not have."""
    for document in documents:
        value = document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        if not isinstance(metadata, dict) or not isinstance(annotations, dict):
            yield document
            continue
        phases: set[str] = set()
        if _HELM_HOOK in annotations:
            phases = _phases(document, str(annotations[_HELM_HOOK]))
            if not phases:
                continue
        ours = {**_kept(annotations), **_hook(document, annotations, phases), **annotations}
        yield replace(document, value={**value, "metadata": {**metadata, "annotations": ours}})


def sync_phases(events: Iterable[str]) -> set[str]:
    """The phases of a sync in which a hook of these events runs; none when it has no part in a sync."""
    return {_PHASE[event] for event in events if _PHASE.get(event)}


def _phases(document: ManifestDocument, names: str) -> set[str]:
    wanted = {name.strip() for name in names.split(",")}
    unknown = sorted(wanted - _PHASE.keys() - _NOT_OURS)
    if unknown:
        raise ConfigError(
            f"unknown hook {unknown[0]!r} in {_HELM_HOOK}", file=document.file, line=document.line or None
        )
    return {_PHASE[name] for name in wanted if name in _PHASE}


def _kept(annotations: Mapping[str, Any]) -> dict[str, str]:
    return {PRUNE_ANNOTATION: "disabled"} if annotations.get(_HELM_POLICY) == "keep" else {}


def _hook(document: ManifestDocument, annotations: Mapping[str, Any], phases: set[str]) -> dict[str, Any]:
    if phases >= {PRE_SYNC, POST_SYNC}:
        if (group_of(str(document.value.get("apiVersion"))), document.value.get("kind")) == JOB:
            raise ConfigError(
                "a hook both before and after: one hook runs once in a sync",
                file=document.file,
                line=document.line or None,
                remedy="Make two hooks of it.",
            )
        phases = {PRE_SYNC}
    phase = "".join(phases)
    if not phase:
        return {}
    return {
        HOOK_ANNOTATION: phase,
        **({WAVE_ANNOTATION: annotations[_HELM_WEIGHT]} if _HELM_WEIGHT in annotations else {}),
    }
