"""Health by CEL expressions of the user: `healthCheckExprs` in towpath.yaml, in the form that Flux uses.

Everything at the top of an object is a variable: `status.phase == 'Ready'`. `inProgress` is asked first, then
`failed`, then `current`. A field that is not there makes an expression false; any other trouble makes the
object Unknown, never Healthy. The library is imported only when there are expressions.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from towpath.health.verdict import Health, behind, degraded, healthy, part, progressing, told_by, unknown, why
from towpath.health.verdict import conditions as conditions_of
from towpath.objects import Manifest, group_of

if TYPE_CHECKING:
    from towpath.config import HealthCheckExpression

_TOP = ("apiVersion", "kind", "metadata", "spec", "status", "data")


class _Program(Protocol):
    def execute(self, context: dict[str, Any], /) -> Any: ...


Judge = Callable[[Manifest], Health]


def judges_of(expressions: Iterable["HealthCheckExpression"]) -> dict[tuple[str, str], Judge]:
    """(group, kind) -> judge. Raises ValueError for an expression that is no CEL."""
    return {
        (group_of(each.api_version), each.kind): _judge(each.current, each.in_progress, each.failed)
        for each in expressions
    }


def compile_expression(text: str) -> _Program:
    """Raises ValueError, in one line, for what is no CEL."""
    import cel

    try:
        program: _Program = cel.compile(text)
    except (ValueError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(lines[0].partition("ERROR: ")[2] or lines[0]) from error
    return program


def _judge(current: str, in_progress: str | None, failed: str | None) -> Judge:
    done = compile_expression(current)
    busy = compile_expression(in_progress) if in_progress else None
    broken = compile_expression(failed) if failed else None

    def judge(manifest: Manifest) -> Health:
        if waiting := behind(manifest):
            return waiting
        variables = {**{key: {} for key in _TOP}, **manifest}
        try:
            if busy and _holds(busy, variables):
                return progressing(_said(manifest) or f"inProgress holds: {in_progress}")
            if broken and _holds(broken, variables):
                return degraded(_said(manifest) or f"failed holds: {failed}", final=True)
            if _holds(done, variables):
                return healthy(_said(manifest) or "current holds")
        except (TypeError, ValueError, RuntimeError, OverflowError, ArithmeticError) as error:
            return unknown(f"its healthCheckExprs cannot be evaluated: {str(error).splitlines()[0]}")
        return progressing(_said(manifest) or f"current does not hold yet: {current}")

    return judge


def _holds(program: _Program, variables: dict[str, Any]) -> bool:
    try:
        result = program.execute(variables)
    except (KeyError, IndexError):
        return False  # what it asks about is not there yet
    if not isinstance(result, bool):
        raise TypeError(f"an expression gives {type(result).__name__}, not true or false")
    return result


def _said(manifest: Manifest) -> str:
    ready = conditions_of(manifest).get("Ready")
    return why(ready) if ready else told_by(manifest) if part(manifest, "status") else ""
