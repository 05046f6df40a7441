"""Asks an API server for limits of values that its OpenAPI documents do not tell: options, least and most.

A wrong value is put into each field of the valid samples in dry runs. Refused each time because of it,
there is a limit: the one between it and the value of the sample is looked for, by halves. Options are those
that the server then lists.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.agreement.server import Server, Verdict
from tools.required_fields import Path, Samples, dotted, path_value, varied

_OPTIONS = re.compile(r"Unsupported value: .*?: supported values: (.*)\Z")
FAR = (("minimum", -1), ("minimum", 0), ("minimum", 1), ("maximum", 2**31 - 1))
"""(key of the schema, value to try)"""
_NO_OPTION = "Towpath-asks"


def learn_limits(server: Server, samples: Samples, definitions: dict[str, Any]) -> Iterator[str]:
    """Add `enum`, `minimum` and `maximum` to the definitions; a line for each."""
    for (name, field), sites in sorted(samples.sites.items()):
        schema = definitions[name].get("properties", {}).get(field, {})
        places = varied(sites)
        if _is_number(schema):
            limits = dict(_limits(server, places))
            if limits:
                definitions[name]["properties"][field] = {**_inline(schema), **limits}
                yield f"{limits}: {name} {field}"
        elif schema.get("type") == "string" and "enum" not in schema and "format" not in schema:
            options = [_options(server.verdict(_with(*place, _NO_OPTION)), place[1]) for place in places]
            if options and all(options) and all(each == options[0] for each in options):
                schema["enum"] = ["", *options[0]]
                yield f"options {', '.join(options[0])}: {name} {field}"


def _is_number(schema: Any) -> bool:
    return bool(schema.get("type") == "integer") or str(schema.get("$ref", "")).endswith("intstr.IntOrString")


def _inline(schema: Any) -> Any:
    return {"type": ["integer", "string"]} if "$ref" in schema else schema


def _limits(server: Server, places: list[tuple[Any, Path]]) -> Iterator[tuple[str, int]]:
    """The limits that the server has for this field wherever it is; later ones are narrower."""
    for key, far in FAR:
        found = {_limit(server, manifest, path, far) for manifest, path in places} - {None}
        if len(found) == 1 and (limit := found.pop()) is not None and limit != far:
            yield key, limit


def _limit(server: Server, manifest: Any, path: Path, far: int) -> int | None:
    """The value nearest to `far` that is taken; None where the reason may be another field."""
    near = path_value(manifest, path)
    if not isinstance(near, int):
        return None
    if near == far or not _refuses(server.verdict(_with(manifest, path, far)), path):
        return far
    while abs(near - far) > 1:
        middle = (near + far) // 2
        if _refuses(server.verdict(_with(manifest, path, middle)), path):
            far = middle
        else:
            near = middle
    others = _integers(_with(manifest, path, None))
    return None if near > 1 and others & {near - 1, near, near + 1} else near


def _integers(value: Any) -> set[int]:
    """All integers in an object."""
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return {number for each in inner for number in _integers(each)}
    return {value} if isinstance(value, int) else set()


def _with(manifest: Any, path: Path, value: Any) -> Any:
    changed = json.loads(json.dumps(manifest))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _refuses(verdict: Verdict, path: Path) -> bool:
    return any(cause.field == dotted(path) for cause in verdict.causes)


def _options(verdict: Verdict, path: Path) -> list[str]:
    """The values that the server lists for this field, as JSON strings between commas."""
    for cause in verdict.causes:
        if cause.field == dotted(path) and (match := _OPTIONS.match(cause.message)):
            return sorted(json.loads(f"[{match[1]}]"))
    return []
