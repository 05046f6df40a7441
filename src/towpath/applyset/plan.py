"""A plan: the ordered changes that would make live equal to desired. Frozen, byte-stable, printable."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

NOT_DELETED = "not deleted"
"""Reason of an entry for what stays although Git does not have it."""
Action = Literal["create", "configure", "unchanged", "delete", "skip"]
_SIGN = {"create": "+", "configure": "~", "delete": "-", "unchanged": " ", "skip": "!"}
_DONE: dict[Action, str] = {
    "create": "to create",
    "configure": "to configure",
    "delete": "to delete",
    "skip": "skipped",
}


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """What would happen to one object, and why."""

    ref: ObjectRef
    action: Action
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    uid: str = ""
    """Of the object that would be deleted."""

    def to_json(self) -> dict[str, Any]:
        return {
            "object": self.ref.to_json(),
            "action": self.action,
            "differences": [difference.to_json() for difference in self.differences],
            "reason": self.reason,
        } | ({"uid": self.uid} if self.uid else {})

    def lines(self) -> Iterable[str]:
        reason = f"  ({self.reason})" if self.reason else ""
        yield f"{_SIGN[self.action]} {self.ref}{reason}"
        for difference in self.differences:
            yield from (f"  {line}" for line in difference.lines())


@dataclass(frozen=True, slots=True)
class Plan:
    """`entries` are in the order in which they would be carried out, deletions last."""

    app: str
    environment: str
    entries: tuple[PlanEntry, ...]
    desired_digest: str

    @property
    def changes(self) -> tuple[PlanEntry, ...]:
        """Entries that would write."""
        return tuple(entry for entry in self.entries if entry.action not in ("unchanged", "skip"))

    @property
    def differs(self) -> bool:
        """Whether live is not as Git wants it, also where a sync could not help it."""
        return any(
            entry.action != "unchanged" and not entry.reason.startswith(NOT_DELETED) for entry in self.entries
        )

    def summary(self) -> str:
        """One line."""
        counts = Counter(entry.action for entry in self.entries)
        told = [f"{counts[action]} {words}" for action, words in _DONE.items() if counts[action]]
        total = f"{len(self.entries)} object{'' if len(self.entries) == 1 else 's'}"
        what = ", ".join(told) if told else "nothing to do"
        return f"{self.app} in {self.environment}: {what} ({total})"

    def to_json(self) -> dict[str, Any]:
        return {
            "app": self.app,
            "environment": self.environment,
            "desired": self.desired_digest,
            "summary": self.summary(),
            "entries": [entry.to_json() for entry in self.entries],
        }

    def to_text(self) -> str:
        """For a terminal."""
        told = [entry for entry in self.entries if entry.action != "unchanged"]
        return "\n".join([*(line for entry in told for line in entry.lines()), self.summary()])

    def to_markdown(self) -> str:
        """Summary and a fenced diff."""
        told = [entry for entry in self.entries if entry.action != "unchanged"]
        if not told:
            return self.summary() + "\n"
        body = "\n".join(_marked(line) for entry in told for line in entry.lines())
        return f"{self.summary()}\n\n{fenced_block(body)}\n"


def fenced_block(body: str, language: str = "diff") -> str:
    """A code block that its content cannot end."""
    fence = "```"
    while fence in body:
        fence += "`"
    return f"{fence}{language}\n{body}\n{fence}"


def _marked(line: str) -> str:
    """The sign of a field's line moves to the first column, where `diff` colouring looks for it."""
    return f"{line[2]} {'  '}{line[4:]}" if line.startswith(("  - ", "  + ")) else line
