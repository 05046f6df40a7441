"""Judges values by a JSON Schema with jsonschema-rs, and says in a sentence what is wrong with which field.

Messages never quote a value: it may be a secret.
"""

import base64
import binascii
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from towpath.schemas.custom_formats import CUSTOM_FORMATS, PREFIX
from towpath.schemas.problem import FieldPath, FieldProblem, shown_path
from towpath.schemas.texts import FORMS
from towpath.schemas.versions import Schema

MAX_PROBLEMS = 50
"""Of one object."""
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII
)
_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
_EXAMPLES = {
    **{name: form.noun for name, form in FORMS.items()},
    **{PREFIX + name: form.noun for name, form in CUSTOM_FORMATS.items()},
    "date-time": "a time such as 2026-01-31T12:00:00Z",
    "byte": "base64",
}


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _or_empty(matches: Callable[[str], bool]) -> Callable[[str], bool]:
    """An empty text counts as absent."""
    return lambda text: not text or matches(text)


_FORMATS: dict[str, Callable[[str], bool]] = {
    **{name: _or_empty(form.matches) if form.optional else form.matches for name, form in FORMS.items()},
    **{PREFIX + name: form.matches for name, form in CUSTOM_FORMATS.items()},
    "date-time": lambda text: bool(_DATE_TIME.match(text)),
    "byte": _is_base64,
}


class Validator:
    """One compiled schema; used by several threads. ValueError for a schema that cannot be compiled.

    `drops_nulls`: a key that is null counts as absent, as for built-in kinds.
    """

    def __init__(
        self, schema: Schema, definitions: Mapping[str, Schema], *, drops_nulls: bool = True
    ) -> None:
        self._drops_nulls = drops_nulls
        self._compiled = jsonschema_rs.validator_for(
            {**schema, "$defs": _reachable(schema, definitions)},
            formats=_FORMATS,
            validate_formats=True,
            # Linear in the length of the text, as the API server's.
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
        )
        self._schema = {**schema, "$defs": definitions}

    def problems(self, value: Any) -> Iterator[FieldProblem]:
        """What is wrong with the value, at most MAX_PROBLEMS; none for most objects, which is fast."""
        if self._compiled.is_valid(value):
            return
        seen: set[FieldProblem] = set()
        for error in self._compiled.iter_errors(_without_nulls(value) if self._drops_nulls else value):
            for problem in self._explained(error):
                if problem not in seen:
                    seen.add(problem)
                    yield problem
            if len(seen) >= MAX_PROBLEMS:
                return

    def _explained(self, error: Any) -> Iterator[FieldProblem]:
        path: FieldPath = tuple(error.instance_path)
        kind = error.kind
        if kind.name in ("additionalProperties", "unevaluatedProperties"):
            known = self._known_fields(list(error.schema_path))
            for field in kind.unexpected:
                nearest = nearest_name(field, known)
                hint = f"; did you mean `{nearest}`?" if nearest else ""
                yield FieldProblem(
                    (*path, field), f"`{shown_path((*path, field))}` is an unknown field{hint}"
                )
        elif kind.name == "required":
            yield FieldProblem(path, f"`{shown_path((*path, kind.property))}` is missing")
        elif kind.name == "propertyNames":
            where = f"a key of `{shown_path(path)}`" if path else "a key"
            yield FieldProblem((*path, str(kind.error.instance)), f"{where} {_reason(kind.error)}")
        else:
            where = f"`{shown_path(path)}`" if path else "it"
            yield FieldProblem(path, f"{where} {_reason(error)}")

    def _known_fields(self, schema_path: list[Any]) -> list[str]:
        schema: Any = self._schema
        for step in schema_path[:-1]:
            schema = schema[step] if isinstance(schema, (Mapping, list)) else {}
        return list(schema.get("properties", ()))


def _reachable(schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that a schema leads to."""
    found: dict[str, Schema] = {}
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                name = reference.removeprefix("#/$defs/")
                if name not in found:
                    found[name] = definitions[name]
                    waiting.append(found[name])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found


def nearest_name(name: str, known: list[str]) -> str | None:
    """The known name that was probably meant."""
    lowered = {each.lower(): each for each in known}
    if exact := lowered.get(name.lower()):
        return exact
    matches = difflib.get_close_matches(name.lower()[:100], lowered, n=1, cutoff=0.7)
    return lowered[matches[0]] if matches else None


def _reason(error: Any) -> str:
    kind, instance = error.kind, error.instance
    if kind.name == "type":
        expected = " or ".join(_NOUNS[each] for each in kind.types if each != "null" or len(kind.types) == 1)
        return f"is {_noun_of(instance)}; {expected} is expected{_type_hint(kind.types, instance)}"
    if kind.name == "enum":
        options = [str(each) for each in kind.options if each not in (None, "")]
        nearest = nearest_name(instance, options) if isinstance(instance, str) else None
        hint = f"; did you mean {nearest}?" if nearest else ""
        return f"must be one of {', '.join(options)[:300]}{hint}"
    if kind.name == "format":
        return f"must be {_EXAMPLES.get(kind.format, kind.format)}"
    return _LIMITS.get(kind.name, lambda _: f"does not satisfy `{kind.name}` of its schema")(kind)


_LIMITS: dict[str, Callable[[Any], str]] = {
    "minimum": lambda kind: f"must be at least {kind.limit}",
    "maximum": lambda kind: f"must be at most {kind.limit}",
    "exclusiveMinimum": lambda kind: f"must be more than {kind.limit}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit}",
    "minLength": lambda kind: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "minItems": lambda kind: f"must have at least {kind.limit} items",
    "maxItems": lambda kind: f"must have at most {kind.limit} items",
    "minProperties": lambda kind: f"must have at least {kind.limit} keys",
    "maxProperties": lambda kind: f"must have at most {kind.limit} keys",
    "multipleOf": lambda kind: f"must be a multiple of {kind.multiple_of}",
    "pattern": lambda kind: f"must match {kind.pattern[:200]}",
    "anyOf": lambda _: "satisfies none of the alternatives of its schema",
    "oneOf": lambda _: "must satisfy exactly one of the alternatives of its schema",
    "not": lambda _: "is what its schema rules out",
}


def _noun_of(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    nouns = {str: "a string", int: "an integer", float: "a number", dict: "a mapping", list: "a list"}
    return nouns.get(type(value), "null")


def _type_hint(types: list[str], value: Any) -> str:
    if isinstance(value, str) and ("boolean" in types or "integer" in types):
        return (
            " (without quotes; only true and false are booleans)"
            if "boolean" in types
            else " (without quotes)"
        )
    if types[0] == "string" and isinstance(value, (bool, int, float)):
        return "; quote it"
    return ""


def _without_nulls(value: Any) -> Any:
    """Without keys that are null: to an API server they are not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
