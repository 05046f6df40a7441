"""A byte-stable JSON form, its digest, and objects without the fields that only the API server sets."""

import hashlib
import json
from typing import Any

from towpath.objects import Manifest

SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and without white space; equal values give equal texts."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """The first 32 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:32]


def without_server_fields(manifest: Manifest) -> Manifest:
    """A copy without `status` and without the metadata that the API server sets."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in SERVER_METADATA}
    # The API server keeps a map whose last key was removed; an empty map means the same as none.
    metadata = {k: v for k, v in metadata.items() if v not in ({}, [])}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}
