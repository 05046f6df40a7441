"""Health by CEL expressions of the user: `healthCheckExprs` in towpath.yaml, in the form that Flux uses.

Each top-level field of an object is a variable: `status.phase == 'Ready'`. `inProgress` is evaluated first,
then `failed`, then `current`. An absent field makes an expression false; any other error makes the object
Unknown, never Healthy. Macros (`all`, `map`) do not run on objects that are too large for them.
"""

from collections.abc import Callable, Iterable
from typing import Any

from towpath.config import HealthCheckExpression
from towpath.config.cel import Program, compile_expression, macro_depth
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

_MAX_ITEMS = {1: 4_000, 2: 150}
"""Nesting depth of macros -> items of the longest list allowed: cost grows with the square at each level."""
_MAX_TEXT = 50_000_000
"""Characters that macros may produce: items at each level, times the longest text."""
_VARIABLES = ("apiVersion", "kind", "metadata", "spec", "status", "data")


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


def _too_large(manifest: Manifest, levels: int) -> Health | None:
    if not levels:
        return None
    items = text = 0
    pending: list[Any] = [manifest]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            text = max(text, len(value))
        elif isinstance(value, (list, dict)):
            items = max(items, len(value))
            pending.extend(value.values() if isinstance(value, dict) else value)
    if items <= _MAX_ITEMS[levels] and items**levels * text <= _MAX_TEXT:
        return None
    return unknown("it is too large for the macros of its healthCheckExprs")


def _judge(current: str, in_progress: str | None, failed: str | None) -> Judge:
    current_program = compile_expression(current)
    in_progress_program = compile_expression(in_progress) if in_progress else None
    failed_program = compile_expression(failed) if failed else None
    levels = max(macro_depth(expression) for expression in (current, in_progress or "", failed or ""))

    def judge(manifest: Manifest) -> Health:
        if waiting := _outdated(manifest) or _too_large(manifest, levels):
            return waiting
        variables = {**{key: {} for key in _VARIABLES}, **manifest}
        try:
            if in_progress_program and _holds(in_progress_program, variables):
                return progressing(_explanation(manifest) or f"inProgress holds: {in_progress}")
            if failed_program and _holds(failed_program, variables):
                return degraded(_explanation(manifest) or f"failed holds: {failed}", final=True)
            if _holds(current_program, variables):
                return healthy(_explanation(manifest) or "current holds")
        except (TypeError, ValueError, RuntimeError, OverflowError, ArithmeticError) as error:
            return unknown(f"its healthCheckExprs cannot be evaluated: {str(error).splitlines()[0]}")
        return progressing(_explanation(manifest) or f"current does not hold yet: {current}")

    return judge


def _holds(program: Program, variables: dict[str, Any]) -> bool:
    try:
        result = program.execute(variables)
    except (KeyError, IndexError):
        return False  # the field is absent so far
    if not isinstance(result, bool):
        raise TypeError(f"an expression gives {type(result).__name__}, not true or false")
    return result


def _explanation(manifest: Manifest) -> str:
    ready = conditions_by_type(manifest).get("Ready")
    return explain(ready) if ready else status_message(manifest) if mapping_at(manifest, "status") else ""
