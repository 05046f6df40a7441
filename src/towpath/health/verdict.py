"""The verdict on one object, and what every judge needs to read one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towpath.objects import Manifest, ObjectRef


class Status(StrEnum):
    """From good to bad, as people would sort them."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    UNKNOWN = "Unknown"
    MISSING = "Missing"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Health:
    """`final`: waiting cannot help any more; only a change of the object can."""

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


_SENTENCES = (
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
    """A count; `default` when the server left it out."""
    value = parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def conditions_by_type(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Condition by type; of an operator that has only one, that one."""
    status = mapping_at(manifest, "status")
    only = [each for key in ("condition", "conditions") if "type" in (each := mapping_at(status, key))]
    told = [*only, *items(status, "conditions")]
    return {str(item.get("type")): item for item in told}


def is_true(condition: dict[str, Any] | None) -> bool:
    return condition is not None and str(condition.get("status")).casefold() == "true"


def is_false(condition: dict[str, Any] | None) -> bool:
    return condition is not None and str(condition.get("status")).casefold() == "false"


def explain(condition: dict[str, Any]) -> str:
    """`Reason: message` of a condition, as far as it has them."""
    reason, message = condition.get("reason"), condition.get("message")
    return ": ".join(str(text) for text in (reason, message) if text) or str(condition.get("type"))


def status_message(manifest: Manifest) -> str:
    """What the status says in words besides its conditions."""
    status = mapping_at(manifest, "status")
    for key in _SENTENCES:
        said = status.get(key)
        said = said.get("message") if isinstance(said, dict) else said
        if said and isinstance(said, str):
            return said
        if said and isinstance(said, list) and all(isinstance(each, str) for each in said):
            return "; ".join(said[:3])
    return ""


def outdated(manifest: Manifest, condition: dict[str, Any] | None = None) -> Health | None:
    """Progressing when the status, or that condition of it, is about an older generation."""
    generation = mapping_at(manifest, "metadata").get("generation")
    observed = (mapping_at(manifest, "status") if condition is None else condition).get("observedGeneration")
    if not isinstance(generation, int) or not isinstance(observed, int) or observed >= generation:
        return None
    ready = conditions_by_type(manifest).get("Ready")
    if condition is None and is_false(ready) and ready and ready.get("observedGeneration") == generation:
        return None  # seen, and refused: Flux counts a generation as observed only when it went well
    return progressing(
        f"its controller has not seen the newest change (generation {generation}, seen {observed})"
    )


def unobserved(manifest: Manifest) -> Health | None:
    """Progressing while the controller has not seen the newest specification, or not said so."""
    if not isinstance(mapping_at(manifest, "status").get("observedGeneration"), int):
        return progressing("its controller has not reported on it yet")
    return outdated(manifest)
