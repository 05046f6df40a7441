"""Fields of Git that other controllers own: a sync leaves them while Git does not change them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from towpath.applyset.inventory import OWNER_LABELS
from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import (
    IgnoredManagers,
    Metadata,
    TakenBack,
    is_left_to_manager,
    is_towpath,
    is_unknown_owner,
    manager_entries,
)
from towpath.objects import Manifest

OWNER_LABEL_FIELDS = frozenset(f".metadata.labels.{label}" for label in OWNER_LABELS)
"""As an API server names them in a conflict."""
_OWNER_LABELS = frozenset(("f:metadata", "f:labels", f"f:{label}") for label in OWNER_LABELS)


class OwnedField(Protocol):
    """A field and who owns it."""

    @property
    def manager(self) -> str: ...
    @property
    def field(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LeftField:
    """`field` reads like `.spec.replicas`."""

    manager: str
    path: field_set.Path

    @property
    def field(self) -> str:
        return field_set.display_path(self.path)


def is_taken_back(manager: str, taken_back: TakenBack) -> bool:
    """Whether a sync takes fields back from it: a person's tool, ourselves, nobody known, or as declared."""
    if is_towpath(manager) or is_unknown_owner(manager):
        return True
    return taken_back.is_person(manager) or taken_back.is_former(manager)


def is_owner_label(path: field_set.Path) -> bool:
    """Whether a field is a label by which Towpath knows its objects: that is never left to others."""
    return path in _OWNER_LABELS


def fields_of_controllers(
    metadata: Metadata,
    declared: Manifest,
    ignored: Sequence[str],
    ignored_managers: IgnoredManagers,
    taken_back: TakenBack,
) -> Iterator[LeftField]:
    """The fields of the manifest `declared` that a sync would leave to others, without ignored ones.

    Items of lists are not among them: they are never left.
    """
    for entry in manager_entries(metadata):
        if entry.get("subresource") == "status" or is_taken_back(entry["manager"], taken_back):
            continue
        owned = field_set.leaves(entry.get("fieldsV1") or {})
        fields = (field_set.declared_path(path, declared) for path in owned if path[-1].startswith("f:"))
        for path in dict.fromkeys(fields):
            if (
                path is not None
                and not is_owner_label(path)
                and not pointer.covers(ignored, pattern := field_set.pattern_of(path))
                and not is_left_to_manager(entry, pattern, ignored_managers)
            ):
                yield LeftField(entry["manager"], path)


def left_message(left: Sequence[OwnedField], *, fields: bool = True) -> str:
    """`1 field left to cainjector: .data.ca`; empty when none is left."""
    if not left:
        return ""
    managers = ", ".join(sorted({owner.manager for owner in left}))
    message = f"{len(left)} field{'' if len(left) == 1 else 's'} left to {managers}"
    return f"{message}: {', '.join(owner.field for owner in left)}" if fields else message
