"""The health of one object, and the functions with which judges read an object."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towpath.objects import Manifest, ObjectRef


class Status(StrEnum):
    """Health from best to worst; the order in which reports sort."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    UNKNOWN = "Unknown"
    MISSING = "Missing"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Health:
    """A status and why. `final`: waiting cannot help; only a change of the object can."""

    status: Status
    message: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class ObjectHealth:
    """The health of one object of an app."""

    ref: ObjectRef
    health: Health

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "status": str(self.health.status),
            "message": self.health.message,
        }


_MESSAGE_FIELDS = (
    "message",
    "phaseReason",
    "statusMessage",
    "failureMessage",
    "errorMessage",
    "error",
    "reason",
    "failureReason",
    "lastError",
    "description",
)


def healthy(message: str = "") -> Health:
    return Health(Status.HEALTHY, message)


def progressing(message: str) -> Health:
    return Health(Status.PROGRESSING, message)


def degraded(message: str, *, final: bool = False) -> Health:
    return Health(Status.DEGRADED, message, final)


def suspended(message: str) -> Health:
    return Health(Status.SUSPENDED, message)


def unknown(message: str) -> Health:
    return Health(Status.UNKNOWN, message)


def mapping_at(manifest: Manifest, *path: str) -> dict[str, Any]:
    """A mapping inside the object; {} when it is absent or something else."""
    value: Any = manifest
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The mappings of a list; [] when it is absent or something else."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number(parent: dict[str, Any], key: str, default: int = 0) -> int:
    """An integer field; `default` when it is absent or something else."""
    value = parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def conditions_by_type(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Conditions of the status by type; some operators write a single condition as a mapping."""
    status = mapping_at(manifest, "status")
    single = [
        condition for key in ("condition", "conditions") if "type" in (condition := mapping_at(status, key))
    ]
    all_conditions = [*single, *items(status, "conditions")]
    return _by_type(all_conditions)


def part_conditions(parent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Conditions of a part of the status (a listener, a parent, a pod's status) by type."""
    return _by_type(items(parent, "conditions"))


def _by_type(conditions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(condition.get("type")): condition for condition in conditions}


def is_true(condition: dict[str, Any] | None) -> bool:
    return condition is not None and str(condition.get("status")).casefold() == "true"


def is_false(condition: dict[str, Any] | None) -> bool:
    return condition is not None and str(condition.get("status")).casefold() == "false"


def explain(condition: dict[str, Any]) -> str:
    """`Reason: message` of a condition; its type when it has neither."""
    reason, message = condition.get("reason"), condition.get("message")
    return ": ".join(str(text) for text in (reason, message) if text) or str(condition.get("type"))


def status_message(manifest: Manifest) -> str:
    """The message of the status outside of its conditions; `""` when there is none."""
    status = mapping_at(manifest, "status")
    for key in _MESSAGE_FIELDS:
        text = status.get(key)
        text = text.get("message") if isinstance(text, dict) else text
        if text and isinstance(text, str):
            return text
        if text and isinstance(text, list) and all(isinstance(line, str) for line in text):
            return "; ".join(text[:3])
    return ""


_WHOLES = ("v1beta2", "conditionStatus")
_PARTS = ("parents", "ancestors", "listeners", "controllers")


def outdated(manifest: Manifest, condition: dict[str, Any] | None = None) -> Health | None:
    """Progressing when the status (or the given condition) is about an older generation, else None.

    A status without a generation of its own is as new as the newest of its conditions.
    """
    generation = mapping_at(manifest, "metadata").get("generation")
    observed = _observed(mapping_at(manifest, "status")) if condition is None else _observed_by(condition)
    if not isinstance(generation, int) or not isinstance(observed, int) or observed >= generation:
        return None
    ready = conditions_by_type(manifest).get("Ready")
    if condition is None and is_false(ready) and ready and ready.get("observedGeneration") == generation:
        return None  # Flux updates observedGeneration only on success: it has refused this generation
    return progressing(
        f"its controller has not seen the newest change (generation {generation}, seen {observed})"
    )


def _observed(status: dict[str, Any]) -> int | None:
    """The generation that a status is about; None when it does not say."""
    told = _observed_by(status)
    return told if told is not None else max(_observed_by_conditions(status), default=None)


def _observed_by(parent: dict[str, Any]) -> int | None:
    value = parent.get("observedGeneration")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _observed_by_conditions(status: dict[str, Any]) -> list[int]:
    """Generations of the conditions of the whole; without any, those of the parts that are about the object.

    Conditions elsewhere may be copies of another object's, with the generations of that.
    """
    wholes = [status, *(mapping_at(status, name) for name in _WHOLES)]
    parts = [part for name in _PARTS for part in items(status, name)]
    for parents in (wholes, parts):
        conditions = [
            each for parent in parents for each in (*items(parent, "conditions"), parent.get("condition"))
        ]
        single = [parent["conditions"] for parent in parents if isinstance(parent.get("conditions"), dict)]
        told = [_observed_by(each) for each in (*conditions, *single) if isinstance(each, dict)]
        if found := [each for each in told if each is not None]:
            return found
    return []


def unobserved(manifest: Manifest) -> Health | None:
    """Progressing while observedGeneration is missing or older than the object, else None."""
    if not isinstance(mapping_at(manifest, "status").get("observedGeneration"), int):
        return progressing("its controller has not reported on it yet")
    return outdated(manifest)
