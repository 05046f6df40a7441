"""Signs statements with a key of an agent or a board. People sign theirs by `ssh-keygen`."""

from towpath.evidence.approval import ApprovalStatement, encode_approval
from towpath.evidence.bundle import encode_bundle
from towpath.evidence.envelope import sign_envelope
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.statement import ReleaseEvidence, encode_statement
from towpath.evidence.trusted_keys import APPROVALS


def sign_release(evidence: ReleaseEvidence, key: PrivateKey) -> bytes:
    """The bundle to attach to each image of the release."""
    envelope = sign_envelope(encode_statement(evidence), key)
    return encode_bundle(envelope, key.public)


def sign_approval(statement: ApprovalStatement, key: PrivateKey) -> tuple[bytes, str]:
    """The statement's text and its signature, as `ssh-keygen -Y sign -n towpath` makes it."""
    content = encode_approval(statement)
    return content, sign_text(content, APPROVALS, key)
