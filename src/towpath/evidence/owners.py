"""Owners of an environment's policy: named by the agent's own file of trusted keys, and by no repository.

    alice@example.com namespaces="towpath,towpath-policy" ssh-ed25519 AAAA…

What an owner signs (`ssh-keygen -Y sign -n towpath-policy`) lets a change take effect that loosens a policy.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from towpath.errors import UntrustedSignatureError
from towpath.evidence.ssh_signature import parse_ssh_signature
from towpath.evidence.trusted_keys import POLICY, TrustedKeys


@dataclass(frozen=True, slots=True)
class OwnerSignature:
    """An owner's signature of a text that holds: whose it is, and the fingerprint of the key."""

    owner: str
    fingerprint: str


def owners_of(trusted: TrustedKeys) -> tuple[str, ...]:
    """The names of all owners, sorted: those of the lines that name the use, also of lines that have ended.

    A line without `namespaces` may sign everything, but nobody becomes an owner by what is not written.
    """
    lines = (entry for entry in trusted.entries if POLICY in entry.namespaces)
    return tuple(sorted({name for entry in lines for name in entry.principals}))


def verify_owner(  # noqa: PLR0913
    content: bytes,
    signature: str,
    trusted: TrustedKeys,
    signed_at: datetime,
    now: datetime,
    *,
    expected: Collection[str] = (),
) -> OwnerSignature:
    """Which owner signed `content`: one signature is enough. What the text says is for its reader to judge.

    `signed_at` is the time that the text states. `expected`: only these owners, for example who is named in
    the text. EvidenceError when the signature is malformed or does not hold, and when the key is unknown, of
    nobody who is meant, or was not valid at that time.
    """
    owners = owners_of(trusted)
    if not owners:
        raise UntrustedSignatureError(
            "this agent trusts no owner's key, so no owner can have signed this",
            remedy="`towpath keys trust NAME FILE.pub --use policy` names an owner.",
        )
    if expected and (strangers := sorted(set(expected) - set(owners))):
        raise UntrustedSignatureError(
            f"{strangers[0][:60]!r} is no owner of the policy; owners are {', '.join(owners)}",
            remedy="Have it signed by an owner.",
        )
    parsed = parse_ssh_signature(signature)
    parsed.require(content, POLICY)
    owner = trusted.principal(parsed.key, POLICY, expected or owners, signed_at, now)
    return OwnerSignature(owner, parsed.key.fingerprint)
