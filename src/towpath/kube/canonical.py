"""One byte-stable form for manifests, and live objects without what only the server sets."""

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
    """JSON with sorted keys and no white space: equal values give equal text."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """32 hex digits that change when `value` does."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:32]


def without_server_fields(manifest: Manifest) -> Manifest:
    """A copy without status and without the metadata that the server sets by itself."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in SERVER_METADATA}
    # The server leaves empty maps behind when their last key goes; they mean the same as none.
    metadata = {k: v for k, v in metadata.items() if v not in ({}, [])}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}
