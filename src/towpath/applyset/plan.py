"""A plan: the ordered changes of a sync. Frozen, byte-stable, printable."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

NOT_DELETED = "not deleted"
"""Begin of the reason of an entry whose object stays although Git does not have it."""
MAX_WIDTH = 110
"""Columns of a line of a brief."""
Action = Literal["create", "configure", "unchanged", "delete", "skip"]
_SIGN = {"create": "+", "configure": "~", "delete": "-", "unchanged": " ", "skip": "!"}
_SUMMARY_WORDS: dict[Action, str] = {
    "create": "to create",
    "configure": "to configure",
    "delete": "to delete",
    "skip": "skipped",
}


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """What the sync would do to one object, and why."""

    ref: ObjectRef
    action: Action
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    uid: str = ""
    """The uid of the object that would be deleted."""

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
    """The entries are in the order of the sync, deletions last. `desired_digest` is that of the rendering."""

    app: str
    environment: str
    entries: tuple[PlanEntry, ...]
    desired_digest: str

    @property
    def changes(self) -> tuple[PlanEntry, ...]:
        """The entries that write to the cluster."""
        return tuple(entry for entry in self.entries if entry.action not in ("unchanged", "skip"))

    @property
    def differs(self) -> bool:
        """Whether live objects differ from Git, even where a sync would not change them."""
        return any(
            entry.action != "unchanged" and not entry.reason.startswith(NOT_DELETED) for entry in self.entries
        )

    def summary(self) -> str:
        """One line: `hello in dev: 1 to create (3 objects)`."""
        counts = Counter(entry.action for entry in self.entries)
        parts = [f"{counts[action]} {words}" for action, words in _SUMMARY_WORDS.items() if counts[action]]
        total = f"{len(self.entries)} object{'' if len(self.entries) == 1 else 's'}"
        what = ", ".join(parts) if parts else "nothing to do"
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
        """The changes as lines of a diff, for a terminal."""
        shown = [entry for entry in self.entries if entry.action != "unchanged"]
        return "\n".join([*(line for entry in shown for line in entry.lines()), self.summary()])

    def to_markdown(self) -> str:
        """The summary and the changes in a `diff` block."""
        shown = [entry for entry in self.entries if entry.action != "unchanged"]
        if not shown:
            return self.summary() + "\n"
        body = "\n".join(_sign_first(line) for entry in shown for line in entry.lines())
        return f"{self.summary()}\n\n{fenced_block(body)}\n"

    def diff_lines(self) -> Iterator[str]:
        """The changes as lines of a `diff` block, deletions first; each is made when it is asked for."""
        deletions = [entry for entry in self.entries if entry.action == "delete"]
        others = [entry for entry in self.entries if entry.action not in ("delete", "unchanged")]
        return (_sign_first(line) for entry in (*deletions, *others) for line in entry.lines())

    def brief(self, limit: int) -> tuple[str, ...]:
        """The summary and the first `limit` lines of the changes, deletions first, and how many more."""
        lines = list(self.diff_lines())
        shown = [line if len(line) <= MAX_WIDTH else line[: MAX_WIDTH - 1] + "…" for line in lines[:limit]]
        more = [f"and {len(lines) - limit} more lines"] if len(lines) > limit else []
        return (self.summary(), *shown, *more)


def fenced_block(body: str, language: str = "diff") -> str:
    """A Markdown code block whose fence does not occur in `body`."""
    longest = max(map(len, re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def _sign_first(line: str) -> str:
    """The line with its sign in the first column, where the highlighting of `diff` expects it."""
    return f"{line[2]} {'  '}{line[4:]}" if line.startswith(("  - ", "  + ")) else line
