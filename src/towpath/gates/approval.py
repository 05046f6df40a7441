"""Approvals: one person's decision about one digest with one set of manifests in one environment."""

import dataclasses
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from towpath.config import Environment, People
from towpath.errors import RefusedError

NOBODY = People()
"""Where `people` names none, names are compared as they are."""
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Approval:
    """`digest` and `manifests` (hash of the rendered objects) are what the approver saw. `at` is RFC 3339."""

    approver: str
    digest: str
    manifests: str
    environment: str
    app: str
    at: str
    decision: Literal["approve", "withdraw", "reject"]
    reason: str = ""
    statement: str = ""
    """What the approver signed, with the signature; empty for one that is only declared."""

    @property
    def kind(self) -> Literal["declared", "signed"]:
        """`declared`: whoever reaches the form gave that name."""
        return "signed" if self.statement else "declared"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for other data."""
        names = {field.name for field in dataclasses.fields(cls)}
        if (
            not isinstance(data, dict)
            or not names - {"reason", "statement"} <= set(data) <= names
            or not all(isinstance(value, str) for value in data.values())
            or data["decision"] not in ("approve", "withdraw", "reject")
        ):
            raise ValueError("not an approval")
        return cls(**data)


def check_approval(  # noqa: PLR0913, PLR0917
    approval: Approval,
    environment: Environment,
    app: str,
    digest: str,
    manifests: str,
    author: str,
    now: datetime,
    *,
    people: People = NOBODY,
) -> None:
    """Raise RefusedError unless `approval` allows `app` at `digest` with `manifests` in `environment` now.

    `author` is the author of the release, who may not approve it, whatever name or address of his was used:
    `people` tells. `expires` of the environment's approvals is the age from which on it does not count.
    """
    expected = {"app": app, "environment": environment.name, "digest": digest, "manifests": manifests}
    for name, value in expected.items():
        approved = getattr(approval, name)
        if approved != value:
            raise RefusedError(
                f"{approval.approver}'s approval is for another {name}:"
                f" {_short(approved)}, not {_short(value)}",
                remedy="What was approved has changed: look at the new plan and approve that.",
            )
    check_approver(approval.approver, environment, people)
    if is_author(approval.approver, author, people):
        raise RefusedError(
            f"{approval.approver} wrote this release, and nobody approves his own work",
            remedy="Ask somebody else of those who may approve.",
        )
    age = now - time_of_approval(approval.at)
    lifetime = environment.gate.approvals.expires
    if age < -_CLOCK_SKEW:
        raise RefusedError(
            f"{approval.approver}'s approval is dated {approval.at}, which is in the future",
            remedy="Compare that machine's clock with this one's, set what is wrong, and approve again.",
        )
    if age >= lifetime:
        raise RefusedError(
            f"{approval.approver}'s approval of {approval.at} has expired: it counts for {lifetime}",
            remedy="Approve again.",
        )
    if approval.decision == "withdraw":
        raise RefusedError(f"{approval.approver} has taken the approval of {app} in {environment.name} back")
    if approval.decision != "approve":
        because = f": {approval.reason}" if approval.reason else ""
        raise RefusedError(f"{approval.approver} rejected {app} in {environment.name}{because}")


def given(approvals: Iterable[Approval]) -> tuple[Approval, ...]:
    """Those that approve: not what was taken back."""
    return tuple(each for each in approvals if each.decision == "approve")


def check_approver(name: str, environment: Environment, people: People = NOBODY) -> str:
    """The person whose name or address it is. RefusedError unless that person may approve there."""
    approvals = environment.gate.approvals
    approvers = people.approvers(approvals.approvers, approvals.groups)
    person = people.person(name)
    if person not in approvers:
        near = difflib.get_close_matches(name, sorted(approvers), n=1)
        listed = f"May approve: {', '.join(sorted(approvers)) or 'nobody'}."
        raise RefusedError(
            f"{name!r} may not approve in {environment.name}",
            remedy=f"Did you mean {near[0]}? {listed}" if near else listed,
        )
    return person


def is_author(approver: str, author: str, people: People = NOBODY) -> bool:
    """Whether `approver` and `author` (`Name <mail@host>`, a name, or an address) may be the same person."""
    return people.is_author(approver, author)


def time_of_approval(text: str) -> datetime:
    """`at` as a point in time; RefusedError for a text that is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"approval has no valid time: {text[:40]!r}") from None
    if time.tzinfo is None:
        raise RefusedError(f"approval has a time without a zone: {text}")
    return time


def _short(value: str) -> str:
    return value.removeprefix("sha256:")[:12] if value.startswith("sha256:") else value
