"""What a comparison by metadata needs to know of an object in Git; a watcher keeps one for each object."""

from dataclasses import dataclass, field

from towpath.applyset.inventory import OwnedObject
from towpath.kube import pointer
from towpath.kube.managed_fields import (
    KNOWN_TOOLS,
    FieldChange,
    IgnoredManagers,
    Metadata,
    TakenBack,
    fields_of_managers,
    fingerprint,
    foreign_edits,
)
from towpath.objects import Manifest


@dataclass(frozen=True, slots=True)
class WantedObject:
    """As in ApplyObject, but for `declared`: the manifest, kept only where managers are ignored."""

    applied_digest: str
    ignored: tuple[str, ...] = ()
    ignored_managers: IgnoredManagers = ()
    plain_digest: str = field(default="", repr=False)
    taken_back: TakenBack = KNOWN_TOOLS
    declared: Manifest | None = field(default=None, repr=False, compare=False)

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
        if self.declared is None:
            return fingerprint(metadata)
        declared = pointer.without(self.declared, self.ignored)
        return fingerprint(metadata, fields_of_managers(metadata, self.ignored_managers, declared))

    def is_as_applied(self, owned: OwnedObject, metadata: Metadata) -> bool:
        """Whether nobody but ignored managers has changed or taken an owned field since the last apply."""
        if not owned.fingerprint:
            return False
        # The bare fingerprint is that of an apply before the rule.
        bare = owned.fingerprint == fingerprint(metadata)
        return bare or (self.declared is not None and owned.fingerprint == self.fingerprint(metadata))
