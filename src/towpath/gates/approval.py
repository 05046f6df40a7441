"""Approvals: one person's decision about one digest with one set of manifests in one environment."""

import dataclasses
import difflib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from towpath.config import Environment
from towpath.errors import RefusedError

LIFETIME = timedelta(days=7)
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
    decision: Literal["approve", "reject"]
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for other data."""
        names = {field.name for field in dataclasses.fields(cls)}
        if (
            not isinstance(data, dict)
            or not names - {"reason"} <= set(data) <= names
            or not all(isinstance(value, str) for value in data.values())
            or data["decision"] not in ("approve", "reject")
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
    lifetime: timedelta = LIFETIME,
) -> None:
    """Raise RefusedError unless `approval` allows `app` at `digest` with `manifests` in `environment` now.

    `author` is the author of the release, who may not approve it. `lifetime` is the age at which an approval
    expires.
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
    check_approver(approval.approver, environment)
    if is_author(approval.approver, author):
        raise RefusedError(
            f"{approval.approver} wrote this release, and nobody approves his own work",
            remedy="Ask somebody else of those who may approve.",
        )
    age = now - _time(approval.at)
    if age > lifetime or age < -_CLOCK_SKEW:
        raise RefusedError(
            f"{approval.approver}'s approval of {approval.at} has expired", remedy="Approve again."
        )
    if approval.decision != "approve":
        because = f": {approval.reason}" if approval.reason else ""
        raise RefusedError(f"{approval.approver} rejected {app} in {environment.name}{because}")


def check_approver(name: str, environment: Environment) -> None:
    """Raise RefusedError unless the environment lists `name` among those who may approve there."""
    approvers = environment.gate.approvals.approvers
    if name not in approvers:
        near = difflib.get_close_matches(name, approvers, n=1)
        listed = f"May approve: {', '.join(approvers) or 'nobody'}."
        raise RefusedError(
            f"{name!r} may not approve in {environment.name}",
            remedy=f"Did you mean {near[0]}? {listed}" if near else listed,
        )


def is_author(approver: str, author: str) -> bool:
    """Whether `approver` and `author` (`Name <mail@host>`, a name, or an address) are the same person."""
    name, _, rest = author.partition("<")
    mail = rest.partition(">")[0].strip() or (name.strip() if "@" in name else "")
    aliases = {author, name, mail, mail.partition("@")[0]}
    return approver.strip().casefold() in {alias.strip().casefold() for alias in aliases if alias.strip()}


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"approval has no valid time: {text[:40]!r}") from None
    if time.tzinfo is None:
        raise RefusedError(f"approval has a time without a zone: {text}")
    return time


def _short(value: str) -> str:
    return value.removeprefix("sha256:")[:12] if value.startswith("sha256:") else value
