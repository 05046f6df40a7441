"""A byte-stable JSON form, its digest, and objects without the fields that only the API server sets."""

import hashlib
import json
import re
from typing import Any

import orjson

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
_MAYBE_EXPONENT = re.compile(rb"e(?<=\de)-?\d")  # what `json` writes as `1e+16` is `1e16` for orjson


def canonical_json(value: Any) -> bytes:
    """JSON in UTF-8 with sorted keys and without white space; equal values give equal bytes.

    The bytes are those of `json`, which stored digests were made of; orjson is only faster.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # whole numbers above 64 bits, keys that are no texts
        return _ENCODER.encode(value).encode()
    # NaN is null for orjson, and a small number that `json` writes with an exponent is not.
    if b"null" in text or b"0.0000" in text or _MAYBE_EXPONENT.search(text):
        return _ENCODER.encode(value).encode()
    return text


def digest(value: Any) -> str:
    """The first 32 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]


def without_server_fields(manifest: Manifest) -> Manifest:
    """A copy without `status` and without the metadata that the API server sets."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in SERVER_METADATA}
    # The API server keeps a map whose last key was removed; an empty map means the same as none.
    metadata = {k: v for k, v in metadata.items() if v not in ({}, [])}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}
