"""Which Secrets an object names, by the fields of pods, accounts and Ingresses. Pure."""

from collections.abc import Iterator
from typing import Any

from towpath.objects import Manifest

_REFERENCES = ("imagePullSecrets", "secret", "secretKeyRef", "secretRef", "secrets")
"""Fields with a `name`, or with a list of mappings that have one."""


def secret_names(manifest: Manifest) -> set[str]:
    """The names of Secrets that an object reads or mounts, wherever in it they stand."""
    return {name for name in _names(manifest) if name}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _names(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "secretName" and isinstance(inner, str):
                yield inner
            elif key in _REFERENCES:
                for each in inner if isinstance(inner, list) else [inner]:
                    name = each.get("name") if isinstance(each, dict) else None
                    if isinstance(name, str):
                        yield name
            yield from _names(inner)
