"""Drift: live objects that differ from what Towpath applied. Judged from metadata alone. Pure.

deleted     the object is gone, or another one has its name
modified    an owned field was changed or removed, or a person's tool added one
extra       nobody declared the object
unapplied   Git wants something that no sync has carried out yet: no drift
waiting     it left Git, and is deleted when the app is verified without it: no drift
kept        it left Git, and is not deleted: no drift
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Literal

from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import (
    FieldChange,
    field_change,
    manager_entries,
    own_entry,
)
from towpath.kube.diff import Difference, format_value
from towpath.objects import Manifest, ObjectRef
from towpath.redact.markdown import plain_markdown

DriftKind = Literal["modified", "deleted", "extra", "unapplied", "waiting", "kept"]
LEAVING: tuple[DriftKind, ...] = ("waiting", "kept")
"""Kinds of objects whose end is decided already: neither drift nor work for a sync."""


@dataclass(frozen=True, slots=True)
class DriftEntry:
    """One object; `app` is empty for an extra. `managers` say who changed which fields when, oldest first.

    `blame` says for each of `differences` who made it, None where the API server has not recorded it;
    `desired_digest` is the digest of what Git wants (`ApplyObject.applied_digest`).
    """

    app: str
    ref: ObjectRef
    kind: DriftKind
    differences: tuple[Difference, ...] = ()
    managers: tuple[FieldChange, ...] = ()
    message: str = ""
    blame: tuple[FieldChange | None, ...] = ()
    desired_digest: str = ""
    left_to: str = ""
    """`1 field left to cainjector`, where that is all that differs; a sync goes on beside it."""

    @property
    def is_drift(self) -> bool:
        """Whether it was changed or deleted live, in more than fields that are left to other controllers."""
        return self.kind in ("modified", "deleted") and not self.left_to

    @property
    def attributed(self) -> tuple[tuple[Difference, FieldChange | None], ...]:
        """(difference, the write that made it; None: not recorded)."""
        return tuple(zip_longest(self.differences, self.blame[: len(self.differences)]))

    def to_json(self) -> dict[str, Any]:
        return {
            "app": self.app,
            "object": self.ref.to_json(),
            "kind": self.kind,
            "differences": [
                {
                    **difference.to_json(),
                    "manager": who.manager if who else "",
                    "operation": who.operation if who else "",
                    "time": who.time if who else "",
                }
                for difference, who in self.attributed
            ],
            "managers": [manager.to_json() for manager in self.managers],
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All drift of an environment, sorted; `commit` is the commit that it was compared with.

    `uncompared` are apps of which nobody can tell what Git wants; there are no entries of them.
    """

    environment: str
    commit: str
    entries: tuple[DriftEntry, ...]
    uncompared: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[DriftEntry, ...]:
        """Objects that were changed or deleted live: without extras, unapplied changes and left fields."""
        return tuple(entry for entry in self.entries if entry.is_drift)

    @property
    def extras(self) -> tuple[DriftEntry, ...]:
        return tuple(entry for entry in self.entries if entry.kind == "extra")

    @property
    def unapplied(self) -> tuple[DriftEntry, ...]:
        return tuple(entry for entry in self.entries if entry.kind == "unapplied")

    @property
    def differs(self) -> bool:
        """Whether anything is not as Git wants it, other than objects that left Git."""
        return any(entry.kind not in LEAVING for entry in self.entries)

    def apps(self, *kinds: DriftKind) -> tuple[str, ...]:
        """The apps with entries of these kinds; without kinds: of any kind."""
        found = {entry.app for entry in self.entries if entry.app and (not kinds or entry.kind in kinds)}
        return tuple(sorted(found))

    def summary(self) -> str:
        """One line."""
        counts = Counter("left to others" if entry.left_to else entry.kind for entry in self.entries)
        parts = [f"{counts[kind]} {kind}" for kind in sorted(counts)]
        parts += [f"not compared: {', '.join(self.uncompared)}"] if self.uncompared else []
        return f"{self.environment}: {', '.join(parts) or 'as in Git'}"

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "commit": self.commit,
            "summary": self.summary(),
            "entries": [entry.to_json() for entry in self.entries],
            "uncompared": list(self.uncompared),
        }

    def to_markdown(self) -> str:
        """A table of objects with their writers, then a table of fields per object."""
        if not self.entries:
            return f"{self.summary()}\n"
        rows = ["| object | app | drift | who | when |", "|---|---|---|---|---|"]
        for entry in self.entries:
            who = ", ".join(f"{m.manager} ({m.operation})" for m in entry.managers) or "not recorded"
            when = ", ".join(dict.fromkeys(m.time or "not recorded" for m in entry.managers))
            kind = f"{entry.kind}: {entry.message}" if entry.message else entry.kind
            cells = map(plain_markdown, (str(entry.ref), entry.app, kind, who, when))
            rows.append(f"| {' | '.join(cells)} |")
        parts = [self.summary(), "\n".join(rows)]
        for entry in self.entries:
            if entry.differences:
                rows = ["| field | in Git | live | who | when |", "|---|---|---|---|---|"]
                for each, by_whom in entry.attributed:
                    by = f"{by_whom.manager} ({by_whom.operation})" if by_whom else "not recorded"
                    when = (by_whom.time if by_whom else "") or "not recorded"
                    values = (_code(each.pointer), _value(each.shown_desired), _value(each.shown_live))
                    rows.append(f"| {' | '.join((*values, plain_markdown(by), plain_markdown(when)))} |")
                parts.append(f"**{plain_markdown(str(entry.ref))}**\n\n" + "\n".join(rows))
        return "\n\n".join(parts) + "\n"


def drift_report(environment: str, commit: str, found: Iterable[DriftEntry]) -> DriftReport:
    """The report with its entries in a stable order."""
    order = {"deleted": 0, "modified": 1, "extra": 2, "unapplied": 3, "waiting": 4, "kept": 5}
    return DriftReport(environment, commit, tuple(sorted(found, key=lambda e: (order[e.kind], e.app, e.ref))))


def explain_drift(entry: DriftEntry, live: Manifest, found: tuple[Difference, ...]) -> DriftEntry | None:
    """The entry with its fields and who changed them, from the whole live object; None when it is no drift.

    No differences although our entry changed means that somebody changed a field back, or applied the same.
    """
    metadata = live["metadata"]
    managers: list[FieldChange] = []
    blame: dict[str, FieldChange] = {}
    for each in manager_entries(metadata):
        if each is own_entry(metadata) or each.get("subresource") == "status":
            continue
        paths, blamed = [], set()
        for path in field_set.leaves(each.get("fieldsV1") or {}):
            at = field_set.pointer_of(path, live)
            hit = {d.pointer for d in found if at and _overlap(d.pointer, at)}
            if hit:
                paths.append(path)
                blamed |= hit
        if paths:
            managers.append(field_change(each, paths))
            for at in blamed:
                blame[at] = max(blame.get(at, managers[-1]), managers[-1])
    known = {(m.manager, m.operation) for m in managers}
    managers += [m for m in entry.managers if (m.manager, m.operation) not in known]
    message = entry.message if found else "its ownership changed, its fields did not"
    who = tuple(sorted(managers)) or latest_writers(metadata)
    # Of what was removed nothing is recorded; who else was here alone, it was.
    only = who[0] if len(who) == 1 else None
    return replace(
        entry,
        differences=found,
        managers=who,
        message=message,
        blame=tuple(blame.get(each.pointer, only) for each in found),
    )


def _overlap(one: str, other: str) -> bool:
    """Whether one of two pointers names the field of the other, or a parent of it."""
    return pointer.covers([one], other) or pointer.covers([other], one)


def latest_writers(metadata: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The last writes by time, without those of only the status."""
    writers = [entry for entry in manager_entries(metadata) if entry.get("subresource") != "status"]
    newest = max((entry.get("time", "") for entry in writers), default="")
    return tuple(sorted(field_change(entry, ()) for entry in writers if entry.get("time", "") == newest))


def _value(value: Any) -> str:
    return "" if value is None else _code(format_value(value))


def _code(text: str) -> str:
    """The text as code in a cell of a Markdown table."""
    return "`" + text.replace("|", "\\|").replace("\n", " ").replace("`", "'") + "`"
