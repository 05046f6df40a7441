"""What `managedFields` tell: our own entry's fingerprint, and who else edited the object by hand.

our entry gone or its hash changed     an owned field was changed or removed
an entry of a person's tool            a foreign edit, when it has fields that are neither ours nor ignored
an entry of a controller, of a subresource, or only of the annotation that
`kubectl rollout restart` sets         no edit
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towpath.kube import field_set, pointer
from towpath.kube.canonical import digest

MANAGER = "towpath"
RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
RESTART_RULE = pointer.build(("spec", "template", "metadata", "annotations", RESTARTED_ANNOTATION))
PERSON_TOOLS = ("kubectl", "k9s", "lens", "openlens", "node-fetch", "dashboard", "oc", "Mozilla")
"""Names of managers, or their beginnings up to a dash, that a person works with."""

IgnoredManagers = tuple[tuple[str, str], ...]
"""(field manager, pointer): its fields at and below the pointer are left to it; an empty pointer: all."""
Entry = Mapping[str, Any]
Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """Who (`manager`) did what (`operation`: Apply or Update) when (RFC 3339) to which fields.

    `time` is empty where the API server records none: for the scale subresource.
    """

    time: str
    manager: str
    operation: str
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "manager": self.manager,
            "operation": self.operation,
            "time": self.time,
            "fields": list(self.fields),
        }

    def __str__(self) -> str:
        return f"{self.manager} ({self.operation}, {self.time or 'time not recorded'})"


def manager_entries(metadata: Metadata) -> list[Entry]:
    """`managedFields`; wiped ones (one empty entry) are none."""
    return [entry for entry in metadata.get("managedFields") or () if entry.get("manager")]


def own_entry(metadata: Metadata) -> Entry | None:
    """The entry of our server-side applies."""
    return next((entry for entry in manager_entries(metadata) if _is_ours(entry)), None)


def fingerprint(metadata: Metadata) -> str:
    """Hash of our entry; empty without one. The same fields applied again by another change its `time`."""
    entry = own_entry(metadata)
    if entry is None:
        return ""
    return digest({key: entry.get(key) for key in ("fieldsV1", "time", "apiVersion")})


def is_person_tool(manager: str) -> bool:
    """Whether this manager is a tool in a person's hand, whose edits are taken back."""
    return any(manager == tool or manager.startswith(f"{tool}-") for tool in PERSON_TOOLS)


def is_unknown_owner(manager: str) -> bool:
    """Whether this stands for fields whose owner is not known: `managedFields` were wiped before an apply."""
    return manager == "before-first-apply"


def is_towpath(manager: str) -> bool:
    """Whether somebody works under our name."""
    return manager == MANAGER


def person_entries(metadata: Metadata) -> Iterator[Entry]:
    """Entries of persons' tools on the object itself; an Update under our own name is none of ours."""
    for entry in manager_entries(metadata):
        if entry.get("subresource") or _is_ours(entry):
            continue
        if is_person_tool(entry["manager"]) or is_towpath(entry["manager"]):
            yield entry


def is_left_to_manager(entry: Entry, at: str, ignored_managers: IgnoredManagers) -> bool:
    """Whether the field at pointer `at` of this entry is left to the entry's manager."""
    return any(
        manager == entry["manager"] and pointer.covers([below], at) for manager, below in ignored_managers
    )


def pointers_left_to_managers(
    metadata: Metadata, ignored_managers: IgnoredManagers, manifest: Any
) -> tuple[str, ...]:
    """Where `manifest` has fields that are left to the managers who own them now; deepest and last first."""
    found = {
        at
        for entry in manager_entries(metadata)
        for path in field_set.leaves(entry.get("fieldsV1") or {})
        if not _is_ours(entry)
        and is_left_to_manager(entry, field_set.pattern_of(path), ignored_managers)
        and (at := field_set.pointer_of(path, manifest)) is not None
    }
    # Removing an item moves those behind it.
    return tuple(sorted(found, key=lambda at: [step.zfill(9) for step in pointer.parse(at)], reverse=True))


def foreign_edits(
    metadata: Metadata, ignored: Iterable[str] = (), ignored_managers: IgnoredManagers = ()
) -> tuple[FieldChange, ...]:
    """Edits by hand that are still there, oldest first: fields that are not ours and not ignored."""
    personal = list(person_entries(metadata))
    if not personal:
        return ()
    rules = (*ignored, RESTART_RULE)
    ours = (own_entry(metadata) or {}).get("fieldsV1") or {}
    edits = []
    for entry in personal:
        paths = [
            path
            for path in field_set.paths_beyond(entry.get("fieldsV1") or {}, ours)
            if not pointer.covers(rules, field_set.pattern_of(path))
            and not is_left_to_manager(entry, field_set.pattern_of(path), ignored_managers)
        ]
        if paths:
            edits.append(field_change(entry, paths))
    return tuple(sorted(edits))


def field_change(entry: Entry, paths: Iterable[field_set.Path]) -> FieldChange:
    """The change that an entry stands for."""
    return FieldChange(
        time=entry.get("time", ""),
        manager=entry["manager"],
        operation=entry.get("operation", ""),
        fields=tuple(sorted(field_set.display_path(path) for path in paths)),
    )


def _is_ours(entry: Entry) -> bool:
    return entry["manager"] == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
