"""Asks an API server which form the texts of a field have: names, keys, addresses, percentages, quantities.

A form is known by texts that it rules out. A field has it if a dry run refuses each of these, and takes one
that has the form, wherever the valid samples have the field. No message of the server is read.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.agreement.server import Server, Verdict
from tools.required_fields import Path, Samples, dotted, path_value, varied

META = ".ObjectMeta"
_LONG = "a" * 64
_NAMES = ("A", "a_b", "a-", "-a", "a b", "é", "*")
WRONG: dict[str, tuple[Any, ...]] = {
    "port-name": (*_NAMES, "a.b", "a--b", "a" * 16),
    "letter-label": (*_NAMES, "a.b", "1a", _LONG),
    "label": (*_NAMES, "a.b", _LONG),
    "domain": (*_NAMES, "a.b", "*.a.b.c", "a.b.c.", "a" * 254),
    "subdomain": (*_NAMES, "a..b", "*.a.b", "a.b.", "a/b", "a" * 254),
    "host": (*_NAMES, "a..b", "a.b.", "a.*", "*a.b", "https://a.b"),
    "label-value": ("*", "a b", "-a", "a-", "a/b", "é", _LONG),
    "label-key": ("*", "a b", "-a", "a/b/c", "/a", "a/", "A/b", "é", _LONG),
    "annotation-key": ("*", "a b", "-a", "a/b/c", "/a", "a/", "é", _LONG),
    "data-key": ("*", "a b", "a/b", "é", "a" * 254),
    "address": ("a", "1.2.3", "1.2.3.256", "1.2.3.4/8", "fd00"),
    "network": ("a", "10.0.0.0", "10.0.0.0/33", "fd00::"),
    "variable": ("a=b", "é", "a\tb"),
    "percentage-of-all": ("a", "50", "-1%", "1.5%", "101%"),
    "percentage": ("a", "50", "-1%", "1.5%"),
    "positive-quantity": (-1, "-1Mi", 0, "0Gi"),
    "whole-quantity": (-1, "-1Mi"),
}
"""Form -> values that do not have it; the narrower form of two comes first."""
RIGHT: dict[str, tuple[Any, ...]] = {
    "port-name": ("http-80",),
    "letter-label": ("a1-b",),
    "label": ("a1-b",),
    "domain": ("a1.b.example.com",),
    "subdomain": ("a.b-1", "a1-b"),
    "host": ("a.b-1",),
    "label-value": ("A_b.c",),
    "label-key": ("A_b.c", "example.com/A_b"),
    "annotation-key": ("A_b.c", "example.com/A_b"),
    "data-key": ("A_b.c",),
    "address": ("10.1.2.3", "fd00::1"),
    "network": ("10.0.0.0/8", "fd00::/8"),
    "variable": ("A B",),
    "percentage-of-all": ("50%",),
    "percentage": ("50%",),
    "positive-quantity": (1,),
    "whole-quantity": (1,),
}
_QUANTITIES = ("positive-quantity", "whole-quantity")
_NUMBERS = {"positive-quantity": {"exclusiveMinimum": 0}, "whole-quantity": {"minimum": 0}}
Change = Callable[[Any, Any], Any]
"""(value of the field, text) -> value with this text in it"""
PARTS: dict[str, Change] = {
    "text": lambda _, text: text,
    "items": lambda _, text: [text],
    "keys": lambda old, text: {**old, text: next(iter(old.values()), "a")},
    "values": lambda old, text: {**old, next(iter(old), "a"): text},
}


def learn_forms(server: Server, samples: Samples, definitions: dict[str, Any]) -> Iterator[str]:
    """Add `format` to the definitions; a line for each."""
    for (name, field), sites in sorted(samples.sites.items()):
        properties = definitions[name].get("properties", {})
        # Metadata of some templates is not judged by a server: schemas/metadata.py has the rules of labels.
        if name.endswith((META, "Status")) or field not in properties:
            continue
        places = varied(sites)
        for part, schema, forms in _parts(properties[field]):
            change = PARTS[part]
            for form in forms:
                if {_has_form(server, change, form, *place) for place in places} - {None} == {True}:
                    properties[field] = _with_form(properties[field], part, schema, form)
                    yield f"{form}: {name} {field} {part}"
                    break


def _parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """(where a text is, its schema, the forms that it may have)."""
    texts = [form for form in WRONG if form not in _QUANTITIES]
    places = (
        ("text", schema),
        ("items", schema.get("items", {})),
        ("values", schema.get("additionalProperties", {})),
    )
    for part, inner in places:
        if not isinstance(inner, dict):
            continue
        if inner.get("$ref", "").endswith("resource.Quantity"):
            yield part, inner, list(_QUANTITIES)
        elif inner.get("$ref", "").endswith("intstr.IntOrString") or inner.get("type") == [
            "integer",
            "string",
        ]:
            yield part, inner, ["port-name", "percentage-of-all", "percentage"]
        elif inner.get("type") == "string" and not {"enum", "format"} & set(inner):
            yield part, inner, texts
    if isinstance(schema.get("additionalProperties"), dict):
        yield "keys", {}, ["label-key", "annotation-key", "data-key"]


def _has_form(server: Server, change: Change, form: str, manifest: Any, path: Path) -> bool | None:
    """Whether the field has this form here; None where that cannot be told.

    That is where it is empty, where another rule refuses what has the form too (only some names are),
    and where the server names no field.
    """
    if path_value(manifest, path) in ({}, []):
        return None

    def refused(value: Any) -> bool | None:
        changed = json.loads(json.dumps(manifest))
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = change(inner[path[-1]], value)
        return _is_at(server.verdict(changed), path)

    for value in WRONG[form]:
        if not (found := refused(value)):
            return found
    return None if all(refused(value) in (None, True) for value in RIGHT[form]) else True


def _is_at(verdict: Verdict, path: Path) -> bool | None:
    """Whether the server refuses this field, or a part of it; None for a refusal that names no field."""
    where = dotted(path)
    if not verdict.accepted and not verdict.causes:
        return None
    return any(
        cause.field == where or cause.field.startswith((f"{where}[", f"{where}.")) for cause in verdict.causes
    )


def _with_form(schema: dict[str, Any], part: str, inner: dict[str, Any], form: str) -> dict[str, Any]:
    if part == "keys":
        return {**schema, "propertyNames": {"format": form}}
    changed: dict[str, Any] = {**inner, "format": form}
    if reference := changed.pop("$ref", ""):
        number = "integer" if reference.endswith("IntOrString") else "number"
        changed |= {"type": [number, "string"], **_NUMBERS.get(form, {})}
    key = {"text": "", "items": "items", "values": "additionalProperties"}[part]
    return {**schema, key: changed} if key else changed
