"""The secret values in Kubernetes objects, and Secrets without their values."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from towpath.objects import Manifest
from towpath.redact.known_values import MASK
from towpath.redact.patterns import is_credential_name, named_values, values_of_yaml_secrets

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LARGEST_TEXT = 100_000
"""Characters of a ConfigMap's text that is searched for values with a credential's name."""
_INVENTORY_LABEL = "towpath.dev/inventory"
_HELM_RECORD = ("helm.sh/release.v1", "release")
"""Type and key of what Helm keeps of a release: hundreds of kilobytes that nothing prints."""
_MARK_KEY = secrets.token_bytes(32)
_POD_SPECS = (("spec",), ("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))


def secret_values(manifest: Any) -> Iterator[str]:
    """The values of a Secret, also inside a List and in what kubectl applied last.

    In other objects those that have the name of a credential: variables, arguments, texts of ConfigMaps.
    """
    if not isinstance(manifest, dict):
        return
    kind = manifest.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(manifest.get("items"), list):
        # The items of a list of the API server have no kind of their own.
        for item in manifest["items"]:
            if isinstance(item, dict):
                yield from secret_values(
                    item if "kind" in item else {**item, "kind": kind.removesuffix("List")}
                )
        return
    if kind == "Secret":
        yield from _values_of_secret(manifest)
    elif kind == "ConfigMap":
        yield from _values_of_configmap(manifest)
    else:
        for path in _POD_SPECS:
            yield from _values_of_pod(_at(manifest, path))
    last = _at(manifest, ("metadata", "annotations")).get(LAST_APPLIED)
    if isinstance(last, str) and ("Secret" in last or kind != "Secret"):
        try:
            yield from secret_values(json.loads(last))
        except (ValueError, RecursionError):
            yield last


def names_secret(manifest: Any) -> bool:
    """Whether it is a Secret, or has any field that is named after one (`secretKeyRef`, `existingSecret`)."""
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if kind in ("Secret", "ConfigMap"):
        return bool(kind == "Secret")
    rest = [manifest]
    while rest:
        each = rest.pop()
        if isinstance(each, dict):
            if any("secret" in str(key).lower() and value for key, value in each.items()):
                return True
            rest += each.values()
        elif isinstance(each, list):
            rest += each
    return False


def without_values(manifest: Manifest) -> Manifest:
    """The manifest with its secret values left out; what else it says, names of keys too, stays."""
    if manifest.get("kind") == "Secret":
        return _secret_without_values(manifest)
    text = json.dumps(manifest, sort_keys=True)
    for value in sorted({each for each in secret_values(manifest) if each}, key=len, reverse=True):
        text = text.replace(json.dumps(value)[1:-1], MASK)
    left: Manifest = json.loads(text)
    return left


def _secret_without_values(secret: Manifest) -> Manifest:
    bare = dict(secret)
    for part in ("data", "stringData"):
        if isinstance(values := bare.get(part), dict):
            bare[part] = dict.fromkeys(values, MASK)
    if LAST_APPLIED in (annotations := _at(secret, ("metadata", "annotations"))):
        bare["metadata"] = {**secret["metadata"], "annotations": {**annotations, LAST_APPLIED: MASK}}
    return bare


def mask_secret(manifest: Manifest) -> Manifest:
    """The manifest itself, or a copy without values if it is a Secret (also inside a List).

    A value becomes `*** (mark abc123)`: equal values stay equal, in `data` and in `stringData` alike. Marks
    are made with a key that never leaves this process: nothing can be guessed from them elsewhere.
    """
    kind = manifest.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(manifest.get("items"), list):
        own = kind.removesuffix("List")
        return {**manifest, "items": [_mask_item(item, own) for item in manifest["items"]]}
    if kind != "Secret":
        return manifest
    masked = dict(manifest)
    masked |= {k: _mask_values(masked[k], decoded) for k in ("data",) if masked.get(k) is not None}
    masked |= {k: _mask_values(masked[k], str.encode) for k in ("stringData",) if masked.get(k) is not None}
    metadata = masked.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict) and LAST_APPLIED in annotations:
        last = _mask_last_applied(annotations[LAST_APPLIED])
        masked["metadata"] = {**metadata, "annotations": {**annotations, LAST_APPLIED: last}}
    return masked


def decoded(value: str) -> bytes:
    """The bytes that a value of `data` stands for; those of the text itself where it is no base64."""
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return value.encode(errors="surrogatepass")


def _values_of_secret(secret: Mapping[str, Any]) -> Iterator[str]:
    data = secret.get("data")
    if isinstance(data, dict) and secret.get("type") == _HELM_RECORD[0]:
        data = {key: value for key, value in data.items() if key != _HELM_RECORD[1]}
    for value in _entries(data):
        if isinstance(value, str):
            yield value
            yield decoded(value).decode(errors="replace")
    for value in _entries(secret.get("stringData")):
        yield value if isinstance(value, str) else json.dumps(value)


def _values_of_configmap(configmap: Mapping[str, Any]) -> Iterator[str]:
    if _INVENTORY_LABEL in _at(configmap, ("metadata", "labels")):
        return
    data = configmap.get("data")
    for name, text in data.items() if isinstance(data, dict) else ():
        if not isinstance(text, str):
            continue
        if is_credential_name(str(name)) and "\n" not in text.strip():
            yield text
        if len(text) <= LARGEST_TEXT:
            yield from named_values(text)
            yield from _embedded(text)


def _embedded(text: str) -> Iterator[str]:
    if "Secret" in text or "stringData" in text:
        for value in values_of_yaml_secrets(text):
            yield value
            yield decoded(value).decode(errors="replace")
    if "Secret" in text and text.lstrip()[:1] in ("{", "["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return
        for each in found if isinstance(found, list) else [found]:
            yield from secret_values(each)


def _values_of_pod(spec: Mapping[str, Any]) -> Iterator[str]:
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in _entries(spec.get(key)):
            if isinstance(container, dict):
                yield from _values_of_container(container)


def _values_of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for variable in _entries(container.get("env")):
        if isinstance(variable, dict) and isinstance(value := variable.get("value"), str):
            if is_credential_name(str(variable.get("name"))):
                yield value
            yield from named_values(value)
    words = [*_entries(container.get("command")), *_entries(container.get("args"))]
    if words:
        texts = [each for each in words if isinstance(each, str)]
        yield from named_values(" ".join(texts))
        yield from named_values(json.dumps(texts, ensure_ascii=False))  # with the ends of its words


def _entries(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _at(manifest: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    found: Any = manifest
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _mask_item(item: Any, kind: str) -> Any:
    if not isinstance(item, dict):
        return item
    if "kind" in item or kind != "Secret":
        return mask_secret(item)
    return {key: value for key, value in mask_secret({**item, "kind": kind}).items() if key != "kind"}


def _mask_values(values: Any, to_bytes: Callable[[str], bytes]) -> Any:
    if not isinstance(values, dict):
        return MASK
    return {
        name: value if isinstance(value, str) and value.startswith(f"{MASK} (") else _mark(value, to_bytes)
        for name, value in values.items()
    }


def _mark(value: Any, to_bytes: Callable[[str], bytes]) -> str:
    raw = to_bytes(value) if isinstance(value, str) else json.dumps(value, sort_keys=True).encode()
    return f"{MASK} (mark {hmac.new(_MARK_KEY, raw, hashlib.sha256).hexdigest()[:6]})"


def _mask_last_applied(annotation: Any) -> str:
    try:
        manifest = json.loads(annotation)
        return json.dumps(mask_secret(manifest), sort_keys=True) if isinstance(manifest, dict) else MASK
    except (TypeError, ValueError, RecursionError):
        return MASK
