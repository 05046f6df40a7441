"""Health by CEL expressions of the user: `healthCheckExprs` in towpath.yaml, in the form that Flux uses.

Each top-level field of an object is a variable: `status.phase == 'Ready'`. `inProgress` is evaluated first,
then `failed`, then `current`. A field that decides and is absent makes an expression false; any other error
makes the object Unknown, never Healthy. Expressions do not run on objects that are too large for them.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from towpath.config import HealthCheckExpression
from towpath.config.cel import EvaluationError, Expression, compile_expression
from towpath.health.verdict import (
    Health,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    mapping_at,
    outdated,
    progressing,
    status_message,
    unknown,
)
from towpath.objects import Manifest, group_of

_MAX_ITEMS = {1: 4_000, 2: 99}
"""Nesting depth of macros -> items of the longest list: the CEL library takes 10,000 steps at most."""
_MAX_TEXT = 50_000_000
"""Characters that an expression may produce."""
_MAX_DEPTH = 200
"""Levels of nested values; the CEL library reads them by recursion."""
_NO_VARIABLES: Mapping[str, Any] = MappingProxyType(
    {name: {} for name in ("apiVersion", "kind", "metadata", "spec", "status", "data")}
)
"""Fields that every expression may name, also where an object does not have them."""

Judge = Callable[[Manifest], Health]


def judges_of(expressions: Iterable[HealthCheckExpression]) -> dict[tuple[str, str], Judge]:
    """Compile expressions to (group, kind) -> judge. Raises ValueError for an invalid CEL expression."""
    return {
        (group_of(expression.api_version), expression.kind): _judge(
            expression.current, expression.in_progress, expression.failed
        )
        for expression in expressions
    }


def _outdated(manifest: Manifest) -> Health | None:
    """Progressing while the status is about an older generation, as Flux has it (RFC 0009).

    Generations begin with 1: a smaller one was never observed, it is the value that a field begins with. Of
    such a status, and of conditions with generations of their own, the user's rules alone decide.
    """
    observed = mapping_at(manifest, "status").get("observedGeneration")
    return outdated(manifest) if isinstance(observed, int) and observed >= 1 else None


def _unsuited(variables: Mapping[str, Any], expressions: Iterable[Expression]) -> Health | None:
    """Unknown for values on which an expression could take too long or fail; None for all others."""
    items = longest = depth = 0
    level: list[Any] = [variables]
    while level and depth <= _MAX_DEPTH:
        depth += 1
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, str):
                longest = max(longest, len(value))
            elif isinstance(value, dict):
                items = max(items, len(value))
                deeper += value
                deeper += value.values()
            elif isinstance(value, list):
                items = max(items, len(value))
                deeper += value
        level = deeper
    if level:
        return unknown(f"it is nested deeper than {_MAX_DEPTH} levels, too deep for its healthCheckExprs")
    for each in expressions:
        if each.macro_depth and items > _MAX_ITEMS[each.macro_depth]:
            return unknown("it is too large for the macros of its healthCheckExprs")
        if each.size(items, longest) > _MAX_TEXT:
            return unknown("it is too large for its healthCheckExprs")
    return None


def _judge(current: str, in_progress: str | None, failed: str | None) -> Judge:
    current_rule = compile_expression(current)
    in_progress_rule = compile_expression(in_progress) if in_progress else None
    failed_rule = compile_expression(failed) if failed else None
    rules = [rule for rule in (in_progress_rule, failed_rule, current_rule) if rule]
    names = frozenset().union(*(rule.names for rule in rules))

    def judge(manifest: Manifest) -> Health:
        present = {name: value for name, value in manifest.items() if value is not None}
        variables = {name: value for name, value in {**_NO_VARIABLES, **present}.items() if name in names}
        if waiting := _outdated(manifest) or _unsuited(variables, rules):
            return waiting
        try:
            if in_progress_rule and in_progress_rule.holds(variables):
                return progressing(_explanation(manifest) or f"inProgress holds: {in_progress}")
            if failed_rule and failed_rule.holds(variables):
                return degraded(_explanation(manifest) or f"failed holds: {failed}", final=True)
            if current_rule.holds(variables):
                return healthy(_explanation(manifest) or "current holds")
        except EvaluationError as error:
            return unknown(f"its healthCheckExprs cannot be evaluated: {error}")
        return progressing(_explanation(manifest) or f"current does not hold yet: {current}")

    return judge


def _explanation(manifest: Manifest) -> str:
    ready = conditions_by_type(manifest).get("Ready")
    return explain(ready) if ready else status_message(manifest) if mapping_at(manifest, "status") else ""
