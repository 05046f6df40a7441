"""Judges the metadata of rendered objects: labels and annotations of the API server and of Towpath."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from towpath.applyset.apply_object import IGNORE_ANNOTATION, TAKE_OVER_ANNOTATION
from towpath.applyset.inventory import APP_LABEL, ENVIRONMENT_LABEL, INVENTORY_LABEL
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.kube.apply_order import HOOK_ANNOTATION, WAVE_ANNOTATION

RECREATE_ANNOTATION = "towpath.dev/recreate"
"""Annotation; `allowed`: an object with a changed immutable field may be deleted and created again."""
MAX_ANNOTATIONS = 256 << 10
"""Bytes of all annotations of an object; the API server's limit."""

_OWN_PREFIX = "towpath.dev/"
_APPLYSET_PREFIX = "applyset.kubernetes.io/"
_VALUES = {
    WAVE_ANNOTATION: (re.compile(r"[-+]?[0-9]{1,6}\Z"), "a whole number"),
    HOOK_ANNOTATION: (re.compile(""), ""),  # hooks.py
    PRUNE_ANNOTATION: (re.compile(r"(disabled|first)\Z"), "`disabled` or `first`"),
    RECREATE_ANNOTATION: (re.compile(r"allowed\Z"), "`allowed`"),
    # For each part between commas. Possessive quantifiers keep a long invalid value from backtracking.
    IGNORE_ANNOTATION: (
        re.compile(r"\s*+(?:/(?:[^~/]|~[01])++)++\Z"),
        "JSON pointers, as in `/spec/replicas`",
    ),
    TAKE_OVER_ANNOTATION: (
        re.compile(r"\s*+[^\s,][^,]*+\Z"),
        "field managers, as in `helm,argocd-controller`",
    ),
}
_LISTS = (IGNORE_ANNOTATION, TAKE_OVER_ANNOTATION)
"""Their values are lists, with commas between the parts."""
"""Towpath's annotations: (pattern of the value, its description)."""
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")


def metadata_problems(metadata: Mapping[str, Any], app: str | None, environment: str | None) -> Iterator[str]:
    """A sentence for each problem of labels, annotations, owners and finalizers of an object of this app."""
    for field in ("labels", "annotations"):
        pairs = metadata.get(field)
        if pairs is None:
            continue
        if not isinstance(pairs, dict):
            yield f"`metadata.{field}` is not a mapping"
            continue
        for key, value in pairs.items():
            yield from _pair(field[:-1], key, value, {APP_LABEL: app, ENVIRONMENT_LABEL: environment})
        size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in pairs.items())
        if field == "annotations" and size > MAX_ANNOTATIONS:
            yield f"has more than {MAX_ANNOTATIONS:,} bytes of annotations"
    if metadata.get("ownerReferences"):
        yield "`metadata.ownerReferences` names an owner by uid; without it the object would be deleted"
    finalizers = metadata.get("finalizers")
    if finalizers is not None and not (
        isinstance(finalizers, list) and all(isinstance(item, str) for item in finalizers)
    ):
        yield "`metadata.finalizers` is not a list of strings"


def _pair(field: str, key: str, value: Any, owner: Mapping[str, str | None]) -> Iterator[str]:
    subject = f"{field} {key[:100]!r}"
    if not isinstance(value, str):
        yield f"{subject} is not a string; quote its value"
    elif (
        key.startswith(_APPLYSET_PREFIX)
        or key == INVENTORY_LABEL
        or (key in owner and owner[key] not in (None, value))
    ):
        yield f"{subject} marks ownership and is set by Towpath only"
    elif not _KEY.match(key if field == "label" else _with_small_prefix(key)):
        yield f"{subject} is not a valid {field}"
    elif field == "label":
        if not _LABEL_VALUE.match(value):
            yield f"{subject} has a value that is not valid for a label"
    elif key in _VALUES:
        pattern, expected = _VALUES[key]
        parts = value.split(",") if key in _LISTS else [value]
        if not all(map(pattern.match, parts)):
            yield f"annotation {key} is {value[:100]!r}, not {expected}"
    elif _with_small_prefix(key).startswith(_OWN_PREFIX) and key not in owner:
        yield f"unknown annotation {key[:100]!r}; there are {', '.join(sorted(_VALUES))}"


def _with_small_prefix(key: str) -> str:
    """The prefix of an annotation's key may have capitals, unlike that of a label's."""
    prefix, slash, name = key.rpartition("/")
    return prefix.lower() + slash + name
