"""Maps the hooks of Helm charts to ours: what ran around an install or upgrade runs around a sync.

`pre-install` and `pre-upgrade` are `pre-sync`, `post-install` and `post-upgrade` are `post-sync`; the weight
is the wave. A Job can run only once in a sync; any other object that is a hook both before and after is there
before. Hooks of deletions, rollbacks and tests have no part in a sync and are left out. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from towpath.errors import ConfigError
from towpath.hooks import JOB
from towpath.objects import group_of
from towpath.order import HOOK, POST, PRE, WAVE
from towpath.strict_yaml import Document

_HELM_HOOK = "helm.sh/hook"
_HELM_WEIGHT = "helm.sh/hook-weight"
_PHASE = {
    "pre-install": PRE,
    "pre-upgrade": PRE,
    "post-install": POST,
    "post-upgrade": POST,
    "crd-install": "",  # of Helm 2: a CRD like any other
}
_NOT_OURS = frozenset({"pre-delete", "post-delete", "pre-rollback", "post-rollback", "test", "test-success"})


def map_hooks(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents with our annotations; ConfigError for a hook that Helm does not know."""
    for document in documents:
        value = document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        if (
            not isinstance(metadata, dict)
            or not isinstance(annotations, dict)
            or _HELM_HOOK not in annotations
        ):
            yield document
            continue
        names = {name.strip() for name in str(annotations[_HELM_HOOK]).split(",")}
        unknown = sorted(names - _PHASE.keys() - _NOT_OURS)
        if unknown:
            raise ConfigError(
                f"unknown hook {unknown[0]!r} in {_HELM_HOOK}", file=document.file, line=document.line or None
            )
        phases = {_PHASE[name] for name in names if name in _PHASE}
        if phases:
            yield _annotated(document, metadata, annotations, phases)


def _annotated(
    document: Document, metadata: dict[str, Any], annotations: dict[str, Any], phases: set[str]
) -> Document:
    if phases >= {PRE, POST}:
        if (group_of(str(document.value.get("apiVersion"))), document.value.get("kind")) == JOB:
            raise ConfigError(
                "a hook both before and after: one hook runs once in a sync",
                file=document.file,
                line=document.line or None,
                remedy="Make two hooks of it.",
            )
        phases = {PRE}
    ours = dict(annotations)
    if phase := "".join(phases):
        ours.setdefault(HOOK, phase)
        if _HELM_WEIGHT in annotations:
            ours.setdefault(WAVE, annotations[_HELM_WEIGHT])
    value = {**document.value, "metadata": {**metadata, "annotations": ours}}
    return Document(value, document.file, document.line)
