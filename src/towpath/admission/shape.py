"""Whether a value has the shape of a Kubernetes object: apiVersion, kind, metadata and a valid name."""

import re

from towpath.objects import Manifest, group_of

_API_VERSION = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?v[a-z0-9]{1,62}\Z")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_FREE_NAME = re.compile(r"(?!\.\.?\Z)[^/%\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,253}\Z")
_FREE_NAMES = ("rbac.authorization.k8s.io", "certificates.k8s.io")
"""API groups whose names need not be host names, but one step of a path."""


def shape_problem(value: Manifest) -> str | None:  # noqa: PLR0911
    """The first problem of the shape; None when other rules may read the object."""
    api_version, kind, metadata = value.get("apiVersion"), value.get("kind"), value.get("metadata")
    if not isinstance(kind, str) or not _KIND.match(kind):
        return "not a Kubernetes object: `kind` is missing or not a kind's name"
    if not isinstance(api_version, str) or not _API_VERSION.match(api_version):
        return f"{kind}: `apiVersion` is missing or not like `apps/v1`"
    if not isinstance(metadata, dict):
        return f"{kind}: `metadata` is missing"
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name and metadata.get("generateName"):
        return f"{kind}: `metadata.generateName` makes a new object every time; give it a `name`"
    group = group_of(api_version)
    allowed = _FREE_NAME if _is_free(group, kind) else _NAME
    if not isinstance(name, str) or not allowed.match(name):
        return f"{kind}: `metadata.name` is missing or not a valid name"
    if not _is_valid_name(group, kind, name):
        return f"{kind} {name}: `metadata.name` is not a valid name for this kind"
    if namespace is not None and not isinstance(namespace, str):
        return f"{kind} {name}: `metadata.namespace` is not a string"
    return None


def _is_valid_name(group: str, kind: str, name: str) -> bool:
    if not group and kind in ("Service", "Namespace"):
        return bool(_LABEL.match(name))
    return _is_free(group, kind) or bool(_SUBDOMAIN.match(name))


def _is_free(group: str, kind: str) -> bool:
    return group in _FREE_NAMES or (group, kind) == ("policy", "PodDisruptionBudget")
