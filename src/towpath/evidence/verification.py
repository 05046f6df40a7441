"""Verifies statements: signature first, then what it says, then who may say it, and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from towpath.errors import EvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.approval import ApprovalStatement, decode_approval
from towpath.evidence.bundle import decode_bundle
from towpath.evidence.ssh_signature import parse_ssh_signature
from towpath.evidence.statement import ReleaseEvidence, decode_statement
from towpath.evidence.trusted_keys import APPROVALS, EVIDENCE, TrustedKeys


@dataclass(frozen=True, slots=True)
class AskedRelease:
    """What evidence must be about, and who may state it.

    `digest` is that of the image beside which the evidence lies, `beside` are those of the release's others.
    """

    app: str
    digest: str
    builders: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.app} {self.digest[:19]}"


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """Release evidence that is proven: by whom, and by which key."""

    evidence: ReleaseEvidence
    principal: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class VerifiedApproval:
    """A decision that is proven: by its approver's own key, or by a board where he had signed in."""

    statement: ApprovalStatement
    principal: str
    fingerprint: str

    @property
    def kind(self) -> Literal["signed", "identified"]:
        """`signed` by the approver, or `identified` by the board that signed."""
        return "signed" if self.principal == self.statement.approver else "identified"


def verify_release(
    bundle: bytes, trusted: TrustedKeys, asked: AskedRelease, now: datetime
) -> VerifiedRelease:
    """The evidence in a bundle about exactly what is asked, stated and signed by one of its builders."""
    envelope = decode_bundle(bundle)
    key = envelope.signer(trusted.keys_for(EVIDENCE))
    evidence = decode_statement(envelope.payload)
    principal = trusted.principal(key, EVIDENCE, asked.builders, evidence.finished, now)
    if evidence.builder != principal:
        raise UntrustedSignatureError(
            f"the evidence is stated by {evidence.builder[:60]!r} and signed by {principal}",
            remedy="Nobody signs in another's name. Deliver the release again.",
        )
    evidence.require(asked.app, (asked.digest, *asked.beside))
    return VerifiedRelease(evidence, principal, key.fingerprint)


def find_release(
    bundles: Iterable[bytes], trusted: TrustedKeys, asked: AskedRelease, now: datetime
) -> VerifiedRelease:
    """The newest evidence that proves the release: whoever writes to the registry may have added others.

    Where none does, the error is that of the closest, and says how many there were.
    """
    proven: list[VerifiedRelease] = []
    errors: list[EvidenceError] = []
    for bundle in bundles:
        try:
            proven.append(verify_release(bundle, trusted, asked, now))
        except EvidenceError as error:
            errors.append(error)
    if proven:
        return max(proven, key=lambda each: each.evidence.finished)
    if not errors:
        raise EvidenceError(
            f"there is no release evidence for {asked}",
            remedy="Only what the build agent delivers has any: deliver its commit again (`towpath deliver`)."
            " If that cannot be, an owner lets it in until a day that he names: `towpath policy except`.",
        )
    # The closest one tells most: it is signed by who may, and speaks of something else.
    closest = next((error for error in errors if isinstance(error, OtherSubjectError)), errors[0])
    count = f" ({len(errors)} were tried)" if len(errors) > 1 else ""
    message = f"no release evidence holds for {asked}{count}: {closest.message}"
    raise type(closest)(message, remedy=closest.remedy) from closest


def verify_approval(
    content: bytes,
    signature: str,
    trusted: TrustedKeys,
    now: datetime,
    *,
    boards: Collection[str] = (),
) -> VerifiedApproval:
    """The decision in `content`, if `signature` (as of `ssh-keygen -Y sign -n towpath`) is its approver's.

    `boards` are those who may sign for people that they have identified. What it is about, and whether it has
    expired, is asked of the statement (`require`).
    """
    parsed = parse_ssh_signature(signature)
    parsed.require(content, APPROVALS)
    statement = decode_approval(content)
    expected = [statement.approver, *boards]
    principal = trusted.principal(parsed.key, APPROVALS, expected, statement.made, now)
    return VerifiedApproval(statement, principal, parsed.key.fingerprint)
