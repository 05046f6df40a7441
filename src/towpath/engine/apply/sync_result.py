"""What a sync did to each object, and the one error that tells of all that it could not do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from towpath.adapters.kubernetes import FieldOwner
from towpath.applyset.inventory import Inventory
from towpath.applyset.left_fields import left_message
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError, TowpathError, TransientError
from towpath.objects import ObjectRef

Result = Literal["created", "configured", "unchanged", "deleted", "skipped", "waiting"]

IDLE: tuple[Result, ...] = ("unchanged", "skipped", "waiting")
"""Results of objects to which nothing was written."""


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """What happened to one object."""

    ref: ObjectRef
    result: Result
    message: str = ""
    left_fields: tuple[FieldOwner, ...] = ()
    """Fields that were left to other controllers, because Git has not changed them."""

    def to_json(self) -> dict[str, Any]:
        left = [{"field": owner.field, "manager": owner.manager} for owner in self.left_fields]
        return {"object": self.ref.to_json(), "result": self.result, "message": self.message, "left": left}


@dataclass(frozen=True, slots=True)
class SyncResult:
    """All objects in the order in which they were handled, and the inventory as it is now."""

    app: str
    environment: str
    results: tuple[ObjectResult, ...]
    inventory: Inventory | None = field(repr=False, default=None)

    @property
    def changes(self) -> tuple[ObjectResult, ...]:
        return tuple(each for each in self.results if each.result not in IDLE)

    def summary(self) -> str:
        """One line."""
        counts: dict[str, int] = {}
        for each in self.results:
            counts[each.result] = counts.get(each.result, 0) + 1
        told = ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) or "nothing to do"
        left = left_message([owner for each in self.results for owner in each.left_fields], fields=False)
        told += f"; {left}" if left else ""
        return f"{self.app} in {self.environment}: {told}"

    def to_json(self) -> dict[str, Any]:
        return {
            "app": self.app,
            "environment": self.environment,
            "summary": self.summary(),
            "results": [each.to_json() for each in self.results],
        }


Progress = Callable[[ObjectResult], None]


def failed(
    rendered: Rendered, failures: list[tuple[ObjectRef, TowpathError]], *, untried: int = 0
) -> TowpathError:
    """One error for all: transient only when every one of them is."""
    failures = sorted(failures, key=lambda failure: failure[0])
    lines = [
        error.message if ref.name in error.message else f"{ref}: {error.message}" for ref, error in failures
    ]
    message = f"{rendered.app} in {rendered.environment}: {len(failures)} objects not synced:"
    message += "".join(f"\n  {line}" for line in lines)
    if untried:
        message += f"\n  {untried} more objects were not tried, because the API server is away"
    elif len(failures) == 1:
        message = f"{rendered.app} in {rendered.environment}: {lines[0]}"
    remedy = next((error.remedy for _, error in failures if error.remedy), None)
    transient = [error for _, error in failures if isinstance(error, TransientError)]
    if len(transient) == len(failures):
        pauses = [error.retry_after for error in transient if error.retry_after is not None]
        return TransientError(message, remedy=remedy, retry_after=max(pauses, default=None))
    return SyncError(message, remedy=remedy)
