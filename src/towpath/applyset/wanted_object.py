"""What a comparison by metadata needs to know of an object in Git; a watcher keeps one for each object."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from towpath.applyset.inventory import OwnedObject
from towpath.applyset.left_fields import LeftField, fields_of_controllers
from towpath.fields import field_set, pointer
from towpath.fields.canonical import canonical_json
from towpath.fields.managed_fields import (
    KNOWN_TOOLS,
    FieldChange,
    IgnoredManagers,
    Metadata,
    TakenBack,
    fields_of_managers,
    fingerprint,
    foreign_edits,
    own_entry,
)
from towpath.objects import Manifest


@dataclass(frozen=True, slots=True)
class WantedObject:
    """As in ApplyObject. `declared` is the manifest; who keeps many has only its packed `outline`."""

    applied_digest: str
    ignored: tuple[str, ...] = ()
    ignored_managers: IgnoredManagers = ()
    plain_digest: str = field(default="", repr=False)
    taken_back: TakenBack = KNOWN_TOOLS
    declared: Manifest | None = field(default=None, repr=False, compare=False)
    outline: bytes = field(default=b"", repr=False, compare=False)

    def packed(self) -> "WantedObject":
        """The same without values outside of lists: no Secret's, and a few hundred bytes of most objects."""
        outline = zlib.compress(canonical_json(field_set.outline(self._declared)))
        return replace(self, declared=None, outline=outline)

    @property
    def _declared(self) -> Manifest:
        if self.declared is None and self.outline:
            unpacked: Manifest = json.loads(zlib.decompress(self.outline))
            return unpacked
        return self.declared or {}

    def is_recorded(self, applied_digest: str) -> bool:
        """Whether the digest of an inventory says that this very content was applied."""
        return bool(applied_digest) and applied_digest in (self.applied_digest, self.plain_digest)

    def edits(self, metadata: Metadata) -> tuple[FieldChange, ...]:
        """Edits by hand that no rule ignores."""
        return foreign_edits(metadata, self.ignored, self.ignored_managers, self.taken_back)

    def fingerprint(self, metadata: Metadata) -> str:
        """That of Towpath's entry; fields of Git that an ignored manager owns count as Towpath's.

        So it stays the same when such a manager takes a field.
        """
        if not self.ignored_managers:
            return fingerprint(metadata)
        declared = pointer.without(self._declared, self.ignored)
        return fingerprint(metadata, fields_of_managers(metadata, self.ignored_managers, declared))

    def fingerprint_beside(self, metadata: Metadata) -> str:
        """As `fingerprint`; fields of Git that other controllers own count as Towpath's, too."""
        declared = pointer.without(self._declared, self.ignored)
        more = fields_of_managers(metadata, self.ignored_managers, declared)
        others = field_set.from_paths(each.path for each in self._fields_of_others(metadata, declared))
        return fingerprint(metadata, field_set.union(more, others))

    def is_as_applied(self, owned: OwnedObject, metadata: Metadata) -> bool:
        """Whether nobody but ignored managers has changed or taken an owned field since the last apply."""
        if not owned.fingerprint:
            return False
        # The bare fingerprint is that of an apply before the rule.
        bare = owned.fingerprint == fingerprint(metadata)
        return bare or (bool(self.ignored_managers) and owned.fingerprint == self.fingerprint(metadata))

    def left_fields(self, owned: OwnedObject, metadata: Metadata) -> tuple[LeftField, ...]:
        """The fields that other controllers have taken, where nothing else differs from the last apply.

        A sync leaves them. Whether their values differ, metadata do not tell.
        """
        if not owned.fingerprint or self.edits(metadata) or self.is_as_applied(owned, metadata):
            return ()
        if owned.fingerprint != self.fingerprint_beside(metadata):
            return ()
        ours = set(field_set.leaves((own_entry(metadata) or {}).get("fieldsV1") or {}))
        found = self._fields_of_others(metadata, pointer.without(self._declared, self.ignored))
        return tuple(each for each in found if each.path not in ours)

    def _fields_of_others(self, metadata: Metadata, declared: Manifest) -> Iterator[LeftField]:
        return fields_of_controllers(metadata, declared, self.ignored, self.ignored_managers, self.taken_back)
