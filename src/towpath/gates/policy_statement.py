"""What an owner signs of a policy: its protected part as it is in force from then on, and where it began.

A JSON text with sorted keys, beside `towpath.yaml`; its signature lies beside it, since a forge's squash
merge loses the signatures of commits.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from towpath.config.protected import Policy, parse_policy, policy_data
from towpath.evidence.json_text import malformed, object_at, parse_object, text_of, time_of
from towpath.evidence.owners import OwnerSignature, verify_owner
from towpath.evidence.trusted_keys import TrustedKeys

POLICY_TYPE = "https://towpath.dev/policy/v1"
POLICY_FILE = "policy.json"
SIGNATURE_FILE = f"{POLICY_FILE}.sig"
_WHAT = "the signed policy"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_KEYS = {"_type", "base", "at", "policy"}


@dataclass(frozen=True)
class PolicyStatement:
    """A policy that is meant. `base` is the commit of the repository that its signer looked at.

    Quarantines and pauses that came after `base` stay in force. `at` is when it was signed, RFC 3339: of
    several statements the newest counts.
    """

    base: str
    at: str
    policy: Policy

    @property
    def made(self) -> datetime:
        """`at` as a point in time."""
        return time_of(self.at, _WHAT)


@dataclass(frozen=True)
class SignedPolicy:
    """A statement that is proven, and by whom."""

    statement: PolicyStatement
    signature: OwnerSignature

    def __str__(self) -> str:
        return f"signed by {self.signature.owner} at {self.statement.at}"


def encode_policy(statement: PolicyStatement) -> bytes:
    """The text to sign, the same for the same statement."""
    data = {
        "_type": POLICY_TYPE,
        "base": statement.base,
        "at": statement.at,
        "policy": policy_data(statement.policy),
    }
    content = f"{json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode()
    decode_policy(content)  # whoever reads it is as strict
    return content


def decode_policy(content: bytes) -> PolicyStatement:
    """Read a statement; MalformedEvidenceError when it lacks something or says more than Towpath knows."""
    data = parse_object(content, _WHAT)
    if unknown := sorted(set(data) - _KEYS):
        raise malformed(_WHAT, f"has the unknown key {unknown[0][:60]!r}")
    if (stated := text_of(data, "_type", _WHAT)) != POLICY_TYPE:
        raise malformed(_WHAT, f"is of the type {stated[:80]!r}, not {POLICY_TYPE!r}")
    base, at = text_of(data, "base", _WHAT), text_of(data, "at", _WHAT)
    if not _COMMIT.fullmatch(base):
        raise malformed(_WHAT, "does not name the whole id of the commit that it begins with")
    time_of(at, _WHAT)
    try:
        policy = parse_policy(object_at(data, "policy", _WHAT))
    except ValueError as error:
        raise malformed(_WHAT, f"cannot be read: {error}") from None
    return PolicyStatement(base, at, policy)


def verify_policy(content: bytes, signature: str, trusted: TrustedKeys, now: datetime) -> SignedPolicy:
    """The statement, if an owner has signed it. EvidenceError names what does not hold."""
    statement = decode_policy(content)
    return SignedPolicy(statement, verify_owner(content, signature, trusted, statement.made, now))
