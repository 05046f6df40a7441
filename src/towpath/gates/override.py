"""Override statements: what an owner signs who lets one release pass what its environment asks.

Signed as it is, for the namespace of owners: `ssh-keygen -Y sign -n towpath-policy`.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from towpath.errors import OtherSubjectError, UntrustedSignatureError
from towpath.evidence.json_text import malformed, parse_object, text_of, time_of
from towpath.evidence.owners import verify_owner
from towpath.evidence.trusted_keys import CLOCK_SKEW, TrustedKeys

OVERRIDE_TYPE = "https://towpath.dev/override/v1"
MAX_BYTES = 16 * 1024
LIFETIME = timedelta(hours=1)
"""How long a statement counts that the command line makes."""
LONGEST = timedelta(days=1)
"""How long a statement may count at all: it is for an emergency."""
MAX_REASON = 1000
_WHAT = "an override"
Waived = Literal["gate", "quarantine"]
"""`gate`: order, soak and approvals of a promotion. `quarantine`: that the release is in quarantine."""
WAIVED: tuple[Waived, ...] = ("gate", "quarantine")


@dataclass(frozen=True, slots=True)
class OverrideStatement:
    """One owner's word that one release may pass one thing in one environment. Times are RFC 3339."""

    app: str
    environment: str
    release: str
    waives: Waived
    owner: str
    reason: str
    at: str
    expires: str


@dataclass(frozen=True, slots=True)
class VerifiedOverride:
    """A statement that is proven. `id` is the SHA-256 of its text, in hex digits."""

    statement: OverrideStatement
    fingerprint: str
    id: str


def encode_override(statement: OverrideStatement) -> bytes:
    """The text to sign, the same for the same statement."""
    data = {"_type": OVERRIDE_TYPE, **dataclasses.asdict(statement)}
    content = f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()
    decode_override(content)  # whoever reads it is as strict
    return content


def decode_override(content: bytes) -> OverrideStatement:
    """Read a statement; MalformedEvidenceError when it lacks something or says more than Towpath knows."""
    data = parse_object(content, _WHAT, largest=MAX_BYTES)
    names = {field.name for field in dataclasses.fields(OverrideStatement)}
    if unknown := sorted(set(data) - names - {"_type"}):
        raise malformed(_WHAT, f"has the unknown key {unknown[0][:60]!r}")
    if (stated := text_of(data, "_type", _WHAT)) != OVERRIDE_TYPE:
        raise malformed(_WHAT, f"is of the type {stated[:80]!r}, not {OVERRIDE_TYPE!r}")
    texts = {name: text_of(data, name, _WHAT) for name in names}
    if texts["waives"] not in WAIVED:
        raise malformed(_WHAT, f"waives {texts['waives'][:40]!r}, not one of {', '.join(WAIVED)}")
    if not texts["reason"].strip() or len(texts["reason"]) > MAX_REASON:
        raise malformed(_WHAT, f"must have a reason of at most {MAX_REASON} characters")
    lasts = time_of(texts["expires"], _WHAT) - time_of(texts["at"], _WHAT)
    if not timedelta() < lasts <= LONGEST:
        raise malformed(_WHAT, f"must expire within {LONGEST.days} day after it is made")
    waives = cast("Waived", texts.pop("waives"))
    return OverrideStatement(waives=waives, **texts)


def verify_override(content: bytes, signature: str, trusted: TrustedKeys, now: datetime) -> VerifiedOverride:
    """The statement in `content`, if its owner signed it and it counts at `now`. EvidenceError otherwise.

    What it is about is for `require_about` to ask.
    """
    statement = decode_override(content)
    made = time_of(statement.at, _WHAT)
    signed = verify_owner(content, signature, trusted, made, now, expected=(statement.owner,))
    if now >= time_of(statement.expires, _WHAT):
        raise UntrustedSignatureError(
            f"{statement.owner}'s override of {statement.at} has expired at {statement.expires}",
            remedy="Sign again, if it is still needed.",
        )
    if made > now + CLOCK_SKEW:
        raise UntrustedSignatureError(
            f"{statement.owner}'s override is dated {statement.at}, which is in the future",
            remedy="Set the clock of the machine that signed it, and sign again.",
        )
    return VerifiedOverride(statement, signed.fingerprint, hashlib.sha256(content).hexdigest())


def require_about(
    override: VerifiedOverride, *, app: str, environment: str, release: str, waives: Waived
) -> None:
    """OtherSubjectError unless the owner has signed for exactly that."""
    asked = {"app": app, "environment": environment, "release": release, "waives": waives}
    for name, value in asked.items():
        stated = getattr(override.statement, name)
        if stated != value:
            raise OtherSubjectError(
                f"{override.statement.owner}'s override is about another {name}:"
                f" {stated[:80]!r}, not {value[:80]!r}",
                remedy="Nothing else may be done with it. Have an owner sign for what is meant.",
            )


def parse_signed(text: str) -> tuple[bytes, str]:
    """Statement and signature of the text that `join_signed` makes; MalformedEvidenceError for another."""
    what = "a signed override"
    data = parse_object(text.encode(errors="replace"), what, largest=4 * MAX_BYTES)
    if set(data) != {"statement", "signature"}:
        raise malformed(what, "must have `statement` and `signature`, and nothing else")
    return text_of(data, "statement", what).encode(), text_of(data, "signature", what)


def join_signed(statement: bytes, signature: str) -> str:
    """Statement and signature as one text, for the parameters of a run."""
    return json.dumps({"statement": statement.decode(), "signature": signature})
