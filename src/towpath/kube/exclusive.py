"""Values that only one live object may have: a node port, an ingress host, a volume. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from towpath.objects import Manifest

HOST_KEYS = frozenset({"host", "hosts", "hostname", "hostnames", "fqdn", "dnsNames"})
"""Keys of what admission webhooks of gateways allow once; their denials name no field."""
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def shared_value(desired: Manifest, live: Manifest, fields: Iterable[str]) -> tuple[str, Any] | None:
    """(field, value) that both objects have: at one of `fields`, which a refusal names, else a host.

    `fields` are as the API server writes them: `spec.ports[0].nodePort`. None: they share none.
    """
    named = [field for field in fields if field]
    for field in named:
        taken = {_key(value) for value in _values(live, _steps(field))}
        for value in _values(desired, _steps(field), exactly=field):
            if _key(value) in taken:
                return field, value
    if named:
        return None
    hosts = {_key(value) for _, value in _hosts(live.get("spec"))}
    return next(((key, value) for key, value in _hosts(desired.get("spec")) if _key(value) in hosts), None)


def _steps(field: str) -> list[str]:
    return _STEP.findall(field)


def _values(node: Any, steps: list[str], exactly: str = "") -> Iterator[Any]:
    """Scalars at the field; any item of a list counts, unless `exactly` says which one."""
    if not steps:
        yield from ([node] if isinstance(node, (str, int)) and node not in ("", "None", 0) else [])
        yield from (item for item in node if isinstance(item, str)) if isinstance(node, list) else ()
        return
    step, rest = steps[0], steps[1:]
    if step.startswith("["):
        index = step[1:-1]
        if isinstance(node, list):
            one = node[int(index) : int(index) + 1] if exactly and index.isdecimal() else node
            for item in one:
                yield from _values(item, rest, exactly)
        elif isinstance(node, dict):
            yield from _values(node.get(index.strip("\"'")), rest, exactly)
    elif isinstance(node, dict):
        yield from _values(node.get(step), rest, exactly)


def _hosts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _hosts(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from _hosts(item, key)
    elif isinstance(node, str) and key in HOST_KEYS:
        yield key, node


def _key(value: Any) -> str:
    return str(value)
