"""Judges the data of ConfigMaps and Secrets by the API server's rules. Problems never quote a value."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from towpath.objects import Manifest, group_of

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}\Z")


def data_problems(manifest: Manifest) -> Iterator[str]:
    """A sentence for each problem in the data of a ConfigMap or Secret; none for other kinds."""
    if group_of(manifest["apiVersion"]) or manifest["kind"] not in ("ConfigMap", "Secret"):
        return
    secret = manifest["kind"] == "Secret"
    for field in ("data", "stringData") if secret else ("data", "binaryData"):
        pairs = manifest.get(field)
        if pairs is None:
            continue
        if not isinstance(pairs, dict):
            yield f"`{field}` is not a mapping"
            continue
        encoded = field == ("data" if secret else "binaryData")
        for key, value in pairs.items():
            if not _KEY.match(key) or key in (".", ".."):
                yield f"`{field}` has a key that is not of letters, digits, `-`, `_` and `.`"
            elif key.startswith(".."):
                yield f"`{field}` has a key that begins with `..`, which would lead out of a volume"
            elif value is not None and not isinstance(value, str):
                yield f"`{field}.{key}` is not a string; quote its value"
            elif encoded and not _is_base64(value):
                yield f"`{field}.{key}` is not base64" + ("; use `stringData` for plain text" * secret)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode("".join((value or "").split("\n")), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
