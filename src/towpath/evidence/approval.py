"""Approval statements: what a person signs who lets a release into an environment, or does not.

A statement is a small JSON text with one key a line, so that people can read what they sign.
"""

import dataclasses
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from towpath.errors import OtherSubjectError, UntrustedSignatureError
from towpath.evidence.json_text import malformed, parse_object, text_of, time_of
from towpath.evidence.trusted_keys import CLOCK_SKEW

APPROVAL_TYPE = "https://towpath.dev/approval/v1"
MAX_BYTES = 64 * 1024
_WHAT = "an approval"
Decision = Literal["approve", "withdraw", "reject"]
DECISIONS: tuple[Decision, ...] = ("approve", "withdraw", "reject")
_OPTIONAL = ("reason", "base_commit")
_HASH = re.compile(r"(?:[a-z0-9-]{1,20}:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApprovalStatement:
    """One person's decision about one release with one set of manifests in one environment.

    `release` is the identity of the release, `manifests` the whole hash of all rendered manifests.
    `base_commit` is the commit of the environment repository that they were rendered from, for information
    only. `withdraw` takes an earlier approval back. Times are RFC 3339; from `expires` on it does not count.
    """

    app: str
    environment: str
    release: str
    manifests: str
    decision: Decision
    approver: str
    at: str
    expires: str
    reason: str = ""
    base_commit: str = ""

    @property
    def made(self) -> datetime:
        """`at` as a point in time."""
        return time_of(self.at, _WHAT)

    def require(self, app: str, environment: str, release: str, manifests: str, now: datetime) -> None:
        """Raise unless this is about exactly that, made before `now`, and not expired.

        OtherSubjectError names what differs; UntrustedSignatureError says that it is not valid now.
        """
        asked = {"app": app, "environment": environment, "release": release, "manifests": manifests}
        for name, value in asked.items():
            stated = getattr(self, name)
            if stated != value:
                raise OtherSubjectError(
                    f"{self.approver}'s decision is about another {name}:"
                    f" {stated[:80]!r}, not {value[:80]!r}",
                    remedy="What was decided on has changed: look at the new plan and decide again.",
                )
        if now >= time_of(self.expires, _WHAT):
            raise UntrustedSignatureError(
                f"{self.approver}'s decision of {self.at} has expired at {self.expires}",
                remedy="Decide again.",
            )
        if self.made > now + CLOCK_SKEW:
            raise UntrustedSignatureError(
                f"{self.approver}'s decision is dated {self.at}, which is in the future",
                remedy="Set the clock of the machine that signed it, and sign again.",
            )


def encode_approval(statement: ApprovalStatement) -> bytes:
    """The text to sign, the same for the same decision."""
    data = {"_type": APPROVAL_TYPE, **dataclasses.asdict(statement)}
    for name in _OPTIONAL:
        if not data[name]:
            del data[name]
    content = f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()
    decode_approval(content)  # whoever reads it is as strict
    return content


def decode_approval(content: bytes) -> ApprovalStatement:
    """Read a statement; MalformedEvidenceError when it lacks something or says more than Towpath knows."""
    data = parse_object(content, _WHAT, largest=MAX_BYTES)
    names = {field.name for field in dataclasses.fields(ApprovalStatement)}
    if unknown := sorted(set(data) - names - {"_type"}):
        raise malformed(_WHAT, f"has the unknown key {unknown[0][:60]!r}")
    if (stated := text_of(data, "_type", _WHAT)) != APPROVAL_TYPE:
        raise malformed(_WHAT, f"is of the type {stated[:80]!r}, not {APPROVAL_TYPE!r}")
    texts = {name: text_of(data, name, _WHAT, optional=name in _OPTIONAL) for name in names}
    if texts["decision"] not in DECISIONS:
        raise malformed(_WHAT, f"decides {texts['decision'][:40]!r}, not one of {', '.join(DECISIONS)}")
    if not _HASH.fullmatch(texts["manifests"]):
        raise malformed(_WHAT, "does not name the whole hash of the manifests (64 hex digits)")
    if time_of(texts["expires"], _WHAT) <= time_of(texts["at"], _WHAT):
        raise malformed(_WHAT, "expires before it is made")
    decision = cast("Decision", texts.pop("decision"))
    return ApprovalStatement(decision=decision, **texts)
