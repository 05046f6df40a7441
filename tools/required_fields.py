"""Asks an API server which fields it really requires: OpenAPI documents name others, and not all.

Every field that a definition requires, or that all valid samples with the definition have, is left out of
some of them in a dry run. Taken once, it is not required; refused each time because of this field, it is.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.agreement.objects import valid_samples
from tests.agreement.server import Server, Verdict
from towpath.objects import Manifest

MOST_TRIES = 6
MOST_PLACES = 24
Field = tuple[str, str]
Path = tuple[str | int, ...]
_ALWAYS = re.compile(r"Required value(: (at least|data is mandatory).*)?\Z")
_EMPTY = re.compile(r'Invalid value: ""')


class Samples:
    """Where the fields of each definition are in the valid samples."""

    def __init__(self, kinds: dict[str, str], definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self.seen: Counter[str] = Counter()
        self.sites: dict[Field, list[tuple[Manifest, Path]]] = defaultdict(list)
        for sample in valid_samples():
            manifest = sample.manifest
            if name := kinds.get(f"{manifest['apiVersion']} {manifest['kind']}"):
                self._walk(manifest, {"$ref": f"#/$defs/{name}"}, (), manifest)

    def _walk(self, value: Any, schema: Any, path: Path, manifest: Manifest) -> None:
        name = schema.get("$ref", "").removeprefix("#/$defs/")
        schema = self._definitions[name] if name else schema
        if isinstance(value, dict):
            self.seen[name] += 1
            properties = schema.get("properties", {})
            for key, each in value.items():
                if each is None:
                    continue
                if name and key in properties:
                    self.sites[name, key].append((manifest, (*path, key)))
                inner = properties.get(key, schema.get("additionalProperties"))
                if isinstance(inner, dict):
                    self._walk(each, inner, (*path, key), manifest)
        elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
            for index, each in enumerate(value):
                self._walk(each, items, (*path, index), manifest)


def correct_required(
    server: Server, samples: Samples, kinds: dict[str, str], definitions: dict[str, Any]
) -> Iterator[str]:
    """Change `required` of the definitions to what the server requires; a line for each change."""
    for (name, field), sites in sorted(samples.sites.items()):
        schema = definitions[name]
        required = schema.get("required", [])
        if name.endswith(".ObjectMeta") or (
            field in ("apiVersion", "kind", "metadata") and name in kinds.values()
        ):
            continue
        if field not in required and len(sites) < samples.seen[name]:
            continue
        tries = list(_tries(server, sites))
        if not tries:
            continue
        if field in required and any(verdict.accepted for verdict, _ in tries):
            schema["required"] = [each for each in required if each != field]
            yield f"not required: {name} {field}"
        elif field not in required and all(
            _is_required(verdict, path, len(tries)) for verdict, path in tries
        ):
            schema["required"] = sorted([*required, field])
            yield f"required: {name} {field}"


def _tries(server: Server, sites: list[tuple[Manifest, Path]]) -> Iterator[tuple[Verdict, Path]]:
    """Dry runs without the field, in different kinds and depths."""
    done: set[tuple[str, int]] = set()
    for manifest, path in sites:
        place = (manifest["kind"], len(path))
        if place in done or len(done) >= MOST_TRIES:
            continue
        done.add(place)
        changed = json.loads(json.dumps(manifest))
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        yield server.verdict(changed), path


def _is_required(verdict: Verdict, path: Path, tries: int) -> bool:
    where = dotted(path)
    if path == ("spec",):
        # The parts that it must have are missing with it.
        return bool(verdict.causes) and all(
            cause.field.split(".")[0].split("[")[0] == where for cause in verdict.causes
        )
    own = [cause.message for cause in verdict.causes if cause.field == where]
    below = [cause.message for cause in verdict.causes if cause.field.startswith(f"{where}.")]
    return any(_ALWAYS.match(message) or (tries > 1 and _EMPTY.match(message)) for message in own) or (
        bool(below) and (path[-1] in ("spec", "template") or all(_ALWAYS.match(message) for message in below))
    )


def varied(sites: list[tuple[Manifest, Path]]) -> list[tuple[Manifest, Path]]:
    """Sites that differ most: below other fields, with other values, in other kinds."""
    found: dict[Any, tuple[Manifest, Path]] = {}
    for manifest, path in sites:
        below = tuple(step for step in path if isinstance(step, str))[-3:]
        found.setdefault((0, below), (manifest, path))
        found.setdefault((1, below, json.dumps(path_value(manifest, path))), (manifest, path))
        found.setdefault((2, below, manifest["kind"]), (manifest, path))
    chosen = {id(site): site for _, site in sorted(found.items(), key=lambda item: item[0][0])}
    return list(chosen.values())[:MOST_PLACES]


def path_value(manifest: Any, path: Path) -> Any:
    for step in path:
        manifest = manifest[step]
    return manifest


def dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".")
