"""The heal budget: a field that was healed 3 times in 10 minutes is left alone.

Pure. The history of heals is kept in a
ConfigMap beside the inventory (`towpath-heals-APP`), so that it survives every restart; it is written only
when something is healed. A commit that changes the object resets it, and so can a person.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from towpath.applyset.inventory import APP_LABEL, ENVIRONMENT_LABEL, HEALS_LABEL, Owner
from towpath.drift.model import DriftEntry
from towpath.errors import RefusedError
from towpath.fields.canonical import canonical_json
from towpath.fields.pointer import parse
from towpath.objects import Manifest, ObjectRef

LIMIT = 3
WINDOW = timedelta(minutes=10)
WHOLE_OBJECT = ""
"""The pointer of the whole object: it was deleted, or only its field owners changed."""
MAX_OBJECTS = 500
"""Objects in a history; the oldest heals are dropped first."""
MAX_FIELDS = 50
"""Fields of one object that are counted separately; an edit of more counts for the whole object."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ObjectHeals:
    """The last heals of one object's fields: JSON pointer -> times, oldest first, at most LIMIT.

    `desired_digest` is that of what Git wanted then (`DriftEntry.desired_digest`); another one makes the
    history void.
    """

    desired_digest: str
    fields: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)

    @property
    def exhausted(self) -> tuple[str, ...]:
        """Fields that are healed no more, until the history is void."""
        return tuple(sorted(at for at, times in self.fields.items() if _is_exhausted(times)))

    @property
    def last(self) -> datetime:
        return max(times[-1] for times in self.fields.values())


Heals = Mapping[ObjectRef, ObjectHeals]
"""The history of one app in one environment."""
NO_HEALS: Heals = {}


@dataclass(frozen=True, slots=True)
class ExhaustedFields:
    """An object with fields that are healed no more; `managers` wrote them last."""

    ref: ObjectRef
    fields: tuple[str, ...]
    managers: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = ", ".join(at or "the object itself" for at in self.fields)
        who = f" against {', '.join(self.managers)}" if self.managers else ""
        return (
            f"{self.ref}: healing stopped after {LIMIT} times in {WINDOW.seconds // 60} minutes{who}: {what}"
        )


@dataclass(frozen=True, slots=True)
class HealBudget:
    """`entries` may be healed; `left_alone` is object -> pointers, WHOLE_OBJECT for all of its fields."""

    entries: tuple[DriftEntry, ...]
    left_alone: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    exhausted: tuple[ExhaustedFields, ...] = ()


def decide_heals(heals: Heals, entries: Iterable[DriftEntry]) -> HealBudget:
    """Decide which drift of an app may be healed.

    Fields of an object that are not exhausted are still healed.
    """
    healed: list[DriftEntry] = []
    leave: dict[ObjectRef, tuple[str, ...]] = {}
    exhausted: list[ExhaustedFields] = []
    for entry in entries:
        known = heals.get(entry.ref)
        stopped = known.exhausted if known and known.desired_digest == entry.desired_digest else ()
        exhausted_here = tuple(at for at in counted_pointers(entry) if at in stopped)
        if not exhausted_here:
            healed.append(entry)
            continue
        managers = tuple(sorted({each.manager for each in entry.managers}))
        exhausted.append(ExhaustedFields(entry.ref, exhausted_here, managers))
        rest = tuple(each for each in entry.differences if each.pointer not in exhausted_here)
        if rest and not any(_is_whole_or_listed(at) for at in exhausted_here):
            leave[entry.ref] = exhausted_here
            healed.append(replace(entry, differences=rest))
        else:
            leave[entry.ref] = (WHOLE_OBJECT,)
    return HealBudget(tuple(healed), leave, tuple(exhausted))


def record_heals(heals: Heals, healed: Iterable[DriftEntry], now: datetime) -> dict[ObjectRef, ObjectHeals]:
    """The history after these entries were healed, without heals before the window."""
    new = dict(heals)
    for entry in healed:
        known = new.get(entry.ref)
        before = known.fields if known and known.desired_digest == entry.desired_digest else {}
        times = {at: (*before.get(at, ()), now)[-LIMIT:] for at in counted_pointers(entry)}
        new[entry.ref] = ObjectHeals(entry.desired_digest, {**before, **times})
    kept = {ref: fresh for ref, known in new.items() if (fresh := _without_old(known, now)).fields}
    newest = sorted(kept, key=lambda ref: (bool(kept[ref].exhausted), kept[ref].last), reverse=True)[
        :MAX_OBJECTS
    ]
    return {ref: kept[ref] for ref in sorted(newest)}


def counted_pointers(entry: DriftEntry) -> tuple[str, ...]:
    """The pointers for which a heal of this entry counts."""
    if entry.kind == "deleted" or not 0 < len(entry.differences) <= MAX_FIELDS:
        return (WHOLE_OBJECT,)
    return tuple(each.pointer for each in entry.differences)


def heals_ref(owner: Owner) -> ObjectRef:
    """The ConfigMap of an app's history."""
    return ObjectRef("", "ConfigMap", owner.namespace, f"towpath-heals-{owner.app}")


def to_configmap(owner: Owner, heals: Heals, resource_version: str = "") -> Manifest:
    """The ConfigMap; `resource_version` is that of the ConfigMap that it replaces."""
    objects = [
        [
            *(ref.group, ref.kind, ref.namespace, ref.name, each.desired_digest),
            {at: [time.isoformat(timespec="seconds") for time in times] for at, times in each.fields.items()},
        ]
        for ref, each in sorted(heals.items())
    ]
    ref = heals_ref(owner)
    metadata: dict[str, Any] = {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": {HEALS_LABEL: owner.app, APP_LABEL: owner.app, ENVIRONMENT_LABEL: owner.environment},
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    text = canonical_json({"format": FORMAT, "objects": objects}).decode()
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"heals": text}}


def from_configmap(manifest: Manifest) -> dict[ObjectRef, ObjectHeals]:
    """The history in a ConfigMap. Raises RefusedError when it cannot be read."""
    metadata = manifest["metadata"]
    try:
        content = json.loads(manifest["data"]["heals"])
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']}, known is {FORMAT}")  # noqa: TRY301
        found = {}
        for group, kind, namespace, name, digest, fields in content["objects"]:
            times = {at: tuple(map(datetime.fromisoformat, each)) for at, each in fields.items()}
            if any(time.tzinfo is None for each in times.values() for time in each):
                raise ValueError("a time has no zone")  # noqa: TRY301
            found[ObjectRef(group, kind, namespace, name)] = ObjectHeals(digest, times)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RefusedError(
            f"ConfigMap {metadata.get('namespace')}/{metadata.get('name')} cannot be read: {error}",
            remedy="Delete it: the budget of heals then begins anew.",
        ) from error
    return found


def _is_whole_or_listed(at: str) -> bool:
    """Whether the field cannot be left alone: a list index differs between live and Git."""
    return at == WHOLE_OBJECT or any(step.isdigit() for step in parse(at))


def _is_exhausted(times: tuple[datetime, ...]) -> bool:
    return len(times) >= LIMIT and times[-1] - times[-LIMIT] <= WINDOW


def _without_old(known: ObjectHeals, now: datetime) -> ObjectHeals:
    kept = {
        at: fresh
        for at, times in known.fields.items()
        if (fresh := times if _is_exhausted(times) else tuple(t for t in times if now - t <= WINDOW))
    }
    return replace(known, fields=kept)
