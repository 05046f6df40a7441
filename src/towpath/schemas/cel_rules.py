"""The CEL rules of CustomResourceDefinitions (`x-kubernetes-validations`) on objects in Git.

Only a rule that gives `false` is a finding. One that cannot be judged here is left to the API server: rules
on changes (`oldSelf`), functions that only Kubernetes has, texts that CEL sees as times, and values so large
that a running rule, which cannot be stopped, could take long.
"""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from towpath.config.cel import EvaluationError, Expression, compile_expression, macro_depth
from towpath.schemas.custom_formats import PREFIX
from towpath.schemas.problem import FieldPath, FieldProblem, shown_path
from towpath.schemas.versions import Schema

RULES = "x-kubernetes-validations"
_LEFT_OUT = re.compile(r"\boldSelf\b|__")
"""Changes, and the names of fields that CEL has to escape."""
_TIMES = (f"{PREFIX}date", f"{PREFIX}date-time", f"{PREFIX}duration", "byte")
_GROWS = re.compile(r"\b(map|transformList|transformMap|transformMapEntry)\b")
"""Macros whose result can be longer than what they are given, by as much as the rule is long."""
_MAX_RULE = 2_000
_MAX_WORK = 2_000_000
"""For one object, in characters: see _work."""
_MAX_MADE = 50_000_000
"""Characters that a rule may make."""
_MAX_MESSAGE = 300


def broken_rules(manifest: Any, schema: Schema) -> Iterator[FieldProblem]:
    """A problem for each rule that an object breaks, which satisfies its schema otherwise."""
    left = _MAX_WORK
    for value, part, path in _ruled(with_defaults(manifest, schema), schema, ()):
        size = len(json.dumps(value))
        for rule in part[RULES]:
            text = rule.get("rule") if isinstance(rule, dict) else None
            if not isinstance(text, str) or not _is_for_us(text, part) or (work := _work(text, size)) > left:
                continue
            left -= work
            if _is_broken(text, value, size):
                message = " ".join(str(rule.get("message") or f"must satisfy {text}").split())
                shown = message[:_MAX_MESSAGE]
                yield FieldProblem(path, f"`{shown_path(path)}`: {shown}" if path else shown)


def with_defaults(value: Any, schema: Schema) -> Any:
    """The value with what a server fills in before it judges; null keys are filled in or left out."""
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        filled = {}
        for key, each in value.items():
            inner = properties.get(key, others)
            if each is None and isinstance(inner, dict) and ("default" in inner or not _is_nullable(inner)):
                continue
            filled[key] = with_defaults(each, inner) if isinstance(inner, dict) else each
        for key, inner in properties.items():
            if key not in filled and "default" in inner:
                filled[key] = with_defaults(inner["default"], inner)
        return filled
    if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        return [with_defaults(each, items) for each in value]
    return value


def _is_nullable(schema: Schema) -> bool:
    return "null" in (schema.get("type") or ()) or {"type": "null"} in schema.get("anyOf", ())


def _ruled(value: Any, schema: Schema, path: FieldPath) -> Iterator[tuple[Any, Schema, FieldPath]]:
    """(value, its schema, its path) wherever there are rules."""
    if isinstance(schema.get(RULES), list) and value is not None:
        yield value, schema, path
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, each in value.items():
            inner = properties.get(key, others)
            if isinstance(inner, dict):
                yield from _ruled(each, inner, (*path, key))
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        for index, each in enumerate(value):
            yield from _ruled(each, items, (*path, index))


def _work(text: str, size: int) -> int:
    """What a rule could cost at most, in characters: to the power of the macros inside of each other."""
    length = size + len(text)
    return int(length ** max(1, macro_depth(text)) * len(text) ** len(_GROWS.findall(text)))


def _is_for_us(text: str, schema: Schema) -> bool:
    if len(text) > _MAX_RULE or _LEFT_OUT.search(text):
        return False
    return not any(name is None or re.search(rf"\b{re.escape(name)}\b", text) for name in _times(schema))


def _is_broken(text: str, value: Any, size: int) -> bool:
    """Whether it is false, or a field is absent that decides, which a server refuses as well."""
    rule = _compiled(text)
    if rule is None or rule.size(_most_items(value), size) > _MAX_MADE:
        return False
    try:
        return not rule.holds({"self": value})
    except EvaluationError:
        return False


def _most_items(value: Any) -> int:
    """Items of the longest list or mapping in a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((len(inner), *map(_most_items, inner)))


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression | None:
    try:
        return compile_expression(text)
    except ValueError:
        return None


def _times(schema: Schema, name: str | None = None) -> Iterator[str | None]:
    """The names of the fields whose texts CEL sees as times or bytes; None for `self` itself."""
    if schema.get("format") in _TIMES:
        yield name
    for key, inner in schema.get("properties", {}).items():
        yield from _times(inner, key)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _times(inner, name)
