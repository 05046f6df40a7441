"""Asks an API server for limits of values that its OpenAPI documents do not tell: options, least and most.

A wrong value is put into each field of the valid samples in dry runs. Refused each time because of it,
it is a limit: -1 and 0 of integers, 65536 of ports, and the options that the server then lists.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.agreement.server import Server, Verdict
from tools.required_fields import MOST_TRIES, Path, Samples, dotted

_OPTIONS = re.compile(r"Unsupported value: .*?: supported values: (.*)\Z")
LIMITS = (("minimum", -1, 0), ("minimum", 0, 1), ("maximum", 65_536, 65_535))
"""(key of the schema, value to try, limit when it is refused)"""
_NO_OPTION = "Towpath-asks"


def learn_limits(server: Server, samples: Samples, definitions: dict[str, Any]) -> Iterator[str]:
    """Add `enum`, `minimum` and `maximum` to the definitions; a line for each."""
    for (name, field), sites in sorted(samples.sites.items()):
        schema = definitions[name].get("properties", {}).get(field, {})
        places = _places(sites)
        if schema.get("type") == "integer":
            for key, wrong, limit in LIMITS:
                if wrong == 0 and schema.get("minimum") != 0:
                    continue
                if all(_refuses(server.verdict(_with(*place, wrong)), place[1]) for place in places):
                    schema[key] = limit
                    yield f"{key} {limit}: {name} {field}"
        elif schema.get("type") == "string" and "enum" not in schema and "format" not in schema:
            options = [_options(server.verdict(_with(*place, _NO_OPTION)), place[1]) for place in places]
            if options and all(options) and all(each == options[0] for each in options):
                schema["enum"] = ["", *options[0]]
                yield f"options {', '.join(options[0])}: {name} {field}"


def _places(sites: list[tuple[Any, Path]]) -> list[tuple[Any, Path]]:
    """Sites in different kinds and depths."""
    found = {(manifest["kind"], len(path)): (manifest, path) for manifest, path in reversed(sites)}
    return list(found.values())[:MOST_TRIES]


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
